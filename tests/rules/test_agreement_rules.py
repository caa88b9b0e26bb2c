"""When an agreement is needed, when a clause is lawful, when a claim waits, and the life cycles."""

from contextlib import nullcontext
from datetime import date
from itertools import product
from uuid import UUID

import pytest

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
from app.agreements.rules import (
    AGREEMENT_TRANSITIONS,
    CLAIM_TRANSITIONS,
    AgreementAction,
    AgreementStatus,
    ClaimAction,
    ClaimStatus,
    RepaymentWish,
    SignatureRole,
    agreement_requirement,
    check_in_time,
    check_wish,
    clause_allowed,
    clause_for,
    confirmation_needed,
    employment_of,
    investment,
    next_agreement_status,
    next_claim_status,
    not_in_force,
    own_cost,
    signs_as,
    survives,
)
from app.kernel.errors import Refusal
from app.kernel.quantities import Cents, Minutes
from app.kernel.wording import Language, say
from app.people.rules import (
    EmploymentKind,
    EmploymentRow,
    LeavingInitiative,
    LeavingReason,
    UnbrokenEmployment,
)
from app.requests.rules import TrainingBasis
from tests.support.agreements import policy_with


@pytest.mark.rule("VIS-7.1")
@pytest.mark.parametrize(
    ("cost_cents", "minutes", "needed"),
    [
        pytest.param(199_999, 2_399, False, id="a cent and a minute short"),
        pytest.param(200_000, 0, True, id="the cost itself"),
        pytest.param(0, 2_400, True, id="the time itself"),
        pytest.param(200_000, 2_400, True, id="both"),
        pytest.param(0, 0, False, id="neither"),
    ],
)
def test_an_agreement_is_needed_from_the_thresholds_on(
    cost_cents: int,
    minutes: int,
    needed: bool,  # noqa: FBT001 - a column of the table
) -> None:
    requirement = agreement_requirement(Cents(cost_cents), Minutes(minutes), policy_with())
    assert requirement.needed is needed
    assert [step.rule for step in requirement.reasons] == ["VIS-7.1", "VIS-7.1"]
    assert all(say(step.text, step.facts, Language.NL) for step in requirement.reasons)


@pytest.mark.rule("LAW-1")
@pytest.mark.parametrize("basis", TrainingBasis, ids=str)
def test_only_a_voluntary_training_may_carry_a_clause(basis: TrainingBasis) -> None:
    verdict = clause_allowed(basis)
    assert verdict.allowed is (basis is TrainingBasis.VOLUNTARY)
    assert verdict.why.rule == "LAW-1"


@pytest.mark.rule("VIS-7.6")
@pytest.mark.parametrize(
    ("cost_cents", "allowed"),
    [
        pytest.param(199_999, False, id="one cent less"),
        pytest.param(200_000, True, id="exactly two thousand euros"),
        pytest.param(200_001, True, id="one cent more"),
    ],
)
def test_a_clause_applies_from_two_thousand_euros_on(
    cost_cents: int,
    allowed: bool,  # noqa: FBT001 - a column of the table
) -> None:
    verdict = clause_for(TrainingBasis.VOLUNTARY, Cents(cost_cents), threshold_cents=Cents(200_000))
    assert (verdict.allowed, verdict.why.rule) == (allowed, "VIS-7.6")


@pytest.mark.rule("LAW-1")
def test_a_dear_training_that_is_obligatory_carries_no_clause() -> None:
    verdict = clause_for(TrainingBasis.STATUTORY, Cents(1_000_000), threshold_cents=Cents(200_000))
    assert (verdict.allowed, verdict.why.rule) == (False, "LAW-1")


@pytest.mark.rule("VIS-7.6")
@pytest.mark.rule("LAW-3")
@pytest.mark.parametrize(
    ("subsidies_cents", "after_subsidies", "expected"),
    [
        pytest.param(0, True, 250_000, id="no subsidy"),
        pytest.param(50_001, True, 199_999, id="a subsidy brings it under the threshold"),
        pytest.param(300_000, True, 0, id="never below nil"),
        pytest.param(50_001, False, 250_000, id="a policy that counts the whole investment"),
    ],
)
def test_the_investment_is_counted_as_the_policy_says_and_the_own_cost_less_subsidies(
    subsidies_cents: int,
    after_subsidies: bool,  # noqa: FBT001 - a column of the table
    expected: int,
) -> None:
    policy = policy_with(after_subsidies=after_subsidies)
    cost, subsidies = Cents(250_000), Cents(subsidies_cents)
    assert investment(cost, subsidies_cents=subsidies, policy=policy) == expected
    assert own_cost(cost, subsidies_cents=subsidies) == max(250_000 - subsidies_cents, 0)


_ENDED_ON = date(2026, 12, 31)


def worked(hired_on: date, left_on: date | None) -> UnbrokenEmployment:
    employment = EmploymentRow(
        id=UUID(int=hired_on.toordinal()),
        employee_id=UUID(int=1),
        hired_on=hired_on,
        left_on=left_on,
        kind=EmploymentKind.PERMANENT,
        leaving_reason=None,
        leaving_initiative=None,
    )
    return UnbrokenEmployment((employment,))


@pytest.mark.rule("VIS-7.7")
@pytest.mark.parametrize(
    ("called_for_on", "expected"),
    [
        pytest.param(date(2019, 12, 31), 0, id="before any of them, the first to begin"),
        pytest.param(date(2020, 1, 1), 0, id="on the first day"),
        pytest.param(date(2026, 12, 31), 0, id="on the last day"),
        pytest.param(date(2027, 1, 1), 1, id="the day after it, the next to begin"),
        pytest.param(date(2027, 4, 30), 1, id="the day before the next begins"),
        pytest.param(date(2027, 12, 31), 1, id="on the last day of all"),
        pytest.param(date(2028, 1, 1), 1, id="after all of them, the last that there was"),
    ],
)
def test_an_agreement_belongs_to_the_employment_it_was_called_for_in(
    called_for_on: date, expected: int
) -> None:
    employments = (
        worked(date(2020, 1, 1), _ENDED_ON),
        worked(date(2027, 5, 1), date(2027, 12, 31)),
    )
    assert employment_of(employments, called_for_on=called_for_on) is employments[expected]


def test_an_open_employment_takes_every_later_agreement() -> None:
    employments = (worked(date(2020, 1, 1), _ENDED_ON), worked(date(2027, 5, 1), None))
    assert employment_of(employments, called_for_on=date(2199, 1, 1)) is employments[1]


@pytest.mark.rule("VIS-7.7")
@pytest.mark.parametrize("status", list(AgreementStatus), ids=str)
def test_only_what_both_signed_survives_and_from_the_start_on(status: AgreementStatus) -> None:
    assert survives(status, has_started=True) is (status is AgreementStatus.SIGNED)
    assert not survives(status, has_started=False)


@pytest.mark.rule("LAW-3")
@pytest.mark.parametrize(
    ("reason", "initiative", "grounds"),
    [
        pytest.param(LeavingReason.RESIGNATION, LeavingInitiative.EMPLOYEE, 0, id="resigned"),
        pytest.param(LeavingReason.RETIREMENT, LeavingInitiative.EMPLOYEE, 0, id="retired"),
        pytest.param(LeavingReason.MUTUAL_CONSENT, LeavingInitiative.MUTUAL, 0, id="by consent"),
        pytest.param(LeavingReason.DISMISSAL, LeavingInitiative.EMPLOYER, 1, id="dismissed"),
        pytest.param(LeavingReason.END_OF_TERM, LeavingInitiative.EMPLOYER, 1, id="not prolonged"),
        pytest.param(LeavingReason.URGENT_CAUSE, LeavingInitiative.EMPLOYER, 0, id="urgent cause"),
        pytest.param(LeavingReason.DEATH, LeavingInitiative.EMPLOYEE, 1, id="death"),
        pytest.param(LeavingReason.LONG_ILLNESS, LeavingInitiative.EMPLOYEE, 1, id="long illness"),
        pytest.param(
            LeavingReason.LONG_ILLNESS, LeavingInitiative.EMPLOYER, 2, id="illness, by us"
        ),
        pytest.param(LeavingReason.UNKNOWN, LeavingInitiative.EMPLOYEE, 1, id="reason unknown"),
        pytest.param(LeavingReason.RESIGNATION, LeavingInitiative.UNKNOWN, 1, id="who, unknown"),
        pytest.param(LeavingReason.UNKNOWN, LeavingInitiative.UNKNOWN, 2, id="nothing known"),
    ],
)
def test_a_claim_waits_for_a_person_where_the_law_asks_for_one(
    reason: LeavingReason, initiative: LeavingInitiative, grounds: int
) -> None:
    found = confirmation_needed(reason, initiative)
    assert len(found) == grounds
    assert all(step.rule == "LAW-3" and say(step.text, step.facts, Language.NL) for step in found)


@pytest.mark.rule("VIS-7.3")
@pytest.mark.parametrize(
    ("status", "action"), list(product(AgreementStatus, AgreementAction)), ids=str
)
def test_every_status_and_action_of_an_agreement_moves_or_is_refused(
    status: AgreementStatus, action: AgreementAction
) -> None:
    if (status, action) in AGREEMENT_TRANSITIONS:
        assert next_agreement_status(status, action) is AGREEMENT_TRANSITIONS[status, action]
    else:
        with pytest.raises(AgreementActionRefused):
            next_agreement_status(status, action)


@pytest.mark.rule("LAW-3")
@pytest.mark.parametrize(("status", "action"), list(product(ClaimStatus, ClaimAction)), ids=str)
def test_every_status_and_action_of_a_claim_moves_or_is_refused(
    status: ClaimStatus, action: ClaimAction
) -> None:
    if (status, action) in CLAIM_TRANSITIONS:
        assert next_claim_status(status, action) is CLAIM_TRANSITIONS[status, action]
    else:
        with pytest.raises(ClaimActionRefused):
            next_claim_status(status, action)


@pytest.mark.rule("VIS-7.3")
def test_no_text_can_be_drawn_up_again_after_a_signature() -> None:
    signed = {AgreementStatus.SIGNED_BY_EMPLOYEE, AgreementStatus.SIGNED}
    assert all((status, AgreementAction.DRAW_UP) not in AGREEMENT_TRANSITIONS for status in signed)


EMPLOYEE_ID, MANAGER_ID = UUID(int=1), UUID(int=2)


@pytest.mark.rule("VIS-7.3")
@pytest.mark.rule("LAW-14")
@pytest.mark.parametrize(
    ("signer_id", "status", "expected"),
    [
        pytest.param(EMPLOYEE_ID, "required", DocumentNotDrawnUp, id="nothing to sign"),
        pytest.param(EMPLOYEE_ID, "drawn_up", SignatureRole.EMPLOYEE, id="the employee, first"),
        pytest.param(MANAGER_ID, "drawn_up", SignatureOutOfOrder, id="the manager, too early"),
        pytest.param(EMPLOYEE_ID, "signed_by_employee", SamePersonSigns, id="the employee, twice"),
        pytest.param(MANAGER_ID, "signed_by_employee", SignatureRole.MANAGER, id="the manager"),
        pytest.param(UUID(int=3), "signed_by_employee", WrongSigner, id="somebody else"),
        pytest.param(None, "drawn_up", WrongSigner, id="a service"),
        pytest.param(EMPLOYEE_ID, "signed", AgreementActionRefused, id="the employee, when done"),
        pytest.param(MANAGER_ID, "signed", AgreementActionRefused, id="the manager, when done"),
        pytest.param(EMPLOYEE_ID, "void", AgreementActionRefused, id="void"),
        pytest.param(MANAGER_ID, "superseded", AgreementActionRefused, id="superseded"),
    ],
)
def test_the_employee_signs_first_and_the_named_manager_second(
    signer_id: UUID | None, status: str, expected: SignatureRole | type[Refusal]
) -> None:
    def sign() -> SignatureRole:
        return signs_as(
            signer_id,
            employee_id=EMPLOYEE_ID,
            manager_id=MANAGER_ID,
            status=AgreementStatus(status),
        )

    if isinstance(expected, SignatureRole):
        assert sign() is expected
    else:
        with pytest.raises(expected):
            sign()


@pytest.mark.rule("VIS-7.1")
@pytest.mark.parametrize(
    ("today", "in_time"),
    [
        pytest.param(date(2027, 8, 31), True, id="the day before"),
        pytest.param(date(2027, 9, 1), False, id="the day itself"),
        pytest.param(date(2027, 9, 2), False, id="the day after"),
    ],
)
def test_an_agreement_is_made_before_the_training_starts(
    today: date,
    in_time: bool,  # noqa: FBT001 - a column of the table
) -> None:
    with nullcontext() if in_time else pytest.raises(TooLateToSign):
        check_in_time(starts_on=date(2027, 9, 1), today=today)


@pytest.mark.rule("VIS-7.9")
@pytest.mark.parametrize(
    ("wish", "basis", "cost_cents", "refusal"),
    [
        pytest.param("as_ruled", "voluntary", 200_000, None, id="as the rules say"),
        pytest.param("as_ruled", "statutory", 200_000, None, id="as the rules say, without"),
        pytest.param("with_clause", "voluntary", 200_000, None, id="with, and it applies"),
        pytest.param("with_clause", "cao", 200_000, ClauseNotAllowed, id="with, and it is void"),
        pytest.param("with_clause", "unknown", 0, ClauseNotAllowed, id="with, not classified"),
        pytest.param("with_clause", "voluntary", 199_999, ClauseBelowThreshold, id="too small"),
        pytest.param("without_clause", "voluntary", 199_999, None, id="without, and too small"),
        pytest.param("without_clause", "statutory", 900_000, None, id="without, and void"),
        pytest.param("without_clause", "voluntary", 200_000, ClauseRequired, id="left out"),
    ],
)
def test_hr_can_not_wish_for_what_the_rules_forbid(
    wish: str, basis: str, cost_cents: int, refusal: type[Refusal] | None
) -> None:
    with nullcontext() if refusal is None else pytest.raises(refusal):
        check_wish(
            RepaymentWish(wish),
            TrainingBasis(basis),
            Cents(cost_cents),
            threshold_cents=Cents(200_000),
        )


@pytest.mark.rule("VIS-7.3")
def test_nothing_was_agreed_until_both_have_signed() -> None:
    result = not_in_force(Cents(200_000), AgreementStatus.SIGNED_BY_EMPLOYEE)
    assert (result.amount_cents, result.steps[0].rule) == (0, "VIS-7.3")
