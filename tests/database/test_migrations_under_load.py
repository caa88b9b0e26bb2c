"""A migration of the tables that every request touches, while requests go on."""

import asyncio
import itertools
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest

from app.db.migration import ROOT, head_revision
from app.db.session import Database
from app.kernel.actors import Role
from app.main import create_app
from app.settings import Settings
from tests.support import tokens
from tests.support.database import app_url_of, migrated_database
from tests.support.organisations import found_organisation
from tests.support.process import environment
from tests.support.sql import connected

NEXT = f"{int(head_revision()) + 1:04}"
MIGRATION = f'''
"""Add a column to the tables that every change touches."""

from alembic import op

revision = "{NEXT}"
down_revision = "{head_revision()}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE idempotency_keys ADD COLUMN probe text")
    op.execute("ALTER TABLE audit_entries ADD COLUMN probe text")


def downgrade() -> None:
    op.execute("ALTER TABLE audit_entries DROP COLUMN probe")
    op.execute("ALTER TABLE idempotency_keys DROP COLUMN probe")
'''
LONG_SECONDS = 60.0


@pytest.fixture
def next_release(tmp_path: Path) -> Path:
    """Return a copy of this release that has one migration more."""
    release = tmp_path / "next"
    for folder in ("app", "migrations"):
        shutil.copytree(
            ROOT / folder, release / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "alembic.ini", release)
    (release / "migrations" / "versions" / f"{NEXT}_probe.py").write_text(MIGRATION.lstrip())
    return release


@contextmanager
def run(release: Path, *arguments: str, **settings: str) -> Generator[subprocess.Popen[str]]:
    program = "import sys; from app.cli import main; sys.exit(main())"
    with subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-c", program, *arguments],
        cwd=release,
        env=environment(settings) | {"PYTHONPATH": str(release)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@asynccontextmanager
async def serving(owner_url: str) -> AsyncGenerator[tuple[httpx.AsyncClient, dict[str, str]]]:
    """Serve this release, with the settings it comes with; yield a client and who it acts as."""
    settings = Settings.model_validate(
        {
            "database_url": owner_url,
            "oidc_issuer": tokens.ISSUER,
            "oidc_audience": tokens.AUDIENCE,
            "log_level": "error",
        }
    )
    database = Database(settings)
    organisation = await found_organisation(database)
    await database.close()
    bearer = tokens.token(organisation=organisation.slug, roles=[Role.HRIS], subject="hris")
    app = create_app(settings, keys=tokens.IssuerKeys())
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client, {"Authorization": f"Bearer {bearer}"}


class Traffic:
    """Four clients that each write, and read what there is, one after the other."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self._client = client
        self._headers = headers
        self._numbers = itertools.count()
        self._tasks = [asyncio.create_task(self._go()) for _ in range(4)]
        self.took: list[float] = []
        self.statuses: list[int] = []

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _go(self) -> None:
        while True:
            number = next(self._numbers)
            body = {"department": "Toezicht", "name": f"Team {number}"}
            headers = {**self._headers, "Idempotency-Key": f"load-{number}"}
            began = time.monotonic()
            answer = await self._client.post("/v1/teams", json=body, headers=headers)
            self.took.append(time.monotonic() - began)
            self.statuses.append(answer.status_code)
            answer = await self._client.get("/v1/teams", headers=self._headers)
            self.statuses.append(answer.status_code)
            await asyncio.sleep(0.1)


@pytest.mark.apart
@pytest.mark.invariant("M1", "M2")
async def test_requests_go_on_while_a_migration_waits_for_a_long_transaction(
    server_url: str, next_release: Path
) -> None:
    with migrated_database(server_url) as url:
        settings = {"DATABASE_URL": url}
        async with serving(url) as (client, headers):
            traffic = Traffic(client, headers)
            with (
                connected(url) as busy,
                run(next_release, "migrate", **settings) as migrating,
            ):
                busy.execute("LOCK TABLE idempotency_keys IN ACCESS SHARE MODE")
                await asyncio.sleep(LONG_SECONDS)
                assert migrating.poll() is None
                busy.rollback()
                _, said = await asyncio.to_thread(migrating.communicate, timeout=30)
                assert migrating.returncode == 0, said
            assert (
                said.count("A long transaction is in the way; trying again in 2 s")
                > LONG_SECONDS / 10
            )
            behind = len(traffic.took)
            await asyncio.sleep(3)
            await traffic.stop()
            # This release serves on a schema that is one ahead of it.
            assert len(traffic.took) > behind
            assert (await client.get("/health/ready")).status_code == 200
        assert set(traffic.statuses) == {200, 201}
        assert sorted(traffic.took)[int(len(traffic.took) * 0.99)] < 3
        with connected(url) as owner:
            assert owner.execute("SELECT version_num FROM alembic_version").fetchone() == (NEXT,)
        with run(next_release, "verify", APP_DATABASE_URL=app_url_of(url)) as verifying:
            _, said = await asyncio.to_thread(verifying.communicate, timeout=60)
            assert verifying.returncode == 0, said
