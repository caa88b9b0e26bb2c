"""Rulesets of others over the demo's OpenAPI document: Logius' NL GOV rules, OWASP's, Redocly's."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.contract.checks import Ground, LeftOut, Outcome, ToolFailed, run_tool
from tests.contract.tools import node_command, npm_tools

_ERROR, _WARNING = 0, 1
_SECONDS = 120
# How spectral ends when it read the document: without findings, and with.
_READ = frozenset({0, 1})


def nl_gov(ground: Ground) -> Outcome:
    """Return what Logius' own ruleset of the NL GOV REST API Design Rules says: no warning either.

    Raises:
        LeftOut: the ruleset is not there.
    """
    ruleset = ground.suites / "adr-linter.yaml"
    if not ruleset.is_file():
        message = f"Logius' ruleset is not at {ruleset}; --suites names another folder"
        raise LeftOut(message)
    return _spectral(ground, ruleset, worst=_WARNING)


def owasp(ground: Ground) -> Outcome:
    """Return what the OWASP API Security ruleset says."""
    package = npm_tools() / "node_modules" / "@stoplight" / "spectral-owasp-ruleset"
    ruleset = ground.folder / "owasp.yaml"
    ruleset.write_text(f"extends: [{json.dumps(str(package))}]\n")
    return _spectral(ground, ruleset, worst=_ERROR)


def redocly(ground: Ground) -> Outcome:
    """Return what Redocly's recommended rules say."""
    done = run_tool(
        [
            *node_command("redocly"),
            "lint",
            ground.document_file,
            "--extends=recommended",
            "--format=json",
        ],
        cwd=ground.folder,
        seconds=_SECONDS,
        settings={"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"},
        fine=_READ,
    )
    told = _parsed(done.stdout[done.stdout.find("{") :], done.stderr)
    misses = _counted(
        f"{problem['ruleId']}: {problem['message']}"
        for problem in told["problems"]
        if problem["severity"] == "error"
    )
    errors, warnings = told["totals"]["errors"], told["totals"]["warnings"]
    return Outcome(_figure(errors, warnings, ground), [*misses])


def _spectral(ground: Ground, ruleset: Path, *, worst: int) -> Outcome:
    done = run_tool(
        [
            *node_command("spectral"),
            "lint",
            "--quiet",
            "--format=json",
            f"--ruleset={ruleset}",
            ground.document_file,
        ],
        cwd=ground.folder,
        seconds=_SECONDS,
        fine=_READ,
    )
    found: list[Mapping[str, Any]] = _parsed(done.stdout, done.stderr)
    misses = _counted(
        f"{one['code']}: {one['message'].splitlines()[0]}"
        for one in found
        if one["severity"] <= worst
    )
    severities = Counter(one["severity"] for one in found)
    return Outcome(_figure(severities[_ERROR], severities[_WARNING], ground), [*misses])


def _parsed(told: str, said: str) -> Any:  # noqa: ANN401 - a JSON value
    try:
        return json.loads(told)
    except ValueError as error:
        message = f"what it told is no report: {told[-500:]} {said[-500:]}"
        raise ToolFailed(message) from error


def _counted(lines: Iterable[str]) -> Iterator[str]:
    for line, count in Counter(lines).most_common():
        yield f"{count} x {line}"


def _figure(errors: int, warnings: int, ground: Ground) -> str:
    return f"{errors} errors, {warnings} warnings over {ground.operation_count()} operations"
