"""The tools of others, pinned, each installed once into a place of its own in ``.venv``."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.contract.checks import NotInstalled
from tests.support.node import NODE, NotInstallable, installed

_HERE = Path(__file__).resolve().parent
_KEPT = Path(sys.prefix) / "contract"
_PATIENCE_SECONDS = 300


def npm_tools() -> Path:
    """Return the folder whose ``node_modules`` holds what ``npm/package-lock.json`` names.

    Raises:
        NotInstalled: npm can not get it.
    """
    try:
        return installed(_HERE / "npm")
    except NotInstallable as error:
        message = f"npm can not install the tools: {error}"
        raise NotInstalled(message) from error


def node_command(program: str) -> list[str | Path]:
    """Return how a program of the npm tools is called, with the Node that comes along.

    Raises:
        NotInstalled: npm can not get it.
    """
    return [NODE, (npm_tools() / "node_modules" / ".bin" / program).resolve()]


def python_tools(name: str) -> Path:
    """Return the ``bin`` folder of a Python environment with what ``python/<name>.txt`` names.

    Raises:
        NotInstalled: its packages can not be had.
    """
    pins = _HERE / "python" / f"{name}.txt"
    digest = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = _KEPT / f"{name}-{digest}"
    _KEPT.mkdir(exist_ok=True)
    with (_KEPT / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _uv("venv", "--python", sys.executable, str(folder))
            _uv("pip", "sync", "--python", str(folder / "bin" / "python"), str(pins))
            (folder / ".done").touch()
    return folder / "bin"


def _uv(*arguments: str) -> None:
    uv = Path(sys.prefix) / "bin" / "uv"
    command = [str(uv), *arguments, "--quiet", "--no-python-downloads"]
    try:
        done = subprocess.run(  # noqa: S603 - pinned in the Makefile
            command, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        message = f"uv was not done within {_PATIENCE_SECONDS} seconds"
        raise NotInstalled(message) from error
    if done.returncode:
        message = f"uv can not install the tools: {done.stderr.strip()[-500:]}"
        raise NotInstalled(message)
