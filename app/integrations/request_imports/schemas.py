"""The import of training requests on the wire."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, cast
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from app.http.findings import message_of
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
from app.integrations.hris.rules import ImportMode, is_formula
from app.integrations.hris.schemas import RowErrorOut
from app.integrations.request_imports.rules import (
    FORMULA,
    PARTICIPANT_LIMIT,
    ROW_LIMIT,
    Fault,
    ImportRow,
    Reading,
    RequestField,
    RowFault,
    as_reading,
    check_count,
)
from app.kernel.errors import Text
from app.kernel.wording import Language
from app.requests.rules import IntakeChange, RequestStatus, TrainingBasis

MOST_ERRORS_TOLD = 1000
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
    faults: list[RowFault] = []
    for line, record in enumerate(records, start=1):
        try:
            row = RequestRowIn.model_validate(record)
        except ValidationError as invalid:
            faults += [_fault(line, cast("Mapping[str, Any]", item)) for item in invalid.errors()]
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
    sent = {line: _sent(record) for line, record in enumerate(records, start=1)}
    return as_reading(rows, faults, sent)


def _sent(record: object) -> dict[RequestField, str]:
    if not isinstance(record, Mapping):
        return {}
    members = cast("Mapping[object, object]", record)
    found = {at: members.get(to_camel(at.value)) for at in RequestField}
    return {at: str(value) for at, value in found.items() if value is not None}


def _fault(line: int, item: Mapping[str, Any]) -> RowFault:
    """Return what the schema found; what is about no known property stands with the reference."""
    place = cast("tuple[str | int, ...]", item["loc"])
    name = str(place[0]) if place else ""
    at = {to_camel(known.value): known for known in RequestField}.get(name)
    told = {language: message_of(item, language) for language in Language}
    text = Text(en=_literally(told[Language.EN]), nl=_literally(told[Language.NL]))
    if at is not None:
        return RowFault(line, at, Fault(str(item["type"]), text))
    named = Text(en=f"{{property}}: {text.en}", nl=f"{{property}}: {text.nl}")
    fault = Fault(str(item["type"]), named)
    return RowFault(line, RequestField.REFERENCE, fault, {"property": name[:100]})


def _literally(text: str) -> str:
    """Return a text as a template that holds no facts."""
    return text.replace("{", "{{").replace("}", "}}")
