"""The profile tells whose CPU it was, by layer and by statement."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.db.migration import ROOT
from benchmarks.calibration import THERE_MS
from benchmarks.capture import Statement
from benchmarks.machine import Machine
from benchmarks.profile import Profiled, differences, write
from benchmarks.sampling import Sampler, layer_of
from tests.support.process import benchmarked

_MACHINE = Machine(2, "a processor", 4.0, "3.11.7", "18.6", "0123456789ab")
_DOMAIN, _DRIVER = "app/hours/service.py", "app/db/driver.py"


def _looked_at(*paths: str) -> Sampler:
    """Return a sampler that looked once, while code of the last of these files ran.

    Each file's code is called by that of the file before it.
    """
    sampler = Sampler()

    def look() -> None:
        frame = inspect.currentframe()
        sampler.take(frame and frame.f_back)

    run: Callable[[], object] = look
    for path in reversed(paths):
        names: dict[str, Any] = {"call": run}
        exec(compile("def run():\n    call()", f"{ROOT}/{path}", "exec"), names)  # noqa: S102
        run = names["run"]
    run()
    return sampler


@pytest.mark.parametrize(
    ("path", "layer"),
    [
        (f"{ROOT}/app/hours/service.py", "domain"),
        (f"{ROOT}/app/db/turns.py", "session, pool and turns (SQLAlchemy)"),
        (f"{ROOT}/app/db/driver.py", "driver (psycopg)"),
        ("/x/site-packages/psycopg/waiting.py", "driver (psycopg)"),
        ("/x/site-packages/fastapi/_compat/v2.py", "validation and serialisation (pydantic)"),
        ("<string>", None),
        ("/x/site-packages/email_validator/a.py", None),
    ],
)
def test_code_belongs_to_the_layer_of_its_path(path: str, layer: str | None) -> None:
    assert layer_of(path) == layer


def test_a_look_counts_for_the_innermost_code_that_has_a_layer() -> None:
    assert _looked_at(_DOMAIN, _DRIVER).counts == {"driver (psycopg)": 1}
    assert _looked_at(_DRIVER, _DOMAIN).counts == {"domain": 1}
    assert _looked_at(_DOMAIN, "tests/of/no/layer.py").counts == {"domain": 1}


def test_what_the_rounds_use_is_theirs() -> None:
    [(layer, _)] = _looked_at("app/upkeep.py", _DRIVER).counts.items()

    assert layer.startswith("rounds beside the requests")


def test_a_statement_costs_what_it_adds_and_never_less_than_nothing() -> None:
    assert differences([1.0, 1.5, 1.25, 2.0]) == [1.0, 0.5, 0.0, 0.75]


def test_the_page_shows_the_budget_as_it_is_with_the_factor_of_the_machine_beside_it() -> None:
    profiled = Profiled(
        operation="post an entry",
        budget_ms=2.7,
        service_ms=2.0,
        postgres_ms=1.0,
        samples={"domain": 30, "driver (psycopg)": 70},
        statements=[
            (Statement("BEGIN; SET LOCAL a = 'b'", None, many=False), 0.1),
            (Statement("INSERT INTO audit_entries (id) SELECT 1", {}, many=False), 0.5),
        ],
    )

    page = write(_MACHINE, "2026-11-22", [2 * THERE_MS, 3 * THERE_MS], [profiled])

    assert "| post an entry | 2.00 | 1.00 | 3.00 | 2.7 | not met | 2.0 to 3.0 |" in page
    assert "| driver (psycopg) | 70% | 1.40 |" in page
    assert "| INSERT audit_entries | 0.50 |" in page
    assert "| COMMIT, and waking up for each statement that comes | 0.40 |" in page


@pytest.mark.apart
def test_a_quick_profile_looks_at_both_operations(server_url: str, tmp_path: Path) -> None:
    told = benchmarked(server_url, tmp_path / "PROFILE.md", "--profile", "--seconds", "0.5")

    for section in ("## The machine", "## Post an hour entry", "## Page of 50"):
        assert section in told
    assert "| driver (psycopg) | " in told
    assert "the machine's factor" in told
