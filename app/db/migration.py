"""Bringing a database to the schema of this release: the app role first, then the migrations."""

import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable
from sqlalchemy.exc import DBAPIError

from app.db.roles import ensure_app_role

ROOT = Path(__file__).resolve().parent.parent.parent

_ATTEMPTS = 30
_PAUSE_SECONDS = 2.0


def configuration(owner_url: str) -> Config:
    """Return Alembic's configuration for this database, whatever the working directory."""
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = owner_url
    return config


def head_revision() -> str | None:
    """Return the migration that brings a database to the schema of this release."""
    return ScriptDirectory(str(ROOT / "migrations")).get_current_head()


def migrate(owner_url: str, app_url: str) -> None:
    """Make the app role and run the migrations that this database has not had yet.

    A migration that can not get its lock within two seconds gives up, so that traffic does not
    queue behind it, and is tried again; those before it stay done.

    Raises:
        RoleNotUsable: the app role can not be made or used.
    """
    ensure_app_role(owner_url, app_url)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            command.upgrade(configuration(owner_url), "head")
        except DBAPIError as error:
            if attempt == _ATTEMPTS or not isinstance(error.orig, LockNotAvailable):
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return
