"""An HRIS export: its columns, how each cell is read, and the rows that come of it.

Dates come as dd-mm-yyyy, hours with a decimal comma, names with a leading infix.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from app.integrations.hris.errors import ColumnsMissing, TooManyRows
from app.integrations.sheets.rules import (
    FORMULA,
    MINUTES_PER_HOUR,
    NOT_A_DATE,
    Columns,
    Unreadable,
    civil_day,
    is_code,
    is_formula,
    one_line,
    read_cells,
    read_sheet,
    text_of_cell,
)
from app.kernel.addresses import is_address
from app.kernel.errors import Text
from app.kernel.faults import Fault
from app.kernel.quantities import part
from app.people.roster.rules import RosterFault, RosterField, RosterRow
from app.people.rules import EducationLevel, EmploymentKind

ROW_LIMIT = 20_000
_LONGEST_CELL = 120
_MOST_HOURS = 60

HEADERS: Mapping[RosterField, str] = MappingProxyType(
    {
        RosterField.PERSONNEL_NUMBER: "Personeelsnummer",
        RosterField.GIVEN_NAME: "Voornaam",
        RosterField.INFIX: "Tussenvoegsel",
        RosterField.FAMILY_NAME: "Achternaam",
        RosterField.EMAIL: "E-mail werk",
        RosterField.BORN_ON: "Geboortedatum",
        RosterField.DEPARTMENT: "Afdeling",
        RosterField.TEAM: "Team",
        RosterField.FUNCTION: "Functie",
        RosterField.MANAGER_NUMBER: "Leidinggevende (persnr)",
        RosterField.HIRED_ON: "Datum in dienst",
        RosterField.LEFT_ON: "Datum uit dienst",
        RosterField.CONTRACT_MINUTES_PER_WEEK: "Uren per week",
        RosterField.KIND: "Soort dienstverband",
        RosterField.EDUCATION_LEVEL: "Opleidingsniveau",
    }
)
COLUMNS = Columns(
    HEADERS,
    key=RosterField.PERSONNEL_NUMBER,
    refusal=ColumnsMissing,
    may_be_absent=frozenset(
        {
            RosterField.INFIX,
            RosterField.BORN_ON,
            RosterField.LEFT_ON,
            RosterField.EDUCATION_LEVEL,
        }
    ),
)

_KINDS = {
    "vast": EmploymentKind.PERMANENT,
    "tijdelijk": EmploymentKind.TEMPORARY,
    "inhuur": EmploymentKind.HIRED,
}
_LEVELS = {
    **{level.value.replace("_", "-"): level for level in EducationLevel},
    "basisonderwijs": EducationLevel.PRIMARY,
    "ad": EducationLevel.ASSOCIATE_DEGREE,
}
_DAY = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_HOURS = re.compile(r"(\d{1,2})(?:[.,](\d{1,2}))?")

NOT_HOURS = Fault(
    "not-hours",
    Text(
        en="is no number of hours from 0 to 60, such as 36,00",
        nl="is geen aantal uren van 0 tot en met 60, zoals 36,00",
    ),
)
NOT_AN_ADDRESS = Fault("not-an-address", Text(en="is no e-mail address", nl="is geen e-mailadres"))
NOT_A_NUMBER = Fault(
    "not-a-personnel-number",
    Text(
        en="is no personnel number: letters, digits and . _ / -, at most 64",
        nl="is geen personeelsnummer: letters, cijfers en . _ / -, ten hoogste 64",
    ),
)
UNKNOWN_KIND = Fault(
    "unknown-kind",
    Text(en="must be vast, tijdelijk or inhuur", nl="moet vast, tijdelijk of inhuur zijn"),
)
UNKNOWN_LEVEL = Fault(
    "unknown-education-level",
    Text(
        en="is no known level, such as mbo-4, hbo or wo",
        nl="is geen bekend niveau, zoals mbo-4, hbo of wo",
    ),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file or a list comes to: its good rows, the faults of the others, what was sent.

    ``sent`` holds the cells of each line by field, to quote from; ``broken`` the personnel numbers
    of lines that could not be read; ``absent`` the fields that a file has no column for.
    """

    rows: list[RosterRow]
    faults: list[RosterFault]
    sent: Mapping[int, Mapping[RosterField, str]]
    broken: frozenset[str]
    absent: frozenset[RosterField] = frozenset()
    ignored_columns: tuple[str, ...] = ()


def read_export(content: bytes) -> Reading:
    """Return the rows of an export, with every fault of every line that can not be read.

    Raises:
        FileUnreadable: it is no text, or no CSV.
        ColumnsMissing: the first line lacks a column, or has one twice.
        TooManyRows: there are more than ``ROW_LIMIT``.
    """
    sheet = read_sheet(content, COLUMNS)
    if len(sheet.lines) > ROW_LIMIT:
        raise TooManyRows(row_count=len(sheet.lines), row_limit=ROW_LIMIT)
    rows: list[RosterRow] = []
    broken: set[str] = set()
    for line in sheet.lines:
        values = read_cells(line, _READ)
        if values is None:
            broken.add(line.cells.get(RosterField.PERSONNEL_NUMBER, ""))
        else:
            rows.append(RosterRow(line=line.number, **values))
    return Reading(
        rows=rows,
        faults=[fault for line in sheet.lines for fault in line.faults],
        sent={line.number: line.cells for line in sheet.lines},
        broken=frozenset(broken),
        absent=frozenset(RosterField) - sheet.present,
        ignored_columns=sheet.ignored_columns,
    )


def _if_any(read: Callable[[str], object]) -> Callable[[str], object]:
    """Return the reader of a cell that may be empty."""
    return lambda cell: read(cell) if cell else None


def _text(cell: str) -> str:
    return " ".join(text_of_cell(cell, _LONGEST_CELL).split())


def _personnel_number(cell: str) -> str:
    if not is_code(one_line(cell)):
        raise Unreadable(NOT_A_NUMBER)
    return cell


def _address(cell: str) -> str:
    if is_formula(one_line(cell)):
        raise Unreadable(FORMULA)
    if not is_address(cell):
        raise Unreadable(NOT_AN_ADDRESS)
    return cell


def _day(cell: str) -> date:
    """Return a day written dd-mm-yyyy (or with slashes or dots), or yyyy-mm-dd."""
    if match := _DAY.fullmatch(one_line(cell)):
        day, month, year = map(int, match.groups())
    elif match := _YEAR_FIRST.fullmatch(cell):
        year, month, day = map(int, match.groups())
    else:
        raise Unreadable(NOT_A_DATE)
    return civil_day(year, month, day)


def _weekly_minutes(cell: str) -> int:
    """Return hours with at most two decimals as minutes; half a minute is rounded up."""
    match = _HOURS.fullmatch(one_line(cell))
    if match is None:
        raise Unreadable(NOT_HOURS)
    hundredths = int((match[2] or "0").ljust(2, "0"))
    minutes = int(match[1]) * MINUTES_PER_HOUR + part(
        hundredths, numerator=MINUTES_PER_HOUR, denominator=100
    )
    if minutes > _MOST_HOURS * MINUTES_PER_HOUR:
        raise Unreadable(NOT_HOURS)
    return minutes


def _kind(cell: str) -> EmploymentKind:
    try:
        return _KINDS[one_line(cell).casefold()]
    except KeyError:
        raise Unreadable(UNKNOWN_KIND) from None


def _level(cell: str) -> EducationLevel:
    try:
        return _LEVELS[one_line(cell).casefold().replace(" ", "-")]
    except KeyError:
        raise Unreadable(UNKNOWN_LEVEL) from None


_READ: Mapping[RosterField, Callable[[str], object]] = {
    RosterField.PERSONNEL_NUMBER: _personnel_number,
    RosterField.GIVEN_NAME: _text,
    RosterField.INFIX: _if_any(_text),
    RosterField.FAMILY_NAME: _text,
    RosterField.EMAIL: _address,
    RosterField.BORN_ON: _if_any(_day),
    RosterField.DEPARTMENT: _text,
    RosterField.TEAM: _text,
    RosterField.FUNCTION: _text,
    RosterField.MANAGER_NUMBER: _if_any(_personnel_number),
    RosterField.HIRED_ON: _day,
    RosterField.LEFT_ON: _if_any(_day),
    RosterField.CONTRACT_MINUTES_PER_WEEK: _weekly_minutes,
    RosterField.KIND: _kind,
    RosterField.EDUCATION_LEVEL: _if_any(_level),
}
