"""What was sent and what came back: one line of JSON each, and the whole to look things up in.

Times are of the machine's monotonic clock, in seconds, the same for all its processes.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any

# What was sent while workers were replaced is about this first.
ROLLING = "rolling"
# Their outcome is not told: the work may have been done or not.
UNKNOWN = frozenset({429, 500, 502, 503, 504})
DONE = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request as it went out, with its answer, or with how it failed to come.

    ``key`` is the Idempotency-Key, ``match`` the If-Match; ``about`` names what it concerns, such
    as ``request:<id>`` or ``hours:<employee>``.
    """

    n: int
    client: int
    organisation: str
    who: str
    name: str
    method: str
    path: str
    begun: float
    ended: float
    key: str | None = None
    match: str | None = None
    body: Any = None
    about: tuple[str, ...] = ()
    status: int | None = None
    answer: str | None = None
    etag: str | None = None
    media_type: str | None = None
    replayed: bool = False
    retry_after: str | None = None
    failed: str | None = None

    @property
    def done(self) -> bool:
        return self.status in DONE

    @property
    def unknown(self) -> bool:
        return self.status is None or self.status in UNKNOWN

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.answer or "null")

    def told(self, since: float) -> str:
        """Return one line of a story, its times from ``since``."""
        came = f"{self.status}" if self.status else f"no answer ({self.failed})"
        marks = [
            f"key {self.key}" if self.key else "",
            f"If-Match {self.match}" if self.match else "",
            "replayed" if self.replayed else "",
        ]
        return (
            f"{self.begun - since:8.3f}-{self.ended - since:8.3f} s  client {self.client:2} as "
            f"{self.organisation}/{self.who}: {self.method} {self.path} -> {came}"
            f" {' '.join(mark for mark in marks if mark)}\n"
            f"{'':24}{_short(self.body)} -> {_short(self.answer)}"
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that was broken, from when to when; ``back`` is when what died was up again."""

    kind: str
    begun: float
    back: float
    note: str = ""

    def told(self, since: float) -> str:
        lasted = f"{self.begun - since:8.3f}-{self.back - since:8.3f} s"
        return f"{lasted}  FAULT {self.kind} {self.note}"


@dataclass(frozen=True, slots=True)
class Write:
    """All that was sent under one key: it is one piece of work, however often it was sent."""

    organisation: str
    who: str
    key: str
    sent: tuple[Sent, ...]

    @property
    def first(self) -> Sent:
        return self.sent[0]

    @property
    def name(self) -> str:
        return self.first.name

    @property
    def begun(self) -> float:
        return self.first.begun

    @property
    def repeated(self) -> bool:
        """Tell whether it was sent twice at one moment, or again although it had been answered."""
        return any(
            before.done or after.begun < before.ended
            for place, before in enumerate(self.sent)
            for after in self.sent[place + 1 :]
        )

    @property
    def answer(self) -> Sent | None:
        """Return the first answer that acknowledged it, None when none did."""
        return min((one for one in self.sent if one.done), key=lambda one: one.ended, default=None)


class Writer:
    """Writes the history down as it happens; a line is whole or is not there."""

    def __init__(self, path: Path) -> None:
        self._file: IO[str] = path.open("a", buffering=1)

    def add(self, sent: Sent) -> None:
        self._file.write(json.dumps(asdict(sent), ensure_ascii=False) + "\n")


@dataclass(frozen=True)
class History:
    """All of a run, in the order in which requests were begun."""

    sent: tuple[Sent, ...]
    faults: tuple[Fault, ...] = ()
    began: float = 0.0
    ended: float = field(default=0.0)

    @classmethod
    def read(cls, path: Path, faults: Iterable[Fault], began: float, ended: float) -> "History":
        with path.open() as file:
            sent = [_sent(json.loads(line)) for line in file if line.endswith("\n")]
        return cls(tuple(sorted(sent, key=lambda one: one.begun)), tuple(faults), began, ended)

    def only(self, keep: Callable[[Sent], bool]) -> "History":
        """Return the part of it that is kept."""
        return History(
            tuple(one for one in self.sent if keep(one)), self.faults, self.began, self.ended
        )

    def named(self, *names: str) -> Iterator[Sent]:
        return (one for one in self.sent if one.name in names)

    def of(self, organisation: str, *names: str) -> Iterator[Sent]:
        return (one for one in self.named(*names) if one.organisation == organisation)

    @property
    def load(self) -> "History":
        """Return what was sent while things broke: not what was asked again when all was healed."""
        return self.only(lambda one: one.ended <= self.ended and one.about[:1] != (ROLLING,))

    @cached_property
    def writes(self) -> tuple[Write, ...]:
        """Return what went out under a key, by key."""
        found: dict[tuple[str, str, str], list[Sent]] = defaultdict(list)
        for one in self.sent:
            if one.key is not None and one.name not in PROBES:
                found[one.organisation, one.who, one.key].append(one)
        return tuple(Write(*scope, tuple(sent)) for scope, sent in found.items())

    def acknowledged(self, *names: str) -> Iterator[tuple[Write, Sent]]:
        """Yield each write of these names that was acknowledged, with its first answer."""
        for write in self.writes:
            if write.name in names and (answer := write.answer) is not None:
                yield write, answer


# Sent to be refused, or under somebody else's key: no work of their own.
PROBES = frozenset(
    {"probe_other_body", "probe_invalid", "probe_without_key", "probe_foreign", "probe_nobody"}
)

_SHOWN = 300


def _sent(line: dict[str, Any]) -> Sent:
    line["about"] = tuple(line["about"])
    return Sent(**line)


def _short(value: Any) -> str:  # noqa: ANN401 - JSON
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
