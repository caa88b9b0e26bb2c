from typing import ClassVar

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from app.db.constraints import translate
from app.db.models import IdempotencyKey, Tenant
from app.db.session import Database
from app.kernel.errors import Refusal, Text
from app.kernel.identifiers import new_id
from tests.support.organisations import Organisation


class SlugTaken(Refusal):
    slug: ClassVar[str] = "slug-taken"
    title: ClassVar[Text] = Text(en="Slug taken", nl="Naam bezet")
    detail: ClassVar[Text] = Text(en="The slug is taken.", nl="De naam is bezet.")
    remedy: ClassVar[Text] = Text(en="Choose another.", nl="Kies een andere.")


KNOWN = {"uq_tenants_slug": SlugTaken}


async def _violate(
    database: Database, organisation: Organisation, **values: object
) -> IntegrityError:
    table = Tenant if "slug" in values else IdempotencyKey
    with pytest.raises(IntegrityError) as violated:
        async with database.transaction(organisation.id) as session:
            await session.execute(insert(table).values(**values))
    return violated.value


async def test_a_named_constraint_is_told_in_the_areas_words(
    database: Database, organisation: Organisation
) -> None:
    error = await _violate(database, organisation, organisation_id=new_id(), slug=organisation.slug)
    assert isinstance(translate(error, KNOWN), SlugTaken)


async def test_a_constraint_that_nobody_knows_stays_a_defect(
    database: Database, organisation: Organisation
) -> None:
    error = await _violate(
        database, organisation, organisation_id=organisation.id, client="c", key="k"
    )
    assert translate(error, KNOWN) is None
