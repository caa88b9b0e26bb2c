"""The checks: each invariant by its code, what it says, and the function that looks for a breach.

Codes are those of ``@pytest.mark.invariant``; what no fault can touch is held by ordinary tests,
and ``held_elsewhere`` finds them by that mark.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fire import effect_checks as effects
from tests.fire import ledger_checks as ledger
from tests.fire import service_checks as service
from tests.fire.violation import Find, Run, Violation, story

_MARK = re.compile(r"pytest\.mark\.invariant\(([^)]*)\)")
_TESTS = Path(__file__).parent.parent
_TOLD_AT_MOST = 3


@dataclass(frozen=True, slots=True)
class Check:
    """One or more invariants that one function looks at."""

    codes: tuple[str, ...]
    says: str
    find: Find


CHECKS: Sequence[Check] = (
    Check(("L1",), "Postings sum to nothing, and each figure to its parts", ledger.zero_sum),
    Check(("L2",), "A balance is the sum of its entries", ledger.balance_is_its_entries),
    Check(("L3",), "Entries are only added", ledger.entries_are_final),
    Check(("L4",), "What is held is booked or freed once", ledger.reservations_end_once),
    Check(("L5",), "An entry is of the year of its activity", ledger.years_are_kept),
    Check(("L6",), "Norm and means are never passed", ledger.floor_holds),
    Check(("L7",), "Amounts are whole numbers", service.amounts_are_exact),
    Check(("L8",), "A statement of a past moment stays", ledger.statements_are_stable),
    Check(("L9",), "Entries are numbered without gaps", ledger.numbers_have_no_gaps),
    Check(("W1",), "A request goes the ways there are", effects.requests_move_legally),
    Check(("W2",), "One decision is taken, whoever decides", effects.one_decision),
    Check(("W3",), "No update is lost", effects.no_lost_update),
    Check(("W4",), "Collisions are solved inside", service.no_deadlock_surfaces),
    Check(("K1",), "A key has one answer", service.one_answer_per_key),
    Check(("K2",), "A key of another body is refused", service.other_body_is_refused),
    Check(("K3",), "A key sent twice works once", service.one_effect_per_key),
    Check(("K4",), "Keys are of one organisation", service.keys_are_scoped),
    Check(("K5",), "A refusal does not burn a key", service.refusals_burn_no_key),
    Check(("K6",), "Money and hours need a key", service.keys_are_required),
    Check(("D1", "D2", "D3"), "What was acknowledged is there, once", effects.kept_exactly_once),
    Check(("D4",), "Commits are durable as set", service.durable),
    Check(("D5",), "Answer, posting and trail come together or not", effects.all_or_nothing),
    Check(("D6",), "What was unknown becomes known", service.resolved),
    Check(("D7",), "It recovers by itself, in time", service.recovers),
    Check(("D8",), "It stops in order, in time", service.stops_in_order),
    Check(("D9",), "Faults are told as they should be", service.faults_are_told),
    Check(("D11",), "A full disk is told, and heals", service.full_disk_is_told),
    Check(("D12",), "The database's clock rules", ledger.times_are_the_databases),
    Check(("H1", "H2"), "Reads are in order with writes", ledger.reads_are_in_order),
    Check(("H2",), "What was written is read", effects.versions_go_up),
    Check(("H3",), "A walk meets everything once", effects.walks_are_whole),
    Check(("T1", "T4"), "Nobody reads another organisation", service.no_leak),
    Check(("T2",), "Another's id is as an unknown one", service.no_oracle),
    Check(("T3",), "Nobody is refused everywhere", service.nobody_is_refused),
    Check(("T5",), "Without an organisation there are no rows", service.rows_need_a_tenant),
    Check(("A1",), "Each change has its line in the trail", effects.one_line_per_change),
    Check(("A3",), "Ledger and trail verify", service.verifies),
    Check(("A5",), "Each line tells who, what and when", effects.lines_are_complete),
)
ALL_CODES = tuple(
    f"{area}{number}"
    for area, numbers in (
        ("L", range(1, 10)),
        ("W", range(1, 5)),
        ("K", range(1, 7)),
        ("D", (*range(1, 10), 11, 12)),
        ("H", range(1, 4)),
        ("T", range(1, 7)),
        ("A", (1, 3, 4, 5, 6)),
    )
    for number in numbers
)


def look(run: Run) -> Iterator[tuple[Check, list[Violation]]]:
    """Yield each check with what it found."""
    for check in CHECKS:
        yield check, list(check.find(run))


def stories(run: Run, check: Check, found: Sequence[Violation]) -> Iterator[str]:
    """Tell a few of what was found, each of something else."""
    told: dict[tuple[str, str], Violation] = {}
    for violation in found:
        told.setdefault(violation.sort, violation)
    for violation in list(told.values())[:_TOLD_AT_MOST]:
        yield story(run, check.find, violation)


def held_elsewhere() -> Mapping[str, Counter[str]]:
    """Return by code the files of the ordinary tests that bear it, with how many do."""
    held: dict[str, Counter[str]] = defaultdict(Counter)
    for path in sorted(_TESTS.rglob("test_*.py")):
        for marked in _MARK.findall(path.read_text()):
            for code in re.findall(r'"([A-Z]\d+)"', marked):
                held[code][path.relative_to(_TESTS.parent).as_posix()] += 1
    return held
