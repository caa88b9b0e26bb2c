"""The command that founds an organisation: what no role of an organisation can do."""

import argparse
import asyncio
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from app.cli.terms import NotPossible, opened, tell, with_data
from app.kernel.actors import Actor, Role
from app.kernel.identifiers import new_id
from app.settings import Settings

if TYPE_CHECKING:
    from app.db.session import Database


def found(settings: Settings, asked: argparse.Namespace) -> int:
    """Enter an organisation in the directory and record it, once."""
    with ExitStack() as held:
        return asyncio.run(_found(with_data(settings, held), asked))


async def _found(settings: Settings, asked: argparse.Namespace) -> int:
    from pydantic import TypeAdapter, ValidationError

    from app.db import directory
    from app.http.schemas import Name

    try:
        TypeAdapter(Name).validate_python(asked.name)
    except ValidationError as error:
        message = "--name: 1 to 120 characters, not all of them blank, and no control characters."
        raise NotPossible(message) from error
    if not directory.is_slug(asked.slug):
        message = f"{asked.slug}: a slug is 2 to 31 of a-z, 0-9 and -, and begins with a letter."
        raise NotPossible(message)
    async with opened(settings) as database:
        organisation_id = await directory.enter(database, asked.slug)
        await _record(database, organisation_id, asked)
    tell(f"Founded {asked.name}: organisation {asked.slug}, {organisation_id}.")
    tell(
        f"  Tokens name it in the claim {settings.oidc_claim_organisation}. Next its administrator"
        " drafts a policy version, and its HRIS sends the people."
    )
    return 0


async def _record(database: "Database", organisation_id: UUID, asked: argparse.Namespace) -> None:
    """Record the organisation that the directory names.

    Raises:
        NotPossible: it was founded before.
    """
    from app.policy.errors import OrganisationNotFound
    from app.policy.rules import OrganisationKind
    from app.policy.service import PolicyService

    actor = Actor(organisation_id, subject="leerruimte found", roles=frozenset({Role.ADMIN}))
    async with database.work(actor, datetime.now(UTC), str(new_id())) as work:
        policies = PolicyService(work)
        try:
            known = await policies.organisation()
        except OrganisationNotFound:
            await policies.found_organisation(name=asked.name, kind=OrganisationKind(asked.kind))
        else:
            message = f"There is an organisation {asked.slug} already: {known.name}."
            raise NotPossible(message)
