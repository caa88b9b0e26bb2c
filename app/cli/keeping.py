"""The commands that keep an installation: schema, demo, verification, the embedded server."""

import argparse
import asyncio
import os
import subprocess
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING
from uuid import UUID

from app.cli.terms import (
    NotPossible,
    join_or_start,
    need_data,
    opened,
    organisations,
    tell,
    with_data,
    with_database,
)
from app.kernel.actors import Actor
from app.kernel.identifiers import new_id
from app.settings import Settings

if TYPE_CHECKING:
    from app.db.session import Database

_PROGRESS_SECONDS = 2.0


def migrate(settings: Settings, _asked: argparse.Namespace) -> int:
    """Bring the schema up to date."""
    with ExitStack() as held:
        bring_up_to_date(with_database(settings, held))
    return 0


def demo(settings: Settings, _asked: argparse.Namespace) -> int:
    """Load the demo organisation, unless it is there, or ``DEMO`` says that none is wanted."""
    if not settings.demo:
        tell("DEMO is not true: no demo organisation is loaded.")
        return 0
    with ExitStack() as held:
        settings = with_database(settings, held)
        bring_up_to_date(settings)
        load_demo(settings)
    return 0


def verify(settings: Settings, asked: argparse.Namespace) -> int:
    """Recompute the ledger and the audit chain of the organisations asked for."""
    with ExitStack() as held:
        return asyncio.run(_verify_all(with_data(settings, held), asked.organisation))


def postgres(settings: Settings, asked: argparse.Namespace) -> int:
    """Run a command beside the embedded server, with its programs and its addresses."""
    given = asked.argument[1:] if asked.argument[:1] == ["--"] else asked.argument
    if not given:
        tell("Say which command to run: leerruimte postgres -- COMMAND")
        return 2
    with ExitStack() as held:
        server = join_or_start(settings, held)
        environment = {
            **os.environ,
            "PATH": f"{server.bin_dir}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "DATABASE_URL": server.owner_url,
            "SUPERUSER_URL": server.superuser_url,
        }
        try:
            return subprocess.run(given, env=environment, check=False).returncode  # noqa: S603
        except OSError as error:
            message = f"{given[0]} can not be run: {error.strerror}"
            raise NotPossible(message) from error


def back_up(settings: Settings, _asked: argparse.Namespace) -> int:
    """Take a backup of the embedded server, while it serves or not."""
    from app.db import backup

    _need_embedded(settings)
    need_data(settings)
    began = monotonic()
    with ExitStack() as held:
        server = join_or_start(settings, held)
        try:
            taken, gone = backup.back_up(
                server, settings.backups, kept=settings.backups_kept, progress=tell
            )
        except backup.BackupError as error:
            raise NotPossible(str(error)) from error
        except OSError as error:
            message = f"The backup stopped at {error}; those of before are as they were."
            raise NotPossible(message) from error
    if gone:
        tell(f"Let go of {len(gone)}; {settings.backups_kept} are kept.")
    tell(
        f"Backed up to {taken.folder} in {monotonic() - began:.1f} s. Any moment from "
        f"{taken.usable_from:%FT%TZ} on can be restored, up to the last minute."
    )
    return 0


def restore(settings: Settings, asked: argparse.Namespace) -> int:
    """Put the embedded server's data back as it was, keep the old aside, and verify it."""
    from app.db import backup
    from app.db.embedded import EmbeddedServerError

    _need_embedded(settings)
    now = datetime.now(UTC)
    if asked.at is not None and (asked.at.tzinfo is None or asked.at > now):
        tell("--at is an instant with its zone, not in the future: 2026-11-22T10:00:00Z")
        return 2
    began = monotonic()
    try:
        restored = backup.restore(
            settings.data_dir,
            settings.backups,
            until=asked.at,
            now=now,
            bin_dir=settings.pg_bin_dir,
            progress=tell,
        )
    except (backup.BackupError, EmbeddedServerError) as error:
        raise NotPossible(str(error)) from error
    except OSError as error:
        message = f"The restore stopped at {error}. Once that is mended, start it again."
        raise NotPossible(message) from error
    if restored.last_change_at is not None:
        tell(f"The last change in it is of {restored.last_change_at.astimezone(UTC):%FT%T.%fZ}.")
    if not restored.reached:
        tell("As far as the archive and the old data tell, nothing was written after that.")
    if restored.set_aside is not None:
        tell(f"The data of before is in {restored.set_aside}.")
    tell(f"Restored in {monotonic() - began:.1f} s. Verifying it ...")
    return verify(settings, argparse.Namespace(organisation=[]))


def _need_embedded(settings: Settings) -> None:
    if settings.database_url is not None or settings.app_database_url is not None:
        message = (
            "This is for the embedded server. The one of DATABASE_URL has backups of its own: "
            "pg_basebackup with an archive, pgBackRest, or its provider's."
        )
        raise NotPossible(message)


def bring_up_to_date(settings: Settings) -> None:
    """Make the app role and run the migrations that the database has not had.

    Raises:
        NotPossible: the database does not answer, or its roles do not allow it.
    """
    import psycopg
    from sqlalchemy.exc import DBAPIError

    from app.db.migration import SchemaBusy
    from app.db.migration import migrate as migrate_database
    from app.db.roles import RoleNotUsable

    tell("Bringing the schema up to date ...")
    try:
        migrate_database(settings.owner_url, settings.app_url, tell)
    except DBAPIError as error:
        message = f"The schema can not be brought up to date: {str(error.orig).strip()}"
        raise NotPossible(message) from error
    except (RoleNotUsable, SchemaBusy, psycopg.OperationalError) as error:
        message = f"The schema can not be brought up to date: {str(error).strip()}"
        raise NotPossible(message) from error


def load_demo(settings: Settings) -> None:
    """Load the demo organisation, telling how far it is."""
    from app.demo.load import load_demo as load

    load(settings, tell)


async def _verify_all(settings: Settings, references: Sequence[str]) -> int:
    """Recompute what can be recomputed, organisation by organisation; 1 when anything differs."""
    async with opened(settings) as database:
        chosen = await organisations(database, references)
        found = sum([await _verify_one(database, organisation) for organisation in chosen])
    tell("All is as it was recorded." if not found else f"{found} things differ.")
    return 1 if found else 0


async def _verify_one(database: "Database", organisation_id: UUID) -> int:
    """Say what differs in one organisation, and return how many things do."""
    from app.db.chain import verify as verify_chain
    from app.ledger.service import LedgerService

    tell(f"Organisation {organisation_id} ...")
    doing = _Doing("its audit chain")

    def chained(done: int, of: int) -> None:
        doing.what = f"its audit chain, {done:,} of {of:,} entries"

    async with doing.told():
        trail = await verify_chain(database, organisation_id, progress=chained)
        sealed, waiting = trail.head.position, trail.unsealed
        tell(f"  its audit chain holds {sealed} entries, and {waiting} wait for it")
        tell(f"  its head is {trail.head.digest.hex()}")
        for finding in trail.findings:
            tell(f"  audit: {finding.kind} at {finding.position}, entry {finding.entry_id}")
        if trail.further:
            tell(f"  audit: and {trail.further:,} more")
        doing.what = "its ledger"
        actor = Actor(organisation_id, subject="leerruimte verify", roles=frozenset())
        async with database.work(actor, datetime.now(UTC), str(new_id())) as work:
            differences = await LedgerService(work).verify()
    for difference in differences:
        tell(
            f"  ledger: {difference.counter} of account {difference.account_id} is "
            f"{difference.stored} and should be {difference.computed}"
        )
    return len(trail.findings) + trail.further + len(differences)


@dataclass
class _Doing:
    """What is being done, told every two seconds while it takes longer."""

    what: str

    @asynccontextmanager
    async def told(self) -> AsyncGenerator[None]:
        """Tell it while the block lasts."""
        task = asyncio.create_task(self._tell())
        try:
            yield
        finally:
            task.cancel()

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            tell(f"  {self.what} ...")
