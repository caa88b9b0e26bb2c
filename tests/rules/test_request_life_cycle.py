"""The life of a training request: one table, every pair of status and step tried."""

from itertools import product

import pytest

from app.requests.errors import (
    ActionNotAllowed,
    AssessmentIncomplete,
    InterimConsentMissing,
    NecessityMissing,
)
from app.requests.rules import (
    LIVE_STATUSES,
    TRANSITIONS,
    RequestAction,
    RequestStatus,
    TrainingBasis,
    check_step,
    next_status,
)
from tests.support.requests import SUBMITTED_AT, details, rated

# Told apart from the code, a line for each status, by the names on the wire.
_MOVES = {
    "draft": {
        "change": "draft",
        "endorse": "draft",
        "submit": "submitted",
        "withdraw": "withdrawn",
    },
    "submitted": {
        "refuse": "rejected",
        "consent": "submitted",
        "assess": "under_assessment",
        "withdraw": "withdrawn",
    },
    "under_assessment": {
        "assess": "under_assessment",
        "propose": "proposed",
        "withdraw": "withdrawn",
    },
    "proposed": {
        "take_back": "under_assessment",
        "grant": "granted",
        "grant_partly": "partly_granted",
        "defer": "deferred",
        "reject": "rejected",
    },
    "granted": {
        "grant": "granted",
        "grant_partly": "partly_granted",
        "defer": "deferred",
        "reject": "rejected",
        "cancel": "cancelled",
        "complete": "completed",
    },
    "partly_granted": {
        "grant": "granted",
        "grant_partly": "partly_granted",
        "defer": "deferred",
        "reject": "rejected",
        "cancel": "cancelled",
        "complete": "completed",
    },
    "deferred": {
        "grant": "granted",
        "grant_partly": "partly_granted",
        "defer": "deferred",
        "reject": "rejected",
        "assess": "under_assessment",
        "withdraw": "withdrawn",
    },
    "rejected": {
        "grant": "granted",
        "grant_partly": "partly_granted",
        "defer": "deferred",
        "reject": "rejected",
    },
    "withdrawn": {},
    "cancelled": {},
    "completed": {},
}


@pytest.mark.rule("VIS-6.6")
@pytest.mark.invariant("W1")
@pytest.mark.parametrize(("status", "action"), list(product(RequestStatus, RequestAction)), ids=str)
def test_every_status_and_step_moves_as_told_or_is_refused(
    status: RequestStatus, action: RequestAction
) -> None:
    expected = _MOVES[status.value].get(action.value)

    if expected is not None:
        assert next_status(status, action) == expected
        return
    with pytest.raises(ActionNotAllowed) as refused:
        next_status(status, action)
    assert refused.value.facts == {"status": status.value, "action": action.value}


def test_what_is_withdrawn_cancelled_or_completed_stays_so() -> None:
    ended = {RequestStatus.WITHDRAWN, RequestStatus.CANCELLED, RequestStatus.COMPLETED}

    assert not [status for status, _ in TRANSITIONS if status in ended]


def test_every_status_but_a_draft_can_be_reached_from_a_draft() -> None:
    reached = {RequestStatus.DRAFT}
    while (
        more := {outcome for (status, _), outcome in TRANSITIONS.items() if status in reached}
        - reached
    ):
        reached |= more

    assert reached == set(RequestStatus)


def test_what_counts_in_a_tranche_was_submitted_and_not_turned_down() -> None:
    assert set(RequestStatus) - set(LIVE_STATUSES) == {
        RequestStatus.DRAFT,
        RequestStatus.REJECTED,
        RequestStatus.WITHDRAWN,
        RequestStatus.CANCELLED,
    }


@pytest.mark.rule("VIS-6.4")
def test_an_interim_request_is_not_assessed_before_the_consent_of_the_mt() -> None:
    interim = details(interim=True, tranche_id=None, necessity="Certificaat verloopt.")

    with pytest.raises(InterimConsentMissing):
        check_step(interim, RequestAction.ASSESS)


@pytest.mark.rule("VIS-6.4")
@pytest.mark.parametrize("action", [RequestAction.CONSENT, RequestAction.ASSESS])
def test_an_interim_request_that_proves_voluntary_goes_no_further(action: RequestAction) -> None:
    interim = details(
        interim=True,
        tranche_id=None,
        consented_at=SUBMITTED_AT,
        basis=TrainingBasis.VOLUNTARY,
    )

    with pytest.raises(NecessityMissing):
        check_step(interim, action)


@pytest.mark.rule("VIS-6.4")
def test_an_interim_request_with_consent_is_assessed() -> None:
    interim = details(interim=True, tranche_id=None, consented_at=SUBMITTED_AT)

    assert check_step(interim, RequestAction.ASSESS) is RequestStatus.UNDER_ASSESSMENT


@pytest.mark.rule("VIS-4.2")
def test_a_request_is_proposed_only_with_all_five_criteria_rated() -> None:
    request = details(status=RequestStatus.UNDER_ASSESSMENT, ratings=rated()[1:])

    with pytest.raises(AssessmentIncomplete) as refused:
        check_step(request, RequestAction.PROPOSE)

    assert refused.value.facts["missing_criteria"] == ["legal_and_function"]


@pytest.mark.rule("VIS-4.2")
def test_a_fully_assessed_request_is_proposed() -> None:
    request = details(status=RequestStatus.UNDER_ASSESSMENT, ratings=rated())

    assert check_step(request, RequestAction.PROPOSE) is RequestStatus.PROPOSED
