"""The import of training requests: read, judged row by row, and taken in or not."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic.alias_generators import to_camel

from app.db.audit import AuditTrail
from app.db.work import Work
from app.integrations.request_imports.rules import (
    HEADERS,
    UNKNOWN_EMPLOYEE,
    ImportRow,
    Reading,
    RequestFault,
    RequestField,
    draft_of,
    quoted,
    read_list,
    usual_tranche,
)
from app.integrations.request_imports.schemas import read_records
from app.integrations.sheets.rules import MOST_ERRORS_TOLD, ImportMode
from app.integrations.sheets.service import RowError, in_words, refuse_faulty
from app.kernel.errors import Refusal, Text
from app.kernel.faults import Fault, RowFault
from app.kernel.identifiers import new_id
from app.kernel.wording import Language, say
from app.people.errors import NotEmployed
from app.people.service import PeopleService
from app.policy.errors import NoPolicyInForce
from app.requests.errors import (
    BsnInText,
    DatesReversed,
    HoursDoNotFit,
    ImportedRequestSettled,
    TwiceNamed,
)
from app.requests.rules import (
    IntakeChange,
    IntakePlan,
    IntakeRow,
    KnownRequest,
    RequestStatus,
    TrancheKey,
)
from app.requests.service import RequestService

_PROPERTIES = {at: to_camel(at.value) for at in RequestField}
# Which cell a refusal is about: what the row as a whole is refused for stands with its reference.
_ABOUT: Mapping[type[Refusal], RequestField] = {
    ImportedRequestSettled: RequestField.REFERENCE,
    NotEmployed: RequestField.PERSONNEL_NUMBERS,
    TwiceNamed: RequestField.PERSONNEL_NUMBERS,
    NoPolicyInForce: RequestField.SUBMITTED_AT,
    DatesReversed: RequestField.ENDS_ON,
    HoursDoNotFit: RequestField.WORKING_MINUTES,
}
_LATE = Text(
    en="Submitted on {submitted_at}, after the latest day {closes_on}: it falls in tranche"
    " {tranche_number} of {tranche_year}.",
    nl="Ingediend op {submitted_at}, na het uiterste indienmoment {closes_on}: de aanvraag valt in"
    " tranche {tranche_number} van {tranche_year}.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How an import is taken in, and told in which language."""

    mode: ImportMode = ImportMode.ALL_OR_NOTHING
    dry_run: bool = False
    language: Language = Language.NL


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What the sender should know of a request that was taken in, in words."""

    code: str
    rule: str | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRequest:
    """What became of one row, or would become of it."""

    line: int
    reference: str
    request_id: UUID | None
    change: IntakeChange
    status: RequestStatus
    tranche: TrancheKey | None
    remarks: tuple[Remark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOutcome:
    """What an import did, or would have done when it was a dry run."""

    mode: ImportMode
    dry_run: bool
    row_count: int
    created_count: int
    replaced_count: int
    unchanged_count: int
    refused_count: int
    draft_count: int
    requests: tuple[ImportedRequest, ...]
    errors: tuple[RowError, ...]


class RequestImportService:
    def __init__(self, work: Work) -> None:
        self._work = work
        self._requests = RequestService(work)
        self._people = PeopleService(work)
        self._audit = AuditTrail(work)

    async def take_list(self, content: bytes, options: ImportOptions) -> ImportOutcome:
        """Take in a tranche's list in CSV; its errors name line and header.

        Raises:
            FileUnreadable, RequestColumnsMissing, TooManyRequestRows: it is no list to read.
            ImportRefused: it was all or nothing, and a row has a fault.
        """
        digest = hashlib.sha256(content).hexdigest()
        return await self._take(read_list(content), HEADERS, options, digest=digest)

    async def take_records(
        self, records: Sequence[object], options: ImportOptions
    ) -> ImportOutcome:
        """Take in a list of requests; errors name the place in the list and the property.

        Raises:
            TooManyRequestRows: the list is too long for one import.
            ImportRefused: it was all or nothing, and a row has a fault.
        """
        return await self._take(read_records(records), _PROPERTIES, options, digest=None)

    async def _take(
        self,
        reading: Reading,
        names: Mapping[RequestField, str],
        options: ImportOptions,
        *,
        digest: str | None,
    ) -> ImportOutcome:
        plans, found = await self._plan(reading.rows)
        faults = [*reading.faults, *found]
        errors = in_words(faults, reading.sent, names, options.language, quote=quoted)
        outcome = _outcome(plans, reading, errors, options)
        if options.dry_run:
            return outcome
        refuse_faulty(errors, options.mode, row_count=outcome.row_count)
        await self._requests.take_in(plans.values())
        await self._audit.record(
            action="requests.imported",
            object_type="request_import",
            object_id=new_id(),
            after={
                "sha256": digest,
                "mode": options.mode,
                "rows": outcome.row_count,
                "created": outcome.created_count,
                "replaced": outcome.replaced_count,
                "refused": outcome.refused_count,
                "drafts": outcome.draft_count,
            },
            rule_ids=("VIS-6.1",),
        )
        return outcome

    async def _plan(
        self, rows: Sequence[ImportRow]
    ) -> tuple[dict[int, IntakePlan], list[RequestFault]]:
        """Return what each good row comes to, by line, and what is wrong with the others."""
        numbers = {number for row in rows for number in row.personnel_numbers}
        employees = await self._people.by_personnel_numbers(numbers)
        ids = {number: employee.id for number, employee in employees.items()}
        managers = await self._people.manager_of(ids.values(), self._work.today)
        known = await self._requests.known_references([row.reference for row in rows])
        plans: dict[int, IntakePlan] = {}
        faults: list[RequestFault] = []
        for row in rows:
            unknown = [number for number in row.personnel_numbers if number not in ids]
            if unknown:
                faults.append(
                    RowFault(
                        row.line,
                        RequestField.PERSONNEL_NUMBERS,
                        UNKNOWN_EMPLOYEE,
                        {"personnel_numbers": unknown},
                    )
                )
                continue
            try:
                plans[row.line] = await self._plan_row(row, ids, managers, known)
            except Refusal as refusal:
                faults.append(_as_fault(row.line, refusal))
        return plans, faults

    async def _plan_row(
        self,
        row: ImportRow,
        ids: Mapping[str, UUID],
        managers: Mapping[UUID, UUID | None],
        known: Mapping[str, KnownRequest],
    ) -> IntakePlan:
        participant_ids = tuple(ids[number] for number in row.personnel_numbers)
        intake = IntakeRow(
            reference=row.reference,
            draft=draft_of(row, participant_ids),
            applicant_id=managers[participant_ids[0]],
            submitted_at=row.submitted_at,
            digest=row.digest,
        )
        return await self._requests.plan_intake(intake, known)


async def import_requests(work: Work, content: bytes, options: ImportOptions) -> ImportOutcome:
    """Take in a tranche's list in CSV within ``work``, as ``leerruimte import`` does.

    Raises:
        FileUnreadable, RequestColumnsMissing, TooManyRequestRows: it is no list to read.
        ImportRefused: it was all or nothing, and a row has a fault.
    """
    return await RequestImportService(work).take_list(content, options)


def _as_fault(line: int, refusal: Refusal) -> RequestFault:
    at = _ABOUT.get(type(refusal), RequestField.REFERENCE)
    if isinstance(refusal, BsnInText):
        at = RequestField(refusal.facts["field"])
    return RowFault(line, at, Fault(refusal.slug, refusal.detail), refusal.facts)


def _outcome(
    plans: Mapping[int, IntakePlan],
    reading: Reading,
    errors: Sequence[RowError],
    options: ImportOptions,
) -> ImportOutcome:
    counts = Counter(plan.change for plan in plans.values())
    drafts = sum(plan.obstacle is not None for plan in plans.values())
    usual = usual_tranche(plan.ruling.key for plan in plans.values() if plan.ruling is not None)
    return ImportOutcome(
        mode=options.mode,
        dry_run=options.dry_run,
        row_count=len(reading.sent),
        created_count=counts[IntakeChange.CREATED],
        replaced_count=counts[IntakeChange.REPLACED],
        unchanged_count=counts[IntakeChange.UNCHANGED],
        refused_count=len({error.line for error in errors}),
        draft_count=drafts,
        requests=tuple(_imported(line, plan, usual, options) for line, plan in plans.items()),
        errors=tuple(errors[:MOST_ERRORS_TOLD]),
    )


def _imported(
    line: int, plan: IntakePlan, usual: TrancheKey | None, options: ImportOptions
) -> ImportedRequest:
    is_new = plan.change is IntakeChange.CREATED
    return ImportedRequest(
        line=line,
        reference=plan.row.reference,
        request_id=None if options.dry_run and is_new else plan.request_id,
        change=plan.change,
        status=plan.status,
        tranche=None if plan.ruling is None else plan.ruling.key,
        remarks=tuple(_remarks(plan, usual, options.language)),
    )


def _remarks(plan: IntakePlan, usual: TrancheKey | None, language: Language) -> list[Remark]:
    if plan.obstacle is not None:
        refusal = plan.obstacle
        text = say(refusal.detail, refusal.facts, language)
        return [Remark(code=refusal.slug, rule=refusal.rule, text=text)]
    if plan.ruling is None or usual is None or plan.ruling.key.closes_on <= usual.closes_on:
        return []
    key = plan.ruling.key
    text = say(
        _LATE,
        {
            "submitted_at": plan.row.submitted_at,
            "closes_on": usual.closes_on,
            "tranche_number": key.number,
            "tranche_year": key.year,
        },
        language,
    )
    return [Remark(code="later-tranche", rule="VIS-6.1", text=text)]
