import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from io import StringIO
from time import monotonic
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy.exc import DBAPIError

from app.db import roles
from app.db.migration import ROOT, configuration, migrate
from app.db.roles import APP_ROLE, RoleNotUsable, ensure_app_role
from tests.support.database import app_url_of, fresh_database, migrated_database
from tests.support.sql import connected, rows

CATALOG = """
    SELECT 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
           concat_ws(' ', a.attnotnull::text, pg_get_expr(d.adbin, d.adrelid))
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'index', tablename, indexname, '', indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT 'trigger', tgrelid::regclass::text, tgname, tgenabled::text, pg_get_triggerdef(oid)
    FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT 'policy', polrelid::regclass::text, polname, '', pg_get_expr(polqual, polrelid)
    FROM pg_policy
    UNION ALL
    SELECT 'function', '', p.oid::regprocedure::text, '', pg_get_functiondef(p.oid)
    FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
    WHERE p.pronamespace = 'public'::regnamespace AND l.lanname IN ('sql', 'plpgsql')
    UNION ALL
    SELECT 'grants', '', c.relname, '', coalesce((SELECT string_agg(g, ', ' ORDER BY g)
        FROM unnest(c.relacl::text[]) AS g), '')
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')
    ORDER BY 1, 2, 3
"""


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(ROOT / "migrations"))


def _revisions() -> list[str]:
    """Return every revision, the oldest first."""
    return [script.revision for script in reversed(list(_scripts().walk_revisions()))]


@pytest.fixture
def empty(server_url: str) -> Iterator[str]:
    """Return a database without a schema, whose app role is there."""
    with fresh_database(server_url) as url:
        ensure_app_role(url, app_url_of(url))
        yield url


@pytest.mark.invariant("M5")
def test_there_is_one_head_and_the_numbers_follow_each_other() -> None:
    assert len(_scripts().get_heads()) == 1
    revisions = _revisions()
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]


@pytest.mark.invariant("M5")
def test_the_models_and_the_migrations_say_the_same(owner_url: str) -> None:
    command.check(configuration(owner_url))


@pytest.mark.slow
@pytest.mark.invariant("M4")
def test_every_migration_can_be_taken_back_and_done_again(empty: str) -> None:
    config = configuration(empty)
    catalogs = {"base": rows(empty, CATALOG)}
    before = "base"
    for revision in _revisions():
        command.upgrade(config, revision)
        catalogs[revision] = rows(empty, CATALOG)
        command.downgrade(config, before)
        after_downgrade = rows(empty, CATALOG)
        assert _without_alembic(after_downgrade) == _without_alembic(catalogs[before]), revision
        command.upgrade(config, revision)
        assert rows(empty, CATALOG) == catalogs[revision], revision
        before = revision
    command.downgrade(config, "base")
    assert _without_alembic(rows(empty, CATALOG)) == []


def _migrate_at_once(*urls: str) -> None:
    """Run a migrator for each URL, as processes: Alembic keeps its context in the module."""
    program = "import sys; from app.db.migration import migrate; migrate(*sys.argv[1:])"
    running = [
        subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", program, url, app_url_of(url)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for url in urls
    ]
    told = [process.communicate(timeout=300)[1] for process in running]
    assert [process.returncode for process in running] == [0] * len(urls), told


def _without_alembic(catalog: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [row for row in catalog if "alembic_version" not in f"{row[1]} {row[2]}"]


@pytest.mark.invariant("M4")
def test_migrating_again_changes_nothing(empty: str) -> None:
    migrate(empty, app_url_of(empty))
    first = rows(empty, CATALOG)
    migrate(empty, app_url_of(empty))
    assert rows(empty, CATALOG) == first


@pytest.mark.invariant("M4")
def test_what_a_killed_migrator_did_not_commit_is_done_by_the_next(empty: str) -> None:
    revisions = _revisions()
    command.upgrade(configuration(empty), revisions[len(revisions) // 2])
    migrate(empty, app_url_of(empty))
    with migrated_database(empty) as whole:
        assert rows(empty, CATALOG) == rows(whole, CATALOG)


def test_two_migrators_at_once_migrate_once(empty: str) -> None:
    _migrate_at_once(empty, empty, empty)
    assert rows(empty, "SELECT version_num FROM alembic_version") == [(_revisions()[-1],)]


def test_databases_of_one_cluster_can_be_migrated_at_the_same_time(server_url: str) -> None:
    with ExitStack() as held:
        urls = [held.enter_context(fresh_database(server_url)) for _ in range(3)]
        _migrate_at_once(*urls)
        for url in urls:
            assert rows(app_url_of(url), "SELECT count(*) FROM audit_entries") == [(0,)]


@pytest.mark.invariant("M2")
def test_a_migration_gives_up_soon_behind_a_long_transaction(server_url: str) -> None:
    with migrated_database(server_url) as url, connected(url) as busy:
        busy.execute("LOCK TABLE alembic_version IN ACCESS SHARE MODE")
        busy.execute("LOCK TABLE idempotency_keys IN ACCESS SHARE MODE")
        began = monotonic()
        with pytest.raises(DBAPIError) as gave_up:
            command.downgrade(configuration(url), "base")
        assert isinstance(gave_up.value.orig, psycopg.errors.LockNotAvailable)
        assert monotonic() - began < 60


@pytest.mark.invariant("M2")
def test_a_migrator_tries_again_what_gave_up(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.db.migration._PAUSE_SECONDS", 0.1)
    first, *_, last = _revisions()
    command.upgrade(configuration(empty), first)
    with connected(empty) as busy:
        busy.execute("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor(1) as pool:
            migrating = pool.submit(migrate, empty, app_url_of(empty))
            threading.Event().wait(2.5)
            assert not migrating.done()
            busy.rollback()
            migrating.result()
    assert rows(empty, "SELECT version_num FROM alembic_version") == [(last,)]


@pytest.mark.invariant("M3")
def test_the_migrations_can_be_written_out_for_a_linter() -> None:
    written = StringIO()
    config = Config(ROOT / "alembic.ini", output_buffer=written)
    config.attributes["url"] = "postgresql://nobody@localhost/nowhere"
    command.upgrade(config, "head", sql=True)
    assert "CREATE TABLE audit_entries" in written.getvalue()


def test_the_app_role_is_brought_to_the_password_it_is_given(server_url: str) -> None:
    with migrated_database(server_url) as url:
        right = app_url_of(url)
        with connected(url, autocommit=True) as owner:
            owner.execute(
                sql.SQL("ALTER ROLE {} PASSWORD 'another'").format(sql.Identifier(APP_ROLE))
            )
        ensure_app_role(url, right)
        assert rows(right, "SELECT current_user::text") == [(APP_ROLE,)]


def test_an_app_role_of_another_name_is_refused(owner_url: str) -> None:
    wrong = app_url_of(owner_url).replace(APP_ROLE, "somebody")
    with pytest.raises(RoleNotUsable, match="not as somebody"):
        ensure_app_role(owner_url, wrong)


def test_an_owner_that_may_not_make_roles_is_content_with_one_that_is_right(
    server_url: str,
) -> None:
    """As on a managed server, where somebody else makes the roles."""
    name = f"modest_{quote(urlsplit(server_url).path.strip('/'))}"
    with migrated_database(server_url) as url, connected(url, autocommit=True) as owner:
        modest = sql.Identifier(name)
        owner.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'modest'").format(modest))
        try:
            host = urlsplit(url).netloc.rpartition("@")[2]
            as_modest = urlsplit(url)._replace(netloc=f"{name}:modest@{host}").geturl()
            ensure_app_role(as_modest, app_url_of(url))
            with pytest.raises(RoleNotUsable, match="may not change"):
                ensure_app_role(as_modest, app_url_of(url).replace(f"{APP_ROLE}:", f"{APP_ROLE}:x"))
        finally:
            owner.execute(sql.SQL("DROP ROLE {}").format(modest))


def test_the_role_keeps_its_timeouts(owner_url: str) -> None:
    ((configured,),) = rows(
        owner_url, "SELECT rolconfig FROM pg_roles WHERE rolname = %s", APP_ROLE
    )
    assert set(configured) >= {f"{name}={value}" for name, value in roles.TIMEOUTS.items()}
