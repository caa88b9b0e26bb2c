"""The machine: what it is, and the CPU that a server's processes have used."""

import os
import platform
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from app.db.migration import ROOT


@dataclass(frozen=True, slots=True)
class Machine:
    cores: int
    processor: str
    memory_gib: float
    python: str
    postgres: str
    commit: str


def describe(owner_url: str) -> Machine:
    """Return what the figures were had on."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    return Machine(
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else _cores(),
        processor=_processor(),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        python=platform.python_version(),
        postgres=str(row[0]) if row else "unknown",
        commit=_commit(),
    )


def server_process(owner_url: str) -> psutil.Process | None:
    """Return PostgreSQL's first process, or None when it does not run on this machine."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        try:
            backend = psutil.Process(row[0] if row else 0)
            return backend.parent() if "postgres" in backend.name() else None
        except psutil.Error:
            return None


def cpu_of(process: psutil.Process) -> Callable[[], float]:
    """Return a meter: the CPU seconds of a process, its children, and those that have ended."""

    def used() -> float:
        own = process.cpu_times()
        total = own.user + own.system + own.children_user + own.children_system
        for child in process.children(recursive=True):
            try:
                times = child.cpu_times()
            except psutil.NoSuchProcess:
                continue  # its time is with its parent from now on
            total += times.user + times.system
        return total

    return used


def _cores() -> int:
    return os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _commit() -> str:
    """Return the commit that was measured, marked when files differ from it."""

    def git(*arguments: str) -> str:
        asked = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(  # noqa: S603 - as above
            asked, capture_output=True, text=True, check=False
        ).stdout.strip()

    commit = git("rev-parse", "--short=12", "HEAD")
    changed = git("status", "--porcelain", "--untracked-files=no", "--", "app", "migrations")
    return f"{commit or 'unknown'}{' with changes' if changed else ''}"
