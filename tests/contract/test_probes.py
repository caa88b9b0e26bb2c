"""What the reports of others' programs come to, on reports made up for it."""

from collections.abc import Mapping
from typing import Any

from tests.contract.probes import judge_attacks, judge_requests

_OPERATIONS = frozenset({f"GET /things/{number}" for number in range(20)})


def _rates(reached: int, refused: int = 0) -> dict[str, Any]:
    """Return the rates of so many of the operations: those reached, then those only refused."""
    ordered = sorted(_OPERATIONS)
    return {
        operation: {"fuzzing": {"accepted": int(position < reached), "rejected": 3}}
        for position, operation in enumerate(ordered[: reached + refused])
    }


def _requests(rates: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "operations": {"tested": len(rates)},
        "valid_rates": rates,
        "test_cases": {"unique_failures": 0, "generated": 100},
        "errors": [],
    }


def _attacks(findings: Mapping[str, Any], pages: int = 30) -> Mapping[str, Any]:
    return {
        "vulnerabilities": findings,
        "anomalies": {},
        "infos": {"crawled_pages_nbr": pages},
    }


def test_requests_that_reach_nearly_every_operation_will_do() -> None:
    outcome = judge_requests(_requests(_rates(18, refused=2)), "", _OPERATIONS)
    assert outcome.figure == "0 failures, 0 errors in 100 requests, 90% of 20 operations reached"
    assert not outcome.misses


def test_an_operation_that_was_only_refused_was_not_reached() -> None:
    outcome = judge_requests(_requests(_rates(17, refused=3)), "", _OPERATIONS)
    assert "85% of 20 operations reached" in outcome.figure
    assert len(outcome.misses) == 1


def test_an_operation_that_was_never_tested_was_not_reached() -> None:
    outcome = judge_requests(_requests(_rates(10)), "", _OPERATIONS)
    assert "50% of 20 operations reached" in outcome.figure
    [miss] = outcome.misses
    assert all(operation in miss for operation in _OPERATIONS - set(_rates(10)))


def test_attacks_that_were_cut_off_are_named_beside_the_findings() -> None:
    said = (
        "[*] Launching module sql\n"
        "Max attack time was reached for module sql, stopping.\n"
        "[*] Launching module xss\n"
        "Max attack time was reached for module timesql, stopping.\n"
    )
    outcome = judge_attacks(_attacks({}), said, operation_count=20)
    assert outcome.figure.startswith("0 findings by ")
    assert outcome.figure.endswith(" at 30 addresses, 2 cut off: sql, timesql")
    assert not outcome.misses


def test_attacks_that_had_their_time_say_so() -> None:
    outcome = judge_attacks(_attacks({}), "[*] Launching module sql\n", operation_count=20)
    assert outcome.figure.endswith(" modules at 30 addresses, none cut off")


def test_a_finding_and_a_contract_that_was_not_read_are_told() -> None:
    found = {"SQL Injection": [{"method": "GET", "path": "/things", "info": "in q"}]}
    outcome = judge_attacks(_attacks(found, pages=19), "", operation_count=20)
    assert outcome.figure.startswith("1 findings by ")
    assert outcome.misses == [
        "SQL Injection: GET /things in q",
        "it saw 19 addresses, less than there are operations",
    ]
