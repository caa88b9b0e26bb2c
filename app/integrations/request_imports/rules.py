"""A tranche's list of requests as text: how its lines become requests, and what is wrong with one.

It comes as an HR department keeps it: semicolons, a byte order mark, dates as dd-mm-yyyy, amounts
and hours with a decimal comma, several personnel numbers in one cell.
"""

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from io import StringIO
from types import MappingProxyType
from typing import Any
from uuid import UUID

from app.integrations.hris.errors import FileUnreadable
from app.integrations.hris.rules import is_formula
from app.integrations.request_imports.errors import RequestColumnsMissing, TooManyRequestRows
from app.kernel.calendar import AMSTERDAM
from app.kernel.errors import Fact, Text
from app.kernel.identifiers import new_id
from app.kernel.quantities import Cents, Minutes, part
from app.policy.rules import Criterion
from app.requests.rules import (
    CostLine,
    Draft,
    Ground,
    TrainingBasis,
    TrainingKind,
    TrainingSession,
    TrancheKey,
    holds_bsn,
    spread_sessions,
    spread_study,
    vat_on,
)

ROW_LIMIT = 2_000
PARTICIPANT_LIMIT = 250
_LONGEST_LINE = 200
_LONGEST_PROSE = 4_000
_MOST_CENTS = 10**12
_MOST_MINUTES = 600_000
_LONGEST_VALUE_SHOWN = 80
_MINUTES_PER_HOUR = 60
_COST_OF_THE_COURSE = "Opleidingskosten"


class RequestField(StrEnum):
    REFERENCE = "reference"
    PERSONNEL_NUMBERS = "personnel_numbers"
    TITLE = "title"
    PROVIDER = "provider"
    STARTS_ON = "starts_on"
    ENDS_ON = "ends_on"
    AMOUNT_CENTS = "amount_cents"
    VAT_BASIS_POINTS = "vat_basis_points"
    WORKING_MINUTES = "working_minutes"
    OWN_MINUTES = "own_minutes"
    BASIS = "basis"
    MOTIVATION = "motivation"
    CONVERSATION_ON = "conversation_on"
    SUBMITTED_AT = "submitted_at"


HEADERS: Mapping[RequestField, str] = MappingProxyType(
    {
        RequestField.REFERENCE: "Aanvraag",
        RequestField.PERSONNEL_NUMBERS: "Personeelsnummer(s)",
        RequestField.TITLE: "Opleiding",
        RequestField.PROVIDER: "Opleider",
        RequestField.STARTS_ON: "Startdatum",
        RequestField.ENDS_ON: "Einddatum",
        RequestField.AMOUNT_CENTS: "Kosten (excl. btw, p.p.)",
        RequestField.VAT_BASIS_POINTS: "Btw %",
        RequestField.WORKING_MINUTES: "Uren werktijd",
        RequestField.OWN_MINUTES: "Uren eigen tijd",
        RequestField.BASIS: "Grondslag",
        RequestField.MOTIVATION: "Motivering",
        RequestField.CONVERSATION_ON: "Gesprek op",
        RequestField.SUBMITTED_AT: "Ingediend op",
    }
)

BASES: Mapping[str, TrainingBasis] = MappingProxyType(
    {
        "wettelijk verplicht": TrainingBasis.STATUTORY,
        "functiegebonden": TrainingBasis.NECESSARY_FOR_FUNCTION,
        "eigen ontwikkeling": TrainingBasis.VOLUNTARY,
    }
)
# The list has no column for the criteria claimed: its basis stands for them.
CLAIMED: Mapping[TrainingBasis, tuple[Criterion, ...]] = MappingProxyType(
    {
        TrainingBasis.STATUTORY: (Criterion.LEGAL_AND_FUNCTION,),
        TrainingBasis.CAO: (Criterion.LEGAL_AND_FUNCTION,),
        TrainingBasis.PUBLIC_RULE: (Criterion.LEGAL_AND_FUNCTION,),
        TrainingBasis.NECESSARY_FOR_FUNCTION: (
            Criterion.LEGAL_AND_FUNCTION,
            Criterion.TEAM_AND_FUNCTION,
        ),
        TrainingBasis.IMPROVEMENT_PLAN: (Criterion.TEAM_AND_FUNCTION,),
        TrainingBasis.VOLUNTARY: (Criterion.INDIVIDUAL_DEVELOPMENT,),
        TrainingBasis.UNKNOWN: (Criterion.INDIVIDUAL_DEVELOPMENT,),
    }
)
# Nor for the kind: what the title says, else a course (SER-24).
_KIND_BY_WORD: Mapping[str, TrainingKind] = {
    "examen": TrainingKind.EXAM,
    "werkervaring": TrainingKind.WORK_EXPERIENCE,
    "stage": TrainingKind.INTERNSHIP,
    "congres": TrainingKind.CONFERENCE,
    "coaching": TrainingKind.COACHING,
    "master": TrainingKind.EDUCATION,
    "hbo": TrainingKind.EDUCATION,
}

_DAY = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{4})")
_MOMENT = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{4}) (\d{1,2}):(\d{2})")
_AMOUNT = re.compile(r"(\d{1,3}(?:\.\d{3})*|\d+)(?:,(\d{1,2}))?")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_IN_PROSE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can be wrong with a cell."""

    code: str
    text: Text


MISSING = Fault("missing", Text(en="is empty", nl="is leeg"))
NOT_A_DATE = Fault(
    "not-a-date",
    Text(
        en="is no day of the calendar; write dd-mm-yyyy",
        nl="is geen dag op de kalender; schrijf dd-mm-jjjj",
    ),
)
NOT_A_MOMENT = Fault(
    "not-a-moment",
    Text(
        en="is no moment in Amsterdam; write dd-mm-yyyy hh:mm",
        nl="is geen moment in Amsterdam; schrijf dd-mm-jjjj uu:mm",
    ),
)
OUT_OF_REACH = Fault(
    "date-out-of-reach",
    Text(
        en="must lie in the years 1900 to 2199", nl="moet in de jaren 1900 tot en met 2199 liggen"
    ),
)
NOT_AN_AMOUNT = Fault(
    "not-an-amount",
    Text(en="is no amount such as 1.190,00", nl="is geen bedrag zoals 1.190,00"),
)
NOT_A_PERCENTAGE = Fault(
    "not-a-percentage",
    Text(en="is no percentage from 0 to 100", nl="is geen percentage van 0 tot en met 100"),
)
NOT_HOURS = Fault(
    "not-hours", Text(en="is no number of hours such as 7,5", nl="is geen aantal uren zoals 7,5")
)
NO_HOURS = Fault(
    "no-hours",
    Text(
        en="is 0, and so are the hours in own time", nl="is 0, en de uren eigen tijd zijn dat ook"
    ),
)
NOT_A_REFERENCE = Fault(
    "not-a-reference",
    Text(
        en="is no reference: letters, digits and . _ / -, at most 64",
        nl="is geen kenmerk: letters, cijfers en . _ / -, ten hoogste 64",
    ),
)
NOT_PERSONNEL_NUMBERS = Fault(
    "not-personnel-numbers",
    Text(
        en="is no list of personnel numbers, apart by commas, at most 250",
        nl="is geen lijst van personeelsnummers, gescheiden door komma's, ten hoogste 250",
    ),
)
UNKNOWN_BASIS = Fault(
    "unknown-basis",
    Text(
        en="must be Wettelijk verplicht, Functiegebonden or Eigen ontwikkeling",
        nl="moet Wettelijk verplicht, Functiegebonden of Eigen ontwikkeling zijn",
    ),
)
FORMULA = Fault(
    "formula",
    Text(en="looks like a formula of a spreadsheet", nl="lijkt op een formule van een rekenblad"),
)
NOT_TEXT = Fault(
    "control-characters",
    Text(en="has characters that can not be read", nl="bevat tekens die niet te lezen zijn"),
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
TWICE_IN_FILE = Fault(
    "twice-in-file",
    Text(en="stands on line {first_line} too", nl="staat ook op regel {first_line}"),
)
UNKNOWN_EMPLOYEE = Fault(
    "unknown-personnel-number",
    Text(
        en="nobody here has number {personnel_numbers}",
        nl="niemand hier heeft nummer {personnel_numbers}",
    ),
)


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with one cell of one line."""

    line: int
    at: RequestField
    fault: Fault
    facts: Mapping[str, Fact] = field(default_factory=dict[str, Fact])


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One request of the list, as its line says it."""

    line: int
    reference: str
    personnel_numbers: tuple[str, ...]
    title: str
    provider: str
    starts_on: date
    ends_on: date
    amount_cents: int
    vat_basis_points: int
    working_minutes: int
    own_minutes: int
    basis: TrainingBasis
    motivation: str
    conversation_on: date | None
    submitted_at: datetime

    @property
    def digest(self) -> str:
        """What the row is recognised by when it comes again: the SHA-256 of all it says."""
        said = {name: value for name, value in asdict(self).items() if name != "line"}
        return hashlib.sha256(repr(said).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file or a list comes to: its good rows, the faults of the others, what was sent.

    ``sent`` holds the cells of each line by field, to quote from.
    """

    rows: tuple[ImportRow, ...]
    faults: tuple[RowFault, ...]
    sent: Mapping[int, Mapping[RequestField, str]]


class _Unreadable(Exception):
    """A cell that can not be read; caught where its line is known."""

    def __init__(self, fault: Fault, **facts: Fact) -> None:
        super().__init__(fault.code)
        self.fault = fault
        self.facts = facts


@dataclass(slots=True)
class _Line:
    number: int
    cells: Mapping[RequestField, str]
    faults: list[RowFault] = field(default_factory=list[RowFault])


def read_list(content: bytes) -> Reading:
    """Return the requests of a list, with every fault of every line that can not be read.

    Blank lines are passed over and columns that are not known ignored; lines are counted as an
    editor does, the first being 1.

    Raises:
        FileUnreadable: it is no text in UTF-8, or no CSV.
        RequestColumnsMissing: the first line lacks a column, or has one twice.
        TooManyRequestRows: there are more than ``ROW_LIMIT``.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileUnreadable from None
    lines = _cells(text)
    header = next(lines, (1, ()))[1]
    columns = _columns(header)
    read = [
        _line(number, cells, columns, width=len(header)) for number, cells in lines if any(cells)
    ]
    rows = [row for line in read if not line.faults and (row := _row(line)) is not None]
    faults = [fault for line in read for fault in line.faults]
    return as_reading(rows, faults, {line.number: line.cells for line in read})


def as_reading(
    rows: Sequence[ImportRow],
    faults: Sequence[RowFault],
    sent: Mapping[int, Mapping[RequestField, str]],
) -> Reading:
    """Return rows and faults as a reading; a reference that comes again is a fault too.

    Raises:
        TooManyRequestRows: there are more than ``ROW_LIMIT``.
    """
    check_count(len(sent))
    good, repeated = _apart_repeated(rows)
    ordered = sorted([*faults, *repeated], key=lambda fault: fault.line)
    return Reading(rows=good, faults=tuple(ordered), sent=sent)


def check_count(row_count: int) -> None:
    """Refuse more rows than one import takes.

    Raises:
        TooManyRequestRows: there are more than ``ROW_LIMIT``.
    """
    if row_count > ROW_LIMIT:
        raise TooManyRequestRows(row_count=row_count, row_limit=ROW_LIMIT)


def _apart_repeated(
    rows: Sequence[ImportRow],
) -> tuple[tuple[ImportRow, ...], tuple[RowFault, ...]]:
    """Return the rows that are the first with their reference, and a fault for each other one."""
    first: dict[str, int] = {}
    good: list[ImportRow] = []
    faults: list[RowFault] = []
    for row in rows:
        seen = first.setdefault(row.reference, row.line)
        if seen == row.line:
            good.append(row)
        else:
            facts: dict[str, Fact] = {"first_line": seen}
            faults.append(RowFault(row.line, RequestField.REFERENCE, TWICE_IN_FILE, facts))
    return tuple(good), tuple(faults)


def draft_of(row: ImportRow, participant_ids: tuple[UUID, ...]) -> Draft:
    """Return what a row asks for; its hours, known in total, are spread over the days (VIS-8.1).

    Raises:
        DatesReversed: the training ends before it starts.
        HoursDoNotFit: more hours than its days hold at eight a day.
    """
    amount = Cents(row.amount_cents)
    line = CostLine(
        what=_COST_OF_THE_COURSE,
        amount_cents=amount,
        vat_cents=vat_on(amount, basis_points=row.vat_basis_points),
        per_participant=True,
    )
    return Draft(
        title=row.title,
        provider=row.provider,
        kind=kind_of(row.title),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        motivation=row.motivation,
        conversation_on=row.conversation_on,
        basis=row.basis,
        basis_source=None,
        basis_reason=None,
        participant_ids=participant_ids,
        sessions=tuple(
            TrainingSession(new_id(), held_on, minutes, working_time, estimated=True)
            for total, working_time, spread in (
                (row.working_minutes, True, spread_sessions),
                (row.own_minutes, False, spread_study),
            )
            for held_on, minutes in spread(row.starts_on, row.ends_on, Minutes(total))
        ),
        cost_lines=(line,) if line.cost_cents else (),
        grounds=tuple(Ground(criterion, row.motivation) for criterion in CLAIMED[row.basis]),
    )


def kind_of(title: str) -> TrainingKind:
    """Return what sort of learning a title tells of; a course when it does not say (SER-24)."""
    words = re.findall(r"\w+", title.casefold())
    return next(
        (_KIND_BY_WORD[word] for word in words if word in _KIND_BY_WORD), TrainingKind.COURSE
    )


def usual_tranche(keys: Iterable[TrancheKey]) -> TrancheKey | None:
    """Return the tranche that most requests of a list fall in, the later one of two; or None."""
    times = Counter(keys)
    return max(times, key=lambda key: (times[key], key.closes_on), default=None)


def shown(value: str) -> str:
    """Return a value as an answer quotes it: one line, not too long, no number of a citizen."""
    visible = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", value)
    if holds_bsn(visible):
        return ""
    if len(visible) <= _LONGEST_VALUE_SHOWN:
        return visible
    return visible[: _LONGEST_VALUE_SHOWN - 1] + "\N{HORIZONTAL ELLIPSIS}"


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


def _columns(header: Sequence[str]) -> dict[RequestField, int]:
    at = {name.casefold(): n for n, name in reversed(list(enumerate(header)))}
    times = Counter(name.casefold() for name in header)
    wrong = [name for name in HEADERS.values() if times[name.casefold()] != 1]
    if wrong:
        raise RequestColumnsMissing(missing_columns=wrong)
    return {found: at[name.casefold()] for found, name in HEADERS.items()}


def _line(
    number: int, cells: Sequence[str], columns: Mapping[RequestField, int], *, width: int
) -> _Line:
    line = _Line(number, {at: cells[i] for at, i in columns.items() if i < len(cells)})
    if len(cells) != width:
        facts: dict[str, Fact] = {"cell_count": len(cells), "column_count": width}
        line.faults.append(RowFault(number, RequestField.REFERENCE, WRONG_WIDTH, facts))
    return line


def _row(line: _Line) -> ImportRow | None:
    """Return the request of a line, or None when a cell can not be read: the faults say which."""
    values: dict[str, Any] = {}
    for at, read in _READ.items():
        try:
            values[at.value] = read(line.cells[at])
        except _Unreadable as unreadable:
            line.faults.append(RowFault(line.number, at, unreadable.fault, unreadable.facts))
    if not line.faults and not values["working_minutes"] and not values["own_minutes"]:
        line.faults.append(RowFault(line.number, RequestField.WORKING_MINUTES, NO_HOURS))
    return None if line.faults else ImportRow(line=line.number, **values)


def _given(cell: str) -> str:
    if not cell:
        raise _Unreadable(MISSING)
    return cell


def _text(cell: str) -> str:
    if _CONTROL.search(_given(cell)):
        raise _Unreadable(NOT_TEXT)
    if is_formula(cell):
        raise _Unreadable(FORMULA)
    return _bounded(cell, _LONGEST_LINE)


def _prose(cell: str) -> str:
    if _CONTROL_IN_PROSE.search(_given(cell)):
        raise _Unreadable(NOT_TEXT)
    return _bounded(cell, _LONGEST_PROSE)


def _bounded(cell: str, longest: int) -> str:
    if len(cell) > longest:
        raise _Unreadable(TOO_LONG, length=len(cell), longest=longest)
    return cell


def _reference(cell: str) -> str:
    if not _REFERENCE.fullmatch(_given(cell)):
        raise _Unreadable(NOT_A_REFERENCE)
    return cell


def _personnel_numbers(cell: str) -> tuple[str, ...]:
    numbers = tuple(number.strip() for number in _given(cell).split(","))
    if len(numbers) > PARTICIPANT_LIMIT or not all(_REFERENCE.fullmatch(n) for n in numbers):
        raise _Unreadable(NOT_PERSONNEL_NUMBERS)
    return numbers


def _day(cell: str) -> date:
    match = _DAY.fullmatch(_given(cell))
    if match is None:
        raise _Unreadable(NOT_A_DATE)
    day, month, year = (int(number) for number in match.groups())
    try:
        return _within_reach(date(year, month, day))
    except ValueError:
        raise _Unreadable(NOT_A_DATE) from None


def _day_if_any(cell: str) -> date | None:
    return _day(cell) if cell else None


def _moment(cell: str) -> datetime:
    """Return a moment written in Amsterdam time; of an hour that comes twice, the first."""
    match = _MOMENT.fullmatch(_given(cell))
    if match is None:
        raise _Unreadable(NOT_A_MOMENT)
    day, month, year, hour, minute = (int(number) for number in match.groups())
    try:
        local = datetime(year, month, day, hour, minute, tzinfo=AMSTERDAM)
    except ValueError:
        raise _Unreadable(NOT_A_MOMENT) from None
    _within_reach(local.date())
    instant = local.astimezone(UTC)
    # In the night that the clock goes forward an hour is skipped: nothing happened in it.
    if instant.astimezone(AMSTERDAM).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise _Unreadable(NOT_A_MOMENT)
    return instant


def _within_reach(day: date) -> date:
    if not 1900 <= day.year <= 2199:  # noqa: PLR2004 - the bounds are said in the fault
        raise _Unreadable(OUT_OF_REACH)
    return day


def _hundredths(cell: str, fault: Fault) -> int:
    """Return a number with at most two decimals, and dots between the thousands, in hundredths."""
    match = _AMOUNT.fullmatch(_given(cell))
    if match is None or len(cell) > 20:  # noqa: PLR2004 - more digits than any amount has
        raise _Unreadable(fault)
    return int(match[1].replace(".", "")) * 100 + int((match[2] or "0").ljust(2, "0"))


def _cents(cell: str) -> int:
    cents = _hundredths(cell, NOT_AN_AMOUNT)
    if cents > _MOST_CENTS:
        raise _Unreadable(NOT_AN_AMOUNT)
    return cents


def _basis_points(cell: str) -> int:
    points = _hundredths(cell, NOT_A_PERCENTAGE)
    if points > 10_000:  # noqa: PLR2004 - a hundred percent, said in the fault
        raise _Unreadable(NOT_A_PERCENTAGE)
    return points


def _minutes(cell: str) -> int:
    """Return hours as minutes; half a minute is rounded up."""
    hundredths = _hundredths(cell, NOT_HOURS)
    minutes = part(hundredths, numerator=_MINUTES_PER_HOUR, denominator=100)
    if minutes > _MOST_MINUTES:
        raise _Unreadable(NOT_HOURS)
    return minutes


def _basis(cell: str) -> TrainingBasis:
    try:
        return BASES[_given(cell).casefold()]
    except KeyError:
        raise _Unreadable(UNKNOWN_BASIS) from None


_READ: Mapping[RequestField, Callable[[str], object]] = {
    RequestField.REFERENCE: _reference,
    RequestField.PERSONNEL_NUMBERS: _personnel_numbers,
    RequestField.TITLE: _text,
    RequestField.PROVIDER: _text,
    RequestField.STARTS_ON: _day,
    RequestField.ENDS_ON: _day,
    RequestField.AMOUNT_CENTS: _cents,
    RequestField.VAT_BASIS_POINTS: _basis_points,
    RequestField.WORKING_MINUTES: _minutes,
    RequestField.OWN_MINUTES: _minutes,
    RequestField.BASIS: _basis,
    RequestField.MOTIVATION: _prose,
    RequestField.CONVERSATION_ON: _day_if_any,
    RequestField.SUBMITTED_AT: _moment,
}
