import pytest

from tests.support.statements import unnamed


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(
            "SELECT audit_links.organisation_id FROM audit_links"
            " WHERE audit_links.organisation_id = %(org)s",
            id="a condition on the table",
        ),
        pytest.param(
            "SELECT l.position FROM audit_links AS l JOIN audit_entries e ON e.organisation_id ="
            " l.organisation_id AND e.id = l.entry_id WHERE l.organisation_id = %(org)s",
            id="a join on both sides",
        ),
        pytest.param(
            "SELECT 1 FROM audit_links l, audit_entries e"
            " WHERE (l.organisation_id, l.entry_id) = (e.organisation_id, e.id)"
            " AND l.organisation_id = %(org)s",
            id="a comparison of rows",
        ),
        pytest.param(
            "INSERT INTO audit_links (organisation_id, position) VALUES (%(a)s, %(b)s)",
            id="an insert",
        ),
        pytest.param(
            "UPDATE audit_heads SET position=%(p)s WHERE audit_heads.organisation_id = %(org)s",
            id="an update",
        ),
        pytest.param(
            "DELETE FROM idempotency_keys WHERE organisation_id = $1 AND created_at < $2",
            id="a bare column",
        ),
        pytest.param("SELECT slug FROM tenants", id="the directory"),
        pytest.param("SELECT 'from audit_links'", id="a text"),
        pytest.param("SELECT * FROM ledger_apply(%(org)s, %(entries)s)", id="a function"),
    ],
)
def test_a_statement_that_names_the_organisation_passes(statement: str) -> None:
    assert unnamed(statement) == frozenset()


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        pytest.param(
            "SELECT audit_links.organisation_id FROM audit_links WHERE audit_links.position = 1",
            {"audit_links"},
            id="shown is not asked",
        ),
        pytest.param(
            "SELECT 1 FROM audit_links AS l JOIN audit_entries AS e ON e.id = l.entry_id"
            " WHERE l.organisation_id = %(org)s",
            {"audit_entries"},
            id="a join on one side",
        ),
        pytest.param(
            "SELECT 1 FROM audit_links l, audit_entries e WHERE e.organisation_id = %(org)s",
            {"audit_links"},
            id="a list of tables",
        ),
        pytest.param("UPDATE audit_heads SET position = 1", {"audit_heads"}, id="an update"),
        pytest.param(
            "DELETE FROM idempotency_keys WHERE created_at < now()",
            {"idempotency_keys"},
            id="a delete",
        ),
        pytest.param(
            "SELECT (SELECT count(*) FROM audit_links) FROM audit_heads"
            " WHERE audit_heads.organisation_id = %(org)s",
            {"audit_links"},
            id="a sub-query",
        ),
    ],
)
def test_a_statement_that_does_not_is_caught(statement: str, tables: set[str]) -> None:
    assert unnamed(statement) == tables
