"""What the commands share: how they speak, why they may fail, and where their database is."""

import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import SecretStr

from app.settings import Settings

if TYPE_CHECKING:
    from app.db.embedded import EmbeddedServer
    from app.db.session import Database


class NotPossible(Exception):
    """What was asked can not be done here and now; says why, and what to do."""


def tell(line: str) -> None:
    """Say one line, on standard error: standard output is for what was asked for."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def with_database(settings: Settings, held: ExitStack) -> Settings:
    """Return settings with a database: the one that is set, else the embedded server.

    An embedded server that runs on this data is joined; without one, one runs while ``held``.
    """
    if settings.database_url is not None or settings.app_database_url is not None:
        return settings
    return _on(join_or_start(settings, held), settings)


def with_data(settings: Settings, held: ExitStack) -> Settings:
    """Return settings with a database, as above, for work on what it holds: it is not made now.

    Raises:
        NotPossible: there is no data in this DATA_DIR, or no schema in its database yet.
    """
    if settings.database_url is not None or settings.app_database_url is not None:
        return settings
    need_data(settings)
    import psycopg

    server = join_or_start(settings, held)
    with psycopg.connect(server.owner_url) as connection:
        [version] = connection.execute("SELECT to_regclass('alembic_version')").fetchone() or [None]
    if version is None:
        message = (
            f"DATA_DIR={settings.data_dir} holds a database without a schema: leerruimte migrate"
        )
        raise NotPossible(message)
    return _on(server, settings)


def need_data(settings: Settings) -> None:
    """Refuse a DATA_DIR where no server ever ran, before an empty one is made there.

    Raises:
        NotPossible: it is such a one, or it may not be looked into.
    """
    from app.db.embedded import EmbeddedServerError, holds_data

    try:
        there = holds_data(settings.data_dir)
    except EmbeddedServerError as error:
        raise NotPossible(str(error)) from error
    if not there:
        message = (
            f"There is no data in DATA_DIR={settings.data_dir}: no {settings.data_dir}/postgres."
        )
        raise NotPossible(message)


def with_own_server(settings: Settings, held: ExitStack) -> Settings:
    """Return settings with a database: the one that is set, else a server of this process's own."""
    if settings.database_url is not None or settings.app_database_url is not None:
        return settings
    return _on(start_embedded(settings, held), settings)


def join_or_start(settings: Settings, held: ExitStack) -> "EmbeddedServer":
    """Return the embedded server that runs on this data, or run one while ``held``."""
    return find_embedded(settings) or start_embedded(settings, held)


def find_embedded(settings: Settings) -> "EmbeddedServer | None":
    """Return the embedded server that another process runs on this data, None when none does."""
    from app.db.embedded import running_server

    return running_server(settings.data_dir, bin_dir=settings.pg_bin_dir)


def start_embedded(settings: Settings, held: ExitStack) -> "EmbeddedServer":
    """Run the embedded server while ``held``.

    Raises:
        NotPossible: it can not run here; another process runs one on this data, for example.
    """
    from app.db.embedded import EmbeddedServerError, embedded_server

    server = embedded_server(
        settings.data_dir,
        backup_dir=settings.backups,
        bin_dir=settings.pg_bin_dir,
        progress=tell,
    )
    try:
        return held.enter_context(server)
    except EmbeddedServerError as error:
        raise NotPossible(str(error)) from error


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator["Database"]:
    """Yield the service's connections, as the app role.

    Raises:
        NotPossible: the database does not answer, or has no schema yet.
    """
    from psycopg.errors import UndefinedFunction, UndefinedTable
    from sqlalchemy.exc import DBAPIError, OperationalError

    from app.db.session import Database

    database = Database(settings)
    try:
        yield database
    except DBAPIError as error:
        if not isinstance(error, OperationalError) and not isinstance(
            error.orig, UndefinedTable | UndefinedFunction
        ):
            raise
        message = (
            f"The database can not be worked with: {str(error.orig).strip()}\n"
            "Where it answers and its schema is not there yet: leerruimte migrate"
        )
        raise NotPossible(message) from error
    finally:
        await database.close()


async def organisations(database: "Database", references: Sequence[str]) -> list[UUID]:
    """Return the organisations that slugs or ids name; without any, all of them.

    Raises:
        NotPossible: there is none by one of these names.
    """
    if not references:
        return await database.tenants()
    found: list[UUID] = []
    for reference in references:
        organisation_id = await database.find_tenant(reference)
        if organisation_id is None:
            message = f"There is no organisation {reference}."
            raise NotPossible(message)
        found.append(organisation_id)
    return found


def _on(server: "EmbeddedServer", settings: Settings) -> Settings:
    return settings.model_copy(update={"database_url": SecretStr(server.owner_url)})
