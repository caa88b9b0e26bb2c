"""What the clients do: the main job over the API, crowded onto few people and one year's means.

Each function makes one call out of what the board knows, or None when there is nothing for it to
be done to. ``learn`` puts what an answer tells on the board. Every write carries its key in a text
of its own, so that it can be found again, once, in what the service shows afterwards.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from app.policy.rules import Criterion
from tests.fire.board import NEWEST, Board
from tests.fire.client import Call, Client
from tests.fire.history import Sent
from tests.fire.scene import YEAR

Make = Callable[[Board, Client], Call | None]

_PAST = date(YEAR, 2, 1)
_TO_COME = date(YEAR, 9, 6)
_MEANS = (6_000_000, 8_000_000, 10_000_000, 15_000_000)


def hours_of(employee_id: str) -> str:
    return f"hours:{employee_id}"


def request_of(request_id: str) -> str:
    return f"request:{request_id}"


MEANS = "means"


# --- Requests -----------------------------------------------------------------------------------


def _asked(board: Board, client: Client, key: str) -> dict[str, Any]:
    """Return a training: short and cheap in the past, or dear and still to come."""
    rng, mark = client.rng, board.scene.mark
    to_come = rng.random() < 0.25
    first = (_TO_COME if to_come else _PAST) + timedelta(days=rng.randrange(60))
    days = [first + timedelta(days=7 * week) for week in range(rng.randint(1, 3))]
    return {
        "title": f"Opleiding {key} {mark}".strip(),
        "provider": f"Opleider {mark}".strip(),
        "kind": "course",
        "startsOn": days[0].isoformat(),
        "endsOn": days[-1].isoformat(),
        "motivation": f"Nodig voor het werk {mark}.",
        "conversationOn": "2027-01-11",
        "basis": "necessary_for_function",
        "participantIds": rng.sample(board.scene.employees, rng.choice((1, 1, 2, 3))),
        "sessions": [
            {
                "heldOn": day.isoformat(),
                "minutes": rng.choice((15, 30, 45, 60, 90)),
                "workingTime": rng.random() < 0.8,
            }
            for day in days
        ],
        "costLines": [
            {
                "what": f"Cursusgeld {mark}".strip(),
                "amountCents": rng.randrange(200_000, 260_000) if to_come else rng.randrange(9_000),
                "vatBasisPoints": 2100,
                "perParticipant": True,
            }
        ],
        "grounds": [{"criterion": "team_and_function", "motivation": f"Nodig {mark}."}],
    }


def draft_request(board: Board, client: Client) -> Call | None:
    if len(board.drafts) > 12:
        return None
    key = client.new_key()
    return Call(
        name="draft_request",
        who=client.rng.choice(("hr-1", "hr-2")),
        method="POST",
        path="/requests",
        body=_asked(board, client, key),
        key=key,
    )


def change_request(board: Board, client: Client) -> Call | None:
    request = _pick(client, board.drafts)
    if request is None:
        return None
    title = board.requests[request]["title"].split()[1]
    return Call(
        name="change_request",
        who="hr-1",
        method="PUT",
        path=f"/requests/{request}",
        body=_asked(board, client, title),
        match=_version(board, request),
        about=(request_of(request),),
    )


def submit_request(board: Board, client: Client) -> Call | None:
    request = _pick(client, board.drafts)
    if request is None:
        return None
    key = client.new_key()
    interim = client.rng.random() < 0.85
    body = {"necessity": f"Certificering verloopt, {key} {board.scene.mark}"} if interim else {}
    return _step(
        client,
        board,
        request,
        step="submission",
        name="submit_request",
        who="hr-2",
        body=body,
        key=key,
    )


def withdraw_request(board: Board, client: Client) -> Call | None:
    request = _pick(client, (*board.drafts, *board.interim))
    if request is None:
        return None
    key = client.new_key()
    return _step(
        client,
        board,
        request,
        step="withdrawal",
        name="withdraw_request",
        who="hr-1",
        body=_reason(board, key),
        key=key,
    )


def consent(board: Board, client: Client) -> Call | None:
    request = _pick(client, board.interim)
    if request is None:
        return None
    key = client.new_key()
    who = client.rng.choice(("mt-1", "mt-2"))
    return _step(
        client,
        board,
        request,
        step="mt-consent",
        name="consent",
        who=who,
        body=_reason(board, key),
        key=key,
    )


def assess(board: Board, client: Client) -> Call | None:
    request = _pick(client, board.consented)
    if request is None:
        return None
    return Call(
        name="assess",
        who=client.rng.choice(("hr-1", "hr-2")),
        method="PUT",
        path=f"/requests/{request}/assessment",
        body={
            "ratings": [
                {
                    "criterion": criterion.value,
                    "rating": client.rng.randint(1, 4),
                    "motivation": f"Draagt hieraan bij {board.scene.mark}.",
                }
                for criterion in Criterion
            ]
        },
        match="*",
        about=(request_of(request),),
    )


def complete(board: Board, client: Client) -> Call | None:
    request = _pick(client, board.granted)
    if request is None or board.requests[request]["startsOn"] >= _TO_COME.isoformat():
        return None
    key = client.new_key()
    body = {
        "completedOn": f"{YEAR}-07-19",
        "participants": [
            {"employeeId": one["employeeId"], "completed": True}
            for one in board.requests[request]["participants"]
        ],
    }
    return _step(
        client, board, request, step="completion", name="complete", who="hr-1", body=body, key=key
    )


def cancel(board: Board, client: Client) -> Call | None:
    request = _pick(client, board.granted)
    if request is None:
        return None
    key = client.new_key()
    return _step(
        client,
        board,
        request,
        step="cancellation",
        name="cancel",
        who="hr-2",
        body=_reason(board, key),
        key=key,
    )


# --- Proposals and decisions --------------------------------------------------------------------


def draft_proposal(board: Board, client: Client) -> Call | None:
    if not board.assessed:
        return None
    some = min(len(board.assessed), client.rng.randint(1, 3))
    requests = client.rng.sample(list(board.assessed), some)
    key = client.new_key()
    return Call(
        name="draft_proposal",
        who="hr-1",
        method="POST",
        path="/proposals",
        body={
            "requestIds": requests,
            "title": f"Voorstel {key} {board.scene.mark}".strip(),
            "substantiation": f"Op volgorde van score {board.scene.mark}.",
        },
        key=key,
        about=tuple(request_of(request) for request in requests),
    )


def submit_proposal(board: Board, client: Client) -> Call | None:
    proposal = _pick(client, board.proposals)
    if proposal is None:
        return None
    return Call(
        name="submit_proposal",
        who=client.rng.choice(("hr-1", "hr-2")),
        method="POST",
        path=f"/proposals/{proposal['id']}/submission",
        key=client.new_key(),
        match="*",
        about=(f"proposal:{proposal['id']}",),
    )


def decide(board: Board, client: Client) -> Call | None:
    proposal = _pick(client, board.before_mt)
    if proposal is None:
        return None
    key = client.new_key()
    reject = client.rng.random() < 0.15
    return Call(
        name="decide",
        who=client.rng.choice(("mt-1", "mt-2")),
        method="POST",
        path=f"/proposals/{proposal['id']}/decisions",
        body={
            "items": [
                {
                    "requestId": item["requestId"],
                    "outcome": "rejected" if reject else "granted",
                    "motivation": f"Besluit {key} {board.scene.mark}",
                }
                for item in proposal["items"]
            ]
        },
        key=key,
        match="*",
        about=(
            f"proposal:{proposal['id']}",
            MEANS,
            *(request_of(item["requestId"]) for item in proposal["items"]),
            *(hours_of(person) for item in proposal["items"] for person in item["employeeIds"]),
        ),
    )


def revise(board: Board, client: Client) -> Call | None:
    decision = _pick(client, board.decisions)
    if decision is None:
        return None
    key = client.new_key()
    return Call(
        name="revise",
        who=client.rng.choice(("mt-1", "mt-2")),
        method="POST",
        path=f"/decisions/{decision['id']}/revisions",
        body={
            "outcome": client.rng.choice(("granted", "rejected")),
            "motivation": f"Herzien {key} {board.scene.mark}",
        },
        key=key,
        about=(
            request_of(decision["requestId"]),
            MEANS,
            *(hours_of(person) for person in decision["employeeIds"]),
        ),
    )


# --- Hours --------------------------------------------------------------------------------------


def record_attendance(board: Board, client: Client) -> Call | None:
    session = _pick(client, board.sessions)
    if session is None:
        return None
    request, session_id, employee, minutes = session
    key = client.new_key()
    attended = client.rng.choice((0, minutes // 3, minutes, minutes))
    one: dict[str, Any] = {"employeeId": employee, "attendedMinutes": attended}
    if attended == 0:
        one["absenceReason"] = f"Afwezig {key} {board.scene.mark}"
    return Call(
        name="record_attendance",
        who=client.rng.choice(("hr-1", "hr-2")),
        method="POST",
        path=f"/requests/{request}/sessions/{session_id}/attendances",
        body={"attended": [one]},
        key=key,
        about=(hours_of(employee), request_of(request), f"session:{session_id}:{employee}"),
    )


def correct_attendance(board: Board, client: Client) -> Call | None:
    attendance = _pick(client, board.attendances)
    if attendance is None:
        return None
    key = client.new_key()
    return Call(
        name="correct_attendance",
        who=client.rng.choice(("hr-1", "hr-2")),
        method="POST",
        path=f"/attendances/{attendance['id']}/corrections",
        body={
            "attendedMinutes": client.rng.randrange(attendance["plannedMinutes"] + 1),
            "reason": f"Presentielijst {key} {board.scene.mark}",
        },
        key=key,
        about=(hours_of(attendance["employeeId"]), f"attendance:{attendance['id']}"),
    )


def grant_exception(board: Board, client: Client) -> Call | None:
    employee = client.rng.choice(board.scene.employees)
    key = client.new_key()
    return Call(
        name="grant_exception",
        who=client.rng.choice(("mt-1", "mt-2")),
        method="POST",
        path="/hour-exceptions",
        body={
            "employeeId": employee,
            "calendarYear": YEAR,
            "minutes": client.rng.choice((15, 30, 60)),
            "ground": "legal_requirement",
            "reason": f"Hercertificering {key} {board.scene.mark}",
            "discussedOn": f"{YEAR}-07-01",
        },
        key=key,
        about=(hours_of(employee),),
    )


# --- Means --------------------------------------------------------------------------------------


def set_means(board: Board, client: Client) -> Call | None:
    key = client.new_key()
    return Call(
        name="set_means",
        who=client.rng.choice(("mt-1", "mt-2")),
        method="POST",
        path=f"/budgets/{YEAR}/means",
        body={
            "amountCents": client.rng.choice(_MEANS),
            "motivation": f"Begroting {key} {board.scene.mark}",
        },
        key=key,
        about=(MEANS,),
    )


def book_actual(board: Board, client: Client) -> Call | None:
    commitment = _pick(client, board.commitments)
    if commitment is None:
        return None
    key = client.new_key()
    return Call(
        name="book_actual",
        who=client.rng.choice(("hr-1", "hr-2")),
        method="POST",
        path=f"/commitments/{commitment}/actuals",
        body={
            "amountCents": client.rng.randrange(1, 4_000),
            "invoiceReference": f"F-{key} {board.scene.mark}".strip(),
            "invoicedOn": f"{YEAR}-07-19",
            "final": client.rng.random() < 0.1,
        },
        key=key,
        match="*",
        about=(MEANS, f"commitment:{commitment}"),
    )


# --- Agreements and departures ------------------------------------------------------------------


def draw_up(board: Board, client: Client) -> Call | None:
    agreement = _pick(client, board.agreements)
    if agreement is None:
        return None
    key = client.new_key()
    return Call(
        name="draw_up",
        who="hr-1",
        method="POST",
        path=f"/agreements/{agreement}/drawing-up",
        body={"furtherConditions": f"Afspraak {key} {board.scene.mark}"},
        key=key,
        match="*",
        about=(f"agreement:{agreement}",),
    )


def sign(board: Board, client: Client) -> Call | None:
    agreement = _pick(client, board.drawn_up)
    if agreement is None:
        return None
    parties = {agreement["employeeId"], agreement["managerId"]}
    signers = [name for name, person in board.scene.staff.items() if person.id in parties]
    return Call(
        name="sign",
        who=client.rng.choice(signers),
        method="POST",
        path=f"/agreements/{agreement['id']}/signatures",
        body={"documentSha256": agreement["documentSha256"]},
        key=client.new_key(),
        about=(f"agreement:{agreement['id']}",),
    )


def end_employment(board: Board, client: Client) -> Call | None:
    employee = client.rng.choice(board.scene.employees)
    return Call(
        name="end_employment",
        who="hr-1",
        method="POST",
        path=f"/employees/{employee}/employment-end",
        body={
            "leftOn": f"{YEAR}-{client.rng.randint(10, 12)}-30",
            "reason": "resignation",
            "initiative": "employee",
        },
        key=client.new_key(),
        about=(f"employee:{employee}", hours_of(employee)),
    )


def withdraw_end(board: Board, client: Client) -> Call | None:
    employee = client.rng.choice(board.scene.employees)
    return Call(
        name="withdraw_end",
        who="hr-2",
        method="POST",
        path=f"/employees/{employee}/employment-end/withdrawal",
        key=client.new_key(),
        about=(f"employee:{employee}",),
    )


# --- People -------------------------------------------------------------------------------------


def patch_employee(board: Board, client: Client) -> Call | None:
    """Correct who is known by the version that the clients saw last: one of them wins."""
    employee = client.rng.choice(board.scene.employees)
    version = board.employees.get(employee)
    if version is None:
        return read_employee(board, client, employee)
    return Call(
        name="patch_employee",
        who=client.rng.choice(("hr-1", "hr-2")),
        method="PATCH",
        path=f"/employees/{employee}",
        body={"givenName": f"Noor {client.new_key()} {board.scene.mark}".strip()},
        match=version,
        about=(f"employee:{employee}",),
    )


def read_employee(board: Board, client: Client, employee: str | None = None) -> Call:
    employee = employee or client.rng.choice(board.scene.employees)
    return _get("read_employee", f"/employees/{employee}", about=(f"employee:{employee}",))


def add_team(board: Board, client: Client) -> Call | None:
    key = client.new_key()
    return Call(
        name="add_team",
        who="hr-1",
        method="POST",
        path="/teams",
        body={"department": "Toezicht", "name": f"Team {key} {board.scene.mark}".strip()},
        key=key,
    )


# --- Reads --------------------------------------------------------------------------------------


def read_hours(board: Board, client: Client) -> Call | None:
    return hours_read(client.rng.choice(board.scene.employees))


def hours_read(employee: str) -> Call:
    path = f"/employees/{employee}/hour-ledgers/{YEAR}"
    return _get("read_hours", path, about=(hours_of(employee),))


def read_means(_board: Board, _client: Client) -> Call | None:
    return _get("read_means", f"/budgets/{YEAR}", about=(MEANS,))


def read_all_means(_board: Board, _client: Client) -> Call | None:
    return _get("read_all_means", "/budgets", who="auditor-1", about=(MEANS,))


def read_request(board: Board, client: Client) -> Call | None:
    request = _pick(client, (*board.drafts, *board.interim, *board.granted))
    if request is None:
        return None
    return _get("read_request", f"/requests/{request}", about=(request_of(request),))


def read_proposal(board: Board, client: Client) -> Call | None:
    proposal = _pick(client, board.before_mt)
    if proposal is None:
        return None
    identifier = proposal["id"]
    return _get("read_proposal", f"/proposals/{identifier}", about=(f"proposal:{identifier}",))


def read_entries_as_of(board: Board, client: Client) -> Call | None:
    """Read a ledger as it was at a moment that is past: now, again, and after the run."""
    seen = _pick(client, board.as_of)
    if seen is None:
        return None
    employee, moment = seen
    return _get(
        "read_entries_as_of",
        f"/employees/{employee}/hour-ledgers/{YEAR}/entries?limit=100&asOf={moment}",
        about=(hours_of(employee),),
    )


def read_as_manager(_board: Board, client: Client) -> Call | None:
    """List, as a manager, those they lead: nobody else is in it."""
    who = client.rng.choice(("manager-1", "manager-2"))
    return _get("read_as_manager", "/hour-reservations?limit=20", who=who)


def _get(name: str, path: str, *, who: str = "hr-2", about: tuple[str, ...] = ()) -> Call:
    return Call(name=name, who=who, method="GET", path=path, about=about)


# --- What an answer tells -----------------------------------------------------------------------


def learn(board: Board, call: Call, sent: Sent) -> None:
    """Put on the board what an answer tells: what there is to be done next, and what no longer."""
    if sent.done:
        if (teach := _TEACHES.get(call.name)) is not None:
            teach(board, call, sent)
        if call.key is not None and call.method == "POST":
            board.keys.append(call)
    elif sent.status in (404, 409, 412, 422):
        _unlearn(board, call, sent)


def _unlearn(board: Board, call: Call, sent: Sent) -> None:
    """Forget what turned out to be over. Who had read an older version reads again."""
    about = "".join(call.path.split("/")[2:3])
    match call.name:
        case "patch_employee":
            board.employees.pop(about, None)
        case "record_attendance":
            _drop_session(board, call)
        case "draft_proposal":
            for request in call.body["requestIds"]:
                _drop(board.assessed, request)
        case "decide" if "exceeded" in (sent.answer or ""):
            pass  # what norm or means stand in the way of can be decided on later
        case name if name in _LISTS:
            _drop(_LISTS[name](board), about)
        case _:
            pass


_LISTS: Mapping[str, Callable[[Board], Any]] = {
    "submit_request": lambda board: board.drafts,
    "change_request": lambda board: board.drafts,
    "withdraw_request": lambda board: board.drafts,
    "consent": lambda board: board.interim,
    "assess": lambda board: board.consented,
    "complete": lambda board: board.granted,
    "cancel": lambda board: board.granted,
    "submit_proposal": lambda board: board.proposals,
    "decide": lambda board: board.before_mt,
    "revise": lambda board: board.decisions,
    "correct_attendance": lambda board: board.attendances,
    "book_actual": lambda board: board.commitments,
    "draw_up": lambda board: board.agreements,
}


def _drop(known: Any, identifier: str) -> None:  # noqa: ANN401 - a deque of ids, or of what has one
    for one in tuple(known):
        if identifier == (one if isinstance(one, str) else one["id"]):
            known.remove(one)


def _drop_session(board: Board, call: Call) -> None:
    parts = call.path.split("/")
    employee = call.body["attended"][0]["employeeId"]
    for one in tuple(board.sessions):
        if one[:3] == (parts[2], parts[4], employee):
            board.sessions.remove(one)


def _drafted(board: Board, _call: Call, sent: Sent) -> None:
    request = sent.json
    board.requests[request["id"]] = request
    if request["id"] not in board.drafts:
        board.drafts.append(request["id"])


def _submitted(board: Board, _call: Call, sent: Sent) -> None:
    request = sent.json["request"]
    board.requests[request["id"]] = request
    board.forget(request["id"])
    if request["interim"]:
        board.interim.append(request["id"])


def _moved(board: Board, _call: Call, sent: Sent) -> None:
    request = sent.json
    board.requests[request["id"]] = request
    board.forget(request["id"])
    if request["consentedAt"] is not None and request["status"] == "submitted":
        board.consented.append(request["id"])


def _assessed(board: Board, call: Call, _sent: Sent) -> None:
    request = call.path.split("/")[2]
    board.forget(request)
    board.assessed.append(request)


def _proposed(board: Board, _call: Call, sent: Sent) -> None:
    board.proposals.append(sent.json)
    for item in sent.json["items"]:
        if item["requestId"] in board.assessed and len(board.assessed) > 4:
            board.assessed.remove(item["requestId"])


def _put_before_mt(board: Board, _call: Call, sent: Sent) -> None:
    proposal = sent.json
    _drop(board.proposals, proposal["id"])
    for item in proposal["items"]:
        board.forget(item["requestId"])
    board.before_mt.append(proposal)


def _decided(board: Board, call: Call, sent: Sent) -> None:
    if call.name == "decide":
        _drop(board.before_mt, call.path.split("/")[2])
    decisions = sent.json["items"] if call.name == "decide" else [sent.json]
    for decision in decisions:
        board.decisions.append(decision)
        if decision["outcome"] != "granted":
            continue
        request = board.requests.get(decision["requestId"])
        board.granted.append(decision["requestId"])
        if request is None or request["startsOn"] >= _TO_COME.isoformat():
            continue
        board.sessions.extend(
            (request["id"], session["id"], employee, session["minutes"])
            for employee in decision["employeeIds"]
            for session in request["sessions"]
        )


def _attended(board: Board, call: Call, sent: Sent) -> None:
    _drop_session(board, call)
    board.attendances.extend(one for one in sent.json["items"] if one["holds"])


def _corrected(board: Board, call: Call, sent: Sent) -> None:
    _drop(board.attendances, call.path.split("/")[2])
    board.attendances.append(sent.json)


def _drawn_up(board: Board, _call: Call, sent: Sent) -> None:
    agreement = sent.json
    _drop(board.drawn_up, agreement["id"])
    if agreement["managerId"] is not None:
        board.drawn_up.append(agreement)


def _read_employee(board: Board, _call: Call, sent: Sent) -> None:
    if sent.etag is not None:
        board.employees[sent.json["id"]] = sent.etag


_TEACHES: Mapping[str, Callable[[Board, Call, Sent], None]] = {
    "draft_request": _drafted,
    "change_request": _drafted,
    "submit_request": _submitted,
    "withdraw_request": _moved,
    "consent": _moved,
    "assess": _assessed,
    "complete": _moved,
    "cancel": _moved,
    "draft_proposal": _proposed,
    "submit_proposal": _put_before_mt,
    "decide": _decided,
    "revise": _decided,
    "record_attendance": _attended,
    "correct_attendance": _corrected,
    "draw_up": _drawn_up,
    "read_employee": _read_employee,
}


# --- How often ----------------------------------------------------------------------------------

WORK: Mapping[Make, int] = {
    draft_request: 14,
    change_request: 3,
    submit_request: 14,
    withdraw_request: 1,
    consent: 14,
    assess: 14,
    draft_proposal: 10,
    submit_proposal: 10,
    decide: 16,
    revise: 2,
    record_attendance: 30,
    correct_attendance: 14,
    grant_exception: 5,
    set_means: 3,
    book_actual: 14,
    draw_up: 1,
    sign: 4,
    complete: 2,
    cancel: 2,
    end_employment: 1,
    withdraw_end: 2,
    patch_employee: 8,
    add_team: 2,
    read_employee: 2,
    read_hours: 24,
    read_means: 14,
    read_all_means: 2,
    read_request: 8,
    read_proposal: 3,
    read_entries_as_of: 3,
    read_as_manager: 2,
}


def _pick(client: Client, known: Any) -> Any:  # noqa: ANN401 - whatever is in it
    return client.rng.choice(list(known)[-NEWEST:]) if known else None


def _version(board: Board, request: str) -> str:
    return f'"{board.requests[request]["version"]}"'


def _reason(board: Board, key: str) -> dict[str, str]:
    return {"reason": f"Reden {key} {board.scene.mark}"}


def _step(
    client: Client,
    board: Board,
    request: str,
    *,
    step: str,
    name: str,
    who: str,
    body: dict[str, Any],
    key: str,
) -> Call:
    """Return a step of a request, by the version known or by any."""
    return Call(
        name=name,
        who=who,
        method="POST",
        path=f"/requests/{request}/{step}",
        body=body,
        key=key,
        match=client.rng.choice(("*", "*", _version(board, request))),
        about=(request_of(request),),
    )
