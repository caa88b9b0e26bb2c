"""The checks can fail: a small run in which all is well, and a breach of each invariant put in."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from tests.fire.checks import CHECKS, look, stories
from tests.fire.faults import DISK, KINDS, plan
from tests.fire.history import ROLLING, Fault, History, Sent, Write
from tests.fire.scene import FOUNDER, MARK, YEAR, Person, Scene
from tests.fire.state import After, Row, State
from tests.fire.violation import Run

SEED = "s"
ORGANISATION, ELSEWHERE = "noord", "zuid"
BEGAN = datetime(2026, 11, 22, tzinfo=UTC)
PERSON, REQUEST, DECISION, ATTENDANCE, TEAM, THEIR_TEAM, SOURCE, NORM, T0, T1, T2, NOBODY = (
    f"00000000-0000-7000-8000-{number:012}" for number in range(12)
)
MINUTES = 4800
LISTED = "/requests?limit=50"
ENTRIES = f"/employees/{PERSON}/hour-ledgers/{YEAR}/entries?asOf=2027-07-20T09:00:00Z"


def sent(
    n: int,
    name: str,
    answer: object,
    *,
    status: int = 200,
    method: str = "GET",
    **told: Any,  # noqa: ANN401 - a member of it
) -> Sent:
    """Return the request that begins at second ``n`` and is answered half a second later."""
    request: dict[str, Any] = {
        "client": 1,
        "organisation": ORGANISATION,
        "who": "hr-1",
        "path": f"/{name}",
        "media_type": "application/json" if status < 400 else "application/problem+json",
        **told,
    }
    return Sent(
        n=n,
        name=name,
        method=method,
        begun=float(n),
        ended=n + 0.5,
        status=status,
        answer=json.dumps(answer),
        **request,
    )


def posted(
    n: int,
    name: str,
    answer: object,
    *,
    key: str,
    **told: Any,  # noqa: ANN401
) -> Sent:
    return sent(n, name, answer, status=201, method="POST", key=key, **told)


def hours(n: int, *, reserved: int, spent: int) -> Sent:
    told = {
        "employeeId": PERSON,
        "normMinutes": MINUTES,
        "exceptionMinutes": 0,
        "reservedMinutes": reserved,
        "spentMinutes": spent,
        "roomMinutes": MINUTES - reserved - spent,
        "ownTime": {"reservedMinutes": 0, "spentMinutes": 0},
    }
    return sent(n, "read_hours", told, about=(f"hours:{PERSON}",))


DRAFTED = posted(1, "draft_request", {"id": REQUEST}, key="s-1-1")
DECIDED = posted(
    3,
    "decide",
    {"items": [{"id": DECISION, "outcome": "granted", "requestId": REQUEST}]},
    key="s-1-2",
    about=("proposal:p1",),
)
RESERVED = hours(4, reserved=90, spent=0)
ATTENDED = posted(5, "record_attendance", {"items": [{"id": ATTENDANCE}]}, key="s-1-3")
SPENT = hours(6, reserved=0, spent=60)
PATCHED = sent(
    7,
    "patch_employee",
    {"id": PERSON},
    method="PATCH",
    match='"1"',
    about=(f"employee:{PERSON}",),
)
READ = sent(8, "read_request", {"id": REQUEST, "version": 2}, about=(f"request:{REQUEST}",))
WALKED = sent(
    9,
    "walk",
    {"items": [{"id": REQUEST}], "nextCursor": None},
    path=LISTED,
    about=("walk:requests:s-1-9", f"hours:{PERSON}"),
)
AS_OF = sent(10, "read_entries_as_of", [], path=ENTRIES, about=(f"hours:{PERSON}",))
INVALID = sent(11, "probe_invalid", {}, status=400, method="POST", key="s-1-5")
TEAMED = posted(12, "add_team", {"id": TEAM}, key="s-1-5")
OTHER_BODY = sent(13, "probe_other_body", {}, status=422, method="POST", key="s-1-5")
WITHOUT_KEY = sent(14, "probe_without_key", {}, status=400, method="POST")
FOREIGN = sent(15, "probe_foreign", {}, status=404, path=f"/requests/{NOBODY}")
STRANGER = sent(16, "probe_nobody", {}, status=401)
THEIRS = posted(17, "foreign_key", {"id": THEIR_TEAM}, key="s-1-5", organisation=ELSEWHERE)
REPEATED = replace(TEAMED, n=18, begun=17.0, ended=17.5, replayed=True)
ALL = (
    *(DRAFTED, DECIDED, RESERVED, ATTENDED, SPENT, PATCHED, READ, WALKED, AS_OF),
    *(INVALID, TEAMED, OTHER_BODY, WITHOUT_KEY, FOREIGN, STRANGER, THEIRS, REPEATED),
)


def transfer(
    number: int,
    identifier: str,
    kind: str,
    amount: int,
    **told: Any,  # noqa: ANN401
) -> Row:
    side = "credit" if kind == "posted" else "debit"
    other = "debit" if kind == "posted" else "credit"
    return {
        "id": identifier,
        "kind": kind,
        "amount": amount,
        "released": 0,
        "pending_id": None,
        "reverses_id": None,
        "unit": "minutes",
        f"{side}_account_id": NORM,
        f"{side}_sequence": number,
        f"{other}_account_id": SOURCE,
        f"{other}_sequence": None,
        "recorded_at": BEGAN + timedelta(seconds=number),
        "xid": 10 + number,
        **told,
    }


TRANSFERS = (
    transfer(1, T0, "posted", MINUTES, cause_type="year", cause_id=YEAR),
    transfer(2, T1, "pending", 90, cause_type="decision", cause_id=DECISION),
    transfer(
        3, T2, "post", 60, released=30, pending_id=T1, cause_type="attendance", cause_id=ATTENDANCE
    ),
)
ACCOUNTS = (
    {"id": SOURCE, "kind": "source", "owner_id": "o", "unit": "minutes", "counted": False},
    {
        "id": NORM,
        "kind": "norm",
        "owner_id": PERSON,
        "unit": "minutes",
        "counted": True,
        "credits_posted": MINUTES,
        "debits_posted": 60,
        "debits_pending": 0,
        "sequence": 3,
    },
)


def line(xid: int, action: str, about: str, identifier: str, subject: str = "hr-1") -> Row:
    return {
        "id": f"line-{xid}",
        "action": action,
        "subject": subject,
        "object_type": about,
        "object_id": identifier,
        "recorded_at": BEGAN + timedelta(seconds=xid),
        "request_id": f"request-{xid}",
        "origin": None if subject == FOUNDER else "127.0.0.1",
        "recorded_in": xid,
    }


TRAIL = (
    line(11, "hours.opened", "employee", PERSON, FOUNDER),
    line(12, "decision.granted", "decision", DECISION),
    line(13, "attendance.recorded", "attendance", ATTENDANCE),
    line(14, "request.drafted", "training_request", REQUEST),
    line(15, "team.added", "team", TEAM),
    line(16, "employee.corrected", "employee", PERSON),
)


def stored(xid: int, write: Sent) -> Row:
    body = (write.answer or "").encode()
    return {"client": "hr-1", "key": write.key, "status": 201, "body": body, "xid": xid}


LISTS: dict[str, Sequence[Row]] = {
    "/requests": [{"id": REQUEST, "title": "Opleiding s-1-1"}],
    "/decisions": [
        {
            "id": DECISION,
            "motivation": "Besluit s-1-2",
            "requestId": REQUEST,
            "inForce": True,
            "revisesId": None,
        }
    ],
    "/proposals": [],
    "/hour-exceptions": [],
    f"/budgets/{YEAR}/means": [],
    "/actuals": [],
    "/teams": [{"id": TEAM, "name": "Team s-1-5"}],
    "/employees": [{"id": PERSON, "version": 2}],
}
OURS = State(
    scene=Scene(ORGANISATION, "o", "", {"employee-1": Person(PERSON, "1")}, {}, [], []),
    lists=LISTS,
    ledgers={},
    entries={(PERSON, False): [{"sequence": 1, "activityOn": f"{YEAR}-02-01"}]},
    means={},
    transfers=TRANSFERS,
    accounts=ACCOUNTS,
    audit=TRAIL,
    keys=(stored(12, DECIDED), stored(13, ATTENDED), stored(14, DRAFTED), stored(15, TEAMED)),
    corrections=(),
)
THEIR_STATE = State(
    scene=Scene(ELSEWHERE, "z", MARK, {}, {}, [], []),
    lists={name: [] for name in LISTS} | {"/teams": [{"id": THEIR_TEAM, "name": "Team s-1-5"}]},
    ledgers={},
    entries={},
    means={},
    transfers=(),
    accounts=(),
    audit=(line(17, "team.added", "team", THEIR_TEAM),),
    keys=(stored(17, THEIRS),),
    corrections=(),
)
INTACT = Run(
    seed=SEED,
    history=History(ALL, began=0.0, ended=20.0),
    after=After(
        states={ORGANISATION: OURS, ELSEWHERE: THEIR_STATE},
        as_of={(ORGANISATION, ENTRIES): "[]"},
        refused_changes=(),
        unscoped={"requests": 0},
        durability={"fsync": "on"},
        ready=200,
        not_tight=(),
    ),
    verified=0,
    verified_says="",
    unresolved=(),
    began_at=BEGAN,
    ended_at=BEGAN + timedelta(hours=1),
)


def answered(one: Sent, **changes: Any) -> Run:  # noqa: ANN401
    """Return the run in which one request went otherwise."""
    told = tuple(replace(each, **changes) if each is one else each for each in ALL)
    return replace(INTACT, history=replace(INTACT.history, sent=told))


def also(*more: Sent, faults: Sequence[Fault] = ()) -> Run:
    """Return the run in which more was sent, or something broke."""
    history = replace(INTACT.history, sent=(*ALL, *more), faults=tuple(faults))
    return replace(INTACT, history=history)


def left(**changes: Any) -> Run:  # noqa: ANN401
    """Return the run that left something else in the tables or the lists."""
    states = {ORGANISATION: replace(OURS, **changes), ELSEWHERE: THEIR_STATE}
    return after(states=states)


def after(**changes: Any) -> Run:  # noqa: ANN401
    return replace(INTACT, after=replace(INTACT.after, **changes))


def listed(path: str, *rows: Row) -> Run:
    return left(lists={**LISTS, path: rows})


def account(**changes: Any) -> Run:  # noqa: ANN401
    return left(accounts=(ACCOUNTS[0], {**ACCOUNTS[1], **changes}))


def lost(run: Run, one: Sent) -> Run:
    """Return the run in which this was sent before, and the reply to it was lost."""
    before = replace(one, n=40, begun=one.begun - 0.6, ended=one.begun - 0.1)
    unanswered = replace(before, status=None, answer=None, failed="ReadError")
    told = (unanswered, *run.history.sent)
    return replace(run, history=replace(run.history, sent=told))


def broken(run: Run, *faults: Fault) -> Run:
    """Return the run in which something was broken."""
    return replace(run, history=replace(run.history, faults=faults))


def nothing_worked() -> Run:
    """Return the run in which every request was answered 503, and left nothing."""
    refused = {"status": 503, "media_type": "application/problem+json", "retry_after": "1"}
    told = tuple(replace(one, answer="{}", **refused) for one in ALL if one is not REPEATED)
    history = replace(INTACT.history, sent=told)
    return replace(as_founded(), history=history, unresolved=history.writes)


def nothing_sent() -> Run:
    return replace(as_founded(), history=replace(INTACT.history, sent=()))


def as_founded() -> Run:
    """Return a run that left what was there before it."""
    empty = dict.fromkeys(LISTS, ())
    ours = replace(OURS, lists=empty, transfers=TRANSFERS[:1], audit=TRAIL[:1], keys=())
    theirs = replace(THEIR_STATE, lists=empty, audit=(), keys=())
    return after(states={ORGANISATION: ours, ELSEWHERE: theirs}, as_of={})


def slow_in_calm() -> Run:
    """Return the run in which three of many writes waited long."""
    writes = [
        replace(WITHOUT_KEY, n=100 + n, begun=18.0, ended=18.1 if n > 3 else 22.0)
        for n in range(210)
    ]
    run = also(*writes)
    return replace(run, history=replace(run.history, ended=30.0))


def killed_again_and_again() -> Run:
    """Return the run in which the service is killed each four seconds, and does nothing more."""
    kills = [Fault("service", at, at + 0.5) for at in range(19, 100, 4)]
    run = broken(INTACT, *kills)
    good = (
        replace(READ, n=90, begun=101.0, ended=101.5),
        replace(THEIRS, n=91, begun=101, ended=102),
    )
    return replace(run, history=replace(run.history, sent=(*ALL, *good), ended=105.0))


AGAIN = replace(DRAFTED, n=30, begun=18.0, ended=18.5)
OLDER = sent(18, "read_request", {"version": 1}, about=(f"request:{REQUEST}",))
KILLED = Fault("postgres", 2.0, 2.5)
# By the code that tells it; what comes after that says which of several.
BREACHES: dict[str, Callable[[], Run]] = {
    "LOAD nothing worked": nothing_worked,
    "LOAD nothing was sent": nothing_sent,
    "LOAD nothing was repeated": lambda: answered(REPEATED, name="probe_other_body", status=422),
    "LOAD too much was repeated": lambda: also(replace(AGAIN, replayed=True)),
    "LOAD a fault did not come": lambda: replace(INTACT, asked=frozenset({"lose"})),
    "L1": lambda: account(debits_pending=5),
    "L2": lambda: also(hours(18, reserved=90, spent=60)),
    "L3": lambda: left(
        transfers=(*TRANSFERS, *({**TRANSFERS[2], "id": n, "reverses_id": T2} for n in "ab"))
    ),
    "L4": lambda: left(transfers=(*TRANSFERS, {**TRANSFERS[2], "id": "a"})),
    "L5": lambda: left(
        entries={(PERSON, False): [{"sequence": 1, "activityOn": f"{YEAR - 1}-12-31"}]}
    ),
    "L6": lambda: left(transfers=({**TRANSFERS[0], "amount": 80}, *TRANSFERS[1:])),
    "L7": lambda: answered(READ, answer='{"version": 0.1}'),
    "L8": lambda: after(as_of={(ORGANISATION, ENTRIES): "[1]"}),
    "L9": lambda: left(transfers=(TRANSFERS[0], TRANSFERS[2])),
    "W1": lambda: left(audit=(*TRAIL, line(18, "request.granted", "training_request", REQUEST))),
    "W2": lambda: listed("/decisions", *LISTS["/decisions"], *LISTS["/decisions"]),
    "W3": lambda: also(replace(PATCHED, n=30, begun=18.0, ended=18.5)),
    "W4": lambda: answered(READ, status=500),
    "W4 slow": slow_in_calm,
    "K1": lambda: also(replace(AGAIN, answer='{"id": "other"}', replayed=True)),
    "K2": lambda: answered(OTHER_BODY, status=201),
    "K3": lambda: also(replace(AGAIN, begun=1.0)),
    "K4": lambda: answered(THEIRS, status=422),
    "K5": lambda: answered(TEAMED, status=422),
    "K6": lambda: answered(WITHOUT_KEY, status=201),
    "D1": lambda: listed("/requests"),
    "D2": lambda: broken(listed("/requests"), KILLED),
    "D3": lambda: lost(listed("/requests"), DRAFTED),
    "D4": lambda: after(durability={"fsync": "off"}),
    "D5": lambda: left(keys=OURS.keys[1:]),
    "D6": lambda: replace(INTACT, unresolved=(Write(ORGANISATION, "hr-1", "s-1-1", (DRAFTED,)),)),
    "D7": lambda: also(sent(26, "read_team", {}), faults=[Fault("service", 12.5, 13.0)]),
    "D7 not back by the end": lambda: also(faults=[Fault("freeze-database", 18.0, 18.5)]),
    "D7 not back between faults": killed_again_and_again,
    "D8": lambda: also(faults=[Fault("stop", 1.0, 1.1, "SIGTERM: exit -9 after 1.0 s")]),
    "D8 slow": lambda: also(faults=[Fault("stop", 1.0, 1.1, "SIGTERM: exit 0 after 29.0 s")]),
    "D8 replaced": lambda: also(sent(19, "read_hours", {}, status=503, about=(ROLLING,))),
    "D9": lambda: also(sent(18, "read_means", {}, status=503)),
    "D11": lambda: also(sent(18, "read_team", {}, status=500), faults=[Fault(DISK, 17.9, 19.0)]),
    "D12": lambda: left(
        transfers=({**TRANSFERS[0], "recorded_at": BEGAN + timedelta(seconds=9)}, *TRANSFERS[1:])
    ),
    "H1": lambda: also(hours(2, reserved=90, spent=0)),
    "H2": lambda: also(hours(18, reserved=90, spent=0)),
    "H2 versions": lambda: also(OLDER),
    "H3": lambda: answered(WALKED, answer='{"items": [], "nextCursor": null}'),
    "T1": lambda: answered(READ, answer=json.dumps({"version": 2, "title": MARK})),
    "T2": lambda: answered(FOREIGN, status=403),
    "T3": lambda: answered(STRANGER, status=200),
    "T4": lambda: answered(READ, answer=json.dumps({"version": 2, "team": THEIR_TEAM})),
    "T5": lambda: after(unscoped={"requests": 1}),
    "A1": lambda: left(audit=[one for one in TRAIL if one["action"] != "team.added"]),
    "A3": lambda: replace(INTACT, verified=1, verified_says="audit: changed at 7"),
    "A5": lambda: left(audit=(*TRAIL[:-1], {**TRAIL[-1], "origin": None})),
}


def told(run: Run) -> set[str]:
    return {violation.code for verdict in look(run) for violation in verdict.found}


def kept(run: Run) -> set[str]:
    """Return by which codes it is told that something was not kept as it was acknowledged."""
    return told(run) & {"D1", "D2", "D3"}


def test_nothing_is_told_of_a_run_in_which_all_is_well() -> None:
    assert {violation.says for verdict in look(INTACT) for violation in verdict.found} == set()
    assert [verdict.check.says for verdict in look(INTACT) if verdict.red] == []


@pytest.mark.parametrize(
    "breach",
    [
        pytest.param(name, marks=pytest.mark.invariant(name.split(maxsplit=1)[0]))
        for name in BREACHES
    ],
)
def test_a_breach_of_an_invariant_is_told_by_its_code(breach: str) -> None:
    assert breach.split(maxsplit=1)[0] in told(BREACHES[breach]())


def test_every_check_has_a_breach_that_it_tells() -> None:
    tells = {
        verdict.check for breach in BREACHES.values() for verdict in look(breach()) if verdict.found
    }
    assert [check.says for check in CHECKS if check not in tells] == []


@pytest.mark.parametrize(
    ("run", "judged_yet"),
    [(nothing_worked, {"D4", "D9", "T5"}), (nothing_sent, {"D4", "T5"})],
)
def test_a_run_in_which_nothing_worked_holds_nothing(
    run: Callable[[], Run], judged_yet: set[str]
) -> None:
    verdicts = list(look(run()))
    assert {code for one in verdicts if one.held for code in one.check.codes} == judged_yet
    untried = [one.check for one in verdicts if not one.held and not one.red]
    assert all(check.of or check.may_lack for check in untried)


def test_what_was_not_broken_is_not_tried() -> None:
    verdicts = list(look(INTACT))
    untried = {code for one in verdicts if not one.held for code in one.check.codes}
    assert untried == {"W4", "D1", "D2", "D3", "D6", "D7", "D8", "D11", "D12"}


def test_what_was_broken_and_tried_nothing_is_red() -> None:
    verdicts = look(broken(INTACT, Fault(DISK, 19.0, 19.5)))
    [full] = [verdict for verdict in verdicts if verdict.check.codes == ("D11",)]
    assert full.red
    assert full.found == []


@pytest.mark.invariant("D1")
def test_what_a_killed_worker_lost_breaks_the_first_promise() -> None:
    worker = replace(KILLED, kind="worker")
    assert kept(broken(listed("/requests"), worker)) == {"D1"}
    assert kept(broken(listed("/requests", *LISTS["/requests"], *LISTS["/requests"]), worker)) == {
        "D1"
    }


@pytest.mark.invariant("D2")
@pytest.mark.parametrize("kind", ["service", "supervisor", "postgres", "both"])
def test_what_is_lost_when_all_is_killed_breaks_the_second_promise(kind: str) -> None:
    fault = replace(KILLED, kind=kind)
    assert kept(broken(listed("/requests"), fault)) == {"D2"}
    # A worker that was killed later did not lose it.
    assert kept(broken(listed("/requests"), fault, Fault("worker", 3.0, 3.1))) == {"D2"}


@pytest.mark.invariant("D3")
def test_what_a_lost_reply_doubled_breaks_the_third_promise() -> None:
    twice = listed("/requests", *LISTS["/requests"], *LISTS["/requests"])
    assert kept(broken(lost(twice, DRAFTED), KILLED)) == {"D3"}
    assert kept(lost(INTACT, DRAFTED)) == set()


@pytest.mark.invariant("D6")
def test_what_stays_unknown_is_told() -> None:
    assert told(BREACHES["D6"]()) == {"D6"}


@pytest.mark.invariant("D7")
def test_further_faults_give_no_further_time() -> None:
    [found] = [one for one in look(killed_again_and_again()) if one.check.codes == ("D7",)]
    [one] = found.found
    assert one.about == "service at 19.0 s"
    # From 19.5 to 102, without the half seconds of the twenty kills that came meanwhile.
    assert one.says == "72.5 s until both a read and a write went well"


@pytest.mark.invariant("D7")
def test_who_comes_back_between_faults_is_in_time() -> None:
    pauses = [Fault("pause-postgres", at, at + 3.0) for at in (18.0, 22.0, 26.0)]
    good = replace(READ, n=90, begun=30.0, ended=31.0), replace(THEIRS, n=91, begun=30, ended=32.0)
    run = broken(also(*good), *pauses)
    assert "D7" not in told(replace(run, history=replace(run.history, ended=33.0)))


@pytest.mark.invariant("H1")
def test_a_read_of_what_was_not_sent_yet_is_told() -> None:
    assert told(BREACHES["H1"]()) == {"H1"}


@pytest.mark.invariant("H2")
def test_a_read_that_misses_what_was_acknowledged_is_told() -> None:
    assert told(BREACHES["H2"]()) == {"H2"}


@pytest.mark.invariant("H2")
def test_a_version_that_was_read_after_a_later_one_is_told() -> None:
    assert told(also(OLDER)) == {"H2"}


@pytest.mark.invariant("H3")
def test_a_walk_that_misses_or_meets_twice_what_is_there_is_told() -> None:
    assert told(BREACHES["H3"]()) == {"H3"}
    twice = {"items": [{"id": REQUEST}, {"id": REQUEST}], "nextCursor": None}
    assert told(answered(WALKED, answer=json.dumps(twice))) == {"H3"}


def test_a_story_names_the_requests_that_show_it() -> None:
    run = BREACHES["K3"]()
    [verdict] = [verdict for verdict in look(run) if verdict.check.codes == ("K3",)]
    [story] = stories(run, verdict.check, verdict.found)
    assert story.splitlines()[0] == "K3 noord s-1-1: was carried out 2 times"
    assert story.count("POST /draft_request -> 201") == 2


def test_every_kind_of_fault_comes_before_one_comes_again() -> None:
    drawn = [one.kind for one in islice(plan("a seed", KINDS), 2 * len(KINDS))]
    assert set(drawn[: len(KINDS)]) == set(drawn[len(KINDS) :]) == set(KINDS)
