"""A sheet (lijst) as HR's systems write it: how its text becomes cells, and a cell a value.

It comes with semicolons, commas or tabs, with or without a byte order mark, in UTF-8 or
Windows-1252. What its rows are about, an import says itself: its columns and how each is read.
"""

import csv
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from io import StringIO
from typing import Any, Generic

from app.integrations.sheets.errors import FileUnreadable
from app.kernel.errors import Fact, Refusal, Text
from app.kernel.faults import At, Fault, RowFault

MINUTES_PER_HOUR = 60
MOST_ERRORS_TOLD = 1000
_LONGEST_VALUE_SHOWN = 80
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# What a spreadsheet would run when somebody opens an export of ours.
_FORMULA = ("=", "+", "-", "@")
_DAY_FIRST = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{4})")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")

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


class Unreadable(Exception):
    """A cell that can not be read; caught where its line is known."""

    def __init__(self, fault: Fault, **facts: Fact) -> None:
        super().__init__(fault.code)
        self.fault = fault
        self.facts = facts


@dataclass(frozen=True, slots=True)
class Columns(Generic[At]):
    """The columns of a sheet: their headers, and which of them it may leave out.

    A fault of a whole line stands with ``key``; a first line that lacks a column, or has one
    twice, is refused by ``refusal``.
    """

    headers: Mapping[At, str]
    key: At
    refusal: type[Refusal]
    may_be_absent: frozenset[At] = frozenset()


@dataclass(slots=True)
class Line(Generic[At]):
    """A line of a sheet: its cells by field, and what is wrong with them."""

    number: int
    cells: Mapping[At, str]
    faults: list[RowFault[At]]


@dataclass(frozen=True, slots=True)
class Sheet(Generic[At]):
    """What a sheet holds: its lines, the fields it has a column for, the headers nobody knows."""

    lines: list[Line[At]]
    present: frozenset[At]
    ignored_columns: tuple[str, ...] = field(default=())


def read_sheet(content: bytes, columns: Columns[At]) -> Sheet[At]:
    """Return the lines of a sheet; one of another width than the first line has a fault.

    Blank lines are passed over and columns that are not known ignored; lines are counted as an
    editor does, the first being 1.

    Raises:
        FileUnreadable: it is no text, or no CSV.
        Refusal: the first line lacks a column, or has one twice (``columns.refusal``).
    """
    records = _records(_text_of(content))
    header = next((cells for _, cells in records), list[str]())
    places, ignored = _places(header, columns)
    lines = [
        _line(number, cells, places, columns.key, width=len(header))
        for number, cells in records
        if any(cells)
    ]
    return Sheet(lines, frozenset(places), ignored)


def read_cells(
    line: Line[At], readers: Mapping[At, Callable[[str], object]]
) -> dict[str, Any] | None:
    """Return the values of a line by field; None when it has faults, which ``line.faults`` tells.

    A field that the sheet has no column for is read from an empty cell.
    """
    if line.faults:
        return None
    values: dict[str, Any] = {}
    for at, read in readers.items():
        try:
            values[at.value] = read(line.cells.get(at, ""))
        except Unreadable as unreadable:
            line.faults.append(RowFault(line.number, at, unreadable.fault, unreadable.facts))
    return None if line.faults else values


def shown(value: str) -> str:
    """Return a value as an answer quotes it: on one line, cut off when long, all of it visible."""
    visible = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", value)
    if len(visible) <= _LONGEST_VALUE_SHOWN:
        return visible
    return visible[: _LONGEST_VALUE_SHOWN - 1] + "\N{HORIZONTAL ELLIPSIS}"


def is_formula(value: str) -> bool:
    """Tell whether a spreadsheet would take the value for a formula, and run it."""
    return value.startswith(_FORMULA)


def is_code(cell: str) -> bool:
    """Tell whether a cell can be a reference or a number of a person: letters, digits, . _ / -."""
    return _CODE.fullmatch(cell) is not None


def given(cell: str) -> str:
    """Return a cell that may not be empty.

    Raises:
        Unreadable: it is.
    """
    if not cell:
        raise Unreadable(MISSING)
    return cell


def one_line(cell: str) -> str:
    """Return a cell that is not empty and holds nothing unseen.

    Raises:
        Unreadable: it is, or does.
    """
    if _CONTROL.search(given(cell)):
        raise Unreadable(NOT_TEXT)
    return cell


def text_of_cell(cell: str, longest: int) -> str:
    """Return a cell of one line, at most ``longest`` characters, that no spreadsheet would run.

    Raises:
        Unreadable: it is something else.
    """
    if is_formula(one_line(cell)):
        raise Unreadable(FORMULA)
    return bounded(cell, longest)


def bounded(cell: str, longest: int) -> str:
    """Return a cell of at most ``longest`` characters.

    Raises:
        Unreadable: it is longer.
    """
    if len(cell) > longest:
        raise Unreadable(TOO_LONG, length=len(cell), longest=longest)
    return cell


def day_of_cell(cell: str) -> date:
    """Return a day written dd-mm-yyyy.

    Raises:
        Unreadable: it is written otherwise, or no such day.
    """
    match = _DAY_FIRST.fullmatch(given(cell))
    if match is None:
        raise Unreadable(NOT_A_DATE)
    day, month, year = map(int, match.groups())
    return civil_day(year, month, day)


def civil_day(year: int, month: int, day: int) -> date:
    """Return a day of the calendar.

    Raises:
        Unreadable: there is no such day, or it lies before 1900 or after 2199.
    """
    try:
        found = date(year, month, day)
    except ValueError:
        raise Unreadable(NOT_A_DATE) from None
    if not 1900 <= year <= 2199:  # noqa: PLR2004 - the bounds are said in the fault
        raise Unreadable(OUT_OF_REACH)
    return found


def _text_of(content: bytes) -> str:
    """Return the text of a file: UTF-8 with or without its mark, else Windows-1252.

    Raises:
        FileUnreadable: it is neither; what bears the mark of UTF-16 is not.
    """
    if not content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        for encoding in ("utf-8-sig", "cp1252"):
            try:
                return content.decode(encoding)
            except UnicodeDecodeError:
                continue
    raise FileUnreadable


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
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


def _places(header: Sequence[str], columns: Columns[At]) -> tuple[dict[At, int], tuple[str, ...]]:
    """Return in which column each field stands, and the headers that name none."""
    known = {name.casefold(): at for at, name in columns.headers.items()}
    places: dict[At, int] = {}
    ignored: list[str] = []
    twice: list[str] = []
    for index, name in enumerate(header):
        at = known.get(name.casefold())
        if at is None:
            ignored.append(shown(name))
        elif at in places:
            twice.append(columns.headers[at])
        else:
            places[at] = index
    missing = [
        name
        for at, name in columns.headers.items()
        if at not in places and at not in columns.may_be_absent
    ]
    if missing or twice:
        raise columns.refusal(missing_columns=missing + twice)
    return places, tuple(ignored)


def _line(
    number: int, cells: Sequence[str], places: Mapping[At, int], key: At, *, width: int
) -> Line[At]:
    line = Line[At](number, {at: cells[i] for at, i in places.items() if i < len(cells)}, [])
    if len(cells) != width:
        facts: dict[str, Fact] = {"cell_count": len(cells), "column_count": width}
        line.faults.append(RowFault(number, key, WRONG_WIDTH, facts))
    return line
