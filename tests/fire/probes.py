"""What must be refused: each probe sends it and leaves the judgement to the checks."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

from tests.fire.board import Board
from tests.fire.client import Call, Client
from tests.fire.scene import YEAR
from tests.fire.workload import grant_exception, set_means

Probe = Callable[[Client, Board, Board], Awaitable[None]]


async def other_body(client: Client, board: Board, _elsewhere: Board) -> None:
    """Send a key that was answered with another body: 422, and nothing is done."""
    if not board.keys:
        return
    call: Call = client.rng.choice(list(board.keys))
    body: dict[str, Any] = {**(call.body or {}), "unknownMember": "x"}
    await client.send(replace(call, name="probe_other_body", body=body))


async def invalid_first(client: Client, board: Board, _elsewhere: Board) -> None:
    """Send what is malformed, and then the right thing under the same key: it is not burnt."""
    call = set_means(board, client)
    if call is None:
        return
    wrong = {**call.body, "amountCents": "veel"}
    await client.send(replace(call, name="probe_invalid", body=wrong))
    await client.send(call)


async def without_key(client: Client, board: Board, _elsewhere: Board) -> None:
    """Send a change of money or hours without a key: 400."""
    for make in (set_means, grant_exception):
        call = make(board, client)
        if call is not None:
            await client.send(replace(call, name="probe_without_key", key=None))


async def foreign(client: Client, board: Board, elsewhere: Board) -> None:
    """Read and change another organisation's things, and what does not exist: alike, 404."""
    theirs = [
        *(f"/requests/{request}" for request in elsewhere.requests),
        *(f"/employees/{employee}" for employee in elsewhere.scene.employees),
        *(f"/commitments/{commitment}" for commitment in elsewhere.commitments),
        f"/employees/{client.rng.choice(elsewhere.scene.employees)}/hour-ledgers/{YEAR}",
    ]
    path = client.rng.choice(theirs)
    parts = path.split("/")
    nobodys = "/".join([*parts[:2], str(uuid4()), *parts[3:]])
    for one in (path, nobodys):
        await client.send(Call(name="probe_foreign", who="hr-1", method="GET", path=one))
    reason = {"reason": f"Reden {board.scene.mark}"}
    if elsewhere.requests:
        request = client.rng.choice(list(elsewhere.requests))
        await client.send(
            Call(
                name="probe_foreign",
                who="hr-1",
                method="POST",
                path=f"/requests/{request}/withdrawal",
                body=reason,
                match="*",
                key=client.new_key(),
            )
        )


async def foreign_key(client: Client, board: Board, elsewhere: Board) -> None:
    """Use a key that somebody of this name used in another organisation: it is our own work."""
    theirs = [call for call in elsewhere.keys if call.name == "add_team"]
    if not theirs:
        return
    key = client.rng.choice(theirs).key
    body = {"department": "Toezicht", "name": f"Team {key} {board.scene.mark}".strip()}
    await client.send(
        Call(name="foreign_key", who="hr-1", method="POST", path="/teams", body=body, key=key)
    )


async def nobody(client: Client, _board: Board, _elsewhere: Board) -> None:
    """Ask without signing in: 401."""
    path = client.rng.choice(("/requests", "/employees", f"/budgets/{YEAR}", "/teams"))
    await client.send(Call(name="probe_nobody", who="hr-1", method="GET", path=path, token=""))


PROBES: tuple[Probe, ...] = (other_body, invalid_first, without_key, foreign, foreign_key, nobody)
