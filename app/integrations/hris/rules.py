"""An HRIS export as text: how its lines become rows, and what is wrong with a line by itself.

It comes as such systems write it: semicolons or commas, with or without a byte order mark, UTF-8
or Windows-1252, dates as dd-mm-yyyy, hours with a decimal comma, names with a leading infix.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from io import StringIO
from types import MappingProxyType
from typing import Any

from app.integrations.hris.errors import ColumnsMissing, FileUnreadable, TooManyRows
from app.kernel.errors import Fact, Text
from app.kernel.quantities import part
from app.people.roster.rules import Fault, RosterField, RosterRow, RowFault
from app.people.rules import EducationLevel, EmploymentKind

ROW_LIMIT = 20_000
_LONGEST_CELL = 120
_LONGEST_VALUE_SHOWN = 80
_MINUTES_PER_HOUR = 60
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
# Columns that an export may leave out, and cells that may be empty.
_MAY_BE_ABSENT = frozenset(
    {
        RosterField.INFIX,
        RosterField.BORN_ON,
        RosterField.LEFT_ON,
        RosterField.EDUCATION_LEVEL,
    }
)
_MAY_BE_EMPTY = _MAY_BE_ABSENT | {RosterField.MANAGER_NUMBER}

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
_DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_HOURS = re.compile(r"(\d{1,2})(?:[.,](\d{1,2}))?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# What a spreadsheet would run when somebody opens an export of ours.
_FORMULA = ("=", "+", "-", "@")

MISSING = Fault("missing", Text(en="is empty", nl="is leeg"))
NOT_A_DATE = Fault(
    "not-a-date",
    Text(
        en="is no day of the calendar; write dd-mm-yyyy",
        nl="is geen dag op de kalender; schrijf dd-mm-jjjj",
    ),
)
OUT_OF_REACH = Fault(
    "date-out-of-reach",
    Text(
        en="must lie in the years 1900 to 2199",
        nl="moet in de jaren 1900 tot en met 2199 liggen",
    ),
)
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
FORMULA = Fault(
    "formula",
    Text(
        en="looks like a formula of a spreadsheet",
        nl="lijkt op een formule van een rekenblad",
    ),
)
NOT_TEXT = Fault(
    "control-characters",
    Text(
        en="has characters that can not be read",
        nl="bevat tekens die niet te lezen zijn",
    ),
)
TOO_LONG = Fault(
    "too-long",
    Text(
        en="has {length} characters, more than {longest}",
        nl="heeft {length} tekens, meer dan {longest}",
    ),
)
WRONG_WIDTH = Fault(
    "wrong-number-of-cells",
    Text(
        en="the line has {cell_count} cells where the first line has {column_count}",
        nl="de regel heeft {cell_count} cellen; de eerste regel heeft er {column_count}",
    ),
)


class ImportMode(StrEnum):
    """What a fault in one row means for the others."""

    ALL_OR_NOTHING = "all-or-nothing"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file or a list comes to: its good rows, the faults of the others, what was sent.

    ``sent`` holds the cells of each line by field, to quote from; ``broken`` the personnel numbers
    of lines that could not be read.
    """

    rows: list[RosterRow]
    faults: list[RowFault]
    sent: Mapping[int, Mapping[RosterField, str]]
    broken: frozenset[str]
    ignored_columns: tuple[str, ...] = ()


class _Unreadable(Exception):
    """A cell that can not be read; caught where its line is known."""

    def __init__(self, fault: Fault, **facts: Fact) -> None:
        super().__init__(fault.code)
        self.fault = fault
        self.facts = facts


@dataclass(slots=True)
class _Line:
    number: int
    cells: Mapping[RosterField, str]
    faults: list[RowFault] = field(default_factory=list[RowFault])


def read_export(content: bytes) -> Reading:
    """Return the rows of an export, with every fault of every line that can not be read.

    Blank lines are passed over and columns that are not known ignored; lines are counted as an
    editor does, the first being 1.

    Raises:
        FileUnreadable: it is no text, or no CSV.
        ColumnsMissing: the first line lacks a column, or has one twice.
        TooManyRows: there are more than ``ROW_LIMIT``.
    """
    lines = _cells(_decode(content))
    header = next((cells for _, cells in lines), list[str]())
    columns, ignored = _columns(header)
    read = [
        _line(number, cells, columns, width=len(header)) for number, cells in lines if any(cells)
    ]
    if len(read) > ROW_LIMIT:
        raise TooManyRows(row_count=len(read), row_limit=ROW_LIMIT)
    return _reading(read, ignored)


def shown(value: str) -> str:
    """Return a value as an answer quotes it: on one line, cut off when long, all of it visible."""
    visible = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", value)
    if len(visible) <= _LONGEST_VALUE_SHOWN:
        return visible
    return visible[: _LONGEST_VALUE_SHOWN - 1] + "\N{HORIZONTAL ELLIPSIS}"


def is_formula(value: str) -> bool:
    """Tell whether a spreadsheet would take the value for a formula, and run it."""
    return value.startswith(_FORMULA)


def _decode(content: bytes) -> str:
    """Return the text of a file: UTF-8 with or without its mark, else Windows-1252.

    Raises:
        FileUnreadable: it is neither.
    """
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileUnreadable


def _cells(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line it begins on; cells without the space around them."""
    first = text.partition("\n")[0]
    delimiter = max(";,\t", key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for record in reader:
            yield begins, [cell.strip() for cell in record]
            begins = reader.line_num + 1
    except csv.Error:
        raise FileUnreadable from None


def _columns(header: Sequence[str]) -> tuple[dict[RosterField, int], tuple[str, ...]]:
    known = {name.casefold(): at for at, name in HEADERS.items()}
    columns: dict[RosterField, int] = {}
    ignored: list[str] = []
    twice: list[str] = []
    for index, name in enumerate(header):
        at = known.get(name.casefold())
        if at is None:
            ignored.append(shown(name))
        elif at in columns:
            twice.append(HEADERS[at])
        else:
            columns[at] = index
    missing = [HEADERS[at] for at in HEADERS if at not in columns and at not in _MAY_BE_ABSENT]
    if missing or twice:
        raise ColumnsMissing(missing_columns=missing + twice)
    return columns, tuple(ignored)


def _line(
    number: int, cells: Sequence[str], columns: Mapping[RosterField, int], *, width: int
) -> _Line:
    line = _Line(number, {at: cells[i] for at, i in columns.items() if i < len(cells)})
    if len(cells) != width:
        facts: dict[str, Fact] = {"cell_count": len(cells), "column_count": width}
        line.faults.append(RowFault(number, RosterField.PERSONNEL_NUMBER, WRONG_WIDTH, facts))
    return line


def _reading(lines: Sequence[_Line], ignored: tuple[str, ...]) -> Reading:
    rows: list[RosterRow] = []
    faults: list[RowFault] = []
    broken: set[str] = set()
    for line in lines:
        row = None if line.faults else _row(line)
        if row is None:
            broken.add(line.cells.get(RosterField.PERSONNEL_NUMBER, ""))
        else:
            rows.append(row)
        faults += line.faults
    return Reading(
        rows=rows,
        faults=faults,
        sent={line.number: line.cells for line in lines},
        broken=frozenset(broken),
        ignored_columns=ignored,
    )


def _row(line: _Line) -> RosterRow | None:
    """Return the row of a line; None when a cell can not be read, which ``line.faults`` tells."""
    values: dict[str, Any] = {}
    for at, read in _READ.items():
        cell = line.cells.get(at, "")
        try:
            values[at.value] = _read(at, cell, read)
        except _Unreadable as unreadable:
            line.faults.append(RowFault(line.number, at, unreadable.fault, unreadable.facts))
    return None if line.faults else RosterRow(line=line.number, **values)


def _read(at: RosterField, cell: str, read: Callable[[str], object]) -> object:
    if not cell:
        if at in _MAY_BE_EMPTY:
            return None
        raise _Unreadable(MISSING)
    if _CONTROL.search(cell):
        raise _Unreadable(NOT_TEXT)
    return read(cell)


def _text(cell: str) -> str:
    if is_formula(cell):
        raise _Unreadable(FORMULA)
    if len(cell) > _LONGEST_CELL:
        raise _Unreadable(TOO_LONG, length=len(cell), longest=_LONGEST_CELL)
    return " ".join(cell.split())


def _personnel_number(cell: str) -> str:
    if not _NUMBER.fullmatch(cell):
        raise _Unreadable(NOT_A_NUMBER)
    return cell


def _address(cell: str) -> str:
    if is_formula(cell):
        raise _Unreadable(FORMULA)
    if len(cell) > 254 or not _EMAIL.fullmatch(cell):  # noqa: PLR2004 - RFC 5321, 4.5.3.1.3
        raise _Unreadable(NOT_AN_ADDRESS)
    return cell


def _day(cell: str) -> date:
    """Return a day written dd-mm-yyyy (or with slashes or dots), or yyyy-mm-dd."""
    if match := _DAY_FIRST.fullmatch(cell):
        day, month, year = map(int, match.groups())
    elif match := _YEAR_FIRST.fullmatch(cell):
        year, month, day = map(int, match.groups())
    else:
        raise _Unreadable(NOT_A_DATE)
    try:
        found = date(year, month, day)
    except ValueError:
        raise _Unreadable(NOT_A_DATE) from None
    if not 1900 <= year <= 2199:  # noqa: PLR2004 - the bounds are said in the fault
        raise _Unreadable(OUT_OF_REACH)
    return found


def _weekly_minutes(cell: str) -> int:
    """Return hours with at most two decimals as minutes; half a minute is rounded up."""
    match = _HOURS.fullmatch(cell)
    if match is None:
        raise _Unreadable(NOT_HOURS)
    hundredths = int((match[2] or "0").ljust(2, "0"))
    minutes = int(match[1]) * _MINUTES_PER_HOUR + part(
        hundredths, numerator=_MINUTES_PER_HOUR, denominator=100
    )
    if minutes > _MOST_HOURS * _MINUTES_PER_HOUR:
        raise _Unreadable(NOT_HOURS)
    return minutes


def _kind(cell: str) -> EmploymentKind:
    try:
        return _KINDS[cell.casefold()]
    except KeyError:
        raise _Unreadable(UNKNOWN_KIND) from None


def _level(cell: str) -> EducationLevel:
    try:
        return _LEVELS[cell.casefold().replace(" ", "-")]
    except KeyError:
        raise _Unreadable(UNKNOWN_LEVEL) from None


_READ: Mapping[RosterField, Callable[[str], object]] = {
    RosterField.PERSONNEL_NUMBER: _personnel_number,
    RosterField.GIVEN_NAME: _text,
    RosterField.INFIX: _text,
    RosterField.FAMILY_NAME: _text,
    RosterField.EMAIL: _address,
    RosterField.BORN_ON: _day,
    RosterField.DEPARTMENT: _text,
    RosterField.TEAM: _text,
    RosterField.FUNCTION: _text,
    RosterField.MANAGER_NUMBER: _personnel_number,
    RosterField.HIRED_ON: _day,
    RosterField.LEFT_ON: _day,
    RosterField.CONTRACT_MINUTES_PER_WEEK: _weekly_minutes,
    RosterField.KIND: _kind,
    RosterField.EDUCATION_LEVEL: _level,
}
