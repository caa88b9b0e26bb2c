"""The load, in a process of its own: the clients, until it is told to end, all of it written down.

Reads what to do from standard input, a line of JSON, and writes the history to the file it names.
It ends when that input does. With ``again`` it sends those requests until each has a definite
answer, with ``rolling`` so many requests of which none may fail, instead, and ends by itself.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import uvloop

from tests.fire.board import Board
from tests.fire.client import Call, Client
from tests.fire.history import ROLLING, UNKNOWN, Sent, Writer
from tests.fire.probes import PROBES, Probe
from tests.fire.scene import Scene
from tests.fire.walks import walk
from tests.fire.workload import (
    WORK,
    Make,
    add_team,
    assess,
    consent,
    decide,
    draft_proposal,
    draft_request,
    grant_exception,
    hours_read,
    learn,
    patch_employee,
    read_employee,
    read_entries_as_of,
    read_hours,
    read_request,
    submit_proposal,
    submit_request,
)

_MAKERS: Sequence[Make] = tuple(WORK)
_WEIGHTS = tuple(accumulate(WORK.values()))
# One of so many writes is repeated: over two connections at once (so often of these), or sent again
# after an answer that was good.
_REPEATED_OF = 5
_TWICE = 0.6
# Of attendances: recorded while somebody looks at the same hours.
_WATCHED = 0.6
# Of requests: something that must be refused, a walk through a list, a read of all entries.
_PROBE = 0.04
_WALK = 0.015
# Of those without an answer: repeated at once; the others are asked again after the run.
_REPEATED = 0.7
# How long a client waits before it sends again what did not come through.
_PATIENT_SECONDS = (0.2, 1.2)
# The numbers of those who ask again after the run.
_FIRST_AGAIN = 1000
# The numbers of those who do at last, when all is mended, what chance may have left out.
_FIRST_LAST = 400
_TRIES = 5
# Those who send while workers are replaced, and how often they write.
_FIRST_ROLLING = 500
_ROLLERS = 16
_WRITES_EVERY = 5


@dataclass(frozen=True, slots=True)
class Orders:
    """What the load is told. ``again`` are requests to ask again, each until it is definite."""

    url: str
    seed: str
    clients: int
    history: str
    scenes: Sequence[Mapping[str, Any]]
    again: Sequence[Mapping[str, Any]] = ()
    rolling: int = 0
    patience: float = 30.0


async def main(orders: Orders) -> None:
    """Carry the orders out."""
    writer = Writer(Path(orders.history))
    scenes = [Scene.from_dict(told) for told in orders.scenes]
    boards = {scene.slug: Board(scene) for scene in scenes}

    def client(number: int, scene: Scene) -> Client:
        return Client(
            number=number,
            url=orders.url,
            scene=scene,
            writer=writer,
            rng=random.Random(f"{orders.seed}:{number}"),  # noqa: S311 - repeatable
            seed=orders.seed,
        )

    if orders.again:
        named = {scene.slug: scene for scene in scenes}
        await asyncio.gather(
            *(
                _ask_again(
                    client(_FIRST_AGAIN + number, named[told["organisation"]]),
                    [_call(call) for call in told["calls"]],
                    orders.patience,
                )
                for number, told in enumerate(orders.again)
            )
        )
        return
    if orders.rolling:
        rollers = [client(_FIRST_ROLLING + n, scenes[n % 2]) for n in range(_ROLLERS)]
        await asyncio.gather(
            *(_roll(one, boards[one.scene.slug], orders.rolling // _ROLLERS) for one in rollers)
        )
        return
    clients = [
        # Most of the clients crowd into the first two; the third is watched for what leaks.
        client(number, scenes[2 if number % 6 == 5 else number % 2])
        for number in range(orders.clients)
    ]
    over = await _told_to_end()
    others = {scene.slug: boards[scenes[n - 1].slug] for n, scene in enumerate(scenes)}
    await asyncio.gather(
        *(
            _Worker(one, boards[one.scene.slug], others[one.scene.slug]).work(over)
            for one in clients
        )
    )
    last = [client(_FIRST_LAST + number, scene) for number, scene in enumerate(scenes)]
    await asyncio.gather(*(_prepare(one, boards[one.scene.slug]) for one in last))
    await asyncio.gather(
        *(_complete(one, boards[one.scene.slug], others[one.scene.slug]) for one in last)
    )
    for one in (*clients, *last):
        await one.close()


async def _told_to_end() -> asyncio.Event:
    """Return what is set when standard input ends."""
    over = asyncio.Event()

    class _Ends(asyncio.Protocol):
        def eof_received(self) -> None:
            over.set()

    await asyncio.get_running_loop().connect_read_pipe(_Ends, sys.stdin)
    return over


class _Repeats:
    """Which writes a client repeats: in each five of them it owes one, drawn by chance."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._drawn: list[bool] = []
        self._owed = 0

    def twice(self, call: Call) -> bool:
        """Tell whether a call is to be sent over two connections at once."""
        if call.key is None:
            return False
        if not self._drawn:
            self._drawn = [False] * _REPEATED_OF
            self._drawn[self._rng.randrange(_REPEATED_OF)] = True
        self._owed += self._drawn.pop()
        return self._rng.random() < _TWICE and self._pay()

    def again(self, call: Call) -> bool:
        """Tell whether a call is to be sent again, that was answered well."""
        return call.key is not None and self._pay()

    def _pay(self) -> bool:
        owed = self._owed > 0
        self._owed -= owed
        return owed


class _Worker:
    """What one client does until its time is over."""

    def __init__(self, client: Client, board: Board, elsewhere: Board) -> None:
        self._client = client
        self._rng = client.rng
        self._board = board
        self._elsewhere = elsewhere
        self._repeats = _Repeats(client.rng)

    async def work(self, over: asyncio.Event) -> None:
        while not over.is_set():
            drawn = self._rng.random()
            if drawn < _PROBE:
                await self._probe()
            elif drawn < _PROBE + _WALK:
                await walk(self._client, self._board)
            else:
                [make] = self._rng.choices(_MAKERS, cum_weights=_WEIGHTS)
                call = make(self._board, self._client)
                if call is not None:
                    await self._carry_out(call, over)
            await asyncio.sleep(0)

    async def _carry_out(self, call: Call, over: asyncio.Event) -> None:
        if self._repeats.twice(call):
            first, second = await self._client.send_twice(call)
            learn(self._board, call, first if first.done else second)
            return
        if call.name == "record_attendance" and self._rng.random() < _WATCHED:
            read = hours_read(call.body["attended"][0]["employeeId"])
            sent = await self._client.send_watched(call, read)
        else:
            sent = await self._client.send(call)
        learn(self._board, call, sent)
        if sent.failed is not None:
            # Whoever is cut off does not knock a thousand times a second.
            await asyncio.sleep(self._rng.uniform(*_PATIENT_SECONDS))
        if sent.unknown:
            await self._repeat(call, over)
        elif sent.done and self._repeats.again(call):
            await self._client.send(call)
        if call.name == "book_actual" and sent.done:
            self._know_commitment(sent)
        elif call.name == "decide" and sent.done:
            await self._look_up(sent)

    async def _repeat(self, call: Call, over: asyncio.Event) -> None:
        """Send what had no answer again with its key, as a client should; some leave it at that."""
        while self._rng.random() < _REPEATED and not over.is_set():
            await asyncio.sleep(self._rng.uniform(*_PATIENT_SECONDS))
            if call.key is None and call.method != "GET":
                return
            sent = await self._client.send(call)
            learn(self._board, call, sent)
            if not sent.unknown:
                return

    def _know_commitment(self, sent: Sent) -> None:
        commitment = sent.json
        if commitment["status"] != "open" and commitment["id"] in self._board.commitments:
            self._board.commitments.remove(commitment["id"])

    async def _look_up(self, sent: Sent) -> None:
        """Find what a decision called for: commitments to be invoiced, agreements to be signed."""
        decision = self._rng.choice(sent.json["items"])
        for kind, known in (
            ("commitments", self._board.commitments),
            ("agreements", self._board.agreements),
        ):
            path = f"/{kind}?requestId={decision['requestId']}"
            found = await self._client.send(
                Call(name=f"find_{kind}", who="hr-1", method="GET", path=path)
            )
            if found.done:
                known.extend(str(one["id"]) for one in found.json["items"])

    async def _probe(self) -> None:
        probe: Probe = self._rng.choice(PROBES)
        await probe(self._client, self._board, self._elsewhere)


async def _prepare(client: Client, board: Board) -> None:
    """Do what ``_complete`` needs."""
    for make in (add_team, read_employee):
        await _do(client, board, make)
    await walk(client, board, "entries")


async def _complete(client: Client, board: Board, elsewhere: Board) -> None:
    """Do all once that a check has to have something of, so that it does not hang on chance."""
    for probe in PROBES:
        await probe(client, board, elsewhere)
    for make in (patch_employee, read_request, read_entries_as_of):
        await _do(client, board, make)
    for _ in range(_TRIES):
        steps = [await _do(client, board, make) for make in _TO_A_DECISION]
        if steps[-1] is not None and steps[-1].done:
            break


_TO_A_DECISION: Sequence[Make] = (
    draft_request,
    submit_request,
    consent,
    assess,
    draft_proposal,
    submit_proposal,
    decide,
)


async def _do(client: Client, board: Board, make: Make) -> Sent | None:
    call = make(board, client)
    if call is None:
        return None
    sent = await client.send(call)
    learn(board, call, sent)
    return sent


async def _roll(client: Client, board: Board, times: int) -> None:
    """Read and write so many times, each once, for nothing may fail."""
    for number in range(times):
        make = grant_exception if number % _WRITES_EVERY == 0 else read_hours
        call = make(board, client)
        if call is not None:
            await client.send(replace(call, about=(ROLLING, *call.about)))


async def _ask_again(client: Client, calls: Sequence[Call], patience: float) -> None:
    """Send each request until the answer is definite, or patience with it is over."""
    for call in calls:
        until = time.monotonic() + patience
        while time.monotonic() < until:
            sent = await client.send(call)
            if sent.status is not None and sent.status not in UNKNOWN:
                break
            await asyncio.sleep(0.2)


def _call(told: dict[str, Any]) -> Call:
    told["about"] = tuple(told["about"])
    return Call(**told)


if __name__ == "__main__":
    uvloop.run(main(Orders(**json.loads(sys.stdin.readline()))))
