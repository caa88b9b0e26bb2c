import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.db.embedded import embedded_server
from app.db.migration import ROOT
from tests.support.process import environment, leerruimte

TRANSFERS = 1_000_000


@pytest.mark.apart
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="a figure of a machine with two cores")
def test_a_million_transfers_are_verified_in_half_a_minute_with_progress(tmp_path: Path) -> None:
    with embedded_server(tmp_path / "data", progress=lambda _line: None) as server:
        subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", "benchmarks.history", str(TRANSFERS)],
            cwd=ROOT,
            env=environment({"DATABASE_URL": server.owner_url}),
            check=True,
            capture_output=True,
        )
        began = time.monotonic()
        verified = leerruimte("verify", DATABASE_URL=server.owner_url)
        took = time.monotonic() - began
    assert verified.returncode == 0, verified.stderr
    assert "All is as it was recorded." in verified.stderr
    assert took < 30
    told = len(re.findall(r"^  its .* \.\.\.$", verified.stderr, re.MULTILINE))
    assert told >= took // 2 - 2
