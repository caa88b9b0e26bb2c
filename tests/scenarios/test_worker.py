import asyncio
import signal
import subprocess
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import LiteralString
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest

from app.db.audit import AuditTrail
from app.db.chain import chain_head, seal
from app.db.session import Database
from app.kernel.actors import Actor
from app.settings import Settings
from app.upkeep import ROUNDS, keep_up
from tests.support.clock import MONDAY
from tests.support.database import app_url_of, migrated_database
from tests.support.organisations import found_organisation
from tests.support.process import LEERRUIMTE, environment, free_port, leerruimte, served

SIGN_IN = {"OIDC_ISSUER": "https://issuer.example", "OIDC_AUDIENCE": "leerruimte"}


@pytest.fixture
def owner_url(server_url: str) -> Generator[str]:
    """Return a database that no service of the suite works on."""
    with migrated_database(server_url) as url:
        yield url


@asynccontextmanager
async def opened(owner_url: str) -> AsyncGenerator[Database]:
    database = Database(Settings.model_validate({"database_url": owner_url}))
    try:
        yield database
    finally:
        await database.close()


@contextmanager
def working(log: Path, **settings: str) -> Generator[subprocess.Popen[bytes]]:
    """Run the worker, and write what it says to ``log``."""
    with (
        log.open("wb") as output,
        subprocess.Popen(  # noqa: S603 - our own command
            [*LEERRUIMTE, "worker"], env=environment(settings), stderr=output
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


async def record(database: Database, organisation_id: UUID) -> None:
    """Make an entry of the audit trail, to be sealed."""
    actor = Actor(organisation_id, subject="hr", roles=frozenset())
    async with database.work(actor, MONDAY, "test") as work:
        await AuditTrail(work).record(
            action="organisation.added", object_type="organisation", object_id=organisation_id
        )


async def sealed(database: Database, organisation_id: UUID) -> int:
    async with database.transaction(organisation_id) as session:
        return (await chain_head(session, organisation_id)).position


async def until(come: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + 60
    while not await come():
        assert time.monotonic() < deadline, "it does not come to that"
        await asyncio.sleep(0.1)


class Gate:
    """A way to the database that can be shut."""

    def __init__(self, host: str, port: int) -> None:
        self.port = int(free_port())
        self._beyond = host, port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)

    async def shut(self) -> None:
        """Refuse whoever comes, and cut off who is inside."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(*self._beyond)
        self._writers |= {writer, inner_writer}
        await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
        self._writers -= {writer, inner_writer}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.mark.apart
@pytest.mark.invariant("A3")
async def test_a_worker_seals_what_a_service_leaves_to_it_and_ends_when_told(
    owner_url: str, tmp_path: Path
) -> None:
    settings = {"APP_DATABASE_URL": app_url_of(owner_url), "DATA_DIR": str(tmp_path / "data")}
    async with opened(owner_url) as database:
        organisation = (await found_organisation(database)).id
        await record(database, organisation)
        with served("serve", log=None, **settings, PORT=free_port(), UPKEEP="false", **SIGN_IN):
            await asyncio.sleep(2.5)
            assert await sealed(database, organisation) == 0

        async def all_sealed() -> bool:
            return await sealed(database, organisation) > 0

        with working(tmp_path / "log", **settings) as worker:
            await until(all_sealed)
            checked = leerruimte("worker", "--check", **settings)
            assert checked.returncode == 0, checked.stderr
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(timeout=60) == 0
    assert '"round": "audit entries sealed", "count": ' in (tmp_path / "log").read_text()
    assert leerruimte("worker", "--check", **settings).returncode == 1


@pytest.mark.apart
@pytest.mark.invariant("D7")
async def test_a_worker_waits_for_a_database_that_is_away_and_goes_on(
    owner_url: str, tmp_path: Path
) -> None:
    address = urlsplit(app_url_of(owner_url))
    gate = Gate(address.hostname or "", address.port or 5432)
    password_of = address.netloc.rpartition("@")[0]
    through = address._replace(netloc=f"{password_of}@127.0.0.1:{gate.port}").geturl()
    settings = {"APP_DATABASE_URL": through, "DATA_DIR": str(tmp_path / "data")}
    async with opened(owner_url) as database:
        organisation = (await found_organisation(database)).id
        await record(database, organisation)
        before = 0

        async def more_sealed() -> bool:
            return await sealed(database, organisation) > before

        with working(tmp_path / "log", **settings) as worker:

            async def told_to_wait() -> bool:
                return b"upkeep waits for the database" in (tmp_path / "log").read_bytes()

            await until(told_to_wait)  # the way is not open yet
            await gate.open()
            await until(more_sealed)
            await gate.shut()
            before = await sealed(database, organisation)
            await record(database, organisation)
            await asyncio.sleep(3)
            assert not await more_sealed()
            await gate.open()
            await until(more_sealed)
            worker.send_signal(signal.SIGINT)
            assert worker.wait(timeout=60) == 0
        await gate.shut()
    said = (tmp_path / "log").read_text()
    assert "Traceback" not in said
    for round_ in ("audit entries sealed", "idempotency keys forgotten"):
        waits = f'"upkeep waits for the database", "round": "{round_}"'
        assert waits in said
    assert said.count("upkeep goes on") == 3  # the keys are looked at hourly: once


@pytest.mark.invariant("A3")
@pytest.mark.parametrize(
    ("broken", "mended", "told"),
    [
        pytest.param(
            "UPDATE audit_heads SET sealed_below = NULL WHERE organisation_id = %s",
            "UPDATE audit_heads SET sealed_below = 0 WHERE organisation_id = %s",
            "upkeep failed by a defect",
            id="what code does not expect",
        ),
        pytest.param(
            "ALTER TABLE audit_heads RENAME TO away",
            "ALTER TABLE away RENAME TO audit_heads",
            "upkeep waits for the database",
            id="a table that is away",
        ),
    ],
)
async def test_a_round_that_fails_is_told_and_tried_again_and_the_others_go_on(
    owner_url: str,
    caplog: pytest.LogCaptureFixture,
    broken: LiteralString,
    mended: LiteralString,
    told: str,
) -> None:
    rounds = [replace(each, pause_seconds=0.05) for each in ROUNDS]
    beats = 0

    def beat() -> None:
        nonlocal beats
        beats += 1

    async def has_failed() -> bool:
        return told in caplog.messages

    async with (
        opened(owner_url) as database,
        await psycopg.AsyncConnection.connect(owner_url, autocommit=True) as owner,
    ):
        organisation = (await found_organisation(database)).id
        await record(database, organisation)
        await seal(database, organisation)
        before = await sealed(database, organisation)
        await owner.execute("ALTER TABLE audit_heads ALTER sealed_below DROP NOT NULL")
        await owner.execute("ALTER TABLE audit_heads NO FORCE ROW LEVEL SECURITY")
        await owner.execute(broken, [organisation] if "%s" in broken else None)
        task = asyncio.create_task(keep_up(database, rounds=rounds, after_each=beat))
        try:
            await until(has_failed)
            beaten = beats

            async def others_go_on() -> bool:
                return beats > beaten + 3

            await until(others_go_on)
            await owner.execute(mended, [organisation] if "%s" in mended else None)
            await record(database, organisation)

            async def more_sealed() -> bool:
                return await sealed(database, organisation) > before

            await until(more_sealed)
        finally:
            task.cancel()
            await asyncio.wait([task])
    assert task.cancelled()
    failures = [record for record in caplog.records if record.getMessage() == told]
    assert {bool(record.exc_info) for record in failures} == {told == "upkeep failed by a defect"}


def test_a_round_with_a_defect_is_tried_less_and_less_often_up_to_a_bound() -> None:
    sealing, forgetting = ROUNDS
    assert [sealing.pause_after(defects) for defects in (1, 2, 3)] == [4, 8, 16]
    assert sealing.pause_after(100_000) == 300
    assert forgetting.pause_after(100_000) == forgetting.pause_seconds == 3600


def test_a_worker_without_a_database_is_told_what_to_give(tmp_path: Path) -> None:
    refused = leerruimte("worker", DATA_DIR=str(tmp_path / "data"))
    assert refused.returncode == 1
    assert "give DATABASE_URL" in refused.stderr
    assert not (tmp_path / "data").exists()
