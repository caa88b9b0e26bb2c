"""The faults of a sheet told to its sender: by line, by the column's own name, in words."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from app.integrations.sheets.errors import ImportRefused
from app.integrations.sheets.rules import MOST_ERRORS_TOLD, ImportMode
from app.kernel.faults import At, RowFault
from app.kernel.wording import Language, say


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """One fault of one row, in words: its line, its column as the sender knows it, the value."""

    line: int
    column: str
    code: str
    message: str
    value: str


def in_words(
    faults: Iterable[RowFault[At]],
    sent: Mapping[int, Mapping[At, str]],
    names: Mapping[At, str],
    language: Language,
    *,
    quote: Callable[[str], str],
) -> list[RowError]:
    """Return the faults in order of their lines; ``quote`` tells what of a value may be shown."""
    return [
        RowError(
            line=fault.line,
            column=names[fault.at],
            code=fault.fault.code,
            message=say(fault.fault.text, fault.facts, language),
            value=quote(sent[fault.line].get(fault.at, "")),
        )
        for fault in sorted(faults, key=lambda fault: fault.line)
    ]


def refuse_faulty(errors: Sequence[RowError], mode: ImportMode, *, row_count: int) -> None:
    """Refuse an import with faults, unless its good rows are to be taken.

    Raises:
        ImportRefused: it was all or nothing, and a row has a fault.
    """
    if errors and mode is ImportMode.ALL_OR_NOTHING:
        raise ImportRefused(
            row_count=row_count,
            faulty_row_count=len({error.line for error in errors}),
            errors=[asdict(error) for error in errors[:MOST_ERRORS_TOLD]],
        )
