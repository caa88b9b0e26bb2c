"""The import of employees on the wire."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, cast

from pydantic import ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from app.http.findings import message_of
from app.http.schemas import Code, Count, Day, EmailText, In, Name, Out, at_most
from app.integrations.hris.errors import TooManyRows
from app.integrations.hris.rules import FORMULA, ROW_LIMIT, ImportMode, Reading, is_formula
from app.kernel.errors import Text
from app.kernel.wording import Language
from app.people.roster.rules import Fault, RosterField, RosterRow, RowFault
from app.people.rules import EducationLevel, EmploymentKind
from app.people.schemas import WeeklyMinutes

MOST_ERRORS_TOLD = 1000
_TEXTS = (
    RosterField.GIVEN_NAME,
    RosterField.INFIX,
    RosterField.FAMILY_NAME,
    RosterField.DEPARTMENT,
    RosterField.TEAM,
    RosterField.FUNCTION,
)


class EmployeeRowIn(In):
    """One person as the HRIS has them; the names of team, function and manager are enough."""

    personnel_number: Code
    given_name: Name
    infix: Name | None = None
    family_name: Name
    email: EmailText
    born_on: Day | None = None
    education_level: EducationLevel | None = None
    department: Name
    team: Name
    function: Name
    manager_number: Code | None = Field(
        default=None, description="Personnel number of the manager (leidinggevende)."
    )
    hired_on: Day
    left_on: Day | None = Field(
        default=None,
        description="Last day of the employment; left out, an end that was recorded stays.",
    )
    kind: EmploymentKind
    contract_minutes_per_week: WeeklyMinutes

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "personnelNumber": "200001",
                    "givenName": "Noor",
                    "infix": "van der",
                    "familyName": "Meulen",
                    "email": "noor.vandermeulen@od-voorbeeld.example",
                    "bornOn": "1991-04-12",
                    "educationLevel": "hbo",
                    "department": "Toezicht",
                    "team": "Toezicht Bodem en Asbest",
                    "function": "Toezichthouder bodem",
                    "managerNumber": "100174",
                    "hiredOn": "2027-02-01",
                    "kind": "permanent",
                    "contractMinutesPerWeek": 2160,
                }
            ]
        }
    )


class RowErrorOut(Out):
    """One fault of one row: where it stands and what is wrong with it."""

    line: Annotated[int, Field(ge=1, le=10**7)] = Field(
        description="Line of the file, or place in the list; the first is 1."
    )
    column: Name = Field(description="Header of the column, or name of the property.")
    code: Annotated[str, StringConstraints(max_length=100)]
    message: Annotated[str, StringConstraints(max_length=1000)]
    value: Annotated[str, StringConstraints(max_length=200)] = Field(
        description="What was sent, shortened; unseen characters are replaced."
    )


class EmployeeImportOut(Out):
    """What an import did, or with `dryRun` would do."""

    mode: ImportMode
    dry_run: bool
    effective_on: Day
    row_count: Count
    created_count: Count
    rehired_count: Count
    changed_count: Count
    unchanged_count: Count
    refused_count: Count = Field(description="Rows with a fault; they change nothing.")
    ended_count: Count = Field(description="Ends of employment that are new, or moved.")
    ignored_columns: Annotated[list[Annotated[str, Field(max_length=200)]], at_most(1000)]
    errors: Annotated[list[RowErrorOut], at_most(MOST_ERRORS_TOLD)]


def read_records(records: Sequence[object]) -> Reading:
    """Return the rows of a JSON list, with every fault of every record that is no row.

    Records are counted from 1.

    Raises:
        TooManyRows: there are more than ``ROW_LIMIT``.
    """
    if len(records) > ROW_LIMIT:
        raise TooManyRows(row_count=len(records), row_limit=ROW_LIMIT)
    rows: list[RosterRow] = []
    faults: list[RowFault] = []
    broken: set[str] = set()
    sent: dict[int, dict[RosterField, str]] = {}
    for line, record in enumerate(records, start=1):
        sent[line] = _sent(record)
        try:
            row = EmployeeRowIn.model_validate(record)
        except ValidationError as invalid:
            found = [_fault(line, cast("Mapping[str, Any]", item)) for item in invalid.errors()]
        else:
            found = [
                RowFault(line, at, FORMULA) for at in _TEXTS if is_formula(sent[line].get(at, ""))
            ]
            rows += [] if found else [RosterRow(line=line, **row.model_dump())]
        if found:
            broken.add(sent[line].get(RosterField.PERSONNEL_NUMBER, ""))
        faults += found
    return Reading(rows=rows, faults=faults, sent=sent, broken=frozenset(broken))


def _sent(record: object) -> dict[RosterField, str]:
    if not isinstance(record, Mapping):
        return {}
    members = cast("Mapping[object, object]", record)
    found = {at: members.get(to_camel(at.value)) for at in RosterField}
    return {at: str(value) for at, value in found.items() if value is not None}


def _fault(line: int, item: Mapping[str, Any]) -> RowFault:
    """Return what the schema found; what is about no known property stands with the number."""
    place = cast("tuple[str | int, ...]", item["loc"])
    name = str(place[0]) if place else ""
    at = {to_camel(known.value): known for known in RosterField}.get(name)
    texts = {language: message_of(item, language) for language in Language}
    text = Text(en=_literally(texts[Language.EN]), nl=_literally(texts[Language.NL]))
    if at is None:
        text = Text(en=f"{{property}}: {text.en}", nl=f"{{property}}: {text.nl}")
    return RowFault(
        line,
        at or RosterField.PERSONNEL_NUMBER,
        Fault(str(item["type"]), text),
        {} if at else {"property": name[:100]},
    )


def _literally(text: str) -> str:
    """Return a text as a template that holds no facts."""
    return text.replace("{", "{{").replace("}", "}}")
