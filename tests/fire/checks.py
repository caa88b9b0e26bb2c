"""The checks: each invariant by its code, what it says, and the function that looks for a breach.

One that had nothing to judge is red, unless what would try it was not broken in the run.

Codes are those of ``@pytest.mark.invariant``; what no fault can touch is held by ordinary tests,
and ``held_elsewhere`` finds them by that mark.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fire import effect_checks as effects
from tests.fire import judged
from tests.fire import ledger_checks as ledger
from tests.fire import service_checks as service
from tests.fire.faults import DISK, KINDS
from tests.fire.violation import Find, Run, Violation, story

_MARK = re.compile(r"pytest\.mark\.invariant\(([^)]*)\)")
_TESTS = Path(__file__).parent.parent
_TOLD_AT_MOST = 3


@dataclass(frozen=True, slots=True)
class Check:
    """One or more invariants that one function looks at.

    ``judged`` counts what it has to go by. ``of`` are the faults without which it is not tried;
    none for what every run tries.
    """

    codes: tuple[str, ...]
    says: str
    find: Find
    judged: judged.Count
    things: str
    of: frozenset[str] = frozenset()
    # Whether a run may have too little for it, as a machine is slow.
    may_lack: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found, in how much, and whether the run had to have something for it."""

    check: Check
    found: Sequence[Violation]
    judged: int
    due: bool

    @property
    def red(self) -> bool:
        return bool(self.found) or (self.due and not self.judged)

    @property
    def held(self) -> bool:
        return not self.found and self.judged > 0


_KILLED_WHOLE = ("service", "supervisor", "postgres", "both")

CHECKS: Sequence[Check] = (
    Check(
        ("LOAD",),
        "The run was one: enough went well, enough was repeated",
        service.load_was_one,
        judged.good_answers(),
        "good answers",
    ),
    Check(
        ("L1",),
        "Postings sum to nothing, and each figure to its parts",
        ledger.zero_sum,
        judged.good_answers("read_hours", "read_means", "set_means"),
        "answers",
    ),
    Check(
        ("L2",),
        "A balance is the sum of its entries",
        ledger.balance_is_its_entries,
        ledger.balances_read,
        "balances",
    ),
    Check(
        ("L3",), "Entries are only added", ledger.entries_are_final, judged.entries_made, "entries"
    ),
    Check(
        ("L4",),
        "What is held is booked or freed once",
        ledger.reservations_end_once,
        judged.reservations_ended,
        "ended",
    ),
    Check(
        ("L5",),
        "An entry is of the year of its activity",
        ledger.years_are_kept,
        judged.entries_made,
        "entries",
    ),
    Check(
        ("L6",),
        "Norm and means are never passed",
        ledger.floor_holds,
        judged.good_answers("read_hours", "read_means"),
        "answers",
    ),
    Check(
        ("L7",),
        "Amounts are whole numbers",
        service.amounts_are_exact,
        judged.good_answers(),
        "answers",
    ),
    Check(
        ("L8",),
        "A statement of a past moment stays",
        ledger.statements_are_stable,
        judged.statements_compared,
        "statements",
    ),
    Check(
        ("L9",),
        "Entries are numbered without gaps",
        ledger.numbers_have_no_gaps,
        judged.entries_made,
        "entries",
    ),
    Check(
        ("W1",),
        "A request goes the ways there are",
        effects.requests_move_legally,
        judged.steps_taken,
        "steps",
    ),
    Check(
        ("W2",),
        "One decision is taken, whoever decides",
        effects.one_decision,
        judged.decided,
        "decisions",
    ),
    Check(
        ("W3",),
        "No update is lost",
        effects.no_lost_update,
        judged.good_answers("patch_employee"),
        "updates",
    ),
    Check(
        ("W4",),
        "Collisions are solved inside",
        service.no_deadlock_surfaces,
        judged.writes_answered,
        "writes",
    ),
    Check(
        ("W4",),
        "Writes are quick while nothing is broken (p99)",
        service.quick_in_calm,
        service.enough_in_calm,
        "writes in calm",
        may_lack=True,
    ),
    Check(
        ("K1",), "A key has one answer", service.one_answer_per_key, judged.asked_again, "answers"
    ),
    Check(
        ("K2",),
        "A key of another body is refused",
        service.other_body_is_refused,
        judged.probes("probe_other_body"),
        "tries",
    ),
    Check(
        ("K3",),
        "A key sent twice works once",
        service.one_effect_per_key,
        judged.sent_again,
        "writes",
    ),
    Check(
        ("K4",),
        "Keys are of one organisation",
        service.keys_are_scoped,
        judged.foreign_keys,
        "tries",
    ),
    Check(
        ("K5",),
        "A refusal does not burn a key",
        service.refusals_burn_no_key,
        judged.keys_tried_again,
        "tries",
    ),
    Check(
        ("K6",),
        "Money and hours need a key",
        service.keys_are_required,
        judged.probes("probe_without_key"),
        "tries",
    ),
    Check(
        ("D1",),
        "What was acknowledged is there, once, also when a worker is killed",
        effects.kept_when_a_worker_died,
        judged.kept_before("worker"),
        "writes",
        frozenset({"worker"}),
    ),
    Check(
        ("D2",),
        "And when all of the service or PostgreSQL is killed",
        effects.kept_when_all_died,
        judged.kept_before(*_KILLED_WHOLE),
        "writes",
        frozenset(_KILLED_WHOLE),
    ),
    Check(
        ("D3",),
        "And when the reply was lost",
        effects.kept_when_a_reply_was_lost,
        judged.kept_without_reply,
        "writes",
        frozenset({"lose"}),
    ),
    Check(("D4",), "Commits are durable as set", service.durable, judged.settings_read, "settings"),
    Check(
        ("D5",),
        "Answer, posting and trail come together or not",
        effects.all_or_nothing,
        judged.keys_kept,
        "keys",
    ),
    Check(
        ("D6",),
        "What was unknown becomes known",
        service.resolved,
        judged.without_answer,
        "writes",
        frozenset({"lose", *_KILLED_WHOLE}),
    ),
    Check(
        ("D7",),
        "It recovers by itself, in time",
        service.recovers,
        judged.faults(),
        "faults",
        frozenset({*KINDS, DISK}),
    ),
    Check(
        ("D8",),
        "It stops in order, in time",
        service.stops_in_order,
        judged.faults("stop"),
        "stops",
        frozenset({"stop"}),
    ),
    Check(
        ("D8",),
        "No request fails while workers are replaced",
        service.replaces_unseen,
        judged.while_replaced,
        "requests",
        frozenset({"replace"}),
    ),
    Check(
        ("D9",),
        "Faults are told as they should be",
        service.faults_are_told,
        judged.told_of_errors,
        "refusals",
    ),
    Check(
        ("D11",),
        "A full disk is told, and heals",
        service.full_disk_is_told,
        judged.while_full,
        "requests",
        frozenset({DISK}),
    ),
    Check(
        ("D12",),
        "The database's clock rules",
        ledger.times_are_the_databases,
        judged.done_under("clock"),
        "writes",
        frozenset({"clock"}),
    ),
    Check(
        ("H1", "H2"),
        "Reads are in order with writes",
        ledger.reads_are_in_order,
        ledger.balances_read,
        "balances",
    ),
    Check(
        ("H2",),
        "What was written is read",
        effects.versions_go_up,
        judged.good_answers("read_request"),
        "reads",
    ),
    Check(
        ("H3",),
        "A walk meets everything once",
        effects.walks_are_whole,
        judged.whole_walks,
        "walks",
    ),
    Check(
        ("T1", "T4"),
        "Nobody reads another organisation",
        service.no_leak,
        judged.good_answers(),
        "answers",
    ),
    Check(
        ("T2",),
        "Another's id is as an unknown one",
        service.no_oracle,
        judged.probes("probe_foreign"),
        "tries",
    ),
    Check(
        ("T3",),
        "Nobody is refused everywhere",
        service.nobody_is_refused,
        judged.probes("probe_nobody"),
        "tries",
    ),
    Check(
        ("T5",),
        "Without an organisation there are no rows",
        service.rows_need_a_tenant,
        judged.tables_counted,
        "tables",
    ),
    Check(
        ("A1",),
        "Each change has its line in the trail",
        effects.one_line_per_change,
        judged.acknowledged,
        "changes",
    ),
    Check(("A3",), "Ledger and trail verify", service.verifies, judged.lines_written, "lines"),
    Check(
        ("A5",),
        "Each line tells who, what and when",
        effects.lines_are_complete,
        judged.lines_written,
        "lines",
    ),
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


def look(run: Run) -> Iterator[Verdict]:
    """Yield how each check stands."""
    came = {fault.kind for fault in run.history.faults}
    for check in CHECKS:
        due = not check.may_lack and (not check.of or bool(check.of & came))
        yield Verdict(check, list(check.find(run)), check.judged(run), due)


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
