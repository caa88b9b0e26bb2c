"""What the schema itself says: so that no table of an organisation breaks the rules of tenancy.

On plain PostgreSQL these keep the schema portable to Citus and row-level security without a hole.
"""

from typing import LiteralString

import pytest

from tests.support.sql import TENANT_TABLES, rows

# Triggers are a second net, each known by name; a rule never rests on one alone.
LISTED_TRIGGERS = {
    ("agreements", "agreements_text_is_frozen"),
    ("policy_versions", "policy_versions_live_is_final"),
    ("transfers", "no_truncate"),
}
TENANCY = (
    "(organisation_id = (NULLIF(current_setting('app.organisation_id'::text, true), ''::text))"
    "::uuid)"
)

_TABLES = f"WITH tenant_tables AS ({TENANT_TABLES}) "

OFFENDING: dict[str, LiteralString] = {
    "row-level security is not enabled and forced": """
        SELECT t.relname FROM tenant_tables t JOIN pg_class c USING (oid)
        WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity)
    """,
    "a policy is missing or is one too many": """
        SELECT t.relname FROM tenant_tables t LEFT JOIN pg_policy p ON p.polrelid = t.oid
        GROUP BY t.relname HAVING count(p.oid) <> 1
    """,
    "a policy holds a sub-query": """
        SELECT t.relname FROM tenant_tables t JOIN pg_policy p ON p.polrelid = t.oid
        WHERE p.polqual::text LIKE '%%SUBLINK%%' OR p.polwithcheck::text LIKE '%%SUBLINK%%'
    """,
    "a primary key does not start with the organisation": """
        SELECT t.relname FROM tenant_tables t
        LEFT JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'p'
        LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.conkey[1]
        WHERE a.attname IS DISTINCT FROM 'organisation_id'
    """,
    "an index (a unique or an exclusion too) does not start with the organisation": """
        SELECT t.relname, i.indexrelid::regclass::text FROM tenant_tables t
        JOIN pg_index i ON i.indrelid = t.oid
        LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
        WHERE a.attname IS DISTINCT FROM 'organisation_id'
    """,
    "a reference does not start with the organisation on both sides": """
        SELECT t.relname, f.conname FROM tenant_tables t
        JOIN pg_constraint f ON f.conrelid = t.oid AND f.contype = 'f'
        LEFT JOIN pg_attribute own ON own.attrelid = f.conrelid AND own.attnum = f.conkey[1]
        LEFT JOIN pg_attribute other ON other.attrelid = f.confrelid AND other.attnum = f.confkey[1]
        WHERE own.attname IS DISTINCT FROM 'organisation_id'
           OR other.attname IS DISTINCT FROM 'organisation_id'
    """,
    "a reference does more than refuse when its row goes": """
        SELECT t.relname, f.conname FROM tenant_tables t
        JOIN pg_constraint f ON f.conrelid = t.oid AND f.contype = 'f'
        WHERE f.confdeltype NOT IN ('a', 'r') OR f.confupdtype <> 'a'
    """,
    "a column takes its value from a sequence": """
        SELECT t.relname, a.attname FROM tenant_tables t JOIN pg_attribute a ON a.attrelid = t.oid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE '%%nextval%%'
    """,
    "a column is an enum": """
        SELECT t.relname, a.attname FROM tenant_tables t JOIN pg_attribute a ON a.attrelid = t.oid
        JOIN pg_type y ON y.oid = a.atttypid WHERE y.typtype = 'e'
    """,
    "money or time is not in whole units": """
        SELECT t.relname, a.attname FROM tenant_tables t JOIN pg_attribute a ON a.attrelid = t.oid
        WHERE a.attnum > 0 AND (a.attname ~ '_(cents|minutes)$' AND a.atttypid <> 'int8'::regtype
           OR a.atttypid IN ('numeric'::regtype, 'float8'::regtype, 'float4'::regtype,
                             'money'::regtype))
    """,
    "an instant has no time zone, or a civil day has a time": """
        SELECT t.relname, a.attname FROM tenant_tables t JOIN pg_attribute a ON a.attrelid = t.oid
        WHERE a.attname LIKE '%%\\_at' AND a.atttypid <> 'timestamptz'::regtype
           OR a.attname LIKE '%%\\_on' AND a.atttypid NOT IN ('date'::regtype, 'bool'::regtype)
           OR a.atttypid = 'timestamp'::regtype
    """,
    "the app role may do what it has no use for": """
        SELECT c.relname, p.name FROM pg_class c
        CROSS JOIN (VALUES ('TRUNCATE'), ('REFERENCES'), ('TRIGGER')) AS p (name)
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
          AND has_table_privilege('leerruimte_app', c.oid, p.name)
    """,
    "the app role owns something": """
        SELECT c.relname FROM pg_class c WHERE c.relowner = 'leerruimte_app'::regrole
    """,
    "a function runs with its owner's rights": """
        SELECT p.proname FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef
    """,
    "a view passes by row-level security": """
        SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
          AND (c.relkind = 'm' OR c.relkind = 'v'
               AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false))
    """,
    "a table has neither an organisation nor a reason to have none": """
        SELECT c.relname FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND c.relname NOT IN (SELECT relname FROM tenant_tables)
          AND c.relname NOT IN ('tenants', 'alembic_version')
    """,
}


@pytest.mark.invariant("T5", "T6")
@pytest.mark.parametrize("query", OFFENDING.values(), ids=OFFENDING.keys())
def test_nowhere_in_the_schema(owner_url: str, query: LiteralString) -> None:
    assert rows(owner_url, _TABLES + query) == []


@pytest.mark.invariant("T5")
def test_every_policy_is_the_same_and_holds_for_reading_and_writing(owner_url: str) -> None:
    policies = rows(
        owner_url,
        "SELECT DISTINCT polcmd::text, polpermissive, polroles = '{0}',"
        " pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) FROM pg_policy",
    )
    assert policies == [("*", True, True, TENANCY, TENANCY)]


def test_every_trigger_is_listed(owner_url: str) -> None:
    triggers = rows(
        owner_url,
        "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE NOT t.tgisinternal AND t.tgname <> 'append_only'",
    )
    assert set(triggers) == LISTED_TRIGGERS


def test_what_is_only_added_to_is_guarded_by_the_grants_and_by_a_trigger(owner_url: str) -> None:
    tables = rows(
        owner_url,
        _TABLES  # noqa: S608 - a constant
        + "SELECT t.relname, EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = t.oid"
        " AND g.tgname = 'append_only' AND g.tgenabled = 'O') FROM tenant_tables t"
        " WHERE NOT has_any_column_privilege('leerruimte_app', t.oid, 'UPDATE')"
        " AND NOT has_table_privilege('leerruimte_app', t.oid, 'DELETE')",
    )
    assert {"audit_entries", "audit_links", "transfers"} <= {table for table, _ in tables}
    assert [table for table, is_guarded in tables if not is_guarded] == []
