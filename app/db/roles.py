"""The app role: made by the owner, outside the migrations, for its password is a secret."""

import time
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

# The name is part of the schema: the migrations grant to it.
APP_ROLE = "leerruimte_app"

# A request is done in milliseconds and an import in seconds: past these, something hangs.
TIMEOUTS = {
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}

# Roles belong to the whole cluster: another database's migrator may be at the same row.
_ATTEMPTS = 10
_PAUSE_SECONDS = 0.1


class RoleNotUsable(Exception):
    """The app role is not as it must be, and the owner may not make it so; says what to do."""


def ensure_app_role(owner_url: str, app_url: str) -> None:
    """Make the app role with the password of ``app_url``, or bring it to that; once or again.

    An owner that may not make roles is no matter when the role is there and can sign in. Several
    databases of one cluster may do this at the same time.

    Raises:
        RoleNotUsable: the role of ``app_url`` has another name, or can not be made or signed in.
    """
    credentials = urlsplit(app_url)
    if credentials.username != APP_ROLE:
        message = f"APP_DATABASE_URL must sign in as {APP_ROLE}, not as {credentials.username}"
        raise RoleNotUsable(message)
    password = unquote(credentials.password) if credentials.password else None
    with psycopg.connect(owner_url, autocommit=True) as connection:
        if not _exists(connection):
            _make(connection)
        if not _can_sign_in(app_url):
            _repeat(connection, [_password(connection, password)])
        _set_timeouts(connection)
        _revoke_temporary(connection)
    if not _can_sign_in(app_url):
        message = f"{APP_ROLE} can not sign in with the password of APP_DATABASE_URL"
        raise RoleNotUsable(message)


def _exists(connection: psycopg.Connection) -> bool:
    found = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [APP_ROLE])
    return found.fetchone() is not None


def _make(connection: psycopg.Connection) -> None:
    statement = sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(APP_ROLE))
    try:
        connection.execute(statement)
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        return  # another migrator was first
    except psycopg.errors.InsufficientPrivilege as error:
        message = f"the owner may not make roles: have {APP_ROLE} made (CREATE ROLE ... LOGIN)"
        raise RoleNotUsable(message) from error


def _password(connection: psycopg.Connection, password: str | None) -> sql.Composed:
    """Return the statement that sets the password, hashed here so that no log shows it."""
    role = sql.Identifier(APP_ROLE)
    if password is None:
        return sql.SQL("ALTER ROLE {} LOGIN").format(role)
    verifier = connection.pgconn.encrypt_password(
        password.encode(), APP_ROLE.encode(), b"scram-sha-256"
    )
    return sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(verifier.decode()))


def _set_timeouts(connection: psycopg.Connection) -> None:
    """Set what is not as it must be, so that for a role that is right no right is needed."""
    row = connection.execute(
        "SELECT rolconfig FROM pg_roles WHERE rolname = %s", [APP_ROLE]
    ).fetchone()
    present: list[str] = row[0] or [] if row else []
    alter = sql.SQL("ALTER ROLE {} SET {} = {}")
    _repeat(
        connection,
        [
            alter.format(sql.Identifier(APP_ROLE), sql.Identifier(name), sql.Literal(value))
            for name, value in TIMEOUTS.items()
            if f"{name}={value}" not in present
        ],
    )


def _revoke_temporary(connection: psycopg.Connection) -> None:
    """Take from everybody what a database comes with: a temporary table is a definition too.

    Done with the role and not in the schema, for a copy or a dump of the database leaves it out.
    """
    row = connection.execute(
        "SELECT has_database_privilege(%s, current_database(), 'TEMPORARY')", [APP_ROLE]
    ).fetchone()
    if row and row[0]:
        revoke = sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC")
        connection.execute(revoke.format(sql.Identifier(connection.info.dbname)))


def _repeat(connection: psycopg.Connection, statements: Sequence[sql.Composed]) -> None:
    """Run each statement, again while another migrator changes the same role.

    Raises:
        RoleNotUsable: the owner may not change the role.
    """
    for statement in statements:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                connection.execute(statement)
            except psycopg.errors.InternalError_:  # tuple concurrently updated
                if attempt == _ATTEMPTS:
                    raise
                time.sleep(_PAUSE_SECONDS)
            except psycopg.errors.InsufficientPrivilege as error:
                message = f"the owner may not change {APP_ROLE}: make it a member with ADMIN OPTION"
                raise RoleNotUsable(message) from error
            else:
                break


def _can_sign_in(app_url: str) -> bool:
    try:
        psycopg.connect(app_url, connect_timeout=10).close()
    except psycopg.OperationalError:
        return False
    return True
