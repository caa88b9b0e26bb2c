"""Pages of a list: a position by key, never by number."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items in order, and the key of the last one when more follow.

    ``next_key`` holds the sort values of the last item; the edge turns it into an opaque cursor.
    """

    items: Sequence[Item]
    next_key: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class PageOf:
    """Which page is asked for: at most ``limit`` items that come after ``after``."""

    limit: int
    after: tuple[str, ...] | None = None


def take(
    rows: Sequence[Item], asked: PageOf, *, key: Callable[[Item], tuple[str, ...]]
) -> Page[Item]:
    """Return the page that was asked for out of rows fetched with one to spare.

    The spare row only tells that more follow; ``key`` gives the sort values of a row.
    """
    if len(rows) <= asked.limit:
        return Page(items=rows, next_key=None)
    items = rows[: asked.limit]
    return Page(items=items, next_key=key(items[-1]))
