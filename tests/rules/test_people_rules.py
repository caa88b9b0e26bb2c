"""The rules of people: employments and placements in time, and who leads whom."""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.people.errors import (
    BornAfterHiring,
    EmploymentOver,
    EmploymentRunning,
    EndBeforeHiring,
    OwnManager,
    PlacementOutsideEmployment,
)
from app.people.rules import (
    Assignment,
    EmploymentKind,
    EmploymentRow,
    LeavingInitiative,
    LeavingReason,
    PlacementRow,
    change_placement,
    check_birth,
    check_end,
    check_hiring,
    check_placement,
    email_key,
    full_name,
    in_cycle,
    placement_until,
    search_key,
    unbroken_employments,
)

SOMEONE, TEAM, FUNCTION = UUID(int=1), UUID(int=2), UUID(int=3)
FIRST, LAST = date(2024, 3, 1), date(2026, 6, 30)
DAY = timedelta(days=1)


def employment(
    hired_on: date = FIRST,
    left_on: date | None = None,
    *,
    reason: LeavingReason | None = None,
    initiative: LeavingInitiative | None = None,
) -> EmploymentRow:
    return EmploymentRow(
        id=UUID(int=10),
        employee_id=SOMEONE,
        hired_on=hired_on,
        left_on=left_on,
        kind=EmploymentKind.PERMANENT,
        leaving_reason=reason,
        leaving_initiative=initiative,
    )


def assignment(minutes: int = 2160, manager_id: UUID | None = None) -> Assignment:
    return Assignment(TEAM, FUNCTION, manager_id, minutes)


def placement(
    valid_from: date, valid_until: date | None = None, minutes: int = 2160
) -> PlacementRow:
    return PlacementRow(
        id=UUID(int=valid_from.toordinal()),
        employment_id=UUID(int=10),
        employee_id=SOMEONE,
        assignment=assignment(minutes),
        valid_from=valid_from,
        valid_until=valid_until,
    )


def placed(
    history: Sequence[PlacementRow], wanted: Assignment, valid_from: date
) -> list[PlacementRow]:
    """Return the history after a placement, as the service writes it."""
    change = change_placement(history, wanted, valid_from=valid_from)
    if change is None:
        return list(history)
    gone = change.replaced or change.closed
    kept = [one for one in history if one is not gone]
    if change.closed is not None:
        closed = change.closed
        kept.append(
            placement(closed.valid_from, valid_from, closed.assignment.contract_minutes_per_week)
        )
    kept.append(placement(valid_from, change.valid_until, wanted.contract_minutes_per_week))
    return sorted(kept, key=lambda one: one.valid_from)


@pytest.mark.parametrize(
    ("day", "covered"),
    [
        pytest.param(FIRST - DAY, False, id="the day before the first"),
        pytest.param(FIRST, True, id="the first day"),
        pytest.param(LAST, True, id="the last day"),
        pytest.param(LAST + DAY, False, id="the day after the last"),
    ],
)
def test_an_employment_covers_its_first_and_last_day(day: date, *, covered: bool) -> None:
    assert employment(left_on=LAST).covers(day) is covered


def test_an_open_employment_covers_every_later_day() -> None:
    assert employment().covers(date(2199, 12, 31))


@pytest.mark.rule("LAW-3")
@pytest.mark.parametrize(
    ("recorded", "asked", "today", "refusal"),
    [
        pytest.param(None, FIRST, LAST, None, id="the first day is the earliest last day"),
        pytest.param(None, FIRST - DAY, LAST, EndBeforeHiring, id="the day before is refused"),
        pytest.param(LAST, LAST + DAY, LAST - DAY, None, id="an announced end moves out"),
        pytest.param(LAST, LAST - DAY, LAST, None, id="on the last day itself it still moves"),
        pytest.param(LAST, LAST + DAY, LAST + DAY, EmploymentOver, id="the day after it does not"),
    ],
)
def test_an_end_is_recorded_and_moved_until_it_has_passed(
    recorded: date | None, asked: date, today: date, refusal: type[Exception] | None
) -> None:
    with nullcontext() if refusal is None else pytest.raises(refusal):
        check_end(
            employment(left_on=recorded),
            left_on=asked,
            reason=LeavingReason.RESIGNATION,
            initiative=LeavingInitiative.EMPLOYEE,
            today=today,
        )


_RESIGNED, _DISMISSED = LeavingReason.RESIGNATION, LeavingReason.DISMISSAL
_EMPLOYEE, _EMPLOYER = LeavingInitiative.EMPLOYEE, LeavingInitiative.EMPLOYER
_WHY, _WHO = LeavingReason.UNKNOWN, LeavingInitiative.UNKNOWN


@pytest.mark.rule("LAW-3")
@pytest.mark.parametrize(
    ("recorded", "told", "left_on", "allowed"),
    [
        pytest.param((None, None), (_RESIGNED, _EMPLOYEE), LAST, True, id="never told"),
        pytest.param((_WHY, _WHO), (_RESIGNED, _EMPLOYEE), LAST, True, id="both unknown"),
        pytest.param((_WHY, _WHO), (_RESIGNED, _EMPLOYEE), LAST + DAY, False, id="another day"),
        pytest.param(
            (_RESIGNED, _WHO), (_RESIGNED, _EMPLOYER), LAST, True, id="who, as yet unknown"
        ),
        pytest.param((_RESIGNED, _WHO), (_DISMISSED, _EMPLOYER), LAST, False, id="another reason"),
        pytest.param(
            (_WHY, _EMPLOYEE), (_RESIGNED, _EMPLOYEE), LAST, True, id="why, as yet unknown"
        ),
        pytest.param(
            (_WHY, _EMPLOYEE), (_RESIGNED, _EMPLOYER), LAST, False, id="another initiative"
        ),
        pytest.param(
            (_RESIGNED, _EMPLOYEE), (_RESIGNED, _EMPLOYEE), LAST, False, id="all is known"
        ),
    ],
)
def test_of_an_end_that_has_passed_only_what_is_unknown_can_still_be_told(
    recorded: tuple[LeavingReason | None, LeavingInitiative | None],
    told: tuple[LeavingReason, LeavingInitiative],
    left_on: date,
    *,
    allowed: bool,
) -> None:
    over = employment(left_on=LAST, reason=recorded[0], initiative=recorded[1])

    with nullcontext() if allowed else pytest.raises(EmploymentOver):
        check_end(over, left_on=left_on, reason=told[0], initiative=told[1], today=LAST + DAY)


@pytest.mark.rule("VIS-7.7")
@pytest.mark.parametrize(
    ("next_on", "is_one"),
    [
        pytest.param(LAST + DAY, True, id="the day after the last"),
        pytest.param(LAST + 2 * DAY, False, id="a day between"),
    ],
)
def test_employments_that_follow_directly_on_one_another_are_one(
    next_on: date, *, is_one: bool
) -> None:
    first, second = employment(left_on=LAST), employment(hired_on=next_on)

    found = unbroken_employments([first, second])

    assert [one.employments for one in found] == (
        [(first, second)] if is_one else [(first,), (second,)]
    )
    ends = [one.end and one.end.left_on for one in found]
    assert ends == ([None] if is_one else [LAST, None])


def test_three_in_a_row_are_one_employment_that_ends_with_the_last() -> None:
    third = employment(hired_on=LAST + 2 * DAY, left_on=LAST + 9 * DAY)
    row = [employment(left_on=LAST), employment(LAST + DAY, LAST + DAY), third]

    (found,) = unbroken_employments(row)

    assert found.left_on == LAST + 9 * DAY
    assert unbroken_employments([]) == ()


@pytest.mark.parametrize(
    ("born_on", "allowed"),
    [
        pytest.param(LAST - DAY, True, id="the day before"),
        pytest.param(LAST, False, id="that day"),
        pytest.param(LAST + DAY, False, id="after it"),
        pytest.param(None, True, id="not known"),
    ],
)
def test_who_is_hired_was_born_before(born_on: date | None, *, allowed: bool) -> None:
    if allowed:
        check_birth(born_on, hired_on=LAST)
        return
    with pytest.raises(BornAfterHiring):
        check_birth(born_on, hired_on=LAST)


@pytest.mark.parametrize(
    ("left_on", "hired_on", "allowed"),
    [
        pytest.param(LAST, LAST, False, id="on the last day of the one before"),
        pytest.param(LAST, LAST + DAY, True, id="the day after it"),
        pytest.param(None, LAST, False, id="while one is open"),
    ],
)
def test_an_employment_begins_after_the_one_before_has_ended(
    left_on: date | None, hired_on: date, *, allowed: bool
) -> None:
    before = [employment(left_on=left_on)]

    if allowed:
        check_hiring(before, hired_on=hired_on)
        return
    with pytest.raises(EmploymentRunning):
        check_hiring(before, hired_on=hired_on)


@pytest.mark.rule("VIS-5.3")
def test_a_placement_is_within_an_employment_and_not_under_oneself() -> None:
    check_placement(assignment(), employment(), employee_id=SOMEONE, valid_from=FIRST)
    with pytest.raises(PlacementOutsideEmployment):
        check_placement(assignment(), None, employee_id=SOMEONE, valid_from=FIRST)
    with pytest.raises(OwnManager):
        check_placement(
            assignment(manager_id=SOMEONE), employment(), employee_id=SOMEONE, valid_from=FIRST
        )


def test_the_first_placement_has_nothing_to_close() -> None:
    change = change_placement([], assignment(), valid_from=FIRST)

    assert change is not None
    assert (change.replaced, change.closed, change.valid_until) == (None, None, None)


@pytest.mark.parametrize(
    ("ends", "left_on", "until"),
    [
        pytest.param(None, None, None, id="open as long as neither ends"),
        pytest.param(LAST, None, LAST, id="its own end"),
        pytest.param(None, LAST, LAST + DAY, id="the day after the employment's last"),
        pytest.param(LAST, LAST, LAST, id="whichever comes first"),
        pytest.param(LAST + 9 * DAY, LAST, LAST + DAY, id="the employment before its own end"),
    ],
)
def test_a_placement_holds_no_longer_than_its_employment(
    ends: date | None, left_on: date | None, until: date | None
) -> None:
    assert placement_until(placement(FIRST, ends), employment(left_on=left_on)) == until


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3)), min_size=1, max_size=12))
def test_whatever_is_placed_a_history_has_no_gap_and_no_overlap(
    changes: list[tuple[int, int]],
) -> None:
    history = [placement(FIRST)]
    for offset, minutes in changes:
        day = FIRST + offset * DAY
        later = [one for one in history if one.valid_from > day]

        history = placed(history, assignment(minutes), day)

        holding = [
            one
            for one in history
            if one.valid_from <= day and (one.valid_until is None or day < one.valid_until)
        ]
        assert [one.assignment.contract_minutes_per_week for one in holding] == [minutes]
        assert [one for one in history if one.valid_from > day] == later
        for one, following in pairwise(history):
            assert one.valid_until == following.valid_from
        assert history[0].valid_from == FIRST
        assert history[-1].valid_until is None


@pytest.mark.rule("VIS-5.3")
@pytest.mark.parametrize(
    ("managers", "cyclic"),
    [
        pytest.param({"a": None, "b": "a", "c": "b"}, set[str](), id="a line"),
        pytest.param({"a": "a"}, {"a"}, id="one's own"),
        pytest.param({"a": "b", "b": "a"}, {"a", "b"}, id="each other's"),
        pytest.param({"a": "b", "b": "c", "c": "a", "d": "a"}, {"a", "b", "c"}, id="one below"),
        pytest.param({"a": "nobody"}, set[str](), id="somebody who is not listed"),
    ],
)
def test_a_circle_is_found_and_who_works_under_it_is_not_in_it(
    managers: dict[str, str | None], cyclic: set[str]
) -> None:
    assert in_cycle(managers) == cyclic


@pytest.mark.rule("VIS-5.3")
@given(st.dictionaries(st.integers(0, 12), st.none() | st.integers(0, 12)))
def test_a_circle_is_exactly_who_comes_back_to_themselves(
    managers: dict[int, int | None],
) -> None:
    def returns(start: int) -> bool:
        here = managers.get(start)
        for _ in range(len(managers)):
            if here is None or here == start:
                break
            here = managers.get(here)
        return here == start

    assert in_cycle(managers) == {one for one in managers if returns(one)}


@pytest.mark.parametrize(
    ("name", "key"),
    [("Esmée", "esmee"), ("OËLL", "oell"), ("Weiß", "weiss"), ("in 't Veld", "in 't veld")],
)
def test_names_are_compared_without_accents_and_capitals(name: str, key: str) -> None:
    assert search_key(name) == key


@given(st.text())
def test_a_key_is_its_own_key(text: str) -> None:
    assert email_key(email_key(text)) == email_key(text)


def test_a_name_is_written_as_it_is_spoken() -> None:
    assert full_name("Renske", "de", "Sloot") == "Renske de Sloot"
    assert full_name("Nick", None, "Leuven") == "Nick Leuven"
