"""The figures as a page of Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks.bare import Bare
from benchmarks.machine import Machine

# The number of clients at which a budget is held.
_AT = 16

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


def write(
    machine: Machine, figures: Sequence[Figure], decided: Decided, *, notes: Sequence[str]
) -> str:
    """Return the page."""
    measured = datetime.now(UTC).date()  # noqa: TID251 - the day of the measurement itself
    lines = [
        "# What was measured",
        "",
        (
            f"On {measured}, commit {machine.commit}, by `make bench`. {machine.cores} cores of "
            f"{machine.processor}, {machine.memory_gib} GiB; Python {machine.python}, PostgreSQL "
            f"{machine.postgres}. The service has one worker; service, PostgreSQL, load and "
            "pgbench share the machine."
        ),
        "",
        (
            "Sign-in, tenancy with row-level security, audit and its sealing, the access log and "
            "idempotency are on. CPU is in milliseconds for one request; a budget is for service "
            "and PostgreSQL together and holds at 16 clients or not. SQL is the number of "
            "statements of one request, BEGIN with the tenant and COMMIT included. Bare is "
            "pgbench with those statements, prepared, as the same role under row-level security; "
            "a change is done by it a fixed number of times."
        ),
        "",
        *(line for note in notes for line in (note, "")),
        _row(_HEAD),
        _row(["---", *["---:"] * (len(_HEAD) - 1)]),
        *(_row(_cells(figure)) for figure in figures),
        "",
        *_of_decisions(decided),
        "",
        *_of_budgets(figures),
    ]
    return "\n".join(lines) + "\n"


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


def _of_budgets(figures: Sequence[Figure]) -> list[str]:
    told = ["## Budgets", ""]
    for figure in figures:
        if figure.budget_ms is None or figure.together_ms is None or figure.clients != _AT:
            continue
        holds = "holds" if figure.together_ms <= figure.budget_ms else "does not hold"
        told.append(
            f"- {figure.operation}: {figure.together_ms:.2f} ms of {figure.budget_ms:.1f} ms: "
            f"{holds}."
        )
    return told


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
