"""The commands of ``leerruimte``.

Each answers 0 when it did its work, 1 when it found or met something wrong, 2 when it was asked
wrongly, and 130 when it was interrupted.
"""

import argparse
import os
import signal
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from types import FrameType

from pydantic import ValidationError

from app.cli import founding, importing, keeping, serving
from app.cli.terms import NotPossible, tell
from app.settings import SettingMissing, Settings

_INTERRUPTED = 128 + signal.SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command and return its exit status."""
    asked = _parser().parse_args(arguments)
    # make, Docker and a closed terminal end a program by these: leave as by Ctrl-C, step by step.
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _hang_up)
    try:
        return asked.carry_out(_settings(asked), asked)
    except KeyboardInterrupt:
        tell("Interrupted; what was done is kept.")
        return _INTERRUPTED
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(str(part) for part in problem["loc"]).upper() or "Settings"
            tell(f"{name}: {problem['msg'].removeprefix('Value error, ')}")
        return 2
    except SettingMissing as error:
        tell(str(error))
        return 2
    except NotPossible as error:
        tell(str(error))
        return 1


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _hang_up(_number: int, _frame: FrameType | None) -> None:
    # While the service runs, SIGTERM is uvicorn's, and means: finish what was accepted.
    signal.raise_signal(signal.SIGTERM)


def _settings(asked: argparse.Namespace) -> Settings:
    """Return the settings; ``run`` and ``demo`` are in demo mode unless ``DEMO`` says otherwise."""
    if asked.carry_out in (serving.run, keeping.demo) and "DEMO" not in os.environ:
        return Settings(demo=True)
    return Settings()


def _instant(given: str) -> datetime:
    try:
        return datetime.fromisoformat(given)
    except ValueError:
        message = f"{given} is no instant; write it with its zone, as 2026-11-22T10:00:00Z"
        raise argparse.ArgumentTypeError(message) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="leerruimte",
        description="The back end of a learning and development system. Settings come from the "
        "environment: DATABASE_URL, APP_DATABASE_URL, DATA_DIR, HOST, PORT, WORKERS, OIDC_ISSUER, "
        "OIDC_AUDIENCE and the others that docs/operating.md lists.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, carry_out: Callable[..., int], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(carry_out=carry_out)
        return added

    command("run", serving.run, "Everything at once: database, schema, demo, service.")
    command("serve", serving.serve, "Serve the API; the schema must be up to date.")
    worker = command(
        "worker", serving.worker, "Do the work beside the requests, apart from whoever serves."
    )
    worker.add_argument(
        "--check", action="store_true", help="only tell whether the worker of this DATA_DIR works"
    )
    command("migrate", keeping.migrate, "Bring the schema of DATABASE_URL up to date.")
    command(
        "demo", keeping.demo, "Load the demo organisation, unless it is there or DEMO is false."
    )
    founded = command("found", founding.found, "Found an organisation, under its name in tokens.")
    founded.add_argument("slug", help="how tokens name it: 2 to 31 of a-z, 0-9 and -")
    founded.add_argument("--name", required=True, help="as people write it")
    founded.add_argument("--kind", choices=("employer", "fund"), default="employer")
    verify = command("verify", keeping.verify, "Recompute the ledger and the audit chain.")
    verify.add_argument("organisation", nargs="*", help="a slug or an id; without one, all of them")
    command("backup", keeping.back_up, "Back the embedded server up, also while it serves.")
    restored = command(
        "restore", keeping.restore, "Put the embedded server's data back as it was, and verify it."
    )
    restored.add_argument(
        "--at",
        type=_instant,
        help="the instant to go back to, as 2026-11-22T10:00:00Z; without it, as late as is known",
    )
    taken = command(
        "import", importing.take_over, "Take over a file of HR's: people, or training requests."
    )
    taken.add_argument("kind", choices=("employees", "requests"))
    taken.add_argument("file", type=Path, help="CSV as HR has it; faults are named by line")
    taken.add_argument("--organisation", required=True, help="a slug or an id")
    taken.add_argument("--dry-run", action="store_true", help="only tell what would happen")
    taken.add_argument("--partial", action="store_true", help="take the good rows, not the others")
    taken.add_argument("--language", choices=("nl", "en"), default="nl", help="of what is told")
    command("openapi", serving.openapi, "Print the contract: the OpenAPI document of /v1.")
    beside = command(
        "postgres",
        keeping.postgres,
        "Run a command beside the embedded server: its URLs, its programs.",
    )
    beside.add_argument("argument", nargs=argparse.REMAINDER, help="the command, after --")
    return parser
