"""Who needs a training agreement, what leaving costs, and what becomes of a claim.

Days are civil days, amounts whole cents. Each answer comes with the steps that led to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from app.agreements.errors import (
    AgreementActionRefused,
    ClaimActionRefused,
    ClauseBelowThreshold,
    ClauseNotAllowed,
    ClauseRequired,
    DocumentNotDrawnUp,
    SamePersonSigns,
    SignatureOutOfOrder,
    TooLateToSign,
    WrongSigner,
)
from app.kernel.calendar import add_months
from app.kernel.errors import Text
from app.kernel.quantities import Cents, Minutes, part
from app.kernel.steps import Step
from app.people.rules import LeavingInitiative, LeavingReason, UnbrokenEmployment
from app.policy.rules import (
    STAIRCASE_REMARK,
    MonthlySliding,
    Policy,
    RepaymentSchedule,
    Staircase,
)
from app.requests.rules import ParticipantStatus, RequestDetails, TrainingBasis

_ONE_DAY = timedelta(days=1)


class AgreementStatus(StrEnum):
    """Where an agreement (opleidingsovereenkomst) stands; void and superseded are ends."""

    REQUIRED = "required"
    DRAWN_UP = "drawn_up"
    SIGNED_BY_EMPLOYEE = "signed_by_employee"
    SIGNED = "signed"
    VOID = "void"
    SUPERSEDED = "superseded"


class AgreementAction(StrEnum):
    DRAW_UP = "draw_up"
    SIGN_AS_EMPLOYEE = "sign_as_employee"
    SIGN_AS_MANAGER = "sign_as_manager"
    VOID = "void"
    SUPERSEDE = "supersede"


class SignatureRole(StrEnum):
    EMPLOYEE = "employee"
    MANAGER = "manager"


class ClaimStatus(StrEnum):
    """Where a claim (terugvordering) stands; the last three are ends."""

    AWAITING_CONFIRMATION = "awaiting_confirmation"
    DUE = "due"
    WAIVED = "waived"
    WITHDRAWN = "withdrawn"
    EXPORTED = "exported"


class ClaimAction(StrEnum):
    CONFIRM = "confirm"
    WAIVE = "waive"
    WITHDRAW = "withdraw"
    EXPORT = "export"


class RepaymentWish(StrEnum):
    """What HR expects of the repayment clause when it draws an agreement up."""

    AS_RULED = "as_ruled"
    WITH_CLAUSE = "with_clause"
    WITHOUT_CLAUSE = "without_clause"


class Band(StrEnum):
    """Which part of the repayment scheme a last day of employment falls in."""

    NO_CLAUSE = "no_clause"
    BEFORE_START = "before_start"
    NOT_COMPLETED = "not_completed"
    FULL = "full"
    REDUCED = "reduced"
    NOTHING_LEFT = "nothing_left"


AGREEMENT_TRANSITIONS: Mapping[tuple[AgreementStatus, AgreementAction], AgreementStatus] = {
    (AgreementStatus.REQUIRED, AgreementAction.DRAW_UP): AgreementStatus.DRAWN_UP,
    (AgreementStatus.REQUIRED, AgreementAction.VOID): AgreementStatus.VOID,
    (AgreementStatus.REQUIRED, AgreementAction.SUPERSEDE): AgreementStatus.SUPERSEDED,
    (AgreementStatus.DRAWN_UP, AgreementAction.DRAW_UP): AgreementStatus.DRAWN_UP,
    (
        AgreementStatus.DRAWN_UP,
        AgreementAction.SIGN_AS_EMPLOYEE,
    ): AgreementStatus.SIGNED_BY_EMPLOYEE,
    (AgreementStatus.DRAWN_UP, AgreementAction.VOID): AgreementStatus.VOID,
    (AgreementStatus.DRAWN_UP, AgreementAction.SUPERSEDE): AgreementStatus.SUPERSEDED,
    (
        AgreementStatus.SIGNED_BY_EMPLOYEE,
        AgreementAction.SIGN_AS_MANAGER,
    ): AgreementStatus.SIGNED,
    (AgreementStatus.SIGNED_BY_EMPLOYEE, AgreementAction.VOID): AgreementStatus.VOID,
    (AgreementStatus.SIGNED_BY_EMPLOYEE, AgreementAction.SUPERSEDE): AgreementStatus.SUPERSEDED,
    (AgreementStatus.SIGNED, AgreementAction.VOID): AgreementStatus.VOID,
    (AgreementStatus.SIGNED, AgreementAction.SUPERSEDE): AgreementStatus.SUPERSEDED,
}

CLAIM_TRANSITIONS: Mapping[tuple[ClaimStatus, ClaimAction], ClaimStatus] = {
    (ClaimStatus.AWAITING_CONFIRMATION, ClaimAction.CONFIRM): ClaimStatus.DUE,
    (ClaimStatus.AWAITING_CONFIRMATION, ClaimAction.WAIVE): ClaimStatus.WAIVED,
    (ClaimStatus.AWAITING_CONFIRMATION, ClaimAction.WITHDRAW): ClaimStatus.WITHDRAWN,
    (ClaimStatus.DUE, ClaimAction.WAIVE): ClaimStatus.WAIVED,
    (ClaimStatus.DUE, ClaimAction.WITHDRAW): ClaimStatus.WITHDRAWN,
    (ClaimStatus.DUE, ClaimAction.EXPORT): ClaimStatus.EXPORTED,
}


SIGNING: Mapping[SignatureRole, AgreementAction] = {
    SignatureRole.EMPLOYEE: AgreementAction.SIGN_AS_EMPLOYEE,
    SignatureRole.MANAGER: AgreementAction.SIGN_AS_MANAGER,
}


@dataclass(frozen=True, slots=True)
class AgreementRequirement:
    """Whether a training needs an agreement before it starts, and the tests that say so."""

    needed: bool
    reasons: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class ClauseVerdict:
    """Whether a repayment clause may and must be agreed, and the rule that says so."""

    allowed: bool
    why: Step


@dataclass(frozen=True, slots=True)
class RepaymentClause:
    """What was agreed on repayment (terugbetalingsbeding), with what is known of the training.

    ``principal_cents`` is the organisation's own cost, subsidies taken off; ``completed_on`` is
    the day the employee completed the training, None as long as that has not happened;
    ``stopped_on`` the day on which the training was cancelled after it had started.
    """

    principal_cents: Cents
    starts_on: date
    completed_on: date | None
    schedule: RepaymentSchedule
    stopped_on: date | None = None


@dataclass(frozen=True, slots=True)
class RepaymentResult:
    """What is owed on leaving, as a part of the principal, and how that came about."""

    amount_cents: Cents
    principal_cents: Cents
    numerator: int
    denominator: int
    band: Band
    steps: tuple[Step, ...]
    remarks: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class ExampleDeparture:
    """One line of the example an agreement gives: who leaves on this day owes this amount."""

    leaves_on: date
    completed: bool
    result: RepaymentResult


def next_agreement_status(status: AgreementStatus, action: AgreementAction) -> AgreementStatus:
    """Return the status that ``action`` leads to.

    Raises:
        AgreementActionRefused: the agreement's status does not know the action.
    """
    try:
        return AGREEMENT_TRANSITIONS[status, action]
    except KeyError:
        raise AgreementActionRefused(status=status.value, action=action.value) from None


def next_claim_status(status: ClaimStatus, action: ClaimAction) -> ClaimStatus:
    """Return the status that ``action`` leads to.

    Raises:
        ClaimActionRefused: the claim's status does not know the action.
    """
    try:
        return CLAIM_TRANSITIONS[status, action]
    except KeyError:
        raise ClaimActionRefused(status=status.value, action=action.value) from None


def stays(
    status: AgreementStatus, *, agreed_cents: Cents, granted_cents: Cents, has_started: bool
) -> bool:
    """Tell whether an agreement stays in force when a later decision is taken on the training.

    Signed by both it does where a new one would say the same, and from the day the training starts
    on, when no new one can be signed; a claim is on the cost really made either way.

    Source: VIS-7.1, VIS-7.3, LAW-3.
    """
    if status is not AgreementStatus.SIGNED:
        return False
    return has_started or agreed_cents == granted_cents


def survives(status: AgreementStatus, *, has_started: bool) -> bool:
    """Tell whether an agreement stays in force though its training is cancelled, or needs none now.

    Signed by both it does from the day the training starts on: what was spent by then was spent,
    and only the MT lets a claim go.

    Source: VIS-7.7, LAW-3.
    """
    return status is AgreementStatus.SIGNED and has_started


def employment_of(
    employments: Sequence[UnbrokenEmployment], *, called_for_on: date
) -> UnbrokenEmployment:
    """Return which of someone's employments, by first day, an agreement belongs to.

    The one that was running on the day the agreement was called for, else the first to begin after
    it, else the last that there was. Another one's end does not touch the agreement.

    Source: VIS-7.7.
    """
    for employment in employments:
        if employment.left_on is None or called_for_on <= employment.left_on:
            return employment
    return employments[-1]


def own_cost(cost_cents: Cents, *, subsidies_cents: Cents) -> Cents:
    """Return the organisation's own cost of one employee's training, in cents; never below nil.

    It is what a claim is reckoned from, whatever the policy counts as investment.

    Source: LAW-3 (cost less subsidies received).
    """
    return Cents(max(cost_cents - subsidies_cents, 0))


def investment(cost_cents: Cents, *, subsidies_cents: Cents, policy: Policy) -> Cents:
    """Return what counts towards the threshold of substantial cost, in cents.

    Source: VIS-7.6 (the investment is counted after subsidies, unless the policy says otherwise).
    """
    if not policy.investment_after_subsidies:
        return cost_cents
    return own_cost(cost_cents, subsidies_cents=subsidies_cents)


def agreement_requirement(
    own_cost_cents: Cents, working_minutes: Minutes, policy: Policy
) -> AgreementRequirement:
    """Tell whether an agreement is needed; a threshold that is just reached counts.

    Source: VIS-7.1 (substantial cost, or considerable time in working time).
    """
    by_cost = own_cost_cents >= policy.agreement_cost_threshold_cents
    by_time = working_minutes >= policy.agreement_time_threshold_minutes
    return AgreementRequirement(
        needed=by_cost or by_time,
        reasons=(
            Step(
                _COST_REACHED if by_cost else _COST_NOT_REACHED,
                {
                    "own_cost_cents": own_cost_cents,
                    "threshold_cents": policy.agreement_cost_threshold_cents,
                },
                "VIS-7.1",
            ),
            Step(
                _TIME_REACHED if by_time else _TIME_NOT_REACHED,
                {
                    "working_minutes": working_minutes,
                    "threshold_minutes": policy.agreement_time_threshold_minutes,
                },
                "VIS-7.1",
            ),
        ),
    )


def clause_allowed(basis: TrainingBasis) -> ClauseVerdict:
    """Tell whether the law allows a repayment clause on a training with this basis.

    Only a voluntary training may carry one; a basis nobody has classified means none.

    Source: LAW-1 (7:611a BW: the clause on training the employer must give is void).
    """
    facts = {"basis": basis.value}
    match basis:
        case TrainingBasis.VOLUNTARY:
            return ClauseVerdict(allowed=True, why=Step(_VOLUNTARY, facts, "LAW-1"))
        case TrainingBasis.UNKNOWN:
            return ClauseVerdict(allowed=False, why=Step(_NOT_CLASSIFIED, facts, "LAW-1"))
        case _:
            return ClauseVerdict(allowed=False, why=Step(_NOT_VOLUNTARY, facts, "LAW-1"))


def clause_for(
    basis: TrainingBasis, investment_cents: Cents, *, threshold_cents: Cents
) -> ClauseVerdict:
    """Tell whether the repayment scheme applies: allowed by law, and of substantial cost.

    It does so in every year that a policy governs, the transition year 2026 too.

    Source: VIS-7.6 (the threshold itself is substantial), VIS-7.10, LAW-1.
    """
    lawful = clause_allowed(basis)
    if not lawful.allowed:
        return lawful
    substantial = investment_cents >= threshold_cents
    facts = {"investment_cents": investment_cents, "threshold_cents": threshold_cents}
    text = _INVESTMENT_REACHED if substantial else _INVESTMENT_NOT_REACHED
    return ClauseVerdict(substantial, Step(text, facts, "VIS-7.6"))


def check_wish(
    wish: RepaymentWish, basis: TrainingBasis, investment_cents: Cents, *, threshold_cents: Cents
) -> None:
    """Refuse a clause that the rules forbid, and the lack of one that they ask for.

    Raises:
        ClauseNotAllowed: a clause is wanted, and the training is not voluntary (LAW-1).
        ClauseBelowThreshold: a clause is wanted, and the investment is small (VIS-7.6).
        ClauseRequired: no clause is wanted, and the scheme applies (VIS-7.9).
    """
    verdict = clause_for(basis, investment_cents, threshold_cents=threshold_cents)
    if wish is RepaymentWish.WITH_CLAUSE and not clause_allowed(basis).allowed:
        raise ClauseNotAllowed(basis=basis.value)
    if wish is RepaymentWish.WITH_CLAUSE and not verdict.allowed:
        raise ClauseBelowThreshold(
            investment_cents=investment_cents, threshold_cents=threshold_cents
        )
    if wish is RepaymentWish.WITHOUT_CLAUSE and verdict.allowed:
        raise ClauseRequired(investment_cents=investment_cents, threshold_cents=threshold_cents)


def check_in_time(*, starts_on: date, today: date) -> None:
    """Refuse an agreement that is not made before the training starts; the day itself is too late.

    Raises:
        TooLateToSign: the training starts today or has started (VIS-7.1).
    """
    if today >= starts_on:
        raise TooLateToSign(starts_on=starts_on, today_on=today)


def signs_as(
    signer_id: UUID | None, *, employee_id: UUID, manager_id: UUID | None, status: AgreementStatus
) -> SignatureRole:
    """Return in what role someone signs now: the employee first, then the manager it names.

    Raises:
        DocumentNotDrawnUp: there is no text to sign yet.
        SamePersonSigns: the employee has signed and would sign for the manager too (LAW-14).
        SignatureOutOfOrder: the manager would sign before the employee (VIS-7.3).
        WrongSigner: neither of the two.
        AgreementActionRefused: both have signed, or the agreement is no more.
    """
    if status is AgreementStatus.REQUIRED:
        raise DocumentNotDrawnUp(status=status.value)
    if signer_id is None or signer_id not in (employee_id, manager_id):
        raise WrongSigner
    role = SignatureRole.EMPLOYEE if signer_id == employee_id else SignatureRole.MANAGER
    match role, status:
        case SignatureRole.EMPLOYEE, AgreementStatus.SIGNED_BY_EMPLOYEE:
            raise SamePersonSigns
        case SignatureRole.MANAGER, AgreementStatus.DRAWN_UP:
            raise SignatureOutOfOrder
        case _:
            next_agreement_status(status, SIGNING[role])
    return role


def repayment_due(clause: RepaymentClause, *, leaves_on: date) -> RepaymentResult:
    """Return what the employee owes on leaving (terugbetaling), in whole cents.

    ``leaves_on`` is the last day of employment. Before the start of the training nothing is owed;
    from the start on everything, until the training is completed and the schedule begins to run.
    A training that was cancelled after its start counts as completed on that day: the employee is
    not bound for ever by what the organisation stopped. The reason of leaving plays no part. Half
    a cent is rounded up.

    Source: VIS-7.7, VIS-7.8; LAW-2 for the sliding schedule.
    """
    begun = [
        Step(
            _PRINCIPAL,
            {"principal_cents": clause.principal_cents},
            "LAW-3",
        )
    ]
    if leaves_on < clause.starts_on:
        facts = {"leaves_on": leaves_on, "starts_on": clause.starts_on}
        begun.append(Step(_BEFORE_START, facts, "VIS-7.7"))
        return _result(clause, 0, 1, Band.BEFORE_START, begun)
    if clause.completed_on is None and clause.stopped_on is not None:
        begun.append(Step(_STOPPED, {"stopped_on": clause.stopped_on}, "VIS-7.7"))
        clause = replace(clause, completed_on=clause.stopped_on)
    match clause.schedule:
        case Staircase():
            return _by_staircase(clause, clause.schedule, leaves_on, begun)
        case MonthlySliding():
            return _by_month(clause, clause.schedule, leaves_on, begun)


def not_in_force(principal_cents: Cents, status: AgreementStatus) -> RepaymentResult:
    """Return that nothing is owed, because the agreement has not been signed by both.

    Source: VIS-7.3, LAW-2 (a clause binds in writing only).
    """
    return nothing_due(
        principal_cents, because=Step(_NOT_SIGNED, {"status": status.value}, "VIS-7.3")
    )


def nothing_due(principal_cents: Cents, *, because: Step) -> RepaymentResult:
    """Return that nothing is owed, whatever the day of leaving, for the reason given."""
    return RepaymentResult(
        amount_cents=Cents(0),
        principal_cents=principal_cents,
        numerator=0,
        denominator=1,
        band=Band.NO_CLAUSE,
        steps=(because,),
        remarks=(),
    )


def repayment_at_recovery(
    clause: RepaymentClause,
    *,
    basis: TrainingBasis,
    investment_cents: Cents,
    threshold_cents: Cents,
    leaves_on: date,
) -> RepaymentResult:
    """Return what may be reclaimed, with the clause tested again on the day of recovery.

    A clause that was sound when it was signed is void once the training turns out to have been
    obligatory, and is idle when the investment really made stays under the threshold.

    Source: LAW-1, LAW-3, VIS-7.6.
    """
    verdict = clause_for(basis, investment_cents, threshold_cents=threshold_cents)
    if not verdict.allowed:
        return nothing_due(clause.principal_cents, because=verdict.why)
    return repayment_due(clause, leaves_on=leaves_on)


def example_departures(
    *, principal_cents: Cents, starts_on: date, ends_on: date, schedule: RepaymentSchedule
) -> tuple[ExampleDeparture, ...]:
    """Return what leaving would cost on the days that matter, if the training ends as planned.

    First the day it starts, with the training not completed; then the last day of each band and
    the day after it, or, for a sliding schedule, a day in each quarter of the term and its end.

    Source: LAW-2 (the consequences are explained beforehand, with an example amount).
    """
    unfinished = RepaymentClause(principal_cents, starts_on, None, schedule)
    finished = RepaymentClause(principal_cents, starts_on, ends_on, schedule)
    return (
        ExampleDeparture(
            starts_on,
            completed=False,
            result=repayment_due(unfinished, leaves_on=starts_on),
        ),
        *(
            ExampleDeparture(day, completed=True, result=repayment_due(finished, leaves_on=day))
            for day in _telling_days(schedule, ends_on)
        ),
    )


def completion_day(details: RequestDetails, employee_id: UUID) -> date | None:
    """Return the day on which this participant completed the training, None if that is not so."""
    for participant in details.participants:
        if participant.employee_id == employee_id:
            has_completed = participant.status is ParticipantStatus.COMPLETED
            return details.completed_on if has_completed else None
    return None


def months_begun(since: date, until: date) -> int:
    """Return how many calendar months after ``since`` have begun on ``until``.

    A month runs from the day after ``since`` up to and including the same day of the next month,
    clamped to that month's end; on ``since`` itself none has begun.
    """
    if until <= since:
        return 0
    full = (until.year - since.year) * 12 + until.month - since.month
    return full if until <= add_months(since, full) else full + 1


def confirmation_needed(reason: LeavingReason, initiative: LeavingInitiative) -> tuple[Step, ...]:
    """Return why a claim waits for a named person's confirmation; empty when it need not wait.

    An urgent cause is the employee's own doing, so the employer's initiative does not count then.

    Source: LAW-3.
    """
    grounds: list[Step] = []
    if initiative is LeavingInitiative.EMPLOYER and reason is not LeavingReason.URGENT_CAUSE:
        grounds.append(Step(_EMPLOYERS_INITIATIVE, {"reason": reason.value}, "LAW-3"))
    if initiative is LeavingInitiative.UNKNOWN:
        grounds.append(Step(_INITIATIVE_UNKNOWN, {}, "LAW-3"))
    if reason in _REASONS_TO_WAIT:
        grounds.append(Step(_REASONS_TO_WAIT[reason], {}, "LAW-3"))
    return tuple(grounds)


def _by_staircase(
    clause: RepaymentClause, schedule: Staircase, leaves_on: date, steps: list[Step]
) -> RepaymentResult:
    """Find the band: up to and including its last day, but the last band ends the day before."""
    if clause.completed_on is None:
        percent = schedule.steps[0][1]
        steps.append(Step(_NOT_COMPLETED, {"leaves_on": leaves_on}, "VIS-7.7"))
        return _result(clause, percent, 100, Band.NOT_COMPLETED, steps)
    last_months = schedule.steps[-1][0]
    for months, percent in schedule.steps:
        until = add_months(clause.completed_on, months)
        if leaves_on < until or (leaves_on == until and months != last_months):
            facts = {
                "leaves_on": leaves_on,
                "completed_on": clause.completed_on,
                "months": months,
                "until_on": until,
            }
            text = _IN_LAST_BAND if months == last_months else _IN_BAND
            steps.append(Step(text, facts, "VIS-7.7"))
            is_first = months == schedule.steps[0][0]
            return _result(clause, percent, 100, Band.FULL if is_first else Band.REDUCED, steps)
    return _after_term(clause, clause.completed_on, last_months, leaves_on, steps)


def _by_month(
    clause: RepaymentClause, schedule: MonthlySliding, leaves_on: date, steps: list[Step]
) -> RepaymentResult:
    """Take off an equal part for each month begun since completion."""
    if clause.completed_on is None:
        steps.append(Step(_NOT_COMPLETED, {"leaves_on": leaves_on}, "VIS-7.7"))
        return _result(clause, 1, 1, Band.NOT_COMPLETED, steps)
    begun = months_begun(clause.completed_on, leaves_on)
    if begun >= schedule.months:
        return _after_term(clause, clause.completed_on, schedule.months, leaves_on, steps)
    left = schedule.months - begun
    facts = {
        "leaves_on": leaves_on,
        "completed_on": clause.completed_on,
        "begun_months": begun,
        "term_months": schedule.months,
        "left_months": left,
    }
    steps.append(Step(_MONTHS_LEFT, facts, "LAW-2"))
    band = Band.REDUCED if begun else Band.FULL
    return _result(clause, left, schedule.months, band, steps)


def _after_term(
    clause: RepaymentClause, completed_on: date, months: int, leaves_on: date, steps: list[Step]
) -> RepaymentResult:
    facts = {"leaves_on": leaves_on, "completed_on": completed_on, "months": months}
    steps.append(Step(_TERM_PASSED, facts, "VIS-7.7"))
    return _result(clause, 0, 1, Band.NOTHING_LEFT, steps)


def _result(
    clause: RepaymentClause, numerator: int, denominator: int, band: Band, steps: list[Step]
) -> RepaymentResult:
    amount = Cents(part(clause.principal_cents, numerator=numerator, denominator=denominator))
    facts = {
        "principal_cents": clause.principal_cents,
        "numerator": numerator,
        "denominator": denominator,
        "amount_cents": amount,
    }
    is_percent = denominator == 100  # noqa: PLR2004 - hundredths read as a percentage
    if is_percent:
        facts["share_percent"] = numerator
    remarks = [Step(_REASON_PLAYS_NO_PART, {}, "VIS-7.8")]
    if isinstance(clause.schedule, Staircase):
        remarks.append(Step(STAIRCASE_REMARK.text, {}, STAIRCASE_REMARK.rule))
    return RepaymentResult(
        amount_cents=amount,
        principal_cents=clause.principal_cents,
        numerator=numerator,
        denominator=denominator,
        band=band,
        steps=(*steps, Step(_SHARE_IN_PERCENT if is_percent else _SHARE, facts)),
        remarks=tuple(remarks),
    )


def _telling_days(schedule: RepaymentSchedule, completed_on: date) -> tuple[date, ...]:
    match schedule:
        case Staircase(steps=steps):
            ends = [add_months(completed_on, months) for months, _ in steps]
            inner = [day for end in ends[:-1] for day in (end, end + _ONE_DAY)]
            return (*inner, ends[-1] - _ONE_DAY, ends[-1])
        case MonthlySliding(months=months):
            quarters = sorted({months * part_of // 4 for part_of in (0, 1, 2, 3, 4)})
            return tuple(add_months(completed_on, each) for each in quarters)


_COST_REACHED = Text(
    en="The organisation's own cost is {own_cost_cents}; {threshold_cents} or more is substantial.",
    nl="De eigen kosten van de organisatie zijn {own_cost_cents}; vanaf {threshold_cents} zijn die "
    "substantieel.",
)
_COST_NOT_REACHED = Text(
    en="The organisation's own cost is {own_cost_cents}, less than {threshold_cents}.",
    nl="De eigen kosten van de organisatie zijn {own_cost_cents}, minder dan {threshold_cents}.",
)
_INVESTMENT_REACHED = Text(
    en="The investment in the training is {investment_cents}; {threshold_cents} or more is "
    "substantial.",
    nl="De investering in de opleiding is {investment_cents}; vanaf {threshold_cents} is die "
    "substantieel.",
)
_INVESTMENT_NOT_REACHED = Text(
    en="The investment in the training is {investment_cents}, less than {threshold_cents}.",
    nl="De investering in de opleiding is {investment_cents}, minder dan {threshold_cents}.",
)
_TIME_REACHED = Text(
    en="It takes {working_minutes} of working time; {threshold_minutes} or more is considerable.",
    nl="Zij vraagt {working_minutes} werktijd; vanaf {threshold_minutes} is dat aanzienlijk.",
)
_TIME_NOT_REACHED = Text(
    en="It takes {working_minutes} of working time, less than {threshold_minutes}.",
    nl="Zij vraagt {working_minutes} werktijd, minder dan {threshold_minutes}.",
)
_VOLUNTARY = Text(
    en="The training is voluntary, so a repayment clause is allowed.",
    nl="De opleiding is vrijwillig, dus een terugbetalingsbeding is toegestaan.",
)
_NOT_CLASSIFIED = Text(
    en="Nobody has classified the basis of the training, so no repayment clause applies.",
    nl="Niemand heeft de grondslag van de opleiding vastgesteld, dus geldt geen "
    "terugbetalingsbeding.",
)
_NOT_VOLUNTARY = Text(
    en="The basis of the training is '{basis}': the employer must provide it free of charge, and a "
    "repayment clause is void (article 7:611a of the Civil Code).",
    nl="De grondslag van de opleiding is '{basis}': de werkgever moet haar kosteloos aanbieden, "
    "en een terugbetalingsbeding is nietig (artikel 7:611a BW).",
)
_NOT_SIGNED = Text(
    en="The agreement has status '{status}': it was not signed by both, so nothing was agreed.",
    nl="De overeenkomst heeft status '{status}': zij is niet door beiden getekend, dus is er niets "
    "overeengekomen.",
)
_PRINCIPAL = Text(
    en="The agreement covers {principal_cents}: the organisation's own cost, less subsidies.",
    nl="De overeenkomst betreft {principal_cents}: de eigen kosten van de organisatie, "
    "zonder subsidies.",
)
_BEFORE_START = Text(
    en="Employment ends on {leaves_on}, before the training starts on {starts_on}: "
    "nothing is owed.",
    nl="Het dienstverband eindigt op {leaves_on}, voordat de opleiding op {starts_on} begint: "
    "er is niets verschuldigd.",
)
_STOPPED = Text(
    en="The training was cancelled on {stopped_on}, after its start: the term runs from that day "
    "as if it had been completed then.",
    nl="De opleiding is op {stopped_on} geannuleerd, na het begin: de termijn loopt vanaf die dag "
    "alsof zij toen was afgerond.",
)
_NOT_COMPLETED = Text(
    en="Employment ends on {leaves_on}, after the start, and the training is not completed.",
    nl="Het dienstverband eindigt op {leaves_on}, na het begin, en de opleiding is niet afgerond.",
)
_IN_BAND = Text(
    en="Employment ends on {leaves_on}, no later than {months} months after completion on "
    "{completed_on}: that day itself, {until_on}, still counts.",
    nl="Het dienstverband eindigt op {leaves_on}, uiterlijk {months} maanden na de afronding op "
    "{completed_on}: die dag zelf, {until_on}, telt nog mee.",
)
_IN_LAST_BAND = Text(
    en="Employment ends on {leaves_on}, less than {months} months after completion on "
    "{completed_on}: from {until_on} on nothing is owed.",
    nl="Het dienstverband eindigt op {leaves_on}, minder dan {months} maanden na de afronding op "
    "{completed_on}: vanaf {until_on} is niets verschuldigd.",
)
_TERM_PASSED = Text(
    en="Employment ends on {leaves_on}; the term of {months} months after completion on "
    "{completed_on} has been served.",
    nl="Het dienstverband eindigt op {leaves_on}; de looptijd van {months} maanden na de afronding "
    "op {completed_on} is volbracht.",
)
_MONTHS_LEFT = Text(
    en="Employment ends on {leaves_on}; of the {term_months} months after completion on "
    "{completed_on}, {begun_months} have begun and {left_months} are left.",
    nl="Het dienstverband eindigt op {leaves_on}; van de {term_months} maanden na de afronding op "
    "{completed_on} zijn er {begun_months} begonnen en {left_months} over.",
)
_SHARE_IN_PERCENT = Text(
    en="{share_percent} of {principal_cents} is {amount_cents}.",
    nl="{share_percent} van {principal_cents} is {amount_cents}.",
)
_SHARE = Text(
    en="{numerator}/{denominator} of {principal_cents} is {amount_cents}.",
    nl="{numerator}/{denominator} van {principal_cents} is {amount_cents}.",
)
_REASON_PLAYS_NO_PART = Text(
    en="The reason of leaving does not change the amount.",
    nl="De reden van vertrek verandert het bedrag niet.",
)
_EMPLOYERS_INITIATIVE = Text(
    en="The employer took the initiative ('{reason}'): a named person confirms the claim first.",
    nl="De werkgever nam het initiatief ('{reason}'): een met naam bekende persoon bevestigt de "
    "terugvordering eerst.",
)
_INITIATIVE_UNKNOWN = Text(
    en="Nobody recorded who took the initiative: a named person confirms the claim first.",
    nl="Niet vastgelegd is wie het initiatief nam: een met naam bekende persoon bevestigt de "
    "terugvordering eerst.",
)
_REASONS_TO_WAIT: Mapping[LeavingReason, Text] = {
    LeavingReason.DEATH: Text(
        en="The employee died: a named person confirms the claim first.",
        nl="De medewerker is overleden: een met naam bekende persoon bevestigt de terugvordering "
        "eerst.",
    ),
    LeavingReason.LONG_ILLNESS: Text(
        en="The employee left after long illness: a named person confirms the claim first.",
        nl="De medewerker vertrok na langdurige ziekte: een met naam bekende persoon bevestigt de "
        "terugvordering eerst.",
    ),
    LeavingReason.UNKNOWN: Text(
        en="Nobody recorded the reason of leaving: a named person confirms the claim first.",
        nl="De reden van vertrek is niet vastgelegd: een met naam bekende persoon bevestigt de "
        "terugvordering eerst.",
    ),
}
