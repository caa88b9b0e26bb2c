"""The demo's organisations and people: founded, given a policy, and taken over from the HRIS."""

import csv
from collections.abc import Mapping
from datetime import date
from io import StringIO

from app.demo.personas import EMPLOYER, FUND, OTHER_EMPLOYER
from app.demo.stage import EXPORT, Stage, at
from app.integrations.hris.service import EmployeeImportService, ImportOptions
from app.policy.rules import OrganisationKind
from app.policy.schemas import PolicyVersionIn
from app.policy.service import PolicyService

NAMES: Mapping[str, tuple[str, OrganisationKind]] = {
    EMPLOYER: ("Omgevingsdienst Voorbeeld", OrganisationKind.EMPLOYER),
    OTHER_EMPLOYER: ("Gemeente Voorbeeld", OrganisationKind.EMPLOYER),
    FUND: ("Opleidingsfonds Metaalbewerking Voorbeeld", OrganisationKind.FUND),
}
_HIRED, _LEFT, _MANAGER = "Datum in dienst", "Datum uit dienst", "Leidinggevende (persnr)"
_NUMBER = "Personeelsnummer"


async def found(stage: Stage, slug: str, *, founded_on: date) -> None:
    """Found an organisation of the directory."""
    name, kind = NAMES[slug]
    await PolicyService(stage.by("admin", at(founded_on, 9))).found_organisation(
        name=name, kind=kind
    )


async def lay_down(
    stage: Stage, *policies: PolicyVersionIn, drafted_on: date, activated_on: date
) -> None:
    """Draft policy versions as the administrator does, and let them go live as the MT does."""
    drafter = PolicyService(stage.by("admin", at(drafted_on, 10)))
    mt = PolicyService(stage.by("mt", at(activated_on, 15)))
    for policy in policies:
        drafted = await drafter.draft(policy)
        await mt.activate(drafted.id, expected=None)


async def take_export(stage: Stage, content: bytes, *, taken_on: date) -> None:
    """Take over an export as the HRIS sends it."""
    importer = EmployeeImportService(stage.by("hris", at(taken_on, 6)))
    await importer.take_export(content, ImportOptions())


def export_as_of(day: date) -> bytes:
    """Return the export as the HRIS would have written it on an earlier day.

    Who was hired later is not in it yet, unless somebody in it works under them, and nobody's last
    day was known.
    """
    lines = EXPORT.read_bytes().decode("utf-8-sig").splitlines()
    rows = list(csv.DictReader(lines, delimiter=";"))
    there = [row for row in rows if _day(row[_HIRED]) <= day]
    managers = {row[_MANAGER] for row in there}
    known = [row for row in rows if row in there or row[_NUMBER] in managers]
    written = StringIO(newline="")
    writer = csv.DictWriter(written, list(rows[0]), delimiter=";")
    writer.writeheader()
    writer.writerows({**row, _LEFT: ""} for row in known)
    return written.getvalue().encode("utf-8-sig")


def _day(text: str) -> date:
    day, month, year = (int(part) for part in text.split("-"))
    return date(year, month, day)
