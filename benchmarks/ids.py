"""Identifiers that can be reckoned: what the fill makes, the load asks for without looking.

The last twelve digits number a thing, so that a pgbench script can put a variable in their place.
"""

from enum import IntEnum
from uuid import UUID

_PREFIX = "01980000-0000-7000-8"
_BASE = 100_000_000_000


class Of(IntEnum):
    """What an identifier is of; the number is its fourth group."""

    REQUEST = 0
    PAST_SESSION = 1
    LATER_SESSION = 2
    RESERVATION = 3
    RESERVING_TRANSFER = 4
    DECISION = 5
    CLASSIFICATION = 6
    EMPLOYEE = 10
    EMPLOYMENT = 11
    PLACEMENT = 12
    NORM_ACCOUNT = 13
    NORM_TRANSFER = 14
    NORM = 15
    TRANCHE = 20
    NORM_SOURCE = 21
    HOURS_SPENT = 22
    TEAM = 30
    FUNCTION = 31
    HISTORY = 40
    HISTORY_CAUSE = 41


def digits(number: int) -> str:
    """Return the digits that name a numbered thing in all its identifiers."""
    return str(_BASE + number)


def identifier(of: Of, number: int) -> UUID:
    """Return the identifier of a numbered thing."""
    return UUID(f"{_PREFIX}{of:03}-{digits(number)}")


def sql(of: Of, number: str) -> str:
    """Return the same as an SQL expression over the expression ``number``."""
    return f"('{_PREFIX}{of:03}-' || ({_BASE} + {number}))::uuid"


def is_reckoned(known: UUID) -> bool:
    """Tell whether an identifier is one that the fill made."""
    return str(known).startswith(_PREFIX)
