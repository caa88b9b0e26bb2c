"""What a request may ask for and say, what it costs, and how its hours are spread."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.kernel.calendar import working_days
from app.kernel.holidays import is_free_day
from app.kernel.identifiers import new_id
from app.kernel.quantities import Cents, Minutes
from app.policy.rules import Criterion
from app.requests.errors import (
    BsnInText,
    CompletionMistimed,
    ConversationMissing,
    DatesReversed,
    EndorsementMissing,
    HoursDoNotFit,
    NecessityMissing,
    OutcomeInconsistent,
    ParticipantsDiffer,
    SessionOutsideTraining,
    SessionsMissing,
    TwiceNamed,
)
from app.requests.rules import (
    CostLine,
    Draft,
    Ground,
    Outcome,
    OutcomeKind,
    Participant,
    ParticipantStatus,
    TrainingBasis,
    TrainingKind,
    check_completion,
    check_draft,
    check_everyone_named,
    check_free_text,
    check_necessity,
    check_outcome,
    check_submittable,
    cost_of_one,
    cost_per_participant,
    holds_bsn,
    is_bsn,
    obstacle_to_submission,
    spread_sessions,
    spread_study,
    title_key,
    total_cost,
    vat_on,
)
from tests.support.requests import cost, details, draft, session

PERSON, COLLEAGUE = new_id(), new_id()
# Numbers made to pass the test of a citizen service number; they are nobody's.
BSN = "111222333"
OWN_DEVELOPMENT = Ground(Criterion.INDIVIDUAL_DEVELOPMENT, "Ik wil mij ontwikkelen.")
FOR_THE_TEAM = Ground(Criterion.TEAM_AND_FUNCTION, "Het team mist deze kennis.")

spans = st.tuples(
    st.dates(date(2026, 1, 1), date(2030, 1, 1)), st.integers(min_value=0, max_value=900)
)


# --- Submission ---------------------------------------------------------------------------------


@pytest.mark.rule("VIS-3.2")
def test_individual_development_alone_without_a_conversation_is_not_submitted() -> None:
    asked = draft(PERSON, grounds=(OWN_DEVELOPMENT,))

    with pytest.raises(ConversationMissing) as refused:
        check_submittable("A27-1-0001", asked, applicant_id=None, endorsed=False)

    assert refused.value.rule == "VIS-3.2"


@pytest.mark.rule("VIS-3.2")
@pytest.mark.parametrize(
    ("grounds", "conversation_on"),
    [
        pytest.param((OWN_DEVELOPMENT,), date(2026, 3, 2), id="with the conversation named"),
        pytest.param((OWN_DEVELOPMENT, FOR_THE_TEAM), None, id="tied to a goal of the team"),
        pytest.param((FOR_THE_TEAM,), None, id="for the team alone"),
    ],
)
def test_a_conversation_or_another_ground_carries_the_submission(
    grounds: tuple[Ground, ...], conversation_on: date | None
) -> None:
    asked = draft(PERSON, grounds=grounds, conversation_on=conversation_on)

    check_submittable("A27-1-0001", asked, applicant_id=None, endorsed=False)


@pytest.mark.rule("VIS-5.3")
def test_what_a_participant_drafted_waits_for_the_manager() -> None:
    asked = draft(PERSON, COLLEAGUE)

    with pytest.raises(EndorsementMissing):
        check_submittable("A27-1-0001", asked, applicant_id=COLLEAGUE, endorsed=False)
    check_submittable("A27-1-0001", asked, applicant_id=COLLEAGUE, endorsed=True)
    check_submittable("A27-1-0001", asked, applicant_id=new_id(), endorsed=False)


@pytest.mark.rule("VIS-8.1")
def test_without_sessions_nothing_is_submitted() -> None:
    obstacle = obstacle_to_submission("A27-1-0001", draft(PERSON, sessions=()), applicant_id=None)

    assert isinstance(obstacle, SessionsMissing)


def test_a_draft_that_can_be_submitted_has_no_obstacle() -> None:
    assert obstacle_to_submission("A27-1-0001", draft(PERSON), applicant_id=None) is None


@pytest.mark.rule("VIS-6.4")
@pytest.mark.parametrize(
    ("basis", "is_necessary"),
    [
        (TrainingBasis.STATUTORY, True),
        (TrainingBasis.CAO, True),
        (TrainingBasis.PUBLIC_RULE, True),
        (TrainingBasis.NECESSARY_FOR_FUNCTION, True),
        (TrainingBasis.IMPROVEMENT_PLAN, False),
        (TrainingBasis.VOLUNTARY, False),
        (TrainingBasis.UNKNOWN, False),
    ],
)
def test_only_a_legal_or_function_bound_necessity_is_taken_up_interim(
    basis: TrainingBasis, *, is_necessary: bool
) -> None:
    if is_necessary:
        check_necessity("A27-1-0001", basis)
        return
    with pytest.raises(NecessityMissing):
        check_necessity("A27-1-0001", basis)


# --- What a draft says --------------------------------------------------------------------------


@pytest.mark.rule("LAW-12")
@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        pytest.param(f"BSN {BSN}", True, id="in a sentence"),
        pytest.param(BSN, True, id="alone"),
        pytest.param(f"({BSN}).", True, id="between marks"),
        pytest.param(f"nummer:{BSN}, aanvraag", True, id="before a comma"),
        pytest.param("111222334", False, id="nine digits that fail the test"),
        pytest.param("000000000", False, id="nine zeros are nobody's"),
        pytest.param(f"{BSN}0", False, id="ten digits"),
        pytest.param(f"A{BSN}", False, id="part of a code"),
        pytest.param(f"{BSN},50", False, id="an amount"),
        pytest.param("zaak 2026-111222333-A", True, id="apart by hyphens"),
        pytest.param(f"nr.{BSN}", True, id="behind a point"),
        pytest.param(f"bsn{BSN}", True, id="behind the word"),
        pytest.param(f"BSN_{BSN}", True, id="behind the word and a line"),
        pytest.param("1112.22.333", True, id="in groups as on a document"),
        pytest.param("nummer 111 222 333, zie bijlage", True, id="in threes"),
        pytest.param("111-222-333", True, id="in threes by hyphens"),
        pytest.param(f"{BSN} 2 keer", True, id="before another number"),
        pytest.param("1112-22-333", False, id="a case number of the year 1112"),
        pytest.param("111 222 333 444", False, id="a longer number in threes"),
        pytest.param("9 111 222 333", False, id="the end of a longer number in threes"),
        pytest.param("1.111222333", False, id="decimals"),
        pytest.param("111.222.333,50", False, id="a large amount"),
        pytest.param("111 222-333", False, id="groups of two kinds"),
        pytest.param("101853", False, id="a personnel number"),
        pytest.param("0612345678", False, id="a telephone number"),
        pytest.param("", False, id="no text"),
    ],
)
def test_a_citizen_service_number_in_free_text_is_refused(text: str, *, is_refused: bool) -> None:
    assert holds_bsn(text) is is_refused


@pytest.mark.rule("LAW-12")
def test_the_refusal_names_the_field_and_never_the_number() -> None:
    with pytest.raises(BsnInText) as refused:
        check_free_text({"title": None, "motivation": f"Voor {BSN}"})

    assert refused.value.facts == {"field": "motivation"}
    assert BSN not in str(refused.value)


@pytest.mark.rule("LAW-12")
@given(st.integers(min_value=1, max_value=99_999_999))
def test_of_ten_numbers_that_differ_in_their_last_digit_at_most_one_is_a_bsn(first: int) -> None:
    found = [last for last in range(10) if is_bsn(f"{first:08}{last}")]

    assert len(found) <= 1


@pytest.mark.rule("LAW-12")
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": f"Cursus {BSN}"}, "title"),
        ({"provider": BSN}, "provider"),
        ({"motivation": BSN}, "motivation"),
        ({"basis_source": BSN}, "basisSource"),
        ({"basis_reason": BSN}, "basisReason"),
        ({"grounds": (Ground(Criterion.TEAM_AND_FUNCTION, BSN),)}, "grounds"),
    ],
)
def test_every_text_of_a_draft_is_looked_at(changes: dict[str, object], field: str) -> None:
    with pytest.raises(BsnInText) as refused:
        check_draft(draft(PERSON, **changes))

    assert refused.value.facts["field"] == field


def test_a_training_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(DatesReversed):
        check_draft(draft(PERSON, starts_on=date(2027, 2, 2), ends_on=date(2027, 2, 1)))


@pytest.mark.parametrize(
    ("held_on", "working_time", "is_refused"),
    [
        pytest.param(date(2026, 10, 4), True, True, id="the day before the start"),
        pytest.param(date(2026, 10, 5), True, False, id="the first day"),
        pytest.param(date(2027, 2, 1), True, False, id="the last day"),
        pytest.param(date(2027, 2, 2), True, True, id="the day after the end"),
        pytest.param(date(2026, 10, 4), False, False, id="preparation in one's own time"),
    ],
)
def test_a_session_in_working_time_falls_within_the_training(
    held_on: date, *, working_time: bool, is_refused: bool
) -> None:
    asked = draft(PERSON, sessions=(session(held_on, working_time=working_time),))

    if not is_refused:
        check_draft(asked)
        return
    with pytest.raises(SessionOutsideTraining):
        check_draft(asked)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(draft(PERSON, COLLEAGUE, PERSON), id="a participant"),
        pytest.param(draft(PERSON, grounds=(FOR_THE_TEAM, FOR_THE_TEAM)), id="a criterion"),
    ],
)
def test_what_is_named_twice_is_refused(asked: Draft) -> None:
    with pytest.raises(TwiceNamed):
        check_draft(asked)


@pytest.mark.rule("VIS-4.3")
@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("Middelbare Veiligheidskunde (MVK)", "middelbare veiligheidskunde mvk"),
        ("  middelbare   veiligheidskunde: MVK ", "middelbare veiligheidskunde mvk"),
        ("Écologie", "écologie"),
        ("?!", ""),
    ],
)
def test_the_same_training_is_recognised_by_its_title(title: str, key: str) -> None:
    assert title_key(title) == key


# --- Cost ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "basis_points", "vat"),
    [
        pytest.param(149_000, 2100, 31_290, id="exact"),
        pytest.param(50, 2100, 11, id="ten and a half cents are eleven"),
        pytest.param(49, 2100, 10, id="less than half goes down"),
        pytest.param(199_999, 900, 18_000, id="the low rate"),
        pytest.param(149_000, 0, 0, id="exempt"),
    ],
)
def test_vat_is_rounded_half_up(amount: int, basis_points: int, vat: int) -> None:
    assert vat_on(Cents(amount), basis_points=basis_points) == vat


@pytest.mark.parametrize(
    ("participants", "total", "each"),
    [(1, 230_291, 230_291), (2, 410_581, 205_290), (3, 590_871, 196_957)],
)
def test_a_cost_per_participant_counts_for_each_and_a_shared_one_once(
    participants: int, total: int, each: int
) -> None:
    lines = (cost(149_000, 31_290), cost(50_001, per_participant=False))

    assert total_cost(lines, participants=participants) == total
    assert cost_per_participant(lines, participants=participants) == each


@given(
    st.lists(
        st.builds(
            cost,
            st.integers(0, 10**9),
            st.integers(0, 10**9),
            per_participant=st.booleans(),
        ),
        max_size=6,
    ),
    st.integers(1, 50),
)
def test_the_shares_of_all_participants_come_to_the_total_but_for_rounding(
    lines: list[CostLine], participants: int
) -> None:
    total = total_cost(lines, participants=participants)
    each = cost_per_participant(lines, participants=participants)

    assert each == cost_of_one(total, participants=participants)
    assert 0 <= total - each * participants < participants


@pytest.mark.rule("VIS-7.6")
@pytest.mark.parametrize(
    ("amount", "participants", "each"),
    [
        pytest.param(400_000, 2, 200_000, id="the threshold itself"),
        pytest.param(399_999, 2, 199_999, id="half a cent does not lift over it"),
        pytest.param(599_999, 3, 199_999, id="nor do two thirds"),
        pytest.param(1, 2, 0, id="a cent for two"),
        pytest.param(100, 0, 100, id="of nobody: the whole"),
    ],
)
def test_the_cost_of_one_is_rounded_down(amount: int, participants: int, each: int) -> None:
    assert cost_of_one(Cents(amount), participants=participants) == each


@pytest.mark.rule("VIS-7.6")
@given(st.integers(0, 10**12), st.integers(1, 500))
def test_the_parts_of_all_never_come_to_more_than_was_paid(amount: int, participants: int) -> None:
    each = cost_of_one(Cents(amount), participants=participants)
    assert amount - participants < each * participants <= amount


# --- Hours --------------------------------------------------------------------------------------


@pytest.mark.rule("VIS-8.1")
def test_hours_count_in_the_year_they_are_held_and_own_time_apart() -> None:
    request = details(
        sessions=(
            session(date(2026, 12, 31), 480),
            session(date(2027, 1, 1), 240),
            session(date(2027, 1, 8), 60),
            session(date(2027, 1, 8), 90, working_time=False),
        )
    )

    assert request.minutes_by_year == {2026: 480, 2027: 300}
    assert request.own_minutes_by_year == {2027: 90}
    assert request.working_minutes == 780


@pytest.mark.rule("VIS-8.1")
@given(spans, st.integers(min_value=0, max_value=60_000))
def test_spread_hours_add_up_on_different_days_of_at_most_eight_hours(
    span: tuple[date, int], minutes: int
) -> None:
    starts_on, days = span
    ends_on = starts_on + timedelta(days=days)
    room = 480 * (working_days(starts_on, ends_on) or days + 1)
    assume(minutes <= room)

    spread = spread_sessions(starts_on, ends_on, Minutes(minutes))

    held, parts = [day for day, _ in spread], [part for _, part in spread]
    assert sum(parts) == minutes
    assert all(0 < part <= 480 for part in parts)
    assert held == sorted(set(held))
    assert all(starts_on <= day <= ends_on for day in held)
    assert max(parts, default=0) - min(parts, default=0) <= 1


@pytest.mark.rule("VIS-8.1")
def test_hours_are_spread_evenly_and_each_day_counts_in_its_own_year() -> None:
    spread = spread_sessions(date(2026, 12, 1), date(2027, 1, 29), Minutes(1_440))

    assert [day for day, _ in spread] == [date(2026, 12, 1), date(2026, 12, 21), date(2027, 1, 12)]
    assert [part for _, part in spread] == [480, 480, 480]
    assert not any(is_free_day(day) for day, _ in spread)


def test_minutes_that_do_not_divide_go_to_the_first_days() -> None:
    spread = spread_sessions(date(2026, 10, 5), date(2026, 10, 30), Minutes(961))

    assert [part for _, part in spread] == [321, 320, 320]


def test_a_training_on_a_saturday_alone_is_held_on_that_saturday() -> None:
    saturday = date(2027, 1, 2)

    assert spread_sessions(saturday, saturday, Minutes(480)) == ((saturday, 480),)


def test_more_hours_than_the_days_hold_are_refused_with_the_figures() -> None:
    monday = date(2026, 10, 5)

    with pytest.raises(HoursDoNotFit) as refused:
        spread_sessions(monday, monday, Minutes(481))

    assert refused.value.facts["room_minutes"] == 480


def test_nothing_is_spread_over_no_hours() -> None:
    assert spread_sessions(date(2026, 10, 5), date(2026, 10, 5), Minutes(0)) == ()


def test_hours_are_not_spread_over_days_in_reverse() -> None:
    with pytest.raises(DatesReversed):
        spread_sessions(date(2026, 10, 6), date(2026, 10, 5), Minutes(60))
    with pytest.raises(DatesReversed):
        spread_study(date(2026, 10, 6), date(2026, 10, 5), Minutes(60))


@pytest.mark.rule("VIS-8.1")
def test_study_that_the_days_can_not_hold_is_done_on_working_days_before() -> None:
    tuesday = date(2026, 10, 6)

    assert spread_study(tuesday, tuesday, Minutes(480)) == ((tuesday, 480),)
    assert spread_study(tuesday, tuesday, Minutes(1_200)) == (
        (date(2026, 10, 2), 400),
        (date(2026, 10, 5), 400),
        (tuesday, 400),
    )


# --- What a request is ----------------------------------------------------------------------------


@pytest.mark.rule("SER-24")
@pytest.mark.parametrize(
    ("kind", "informal"),
    [
        (TrainingKind.INTERNSHIP, True),
        (TrainingKind.WORK_EXPERIENCE, True),
        (TrainingKind.INFORMAL, True),
        (TrainingKind.COURSE, False),
        (TrainingKind.E_LEARNING, False),
    ],
)
def test_learning_is_more_than_courses(kind: TrainingKind, *, informal: bool) -> None:
    assert details(kind=kind).informal is informal


@pytest.mark.parametrize(
    ("person", "is_own"),
    [
        pytest.param(PERSON, True, id="who takes part"),
        pytest.param(COLLEAGUE, True, id="in whose name it is"),
        pytest.param(new_id(), False, id="anybody else"),
    ],
)
def test_a_request_is_ones_own_by_taking_part_or_by_asking(person: UUID, *, is_own: bool) -> None:
    request = details(participants=(Participant(PERSON),), applicant_id=COLLEAGUE)

    assert request.is_own(person) is is_own


def test_a_request_is_collective_from_two_participants_on() -> None:
    assert not details().collective
    assert details(participants=(Participant(PERSON), Participant(COLLEAGUE))).collective


def test_a_request_gives_back_what_was_asked_for() -> None:
    asked = draft(PERSON)

    request = details(
        participants=(Participant(PERSON),),
        sessions=asked.sessions,
        title=asked.title,
        motivation=asked.motivation,
    )

    assert request.draft == asked


# --- Completion ---------------------------------------------------------------------------------


@pytest.mark.rule("VIS-7.7")
@pytest.mark.parametrize(
    ("completed_on", "is_refused"),
    [
        pytest.param(date(2026, 10, 4), True, id="before the start"),
        pytest.param(date(2026, 10, 5), False, id="on the first day"),
        pytest.param(date(2027, 3, 1), False, id="today"),
        pytest.param(date(2027, 3, 2), True, id="tomorrow"),
    ],
)
def test_a_training_is_completed_from_its_start_until_today(
    completed_on: date, *, is_refused: bool
) -> None:
    starts_on, today = date(2026, 10, 5), date(2027, 3, 1)

    if not is_refused:
        check_completion(completed_on, starts_on=starts_on, today=today)
        return
    with pytest.raises(CompletionMistimed):
        check_completion(completed_on, starts_on=starts_on, today=today)


@pytest.mark.rule("KB-14")
@pytest.mark.parametrize(
    ("outcome", "is_refused"),
    [
        pytest.param(Outcome(OutcomeKind.DIPLOMA, 6, None), False, id="a diploma with its level"),
        pytest.param(Outcome(OutcomeKind.MICROCREDENTIAL, 5, 3), False, id="a microcredential"),
        pytest.param(Outcome(OutcomeKind.MICROCREDENTIAL, 5, None), True, id="without credits"),
        pytest.param(Outcome(OutcomeKind.DIPLOMA, 6, 30), True, id="credits on a diploma"),
        pytest.param(Outcome(OutcomeKind.NONE, None, None), False, id="nothing"),
        pytest.param(Outcome(OutcomeKind.NONE, 4, None), True, id="the level of nothing"),
    ],
)
def test_an_outcome_holds_together(outcome: Outcome, *, is_refused: bool) -> None:
    if not is_refused:
        check_outcome(outcome)
        return
    with pytest.raises(OutcomeInconsistent):
        check_outcome(outcome)


@pytest.mark.rule("VIS-6.6")
def test_a_completion_speaks_of_all_to_whom_it_was_granted_and_of_nobody_else() -> None:
    request = details(
        participants=(
            Participant(PERSON),
            Participant(COLLEAGUE, ParticipantStatus.NOT_GRANTED),
        )
    )

    check_everyone_named(request, [PERSON])
    for named in ([], [PERSON, COLLEAGUE], [COLLEAGUE]):
        with pytest.raises(ParticipantsDiffer):
            check_everyone_named(request, named)
