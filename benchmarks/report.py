"""The figures as a page of Markdown."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks.bare import Bare
from benchmarks.document import Documents
from benchmarks.growth import Growth
from benchmarks.machine import Machine
from benchmarks.overload import Overload

# The number of clients at which a budget is held.
_AT = 16
_MEMORY_MIB = 200
_DOCUMENT_MS = 50
_RATIO = 1.3
# What an answer may take besides waiting for its turn.
_GRACE_SECONDS = 1

# A section of a page that `make profile` wrote.
_SECTION = re.compile(r"(?m)^## (.+)$")

_HEAD = (
    "what",
    "clients",
    "SQL",
    "requests/s",
    "503",
    "p50 ms",
    "p99 ms",
    "CPU service",
    "CPU PostgreSQL",
    "CPU together",
    "budget",
    "bare SQL/s",
    "bare p50 ms",
    "bare p99 ms",
    "bare CPU PostgreSQL",
    "CPU load",
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One operation at one number of clients; CPU in milliseconds for one request."""

    operation: str
    clients: int
    statements: int
    busy: int
    per_second: float
    p50_ms: float
    p99_ms: float
    service_ms: float
    postgres_ms: float | None
    load_ms: float
    budget_ms: float | None
    bare: Bare | None
    bare_postgres_ms: float | None

    @property
    def together_ms(self) -> float | None:
        return None if self.postgres_ms is None else self.service_ms + self.postgres_ms


@dataclass(frozen=True, slots=True)
class Decided:
    """Proposals decided as a whole, one after another: seconds of each, CPU in milliseconds."""

    items: int
    seconds: Sequence[float]
    service_ms: float
    postgres_ms: float | None
    bare_seconds: float
    bare_statements: int


@dataclass(slots=True)
class Measured:
    """All that a run found; what a run of some operations leaves out is None or empty."""

    figures: Sequence[Figure]
    decided: Decided
    of_two_workers: Sequence[Figure] = ()
    overload: Overload | None = None
    growth: Growth | None = None
    documents: Documents | None = None
    started_in_seconds: float = 0.0
    memory_mib: Sequence[float] = ()
    memory_of_two_mib: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Budget:
    """What was measured beside what it may be, in one unit.

    ``operation`` is what a profile can tell about, None for what it can not.
    """

    what: str
    measured: float
    bound: float
    unit: str
    digits: int = 0
    operation: str | None = None

    @property
    def is_met(self) -> bool:
        return self.measured <= self.bound

    def is_profiled(self, profile: str) -> bool:
        """Tell whether a page of ``make profile`` has a section for its operation.

        On how many rows each was measured does not tell them apart.
        """
        return self.operation is not None and _of_any_size(self.operation) in {
            _of_any_size(section) for section in _SECTION.findall(profile)
        }

    def cells(self, profile: str) -> tuple[str, str, str, str]:
        """Return its row: what, measured, budget, met."""
        met = "met" if self.is_met else "not met"
        if not self.is_met and self.is_profiled(profile):
            met += ": see PROFILE.md"
        return (
            self.what,
            f"{self.measured:,.{self.digits}f} {self.unit}".rstrip(),
            f"{self.bound:,g} {self.unit}".rstrip(),
            met,
        )


def unexplained(measured: Measured, profile: str) -> list[Budget]:
    """Return the budgets that were missed, and that the profile has no section for."""
    return [
        budget
        for budget in budgets(measured)
        if not budget.is_met and not budget.is_profiled(profile)
    ]


def _of_any_size(operation: str) -> str:
    return re.sub(r" from [\d,]+$", "", operation.casefold())


def write(machine: Machine, measured: Measured, *, notes: Sequence[str], profile: str) -> str:
    """Return the page; ``profile`` is the one of ``make profile``, to point to."""
    today = datetime.now(UTC).date()  # noqa: TID251 - the day of the measurement itself
    lines = [
        "# What was measured",
        "",
        (
            f"On {today}, commit {machine.commit}, by `make bench`. {machine.cores} cores of "
            f"{machine.processor}, {machine.memory_gib} GiB; Python {machine.python}, PostgreSQL "
            f"{machine.postgres}. The service has one worker unless it is said otherwise; service, "
            "PostgreSQL, load and pgbench share the machine."
        ),
        "",
        (
            "Sign-in, tenancy with row-level security, audit and its sealing, the access log, rate "
            "limits and idempotency are on. CPU is in milliseconds for one request; a budget is "
            f"for service and PostgreSQL together and is met at {_AT} clients or not. SQL is the "
            "number of statements of one request, BEGIN with the tenant and COMMIT included. Bare "
            "is pgbench with those statements, prepared, as the same role under row-level "
            "security; a change is done by it a fixed number of times."
        ),
        "",
        *(line for note in notes for line in (note, "")),
        _row(_HEAD),
        _row(["---", *["---:"] * (len(_HEAD) - 1)]),
        *(_row(_cells(figure)) for figure in measured.figures),
        "",
        "## Budgets",
        "",
        _row(("what", "measured", "budget", "met")),
        _row(("---", "---:", "---:", "---")),
        *(_row(budget.cells(profile)) for budget in budgets(measured)),
        "",
        *_of_decisions(measured.decided),
        "",
        *_of_two_workers(measured),
        *([] if measured.overload is None else _of_overload(measured.overload)),
        *([] if measured.growth is None else _of_growth(measured.growth)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _cells(figure: Figure) -> list[str]:
    bare = figure.bare
    return [
        figure.operation,
        str(figure.clients),
        str(figure.statements),
        f"{figure.per_second:,.0f}",
        str(figure.busy),
        f"{figure.p50_ms:.1f}",
        f"{figure.p99_ms:.1f}",
        f"{figure.service_ms:.2f}",
        _ms(figure.postgres_ms),
        _ms(figure.together_ms),
        "" if figure.budget_ms is None else f"{figure.budget_ms:.1f}",
        "" if bare is None else f"{bare.transactions / bare.seconds:,.0f}",
        "" if bare is None else f"{bare.p50_ms:.1f}",
        "" if bare is None else f"{bare.p99_ms:.1f}",
        _ms(figure.bare_postgres_ms),
        f"{figure.load_ms:.2f}",
    ]


def _of_decisions(decided: Decided) -> list[str]:
    longest = sorted(decided.seconds)
    median = longest[len(longest) // 2]
    postgres = "" if decided.postgres_ms is None else f", {decided.postgres_ms:,.0f} ms PostgreSQL"
    return [
        "## A decision on a proposal",
        "",
        (
            f"The MT adopts a proposal of {decided.items} items as a whole, {len(longest)} times: "
            f"median {median:.2f} s, longest {longest[-1]:.2f} s; "
            f"{median / decided.items * 1000:.1f} ms an item. CPU of one decision: "
            f"{decided.service_ms:,.0f} ms service{postgres}."
        ),
        "",
        (
            f"Bare: the same {decided.bare_statements} statements, one after another by plain "
            f"psycopg in one transaction: {decided.bare_seconds:.2f} s."
        ),
    ]


def budgets(measured: Measured) -> Iterator[Budget]:
    """Yield each budget of what was measured."""
    for figure in measured.figures:
        if figure.budget_ms and figure.together_ms is not None and figure.clients == _AT:
            yield Budget(
                f"CPU of {figure.operation}",
                figure.together_ms,
                figure.budget_ms,
                "ms",
                digits=2,
                operation=figure.operation,
            )
    for what, memory in (
        ("memory after the load, the largest process", measured.memory_mib),
        ("the same with two workers", measured.memory_of_two_mib),
    ):
        if memory:
            yield Budget(what, memory[0], _MEMORY_MIB, "MiB")
    yield from _budgets_of_all(measured)


def _budgets_of_all(measured: Measured) -> Iterator[Budget]:
    yield Budget("start of the service until ready", measured.started_in_seconds, 4, "s", digits=1)
    if measured.documents is not None:
        yield Budget(
            f"PDF of an agreement (the first {measured.documents.first_ms:.0f} ms, the slowest "
            f"{measured.documents.slowest_ms:.0f} ms), median",
            measured.documents.median_ms,
            _DOCUMENT_MS,
            "ms",
        )
    if measured.growth is not None:
        for grown in measured.growth.grown:
            what = f"ratio of a long history: {grown.what}"
            yield Budget(what, grown.ratio, _RATIO, "", digits=2)
    if measured.overload is not None:
        bound = (measured.overload.bound_seconds + _GRACE_SECONDS) * 1000
        longest = measured.overload.seen.longest_ms
        yield Budget("longest wait in an overload", longest, bound, "ms")


def _of_two_workers(measured: Measured) -> list[str]:
    if not measured.of_two_workers:
        return []
    head = ("what", "clients", "requests/s", "p50 ms", "p99 ms", "CPU service", "CPU PostgreSQL")
    return [
        "## Two workers",
        "",
        _row(head),
        _row(["---", *["---:"] * (len(head) - 1)]),
        *(
            _row(
                (
                    figure.operation,
                    str(figure.clients),
                    f"{figure.per_second:,.0f}",
                    f"{figure.p50_ms:.1f}",
                    f"{figure.p99_ms:.1f}",
                    f"{figure.service_ms:.2f}",
                    _ms(figure.postgres_ms),
                )
            )
            for figure in measured.of_two_workers
        ),
        "",
        (
            "Memory of each process after it, in MiB (what processes share counted in part): "
            f"{', '.join(f'{each:.0f}' for each in measured.memory_of_two_mib)}; with one worker "
            f"{', '.join(f'{each:.0f}' for each in measured.memory_mib)}."
        ),
        "",
    ]


def _of_overload(overload: Overload) -> list[str]:
    seen = overload.seen
    health = ", ".join(
        f"{count} times {status}" for status, count in sorted(overload.health.items())
    )
    return [
        "## Overload",
        "",
        (
            f"{overload.clients} clients at once, {overload.operation}, {seen.seconds:.0f} s: "
            f"{seen.answered / seen.seconds:,.0f}/s carried out with p50 {seen.p50_ms:,.0f} ms and "
            f"p99 {seen.p99_ms:,.0f} ms; {seen.busy:,} sent away with 503 and Retry-After, p99 "
            f"{seen.busy_p99_ms:,.0f} ms; the longest answer took {seen.longest_ms:,.0f} ms. "
            f"Nobody waits for a connection longer than {overload.bound_seconds:g} s. Health: "
            f"{health or 'not asked'}."
        ),
        "",
    ]


def _of_growth(growth: Growth) -> list[str]:
    head = ("what", "CPU short", "CPU long", "ratio", "p50 ms short", "p50 ms long")
    return [
        "## A long history",
        "",
        (
            f"The same on a ledger of {growth.short_transfers:,} transfers and on one of "
            f"{growth.long_transfers:,}, asked in turn; CPU in milliseconds of service and "
            "PostgreSQL together, the median of five rounds."
        ),
        "",
        _row(head),
        _row(["---", *["---:"] * (len(head) - 1)]),
        *(
            _row(
                (
                    grown.what,
                    f"{grown.short_ms:.2f}",
                    f"{grown.long_ms:.2f}",
                    f"{grown.ratio:.2f}",
                    f"{grown.short_p50_ms:.1f}",
                    f"{grown.long_p50_ms:.1f}",
                )
            )
            for grown in growth.grown
        ),
        "",
    ]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
