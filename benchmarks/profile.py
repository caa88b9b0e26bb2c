"""Where the CPU of one request goes: by layer in the service, by statement in PostgreSQL."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.calibration import ROUTES, THERE_MS
from benchmarks.capture import Statement
from benchmarks.machine import Machine

_HEAD = """# Where the CPU goes

On {day}, commit {commit}, by `make profile`. {cores} cores of {processor}; Python {python}, \
PostgreSQL {postgres}. One worker, 16 clients.

The service is looked at each time its own clock of CPU goes off, and the time is that of the \
innermost layer whose code ran. A statement of PostgreSQL is pgbench's, prepared, as the same role \
under row-level security: a transaction up to and with it, rolled back, less the one up to the \
statement before.

## The machine

The budgets come from measurements on another machine, or in another hour of it. There {routes} \
routes before the one that is hit took {there} ms of CPU a request; here, before each measurement \
and after the last, with 16 clients: {here} ms. That makes the factor of this machine {least} to \
{most}, below 1 where it is the faster one. No budget is scaled by it: it stands beside them.
"""
_FOOT = """
What was saved, what was tried and left out, and why, is in \
`docs/decisions/0008-hot-statements-by-the-driver.md`.
"""


@dataclass(frozen=True, slots=True)
class Profiled:
    """What one request of an operation cost, in milliseconds of CPU, and where."""

    operation: str
    budget_ms: float | None
    service_ms: float
    postgres_ms: float
    samples: Mapping[str, int]
    # Of each statement, without the COMMIT; none where there is no pgbench.
    statements: Sequence[tuple[Statement, float]]


def read_samples(file: Path) -> dict[str, int]:
    """Return what a service that is stopping writes down about itself.

    Raises:
        ValueError: it wrote nothing within a minute.
    """
    for _ in range(600):
        if file.exists():
            return json.loads(file.read_text())
        time.sleep(0.1)
    message = "the service did not tell where its CPU went"
    raise ValueError(message)


def differences(up_to: Sequence[float]) -> list[float]:
    """Return what each adds to those before it; what measures as less than nothing is nothing."""
    return [max(now - before, 0.0) for before, now in zip([0.0, *up_to], up_to, strict=False)]


def write(machine: Machine, day: str, paces: Sequence[float], profiled: Sequence[Profiled]) -> str:
    """Return the page; ``paces`` are what the routes took, each time it was measured."""
    factors = [pace / THERE_MS for pace in paces]
    head = _HEAD.format(
        day=day,
        commit=machine.commit,
        cores=machine.cores,
        processor=machine.processor,
        python=machine.python,
        postgres=machine.postgres,
        routes=ROUTES,
        there=THERE_MS,
        here=", ".join(f"{pace:.2f}" for pace in paces),
        least=f"{min(factors):.1f}",
        most=f"{max(factors):.1f}",
    )
    parts = [head, _budgets(profiled, min(factors), max(factors))]
    for one in profiled:
        parts += [f"\n## {one.operation[:1].upper()}{one.operation[1:]}\n", _service(one)]
        if one.statements:
            parts.append(_postgres(one))
    return "\n".join([*parts, _FOOT])


def _budgets(profiled: Sequence[Profiled], least: float, most: float) -> str:
    lines = [
        "| what | CPU service | CPU PostgreSQL | together | budget | met | the machine's factor |",
        "| --- | ---: | ---: | ---: | ---: | --- | ---: |",
    ]
    for one in profiled:
        together = one.service_ms + one.postgres_ms
        budget = "" if one.budget_ms is None else f"{one.budget_ms:.1f}"
        met = one.budget_ms is None or together <= one.budget_ms
        lines.append(
            f"| {one.operation} | {one.service_ms:.2f} | {one.postgres_ms:.2f} | {together:.2f} "
            f"| {budget} | {'met' if met else 'not met'} | {least:.1f} to {most:.1f} |"
        )
    return "\n".join(lines)


def _service(one: Profiled) -> str:
    total = sum(one.samples.values())
    ordered = sorted(one.samples.items(), key=lambda item: -item[1])
    return "\n".join(
        [
            f"| layer of the service ({total:,} looks) | share | ms of one request |",
            "| --- | ---: | ---: |",
            *(
                f"| {layer} | {count / total:.0%} | {count / total * one.service_ms:.2f} |"
                for layer, count in ordered
            ),
        ]
    )


def _postgres(one: Profiled) -> str:
    known = sum(cost for _, cost in one.statements)
    rest = max(one.postgres_ms - known, 0.0)
    return "\n".join(
        [
            "\n| statement of PostgreSQL | ms of one request |",
            "| --- | ---: |",
            *(f"| {_named(what.text)} | {cost:.2f} |" for what, cost in one.statements),
            f"| COMMIT, and waking up for each statement that comes | {rest:.2f} |",
        ]
    )


def _named(text: str) -> str:
    """Return what a statement is: what it does, and with which tables or function."""
    words = text.split(maxsplit=1)[0].rstrip(";")
    named = re.findall(r"\b(?:FROM|INTO|UPDATE|JOIN)\s+(?!jsonb_|unnest|LATERAL\b|OF\b)(\w+)", text)
    return f"{words} {', '.join(dict.fromkeys(named))}".strip()
