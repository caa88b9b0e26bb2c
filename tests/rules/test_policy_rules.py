"""The rules of policy: what may go live, until when it holds, how the norm follows a contract."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.policy.errors import ConsentMissing, PolicyNotSucceeding, PolicyVersionIsLive
from app.policy.rules import (
    Criterion,
    DeadlineRoll,
    MonthlySliding,
    PolicyStatus,
    ProRating,
    Staircase,
    check_activation,
    check_draft,
    remarks,
    valid_until,
)
from app.policy.schemas import PolicySettings
from tests.support.policy import odwh_policy

FIRST = date(2026, 1, 1)
SECOND = date(2027, 1, 1)


@pytest.mark.rule("VIS-8.1")
@pytest.mark.rule("VIS-7.6")
@pytest.mark.rule("VIS-7.1")
def test_odwhs_choices_are_those_of_its_vision() -> None:
    policy = odwh_policy(2027).as_policy()

    assert policy.norm_minutes == 80 * 60
    assert policy.norm_pro_rating is ProRating.NONE
    assert policy.agreement_time_threshold_minutes == 40 * 60
    assert policy.agreement_cost_threshold_cents == policy.repayment_cost_threshold_cents == 200_000
    assert policy.investment_after_subsidies
    assert policy.repayment_schedule == Staircase(((12, 100), (24, 50)))


@pytest.mark.rule("VIS-6.1")
def test_odwhs_tranches_close_in_november_and_july_whatever_the_weekday() -> None:
    policy = odwh_policy(2026).as_policy()

    assert [(one.closes_month, one.closes_day) for one in policy.tranches] == [(11, 15), (7, 15)]
    assert [one.decision_year_offset for one in policy.tranches] == [1, 0]
    assert policy.deadline_roll is DeadlineRoll.NONE


@pytest.mark.rule("VIS-4.1")
@pytest.mark.rule("VIS-4.2")
def test_each_of_the_five_criteria_has_a_weight_and_ratings_run_from_nil_to_four() -> None:
    policy = odwh_policy(2026).as_policy()

    assert set(policy.criteria_weights) == set(Criterion)
    assert len(Criterion) == 5
    assert policy.highest_rating == 4


@pytest.mark.rule("VIS-8.3")
@pytest.mark.parametrize(("year", "binding"), [(2026, False), (2027, True)])
def test_the_norm_warns_in_the_transition_year_and_binds_after_it(
    year: int, *, binding: bool
) -> None:
    assert odwh_policy(year).as_policy().norm_binding is binding


@pytest.mark.rule("VIS-8.1")
@pytest.mark.parametrize(
    ("contract", "norm"),
    [
        pytest.param(2160, 4800, id="full time has the whole norm"),
        pytest.param(1080, 2400, id="half time has half of it"),
        pytest.param(690, 1533, id="11.5 hours: 1533 and a third, rounded down"),
        pytest.param(0, 0, id="no hours, no norm"),
        pytest.param(2400, 4800, id="more than full time has no more"),
    ],
)
def test_with_pro_rating_the_norm_is_the_contracts_part_of_full_time(
    contract: int, norm: int
) -> None:
    policy = odwh_policy(2027, norm_pro_rating="contract_hours").as_policy()

    assert policy.norm_for(contract) == norm


@pytest.mark.rule("VIS-8.1")
@given(st.integers(0, 3600))
def test_without_pro_rating_everybody_has_the_whole_norm(contract: int) -> None:
    assert odwh_policy(2027).as_policy().norm_for(contract) == 4800


@pytest.mark.rule("VIS-8.1")
@given(st.integers(0, 3600), st.integers(0, 3600))
def test_more_contract_hours_never_give_less_norm(contract: int, more: int) -> None:
    policy = odwh_policy(2027, norm_pro_rating="contract_hours").as_policy()

    assert policy.norm_for(contract) <= policy.norm_for(contract + more) <= policy.norm_minutes


@pytest.mark.rule("LAW-11")
def test_a_version_without_consent_may_not_go_live() -> None:
    policy = odwh_policy(2026, consent=None).as_policy()

    with pytest.raises(ConsentMissing) as refused:
        check_activation(policy, valid_from=FIRST, live_from=[])
    assert refused.value.rule == "LAW-11"


@pytest.mark.rule("LAW-11")
@pytest.mark.parametrize(
    ("valid_from", "allowed"),
    [
        pytest.param(date(2026, 12, 31), False, id="the day before a live version"),
        pytest.param(date(2027, 1, 1), False, id="the same day"),
        pytest.param(date(2027, 1, 2), True, id="the day after"),
    ],
)
def test_a_version_begins_after_every_live_one(valid_from: date, *, allowed: bool) -> None:
    policy = odwh_policy(2027).as_policy()

    if allowed:
        check_activation(policy, valid_from=valid_from, live_from=[FIRST, SECOND])
        return
    with pytest.raises(PolicyNotSucceeding) as refused:
        check_activation(policy, valid_from=valid_from, live_from=[FIRST, SECOND])
    assert refused.value.facts["latest_live_on"] == SECOND


@pytest.mark.rule("LAW-11")
def test_a_live_version_is_not_touched_and_a_draft_may_be() -> None:
    check_draft(PolicyStatus.DRAFT)
    with pytest.raises(PolicyVersionIsLive):
        check_draft(PolicyStatus.LIVE)


@pytest.mark.parametrize(
    ("valid_from", "until"),
    [
        pytest.param(FIRST, SECOND, id="a version holds until the next one begins"),
        pytest.param(SECOND, None, id="the last one has no end"),
    ],
)
def test_a_version_holds_until_the_next_one(valid_from: date, until: date | None) -> None:
    assert valid_until(valid_from, [FIRST, SECOND]) == until


@pytest.mark.rule("LAW-2")
def test_only_a_staircase_carries_a_remark() -> None:
    sliding = {"kind": "monthly_sliding", "months": 24}
    stepped = odwh_policy(2027).as_policy()
    slid = odwh_policy(2027, repayment_schedule=sliding).as_policy()

    assert [remark.rule for remark in remarks(stepped)] == ["LAW-2"]
    assert slid.repayment_schedule == MonthlySliding(24)
    assert remarks(slid) == ()


@pytest.mark.rule("LAW-8")
def test_whether_a_reconsideration_is_offered_is_a_choice() -> None:
    assert not odwh_policy(2027, reconsideration_offered=False).as_policy().reconsideration_offered


TRANCHE = {
    "number": 1,
    "closes_month": 11,
    "closes_day": 15,
    "decision_by_month": 1,
    "decision_by_day": 31,
    "decision_year_offset": 1,
}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"tranches": [{**TRANCHE, "closes_day": 31}]}, id="31 November"),
        pytest.param(
            {"tranches": [{**TRANCHE, "closes_month": 2, "closes_day": 29}]},
            id="29 February, which does not come every year",
        ),
        pytest.param(
            {"tranches": [{**TRANCHE, "decision_year_offset": 0}]},
            id="a decision before the closing day",
        ),
        pytest.param({"tranches": [TRANCHE, TRANCHE]}, id="the same tranche twice"),
        pytest.param(
            {"tranches": [TRANCHE, {**TRANCHE, "number": 2}]}, id="two tranches on one day"
        ),
        pytest.param({"criteria_weights": dict.fromkeys(Criterion, 0)}, id="no criterion counts"),
        pytest.param({"rating_labels": ["low", "low"]}, id="two ratings of one name"),
        pytest.param(
            {
                "repayment_schedule": {
                    "kind": "staircase",
                    "steps": [
                        {"until_months": 24, "percent": 100},
                        {"until_months": 12, "percent": 50},
                    ],
                }
            },
            id="bands that go back in time",
        ),
        pytest.param(
            {
                "repayment_schedule": {
                    "kind": "staircase",
                    "steps": [
                        {"until_months": 12, "percent": 50},
                        {"until_months": 24, "percent": 100},
                    ],
                }
            },
            id="bands that rise",
        ),
        pytest.param(
            {"repayment_schedule": {"kind": "monthly_sliding", "months": 0}},
            id="sliding over nothing",
        ),
        pytest.param(
            {"consent": {"kind": "works_council", "reference": "x"}}, id="undated consent"
        ),
        pytest.param({"consent": {"kind": "vote", "reference": "x"}}, id="another kind of consent"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        odwh_policy(2027, **changes)


def test_stored_settings_read_back_as_they_were() -> None:
    settings = odwh_policy(2026)

    assert PolicySettings.model_validate(settings.model_dump(mode="json")) == settings
