"""Organisations to test in: each test has its own, so no test sees another's rows."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import insert

from app.db.models import Tenant
from app.db.session import Database
from app.kernel.identifiers import new_id


@dataclass(frozen=True, slots=True)
class Organisation:
    id: UUID
    slug: str


async def enter_in_directory(database: Database, *, slug: str | None = None) -> Organisation:
    """Enter a new organisation in the directory of tenants, and nothing more."""
    organisation = Organisation(new_id(), slug or f"org-{uuid4().hex[:12]}")
    async with database.transaction(organisation.id) as session:
        await session.execute(
            insert(Tenant).values(organisation_id=organisation.id, slug=organisation.slug)
        )
    return organisation
