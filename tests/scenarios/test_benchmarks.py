"""The benchmarks still measure: a smoke run of them, on little data."""

from pathlib import Path

import pytest

from benchmarks.__main__ import verdict
from benchmarks.machine import Machine
from benchmarks.report import Decided, Figure, Measured, unexplained, write
from tests.support.process import benchmarked

_MACHINE = Machine(2, "a processor", 4.0, "3.11.7", "18.6", "0123456789ab")
_PROFILE = "# Where the CPU goes\n\n## The machine\n\n## Page of 50 from 30,000\n\n| layer |\n"


def _measured(*, get_ms: float = 1.0, page_ms: float = 1.0, memory_mib: float = 100) -> Measured:
    """Return what a run found, each of two operations with a budget of 2 ms at 16 clients."""
    figures = [
        Figure(
            operation=operation,
            clients=clients,
            statements=3,
            busy=0,
            per_second=100.0,
            p50_ms=1.0,
            p99_ms=2.0,
            service_ms=together / 2,
            postgres_ms=together / 2,
            load_ms=0.1,
            budget_ms=2.0,
            bare=None,
            bare_postgres_ms=None,
        )
        for operation, held in (("get one request", get_ms), ("page of 50 from 100,000", page_ms))
        # At one client all costs more, and no budget is held.
        for clients, together in ((1, 9.0), (16, held))
    ]
    decided = Decided(20, [0.5], 10.0, 10.0, 0.2, 100)
    return Measured(figures, decided, started_in_seconds=2.0, memory_mib=[memory_mib])


def _met(measured: Measured, profile: str) -> dict[str, str]:
    """Return the last cell of each budget on the page."""
    page = write(_MACHINE, measured, notes=[], profile=profile)
    rows = page.partition("## Budgets")[2].partition("\n## ")[0].strip().splitlines()[2:]
    return {cells[1].strip(): cells[-2].strip() for cells in (row.split("|") for row in rows)}


def test_a_run_that_meets_its_budgets_says_so_and_misses_none() -> None:
    assert unexplained(_measured(), "") == []
    assert set(_met(_measured(), _PROFILE).values()) == {"met"}


def test_a_missed_budget_is_named_unless_the_profile_has_a_section_for_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    missed = _measured(get_ms=2.5, page_ms=3.0, memory_mib=300)

    named = {budget.what for budget in unexplained(missed, _PROFILE)}

    assert named == {"CPU of get one request", "memory after the load, the largest process"}
    assert _met(missed, _PROFILE) == {
        "CPU of get one request": "not met",
        "CPU of page of 50 from 100,000": "not met: see PROFILE.md",
        "memory after the load, the largest process": "not met",
        "start of the service until ready": "met",
    }
    assert verdict(missed, _PROFILE) == 1
    assert "CPU of get one request: 2.50 ms, not 2 ms" in capsys.readouterr().err
    assert verdict(_measured(page_ms=3.0), _PROFILE) == 0
    assert verdict(_measured(page_ms=3.0), "") == 1


def test_without_a_profile_every_missed_budget_is_named() -> None:
    missed = _measured(page_ms=3.0)

    assert [budget.what for budget in unexplained(missed, "")] == ["CPU of page of 50 from 100,000"]
    assert _met(missed, "")["CPU of page of 50 from 100,000"] == "not met"


@pytest.mark.apart
def test_a_quick_run_measures_every_operation_and_writes_the_page(
    server_url: str, tmp_path: Path
) -> None:
    told = benchmarked(server_url, tmp_path / "RESULTS.md", "--seconds", "0.2")

    for operation in ("get one request", "page of 50", "submit a request", "post an hour entry"):
        for clients in (1, 16, 64):
            assert f"| {operation}" in told
            assert f" | {clients} | " in told
    assert "The MT adopts a proposal of 20 items" in told
    assert "met |" in told
    for section in ("## Two workers", "## Overload", "## A long history"):
        assert section in told
    assert "PDF of an agreement" in told
    assert "memory after the load" in told
