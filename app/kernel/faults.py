"""What can be wrong with a row of a list that somebody sends, named by line and field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from app.kernel.errors import Fact, Text

At = TypeVar("At", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault: its code, and what it says in both languages."""

    code: str
    text: Text


@dataclass(frozen=True, slots=True)
class RowFault(Generic[At]):
    """One fault of one row, and in which field."""

    line: int
    at: At
    fault: Fault
    facts: Mapping[str, Fact] = field(default_factory=dict[str, Fact])
