"""The command that takes over a file of HR's."""

import argparse
import asyncio
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.cli.terms import NotPossible, opened, organisations, tell, with_data
from app.kernel.actors import Actor, Role
from app.kernel.errors import Refusal
from app.kernel.identifiers import new_id
from app.kernel.wording import Language, say
from app.settings import Settings

if TYPE_CHECKING:
    from app.db.work import Work
    from app.integrations.hris.service import ImportOutcome as EmployeesTaken
    from app.integrations.request_imports.service import ImportOutcome as RequestsTaken

# Whom a file of HR's comes from.
_IMPORTERS = frozenset({Role.HR, Role.HRIS})


def take_over(settings: Settings, asked: argparse.Namespace) -> int:
    """Take over people, or training requests, as HR has them in a file."""
    try:
        content = asked.file.read_bytes()
    except OSError as error:
        message = f"{asked.file}: {error.strerror}"
        raise NotPossible(message) from error
    with ExitStack() as held:
        return asyncio.run(_import_file(with_data(settings, held), asked, content))


async def _import_file(settings: Settings, asked: argparse.Namespace, content: bytes) -> int:
    """Take the file over in one transaction, or tell each fault and change nothing."""
    tell(f"Reading {asked.file} ...")
    try:
        async with opened(settings) as database:
            [organisation_id] = await organisations(database, [asked.organisation])
            actor = Actor(organisation_id, subject="leerruimte import", roles=_IMPORTERS)
            async with database.work(actor, datetime.now(UTC), str(new_id())) as work:
                outcome = await _take(work, asked, content, dry_run=True)
                for error in outcome.errors:
                    tell(f"  line {error.line}, {error.column}: {error.message}")
                if outcome.errors and not asked.partial:
                    tell(f"{outcome.refused_count} of {outcome.row_count} rows have a fault.")
                    return 1
                if not asked.dry_run:
                    tell(f"Taking {outcome.row_count - outcome.refused_count} rows over ...")
                    outcome = await _take(work, asked, content, dry_run=False)
    except Refusal as refusal:
        message = say(refusal.detail, refusal.facts, Language(asked.language))
        raise NotPossible(message) from refusal
    counts = ", ".join(
        f"{name.removesuffix('_count')} {count}"
        for name, count in asdict(outcome).items()
        if name.endswith("_count")
    )
    tell(f"{'It would be' if asked.dry_run else 'Done'}: {counts}.")
    return 0


async def _take(
    work: "Work", asked: argparse.Namespace, content: bytes, *, dry_run: bool
) -> "EmployeesTaken | RequestsTaken":
    from app.integrations.hris import service as employees
    from app.integrations.request_imports import service as requests
    from app.integrations.sheets.rules import ImportMode

    mode = ImportMode.PARTIAL if asked.partial else ImportMode.ALL_OR_NOTHING
    language = Language(asked.language)
    if asked.kind == "employees":
        return await employees.import_employees(
            work, content, employees.ImportOptions(mode=mode, dry_run=dry_run, language=language)
        )
    return await requests.import_requests(
        work, content, requests.ImportOptions(mode=mode, dry_run=dry_run, language=language)
    )
