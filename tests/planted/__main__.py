"""``make planted``: put each bug in a copy of the tree and see the tests turn red.

First the tests run on the copy as it is: who is red without a bug proves nothing. Then each bug is
applied, its tests run, and the bug is removed again. A bug is caught when pytest says that a test
failed; one whose fixture broke (unless the bug says so), a run that could not start or found no
test is no catch. Names as arguments choose bugs.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.planted.bugs import BUGS, Bug
from tests.support.database import running_server

_ROOT = Path(__file__).resolve().parents[2]
_TREE = ("app", "migrations", "tests", "benchmarks", "docs", "alembic.ini", "pyproject.toml")
_PASSED, _FAILED = 0, 1
_RED = re.compile(r"^FAILED (\S+)", re.MULTILINE)
_BROKEN = re.compile(r"^ERROR (\S+)", re.MULTILINE)


def main(names: Sequence[str]) -> int:
    """Plant the bugs of these names, or all of them; return 0 when each is caught."""
    if unknown := set(names) - {bug.name for bug in BUGS}:
        _say(f"there are no such bugs: {', '.join(sorted(unknown))}; there are")
        _say("\n".join(f"  {bug.name}" for bug in BUGS))
        return 2
    chosen = [bug for bug in BUGS if not names or bug.name in names]
    unfit = [bug.name for bug in chosen for one in bug.changes if one.places_in(_ROOT) != 1]
    if unfit:
        _say(f"these do not fit the code any more: {', '.join(unfit)}")
        return 2
    with (
        TemporaryDirectory(prefix="leerruimte-planted-") as scratch,
        running_server(Path(scratch) / "postgres") as url,
    ):
        return _plant(chosen, Path(scratch) / "tree", url)


def _plant(bugs: list[Bug], tree: Path, url: str) -> int:
    tree.mkdir()
    for name in _TREE:
        _copy(_ROOT / name, tree / name)
    wanted = sorted({test for bug in bugs for test in bug.tests})
    begun = time.monotonic()
    status, told = _run(tree, url, wanted)
    _say(f"without a bug: {_seconds(begun)}, {'green' if status == _PASSED else 'RED'}")
    if status != _PASSED:
        _say(told)
        return 2
    missed = [bug.name for bug in bugs if not _caught(bug, tree, url)]
    _say(f"{len(bugs) - len(missed)} of {len(bugs)} bugs caught")
    return 1 if missed else 0


def _caught(bug: Bug, tree: Path, url: str) -> bool:
    """Plant one bug, see whether its tests tell it, and take it out again."""
    begun = time.monotonic()
    files = {change.file for change in bug.changes}
    for change in bug.changes:
        change.apply(tree)
    try:
        status, told = _run(tree, url, bug.tests)
    finally:
        for file in files:
            _copy(_ROOT / file, tree / file)
    red, broken = _RED.findall(told), _BROKEN.findall(told)
    telling = broken if bug.by_fixture else red
    caught = status == _FAILED and bool(telling)
    verdict = (
        f"caught by {len(telling)}, as {telling[0]}" if caught else f"NOT CAUGHT (exit {status})"
    )
    if broken and not bug.by_fixture:
        verdict += f", and {len(broken)} could not run, as {broken[0]}"
    _say(f"{bug.name}: {bug.says}: {verdict} ({_seconds(begun)})")
    if not caught:
        _say(told[-3000:])
    return caught


def _run(tree: Path, url: str, tests: Iterable[str]) -> tuple[int, str]:
    """Run tests in the copy, on a server of this run; return pytest's status and its output."""
    environment = {**os.environ, "TEST_DATABASE_URL": url, "PYTHONDONTWRITEBYTECODE": "1"}  # noqa: TID251 - a child's
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            "0",
            "-p",
            "no:cacheprovider",
            # The same order every time: what turns red is the bug's doing.
            "-p",
            "no:randomly",
            "--tb=line",
            "--maxfail=3",
            *tests,
        ],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(
            source, target, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
        )
    else:
        shutil.copyfile(source, target)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _seconds(begun: float) -> str:
    return f"{time.monotonic() - begun:.0f} s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
