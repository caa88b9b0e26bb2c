"""A tranche's list of requests: its columns, how each cell is read, and what comes of a line.

Dates come as dd-mm-yyyy, amounts and hours with a decimal comma, several personnel numbers in one
cell.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias
from uuid import UUID

from app.integrations.request_imports.errors import RequestColumnsMissing, TooManyRequestRows
from app.integrations.sheets.rules import (
    MINUTES_PER_HOUR,
    NOT_TEXT,
    Columns,
    Line,
    Unreadable,
    bounded,
    civil_day,
    day_of_cell,
    given,
    is_code,
    read_cells,
    read_sheet,
    shown,
    text_of_cell,
)
from app.kernel.calendar import AMSTERDAM
from app.kernel.errors import Fact, Text
from app.kernel.faults import Fault, RowFault
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

_COLUMNS = Columns(HEADERS, key=RequestField.REFERENCE, refusal=RequestColumnsMissing)

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

_MOMENT = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{4}) (\d{1,2}):(\d{2})")
_AMOUNT = re.compile(r"(\d{1,3}(?:\.\d{3})*|\d+)(?:,(\d{1,2}))?")
_CONTROL_IN_PROSE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


NOT_A_MOMENT = Fault(
    "not-a-moment",
    Text(
        en="is no moment in Amsterdam; write dd-mm-yyyy hh:mm",
        nl="is geen moment in Amsterdam; schrijf dd-mm-jjjj uu:mm",
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


RequestFault: TypeAlias = RowFault[RequestField]


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
    faults: tuple[RequestFault, ...]
    sent: Mapping[int, Mapping[RequestField, str]]


def read_list(content: bytes) -> Reading:
    """Return the requests of a list, with every fault of every line that can not be read.

    Raises:
        FileUnreadable: it is no text, or no CSV.
        RequestColumnsMissing: the first line lacks a column, or has one twice.
        TooManyRequestRows: there are more than ``ROW_LIMIT``.
    """
    sheet = read_sheet(content, _COLUMNS)
    rows = [row for line in sheet.lines if (row := _row(line)) is not None]
    faults = [fault for line in sheet.lines for fault in line.faults]
    return as_reading(rows, faults, {line.number: line.cells for line in sheet.lines})


def as_reading(
    rows: Sequence[ImportRow],
    faults: Sequence[RequestFault],
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
) -> tuple[tuple[ImportRow, ...], tuple[RequestFault, ...]]:
    """Return the rows that are the first with their reference, and a fault for each other one."""
    first: dict[str, int] = {}
    good: list[ImportRow] = []
    faults: list[RequestFault] = []
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


def quoted(value: str) -> str:
    """Return a value as an answer quotes it; nothing of one with a number of a citizen in it."""
    return "" if holds_bsn(value) else shown(value)


def _row(line: Line[RequestField]) -> ImportRow | None:
    """Return the request of a line, or None when a cell can not be read: the faults say which."""
    values = read_cells(line, _READ)
    if values is None:
        return None
    if not values["working_minutes"] and not values["own_minutes"]:
        line.faults.append(RowFault(line.number, RequestField.WORKING_MINUTES, NO_HOURS))
        return None
    return ImportRow(line=line.number, **values)


def _text(cell: str) -> str:
    return text_of_cell(cell, _LONGEST_LINE)


def _prose(cell: str) -> str:
    if _CONTROL_IN_PROSE.search(given(cell)):
        raise Unreadable(NOT_TEXT)
    return bounded(cell, _LONGEST_PROSE)


def _reference(cell: str) -> str:
    if not is_code(given(cell)):
        raise Unreadable(NOT_A_REFERENCE)
    return cell


def _personnel_numbers(cell: str) -> tuple[str, ...]:
    numbers = tuple(number.strip() for number in given(cell).split(","))
    if len(numbers) > PARTICIPANT_LIMIT or not all(map(is_code, numbers)):
        raise Unreadable(NOT_PERSONNEL_NUMBERS)
    return numbers


def _day_if_any(cell: str) -> date | None:
    return day_of_cell(cell) if cell else None


def _moment(cell: str) -> datetime:
    """Return a moment written in Amsterdam time; of an hour that comes twice, the first."""
    match = _MOMENT.fullmatch(given(cell))
    if match is None:
        raise Unreadable(NOT_A_MOMENT)
    day, month, year, hour, minute = (int(number) for number in match.groups())
    try:
        local = datetime(year, month, day, hour, minute, tzinfo=AMSTERDAM)
    except ValueError:
        raise Unreadable(NOT_A_MOMENT) from None
    civil_day(year, month, day)
    instant = local.astimezone(UTC)
    # In the night that the clock goes forward an hour is skipped: nothing happened in it.
    if instant.astimezone(AMSTERDAM).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise Unreadable(NOT_A_MOMENT)
    return instant


def _hundredths(cell: str, fault: Fault) -> int:
    """Return a number with at most two decimals, and dots between the thousands, in hundredths."""
    match = _AMOUNT.fullmatch(given(cell))
    if match is None or len(cell) > 20:  # noqa: PLR2004 - more digits than any amount has
        raise Unreadable(fault)
    return int(match[1].replace(".", "")) * 100 + int((match[2] or "0").ljust(2, "0"))


def _cents(cell: str) -> int:
    cents = _hundredths(cell, NOT_AN_AMOUNT)
    if cents > _MOST_CENTS:
        raise Unreadable(NOT_AN_AMOUNT)
    return cents


def _basis_points(cell: str) -> int:
    points = _hundredths(cell, NOT_A_PERCENTAGE)
    if points > 10_000:  # noqa: PLR2004 - a hundred percent, said in the fault
        raise Unreadable(NOT_A_PERCENTAGE)
    return points


def _minutes(cell: str) -> int:
    """Return hours as minutes; half a minute is rounded up."""
    hundredths = _hundredths(cell, NOT_HOURS)
    minutes = part(hundredths, numerator=MINUTES_PER_HOUR, denominator=100)
    if minutes > _MOST_MINUTES:
        raise Unreadable(NOT_HOURS)
    return minutes


def _basis(cell: str) -> TrainingBasis:
    try:
        return BASES[given(cell).casefold()]
    except KeyError:
        raise Unreadable(UNKNOWN_BASIS) from None


_READ: Mapping[RequestField, Callable[[str], object]] = {
    RequestField.REFERENCE: _reference,
    RequestField.PERSONNEL_NUMBERS: _personnel_numbers,
    RequestField.TITLE: _text,
    RequestField.PROVIDER: _text,
    RequestField.STARTS_ON: day_of_cell,
    RequestField.ENDS_ON: day_of_cell,
    RequestField.AMOUNT_CENTS: _cents,
    RequestField.VAT_BASIS_POINTS: _basis_points,
    RequestField.WORKING_MINUTES: _minutes,
    RequestField.OWN_MINUTES: _minutes,
    RequestField.BASIS: _basis,
    RequestField.MOTIVATION: _prose,
    RequestField.CONVERSATION_ON: _day_if_any,
    RequestField.SUBMITTED_AT: _moment,
}
