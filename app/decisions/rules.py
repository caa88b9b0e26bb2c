"""What a decision of the management team may be, what it does, and what would stop it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from app.kernel.errors import Scalar, Text
from app.kernel.quantities import Cents, Minutes
from app.requests.rules import NECESSARY_BASES, TrainingBasis

_NOTHING = Cents(0)


class Outcome(StrEnum):
    """What the MT decides on one request (MT-besluit)."""

    GRANTED = "granted"
    PARTLY_GRANTED = "partly_granted"
    DEFERRED = "deferred"
    REJECTED = "rejected"

    @property
    def grants(self) -> bool:
        return self in (Outcome.GRANTED, Outcome.PARTLY_GRANTED)


class ProposalStatus(StrEnum):
    """A proposal is written as a draft, freezes when it goes to the MT, and ends decided."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    DECIDED = "decided"


class BreachKind(StrEnum):
    """What a decision can run into. Which of them stop it, ``Breach.blocking`` tells."""

    NORM_EXCEEDED = "norm_exceeded"
    MEANS_EXCEEDED = "means_exceeded"
    MEANS_NOT_SET = "means_not_set"
    NECESSITY_MISSING = "necessity_missing"
    MOTIVATION_MISSING = "motivation_missing"
    OWN_REQUEST = "own_request"
    MORE_THAN_REQUESTED = "more_than_requested"
    NOT_A_PARTICIPANT = "not_a_participant"
    PART_WITHOUT_DIFFERENCE = "part_without_difference"
    LEAVES_BEFORE_START = "leaves_before_start"
    ENDS_EMPLOYMENT_BEFORE = "ends_employment_before"
    STARTED_BEFORE = "started_before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One thing a decision runs into: the rule, the figures, and whether it stops the decision."""

    kind: BreachKind
    rule: str
    blocking: bool
    request_id: UUID
    employee_id: UUID | None = None
    facts: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])


@dataclass(frozen=True, slots=True)
class Need:
    """A training agreement that must be signed before the training starts (VIS-7.1)."""

    request_id: UUID
    employee_id: UUID
    starts_on: date
    cost_cents: Cents
    working_minutes: Minutes
    repayment: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A request as the MT weighs it: who takes part, when, and what it costs.

    ``asked_minutes`` is the working time that a grant would hold, by employee and calendar year:
    without sessions whose attendance is on record, and those after somebody's last day.
    ``spent_cents`` was invoiced under earlier decisions on it, in whatever year: that stays spent,
    and counts towards what a later one grants. ``outside_tranches`` tells that a grant would take
    it up as an interim request.
    """

    request_id: UUID
    reference: str
    applicant_id: UUID | None
    participants: tuple[UUID, ...]
    total_cents: Cents
    asked_minutes: Mapping[tuple[UUID, int], Minutes]
    starts_on: date
    ends_on: date
    budget_year: int
    basis: TrainingBasis
    outside_tranches: bool = False
    spent_cents: Cents = _NOTHING


@dataclass(frozen=True, slots=True)
class Advice:
    """What HR advised on a request in its proposal (VIS-6.3)."""

    outcome: Outcome
    amount_cents: Cents
    participants: frozenset[UUID]
    conditions: str | None = None


@dataclass(frozen=True, slots=True)
class Intention:
    """What the MT means to decide on one request; for a grant who takes part, and the amount."""

    candidate: Candidate
    outcome: Outcome
    amount_cents: Cents
    participants: frozenset[UUID]
    motivation: str | None
    advice: Advice | None
    conditions: str | None = None

    @property
    def still_to_commit_cents(self) -> Cents:
        """What it takes of the means: what is granted, less what was invoiced before."""
        return Cents(max(self.amount_cents - self.candidate.spent_cents, 0))

    @property
    def minutes_to_reserve(self) -> Minutes:
        """What it takes of the norms of all who are granted a place, in working time."""
        asked = self.candidate.asked_minutes
        return Minutes(sum(asked[pair] for pair in asked if pair[0] in self.participants))


@dataclass(frozen=True, slots=True)
class YearRoom:
    """Room of one employee in one year, in working-time minutes, as hours keeps it."""

    norm_minutes: Minutes
    exception_minutes: Minutes
    room_minutes: Minutes
    binding: bool


@dataclass(frozen=True, slots=True)
class Impact:
    """What one intention would do and run into, after all those before it."""

    intention: Intention
    breaches: tuple[Breach, ...]
    needs: tuple[Need, ...]
    means_left_cents: Cents | None

    @property
    def blocked(self) -> bool:
        return any(breach.blocking for breach in self.breaches)


def departs(intention: Intention) -> bool:
    """Tell whether the intention departs from HR's advice.

    That is in outcome; and for a grant in people, amount or conditions too.
    """
    advice = intention.advice
    if advice is None:
        return True
    if intention.outcome is not advice.outcome:
        return True
    return intention.outcome.grants and (
        intention.amount_cents != advice.amount_cents
        or intention.participants != advice.participants
        or intention.conditions != advice.conditions
    )


def motivation_needed(intention: Intention) -> bool:
    """Tell whether VIS-6.3 asks for a motivation: a departure, a refusal, or a grant in part."""
    return intention.outcome is not Outcome.GRANTED or departs(intention)


def weigh(
    intentions: Sequence[Intention],
    *,
    decider: UUID,
    rooms: Mapping[tuple[UUID, int], YearRoom],
    means: Mapping[int, Cents | None],
    left_on: Mapping[UUID, date],
    agreements: Mapping[tuple[UUID, UUID], Need],
    signed: Collection[tuple[UUID, UUID]] = (),
    decided_on: date,
) -> list[Impact]:
    """Return what each intention does and runs into, in the order given, each after the last.

    Nothing is changed: a dry run and the decision itself rest on the same answer. ``means`` is the
    room in cents of each budget year, None where the MT has set none. ``rooms`` holds each
    participant's room in each year of the sessions; ``agreements`` who would need one, and
    ``signed`` who has one that both have signed, each by request and employee.

    Source: VIS-5.1, VIS-6.3, VIS-6.4, VIS-7.1, VIS-8.1, VIS-8.3, VIS-10.1.
    """
    room_left = {key: int(room.room_minutes) for key, room in rooms.items()}
    means_left = {year: None if left is None else int(left) for year, left in means.items()}
    impacts: list[Impact] = []
    for intention in intentions:
        breaches = [*_form(intention, decider=decider)]
        needs: tuple[Need, ...] = ()
        if intention.outcome.grants:
            breaches += _necessity(intention)
            breaches += _means(intention, means_left)
            breaches += _norms(intention, rooms, room_left)
            breaches += _circumstances(intention, left_on=left_on, decided_on=decided_on)
            needs = tuple(_needed(intention, agreements, signed, decided_on))
        left = means_left.get(intention.candidate.budget_year)
        impacts.append(
            Impact(
                intention=intention,
                breaches=tuple(breaches),
                needs=needs,
                means_left_cents=None if left is None else Cents(left),
            )
        )
    return impacts


def _form(intention: Intention, *, decider: UUID) -> Iterable[Breach]:
    candidate = intention.candidate
    if decider in candidate.participants or decider == candidate.applicant_id:
        yield Breach(
            kind=BreachKind.OWN_REQUEST,
            rule="VIS-5.1",
            blocking=True,
            request_id=candidate.request_id,
            employee_id=decider,
        )
    if motivation_needed(intention) and not (intention.motivation or "").strip():
        yield Breach(
            kind=BreachKind.MOTIVATION_MISSING,
            rule="VIS-6.3",
            blocking=True,
            request_id=candidate.request_id,
            facts={"outcome": intention.outcome.value},
        )
    yield from misfits(
        candidate.request_id,
        outcome=intention.outcome,
        amount_cents=intention.amount_cents,
        people=intention.participants,
        requested_cents=candidate.total_cents,
        participants=frozenset(candidate.participants),
    )


def misfits(
    request_id: UUID,
    *,
    outcome: Outcome,
    amount_cents: Cents,
    people: frozenset[UUID],
    requested_cents: Cents,
    participants: frozenset[UUID],
) -> Iterable[Breach]:
    """Yield where an outcome, its amount and its people do not fit what was requested for whom.

    The same holds for HR's advice, so that what is advised can be adopted. Granted is the whole,
    partly granted is less of the amount or of the people.

    Source: VIS-6.3, VIS-6.6.
    """
    for stranger in sorted(people - participants):
        yield Breach(
            kind=BreachKind.NOT_A_PARTICIPANT,
            rule="VIS-6.6",
            blocking=True,
            request_id=request_id,
            employee_id=stranger,
        )
    if not outcome.grants:
        return
    if amount_cents > requested_cents:
        yield Breach(
            kind=BreachKind.MORE_THAN_REQUESTED,
            rule="VIS-6.3",
            blocking=True,
            request_id=request_id,
            facts={"asked_cents": amount_cents, "requested_cents": requested_cents},
        )
    whole = people == participants and amount_cents == requested_cents
    if whole is (outcome is Outcome.PARTLY_GRANTED):
        yield Breach(
            kind=BreachKind.PART_WITHOUT_DIFFERENCE,
            rule="VIS-6.3",
            blocking=True,
            request_id=request_id,
            facts={
                "outcome": outcome.value,
                "granted_cents": amount_cents,
                "requested_cents": requested_cents,
            },
        )


def _necessity(intention: Intention) -> Iterable[Breach]:
    candidate = intention.candidate
    if candidate.outside_tranches and candidate.basis not in NECESSARY_BASES:
        yield Breach(
            kind=BreachKind.NECESSITY_MISSING,
            rule="VIS-6.4",
            blocking=True,
            request_id=candidate.request_id,
            facts={"reference": candidate.reference, "basis": candidate.basis.value},
        )


def _needed(
    intention: Intention,
    agreements: Mapping[tuple[UUID, UUID], Need],
    signed: Collection[tuple[UUID, UUID]],
    decided_on: date,
) -> Iterable[Need]:
    """Yield the agreements it needs; once the training has begun only those that are signed."""
    candidate = intention.candidate
    for person in sorted(intention.participants):
        pair = candidate.request_id, person
        if pair in agreements and (_in_time(candidate, decided_on) or pair in signed):
            yield agreements[pair]


def _in_time(candidate: Candidate, decided_on: date) -> bool:
    """Tell whether an agreement can still be signed: the day before the start at the latest."""
    return decided_on < candidate.starts_on


def _means(intention: Intention, means_left: dict[int, int | None]) -> Iterable[Breach]:
    candidate = intention.candidate
    asked = intention.still_to_commit_cents
    year = candidate.budget_year
    left = means_left.get(year)
    if asked == 0:
        return
    if left is None:
        yield Breach(
            kind=BreachKind.MEANS_NOT_SET,
            rule="VIS-5.1",
            blocking=True,
            request_id=candidate.request_id,
            facts={"budget_year": year, "asked_cents": asked},
        )
        return
    if asked > left:
        yield Breach(
            kind=BreachKind.MEANS_EXCEEDED,
            rule="VIS-5.1",
            blocking=True,
            request_id=candidate.request_id,
            facts={"budget_year": year, "asked_cents": asked, "room_cents": left},
        )
        return
    means_left[year] = left - asked


def _norms(
    intention: Intention,
    rooms: Mapping[tuple[UUID, int], YearRoom],
    room_left: dict[tuple[UUID, int], int],
) -> Iterable[Breach]:
    candidate = intention.candidate
    for (person, year), minutes in sorted(candidate.asked_minutes.items()):
        if person not in intention.participants:
            continue
        room = rooms[person, year]
        left = room_left[person, year]
        if minutes > left:
            yield Breach(
                kind=BreachKind.NORM_EXCEEDED,
                rule="VIS-8.3",
                blocking=room.binding,
                request_id=candidate.request_id,
                employee_id=person,
                facts={
                    "calendar_year": year,
                    "asked_minutes": minutes,
                    "room_minutes": left,
                    "norm_minutes": room.norm_minutes,
                    "exception_minutes": room.exception_minutes,
                },
            )
        if minutes <= left or not room.binding:
            room_left[person, year] = left - minutes


def _circumstances(
    intention: Intention, *, left_on: Mapping[UUID, date], decided_on: date
) -> Iterable[Breach]:
    candidate = intention.candidate
    if not _in_time(candidate, decided_on):
        yield Breach(
            kind=BreachKind.STARTED_BEFORE,
            rule="VIS-7.1",
            blocking=False,
            request_id=candidate.request_id,
            facts={"starts_on": candidate.starts_on, "decided_on": decided_on},
        )
    for person in sorted(intention.participants):
        last_day = left_on.get(person)
        if last_day is None or last_day >= candidate.ends_on:
            continue
        takes_no_part = last_day < candidate.starts_on
        yield Breach(
            kind=BreachKind.LEAVES_BEFORE_START
            if takes_no_part
            else BreachKind.ENDS_EMPLOYMENT_BEFORE,
            rule="VIS-5.5",
            blocking=takes_no_part,
            request_id=candidate.request_id,
            employee_id=person,
            facts={"left_on": last_day, "starts_on": candidate.starts_on}
            if takes_no_part
            else {"left_on": last_day, "ends_on": candidate.ends_on},
        )


def advise(ranked: Sequence[tuple[UUID, Cents]], *, means_left_cents: Cents) -> dict[UUID, Outcome]:
    """Return a first advice for each request: grant in order of rank while the means allow.

    ``ranked`` holds each request with its cost. One that does not fit is advised to be deferred,
    and a smaller one after it may still fit. HR changes what it finds differently before the
    proposal goes to the MT.

    Source: VIS-6.3.
    """
    left = int(means_left_cents)
    advice: dict[UUID, Outcome] = {}
    for request_id, cost_cents in ranked:
        if cost_cents <= left:
            advice[request_id] = Outcome.GRANTED
            left -= cost_cents
        else:
            advice[request_id] = Outcome.DEFERRED
    return advice


# What each breach says, with its facts; the edge phrases it in the reader's language.
SAID: Mapping[BreachKind, Text] = MappingProxyType(
    {
        BreachKind.NORM_EXCEEDED: Text(
            en=(
                "{asked_minutes} are asked in {calendar_year}, while {room_minutes} of the norm of"
                " {norm_minutes} (and {exception_minutes} of exceptions) is left."
            ),
            nl=(
                "Gevraagd wordt {asked_minutes} in {calendar_year}, terwijl van de norm van"
                " {norm_minutes} (en {exception_minutes} aan uitzonderingen) nog"
                " {room_minutes} resteert."
            ),
        ),
        BreachKind.MEANS_EXCEEDED: Text(
            en=(
                "{asked_cents} is asked of the means of {budget_year}, of which {room_cents} is "
                "left."
            ),
            nl=(
                "Gevraagd wordt {asked_cents} van de middelen van {budget_year}; {room_cents} "
                "resteert."
            ),
        ),
        BreachKind.MEANS_NOT_SET: Text(
            en="The means of {budget_year} are not set; {asked_cents} is asked of them.",
            nl="De middelen van {budget_year} zijn niet vastgesteld; gevraagd wordt {asked_cents}.",
        ),
        BreachKind.NECESSITY_MISSING: Text(
            en=(
                "The basis of request {reference} is {basis}; outside the tranches only a legal or "
                "function-bound necessity is taken up."
            ),
            nl=(
                "De grondslag van aanvraag {reference} is {basis}; buiten de tranches wordt alleen "
                "een wettelijke of functiegebonden noodzaak in behandeling genomen."
            ),
        ),
        BreachKind.MOTIVATION_MISSING: Text(
            en="The outcome {outcome} needs a motivation here.",
            nl="De uitkomst {outcome} vraagt hier een motivering.",
        ),
        BreachKind.OWN_REQUEST: Text(
            en="You take part in this request or submitted it.",
            nl="U neemt deel aan deze aanvraag of diende haar in.",
        ),
        BreachKind.MORE_THAN_REQUESTED: Text(
            en="{asked_cents} is granted on a request of {requested_cents}.",
            nl="{asked_cents} wordt toegekend op een aanvraag van {requested_cents}.",
        ),
        BreachKind.NOT_A_PARTICIPANT: Text(
            en="This employee is not a participant of the request.",
            nl="Deze medewerker is geen deelnemer van de aanvraag.",
        ),
        BreachKind.PART_WITHOUT_DIFFERENCE: Text(
            en="The outcome {outcome} does not fit {granted_cents} of {requested_cents}.",
            nl="De uitkomst {outcome} past niet bij {granted_cents} van {requested_cents}.",
        ),
        BreachKind.LEAVES_BEFORE_START: Text(
            en="The employee leaves on {left_on}, before the training starts on {starts_on}.",
            nl=(
                "De medewerker gaat uit dienst op {left_on}, voor het begin van de opleiding op "
                "{starts_on}."
            ),
        ),
        BreachKind.ENDS_EMPLOYMENT_BEFORE: Text(
            en="The employee leaves on {left_on}, before the training ends on {ends_on}.",
            nl=(
                "De medewerker gaat uit dienst op {left_on}, voor het einde van de opleiding op "
                "{ends_on}."
            ),
        ),
        BreachKind.STARTED_BEFORE: Text(
            en=(
                "The training had started, on {starts_on}, by this decision of {decided_on}: no "
                "training agreement can be signed any more."
            ),
            nl=(
                "De opleiding was bij dit besluit van {decided_on} al begonnen, op {starts_on}: er "
                "kan geen opleidingsovereenkomst meer worden getekend."
            ),
        ),
    }
)
