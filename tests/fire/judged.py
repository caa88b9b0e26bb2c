"""How much each check had to go by: what it judged in a run, counted.

A check that finds nothing wrong in nothing has shown nothing.
"""

from collections.abc import Callable, Iterator

from tests.fire.faults import DISK
from tests.fire.history import ROLLING, Sent, Write
from tests.fire.scene import FOUNDER
from tests.fire.state import Row
from tests.fire.violation import Run
from tests.fire.walks import cursor_of

Count = Callable[[Run], int]


def good_answers(*names: str) -> Count:
    """Return what counts the good answers to requests of these names, or to all."""
    return lambda run: sum(
        one.done and (not names or one.name in names) for one in run.history.sent
    )


def probes(name: str) -> Count:
    """Return what counts the definite answers to what must be refused."""
    return lambda run: sum(not one.unknown for one in run.history.named(name))


def writes_answered(run: Run) -> int:
    return sum(one.writes and not one.unknown for one in run.history.sent)


def told_of_errors(run: Run) -> int:
    return sum(one.status is None or one.status >= 400 for one in run.history.sent)


def acknowledged(run: Run) -> int:
    return len(_acknowledged(run))


def decided(run: Run) -> int:
    return sum(1 for _ in run.history.acknowledged("decide"))


def asked_again(run: Run) -> int:
    """Count the answers to a key after the first good one."""
    return sum(
        one.begun > answer.ended and not one.unknown
        for write in run.history.writes
        if (answer := write.answer) is not None
        for one in write.sent
    )


def sent_again(run: Run) -> int:
    return sum(len(write.sent) > 1 for write in _acknowledged(run))


def without_answer(run: Run) -> int:
    """Count the writes that were unknown for a while."""
    return sum(any(one.unknown for one in write.sent) for write in run.history.writes)


def foreign_keys(run: Run) -> int:
    return sum(
        write.name == "foreign_key" and not write.first.unknown for write in run.history.writes
    )


def keys_tried_again(run: Run) -> int:
    """Count the keys of what was malformed that the right request came with after it."""
    refused = {
        (one.organisation, one.key)
        for one in run.history.named("probe_invalid")
        if one.status == 400
    }
    return sum(
        (write.organisation, write.key) in refused and any(not one.unknown for one in write.sent)
        for write in run.history.writes
    )


def kept_before(*kinds: str) -> Count:
    """Return what counts the writes that were acknowledged before a fault of these kinds."""

    def count(run: Run) -> int:
        last = max((one.begun for one in run.history.faults if one.kind in kinds), default=0.0)
        return sum(answer.ended <= last for answer in map(_answer, _acknowledged(run)))

    return count


def kept_without_reply(run: Run) -> int:
    """Count the acknowledged writes of which a reply went missing."""
    return sum(any(one.status is None for one in write.sent) for write in _acknowledged(run))


def faults(*kinds: str) -> Count:
    return lambda run: sum(not kinds or one.kind in kinds for one in run.history.faults)


def while_full(run: Run) -> int:
    full = [one for one in run.history.faults if one.kind == DISK]
    return sum(
        fault.begun < one.begun and one.ended < fault.back
        for fault in full
        for one in run.history.sent
    )


def while_replaced(run: Run) -> int:
    return sum(one.about[:1] == (ROLLING,) for one in run.history.sent)


def done_under(kind: str) -> Count:
    """Return what counts the writes that were sent while a fault of this kind was on, and done."""

    def count(run: Run) -> int:
        on = [one for one in run.history.faults if one.kind == kind]
        return sum(
            one.writes and one.done and any(f.begun <= one.begun <= f.back for f in on)
            for one in run.history.sent
        )

    return count


def whole_walks(run: Run) -> int:
    """Count the walks that came to the end of their list."""
    pages = [one for one in run.history.named("walk") if one.done]
    begun = {one.about[0] for one in pages if cursor_of(one.path) is None}
    return sum(one.about[0] in begun and one.json["nextCursor"] is None for one in pages)


def statements_compared(run: Run) -> int:
    """Count the statements of a past moment that were read in the run and after it."""
    read = {
        (one.organisation, one.path) for one in run.history.named("read_entries_as_of") if one.done
    }
    return len(read & run.after.as_of.keys())


def entries_made(run: Run) -> int:
    """Count the entries that the service made: under a key, not before it ran."""
    return sum(1 for _ in _entries(run))


def reservations_ended(run: Run) -> int:
    return sum(row["pending_id"] is not None for row in _entries(run))


def lines_written(run: Run) -> int:
    """Count the lines of the trail that the service wrote."""
    return sum(
        row["subject"] != FOUNDER for state in run.after.states.values() for row in state.audit
    )


def steps_taken(run: Run) -> int:
    return sum(
        row["subject"] != FOUNDER and row["action"].startswith("request.")
        for state in run.after.states.values()
        for row in state.audit
    )


def keys_kept(run: Run) -> int:
    return sum(len(state.keys) for state in run.after.states.values())


def settings_read(run: Run) -> int:
    return len(run.after.durability)


def tables_counted(run: Run) -> int:
    return len(run.after.unscoped)


def _acknowledged(run: Run) -> list[Write]:
    return [write for write in run.history.writes if write.answer is not None]


def _answer(write: Write) -> Sent:
    assert write.answer is not None
    return write.answer


def _entries(run: Run) -> Iterator[Row]:
    for state in run.after.states.values():
        kept = {row["xid"] for row in state.keys}
        yield from (row for row in state.transfers if row["xid"] in kept)
