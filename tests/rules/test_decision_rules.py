"""What a decision of the MT runs into, one boundary at a time."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.decisions.rules import (
    SAID,
    Advice,
    BreachKind,
    Candidate,
    Impact,
    Intention,
    Need,
    Outcome,
    YearRoom,
    advise,
    departs,
    motivation_needed,
    weigh,
)
from app.kernel.quantities import Cents, Minutes
from app.kernel.wording import Language, say
from app.requests.rules import NECESSARY_BASES, TrainingBasis

ANNA, BRAM, CARL, DECIDER = (UUID(int=n) for n in range(1, 5))
REQUEST, OTHER_REQUEST = UUID(int=100), UUID(int=101)
DECIDED_ON = date(2026, 8, 20)


def candidate(
    request_id: UUID = REQUEST,
    *,
    participants: tuple[UUID, ...] = (ANNA, BRAM),
    total_cents: int = 400_000,
    minutes: Mapping[int, int] | None = None,
    starts_on: date = date(2026, 10, 1),
    ends_on: date = date(2027, 3, 1),
    basis: TrainingBasis = TrainingBasis.VOLUNTARY,
    outside_tranches: bool = False,
) -> Candidate:
    return Candidate(
        request_id=request_id,
        reference="A26-2-0001",
        applicant_id=CARL,
        participants=participants,
        total_cents=Cents(total_cents),
        asked_minutes={
            (person, year): Minutes(asked)
            for person in participants
            for year, asked in (minutes or {2026: 480, 2027: 960}).items()
        },
        starts_on=starts_on,
        ends_on=ends_on,
        budget_year=2026,
        basis=basis,
        outside_tranches=outside_tranches,
    )


def intention(
    of: Candidate | None = None,
    outcome: Outcome = Outcome.GRANTED,
    *,
    amount_cents: int | None = None,
    participants: frozenset[UUID] | None = None,
    motivation: str | None = None,
    advised: Outcome | None = Outcome.GRANTED,
) -> Intention:
    """Return what the MT means to decide; by default to grant all, as HR advised."""
    of = of or candidate()
    whole = frozenset(of.participants)
    advice = None
    if advised is not None:
        advice = Advice(advised, of.total_cents if advised.grants else Cents(0), whole)
    grants = outcome.grants
    return Intention(
        candidate=of,
        outcome=outcome,
        amount_cents=Cents(
            (of.total_cents if amount_cents is None else amount_cents) if grants else 0
        ),
        participants=(whole if participants is None else participants) if grants else frozenset(),
        motivation=motivation,
        advice=advice,
    )


def room(minutes: int = 4_800, *, binding: bool = False) -> YearRoom:
    return YearRoom(Minutes(4_800), Minutes(0), Minutes(minutes), binding)


def weighed(
    *intentions: Intention,
    rooms: Mapping[tuple[UUID, int], YearRoom] | None = None,
    means_cents: int | None = 1_000_000,
    left_on: Mapping[UUID, date] | None = None,
    decider: UUID = DECIDER,
    signed: Collection[tuple[UUID, UUID]] = (),
) -> list[Impact]:
    everyone = {
        (person, year): room(binding=year > 2026)
        for person in (ANNA, BRAM, CARL)
        for year in (2026, 2027)
    }
    return weigh(
        intentions,
        decider=decider,
        rooms={**everyone, **(rooms or {})},
        means={2026: None if means_cents is None else Cents(means_cents)},
        left_on=left_on or {},
        agreements={
            (REQUEST, ANNA): Need(
                REQUEST, ANNA, date(2026, 10, 1), Cents(200_000), Minutes(1_440), repayment=True
            )
        },
        signed=signed,
        decided_on=DECIDED_ON,
    )


def kinds(impact: Impact) -> list[tuple[BreachKind, bool]]:
    return [(breach.kind, breach.blocking) for breach in impact.breaches]


@pytest.mark.rule("VIS-6.3")
@pytest.mark.parametrize(
    ("meant", "needed"),
    [
        pytest.param(intention(), False, id="granted as advised"),
        pytest.param(
            intention(advised=Outcome.DEFERRED), True, id="granted where HR advised to defer"
        ),
        pytest.param(intention(advised=None), True, id="granted without any advice"),
        pytest.param(
            intention(outcome=Outcome.REJECTED, advised=Outcome.REJECTED),
            True,
            id="rejected, also as advised",
        ),
        pytest.param(
            intention(outcome=Outcome.DEFERRED, advised=Outcome.DEFERRED),
            True,
            id="deferred, also as advised",
        ),
        pytest.param(
            intention(outcome=Outcome.PARTLY_GRANTED, amount_cents=399_999), True, id="in part"
        ),
    ],
)
def test_a_departure_a_refusal_and_a_part_need_a_motivation(
    meant: Intention, *, needed: bool
) -> None:
    assert motivation_needed(meant) is needed
    silent = kinds(weighed(replace(meant, motivation="  "))[0])
    assert ((BreachKind.MOTIVATION_MISSING, True) in silent) is needed
    told = kinds(weighed(replace(meant, motivation="Past in de frames."))[0])
    assert (BreachKind.MOTIVATION_MISSING, True) not in told


@pytest.mark.rule("VIS-6.3")
def test_one_cent_or_one_person_less_than_advised_departs_from_the_proposal() -> None:
    assert not departs(intention())
    assert departs(intention(outcome=Outcome.PARTLY_GRANTED, amount_cents=399_999))
    assert departs(replace(intention(), amount_cents=Cents(399_999)))
    assert departs(replace(intention(), participants=frozenset({ANNA})))
    assert departs(replace(intention(), conditions="Alleen in het najaar."))


@pytest.mark.rule("VIS-5.1")
@pytest.mark.parametrize(
    ("left_cents", "stopped"),
    [
        pytest.param(400_000, False, id="the last cent is taken"),
        pytest.param(399_999, True, id="one cent short"),
    ],
)
def test_a_grant_takes_at_most_what_is_left_of_the_means(left_cents: int, *, stopped: bool) -> None:
    [impact] = weighed(intention(), means_cents=left_cents)
    assert impact.blocked is stopped
    assert kinds(impact) == ([(BreachKind.MEANS_EXCEEDED, True)] if stopped else [])
    assert impact.means_left_cents == (left_cents if stopped else 0)


@pytest.mark.rule("VIS-5.1")
def test_without_means_set_only_what_costs_nothing_is_granted() -> None:
    [costly, free] = weighed(
        intention(),
        intention(candidate(OTHER_REQUEST, participants=(CARL,), total_cents=0)),
        means_cents=None,
    )
    assert kinds(costly) == [(BreachKind.MEANS_NOT_SET, True)]
    assert not free.blocked


@pytest.mark.rule("VIS-5.1")
def test_a_refused_request_leaves_its_means_to_the_next() -> None:
    first = intention(outcome=Outcome.REJECTED, motivation="Past niet.")
    second = intention(candidate(OTHER_REQUEST, participants=(CARL,), total_cents=1_000_000))
    assert not weighed(first, second)[1].blocked
    granted = weighed(intention(), second)[1]
    assert kinds(granted) == [(BreachKind.MEANS_EXCEEDED, True)]


@pytest.mark.rule("VIS-8.3")
@pytest.mark.parametrize(
    ("left", "year", "breach"),
    [
        pytest.param(480, 2026, None, id="2026: exactly what is left"),
        pytest.param(479, 2026, False, id="2026: a minute short only warns"),
        pytest.param(960, 2027, None, id="2027: exactly what is left"),
        pytest.param(959, 2027, True, id="2027: a minute short refuses"),
    ],
)
def test_the_norm_warns_in_2026_and_binds_from_2027(
    left: int, year: int, *, breach: bool | None
) -> None:
    [impact] = weighed(intention(), rooms={(BRAM, year): room(left, binding=year == 2027)})
    expected = [] if breach is None else [(BreachKind.NORM_EXCEEDED, breach)]
    assert kinds(impact) == expected
    assert impact.blocked is bool(breach)


@pytest.mark.rule("VIS-8.1")
def test_two_grants_in_one_decision_share_one_employees_year() -> None:
    first = intention(candidate(minutes={2027: 2_500}))
    second = intention(candidate(OTHER_REQUEST, participants=(ANNA,), minutes={2027: 2_301}))
    fits = intention(candidate(OTHER_REQUEST, participants=(ANNA,), minutes={2027: 2_300}))
    assert kinds(weighed(first, second)[1]) == [(BreachKind.NORM_EXCEEDED, True)]
    assert kinds(weighed(first, fits)[1]) == []


@pytest.mark.rule("VIS-5.1")
@pytest.mark.parametrize(
    ("decider", "own"),
    [
        pytest.param(ANNA, True, id="a participant"),
        pytest.param(CARL, True, id="the applicant"),
        pytest.param(DECIDER, False, id="somebody else"),
    ],
)
@pytest.mark.parametrize("outcome", list(Outcome))
def test_nobody_decides_on_an_own_request_whatever_the_outcome(
    decider: UUID, outcome: Outcome, *, own: bool
) -> None:
    [impact] = weighed(intention(outcome=outcome, motivation="Zo besloten."), decider=decider)
    assert ((BreachKind.OWN_REQUEST, True) in kinds(impact)) is own


@pytest.mark.rule("VIS-6.3")
@pytest.mark.parametrize(
    ("outcome", "amount_cents", "participants", "breach"),
    [
        pytest.param(Outcome.GRANTED, 399_999, None, True, id="granted with a cent less"),
        pytest.param(Outcome.GRANTED, 400_000, {ANNA}, True, id="granted to one of two"),
        pytest.param(Outcome.PARTLY_GRANTED, 400_000, None, True, id="in part with all of it"),
        pytest.param(Outcome.PARTLY_GRANTED, 399_999, None, False, id="in part with a cent less"),
        pytest.param(Outcome.PARTLY_GRANTED, 400_000, {ANNA}, False, id="in part to one of two"),
    ],
)
def test_granted_is_the_whole_and_partly_granted_is_less(
    outcome: Outcome, amount_cents: int, participants: set[UUID] | None, *, breach: bool
) -> None:
    [impact] = weighed(
        intention(
            outcome=outcome,
            amount_cents=amount_cents,
            participants=None if participants is None else frozenset(participants),
            motivation="Minder plaatsen.",
        )
    )
    assert ((BreachKind.PART_WITHOUT_DIFFERENCE, True) in kinds(impact)) is breach


@pytest.mark.rule("VIS-6.3")
def test_no_more_is_granted_than_requested_and_only_to_participants() -> None:
    [more] = weighed(intention(amount_cents=400_001, motivation="Ruimer."))
    assert (BreachKind.MORE_THAN_REQUESTED, True) in kinds(more)
    [stranger] = weighed(
        intention(
            outcome=Outcome.PARTLY_GRANTED,
            participants=frozenset({ANNA, CARL}),
            motivation="Anders verdeeld.",
        )
    )
    assert (BreachKind.NOT_A_PARTICIPANT, True) in kinds(stranger)


@pytest.mark.rule("VIS-7.1")
def test_a_grant_says_which_agreements_are_needed_and_a_refusal_needs_none() -> None:
    [granted] = weighed(intention())
    assert [need.employee_id for need in granted.needs] == [ANNA]
    [without] = weighed(
        intention(
            outcome=Outcome.PARTLY_GRANTED, participants=frozenset({BRAM}), motivation="Een plaats."
        )
    )
    assert without.needs == ()
    [refused] = weighed(intention(outcome=Outcome.REJECTED, motivation="Past niet."))
    assert refused.needs == ()


@pytest.mark.rule("VIS-7.1")
@pytest.mark.parametrize(
    ("starts_on", "remarked"),
    [
        pytest.param(date(2026, 8, 19), True, id="started yesterday"),
        pytest.param(DECIDED_ON, True, id="starts today"),
        pytest.param(date(2026, 8, 21), False, id="starts tomorrow"),
    ],
)
def test_a_training_that_has_started_is_remarked_and_not_stopped(
    starts_on: date, *, remarked: bool
) -> None:
    [impact] = weighed(intention(candidate(starts_on=starts_on)))
    assert ((BreachKind.STARTED_BEFORE, False) in kinds(impact)) is remarked
    assert not impact.blocked


@pytest.mark.rule("VIS-7.1")
@pytest.mark.parametrize(
    ("starts_on", "signed", "needed"),
    [
        pytest.param(date(2026, 8, 21), (), True, id="starts tomorrow: signed today at the latest"),
        pytest.param(DECIDED_ON, (), False, id="starts today: none can be signed any more"),
        pytest.param(DECIDED_ON, ((REQUEST, ANNA),), True, id="starts today: was signed before"),
        pytest.param(DECIDED_ON, ((REQUEST, BRAM),), False, id="starts today: another signed"),
        pytest.param(DECIDED_ON, ((OTHER_REQUEST, ANNA),), False, id="starts today: for another"),
    ],
)
def test_a_training_that_has_started_needs_no_agreement_but_one_that_is_signed(
    starts_on: date, signed: Collection[tuple[UUID, UUID]], *, needed: bool
) -> None:
    [impact] = weighed(intention(candidate(starts_on=starts_on)), signed=signed)
    assert [need.employee_id for need in impact.needs] == ([ANNA] if needed else [])


@pytest.mark.rule("VIS-6.4")
@pytest.mark.parametrize("basis", list(TrainingBasis))
def test_outside_the_tranches_only_a_necessity_is_granted(basis: TrainingBasis) -> None:
    asked = candidate(basis=basis, outside_tranches=True)
    stopped = basis not in NECESSARY_BASES
    expected = [(BreachKind.NECESSITY_MISSING, True)] if stopped else []
    assert kinds(weighed(intention(asked))[0]) == expected
    refusal = intention(asked, Outcome.REJECTED, motivation="Geen noodzaak.")
    assert not weighed(refusal)[0].blocked
    assert not weighed(intention(replace(asked, outside_tranches=False)))[0].blocked


@pytest.mark.rule("VIS-8.3")
def test_each_participant_is_weighed_by_what_that_one_still_takes() -> None:
    asked = {(ANNA, 2027): Minutes(1), (BRAM, 2027): Minutes(960)}
    rooms = {(person, 2027): room(1, binding=True) for person in (ANNA, BRAM)}
    meant = intention(replace(candidate(), asked_minutes=asked))
    [impact] = weighed(meant, rooms=rooms)
    assert [(breach.kind, breach.employee_id) for breach in impact.breaches] == [
        (BreachKind.NORM_EXCEEDED, BRAM)
    ]
    assert meant.minutes_to_reserve == 961
    assert replace(meant, participants=frozenset({ANNA})).minutes_to_reserve == 1


@pytest.mark.rule("VIS-5.5")
@pytest.mark.parametrize(
    ("last_day", "remarked"),
    [
        pytest.param(date(2027, 2, 28), True, id="leaves the day before it ends"),
        pytest.param(date(2027, 3, 1), False, id="leaves on its last day"),
    ],
)
def test_who_leaves_before_the_end_is_remarked(last_day: date, *, remarked: bool) -> None:
    [impact] = weighed(intention(), left_on={BRAM: last_day})
    assert ((BreachKind.ENDS_EMPLOYMENT_BEFORE, False) in kinds(impact)) is remarked


@pytest.mark.rule("VIS-5.5")
@pytest.mark.parametrize(
    ("last_day", "stopped"),
    [
        pytest.param(date(2026, 9, 30), True, id="leaves the day before it starts"),
        pytest.param(date(2026, 10, 1), False, id="leaves on its first day"),
    ],
)
def test_who_leaves_before_the_start_stops_the_grant(last_day: date, *, stopped: bool) -> None:
    [impact] = weighed(intention(), left_on={BRAM: last_day})
    assert ((BreachKind.LEAVES_BEFORE_START, True) in kinds(impact)) is stopped
    assert impact.blocked is stopped


@pytest.mark.rule("VIS-5.1")
@pytest.mark.parametrize(
    ("spent_cents", "left_cents", "stopped"),
    [
        pytest.param(100_000, 300_000, False, id="the rest of it fits"),
        pytest.param(100_000, 299_999, True, id="one cent short"),
        pytest.param(500_000, 0, False, id="more was invoiced than is granted"),
    ],
)
def test_what_was_invoiced_before_is_not_taken_of_the_means_again(
    spent_cents: int, left_cents: int, *, stopped: bool
) -> None:
    asked = replace(candidate(), spent_cents=Cents(spent_cents))
    [impact] = weighed(intention(asked), means_cents=left_cents)
    assert impact.blocked is stopped
    assert impact.means_left_cents == (left_cents if stopped else 0)


@pytest.mark.rule("VIS-6.3")
def test_the_first_advice_grants_in_order_of_rank_and_passes_over_what_does_not_fit() -> None:
    ranked = [(UUID(int=n), Cents(cents)) for n, cents in enumerate((60, 50, 40, 0), start=1)]
    assert list(advise(ranked, means_left_cents=Cents(100)).values()) == [
        Outcome.GRANTED,
        Outcome.DEFERRED,
        Outcome.GRANTED,
        Outcome.GRANTED,
    ]


@pytest.mark.rule("VIS-5.1")
@given(
    costs=st.lists(st.integers(0, 10_000), max_size=20),
    left=st.integers(0, 50_000),
)
def test_a_first_advice_never_passes_the_means_and_wastes_none_that_a_request_fits(
    costs: list[int], left: int
) -> None:
    ranked = [(UUID(int=n), Cents(cost)) for n, cost in enumerate(costs)]
    advice = advise(ranked, means_left_cents=Cents(left))
    granted = sum(cost for request, cost in ranked if advice[request] is Outcome.GRANTED)
    assert granted <= left
    deferred = [cost for request, cost in ranked if advice[request] is Outcome.DEFERRED]
    assert all(cost > left - granted for cost in deferred)


@pytest.mark.rule("VIS-8.3")
@given(
    asked=st.lists(st.integers(1, 3_000), min_size=1, max_size=8),
    left=st.integers(0, 4_800),
)
def test_what_is_granted_under_a_binding_norm_never_passes_the_room(
    asked: list[int], left: int
) -> None:
    intentions = [
        intention(candidate(UUID(int=500 + n), participants=(ANNA,), minutes={2027: minutes}))
        for n, minutes in enumerate(asked)
    ]
    impacts = weighed(
        *intentions, rooms={(ANNA, 2027): room(left, binding=True)}, means_cents=10**9
    )
    passed = [n for n, impact in enumerate(impacts) if not impact.blocked]
    assert sum(asked[n] for n in passed) <= left


def test_each_breach_can_be_said_in_both_languages() -> None:
    told: set[BreachKind] = set()
    cases = [
        *weighed(intention(), rooms={(ANNA, 2027): room(1, binding=True)}, means_cents=1),
        *weighed(intention(candidate(starts_on=DECIDED_ON)), means_cents=None),
        *weighed(intention(outcome=Outcome.REJECTED), decider=ANNA),
        *weighed(intention(amount_cents=400_001)),
        *weighed(intention(participants=frozenset({CARL})), left_on={CARL: DECIDED_ON}),
        *weighed(intention(), left_on={ANNA: date(2026, 10, 1)}),
        *weighed(intention(candidate(outside_tranches=True))),
    ]
    for impact in cases:
        for breach in impact.breaches:
            told.add(breach.kind)
            for language in Language:
                assert "{" not in say(SAID[breach.kind], breach.facts, language)
    assert told == set(BreachKind)
