"""The bare figure: pgbench on the same SQL, as the same role, with nothing of the service between.

A captured request becomes a pgbench script: what numbers the request it was about becomes a
variable, and what it newly made gets identifiers of its own in every transaction.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from urllib.parse import unquote, urlsplit
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb, set_json_dumps

from benchmarks.capture import Statement
from benchmarks.ids import is_reckoned

# Days, identifiers and status names as the service stores them.
_dumps = partial(json.dumps, default=str, ensure_ascii=False)
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?7[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")
_LITERAL = re.compile(r"\s*(E?)'(.*)'((?:::[a-z0-9 \"\[\]]+)?)", re.DOTALL)
# What pgbench would take for a variable, in text that is none.
_COLON = re.compile(r":(?=[A-Za-z_])")


@dataclass(frozen=True, slots=True)
class Bare:
    """What pgbench reached; times in milliseconds."""

    transactions: int
    seconds: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Varying:
    """What differs from one transaction to the next: texts, and the variables in their place.

    ``before`` are the pgbench lines that set the variables; ``constant`` are identifiers that were
    there already, and so are not new in each transaction.
    """

    texts: Mapping[str, str]
    before: Sequence[str]
    constant: frozenset[UUID]


def script(
    statements: Sequence[Statement], varying: Varying, *, run: int, end: str = "COMMIT"
) -> str:
    """Return a captured transaction as a pgbench script; ``run`` keeps new identifiers apart."""
    written = _Script(varying, run)
    for statement in statements:
        for parameters in _sets(statement):
            written.add(statement.text, parameters)
    lines = [
        "\\set i :i + 1",
        "\\set s 100000000000 + :client_id * 1000000000 + :i",
        *varying.before,
        *(f"{text.strip()};" for text in written.statements),
        f"{end};",
    ]
    return "\n".join(lines) + "\n"


class _Script:
    """Statements with their parameters written out, and variables where they differ."""

    def __init__(self, varying: Varying, run: int) -> None:
        self._varying = varying
        self._run = run
        self._new: dict[UUID, str] = {}
        self.statements: list[str] = []

    def add(self, text: str, parameters: Mapping[str, Any]) -> None:
        """Add one statement; several without parameters come apart, as pgbench prepares one."""
        if not parameters:
            self.statements += text.split("; ")
            return
        self.statements.append(
            _PLACEHOLDER.sub(
                lambda match: self._literal(parameters[match[1]]) if match[1] else "%", text
            )
        )

    def _literal(self, value: object) -> str:
        if isinstance(value, Jsonb):
            value = Jsonb(cast("Any", value).obj, _dumps)
        text = sql.Literal(value).as_string()
        found = _LITERAL.fullmatch(text)
        if found is None:
            return text
        escaping, inside, type_ = found.groups()
        # Between NULs, which no value holds, stand the variables.
        inside = _UUID.sub(self._made_anew, inside)
        for constant, variable in self._varying.texts.items():
            inside = inside.replace(constant, f"\0{variable}\0")
        parts = inside.split("\0")
        colon = f"' || chr(58) || {escaping}'"
        parts[0::2] = [f"{escaping}'{_COLON.sub(colon, part)}'" for part in parts[0::2]]
        parts[1::2] = [f":{variable}" for variable in parts[1::2]]
        return f"({' || '.join(parts)}){type_}"

    def _made_anew(self, match: re.Match[str]) -> str:
        known = UUID(match[0])
        if is_reckoned(known) or known in self._varying.constant:
            return str(known)
        if known not in self._new:
            self._new[known] = f"01990000-{len(self._new):04x}-7000-8{self._run:03x}-"
        return f"{self._new[known]}\0s\0"


def find_pgbench(bin_dir: Path | None) -> Path | None:
    """Return pgbench: the server's own, or else the machine's; None when there is none."""
    if bin_dir is not None and (bin_dir / "pgbench").is_file():
        return bin_dir / "pgbench"
    found = shutil.which("pgbench")
    return None if found is None else Path(found)


def run_pgbench(
    pgbench: Path,
    app_url: str,
    content: str,
    *,
    clients: int,
    limit: Sequence[str],
) -> Bare:
    """Run a script, as often or as long as ``limit`` says, with prepared statements.

    Raises:
        ValueError: a transaction failed: the script is not what the schema takes.
    """
    url = urlsplit(app_url)
    environment = {
        "PATH": os.defpath,
        "PGPASSWORD": unquote(url.password or ""),
        "PGUSER": unquote(url.username or ""),
        "PGHOST": url.hostname or "",
        "PGPORT": str(url.port or 5432),
        "PGDATABASE": url.path.lstrip("/"),
    }
    with TemporaryDirectory(prefix="leerruimte-bench-") as folder:
        path = Path(folder) / "script.sql"
        path.write_text(content)
        command = [str(pgbench), "-n", "-M", "prepared", "-c", str(clients), "-j", "1", *limit]
        # The number of the transaction of each client, counted on by the script.
        command += ["-D", "i=-1"]
        command += ["-l", "--log-prefix", f"{folder}/log", "-f", str(path)]
        done = subprocess.run(  # noqa: S603 - our own command
            command, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            message = f"pgbench: {done.stderr[-2000:]}"
            raise ValueError(message)
        lines = [
            line.split()
            for log in Path(folder).glob("log.*")
            for line in log.read_text().splitlines()
        ]
    times = sorted(int(line[2]) for line in lines)
    ends = [int(line[4]) + int(line[5]) / 1e6 for line in lines]
    began = min(end - int(line[2]) / 1e6 for end, line in zip(ends, lines, strict=True))
    return Bare(
        transactions=len(times),
        seconds=max(ends) - began,
        p50_ms=times[len(times) // 2] / 1000,
        p99_ms=times[len(times) * 99 // 100] / 1000,
    )


def replay(app_url: str, statements: Sequence[Statement]) -> None:
    """Run a captured transaction once as it was, by plain psycopg, and commit it."""
    with psycopg.connect(app_url, autocommit=True) as connection:
        set_json_dumps(_dumps, connection)
        for statement in statements:
            if statement.many:
                with connection.cursor() as cursor:
                    cursor.executemany(statement.text.encode(), _sets(statement))
            else:
                connection.execute(statement.text.encode(), statement.parameters or None)
        connection.execute("COMMIT")


def _sets(statement: Statement) -> Sequence[Mapping[str, Any]]:
    if statement.many:
        return cast("Sequence[Mapping[str, Any]]", statement.parameters)
    return [cast("Mapping[str, Any]", statement.parameters or {})]
