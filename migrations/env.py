"""How migrations run: one migrator at a time, a transaction each, and never long behind a lock."""

import importlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import Connection, create_engine, pool, text
from sqlalchemy.engine import make_url
from sqlalchemy.types import Enum, String, TypeEngine

import app.db.models
from app.db.base import Base
from app.settings import Settings

# Any number, the same for all: the two migrators of one database meet at it.
MIGRATOR = 7_310_253_046
WAIT_FOR_A_MIGRATOR = "10min"
WAIT_FOR_A_TABLE = "500ms"
LONGEST_STATEMENT = "5min"


def _load_models() -> None:
    """Import the models of every area, so that the metadata knows all tables."""
    root = Path(app.db.models.__file__).parent.parent
    for path in sorted(root.rglob("models.py")):
        importlib.import_module(".".join(("app", *path.relative_to(root).with_suffix("").parts)))


def _types_differ(
    _context: Any,  # noqa: ANN401 - the signature is Alembic's
    _inspected: Any,  # noqa: ANN401
    _column: Any,  # noqa: ANN401
    inspected: TypeEngine[Any],
    modelled: TypeEngine[Any],
) -> bool | None:
    """Compare types, but take text for what it is: statuses are text with a CHECK."""
    textual = isinstance(inspected, String) and inspected.length is None
    if textual and isinstance(modelled, String):
        return isinstance(modelled, Enum) and modelled.native_enum
    return None


def _url() -> str:
    given = context.config.attributes.get("url") or Settings().owner_url
    return (
        make_url(given).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    )


def _run_online() -> None:
    given: Connection | None = context.config.attributes.get("connection")
    if given is not None:
        _migrate(given)
        return
    engine = create_engine(_url(), poolclass=pool.NullPool, connect_args={"connect_timeout": 10})
    with engine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = '{WAIT_FOR_A_MIGRATOR}'"))
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": MIGRATOR}):
            _tell("  Waiting for another who migrates this database ...")
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATOR})
        # Behind a long transaction a migration would queue all traffic behind itself: it gives up.
        connection.execute(text(f"SET lock_timeout = '{WAIT_FOR_A_TABLE}'"))
        connection.execute(text(f"SET statement_timeout = '{LONGEST_STATEMENT}'"))
        connection.commit()
        _migrate(connection)


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transaction_per_migration=True,
        compare_type=_types_differ,
        on_version_apply=_tell_step,
    )
    with context.begin_transaction():
        context.run_migrations()


def _tell(line: str) -> None:
    progress = context.config.attributes.get("progress")
    if progress is not None:
        progress(line)


def _tell_step(
    ctx: MigrationContext,  # noqa: ARG001 - the names are Alembic's
    step: MigrationInfo,
    heads: Collection[Any],  # noqa: ARG001
    run_args: Mapping[str, Any],  # noqa: ARG001
) -> None:
    """Say which migration was run."""
    revision = step.up_revision
    if revision is not None:
        _tell(f"  {revision.revision}: {getattr(revision, 'doc', '')}")


def _run_offline() -> None:
    """Print the statements, for the migration linter."""
    context.configure(
        dialect_name="postgresql",
        target_metadata=Base.metadata,
        literal_binds=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


_load_models()
if context.is_offline_mode():
    _run_offline()
else:
    _run_online()
