"""The directory of tenants: where an organisation is entered by the slug that its tokens name."""

import re
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from app.db.models import Tenant
from app.db.session import Database
from app.kernel.identifiers import new_id

_SLUG = re.compile(r"[a-z][a-z0-9-]{1,30}")


def is_slug(name: str) -> bool:
    """Tell whether the directory takes this name: 2 to 31 of a-z, 0-9 and -, a letter first."""
    return _SLUG.fullmatch(name) is not None


async def enter(database: Database, slug: str) -> UUID:
    """Return the organisation that the directory has by this slug, entered if it was not there."""
    found = await database.find_tenant(slug)
    while found is None:
        organisation_id = new_id()
        async with database.transaction(organisation_id) as session:
            await session.execute(
                insert(Tenant)
                .values(organisation_id=organisation_id, slug=slug)
                .on_conflict_do_nothing()
            )
        found = await database.find_tenant(slug)
    return found
