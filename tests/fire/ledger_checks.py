"""Checks of the ledger: every figure that was read, against the entries that make it.

An account's entries, in order, give the states it went through, one after each transaction. Each
read must show one of those states: none older than what was acknowledged before it was asked for,
none newer than what was sent before it was answered. That is one list with appends and reads, held
to strict serializability; a balance torn from its entries shows no state at all.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from tests.fire.history import History, Sent, Write
from tests.fire.scene import YEAR
from tests.fire.state import Point, State, keys_in
from tests.fire.violation import Run, Violation
from tests.fire.workload import MEANS, hours_of

_Figures = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Read:
    """Figures of one account as one answer gave them."""

    sent: Sent
    figures: _Figures


@dataclass(frozen=True, slots=True)
class _Account:
    """An account's states from nothing on, and the reads of it."""

    name: str
    points: Sequence[Point]
    reads: Sequence[_Read]


def zero_sum(run: Run) -> Iterator[Violation]:
    """L1: what leaves one account arrives at another, and the counters are what entries make."""
    yield from _stored_sums(run)
    for one in run.history.named("read_hours"):
        if one.done and (told := one.json)["roomMinutes"] != _room(told):
            yield Violation("L1", one.about[0], "room is not what its parts make it", (one,))
    for one in run.history.named("read_means", "set_means"):
        if one.done and (told := one.json)["roomCents"] != (
            told["meansCents"] - told["committedCents"] - told["spentCents"]
        ):
            yield Violation("L1", MEANS, "room is not what its parts make it", (one,))


def _stored_sums(run: Run) -> Iterator[Violation]:
    for slug, state in run.after.states.items():
        units = {account["id"]: account["unit"] for account in state.accounts}
        for row in state.transfers:
            sides = {units.get(row["debit_account_id"]), units.get(row["credit_account_id"])}
            if sides != {row["unit"]}:
                yield Violation("L1", f"{slug} transfer {row['id']}", f"joins units {sides}")
        for kind, owner, stored, counted in _counters(state):
            if stored != counted:
                yield Violation(
                    "L1",
                    f"{slug} {kind}:{owner}",
                    f"held and spent are kept as {stored} and the entries make it {counted}",
                )


def _counters(state: State) -> Iterator[tuple[str, str, tuple[int, int], tuple[int, int]]]:
    for account in state.accounts:
        if not account["counted"]:
            continue
        owner = account["kind"], str(account["owner_id"])
        points = state.points.get(owner, ())
        credited, extra, held, spent = points[-1].figures if points else (0, 0, 0, 0)
        # Gross on both sides in the table: a reversal stands on the other side.
        stored = (
            account["credits_posted"] - account["debits_posted"],
            account["debits_pending"],
        )
        yield *owner, stored, (credited + extra - spent, held)


def _room(told: Mapping[str, int]) -> int:
    allowed = told["normMinutes"] + told["exceptionMinutes"]
    return allowed - told["reservedMinutes"] - told["spentMinutes"]


def balance_is_its_entries(run: Run) -> Iterator[Violation]:
    """L2: each balance that was read is the sum of a beginning of the entries, of one moment."""
    for slug, state in run.after.states.items():
        acknowledged, _begun = _causes(run.history, state, run.seed)
        for _slug, account in _accounts(run, only=slug):
            known = {point.figures for point in account.points}
            for read in account.reads:
                if read.figures not in known:
                    says = f"{_named(read.figures)} is no state that its entries ever made"
                    torn, writers = _torn(account, read.figures, acknowledged)
                    sent = (*writers, read.sent)
                    yield Violation("L2", f"{slug} {account.name}", says + torn, sent)


def balances_read(run: Run) -> int:
    """Count the balances that ``balance_is_its_entries`` and ``reads_are_in_order`` look at."""
    return sum(len(account.reads) for _slug, account in _accounts(run))


def _torn(
    account: _Account, figures: _Figures, acknowledged: Mapping[str, tuple[float, Sent]]
) -> tuple[str, tuple[Sent, ...]]:
    """Return between which two states figures were taken, in words, and the writes between them."""
    for before, after in pairwise(account.points):
        if all(
            figure in (old, new)
            for figure, old, new in zip(figures, before.figures, after.figures, strict=True)
        ):
            writers = [acknowledged[cause][1] for cause in after.causes if cause in acknowledged]
            says = f"; before entry {after.sequence} it was {_named(before.figures)}"
            return f"{says}, after it {_named(after.figures)}", tuple(writers)
    return "", ()


def reads_are_in_order(run: Run) -> Iterator[Violation]:
    """H1, H2: no read misses what was acknowledged before it, or shows what was not yet sent."""
    for slug, state in run.after.states.items():
        acknowledged, begun = _causes(run.history, state, run.seed)
        for _slug, account in _accounts(run, only=slug):
            yield from _in_order(slug, account, acknowledged, begun)


def _in_order(
    slug: str,
    account: _Account,
    acknowledged: Mapping[str, tuple[float, Sent]],
    begun: Mapping[str, float],
) -> Iterator[Violation]:
    """Compare each read with the states it may show: a window that only moves on."""
    index: dict[_Figures, list[int]] = defaultdict(list)
    for position, point in enumerate(account.points):
        index[point.figures].append(position)
    done = sorted(
        (acknowledged[cause][0], position, acknowledged[cause][1])
        for position, point in enumerate(account.points)
        for cause in point.causes
        if cause in acknowledged
    )
    ended = [at for at, _position, _sent in done]
    latest: list[tuple[int, Sent]] = []
    for _at, position, sent in done:
        latest.append(max([*latest[-1:], (position, sent)], key=lambda one: one[0]))
    sent_at = [
        min((begun[cause] for cause in point.causes if cause in begun), default=0.0)
        for point in account.points
    ]
    # What comes later on the account cannot have been there while something earlier was not sent.
    for position in range(1, len(sent_at)):
        sent_at[position] = max(sent_at[position], sent_at[position - 1])
    for read in account.reads:
        places = index.get(read.figures)
        if not places:
            continue  # L2 tells
        before = bisect_left(ended, read.sent.begun)
        at_least, writer = latest[before - 1] if before else (0, None)
        at_most = bisect_right(sent_at, read.sent.ended) - 1
        place = bisect_left(places, at_least)
        if place == len(places):
            missed = () if writer is None else (writer,)
            yield Violation(
                "H2",
                f"{slug} {account.name}",
                f"{_named(read.figures)} was read after more had been acknowledged",
                (*missed, read.sent),
            )
        elif places[place] > at_most:
            yield Violation(
                "H1",
                f"{slug} {account.name}",
                f"{_named(read.figures)} holds what had not been sent",
                (read.sent,),
            )


def entries_are_final(run: Run) -> Iterator[Violation]:
    """L3: nobody can change an entry, and each is reversed at most once."""
    for says in run.after.refused_changes:
        yield Violation("L3", "entries", says)
    for slug, state in run.after.states.items():
        yield from _each_once(slug, state, "reverses_id", "L3", "is reversed more than once")


def reservations_end_once(run: Run) -> Iterator[Violation]:
    """L4: what is held is booked or freed once, never for more, and the rest comes free with it."""
    for slug, state in run.after.states.items():
        yield from _each_once(slug, state, "pending_id", "L4", "is booked or freed more than once")
        held = {row["id"]: row["amount"] for row in state.transfers}
        for row in state.transfers:
            if row["pending_id"] is None:
                continue
            taken = row["amount"] + row["released"]
            if taken != held.get(row["pending_id"]):
                yield Violation(
                    "L4", f"{slug} transfer {row['id']}", f"ends {taken} of another amount"
                )


def _each_once(slug: str, state: State, column: str, code: str, says: str) -> Iterator[Violation]:
    seen: set[object] = set()
    for row in state.transfers:
        target = row[column]
        if target is not None and target in seen:
            yield Violation(code, f"{slug} transfer {target}", says)
        seen.add(target)


def years_are_kept(run: Run) -> Iterator[Violation]:
    """L5: every entry of a year's ledger is of an activity in that year."""
    for slug, state in run.after.states.items():
        for (person, _own), entries in state.entries.items():
            for entry in entries:
                if not entry["activityOn"].startswith(f"{YEAR}-"):
                    yield Violation("L5", f"{slug} {hours_of(person)}", f"holds {entry}")


def floor_holds(run: Run) -> Iterator[Violation]:
    """L6: neither the norm, which binds in this year, nor the means were ever passed.

    Afterwards both give what is left of them to the last minute and cent, and no more.
    """
    for says in run.after.not_tight:
        yield Violation("L6", "what is left", says)
    for slug, state in run.after.states.items():
        for (kind, owner), points in state.points.items():
            if kind in ("norm", MEANS):
                for point in filter(_is_passed, points):
                    says = f"below nothing at entry {point.sequence}: {_named(point.figures)}"
                    yield Violation("L6", f"{slug} {kind}:{owner}", says)
    for one in run.history.named("read_hours", "read_means"):
        if one.done and (room := _room_told(one)) < 0:
            yield Violation("L6", f"{one.organisation} {one.about[0]}", f"room {room}", (one,))


def _room_told(one: Sent) -> int:
    told = one.json
    return told.get("roomMinutes", told.get("roomCents"))


def _is_passed(point: Point) -> bool:
    credited, extra, held, spent = point.figures
    return credited + extra - held - spent < 0


def statements_are_stable(run: Run) -> Iterator[Violation]:
    """L8: what was so at a past moment stays what was so, through all that came after."""
    first: dict[tuple[str, str], Sent] = {}
    for one in run.history.named("read_entries_as_of"):
        if not one.done:
            continue
        place = one.organisation, one.path
        before = first.setdefault(place, one)
        if one.answer != before.answer:
            yield Violation(
                "L8", f"{one.organisation} {one.about[0]}", "differs from before", (before, one)
            )
    for place, text in run.after.as_of.items():
        if place in first and first[place].answer != text:
            one = first[place]
            yield Violation(
                "L8", f"{one.organisation} {one.about[0]}", "differs after the run", (one,)
            )


def numbers_have_no_gaps(run: Run) -> Iterator[Violation]:
    """L9: the entries on an account are numbered from 1 without a gap, in tables and in lists."""
    for slug, state in run.after.states.items():
        numbers = _numbers(state)
        for account in state.accounts:
            found = sorted(numbers[account["id"]])
            last = account["sequence"] if account["counted"] else 0
            if found != list(range(1, last + 1)):
                yield Violation(
                    "L9",
                    f"{slug} {account['kind']}:{account['owner_id']}",
                    f"holds {len(found)} of {last}, without {_missing(found, last)}",
                )
        for (person, own), entries in state.entries.items():
            listed = [entry["sequence"] for entry in entries]
            if listed != list(range(1, len(listed) + 1)):
                name = "own time" if own else "working time"
                yield Violation("L9", f"{slug} {hours_of(person)}", f"the list of {name} has gaps")


def _numbers(state: State) -> dict[object, list[int]]:
    numbers: dict[object, list[int]] = defaultdict(list)
    for row in state.transfers:
        for side in ("debit", "credit"):
            if row[f"{side}_sequence"] is not None:
                numbers[row[f"{side}_account_id"]].append(row[f"{side}_sequence"])
    return numbers


def times_are_the_databases(run: Run) -> Iterator[Violation]:
    """D12: whatever the service's clock says, entries and lines are recorded in their order."""
    for slug, state in run.after.states.items():
        for account, times in _times(state).items():
            if times != sorted(times):
                yield Violation("D12", f"{slug} account {account}", "is not in order of time")
        for row in (*state.transfers, *state.audit):
            if not run.began_at <= row["recorded_at"] <= run.ended_at:
                says = f"is recorded at {row['recorded_at']}"
                yield Violation("D12", f"{slug} {row['id']}", says)


def _times(state: State) -> dict[object, list[datetime]]:
    """Return when the entries on each account were recorded, by their numbers."""
    lines: dict[object, list[tuple[int, datetime]]] = defaultdict(list)
    for row in state.transfers:
        for side in ("debit", "credit"):
            if row[f"{side}_sequence"] is not None:
                place = row[f"{side}_sequence"], row["recorded_at"]
                lines[row[f"{side}_account_id"]].append(place)
    return {account: [at for _number, at in sorted(placed)] for account, placed in lines.items()}


def _missing(found: Iterable[int], last: int) -> list[int]:
    return sorted(set(range(1, last + 1)).difference(found))[:5]


def _accounts(run: Run, only: str | None = None) -> Iterator[tuple[str, _Account]]:
    """Yield each account that was read in the run, with the states it may have shown."""
    for slug, state in run.after.states.items():
        if only not in (None, slug):
            continue
        norm = _norm_of(run.history, slug)
        hours: dict[str, list[_Read]] = defaultdict(list)
        own: dict[str, list[_Read]] = defaultdict(list)
        for one in run.history.of(slug, "read_hours"):
            if one.done:
                told = one.json
                person = told["employeeId"]
                figures = (
                    told["normMinutes"],
                    told["exceptionMinutes"],
                    told["reservedMinutes"],
                    told["spentMinutes"],
                )
                hours[person].append(_Read(one, figures))
                apart = told["ownTime"]
                apart_figures = (0, 0, apart["reservedMinutes"], apart["spentMinutes"])
                own[person].append(_Read(one, apart_figures))
        for person in state.scene.employees:
            for kind, reads, nothing in (
                ("norm", hours[person], (norm, 0, 0, 0)),
                ("own-time", own[person], (0, 0, 0, 0)),
            ):
                points = state.points.get((kind, person), ())
                yield slug, _Account(f"{kind}:{person}", _from(nothing, points), reads)
        means = [
            _Read(one, (told["meansCents"], 0, told["committedCents"], told["spentCents"]))
            for one in run.history.of(slug, "read_means", "set_means", "read_all_means")
            if one.done and not one.replayed
            for told in (one.json.get("items") or [one.json])
            if "meansCents" in told
        ]
        points = state.points.get((MEANS, state.scene.id), ())
        yield slug, _Account(MEANS, _from((0, 0, 0, 0), points), means)


def _norm_of(history: History, slug: str) -> int:
    """Return the norm as the API tells it before anything stands on an account."""
    for one in history.of(slug, "read_hours"):
        if one.done:
            return one.json["normMinutes"]
    return 0


def _from(nothing: _Figures, points: Sequence[Point]) -> list[Point]:
    """Return the states from the one in which nothing stood on the account yet."""
    return [Point(-1, 0, nothing, frozenset()), *points]


def _causes(
    history: History, state: State, seed: str
) -> tuple[dict[str, tuple[float, Sent]], dict[str, float]]:
    """Return for each cause of entries when it was acknowledged, and when it was first sent."""
    settings = _by_key(state.lists[f"/budgets/{YEAR}/means"], "motivation", "id", seed)
    actuals = _by_key(state.lists["/actuals"], "invoiceReference", "id", seed)
    acknowledged: dict[str, tuple[float, Sent]] = {}
    begun: dict[str, float] = {}
    for write in history.writes:
        answer = write.answer
        if write.organisation != state.scene.slug or answer is None:
            continue
        for cause in _caused(write, answer, settings, actuals):
            acknowledged[cause] = answer.ended, answer
            begun[cause] = write.begun
    return acknowledged, begun


def _caused(
    write: Write, answer: Sent, settings: Mapping[str, str], actuals: Mapping[str, str]
) -> list[str]:
    """Return the causes that the ledger keeps of what a write did; of some it is not told."""
    if write.name in _CAUSES:
        told = answer.json
        items: list[dict[str, str]] = told.get("items") or [told]
        return [f"{_CAUSES[write.name]}:{one['id']}" for one in items]
    if write.name == "set_means" and write.key in settings:
        return [f"means_setting:{settings[write.key]}"]
    if write.name == "book_actual" and write.key in actuals:
        return [f"actual:{actuals[write.key]}"]
    return []


_CAUSES: Mapping[str, str] = {
    "decide": "decision",
    "revise": "decision",
    "record_attendance": "attendance",
    "correct_attendance": "correction",
    "grant_exception": "exception",
    "cancel": "release",
}


def _by_key(rows: Iterable[Mapping[str, str]], text: str, member: str, seed: str) -> dict[str, str]:
    return {key: row[member] for row in rows for key in keys_in(row[text], seed)}


def _named(figures: _Figures) -> str:
    credited, extra, held, spent = figures
    return f"{credited} + {extra} with {held} held and {spent} spent"
