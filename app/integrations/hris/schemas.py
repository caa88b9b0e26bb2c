"""The import of employees on the wire."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import ConfigDict, Field, ValidationError

from app.http.schemas import Code, Count, Day, EmailText, In, Name, Out, at_most
from app.integrations.hris.errors import TooManyRows
from app.integrations.hris.rules import ROW_LIMIT, Reading
from app.integrations.sheets.rules import FORMULA, MOST_ERRORS_TOLD, ImportMode, is_formula
from app.integrations.sheets.schemas import RowErrorOut, faults_in, sent_in
from app.kernel.faults import RowFault
from app.people.roster.rules import RosterFault, RosterField, RosterRow
from app.people.rules import EducationLevel, EmploymentKind
from app.people.schemas import WeeklyMinutes

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
    faults: list[RosterFault] = []
    broken: set[str] = set()
    sent: dict[int, dict[RosterField, str]] = {}
    for line, record in enumerate(records, start=1):
        sent[line] = sent_in(record, RosterField)
        try:
            row = EmployeeRowIn.model_validate(record)
        except ValidationError as invalid:
            found = faults_in(line, invalid, RosterField, key=RosterField.PERSONNEL_NUMBER)
        else:
            found = [
                RowFault(line, at, FORMULA) for at in _TEXTS if is_formula(sent[line].get(at, ""))
            ]
            rows += [] if found else [RosterRow(line=line, **row.model_dump())]
        if found:
            broken.add(sent[line].get(RosterField.PERSONNEL_NUMBER, ""))
        faults += found
    return Reading(rows=rows, faults=faults, sent=sent, broken=frozenset(broken))
