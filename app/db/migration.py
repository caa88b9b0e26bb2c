"""Bringing a database to the schema of this release: the app role first, then the migrations."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg.errors import LockNotAvailable, UndefinedTable
from sqlalchemy.exc import DBAPIError

from app.db.roles import ensure_app_role

if TYPE_CHECKING:
    from alembic.config import Config

ROOT = Path(__file__).resolve().parent.parent.parent

# Together some minutes, longer than any honest transaction is open.
_ATTEMPTS = 60
_PAUSE_SECONDS = 2.0

Progress = Callable[[str], None]


class SchemaBusy(Exception):
    """Others held what a migration needs for minutes on end; what was done before it stays done."""


def untold(_line: str) -> None:
    """Tell nobody."""


def configuration(owner_url: str, progress: Progress = untold) -> "Config":
    """Return Alembic's configuration for this database, whatever the working directory."""
    # Alembic takes half a second to load; a start on a schema that is up to date goes without.
    from alembic.config import Config  # noqa: PLC0415

    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = owner_url
    config.attributes["progress"] = progress
    return config


def head_revision() -> str:
    """Return the migration that brings a database to the schema of this release.

    The last by number: the migrations are one numbered line, without branches.
    """
    versions = (ROOT / "migrations" / "versions").glob("[0-9]*_*.py")
    return max(path.name.partition("_")[0] for path in versions)


def migrate(owner_url: str, app_url: str, progress: Progress = untold) -> None:
    """Make the app role and run the migrations that this database has not had yet.

    A migration that can not get its lock within half a second gives up, so that traffic does not
    queue behind it, and is tried again; those before it stay done.

    Raises:
        SchemaBusy: it never got its lock.
        RoleNotUsable: the app role can not be made or used.
    """
    ensure_app_role(owner_url, app_url)
    if _revision(owner_url) == head_revision():
        return
    from alembic import command  # noqa: PLC0415

    for attempt in range(1, _ATTEMPTS + 1):
        try:
            command.upgrade(configuration(owner_url, progress), "head")
        except DBAPIError as error:
            if not isinstance(error.orig, LockNotAvailable):
                raise
            if attempt == _ATTEMPTS:
                message = f"a long transaction is in the way ({error.orig})"
                raise SchemaBusy(message) from error
            progress(
                f"  A long transaction is in the way; trying again in {_PAUSE_SECONDS:.0f} s ..."
            )
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _revision(owner_url: str) -> str | None:
    with psycopg.connect(owner_url, autocommit=True) as connection:
        try:
            row = connection.execute("SELECT version_num FROM public.alembic_version").fetchone()
        except UndefinedTable:
            return None
    return row[0] if row else None
