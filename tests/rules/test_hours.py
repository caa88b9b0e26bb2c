from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hours.errors import (
    AttendanceBeyondPlan,
    AttendanceUnchanged,
    ExceptionForPastYear,
    ExceptionForSelf,
    ExceptionUndiscussed,
    NormExceeded,
    OwnAttendance,
    SessionStillToCome,
)
from app.hours.rules import (
    EXCEPTION_CAUSE,
    POLICY_CAUSE,
    EntryEffect,
    HourRoom,
    NormOfYear,
    NormRecorded,
    Reservation,
    Sides,
    YearFigures,
    align,
    check_attendance,
    check_correction,
    check_exception,
    check_recorder,
    check_room,
    entry_of,
    exchange,
    spending,
    warning_of,
    working_minutes_by_pair,
)
from app.kernel.quantities import Minutes
from app.kernel.wording import Language, say
from app.ledger.rules import (
    Balance,
    Entry,
    Line,
    Post,
    Posted,
    Reverse,
    Transfer,
    TransferKind,
    Unit,
    Void,
)

NOOR = UUID(int=1)
IDRIS = UUID(int=2)
TODAY = date(2026, 6, 15)
ACCOUNT = UUID(int=10)
SOURCE = UUID(int=11)
OLD_POLICY, POLICY = UUID(int=20), UUID(int=21)

minutes = st.integers(0, 20_000)


def room(
    *,
    norm: int = 4800,
    exceptions: int = 0,
    reserved: int = 0,
    spent: int = 0,
    binding: bool = True,
) -> HourRoom:
    return HourRoom(
        Minutes(norm), Minutes(exceptions), Minutes(reserved), Minutes(spent), binding=binding
    )


# --- Room and norm ------------------------------------------------------------------------------


@pytest.mark.rule("VIS-8.1", "VIS-8.3")
@pytest.mark.parametrize(
    ("used", "asked"),
    [
        pytest.param(room(), 4800, id="all of the norm at once"),
        pytest.param(room(reserved=4000, spent=799), 1, id="the last minute"),
        pytest.param(room(reserved=4800, exceptions=60), 60, id="all of an exception"),
        pytest.param(room(reserved=4800), 0, id="nothing, of a norm that is full"),
        pytest.param(room(reserved=5000), -60, id="less than before, past the norm"),
        pytest.param(room(reserved=4800, binding=False), 600, id="past a norm that only warns"),
        pytest.param(room(norm=0, binding=False), 1, id="anything of no norm that only warns"),
    ],
)
def test_hours_within_the_norm_or_past_one_that_warns_are_held(used: HourRoom, asked: int) -> None:
    check_room((NOOR, 2027), used, asked_minutes=asked)


@pytest.mark.rule("VIS-8.1", "VIS-8.3")
@pytest.mark.parametrize(
    ("used", "asked", "left"),
    [
        pytest.param(room(), 4801, 4800, id="a minute over the norm"),
        pytest.param(room(reserved=2400, spent=2400), 1, 0, id="a minute of a full norm"),
        pytest.param(room(reserved=4800, exceptions=60), 61, 60, id="a minute over an exception"),
        pytest.param(room(reserved=5000), 1, 0, id="a minute of a norm that was passed before"),
        pytest.param(room(norm=0), 1, 0, id="a minute of no norm at all"),
    ],
)
def test_hours_past_a_norm_that_binds_are_refused_with_the_figures(
    used: HourRoom, asked: int, left: int
) -> None:
    with pytest.raises(NormExceeded) as refused:
        check_room((NOOR, 2027), used, asked_minutes=asked)
    assert refused.value.facts == {
        "employee_id": NOOR,
        "calendar_year": 2027,
        "asked_minutes": asked,
        "room_minutes": left,
        "norm_minutes": used.norm_minutes,
        "exception_minutes": used.exception_minutes,
    }
    assert refused.value.rule == "VIS-8.3"


@pytest.mark.rule("VIS-8.1")
def test_hours_count_in_the_calendar_year_in_which_they_are_held() -> None:
    def held(day: date, length: int, *, who: UUID = NOOR, working: bool = True) -> Reservation:
        return Reservation(uuid4(), who, uuid4(), day, Minutes(length), working_time=working)

    assert working_minutes_by_pair(
        [
            held(date(2026, 12, 31), 480),
            held(date(2027, 1, 1), 240),
            held(date(2027, 12, 31), 60),
            held(date(2027, 1, 1), 90, working=False),
            held(date(2027, 1, 1), 30, who=IDRIS),
        ]
    ) == {(NOOR, 2026): 480, (NOOR, 2027): 300, (IDRIS, 2027): 30}


@pytest.mark.rule("VIS-8.3")
@pytest.mark.parametrize(
    ("used", "dutch", "english"),
    [
        pytest.param(room(reserved=4320), None, None, id="exactly a tenth is left"),
        pytest.param(room(norm=0, binding=False), None, None, id="there is no norm"),
        pytest.param(
            room(reserved=4321),
            "resteert nog 7 uur en 59 minuten",
            "7 hours 59 minutes is left",
            id="less than a tenth is left",
        ),
        pytest.param(
            room(spent=4800), "resteert nog 0 uur", "0 hours is left", id="nothing is left"
        ),
        pytest.param(
            room(spent=4860, binding=False),
            "met 1 uur overschreden. In dit jaar waarschuwt",
            "passed by 1 hour. In this year the norm warns",
            id="a norm that warns is passed",
        ),
        pytest.param(
            room(spent=4860),
            "met 1 uur overschreden: zonder uitzondering",
            "passed by 1 hour: nothing more can be granted",
            id="a norm that binds is passed",
        ),
    ],
)
def test_a_ledger_warns_when_the_norm_is_passed_or_nearly_so(
    used: HourRoom, dutch: str | None, english: str | None
) -> None:
    warning = warning_of(used)
    if dutch is None or english is None:
        assert warning is None
        return
    assert warning is not None
    assert warning.rule == "VIS-8.3"
    assert dutch in say(warning.text, warning.facts, Language.NL)
    assert english in say(warning.text, warning.facts, Language.EN)


@pytest.mark.rule("VIS-8.1")
def test_what_was_credited_beside_the_norm_is_exceptions_whatever_the_policy_says_now() -> None:
    figures = YearFigures(
        norm=NormRecorded(1, OLD_POLICY, Minutes(4800), uuid4()),
        credited_minutes=Minutes(5400),
        reserved_minutes=Minutes(300),
        spent_minutes=Minutes(200),
    )
    now = figures.room(norm_minutes=Minutes(3600), binding=True)
    assert now == room(norm=3600, exceptions=600, reserved=300, spent=200)
    assert now.room_minutes == 3700


def test_a_year_that_was_never_opened_has_all_of_its_norm() -> None:
    assert YearFigures().room(norm_minutes=Minutes(4800), binding=False) == room(binding=False)


# --- Under which policy -------------------------------------------------------------------------


def balance(*, credited: int = 0, used: int = 0, limited: bool = False) -> Balance:
    return Balance(
        account_id=ACCOUNT,
        unit=Unit.MINUTES,
        limited=limited,
        credits_posted=credited,
        debits_posted=used,
    )


def norm(length: int = 4800, *, policy: UUID = POLICY, binding: bool = True) -> NormOfYear:
    return NormOfYear(policy_version_id=policy, minutes=Minutes(length), binding=binding)


def recorded(length: int = 4800, *, policy: UUID = POLICY, position: int = 1) -> NormRecorded:
    transfer_id = UUID(int=30) if length else None
    return NormRecorded(position, policy, Minutes(length), transfer_id)


@pytest.mark.rule("VIS-8.1", "VIS-8.3")
def test_a_year_opened_under_its_policy_gets_the_norm_once() -> None:
    change = align((NOOR, 2027), norm(), balance=balance(limited=True), before=None)
    assert change is not None
    assert change.limited
    [put] = change.entries(SOURCE)
    assert isinstance(put, Posted)
    assert (put.debit_account_id, put.credit_account_id, put.amount) == (SOURCE, ACCOUNT, 4800)
    assert put.activity_on == date(2027, 1, 1)
    assert put.cause_id == POLICY

    stands = balance(credited=4800, limited=True)
    assert align((NOOR, 2027), norm(), balance=stands, before=recorded()) is None


@pytest.mark.rule("VIS-8.1")
def test_a_norm_of_nothing_is_recorded_without_a_transfer() -> None:
    change = align((NOOR, 2027), norm(0), balance=balance(limited=True), before=None)
    assert change is not None
    assert change.realigned
    assert change.entries(SOURCE) == []
    back = align((NOOR, 2027), norm(60), balance=balance(limited=True), before=recorded(0))
    assert back is not None
    assert [type(entry) for entry in back.entries(SOURCE)] == [Posted]


@pytest.mark.rule("VIS-8.3")
def test_a_later_policy_takes_the_old_norm_back_and_puts_the_new_one() -> None:
    change = align(
        (NOOR, 2027),
        norm(3600),
        balance=balance(credited=4800, used=3000),
        before=recorded(policy=OLD_POLICY, position=2),
    )
    assert change is not None
    assert change.limited
    assert change.position == 3
    back, put = change.entries(SOURCE)
    assert isinstance(back, Reverse)
    assert back.transfer_id == UUID(int=30)
    assert isinstance(put, Posted)
    assert put.amount == 3600
    assert back.key != put.key


@pytest.mark.rule("VIS-8.3")
@pytest.mark.parametrize(
    ("used", "limited_before", "limited_after"),
    [
        pytest.param(4800, False, True, id="a full norm begins to bind"),
        pytest.param(4801, False, False, id="a norm that was passed stays without limit"),
        pytest.param(4801, True, False, id="a limit that no longer fits is lifted"),
    ],
)
def test_a_norm_that_binds_limits_its_account_once_there_is_room(
    used: int, *, limited_before: bool, limited_after: bool
) -> None:
    change = align(
        (NOOR, 2027),
        norm(),
        balance=balance(credited=5000, used=used, limited=limited_before),
        before=recorded(5000, policy=OLD_POLICY),
    )
    assert change is not None
    assert change.limited is limited_after


@pytest.mark.rule("VIS-8.3")
@given(
    credited_beside=minutes,
    used=minutes,
    old=minutes,
    new=minutes,
    binding=st.booleans(),
    limited=st.booleans(),
)
def test_an_aligned_account_needs_nothing_more(
    *, credited_beside: int, used: int, old: int, new: int, binding: bool, limited: bool
) -> None:
    wanted = norm(new, binding=binding)
    stands = balance(credited=credited_beside + old, used=used, limited=limited)
    before = recorded(old, policy=OLD_POLICY)
    change = align((NOOR, 2027), wanted, balance=stands, before=before)
    assert change is not None
    after = replace(
        stands, credits_posted=stands.credits_posted - old + new, limited=change.limited
    )
    assert change.limited == (binding and after.room >= 0)
    assert align((NOOR, 2027), wanted, balance=after, before=recorded(new)) is None


# --- Exceptions ---------------------------------------------------------------------------------


@pytest.mark.rule("VIS-8.2", "VIS-10.1")
def test_an_exception_that_was_discussed_today_for_this_year_is_decided_by_another() -> None:
    check_exception(
        employee_id=NOOR,
        decided_by_person_id=IDRIS,
        calendar_year=2026,
        discussed_on=TODAY,
        today=TODAY,
    )


@pytest.mark.rule("VIS-8.2", "VIS-10.1")
@pytest.mark.parametrize(
    ("decider", "year", "discussed_on", "refusal"),
    [
        pytest.param(NOOR, 2026, TODAY, ExceptionForSelf, id="for oneself"),
        pytest.param(
            IDRIS, 2026, TODAY + timedelta(days=1), ExceptionUndiscussed, id="discussed tomorrow"
        ),
        pytest.param(IDRIS, 2025, TODAY, ExceptionForPastYear, id="for a year gone by"),
    ],
)
def test_an_exception_for_oneself_or_not_beforehand_is_refused(
    decider: UUID, year: int, discussed_on: date, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        check_exception(
            employee_id=NOOR,
            decided_by_person_id=decider,
            calendar_year=year,
            discussed_on=discussed_on,
            today=TODAY,
        )


# --- Attendance ---------------------------------------------------------------------------------


@pytest.mark.rule("VIS-6.6")
@pytest.mark.parametrize("attended", [0, 1, 480])
def test_attendance_is_recorded_from_the_day_itself_up_to_what_was_planned(attended: int) -> None:
    check_attendance(
        held_on=TODAY,
        planned_minutes=Minutes(480),
        attended_minutes=Minutes(attended),
        today=TODAY,
    )


@pytest.mark.rule("VIS-6.6", "VIS-8.1")
@pytest.mark.parametrize(
    ("held_on", "attended", "refusal"),
    [
        pytest.param(TODAY + timedelta(days=1), 480, SessionStillToCome, id="tomorrow's session"),
        pytest.param(TODAY, 481, AttendanceBeyondPlan, id="a minute longer than planned"),
    ],
)
def test_attendance_too_early_or_too_long_is_refused(
    held_on: date, attended: int, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        check_attendance(
            held_on=held_on,
            planned_minutes=Minutes(480),
            attended_minutes=Minutes(attended),
            today=TODAY,
        )


@pytest.mark.rule("VIS-5.3", "VIS-6.6")
def test_nobody_records_the_own_attendance() -> None:
    check_recorder([NOOR], recorder_id=IDRIS)
    with pytest.raises(OwnAttendance):
        check_recorder([NOOR, IDRIS], recorder_id=IDRIS)


def test_a_correction_changes_something() -> None:
    check_correction(recorded_minutes=Minutes(480), attended_minutes=Minutes(479))
    with pytest.raises(AttendanceUnchanged):
        check_correction(recorded_minutes=Minutes(480), attended_minutes=Minutes(480))


@pytest.mark.rule("VIS-8.1")
@pytest.mark.invariant("L4")
def test_attendance_spends_what_was_attended_and_absence_frees_all() -> None:
    def made(attended: int) -> Entry:
        return spending(
            UUID(int=40), pending_id=UUID(int=41), held_on=TODAY, attended_minutes=Minutes(attended)
        )

    post = made(240)
    assert isinstance(post, Post)
    assert (post.pending_id, post.amount, post.activity_on) == (UUID(int=41), 240, TODAY)
    assert isinstance(made(0), Void)


@pytest.mark.invariant("L3")
@pytest.mark.parametrize(
    ("spent_by", "attended", "kinds"),
    [
        pytest.param(UUID(int=50), 240, [Reverse, Posted], id="another time"),
        pytest.param(UUID(int=50), 0, [Reverse], id="absent after all"),
        pytest.param(None, 240, [Posted], id="present after all"),
    ],
)
def test_a_correction_is_a_reversal_and_an_entry_anew(
    spent_by: UUID | None, attended: int, kinds: list[type[Entry]]
) -> None:
    entries = exchange(
        UUID(int=60),
        held_on=TODAY,
        spent_by=spent_by,
        attended_minutes=Minutes(attended),
        sides=Sides(debit_account_id=ACCOUNT, credit_account_id=SOURCE),
    )
    assert [type(entry) for entry in entries] == kinds
    assert {entry.activity_on for entry in entries} == {TODAY}
    assert len({entry.key for entry in entries}) == len(entries)


# --- Entries ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "cause", "debits", "effect"),
    [
        (TransferKind.POSTED, POLICY_CAUSE, False, EntryEffect.NORM),
        (TransferKind.POSTED, EXCEPTION_CAUSE, False, EntryEffect.EXCEPTION),
        (TransferKind.POSTED, "correction", True, EntryEffect.SPENT),
        (TransferKind.PENDING, "decision", True, EntryEffect.RESERVED),
        (TransferKind.POST, "attendance", True, EntryEffect.SPENT),
        (TransferKind.VOID, "release", True, EntryEffect.RELEASED),
        (TransferKind.REVERSAL, "correction", False, EntryEffect.REVERSED),
        (TransferKind.REVERSAL, POLICY_CAUSE, True, EntryEffect.REVERSED),
    ],
    ids=str,
)
def test_a_line_reads_as_what_it_does_to_the_hours(
    kind: TransferKind, cause: str, *, debits: bool, effect: EntryEffect
) -> None:
    resolved = uuid4() if kind in {TransferKind.POST, TransferKind.VOID} else None
    reversed_id = uuid4() if kind is TransferKind.REVERSAL else None
    transfer = Transfer(
        id=uuid4(),
        kind=kind,
        debit_account_id=ACCOUNT,
        credit_account_id=SOURCE,
        unit=Unit.MINUTES,
        amount=240,
        released=60,
        pending_id=resolved,
        reverses_id=reversed_id,
        cause_type=cause,
        cause_id=uuid4(),
        key="key",
        activity_on=TODAY,
        recorded_at=datetime(2026, 6, 15, 8, 0, tzinfo=UTC),
        debit_sequence=7,
        credit_sequence=None,
    )
    entry = entry_of(Line(sequence=7, debits=debits, transfer=transfer), own_time=True)
    assert entry.effect is effect
    assert entry.resolves_id == (resolved or reversed_id)
    assert (entry.sequence, entry.minutes, entry.released_minutes) == (7, 240, 60)
    assert (entry.cause, entry.own_time) == (cause, True)
