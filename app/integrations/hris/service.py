"""The import of employees: read, judged as a whole, and taken over or not."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pydantic.alias_generators import to_camel

from app.agreements.service import AgreementService
from app.db.audit import AuditTrail
from app.db.work import Work
from app.integrations.hris.rules import HEADERS, Reading, read_export
from app.integrations.hris.schemas import read_records
from app.integrations.sheets.rules import MOST_ERRORS_TOLD, ImportMode, shown
from app.integrations.sheets.service import RowError, in_words, refuse_faulty
from app.kernel.identifiers import new_id
from app.kernel.wording import Language
from app.people.roster.rules import Outcome, Plan, RosterField
from app.people.roster.service import RosterService

_PROPERTIES = {at: to_camel(at.value) for at in RosterField}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOutcome:
    """What an import did, or would have done when it was a dry run."""

    mode: ImportMode
    dry_run: bool
    effective_on: date
    row_count: int
    created_count: int
    rehired_count: int
    changed_count: int
    unchanged_count: int
    refused_count: int
    ended_count: int
    ignored_columns: tuple[str, ...]
    errors: tuple[RowError, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How an import is taken: from which day on (today when None), told in which language."""

    mode: ImportMode = ImportMode.ALL_OR_NOTHING
    dry_run: bool = False
    effective_on: date | None = None
    language: Language = Language.NL


class EmployeeImportService:
    def __init__(self, work: Work) -> None:
        self._work = work
        self._roster = RosterService(work)
        self._agreements = AgreementService(work)
        self._audit = AuditTrail(work)

    async def take_export(self, content: bytes, options: ImportOptions) -> ImportOutcome:
        """Take over an HRIS export in CSV; its errors name line and header.

        Raises:
            FileUnreadable, ColumnsMissing, TooManyRows: it is no export that can be read.
            ImportRefused: it was all or nothing, and a row has a fault.
        """
        digest = hashlib.sha256(content).hexdigest()
        reading = await asyncio.to_thread(read_export, content)
        return await self._take(reading, HEADERS, options, digest=digest)

    async def take_records(
        self, records: Sequence[object], options: ImportOptions
    ) -> ImportOutcome:
        """Take over a list of people; errors name the place in the list and the property.

        Raises:
            TooManyRows: the list is too long for one import.
            ImportRefused: it was all or nothing, and a row has a fault.
        """
        reading = await asyncio.to_thread(read_records, records)
        return await self._take(reading, _PROPERTIES, options, digest=None)

    async def _take(
        self,
        reading: Reading,
        names: Mapping[RosterField, str],
        options: ImportOptions,
        *,
        digest: str | None,
    ) -> ImportOutcome:
        effective_on = options.effective_on or self._work.today
        plan = await self._roster.plan(
            reading.rows,
            effective_on=effective_on,
            broken=reading.broken,
            absent=reading.absent,
            lock=not options.dry_run,
        )
        faults = [*reading.faults, *plan.faults]
        errors = in_words(faults, reading.sent, names, options.language, quote=shown)
        outcome = _outcome(plan, reading, errors, options, effective_on)
        if options.dry_run:
            return outcome
        refuse_faulty(errors, options.mode, row_count=outcome.row_count)
        await self._roster.carry_out(plan)
        await self._agreements.settle_departures(plan.ended, returned=plan.returned)
        await self._audit.record(
            action="employees.imported",
            object_type="employee_import",
            object_id=new_id(),
            after={
                "sha256": digest,
                "mode": options.mode,
                "effective_on": effective_on,
                "rows": outcome.row_count,
                "created": outcome.created_count,
                "rehired": outcome.rehired_count,
                "changed": outcome.changed_count,
                "refused": outcome.refused_count,
                "ended": outcome.ended_count,
            },
        )
        return outcome


async def import_employees(work: Work, content: bytes, options: ImportOptions) -> ImportOutcome:
    """Take over an HRIS export in CSV within ``work``, as ``leerruimte import`` does.

    Raises:
        FileUnreadable, ColumnsMissing, TooManyRows: it is no export that can be read.
        ImportRefused: it was all or nothing, and a row has a fault.
    """
    return await EmployeeImportService(work).take_export(content, options)


def _outcome(
    plan: Plan,
    reading: Reading,
    errors: Sequence[RowError],
    options: ImportOptions,
    effective_on: date,
) -> ImportOutcome:
    counts = Counter(plan.outcomes.values())
    return ImportOutcome(
        mode=options.mode,
        dry_run=options.dry_run,
        effective_on=effective_on,
        row_count=len(reading.sent),
        created_count=counts[Outcome.CREATED],
        rehired_count=counts[Outcome.REHIRED],
        changed_count=counts[Outcome.CHANGED],
        unchanged_count=counts[Outcome.UNCHANGED],
        refused_count=len({error.line for error in errors}),
        ended_count=len(plan.ended),
        ignored_columns=reading.ignored_columns,
        errors=tuple(errors[:MOST_ERRORS_TOLD]),
    )
