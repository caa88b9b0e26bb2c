"""What a check found wrong, and the shortest story of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tests.fire.history import History, Sent, Write
from tests.fire.state import After

_CONTEXT_SECONDS = 1.0
_FEW = 6


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold, of what, and the requests by which it shows."""

    code: str
    about: str
    says: str
    sent: tuple[Sent, ...] = ()

    @property
    def sort(self) -> tuple[str, str]:
        return self.code, self.about


@dataclass(frozen=True, slots=True)
class Run:
    """What the checks judge. ``verified`` is the exit status of ``leerruimte verify``.

    ``asked`` are the faults that were asked for by name.
    """

    seed: str
    history: History
    after: After
    verified: int
    verified_says: str
    unresolved: Sequence[Write]
    # By the machine's clock, which is PostgreSQL's too.
    began_at: datetime
    ended_at: datetime
    asked: frozenset[str] = frozenset()


Find = Callable[[Run], Iterator[Violation]]


def story(run: Run, find: Find, violation: Violation) -> str:
    """Return the violation told by the fewest requests that still show it, with the faults then.

    A check names the requests in which it saw it. Where these are many, whatever it does not need
    to find the same again is left out, in halves and then one by one.
    """
    kept = list(violation.sent)
    if len(kept) > _FEW:
        kept = _shortest(run, find, violation, kept) or [one for one in kept if one.done][-_FEW:]
    lines = [f"{violation.code} {violation.about}: {violation.says}"]
    if kept:
        since = min(one.begun for one in kept)
        until = max(one.ended for one in kept)
        told = [(one.begun, one.told(run.history.began)) for one in kept]
        told += [
            (fault.begun, fault.told(run.history.began))
            for fault in run.history.faults
            if fault.begun < until + _CONTEXT_SECONDS and fault.back > since - _CONTEXT_SECONDS
        ]
        lines += [f"  {text}" for _at, text in sorted(told)]
    return "\n".join(lines)


def _shortest(run: Run, find: Find, violation: Violation, sent: list[Sent]) -> list[Sent]:
    """Return a part of ``sent`` of which nothing can be left out (delta debugging, by halves)."""

    def shows(part: Sequence[Sent]) -> bool:
        numbers = {one.n for one in part}
        smaller = replace(run, history=run.history.only(lambda one: one.n in numbers))
        return any(found.sort == violation.sort for found in find(smaller))

    # What shows without any of it is told by what the check itself names.
    if not sent or shows([]) or not shows(sent):
        return []
    size = max(len(sent) // 2, 1)
    while True:
        for start in range(0, len(sent), size):
            rest = sent[:start] + sent[start + size :]
            if rest and shows(rest):
                sent = rest
                break
        else:
            if size == 1:
                return sent
            size //= 2
