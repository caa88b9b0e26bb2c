"""The checks can fail: a small run in which all is well, and a breach of each invariant put in."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fire.checks import CHECKS, look, stories
from tests.fire.faults import DISK
from tests.fire.history import Fault, History, Sent, Write
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
ALL = (
    *(DRAFTED, DECIDED, RESERVED, ATTENDED, SPENT, PATCHED, READ, WALKED, AS_OF),
    *(INVALID, TEAMED, OTHER_BODY, WITHOUT_KEY, FOREIGN, STRANGER, THEIRS),
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


def kept(xid: int, write: Sent) -> Row:
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
    keys=(kept(12, DECIDED), kept(13, ATTENDED), kept(14, DRAFTED), kept(15, TEAMED)),
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
    keys=(kept(17, THEIRS),),
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


AGAIN = replace(DRAFTED, n=30, begun=18.0, ended=18.5)
BREACHES: dict[str, Callable[[], Run]] = {
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
    "K1": lambda: also(replace(AGAIN, answer='{"id": "other"}', replayed=True)),
    "K2": lambda: answered(OTHER_BODY, status=201),
    "K3": lambda: also(replace(AGAIN, begun=1.0)),
    "K4": lambda: answered(THEIRS, status=422),
    "K5": lambda: answered(TEAMED, status=422),
    "K6": lambda: answered(WITHOUT_KEY, status=201),
    "D1": lambda: listed("/requests"),
    "D4": lambda: after(durability={"fsync": "off"}),
    "D5": lambda: left(keys=OURS.keys[1:]),
    "D6": lambda: replace(INTACT, unresolved=(Write(ORGANISATION, "hr-1", "s-1-1", (DRAFTED,)),)),
    "D7": lambda: also(faults=[Fault("service", 12.5, 13.0)]),
    "D8": lambda: also(faults=[Fault("stop", 1.0, 1.1, "SIGTERM: exit -9 after 1.0 s")]),
    "D9": lambda: also(sent(18, "read_means", {}, status=503)),
    "D11": lambda: also(sent(18, "read_team", {}, status=500), faults=[Fault(DISK, 17.9, 19.0)]),
    "D12": lambda: left(
        transfers=({**TRANSFERS[0], "recorded_at": BEGAN + timedelta(seconds=9)}, *TRANSFERS[1:])
    ),
    "H1": lambda: also(hours(2, reserved=90, spent=0)),
    "H2": lambda: also(hours(18, reserved=90, spent=0)),
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
    return {violation.code for _check, found in look(run) for violation in found}


def test_nothing_is_told_of_a_run_in_which_all_is_well() -> None:
    assert {v.says for _check, found in look(INTACT) for v in found} == set()


@pytest.mark.parametrize("code", BREACHES)
def test_a_breach_of_an_invariant_is_told_by_its_code(code: str) -> None:
    assert code in told(BREACHES[code]())


def test_every_check_has_a_breach_that_it_tells() -> None:
    without = [check.codes for check in CHECKS if not BREACHES.keys() & set(check.codes)]
    assert without == []


def test_a_version_that_was_read_after_a_later_one_is_told() -> None:
    older = sent(18, "read_request", {"version": 1}, about=(f"request:{REQUEST}",))
    assert told(also(older)) == {"H2"}


def test_a_story_names_the_requests_that_show_it() -> None:
    run = BREACHES["K3"]()
    [(check, found)] = [(check, found) for check, found in look(run) if check.codes == ("K3",)]
    [story] = stories(run, check, found)
    assert story.splitlines()[0] == "K3 noord s-1-1: was carried out 2 times"
    assert story.count("POST /draft_request -> 201") == 2
