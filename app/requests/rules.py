"""Training requests: life cycle, tranches, grounds, basis, cost, hours, assessment, ranking."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import NamedTuple, TypedDict
from uuid import UUID

from app.kernel.calendar import amsterdam_day
from app.kernel.errors import Refusal, Text
from app.kernel.holidays import is_free_day, next_working_day
from app.kernel.quantities import Cents, Minutes, part
from app.kernel.steps import Step
from app.policy.rules import Criterion, DeadlineRoll, Policy, TrancheRule
from app.requests.errors import (
    ActionNotAllowed,
    AssessmentIncomplete,
    BsnInText,
    CompletionMistimed,
    ConversationMissing,
    CostBeyondReach,
    DatesReversed,
    EndorsementMissing,
    HoursDoNotFit,
    InterimConsentMissing,
    NecessityMissing,
    OutcomeInconsistent,
    ParticipantsDiffer,
    RatingOffScale,
    SessionOutsideTraining,
    SessionsMissing,
    TwiceNamed,
)

DAY_MINUTES = 480
_WHOLE_BASIS_POINTS = 10_000
# Ten milliard euros: what an amount on the wire may be, so that a request's total is one too.
_MOST_CENTS = Cents(10**12)
_ONE_DAY = timedelta(days=1)


class RequestStatus(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    UNDER_ASSESSMENT = "under_assessment"
    PROPOSED = "proposed"
    GRANTED = "granted"
    PARTLY_GRANTED = "partly_granted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class RequestAction(StrEnum):
    """A step in the life of a request.

    ``consent`` and ``refuse`` are the MT's answer to an interim request before it is assessed;
    ``take_back`` returns a request from a proposal that did not reach a decision; ``withdraw`` is
    the applicant's before a decision, ``cancel`` what ends a granted training.
    """

    CHANGE = "change"
    ENDORSE = "endorse"
    SUBMIT = "submit"
    CONSENT = "consent"
    REFUSE = "refuse"
    ASSESS = "assess"
    PROPOSE = "propose"
    TAKE_BACK = "take_back"
    GRANT = "grant"
    GRANT_PARTLY = "grant_partly"
    DEFER = "defer"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    CANCEL = "cancel"
    COMPLETE = "complete"


# A decision is revised by a later one, so that a decided request can be decided again.
_DECISIONS: Mapping[RequestAction, RequestStatus] = {
    RequestAction.GRANT: RequestStatus.GRANTED,
    RequestAction.GRANT_PARTLY: RequestStatus.PARTLY_GRANTED,
    RequestAction.DEFER: RequestStatus.DEFERRED,
    RequestAction.REJECT: RequestStatus.REJECTED,
}
_AFTER_A_GRANT: Mapping[RequestAction, RequestStatus] = {
    **_DECISIONS,
    RequestAction.CANCEL: RequestStatus.CANCELLED,
    RequestAction.COMPLETE: RequestStatus.COMPLETED,
}
_LIFE_CYCLE: Mapping[RequestStatus, Mapping[RequestAction, RequestStatus]] = {
    RequestStatus.DRAFT: {
        RequestAction.CHANGE: RequestStatus.DRAFT,
        RequestAction.ENDORSE: RequestStatus.DRAFT,
        RequestAction.SUBMIT: RequestStatus.SUBMITTED,
        RequestAction.WITHDRAW: RequestStatus.WITHDRAWN,
    },
    RequestStatus.SUBMITTED: {
        RequestAction.CONSENT: RequestStatus.SUBMITTED,
        RequestAction.REFUSE: RequestStatus.REJECTED,
        RequestAction.ASSESS: RequestStatus.UNDER_ASSESSMENT,
        RequestAction.WITHDRAW: RequestStatus.WITHDRAWN,
    },
    RequestStatus.UNDER_ASSESSMENT: {
        RequestAction.ASSESS: RequestStatus.UNDER_ASSESSMENT,
        RequestAction.PROPOSE: RequestStatus.PROPOSED,
        RequestAction.WITHDRAW: RequestStatus.WITHDRAWN,
    },
    RequestStatus.PROPOSED: {
        **_DECISIONS,
        RequestAction.TAKE_BACK: RequestStatus.UNDER_ASSESSMENT,
    },
    RequestStatus.GRANTED: _AFTER_A_GRANT,
    RequestStatus.PARTLY_GRANTED: _AFTER_A_GRANT,
    RequestStatus.DEFERRED: {
        **_DECISIONS,
        RequestAction.ASSESS: RequestStatus.UNDER_ASSESSMENT,
        RequestAction.WITHDRAW: RequestStatus.WITHDRAWN,
    },
    RequestStatus.REJECTED: _DECISIONS,
}

TRANSITIONS: Mapping[tuple[RequestStatus, RequestAction], RequestStatus] = MappingProxyType(
    {
        (status, action): outcome
        for status, steps in _LIFE_CYCLE.items()
        for action, outcome in steps.items()
    }
)

# What is neither turned down nor called off: these requests count when a tranche is weighed.
LIVE_STATUSES = (
    RequestStatus.SUBMITTED,
    RequestStatus.UNDER_ASSESSMENT,
    RequestStatus.PROPOSED,
    RequestStatus.GRANTED,
    RequestStatus.PARTLY_GRANTED,
    RequestStatus.DEFERRED,
    RequestStatus.COMPLETED,
)


def next_status(status: RequestStatus, action: RequestAction) -> RequestStatus:
    """Return the status that ``action`` leads to.

    Raises:
        ActionNotAllowed: the life cycle has no such step.
    """
    try:
        return TRANSITIONS[status, action]
    except KeyError:
        raise ActionNotAllowed(status=status.value, action=action.value) from None


class TrainingKind(StrEnum):
    """What sort of learning it is; learning is more than courses (SER-24)."""

    COURSE = "course"
    TRAINING = "training"
    EDUCATION = "education"
    EXAM = "exam"
    CONFERENCE = "conference"
    COACHING = "coaching"
    E_LEARNING = "e_learning"
    INTERNSHIP = "internship"
    WORK_EXPERIENCE = "work_experience"
    INFORMAL = "informal"
    OTHER = "other"


INFORMAL_KINDS = frozenset(
    {TrainingKind.INTERNSHIP, TrainingKind.WORK_EXPERIENCE, TrainingKind.INFORMAL}
)


class TrainingBasis(StrEnum):
    """Why the training is followed (grondslag), as classified under LAW-1."""

    STATUTORY = "statutory"
    CAO = "cao"
    PUBLIC_RULE = "public_rule"
    NECESSARY_FOR_FUNCTION = "necessary_for_function"
    IMPROVEMENT_PLAN = "improvement_plan"
    VOLUNTARY = "voluntary"
    UNKNOWN = "unknown"


# A legal or function-bound necessity (VIS-3.1, VIS-6.4).
NECESSARY_BASES = frozenset(
    {
        TrainingBasis.STATUTORY,
        TrainingBasis.CAO,
        TrainingBasis.PUBLIC_RULE,
        TrainingBasis.NECESSARY_FOR_FUNCTION,
    }
)


class ParticipantStatus(StrEnum):
    """How a participant stands; ``not_granted`` where the MT granted for others alone."""

    ENROLLED = "enrolled"
    NOT_GRANTED = "not_granted"
    COMPLETED = "completed"
    NOT_COMPLETED = "not_completed"


class OutcomeKind(StrEnum):
    """What a training can end in (KB-14)."""

    DIPLOMA = "diploma"
    MBO_CERTIFICATE = "mbo_certificate"
    MICROCREDENTIAL = "microcredential"
    PRACTICE_STATEMENT = "practice_statement"
    EVC_CERTIFICATE = "evc_certificate"
    BRANCH_CERTIFICATE = "branch_certificate"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Participant:
    employee_id: UUID
    status: ParticipantStatus = ParticipantStatus.ENROLLED


@dataclass(frozen=True, slots=True)
class TrainingSession:
    """One session that every participant attends; it counts in the calendar year of ``held_on``.

    ``estimated`` when only the hours in total were known and the day was spread by rule.
    """

    id: UUID
    held_on: date
    minutes: Minutes
    working_time: bool
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class CostLine:
    """One cost: its amount without VAT, and the VAT on it, per participant or for all together."""

    what: str
    amount_cents: Cents
    vat_cents: Cents
    per_participant: bool

    @property
    def cost_cents(self) -> Cents:
        """What the line costs the organisation: with VAT, which it can not reclaim on training."""
        return Cents(self.amount_cents + self.vat_cents)


@dataclass(frozen=True, slots=True)
class Ground:
    """A criterion that the request says it serves, with the motivation."""

    criterion: Criterion
    motivation: str


@dataclass(frozen=True, slots=True)
class Rating:
    """HR's judgement on one criterion: 0 none, 1 slight, 2 clear, 3 strong, 4 decisive."""

    criterion: Criterion
    rating: int
    motivation: str


@dataclass(frozen=True, slots=True)
class Score:
    """A weighted score as a ratio of whole numbers: ``points`` of ``most_points``."""

    points: int
    most_points: int

    @property
    def basis_points(self) -> int:
        """The score in hundredths of a percent, half a one rounded up; for showing only."""
        return part(_WHOLE_BASIS_POINTS, numerator=self.points, denominator=self.most_points)

    @property
    def exact(self) -> Fraction:
        return Fraction(self.points, self.most_points)


@dataclass(frozen=True, slots=True)
class Classification:
    """One entry in the history of a request's basis: which, who said so, when and why (LAW-1)."""

    id: UUID
    sequence: int
    basis: TrainingBasis
    source: str | None
    reason: str
    classified_by: str
    classified_by_id: UUID | None
    classified_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    kind: OutcomeKind
    nlqf_level: int | None
    credits: int | None


@dataclass(frozen=True, slots=True)
class TrancheKey:
    """A tranche of requests: the days it collects, both included, and the last to decide on."""

    year: int
    number: int
    opens_on: date
    closes_on: date
    decision_by: date


@dataclass(frozen=True, slots=True)
class Tranche:
    """A tranche that was opened, under the policy version it was opened by."""

    id: UUID
    key: TrancheKey
    policy_version_id: UUID


@dataclass(frozen=True, slots=True)
class Draft:
    """What a request asks for, as its drafter gives it: everything that may change until then."""

    title: str
    provider: str
    kind: TrainingKind
    starts_on: date
    ends_on: date
    motivation: str
    conversation_on: date | None
    basis: TrainingBasis
    basis_source: str | None
    basis_reason: str | None
    participant_ids: tuple[UUID, ...]
    sessions: tuple[TrainingSession, ...]
    cost_lines: tuple[CostLine, ...]
    grounds: tuple[Ground, ...]

    @property
    def free_texts(self) -> Mapping[str, str | None]:
        """Every text a person typed, by the name of its field."""
        return {
            "title": self.title,
            "provider": self.provider,
            "motivation": self.motivation,
            "basisSource": self.basis_source,
            "basisReason": self.basis_reason,
            "costLines": "\n".join(line.what for line in self.cost_lines),
            "grounds": "\n".join(ground.motivation for ground in self.grounds),
        }


@dataclass(frozen=True, slots=True)
class RequestDetails:
    """All that the areas above need to know of a training request (opleidingsaanvraag)."""

    id: UUID
    reference: str
    version: int
    status: RequestStatus
    tranche_id: UUID | None
    interim: bool
    necessity: str | None
    consented_at: datetime | None
    title: str
    title_key: str
    provider: str
    kind: TrainingKind
    starts_on: date
    ends_on: date
    motivation: str
    conversation_on: date | None
    applicant_id: UUID | None
    endorsed_by_id: UUID | None
    endorsed_at: datetime | None
    submitted_at: datetime | None
    policy_version_id: UUID | None
    basis: TrainingBasis
    participants: tuple[Participant, ...]
    sessions: tuple[TrainingSession, ...]
    cost_lines: tuple[CostLine, ...]
    grounds: tuple[Ground, ...]
    ratings: tuple[Rating, ...]
    score: Score | None
    completed_on: date | None
    cancelled_on: date | None
    outcome: Outcome | None
    closing_reason: str | None
    created_at: datetime

    @property
    def informal(self) -> bool:
        return self.kind in INFORMAL_KINDS

    @property
    def collective(self) -> bool:
        """Whether more than one employee takes part."""
        return len(self.participants) > 1

    @property
    def participant_ids(self) -> tuple[UUID, ...]:
        return tuple(participant.employee_id for participant in self.participants)

    @property
    def enrolled_ids(self) -> tuple[UUID, ...]:
        """Who takes part, as far as it was granted."""
        return tuple(
            participant.employee_id
            for participant in self.participants
            if participant.status is not ParticipantStatus.NOT_GRANTED
        )

    @property
    def total_cost_cents(self) -> Cents:
        return total_cost(self.cost_lines, participants=len(self.participants))

    @property
    def cost_per_participant_cents(self) -> Cents:
        return cost_per_participant(self.cost_lines, participants=len(self.participants))

    @property
    def minutes_by_year(self) -> Mapping[int, Minutes]:
        """Working time of each participant, per calendar year."""
        return minutes_by_year(self.sessions, working_time=True)

    @property
    def own_minutes_by_year(self) -> Mapping[int, Minutes]:
        """Own time of each participant, per calendar year; it does not count for the norm."""
        return minutes_by_year(self.sessions, working_time=False)

    @property
    def working_minutes(self) -> Minutes:
        """Working time of each participant over all years."""
        return Minutes(sum(self.minutes_by_year.values()))

    @property
    def assessment_complete(self) -> bool:
        return not missing_criteria(self.ratings)

    @property
    def priority(self) -> int:
        return priority_class(self.basis)

    @property
    def draft(self) -> Draft:
        """What the request asks for, without what became of it."""
        return Draft(
            title=self.title,
            provider=self.provider,
            kind=self.kind,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            motivation=self.motivation,
            conversation_on=self.conversation_on,
            basis=self.basis,
            basis_source=None,
            basis_reason=None,
            participant_ids=self.participant_ids,
            sessions=self.sessions,
            cost_lines=self.cost_lines,
            grounds=self.grounds,
        )

    def is_own(self, person_id: UUID) -> bool:
        """Tell whether the request is for, or by, this person."""
        return person_id == self.applicant_id or person_id in self.participant_ids


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which requests a list is asked for; what is None does not narrow it."""

    status: RequestStatus | None = None
    tranche_id: UUID | None = None
    participant_id: UUID | None = None
    applicant_id: UUID | None = None


class RequestSummary(TypedDict):
    """A request as a list shows it: no participant by name or id, only how many.

    A mapping: of a page of them an answer is made three times as fast as of objects.
    """

    id: UUID
    reference: str
    version: int
    status: RequestStatus
    tranche_id: UUID | None
    interim: bool
    title: str
    provider: str
    kind: TrainingKind
    starts_on: date
    ends_on: date
    basis: TrainingBasis
    applicant_id: UUID | None
    submitted_at: datetime | None
    participant_count: int
    total_cost_cents: Cents


# --- Grounds, basis and what a submission needs -------------------------------------------------


def needs_endorsement(applicant_id: UUID | None, participant_ids: Collection[UUID]) -> bool:
    """Tell whether a manager endorses first: when the applicant takes part (VIS-5.3)."""
    return applicant_id in participant_ids


def check_submittable(
    reference: str, draft: Draft, *, applicant_id: UUID | None, endorsed: bool
) -> None:
    """Refuse the submission of a request that lacks what the procedure asks for.

    Raises:
        EndorsementMissing: drafted by a participant, not endorsed by the manager (VIS-5.3).
        ConversationMissing: individual development is the only ground, no conversation (VIS-3.2).
        SessionsMissing: no session, so no calendar year to count the hours in (VIS-8.1).
    """
    if not endorsed and needs_endorsement(applicant_id, draft.participant_ids):
        raise EndorsementMissing(reference=reference)
    claimed = {ground.criterion for ground in draft.grounds}
    if claimed == {Criterion.INDIVIDUAL_DEVELOPMENT} and draft.conversation_on is None:
        raise ConversationMissing(reference=reference)
    if not draft.sessions:
        raise SessionsMissing(reference=reference)


def obstacle_to_submission(
    reference: str, draft: Draft, *, applicant_id: UUID | None
) -> Refusal | None:
    """Return what a submission of the draft, not endorsed, would be refused for, or None."""
    try:
        check_submittable(reference, draft, applicant_id=applicant_id, endorsed=False)
    except Refusal as refusal:
        return refusal
    return None


# What takes an interim request up, from the MT's consent to its place before the MT.
_TAKES_UP = (RequestAction.CONSENT, RequestAction.ASSESS, RequestAction.PROPOSE)


def check_step(details: RequestDetails, action: RequestAction) -> RequestStatus:
    """Return the status that ``action`` leads to, if the request is ready for it.

    Raises:
        ActionNotAllowed: the life cycle has no such step.
        InterimConsentMissing: an interim request is assessed after the MT's consent (VIS-6.4).
        NecessityMissing: an interim request was classified anew as no necessity (VIS-6.4).
        AssessmentIncomplete: only a fully assessed request is proposed (VIS-4.2).
    """
    status = next_status(details.status, action)
    if details.interim and action in _TAKES_UP:
        check_necessity(details.reference, details.basis)
        if action is RequestAction.ASSESS and details.consented_at is None:
            raise InterimConsentMissing(reference=details.reference)
    if action is RequestAction.PROPOSE:
        check_assessed(details)
    return status


def check_necessity(reference: str, basis: TrainingBasis) -> None:
    """Refuse an interim request that no legal or function-bound necessity carries (VIS-6.4).

    Raises:
        NecessityMissing: the basis is an improvement plan, voluntary or unknown.
    """
    if basis not in NECESSARY_BASES:
        raise NecessityMissing(reference=reference, basis=basis.value)


def check_draft(draft: Draft) -> None:
    """Refuse a draft that does not hold together, or that says what may not be kept.

    Raises:
        DatesReversed: the training ends before it starts.
        SessionOutsideTraining: a session in working time before the first or after the last day.
        TwiceNamed: a participant or a criterion stands in it twice.
        CostBeyondReach: it costs more than an amount can say; the most itself is allowed.
        BsnInText: a citizen service number stands in one of its texts (LAW-12).
    """
    in_working_time = [session.held_on for session in draft.sessions if session.working_time]
    check_dates(draft.starts_on, draft.ends_on, in_working_time)
    check_named_once("participantIds", draft.participant_ids)
    check_named_once("grounds", [ground.criterion for ground in draft.grounds])
    cost_cents = total_cost(draft.cost_lines, participants=len(draft.participant_ids))
    if cost_cents > _MOST_CENTS:
        raise CostBeyondReach(cost_cents=cost_cents, most_cents=_MOST_CENTS)
    check_free_text(draft.free_texts)


def check_dates(starts_on: date, ends_on: date, held_on_days: Iterable[date]) -> None:
    """Refuse a training that ends before it starts, and a session outside it.

    Raises:
        DatesReversed: ``ends_on`` comes before ``starts_on``; the same day is one day of training.
        SessionOutsideTraining: a session before the first or after the last day.
    """
    if ends_on < starts_on:
        raise DatesReversed(starts_on=starts_on, ends_on=ends_on)
    for held_on in held_on_days:
        if not starts_on <= held_on <= ends_on:
            raise SessionOutsideTraining(held_on=held_on, starts_on=starts_on, ends_on=ends_on)


def check_named_once(field: str, values: Iterable[object]) -> None:
    """Refuse a list in which something stands twice.

    Raises:
        TwiceNamed: with each value that does.
    """
    twice = [str(value) for value, times in Counter(values).items() if times > 1]
    if twice:
        raise TwiceNamed(field=field, values=twice)


def check_completion(completed_on: date, *, starts_on: date, today: date) -> None:
    """Refuse a completion before the start or after today; both days themselves are allowed.

    Raises:
        CompletionMistimed: the day is outside that range.
    """
    if not starts_on <= completed_on <= today:
        raise CompletionMistimed(completed_on=completed_on, starts_on=starts_on, today_on=today)


def check_everyone_named(details: RequestDetails, named: Collection[UUID]) -> None:
    """Refuse a list that is not exactly those to whom the training was granted.

    Raises:
        ParticipantsDiffer: saying who is missing from it, and who does not belong to it.
    """
    enrolled = set(details.enrolled_ids)
    if enrolled != set(named):
        raise ParticipantsDiffer(
            reference=details.reference,
            missing_ids=sorted(enrolled.difference(named)),
            unknown_ids=sorted(set(named) - enrolled),
        )


def check_outcome(outcome: Outcome) -> None:
    """Refuse credits on what is no microcredential, and a level on no outcome (KB-14).

    Raises:
        OutcomeInconsistent: or a microcredential without credits.
    """
    has_credits = outcome.credits is not None
    level_of_nothing = outcome.kind is OutcomeKind.NONE and outcome.nlqf_level is not None
    if has_credits is not (outcome.kind is OutcomeKind.MICROCREDENTIAL) or level_of_nothing:
        raise OutcomeInconsistent(
            outcome=outcome.kind.value,
            credits=outcome.credits,
            nlqf_level=outcome.nlqf_level,
        )


def title_key(title: str) -> str:
    """Return the title in the form by which the same training is recognised in other requests.

    Letters and digits alone, lower case, one space between: ``MVK (basis)`` is ``mvk basis``.
    """
    return " ".join(re.findall(r"\w+", title.casefold()))


# Nine digits that stand alone, or behind the word itself; or as they are printed, in groups. Groups
# of 4, 2 and 3 by hyphens are left out: so are case numbers written, with the year first.
_NINE_DIGITS = re.compile(
    r"""(?: (?<!\w) (?<!\d[.,]) | (?<=bsn) | (?<=bsn_) )
        (?:
            \d{9} (?! \w | [.,]\d )
            | (?<! \d[ -] ) (?: \d{3}([ .-])\d{3}\1\d{3} | \d{4}([ .])\d{2}\2\d{3} )
              (?! \w | [ .,-]\d )
        )""",
    re.VERBOSE | re.IGNORECASE,
)
_BSN_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2, -1)


def is_bsn(digits: str) -> bool:
    """Tell whether nine digits pass the 11-test of a BSN (burgerservicenummer)."""
    weighed = sum(weight * int(digit) for weight, digit in zip(_BSN_WEIGHTS, digits, strict=True))
    return weighed % 11 == 0 and digits != "000000000"


def holds_bsn(text: str) -> bool:
    """Tell whether a number that is a BSN by its form stands in a text (LAW-12)."""
    return any(is_bsn(re.sub(r"\D", "", found[0])) for found in _NINE_DIGITS.finditer(text))


def check_free_text(texts: Mapping[str, str | None]) -> None:
    """Refuse free text with a citizen service number in it, by the name of its field (LAW-12).

    Only nine digits of their own that pass the 11-test count; the number is not repeated.

    Raises:
        BsnInText: naming the first field that holds one.
    """
    for field, text in texts.items():
        if text is not None and holds_bsn(text):
            raise BsnInText(field=field)


# --- Cost and hours -----------------------------------------------------------------------------


def vat_on(amount_cents: Cents, *, basis_points: int) -> Cents:
    """Return the VAT on an amount, in whole cents, half a cent rounded up; 2100 points is 21 %."""
    return Cents(part(amount_cents, numerator=basis_points, denominator=_WHOLE_BASIS_POINTS))


def total_cost(lines: Iterable[CostLine], *, participants: int) -> Cents:
    """Return what the request costs the organisation with VAT, in cents, for all participants."""
    return Cents(
        sum(line.cost_cents * (participants if line.per_participant else 1) for line in lines)
    )


def cost_per_participant(lines: Iterable[CostLine], *, participants: int) -> Cents:
    """Return what one participant costs the organisation with VAT, in cents: see ``cost_of_one``.

    It is the investment per trajectory that the thresholds of VIS-7.6 are held against.
    """
    return cost_of_one(total_cost(lines, participants=participants), participants=participants)


def cost_of_one(amount_cents: Cents, *, participants: int) -> Cents:
    """Return the part of one participant in a cost for all, in cents, rounded down.

    So that nobody is bound for more than was paid, and that the parts of all never come to more.
    """
    return Cents(amount_cents // max(participants, 1))


def minutes_by_year(
    sessions: Iterable[TrainingSession], *, working_time: bool
) -> Mapping[int, Minutes]:
    """Return the minutes in, or outside, working time per calendar year (VIS-8.1)."""
    years: Counter[int] = Counter()
    for session in sessions:
        if session.working_time is working_time:
            years[session.held_on.year] += session.minutes
    return {year: Minutes(years[year]) for year in sorted(years)}


def spread_sessions(
    starts_on: date, ends_on: date, minutes: Minutes
) -> tuple[tuple[date, Minutes], ...]:
    """Return days and minutes over which hours known only in total are spread: an estimate.

    As few days as eight hours a day allow, evenly over the working days from ``starts_on`` to
    ``ends_on``, both included, the first day always being one; over all days when none of them is
    a working day. Whole minutes that add up to ``minutes``; each day's count in its own year.

    Raises:
        DatesReversed: ``ends_on`` comes before ``starts_on``.
        HoursDoNotFit: more than eight hours on each of those days.
    """
    if ends_on < starts_on:
        raise DatesReversed(starts_on=starts_on, ends_on=ends_on)
    days = _days_to_spread_over(starts_on, ends_on)
    needed = -(-minutes // DAY_MINUTES)
    if needed > len(days):
        raise HoursDoNotFit(
            asked_minutes=minutes,
            room_minutes=len(days) * DAY_MINUTES,
            starts_on=starts_on,
            ends_on=ends_on,
        )
    return tuple(
        (
            days[n * len(days) // needed],
            Minutes(minutes // needed + (n < minutes % needed)),
        )
        for n in range(needed)
    )


def spread_study(
    starts_on: date, ends_on: date, minutes: Minutes
) -> tuple[tuple[date, Minutes], ...]:
    """Return days and minutes of study in one's own time that is known only in total: an estimate.

    As ``spread_sessions``, but what the days of the training can not hold is preparation: it takes
    working days before the start.

    Raises:
        DatesReversed: ``ends_on`` comes before ``starts_on``.
    """
    begins_on = starts_on
    if starts_on <= ends_on:
        while minutes > DAY_MINUTES * len(_days_to_spread_over(begins_on, ends_on)):
            begins_on -= _ONE_DAY
    return spread_sessions(begins_on, ends_on, minutes)


def _days_to_spread_over(first: date, last: date) -> list[date]:
    """Return the working days from ``first`` to ``last``, or all days when there is none."""
    span = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [day for day in span if not is_free_day(day)] or span


# --- Tranches -----------------------------------------------------------------------------------


class TrancheRuling(NamedTuple):
    """The tranche that a submission falls in, and why."""

    key: TrancheKey
    steps: tuple[Step, ...]


def _closing_day(year: int, rule: TrancheRule, roll: DeadlineRoll) -> date:
    nominal = date(year, rule.closes_month, rule.closes_day)
    return next_working_day(nominal) if roll is DeadlineRoll.NEXT_WORKING_DAY else nominal


def tranche_on(day: date, policy: Policy) -> TrancheKey:
    """Return the tranche in which a request submitted on this civil day falls.

    The latest day is included. These are internal dates: a weekend moves them only where the
    policy says so. A tranche opens the day after the one before it closed, and bears the year of
    its decision.

    Source: VIS-6.1.
    """
    # From two years back: a latest day at the end of December may be moved into January.
    closings = sorted(
        (
            (_closing_day(year, rule, policy.deadline_roll), year, rule)
            for year in range(day.year - 2, day.year + 2)
            for rule in policy.tranches
        ),
        key=lambda closing: closing[0],
    )
    coming = next(n for n, (closes_on, _, _) in enumerate(closings) if day <= closes_on)
    closes_on, closing_year, rule = closings[coming]
    decision_by = date(
        closing_year + rule.decision_year_offset, rule.decision_by_month, rule.decision_by_day
    )
    return TrancheKey(
        year=decision_by.year,
        number=rule.number,
        opens_on=closings[coming - 1][0] + _ONE_DAY,
        closes_on=closes_on,
        decision_by=decision_by,
    )


def tranche_for(submitted_at: datetime, policy: Policy) -> TrancheRuling:
    """Return the tranche (tranche) in which a request submitted at this instant falls, and why.

    The day is that of the instant in Europe/Amsterdam: until midnight it is the latest day still.

    Source: VIS-6.1.
    """
    key = tranche_on(amsterdam_day(submitted_at), policy)
    return TrancheRuling(key, _tranche_steps(submitted_at, key))


def later_tranche(after: TrancheKey, *, today: date, policy: Policy) -> TrancheKey:
    """Return the tranche in which a deferred request is taken up again.

    The first one after its own whose decision is not overdue: a request deferred in August is
    taken up in the tranche that is decided in January, and in February in the one of the summer.

    Source: VIS-6.2.
    """
    key = tranche_on(after.closes_on + _ONE_DAY, policy)
    while key.decision_by < today:
        key = tranche_on(key.closes_on + _ONE_DAY, policy)
    return key


def _tranche_steps(submitted_at: datetime, key: TrancheKey) -> tuple[Step, ...]:
    return (
        Step(
            Text(
                en="The request was submitted on {submitted_at}, Amsterdam time.",
                nl="De aanvraag is ingediend op {submitted_at}, Amsterdamse tijd.",
            ),
            {"submitted_at": submitted_at},
        ),
        Step(
            Text(
                en="The latest submission day before it was {previous_on}, the first one from then"
                " on is {closes_on}; the day itself counts, to midnight.",
                nl="Het uiterste indienmoment ervoor was {previous_on}, het eerste daarna is"
                " {closes_on}; de dag zelf telt mee, tot middernacht.",
            ),
            {"previous_on": key.opens_on - _ONE_DAY, "closes_on": key.closes_on},
            "VIS-6.1",
        ),
        Step(
            Text(
                en="So it falls in tranche {tranche_number} of {tranche_year}, to be decided by"
                " {decision_by_on}.",
                nl="Daarom valt de aanvraag in tranche {tranche_number} van {tranche_year}, met een"
                " besluit uiterlijk op {decision_by_on}.",
            ),
            {
                "tranche_number": key.number,
                "tranche_year": key.year,
                "decision_by_on": key.decision_by,
            },
            "VIS-6.1",
        ),
    )


def interim_steps(submitted_at: datetime, basis: TrainingBasis, necessity: str) -> tuple[Step, ...]:
    """Return why an interim request stands outside the tranches, and its next step (VIS-6.4)."""
    return (
        Step(
            Text(
                en="The request was submitted on {submitted_at} as interim: outside the tranches.",
                nl="De aanvraag is op {submitted_at} tussentijds ingediend: buiten de tranches.",
            ),
            {"submitted_at": submitted_at},
            "VIS-6.4",
        ),
        Step(
            Text(
                en="Its basis is {basis}, a legal or function-bound necessity: {necessity}",
                nl="De grondslag is {basis}, een wettelijke of functiegebonden noodzaak:"
                " {necessity}",
            ),
            {"basis": basis.value, "necessity": necessity},
            "VIS-6.4",
        ),
        Step(
            Text(
                en="HR assesses it after the MT's prior consent.",
                nl="HR beoordeelt de aanvraag na voorafgaande instemming van het MT.",
            ),
            {},
            "VIS-6.4",
        ),
    )


# --- Assessment and ranking ---------------------------------------------------------------------


def missing_criteria(ratings: Iterable[Rating]) -> tuple[Criterion, ...]:
    """Return the criteria that have no rating with a motivation yet, in the framework's order."""
    rated = {rating.criterion for rating in ratings if rating.motivation.strip()}
    return tuple(criterion for criterion in Criterion if criterion not in rated)


def check_assessed(details: RequestDetails) -> None:
    """Refuse what needs a complete assessment: all five criteria rated and motivated (VIS-4.2).

    Raises:
        AssessmentIncomplete: naming the criteria that are missing.
    """
    missing = missing_criteria(details.ratings)
    if missing:
        raise AssessmentIncomplete(
            reference=details.reference,
            missing_criteria=[str(name) for name in missing],
        )


def check_ratings(ratings: Iterable[Rating], policy: Policy) -> None:
    """Refuse a rating above the policy's scale, and a criterion that is rated twice.

    Raises:
        RatingOffScale: the highest rating itself is allowed, and so is 0.
        TwiceNamed: a criterion has two ratings.
    """
    ratings = tuple(ratings)
    check_named_once("ratings", (rating.criterion for rating in ratings))
    for rating in ratings:
        if not 0 <= rating.rating <= policy.highest_rating:
            raise RatingOffScale(
                criterion=rating.criterion.value,
                rating=rating.rating,
                highest_rating=policy.highest_rating,
            )


def weighted_score(ratings: Iterable[Rating], policy: Policy) -> Score | None:
    """Return the weighted score: the sum of weight times rating, of the most that was possible.

    The criteria are judged together, so as long as one of the five is missing there is none.

    Source: VIS-4.2; the weights are the policy's.
    """
    ratings = tuple(ratings)
    if missing_criteria(ratings):
        return None
    weights = policy.criteria_weights
    points = sum(weights[rating.criterion] * rating.rating for rating in ratings)
    return Score(points=points, most_points=policy.highest_rating * sum(weights.values()))


def priority_class(basis: TrainingBasis) -> int:
    """Return 1 for a legal or function-bound necessity, which comes first, else 2 (VIS-3.1)."""
    return 1 if basis in NECESSARY_BASES else 2


def rank(requests: Iterable[RequestDetails]) -> list[RequestDetails]:
    """Return requests in the order of the framework: priority, score, submission, reference.

    The order is whole: of two with the same score the first submitted goes first, and at last the
    reference decides. What has no score yet goes last within its priority class.

    Source: VIS-3.1, VIS-6.3.
    """
    return sorted(requests, key=_rank_key)


def _rank_key(details: RequestDetails) -> tuple[int, Fraction, datetime, str]:
    score = Fraction(-1) if details.score is None else details.score.exact
    since = details.submitted_at or details.created_at
    return (details.priority, -score, since, details.reference)


# --- What a submission and an import answer -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Submission:
    """A submitted request, the tranche it falls in (an interim one in none), and why."""

    details: RequestDetails
    tranche: Tranche | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class IntakeRow:
    """A request as a file holds it: with its own reference and moment of submission."""

    reference: str
    draft: Draft
    applicant_id: UUID | None
    submitted_at: datetime
    digest: str


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """A request that bears a reference of a file; with the digest of the row it came from."""

    id: UUID
    status: RequestStatus
    source_digest: str | None


class IntakeChange(StrEnum):
    CREATED = "created"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class IntakePlan:
    """What taking in a row comes to.

    ``status`` is the one it has afterwards. ``obstacle`` is why it stays a draft: what a submission
    would be refused for. ``ruling`` is the tranche a submitted one falls in. A row that changes
    nothing has neither.
    """

    row: IntakeRow
    change: IntakeChange
    request_id: UUID
    status: RequestStatus
    obstacle: Refusal | None = None
    ruling: TrancheRuling | None = None
    policy_version_id: UUID | None = None


# --- The overview of a tranche (request side) ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another live request for the same training, by its normalised title."""

    request_id: UUID
    reference: str
    collective: bool
    tranche_id: UUID | None


@dataclass(frozen=True, slots=True)
class OverviewItem:
    details: RequestDetails
    overlaps: tuple[Overlap, ...]


@dataclass(frozen=True, slots=True)
class Variation:
    """What a team, or an employee, asks for in the tranche; costs as each participant's share."""

    key: UUID | None
    requests: int
    participations: int
    working_minutes: Minutes
    cost_cents: Cents


@dataclass(frozen=True, slots=True)
class TrancheOverview:
    """A tranche's requests together, ranked, with their sums and the variation (VIS-4.3)."""

    tranche: Tranche
    items: tuple[OverviewItem, ...]
    total_cost_cents: Cents
    minutes_by_year: Mapping[int, Minutes]
    by_team: tuple[Variation, ...]
    by_employee: tuple[Variation, ...]


def variation(
    requests: Sequence[RequestDetails], group_of: Mapping[UUID, UUID | None]
) -> tuple[Variation, ...]:
    """Return what each group asks for, by what ``group_of`` makes of an employee (VIS-4.3).

    Most minutes first. A collective request counts once for each group that takes part in it.
    """
    seen: dict[UUID | None, set[UUID]] = {}
    taking_part: Counter[UUID | None] = Counter()
    minutes: Counter[UUID | None] = Counter()
    cents: Counter[UUID | None] = Counter()
    for details in requests:
        for employee_id in details.participant_ids:
            group = group_of.get(employee_id)
            seen.setdefault(group, set()).add(details.id)
            taking_part[group] += 1
            minutes[group] += details.working_minutes
            cents[group] += details.cost_per_participant_cents
    found = [
        Variation(
            key=group,
            requests=len(seen[group]),
            participations=taking_part[group],
            working_minutes=Minutes(minutes[group]),
            cost_cents=Cents(cents[group]),
        )
        for group in seen
    ]
    return tuple(sorted(found, key=lambda item: (-item.working_minutes, str(item.key))))


def working_minutes_of(requests: Iterable[RequestDetails]) -> Mapping[int, Minutes]:
    """Return the working time of all participants together, in minutes per calendar year."""
    years: Counter[int] = Counter()
    for details in requests:
        for year, minutes in details.minutes_by_year.items():
            years[year] += minutes * len(details.participants)
    return {year: Minutes(years[year]) for year in sorted(years)}
