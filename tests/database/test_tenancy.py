from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import insert, select

from app.db.audit import AuditTrail
from app.db.models import AuditEntry, IdempotencyKey
from app.db.roles import APP_ROLE
from app.db.session import Database
from app.kernel.identifiers import new_id
from app.settings import Settings
from tests.conftest import OpenWork
from tests.support.organisations import Organisation, enter_in_directory
from tests.support.sql import TENANT_TABLES, connected, rows


@pytest.fixture
async def organisation(database: Database) -> Organisation:
    """Return an organisation of the directory alone, without a policy or anything else."""
    return await enter_in_directory(database)


@pytest.fixture
async def other_organisation(database: Database) -> Organisation:
    """Return another one."""
    return await enter_in_directory(database)


async def _fill(database: Database, organisation: Organisation, work: OpenWork) -> UUID:
    """Put a row in a table that the app role may change, and one in the audit; return its id."""
    async with database.transaction(organisation.id) as session:
        await session.execute(
            insert(IdempotencyKey).values(
                organisation_id=organisation.id, client="c", key="k", fingerprint=b""
            )
        )
    async with work() as unit:
        trail = AuditTrail(unit)
        await trail.record(action="a", object_type="b", object_id=organisation.id)
    async with database.transaction(organisation.id) as session:
        entries = await session.scalars(
            select(AuditEntry.id).where(AuditEntry.organisation_id == organisation.id)
        )
        return entries.one()


def _counts(url: str, organisation_id: UUID | None = None) -> dict[str, int]:
    """Return how many rows of each tenant table one sees who does not name the organisation."""
    with connected(url, organisation_id) as connection:
        tables = connection.execute(TENANT_TABLES).fetchall()
        count = sql.SQL("SELECT count(*) FROM {}")
        found = (
            (name, connection.execute(count.format(sql.Identifier(name))).fetchone())
            for _, name in tables
        )
        return {name: row[0] for name, row in found if row}


@pytest.mark.invariant("T5")
async def test_without_a_tenant_no_table_shows_a_row(
    settings: Settings, database: Database, organisation: Organisation, work: OpenWork
) -> None:
    await _fill(database, organisation, work)
    assert set(_counts(settings.app_url).values()) == {0}


@pytest.mark.invariant("T5")
async def test_a_tenant_sees_its_own_rows_and_no_others(
    settings: Settings,
    database: Database,
    organisation: Organisation,
    other_organisation: Organisation,
    work: OpenWork,
) -> None:
    await _fill(database, organisation, work)
    own = _counts(settings.app_url, organisation.id)
    assert (own["idempotency_keys"], own["audit_entries"]) == (1, 1)
    assert set(_counts(settings.app_url, other_organisation.id).values()) == {0}


@pytest.mark.invariant("T5")
async def test_a_setting_that_was_used_up_shows_no_row_and_does_not_fail(
    settings: Settings, database: Database, organisation: Organisation, work: OpenWork
) -> None:
    await _fill(database, organisation, work)
    with connected(settings.app_url) as connection:
        connection.execute(
            sql.SQL("SET LOCAL app.organisation_id = {}").format(str(organisation.id))
        )
        connection.commit()
        # After SET LOCAL the setting is the empty text, not null: the policy must bear it.
        setting = connection.execute("SELECT current_setting('app.organisation_id', true)")
        assert setting.fetchone() == ("",)
        count = connection.execute("SELECT count(*) FROM idempotency_keys")
        assert count.fetchone() == (0,)


@pytest.mark.invariant("T5")
async def test_a_row_of_another_organisation_can_not_be_written(
    settings: Settings, organisation: Organisation, other_organisation: Organisation
) -> None:
    with (
        connected(settings.app_url, organisation.id) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"),
    ):
        connection.execute(
            "INSERT INTO idempotency_keys (organisation_id, client, key, fingerprint)"
            " VALUES (%s, 'c', 'k', '')",
            [other_organisation.id],
        )


@pytest.mark.invariant("T6")
async def test_a_row_of_another_organisation_can_not_be_referred_to(
    settings: Settings,
    database: Database,
    organisation: Organisation,
    other_organisation: Organisation,
    work: OpenWork,
) -> None:
    entry_of_another = await _fill(database, organisation, work)
    with (
        connected(settings.app_url, other_organisation.id) as connection,
        pytest.raises(psycopg.errors.ForeignKeyViolation),
    ):
        connection.execute(
            "INSERT INTO audit_links (organisation_id, position, entry_id, entry_digest,"
            " chain_digest) VALUES (%s, 1, %s, sha256(''), sha256(''))",
            [other_organisation.id, entry_of_another],
        )


@pytest.mark.invariant("T2")
async def test_a_key_of_another_organisation_is_no_conflict_and_no_oracle(
    database: Database, organisation: Organisation, other_organisation: Organisation
) -> None:
    for tenant in (organisation, other_organisation):
        async with database.transaction(tenant.id) as session:
            await session.execute(
                insert(IdempotencyKey).values(
                    organisation_id=tenant.id, client="c", key="same", fingerprint=b""
                )
            )


@pytest.mark.invariant("T5")
def test_the_app_role_is_no_owner_and_stands_above_nothing(owner_url: str) -> None:
    (role,) = rows(
        owner_url,
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolcanlogin"
        " FROM pg_roles WHERE rolname = %s",
        APP_ROLE,
    )
    assert role == (False, False, False, False, False, True)
    memberships = rows(
        owner_url,
        "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = %s::regrole",
        APP_ROLE,
    )
    assert memberships == []


@pytest.mark.invariant("S21", "T5")
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE intruders (id uuid)",
        "CREATE TEMPORARY TABLE intruders (id uuid)",
        "CREATE SCHEMA intruders",
        "CREATE FUNCTION intrude() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE tenants ADD COLUMN secret text",
        "ALTER TABLE audit_entries DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE audit_entries DISABLE TRIGGER ALL",
        "DROP TABLE idempotency_keys",
        "DROP POLICY tenant_isolation ON audit_entries",
        "TRUNCATE idempotency_keys",
        "UPDATE tenants SET slug = 'other'",
        "DELETE FROM tenants",
        "UPDATE alembic_version SET version_num = '0000'",
        "SELECT rolpassword FROM pg_authid",
        "SELECT leerruimte_secure_table('tenants', '{select}')",
        "SET ROLE postgres",
        "SET session_replication_role = replica",
        "COPY tenants TO PROGRAM 'cat'",
    ],
)
def test_the_app_role_can_not(settings: Settings, statement: LiteralString) -> None:
    with (
        connected(settings.app_url) as connection,
        pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue)),
    ):
        connection.execute(statement)


@pytest.mark.invariant("S21")
def test_the_app_role_can_not_become_the_owner(settings: Settings, owner_url: str) -> None:
    ((owner,),) = rows(owner_url, "SELECT current_user::text")
    with (
        connected(settings.app_url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))


@pytest.mark.invariant("T5")
def test_switching_row_level_security_off_fails_and_shows_nothing(
    settings: Settings, organisation: Organisation
) -> None:
    with connected(settings.app_url, organisation.id) as connection:
        connection.execute("SET row_security = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            connection.execute("SELECT * FROM idempotency_keys")


@pytest.mark.parametrize(
    "slug",
    ["", "a", "Odwh", "1st", "-a", "a b", "a" * 32, "01980000-0000-7000-8000-000000000001"],
)
def test_a_slug_that_could_be_mistaken_is_refused(settings: Settings, slug: str) -> None:
    with (
        connected(settings.app_url) as connection,
        pytest.raises(psycopg.errors.CheckViolation),
    ):
        connection.execute(
            "INSERT INTO tenants (organisation_id, slug) VALUES (%s, %s)", [new_id(), slug]
        )
