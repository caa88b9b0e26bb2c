"""A server to test on, and a migrated database for this run alone."""

import hashlib
import re
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg import sql

from app.db.embedded import embedded_server
from app.db.migration import ROOT, migrate
from app.db.roles import ensure_app_role
from app.settings import Settings

# Any number: two runs that both need a template meet at it.
_TEMPLATES = 7_310_253_047
_KEPT_SECONDS = 24 * 3600
_OURS = re.compile(r"leerruimte_(?:template|test)_\w+_(\d+)")


@contextmanager
def running_server(data_dir: Path) -> Generator[str]:
    """Run the embedded server in ``data_dir``; yield the URL of a role that may make databases."""
    with embedded_server(data_dir, progress=lambda _line: None) as server:
        yield server.owner_url


def at_database(server_url: str, name: str) -> str:
    """Return the URL of another database of the same server."""
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


def app_url_of(owner_url: str) -> str:
    """Return the URL by which the service reaches the owner's database."""
    return Settings.model_validate({"database_url": owner_url}).app_url


@contextmanager
def migrated_database(server_url: str) -> Generator[str]:
    """Make a database at the newest migration; yield its owner's URL and drop it at the end.

    It is a copy (a tenth of a second) of a template that is migrated once for each state of the
    migrations, by whoever needs it first; the others wait. What a crashed run left is swept after
    a day.
    """
    with fresh_database(server_url, template=_template(server_url)) as url:
        ensure_app_role(url, app_url_of(url))
        yield url


@contextmanager
def fresh_database(server_url: str, *, template: str = "template0") -> Generator[str]:
    """Make a database from ``template``, by default empty; yield its URL and drop it at the end."""
    name = f"leerruimte_test_{uuid4().hex[:12]}_{int(time.time())}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield at_database(server_url, name)
    finally:
        url = at_database(server_url, name)
        _disconnect_app(app_url_of(url))
        with psycopg.connect(server_url, autocommit=True) as connection:
            _drop(connection, name)


@contextmanager
def shared_database(
    server_url: str, purpose: str, fill: Callable[[str], str]
) -> Generator[tuple[str, str]]:
    """Yield the name of a database that processes share as a template, and what was said of it.

    Whoever comes first makes it by ``fill``, which is given its URL and returns what there is to
    say; the others wait. Whoever leaves last drops it.
    """
    prefix = f"leerruimte_test_{purpose}_"
    with psycopg.connect(server_url, autocommit=True) as users:
        # One lock for whoever makes it or drops it, another for whoever uses it.
        users.execute("SELECT pg_advisory_lock(hashtext(%s))", [prefix])
        users.execute("SELECT pg_advisory_lock_shared(hashtext(%s))", [f"{prefix}in use"])
        made = _find(users, prefix)
        if made is None:
            made = f"{prefix}{int(time.time())}"
            with fresh_database(server_url) as url:
                said = fill(url)
                _rename(users, urlsplit(url).path.lstrip("/"), made)
            comment = sql.SQL("COMMENT ON DATABASE {} IS {}")
            users.execute(comment.format(sql.Identifier(made), sql.Literal(said)))
        told = users.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
            [made],
        ).fetchone()
        users.execute("SELECT pg_advisory_unlock(hashtext(%s))", [prefix])
        yield made, str(told[0]) if told else ""
        users.execute("SELECT pg_advisory_lock(hashtext(%s))", [prefix])
        users.execute("SELECT pg_advisory_unlock_shared(hashtext(%s))", [f"{prefix}in use"])
        alone = users.execute(
            "SELECT pg_try_advisory_lock(hashtext(%s))", [f"{prefix}in use"]
        ).fetchone()
        if alone == (True,):
            _drop(users, made)


def _find(connection: psycopg.Connection, prefix: str) -> str | None:
    found = connection.execute(
        "SELECT datname FROM pg_database WHERE datname ^@ %s", [prefix]
    ).fetchone()
    return str(found[0]) if found else None


def _rename(connection: psycopg.Connection, name: str, new: str) -> None:
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    connection.execute(rename.format(sql.Identifier(name), sql.Identifier(new)))


def _template(server_url: str) -> str:
    prefix = f"leerruimte_template_{_fingerprint()}_"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_TEMPLATES])
        found = _find(connection, prefix)
        if found is not None:
            return found
        _sweep(connection)
        name = f"{prefix}{int(time.time())}"
        with fresh_database(server_url) as url:
            migrate(url, app_url_of(url))
            _rename(connection, urlsplit(url).path.lstrip("/"), name)
        return name


def _fingerprint() -> str:
    digest = hashlib.sha256()
    sources = [*sorted((ROOT / "migrations").rglob("*.py")), ROOT / "app" / "db" / "roles.py"]
    for path in sources:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _sweep(connection: psycopg.Connection) -> None:
    """Drop the databases that earlier runs left behind more than a day ago."""
    for (name,) in connection.execute("SELECT datname FROM pg_database").fetchall():
        ours = _OURS.fullmatch(name)
        if ours and int(ours[1]) < time.time() - _KEPT_SECONDS:
            _drop(connection, name)


def _disconnect_app(app_url: str) -> None:
    """End what connections of the app role a failed test left: an owner may not end another's."""
    with suppress(psycopg.OperationalError), psycopg.connect(app_url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user"
            " AND pid <> pg_backend_pid()"
        )


def _drop(connection: psycopg.Connection, name: str) -> None:
    """Drop a database; an autovacuum worker in it, which nobody of ours may end, is waited for."""
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    for _ in range(40):
        with suppress(psycopg.errors.InsufficientPrivilege):
            connection.execute(drop)
            return
        time.sleep(0.25)
    connection.execute(drop)
