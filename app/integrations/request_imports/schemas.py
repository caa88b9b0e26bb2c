"""The import of training requests on the wire."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from app.http.schemas import (
    AmountCents,
    Code,
    Count,
    Day,
    In,
    Line,
    Moment,
    Out,
    Prose,
    Year,
    at_most,
    json_integer,
)
from app.integrations.request_imports.rules import (
    PARTICIPANT_LIMIT,
    ROW_LIMIT,
    ImportRow,
    Reading,
    RequestFault,
    RequestField,
    as_reading,
    check_count,
)
from app.integrations.sheets.rules import FORMULA, MOST_ERRORS_TOLD, ImportMode, is_formula
from app.integrations.sheets.schemas import RowErrorOut, faults_in, sent_in
from app.kernel.faults import RowFault
from app.requests.rules import IntakeChange, RequestStatus, TrainingBasis

TotalMinutes = Annotated[int, Field(ge=0, le=600_000), BeforeValidator(json_integer)]


class RequestRowIn(In):
    """One request of a tranche's list; its hours in total, its cost per participant."""

    reference: Code = Field(description="By which the request is known when it comes again.")
    personnel_numbers: Annotated[list[Code], at_most(PARTICIPANT_LIMIT, at_least=1)]
    title: Line
    provider: Line
    starts_on: Day
    ends_on: Day
    amount_cents: AmountCents = Field(description="Per participant, without VAT.")
    vat_basis_points: Annotated[int, Field(ge=0, le=10_000), BeforeValidator(json_integer)] = 0
    working_minutes: TotalMinutes = Field(description="In working time, of each participant.")
    own_minutes: TotalMinutes = 0
    basis: TrainingBasis
    motivation: Prose
    conversation_on: Day | None = None
    submitted_at: Moment = Field(description="The moment that counts for the tranche.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reference": "A26-2-001",
                    "personnelNumbers": ["101853"],
                    "title": "Ecologie: soortenbescherming basis",
                    "provider": "Natuuracademie",
                    "startsOn": "2027-04-21",
                    "endsOn": "2027-05-21",
                    "amountCents": 119000,
                    "vatBasisPoints": 2100,
                    "workingMinutes": 1440,
                    "basis": "necessary_for_function",
                    "motivation": "Nodig voor behoud bevoegdheid",
                    "submittedAt": "2026-06-11T05:51:00Z",
                }
            ]
        }
    )


class RemarkOut(Out):
    """What the sender should know of a request that was taken in."""

    code: Annotated[str, StringConstraints(max_length=100)]
    rule: Annotated[str, StringConstraints(max_length=40)] | None
    text: Prose


class ImportTrancheOut(Out):
    """The tranche that a request falls in by its moment of submission."""

    year: Year
    number: Annotated[int, Field(ge=1, le=12), BeforeValidator(json_integer)]
    closes_on: Day


class ImportedRequestOut(Out):
    """What became of one row, or with `dryRun` would become of it."""

    line: Annotated[int, Field(ge=1, le=10**7)]
    reference: Code
    request_id: UUID | None = Field(description="Null in a dry run that would make a new one.")
    change: IntakeChange
    status: RequestStatus
    tranche: ImportTrancheOut | None = Field(description="Null for a draft, and when unchanged.")
    remarks: Annotated[list[RemarkOut], at_most(5)]


class RequestImportOut(Out):
    """What an import did, or with `dryRun` would do."""

    mode: ImportMode
    dry_run: bool
    row_count: Count
    created_count: Count
    replaced_count: Count
    unchanged_count: Count
    refused_count: Count = Field(description="Rows with a fault; they change nothing.")
    draft_count: Count = Field(description="Of the others, those that can not be submitted yet.")
    requests: Annotated[list[ImportedRequestOut], at_most(ROW_LIMIT)]
    errors: Annotated[list[RowErrorOut], at_most(MOST_ERRORS_TOLD)]


def read_records(records: Sequence[object]) -> Reading:
    """Return the requests of a JSON list, with every fault of every record that is none.

    Records are counted from 1.

    Raises:
        TooManyRequestRows: there are more than ``ROW_LIMIT``.
    """
    check_count(len(records))
    rows: list[ImportRow] = []
    faults: list[RequestFault] = []
    for line, record in enumerate(records, start=1):
        try:
            row = RequestRowIn.model_validate(record)
        except ValidationError as invalid:
            faults += faults_in(line, invalid, RequestField, key=RequestField.REFERENCE)
            continue
        found = [
            RowFault(line, at, FORMULA)
            for at, text in ((RequestField.TITLE, row.title), (RequestField.PROVIDER, row.provider))
            if is_formula(text)
        ]
        faults += found
        if not found:
            said: dict[str, Any] = row.model_dump()
            said["personnel_numbers"] = tuple(row.personnel_numbers)
            rows.append(ImportRow(line=line, **said))
    sent = {line: sent_in(record, RequestField) for line, record in enumerate(records, start=1)}
    return as_reading(rows, faults, sent)
