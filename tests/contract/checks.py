"""What a check is given, and what it answers."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.contract.demo import Demo

ROOT = Path(__file__).resolve().parents[2]
_METHODS = frozenset({"get", "put", "post", "patch", "delete"})
_SHOWN_LINES = 40


class ToolFailed(Exception):
    """A tool could not do its work; says what it printed last."""


class LeftOut(Exception):
    """What a check needs and the project may not bring along is not here; says what and where."""


class NotInstalled(Exception):
    """The tools of a check can not be installed on this machine; says what, and why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found: its figure, and a line for each thing that falls short."""

    figure: str
    misses: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Ground:
    """What a check works on: a running demo, a folder of its own, and how much to try."""

    demo: Demo
    folder: Path
    suites: Path
    examples: int
    attack_seconds: int
    document: dict[str, Any] = field(repr=False)

    @property
    def document_file(self) -> Path:
        """The demo's OpenAPI document as a file, for tools that read one."""
        path = self.folder / "openapi.json"
        if not path.exists():
            path.write_text(json.dumps(self.document))
        return path

    def operations(self) -> frozenset[str]:
        """Return the contract's operations, each as its method and path."""
        return frozenset(
            f"{method.upper()} {path}"
            for path, item in self.document["paths"].items()
            for method in _METHODS & set(item)
        )

    def operation_count(self) -> int:
        return len(self.operations())


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    name: str
    about: str
    run: Callable[[Ground], Outcome]
    # Whether it leaves the demo as others need it; the one that does not comes last, or alone.
    needs_fresh_demo: bool = False


def run_tool(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    seconds: int,
    settings: Mapping[str, str] | None = None,
    fine: frozenset[int] | None = frozenset({0}),
) -> subprocess.CompletedProcess[str]:
    """Run a tool and return what it did.

    ``fine`` are the exit statuses of a tool that did its work, None means any.

    Raises:
        ToolFailed: another status, or no end within its time.
    """
    try:
        done = subprocess.run(  # noqa: S603 - a pinned tool
            [str(part) for part in command],
            cwd=cwd,
            env={**os.environ, **(settings or {})},  # noqa: TID251 - tools need the machine's
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"{Path(command[0]).name} was not done within {seconds} seconds"
        raise ToolFailed(message) from error
    if fine is not None and done.returncode not in fine:
        said = (done.stdout + done.stderr).strip().splitlines()[-_SHOWN_LINES:]
        message = f"{Path(command[0]).name} ended with {done.returncode}:\n" + "\n".join(said)
        raise ToolFailed(message)
    return done
