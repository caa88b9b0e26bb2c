"""Run the checks of the contract: a line for each, with its figure; 1 when anything falls short."""

import argparse
import os
import sys
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from tests.contract.checks import ROOT, Check, Ground, LeftOut, NotInstalled, Outcome, ToolFailed
from tests.contract.clients import lms, python_client, typescript_client
from tests.contract.committed import committed
from tests.contract.demo import Demo, DemoFailed, running_demo
from tests.contract.probes import nl_gov_live, offat, schemathesis, wapiti
from tests.contract.rulesets import nl_gov, owasp, redocly

# Those that read come first, on one demo; each that writes at random has a demo of its own.
CHECKS = (
    Check("committed", "openapi.json is what is served", committed),
    Check("nl-gov", "Logius' ruleset of the NL GOV API rules", nl_gov),
    Check("owasp", "OWASP's ruleset for API security", owasp),
    Check("redocly", "Redocly's recommended rules", redocly),
    Check("typescript", "a client in TypeScript", typescript_client),
    Check("python", "a client in Python", python_client),
    Check("nl-gov-live", "the NL GOV rules that only answers show", nl_gov_live),
    Check("lms", "the main job by an LMS in TypeScript", lms),
    Check("schemathesis", "requests made from the contract", schemathesis, needs_fresh_demo=True),
    Check("wapiti", "attacks on every address", wapiti, needs_fresh_demo=True),
    Check("offat", "attacks made from the contract", offat, needs_fresh_demo=True),
)


class Result(Enum):
    """What came of a check, as the report marks it."""

    HOLDS = "ok"
    SHORT = "SHORT"
    LEFT_OUT = "left out"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks that are asked for, and return 1 when any falls short."""
    asked = _parser().parse_args(arguments)
    checks = [check for check in CHECKS if check.name in asked.only or not asked.only]
    width = max(len(check.name) for check in checks)
    began = time.monotonic()
    try:
        results = [
            result
            for together in _sharing_a_demo(checks)
            for result in _report_on(together, asked, width)
        ]
    except DemoFailed as error:
        _say(f"contract: the demo did not start:\n{error}")
        return 1
    _say(f"contract: {_verdict(results)}, {time.monotonic() - began:.0f} s")
    return 1 if Result.SHORT in results else 0


def _verdict(results: Sequence[Result]) -> str:
    counts = {result: results.count(result) for result in Result}
    told = f"{counts[Result.HOLDS]} of {len(results)} checks hold"
    if counts[Result.SHORT]:
        told += f", {counts[Result.SHORT]} fall short"
    if counts[Result.LEFT_OUT]:
        told += f", {counts[Result.LEFT_OUT]} left out"
    return told


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make contract CONTRACT_ARGS=...", description=__doc__)
    parser.add_argument(
        "--only",
        nargs="+",
        default=(),
        choices=[check.name for check in CHECKS],
        help="some checks",
    )
    parser.add_argument(
        "--suites",
        type=Path,
        default=ROOT.parent / "shared" / "suites",
        help="where adr-linter.yaml and adr-live.py are (%(default)s)",
    )
    parser.add_argument(
        "--examples",
        type=int,
        default=15,
        help="Schemathesis' examples for each operation (%(default)s)",
    )
    parser.add_argument(
        "--attack-seconds",
        type=int,
        default=90,
        help="how long each of Wapiti's modules may attack (%(default)s)",
    )
    return parser


def _sharing_a_demo(checks: Iterable[Check]) -> Iterator[list[Check]]:
    shared = [check for check in checks if not check.needs_fresh_demo]
    if shared:
        yield shared
    yield from ([check] for check in checks if check.needs_fresh_demo)


def _report_on(checks: Iterable[Check], asked: argparse.Namespace, width: int) -> Iterator[Result]:
    """Yield what came of checks on one demo, and say it."""
    with _ground(asked) as ground:
        for check in checks:
            began = time.monotonic()
            result, outcome = _result(check, ground)
            seconds = time.monotonic() - began
            _say(
                f"{result.value:<8}  {check.name:<{width}}  {check.about}: {outcome.figure} "
                f"({seconds:.0f} s)"
            )
            for line in outcome.misses:
                _say(f"          {line}")
            yield result


def _result(check: Check, ground: Ground) -> tuple[Result, Outcome]:
    try:
        outcome = check.run(ground)
    except LeftOut as missing:
        return Result.LEFT_OUT, Outcome(str(missing))
    except NotInstalled as missing:
        # Where CI runs, all can be installed: there it is no reason to leave anything out.
        in_ci = "CI" in os.environ  # noqa: TID251 - set by the runner
        return Result.SHORT if in_ci else Result.LEFT_OUT, Outcome(str(missing))
    except ToolFailed as error:
        return Result.SHORT, Outcome("could not be run", str(error).splitlines())
    return Result.SHORT if outcome.misses else Result.HOLDS, outcome


@contextmanager
def _ground(asked: argparse.Namespace) -> Generator[Ground]:
    with TemporaryDirectory(prefix="leerruimte-contract-") as scratch:
        folder = Path(scratch)
        with running_demo(folder) as demo:
            yield Ground(
                demo=demo,
                folder=folder,
                suites=asked.suites,
                examples=asked.examples,
                attack_seconds=asked.attack_seconds,
                document=_document(demo),
            )


def _document(demo: Demo) -> dict[str, object]:
    document: dict[str, object] = (
        httpx.get(f"{demo.url}/v1/openapi.json", timeout=30).raise_for_status().json()
    )
    return document


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
