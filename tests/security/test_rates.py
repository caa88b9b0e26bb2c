import json
import re
from collections.abc import AsyncIterator, Callable
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from time import monotonic_ns, process_time

import httpx
import pytest

from app.http.rates import Buckets, Quota, Rates, fingerprint
from app.kernel.actors import Role
from app.kernel.identifiers import new_id
from app.main import create_app
from app.settings import Settings
from tests.conftest import SignIn
from tests.support import tokens
from tests.support.clock import FrozenClock
from tests.support.organisations import Organisation

SECOND = 1_000_000_000
FIVE = Quota("client", burst=5, per_second=1)
KEY = b"one key."


@pytest.fixture
def buckets(tmp_path: Path) -> Buckets:
    return Buckets(tmp_path)


def taken(buckets: Buckets, *, at: float, key: bytes = KEY, quota: Quota = FIVE) -> bool:
    """Take one request; tell whether there was room for it."""
    return buckets.take([(key, quota)], int(at * SECOND))[1] is None


def test_a_disk_that_fills_up_takes_no_room_from_the_buckets(
    buckets: Buckets, tmp_path: Path
) -> None:
    [file] = tmp_path.iterdir()
    assert file.stat().st_blocks * 512 >= file.stat().st_size
    assert taken(buckets, at=100)


@pytest.mark.invariant("S5")
def test_a_bucket_gives_its_burst_at_once_and_then_its_pace(buckets: Buckets) -> None:
    assert [taken(buckets, at=100) for _ in range(7)] == [True] * 5 + [False] * 2
    assert not taken(buckets, at=100.99)
    assert taken(buckets, at=101)
    assert not taken(buckets, at=101.5)
    assert [taken(buckets, at=200) for _ in range(6)] == [True] * 5 + [False]


def test_what_is_left_and_when_it_is_full_again_is_told(buckets: Buckets) -> None:
    for left in (4, 3, 2, 1, 0):
        [found], empty = buckets.take([(KEY, FIVE)], 100 * SECOND)
        assert (found.requests, found.full_after, empty) == (left, (5 - left) * SECOND, None)
    assert buckets.take([(KEY, FIVE)], 100 * SECOND) == ([], (FIVE, SECOND))


def test_who_is_refused_by_one_bucket_pays_no_other(buckets: Buckets) -> None:
    small = Quota("organisation", burst=2, per_second=1)
    both = [(KEY, FIVE), (b"another.", small)]
    assert [buckets.take(both, 100 * SECOND)[1] is None for _ in range(4)] == [
        True,
        True,
        False,
        False,
    ]
    [found], _ = buckets.take([(KEY, FIVE)], 100 * SECOND)
    assert found.requests == 2


def test_what_a_machine_left_before_it_started_anew_limits_nobody(buckets: Buckets) -> None:
    keys = [number.to_bytes(8) for number in range(8192, 17 * 8192, 8192)]
    for key in keys:
        assert taken(buckets, at=1_000_000, key=key)
    for key in keys:
        for _ in range(5):
            assert taken(buckets, at=3, key=key)
        assert not taken(buckets, at=3, key=key)


def test_more_clients_than_places_forget_the_one_that_has_most_room(buckets: Buckets) -> None:
    keys = [number.to_bytes(8) for number in range(8192, 10 * 8192, 8192)]
    for asked, key in enumerate(keys, start=1):
        for _ in range(min(asked, 5)):
            taken(buckets, at=100, key=key)
    assert not taken(buckets, at=100, key=keys[7])
    assert [taken(buckets, at=100, key=keys[0]) for _ in range(6)] == [True] * 5 + [False]


def take_often(folder: Path, ready: Barrier, counted: "SimpleQueue[int]") -> None:
    """Ask thousands of times, in rounds that all begin together; tell how often there was room."""
    buckets, quota = Buckets(folder), Quota("client", burst=10_000, per_second=100)
    wanted = [(KEY, quota)]
    count = 0
    for _ in range(60):
        ready.wait()
        count += sum(buckets.take(wanted, monotonic_ns())[1] is None for _ in range(200))
    counted.put(count)


@pytest.mark.invariant("S5")
def test_the_limit_holds_over_several_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody is paused here: a lock that is long in coming is waited for, so that all are counted.
    monkeypatch.setattr("app.http.rates._PATIENCE", 60 * SECOND)
    fork = get_context("fork")
    counted: SimpleQueue[int] = fork.SimpleQueue()
    ready = fork.Barrier(2)
    began = monotonic_ns()
    takers = [fork.Process(target=take_often, args=(tmp_path, ready, counted)) for _ in range(2)]
    for taker in takers:
        taker.start()
    counts = [counted.get() for _ in takers]
    allowed = 10_000 + 100 * (monotonic_ns() - began) / SECOND
    for taker in takers:
        taker.join()
    assert min(counts) > 1_000
    assert 10_000 <= sum(counts) <= allowed


def test_without_a_folder_to_write_each_worker_counts_for_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    buckets = Buckets(tmp_path / "file" / "folder")
    assert [taken(buckets, at=100) for _ in range(6)] == [True] * 5 + [False]
    assert "rate limits count per worker" in caplog.text


def test_counting_costs_a_request_no_more_than_to_read_ten_small_documents(
    settings: Settings,
) -> None:
    """About nine microseconds where such a document takes three; a request takes a thousand."""
    rates = Rates(settings)
    organisation_id = new_id()
    document = {"a": list(range(5)), "b": "x" * 10}
    # In turn, so that both have the same machine; what disturbed one of them is left out.
    taken = [
        (
            timed(lambda: rates.admit(organisation_id, fingerprint(organisation_id, "manager"))),
            timed(lambda: json.loads(json.dumps(document))),
        )
        for _ in range(7)
    ]
    rates.close()
    admission, reading = (min(times) for times in zip(*taken, strict=True))
    assert admission < 10 * reading, taken


def timed(step: Callable[[], object]) -> float:
    """Return the seconds of processor time that a step takes."""
    began = process_time()
    for _ in range(1000):
        step()
    return (process_time() - began) / 1000


# --- Over HTTP ----------------------------------------------------------------------------------


@pytest.fixture
async def limited(settings: Settings, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of a service that takes three requests of a client, four of all of them."""
    strict = settings.model_copy(
        update={
            "data_dir": tmp_path,
            "client_burst": 3,
            "client_requests_per_second": 1,
            "organisation_burst": 4,
            "organisation_requests_per_second": 1,
        }
    )
    app = create_app(strict, clock=FrozenClock().now, keys=tokens.IssuerKeys())
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test/v1") as client,
    ):
        yield client


@pytest.mark.invariant("S5")
async def test_who_asks_too_much_is_429_and_is_told_when_to_come_back(
    limited: httpx.AsyncClient, sign_in: SignIn
) -> None:
    hr = sign_in(Role.HR)
    answers = [await limited.get("/policy-versions", headers=hr) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    for left, answer in zip((2, 1, 0), answers, strict=False):
        assert answer.headers["RateLimit-Policy"] == '"client";q=3;w=3, "organisation";q=4;w=4'
        told = answer.headers["RateLimit"]
        assert re.fullmatch(rf'"client";r={left};t=\d, "organisation";r={left + 1};t=\d', told)
    refused = answers[3]
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["RateLimit"] == '"client";r=0;t=1'
    assert refused.headers["RateLimit-Policy"] == '"client";q=3;w=3, "organisation";q=4;w=4'
    problem = refused.json()
    assert problem["type"] == "/problems/too-many-requests"
    assert problem["facts"] == {
        "limit": "client",
        "most": 3,
        "windowSeconds": 3,
        "retryAfterSeconds": 1,
    }


@pytest.mark.invariant("S5", "T9")
async def test_one_organisation_that_asks_too_much_leaves_the_other_its_room(
    limited: httpx.AsyncClient, sign_in: SignIn, other_organisation: Organisation
) -> None:
    for subject in ("a", "b", "c", "d"):
        headers = sign_in(Role.HR, subject=subject)
        assert (await limited.get("/policy-versions", headers=headers)).status_code == 200
    fifth = await limited.get("/policy-versions", headers=sign_in(Role.HR, subject="e"))
    assert (fifth.status_code, fifth.json()["facts"]["limit"]) == (429, "organisation")
    theirs = sign_in(Role.HR, subject="a", organisation=other_organisation)
    assert (await limited.get("/policy-versions", headers=theirs)).status_code == 200


async def test_every_answer_to_who_signed_in_tells_what_is_left(
    client: httpx.AsyncClient, sign_in: SignIn
) -> None:
    hr, employee = sign_in(Role.HR), sign_in(Role.EMPLOYEE)
    for answer in (
        await client.get("/policy-versions", headers=hr),
        await client.get("/policy-versions?colour=red", headers=hr),
        await client.post("/policy-versions", headers=hr, content=b"{"),
        await client.post("/policy-versions", headers=employee),
        await client.get(f"/requests/{new_id()}", headers=hr),
    ):
        assert {"RateLimit", "RateLimit-Policy"} <= {
            name.title().replace("Ratelimit", "RateLimit") for name in answer.headers
        }
    unsigned = await client.get("/policy-versions")
    assert unsigned.status_code == 401
    assert "RateLimit" not in unsigned.headers


async def test_a_limit_can_be_lifted(settings: Settings, sign_in: SignIn) -> None:
    free = settings.model_copy(update={"rate_limits": False, "client_burst": 1})
    app = create_app(free, clock=FrozenClock().now, keys=tokens.IssuerKeys())
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test/v1") as client,
    ):
        for _ in range(3):
            answer = await client.get("/policy-versions", headers=sign_in(Role.HR))
            assert answer.status_code == 200, answer.text
            assert "RateLimit" not in answer.headers


def test_a_burst_that_takes_more_than_an_hour_is_no_limit() -> None:
    with pytest.raises(ValueError, match="more than an hour"):
        Settings.model_validate({"client_burst": 3601, "client_requests_per_second": 1})
