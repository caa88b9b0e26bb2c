"""The benchmarks still measure: a smoke run of them, on little data."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.db.migration import ROOT


@pytest.mark.apart
def test_a_quick_run_measures_every_operation_and_writes_the_page(
    server_url: str, tmp_path: Path
) -> None:
    page = tmp_path / "RESULTS.md"
    done = subprocess.run(  # noqa: S603 - our own module
        [
            sys.executable,
            *("-m", "benchmarks", "--quick", "--seconds", "0.2", "--output", str(page)),
        ],
        env={**os.environ, "TEST_DATABASE_URL": server_url},  # noqa: TID251 - the run's own server
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-4000:]
    told = page.read_text()
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
