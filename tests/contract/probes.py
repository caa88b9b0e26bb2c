"""Programs of others that ask the running demo: the NL GOV probe, Schemathesis, Wapiti, OFFAT."""

import json
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.contract.checks import Ground, LeftOut, Outcome, ToolFailed, run_tool
from tests.contract.tools import python_tools

_HERE = Path(__file__).resolve().parent

# The share of the operations, in %, that must have taken at least one of Schemathesis' requests.
_REACHED_PERCENT = 90
# What may answer a request that the schema allows, beside success: who asks too much, too late, of
# what is not there, without a precondition, or what no schema can say (an end before its start).
_REFUSALS = ("401", "403", "404", "409", "412", "422", "428", "429")

# What Wapiti tries: all that can be found without a server of its own elsewhere, and that is not
# about one product. Its module `methods` only tells which methods there are; `spring4shell`, about
# a product in Java, takes each refusal of a parameter that is not known for a hit.
_WAPITI_MODULES = (
    "cookieflags",
    "crlf",
    "csp",
    "exec",
    "file",
    "htaccess",
    "http_headers",
    "ldap",
    "permanentxss",
    "redirect",
    "shellshock",
    "sql",
    "timesql",
    "upload",
    "xss",
    "xxe",
)

# What Wapiti says of a module that had no time for the rest of its attacks.
_CUT_OFF = re.compile(r"Max attack time was reached for module (\w+)")

# The part of what Schemathesis says that tells its failures.
_FAULTS = re.compile(r"=+ (?:ERRORS|FAILURES) =.*?(?=\n=+ (?:WARNINGS|SUMMARY) =)", re.DOTALL)

# Of any telephone number.
_FEWEST_DIGITS = 9

# What the service makes itself and puts into any answer: ids, instants, names of headers. A mark
# of two digits, or the word "key", stands in some of them by chance.
_OWN_WORDS = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\dT[\d:.]+Z"
    r"|Idempotency-Key|/problems/[a-z-]+"
)


def nl_gov_live(ground: Ground) -> Outcome:
    """Return what the probe of the rules says that no linter of a document sees.

    Raises:
        LeftOut: the probe is not there.
    """
    probe = ground.suites / "adr-live.py"
    if not probe.is_file():
        message = f"the probe is not at {probe}; --suites names another folder"
        raise LeftOut(message)
    done = run_tool(
        [sys.executable, probe],
        cwd=ground.folder,
        seconds=300,
        settings={"BASE_URL": ground.demo.url, "TOKEN": ground.demo.token},
        fine=None,
    )
    *misses, figure = (done.stdout + done.stderr).strip().splitlines() or ["it said nothing"]
    if done.returncode and not misses:
        misses = [figure]
    return Outcome(figure, misses)


def schemathesis(ground: Ground) -> Outcome:
    """Return what Schemathesis finds: all its checks in all its phases, as two organisations."""
    folder = ground.folder
    shutil.copy(_HERE / "schemathesis_hooks.py", folder)
    (folder / "signed-in.json").write_text(json.dumps({"auth": [*_users(ground)]}))
    (folder / "schemathesis.toml").write_text(_schemathesis_settings(folder))
    done = run_tool(
        [
            python_tools("schemathesis") / "schemathesis",
            "--no-color",
            *("--config-file", folder / "schemathesis.toml"),
            *("run", f"{ground.demo.url}/v1/openapi.json", "--origin", ground.demo.url),
            *("--checks", "all"),
            *("--phases", "examples,coverage,fuzzing,stateful"),
            *("--max-examples", str(ground.examples), "--seed", "1"),
            *("--generation-database", "none"),
            *("--report", "json", "--report-json-path", folder / "schemathesis.json"),
        ],
        cwd=folder,
        seconds=3600,
        settings={"PYTHONPATH": str(folder)},
        fine=None,
    )
    report = _report(folder / "schemathesis.json", done.stdout + done.stderr)
    return judge_requests(report, done.stdout, ground.operations())


def _users(ground: Ground) -> Iterator[dict[str, Any]]:
    """Yield who signs in, as the Web Fuzzing Commons has it.

    Not as a header for all requests: that would stand on those that leave it out on purpose too.
    """
    for name, token in (("ours", ground.demo.token), ("theirs", ground.demo.other_token)):
        headers = [{"name": "Authorization", "value": f"Bearer {token}"}]
        yield {"name": name, "fixedHeaders": headers}


def _schemathesis_settings(folder: Path) -> str:
    return f"""\
hooks = "schemathesis_hooks"
[auth.wfc]
path = {json.dumps(str(folder / "signed-in.json"))}
user = "ours"
peers = ["ours", "theirs"]
[checks.positive_data_acceptance]
expected-statuses = {json.dumps(["2xx", "3xx", *_REFUSALS])}
[dictionaries.latest-version]
values = ["*"]
[parameters]
"header.If-Match" = {{ dictionary = "latest-version", probability = 0.7 }}
"""


def judge_requests(report: Mapping[str, Any], said: str, operations: frozenset[str]) -> Outcome:
    """Return what a report of Schemathesis comes to.

    An operation that it never tested is one that was not reached.
    """
    accepted = {
        operation
        for operation, phases in report["valid_rates"].items()
        if any(phase["accepted"] for phase in phases.values())
    }
    unreached = sorted(operations - accepted)
    failures, errors = report["test_cases"]["unique_failures"], len(report["errors"])
    reached = 100 * (len(operations) - len(unreached)) // len(operations)
    misses: list[str] = []
    if failures or errors:
        told = _FAULTS.search(said)
        misses += (told[0] if told else said[-3000:]).splitlines()
    if reached < _REACHED_PERCENT:
        misses.append(
            f"at least {_REACHED_PERCENT}% should be reached; not: {', '.join(unreached)}"
        )
    cases = report["test_cases"]["generated"]
    return Outcome(
        f"{failures} failures, {errors} errors in {cases} requests, "
        f"{reached}% of {len(operations)} operations reached",
        misses,
    )


def wapiti(ground: Ground) -> Outcome:
    """Return what Wapiti finds by attacks on every operation, with a token of every role."""
    report_file = ground.folder / "wapiti.json"
    done = run_tool(
        [
            python_tools("wapiti3") / "wapiti",
            *("--url", f"{ground.demo.url}/"),
            *("--swagger", f"{ground.demo.url}/v1/openapi.json"),
            *("--header", f"Authorization: Bearer {ground.demo.token}"),
            *("--scope", "domain", "--depth", "2", "--module", ",".join(_WAPITI_MODULES)),
            *("--max-attack-time", str(ground.attack_seconds), "--flush-session", "--no-bugreport"),
            *("--format", "json", "--output", report_file, "--verbose", "1"),
            *("--store-session", ground.folder / "session"),
            *("--store-config", ground.folder / "config"),
        ],
        cwd=ground.folder,
        # The reading of the contract before the attacks takes little.
        seconds=len(_WAPITI_MODULES) * ground.attack_seconds + 300,
    )
    said = done.stdout + done.stderr
    return judge_attacks(_report(report_file, said), said, ground.operation_count())


def judge_attacks(report: Mapping[str, Any], said: str, operation_count: int) -> Outcome:
    """Return what a report of Wapiti comes to, with the modules that were cut off."""
    findings = [
        f"{kind}: {found['method']} {found['path']} {found['info']}"
        for group in ("vulnerabilities", "anomalies")
        for kind, group_findings in report[group].items()
        for found in group_findings
    ]
    pages = report["infos"]["crawled_pages_nbr"]
    misses = list(findings)
    if pages < operation_count:
        misses.append(f"it saw {pages} addresses, less than there are operations")
    cut_off = list(dict.fromkeys(_CUT_OFF.findall(said)))
    told = f"{len(cut_off)} cut off: {', '.join(cut_off)}" if cut_off else "none cut off"
    return Outcome(
        f"{len(findings)} findings by {len(_WAPITI_MODULES)} modules at {pages} addresses, {told}",
        misses,
    )


def offat(ground: Ground) -> Outcome:
    """Return what OFFAT finds, as far as its mark stands in what was sent and not in our own ids.

    It looks for a mark (``49`` for a template that computes 7 times 7) and for what looks like
    personal data anywhere in an answer. Data are a finding in a refusal alone: an answer holds them
    for who may see them.
    """
    report_file = ground.folder / "offat.json"
    done = run_tool(
        [
            python_tools("offat") / "offat",
            *("--file", ground.document_file, "--server", f"{ground.demo.url}/v1"),
            *("--headers", f"Authorization: Bearer {ground.demo.token}"),
            *("--rate-limit", "100", "--output", report_file, "--format", "json"),
        ],
        cwd=ground.folder,
        seconds=600,
    )
    results = _report(report_file, done.stdout + done.stderr)["results"]
    found = Counter(line for result in results for line in _offat_findings(result))
    misses = [f"{count} x {line}" for line, count in found.most_common()]
    if len(results) < ground.operation_count():
        misses.append(f"it made {len(results)} tests, less than there are operations")
    return Outcome(f"{found.total()} findings in {len(results)} tests", misses)


def _offat_findings(result: Mapping[str, Any]) -> Iterator[str]:
    body = _OWN_WORDS.sub("", result["response_body"] or "")
    status = result["response_status_code"]
    where = f"{result['test_name']}: {result['method']} {result['endpoint']} answered {status}"
    if result["error"]:
        yield f"{where}: {result['error']}"
    mark = result.get("response_match_regex")
    if result["vulnerable"] and (mark is None or re.search(mark, body)):
        yield f"{where}: {result['vuln_details']}"
    if status is not None and status >= 400:
        leaks: Mapping[str, list[str]] = result["data_leak"] or {}
        for kind, values in leaks.items():
            shown = [value for value in values if value in body and not _is_fragment(value)]
            if shown:
                yield f"{where} with what looks like {kind}: {shown}"


def _is_fragment(value: str) -> bool:
    """Tell whether a value is but a part of a telephone number, as its patterns have parts."""
    return not value or (value.isdigit() and len(value) < _FEWEST_DIGITS)


def _report(path: Path, said: str) -> Any:  # noqa: ANN401 - a JSON value
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        message = f"it left no report: {said[-2000:]}"
        raise ToolFailed(message) from error
