"""The database as an outsider reaches it: plain SQL, as the owner or as the app role."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql

# What a table of an organisation has; the directory of tenants is the one exception.
TENANT_TABLES = (
    "SELECT c.oid, c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
    " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
    " AND a.attname = 'organisation_id' AND NOT a.attisdropped AND c.relname <> 'tenants'"
    " ORDER BY c.relname"
)


@contextmanager
def connected(
    url: str, organisation_id: UUID | None = None, *, autocommit: bool = False
) -> Generator[psycopg.Connection[tuple[Any, ...]]]:
    """Connect as whoever ``url`` names, with the tenant set for the session if one is given."""
    with psycopg.connect(url, autocommit=autocommit) as connection:
        if organisation_id is not None:
            tenant = sql.SQL("SET app.organisation_id = {}").format(
                sql.Literal(str(organisation_id))
            )
            connection.execute(tenant)
        yield connection


def rows(url: str, query: LiteralString, *parameters: object) -> list[tuple[Any, ...]]:
    """Return the rows of one query, without a tenant."""
    with psycopg.connect(url) as connection:
        return connection.execute(query, parameters).fetchall()
