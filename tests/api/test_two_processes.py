"""Two processes' apps on one database: what one was told or did, the other knows at once."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope

from app.kernel.actors import Role
from app.main import create_app
from app.settings import Settings
from tests.conftest import OpenWork, SignIn
from tests.support import tokens
from tests.support.clock import FrozenClock
from tests.support.requests import Cast, cast_of, drafted, request_body, step

PAGE = 3


@dataclass(frozen=True, slots=True)
class Pair:
    """A client of each of the two, and one whose every answer is lost on its way."""

    one: httpx.AsyncClient
    other: httpx.AsyncClient
    losing: httpx.AsyncClient


def client_of(app: Any) -> httpx.AsyncClient:  # noqa: ANN401 - any ASGI application
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test/v1")


@pytest.fixture
async def pair(
    app: FastAPI, settings: Settings, clock: FrozenClock, tmp_path: Path
) -> AsyncIterator[Pair]:
    own = settings.model_copy(update={"data_dir": tmp_path})
    second = create_app(own, clock=clock.now, keys=tokens.IssuerKeys())

    async def losing(scope: Scope, receive: Receive, send: Any) -> None:  # noqa: ANN401
        async def lose(_message: Message) -> None:
            """Let the answer go nowhere."""

        await app(scope, receive, lose)
        await send({"type": "http.response.start", "status": 504, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with (
        second.router.lifespan_context(second),
        client_of(app) as one,
        client_of(second) as other,
        client_of(losing) as lossy,
    ):
        yield Pair(one, other, lossy)


@pytest.fixture
async def cast(work: OpenWork, sign_in: SignIn) -> Cast:
    return await cast_of(work(), sign_in)


@pytest.mark.invariant("D3", "D6", "K1")
async def test_who_lost_the_reply_has_the_same_answer_of_another_process_and_one_effect(
    pair: Pair, cast: Cast
) -> None:
    body = request_body(cast.employee)
    headers = {**cast.as_manager, "Idempotency-Key": str(uuid4())}

    lost = await pair.losing.post("/requests", json=body, headers=headers)
    answers = [
        await client.post("/requests", json=body, headers=headers)
        for client in (pair.other, pair.one, pair.other)
    ]

    assert lost.status_code == 504
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.headers["Idempotency-Replayed"] for answer in answers} == {"true"}
    assert len({answer.content for answer in answers}) == 1
    listed = (await pair.one.get("/requests", headers=cast.as_hr)).json()["items"]
    assert [one["id"] for one in listed] == [answers[0].json()["id"]]


@pytest.mark.invariant("H2")
async def test_what_was_written_at_one_process_is_read_at_the_other(pair: Pair, cast: Cast) -> None:
    """Also what was read there before, and what is listed."""
    request = await drafted(pair.one, cast.as_manager, request_body(cast.employee))
    path = f"/requests/{request['id']}"
    here, there = pair.one, pair.other
    for number in range(6):
        title = f"Cursus {number}"
        seen = await there.get(path, headers=cast.as_hr)
        changed = await here.put(
            path,
            json=request_body(cast.employee, title=title),
            headers={**cast.as_manager, "If-Match": seen.headers["ETag"]},
        )
        assert changed.status_code == 200, changed.text
        condition = {**cast.as_hr, "If-None-Match": seen.headers["ETag"]}
        assert (await there.get(path, headers=condition)).json()["title"] == title
        [listed] = (await there.get("/requests", headers=cast.as_hr)).json()["items"]
        assert listed["title"] == title
        here, there = there, here
    assert (await step(here, cast.as_manager, request["id"], "submission")).status_code == 200
    [listed] = (await there.get("/requests?status=submitted", headers=cast.as_hr)).json()["items"]
    assert listed["id"] == request["id"]


@pytest.mark.invariant("H3")
async def test_paging_while_rows_are_written_shows_each_that_was_there_once(
    pair: Pair, cast: Cast, sign_in: SignIn
) -> None:
    """Between any two pages, at the other process, something is added, changed and withdrawn."""
    manager = cast.as_manager
    bodies = [request_body(cast.employee, title=f"Cursus {number}") for number in range(10)]
    there = [(await drafted(pair.one, manager, body))["id"] for body in bodies]
    shown: Counter[str] = Counter()
    cursor: dict[str, str] = {}
    pages = 0
    while True:
        page = await pair.one.get(
            "/requests", params={"limit": PAGE, **cursor}, headers=sign_in(Role.HR)
        )
        assert page.status_code == 200, page.text
        shown.update(one["id"] for one in page.json()["items"])
        if page.json()["nextCursor"] is None:
            break
        cursor = {"cursor": page.json()["nextCursor"]}
        await drafted(pair.other, manager, request_body(cast.colleague))
        for request_id in (there[pages], there[-1 - pages]):
            await pair.other.put(
                f"/requests/{request_id}",
                json=request_body(cast.employee, title="Anders"),
                headers={**manager, "If-Match": "*"},
            )
        await step(pair.other, manager, there[pages], "withdrawal", {"reason": "Niet nodig."})
        pages += 1

    assert pages >= len(there) // PAGE
    assert {request_id: shown[request_id] for request_id in there} == dict.fromkeys(there, 1)
    assert set(shown.values()) == {1}
