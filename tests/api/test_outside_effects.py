"""Nothing leaves the house while a request is worked on, whatever comes of it."""

import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from uuid import uuid4

import httpx
import pytest

from app.db.session import Database
from tests.support.clock import FrozenClock
from tests.support.contract import operations, send
from tests.support.furnished import Furnished, furnish

# By these Python tells that something leaves the process; PostgreSQL's own library does not.
_OUTWARD = frozenset(
    {
        "http.client.connect",
        "os.exec",
        "os.posix_spawn",
        "os.system",
        "smtplib.connect",
        "socket.connect",
        "socket.sendmsg",
        "socket.sendto",
        "subprocess.Popen",
        "urllib.Request",
    }
)


class Watch:
    """Takes down what leaves the process while it is on; a hook of Python's stays for good."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.is_on = False
        sys.addaudithook(self._heed)

    def _heed(self, event: str, details: tuple[object, ...]) -> None:
        if self.is_on and event in _OUTWARD:
            self.seen.append(f"{event} {details[-1]!r}")

    @contextmanager
    def on(self) -> Generator[list[str]]:
        self.seen.clear()
        self.is_on = True
        try:
            yield self.seen
        finally:
            self.is_on = False


@pytest.fixture(scope="session")
def watch() -> Watch:
    return Watch()


async def ask_all(
    client: httpx.AsyncClient, furnished: Furnished, ids: Mapping[str, str]
) -> set[int]:
    """Ask each operation that names something in its path about one that is not there."""
    statuses: set[int] = set()
    for operation in operations().values():
        names = [one["name"] for one in operation.parameters("path")]
        if not names:
            continue
        path = {name: ids.get(name, str(uuid4())) for name in names}
        answer = await send(client, operation, furnished.headers(), path=path)
        statuses.add(answer.status_code)
    return statuses


@pytest.mark.invariant("D5")
async def test_no_request_of_the_main_job_reaches_anybody_outside(
    client: httpx.AsyncClient, database: Database, clock: FrozenClock, watch: Watch
) -> None:
    """Neither what is taken, nor what is refused and rolled back."""
    with watch.on() as seen:
        furnished = await furnish(database, client, clock, mark=f"BUITEN{uuid4().hex[:8]}")
        refused = await ask_all(client, furnished, {"calendarYear": "2026", "budgetYear": "2026"})

    assert 404 in refused
    assert seen == []


def test_what_leaves_the_process_is_seen(watch: Watch) -> None:
    with watch.on() as seen, pytest.raises(httpx.TransportError):
        httpx.post("http://127.0.0.1:9/hook")

    assert seen == ["socket.connect ('127.0.0.1', 9)"]
