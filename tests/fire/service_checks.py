"""Checks of how the service answers: by key, by organisation, under faults, and after them."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.fire.faults import DISK
from tests.fire.history import PROBES, ROLLING, UNKNOWN, Fault, History, Sent
from tests.fire.scene import MARK
from tests.fire.violation import Run, Violation

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TOLD_UNDER_FAULT = frozenset({429, 503, 504})
# What a client is never told: where it comes from, what was asked of it, how it fell.
_INSIDE = re.compile(
    r"Traceback|psycopg|sqlalchemy|postgresql://|SELECT |INSERT |File \"", re.IGNORECASE
)
_LONGEST_SECONDS = 30.5
_SLOWEST_P99_SECONDS = 2.0
_SLOWEST_MEDIANS = 4
_ENOUGH = 200
_FAILED = 500
# Seconds to the first answer that is good: after the app, PostgreSQL or both are back, and after
# a pause or a cut.
_BACK_WITHIN = {
    "worker": 5.0,
    "service": 5.0,
    "supervisor": 5.0,
    "stop": 5.0,
    "replace": 5.0,
    "postgres": 10.0,
    "both": 12.0,
}
_PAUSED_WITHIN = 15.0
_STOPPED_WITHIN = 10.0
# Faults that cut a client's connection or leave nobody to connect to; the others may not.
_CUTTING = frozenset({"worker", "service", "supervisor", "stop", "both", "cut", "lose"})
_SETTLES_SECONDS = 1.5
# On average for each client, of good answers and of acknowledged writes: what even a slow machine
# gives in half a minute of faults.
_GOOD_EACH = 5
_KEPT_EACH = 2
# The share of writes that is to be repeated.
_REPEATED = (0.15, 0.25)


def amounts_are_exact(run: Run) -> Iterator[Violation]:
    """L7: no answer has a number that is not whole."""
    broken: list[str] = []

    def note(text: str) -> float:
        broken.append(text)
        return float(text)

    for one in run.history.sent:
        if one.answer and one.done and "." in one.answer:
            broken.clear()
            json.loads(one.answer, parse_float=note, parse_constant=note)
            if broken:
                yield Violation("L7", one.path, f"holds {broken[0]}", (one,))


def no_deadlock_surfaces(run: Run) -> Iterator[Violation]:
    """W4: what collides is repeated inside."""
    for one in run.history.sent:
        if one.status == _FAILED:
            yield Violation("W4", f"{one.organisation} {one.path}", "answered 500", (one,))


def quick_in_calm(run: Run) -> Iterator[Violation]:
    """W4: what collides is quick while nothing is broken.

    The bound is on what comes on top of the median, and far above it: the median is the wait of 64
    clients for the CPU, which a busy machine stretches for all alike.
    """
    calm = _seconds_in_calm(run.history)
    if len(calm) >= _ENOUGH:
        median, slowest = calm[len(calm) // 2], calm[len(calm) * 99 // 100]
        if slowest - median > _SLOWEST_P99_SECONDS and slowest > _SLOWEST_MEDIANS * median:
            says = f"p99 of {len(calm)} is {slowest:.2f} s, the median {median:.2f} s"
            yield Violation("W4", "writes in calm", says)


def enough_in_calm(run: Run) -> int:
    """Count the writes in calm, 0 when they are too few for a percentile."""
    calm = len(_seconds_in_calm(run.history))
    return calm if calm >= _ENOUGH else 0


def _seconds_in_calm(history: History) -> list[float]:
    return sorted(
        one.ended - one.begun
        for one in history.sent
        if one.writes and one.status is not None and _is_calm(history, one)
    )


def _is_calm(history: History, one: Sent) -> bool:
    return one.ended <= history.ended and not any(
        fault.begun - 0.5 < one.ended and one.begun < fault.back + 2.0 for fault in history.faults
    )


def one_answer_per_key(run: Run) -> Iterator[Violation]:
    """K1: once a key was answered, every answer to it is that one, byte by byte, and says so."""
    for write in run.history.writes:
        answer = write.answer
        if answer is None:
            continue
        about = f"{write.organisation} {write.key}"
        for one in write.sent:
            if one.done and (one.status, one.answer) != (answer.status, answer.answer):
                yield Violation("K1", about, "was answered in two ways", (answer, one))
            elif one.begun > answer.ended and not one.done and not one.unknown:
                yield Violation("K1", about, "was answered, then refused", (answer, one))
            elif one.begun > answer.ended and one.done and not one.replayed:
                yield Violation("K1", about, "was answered anew, not again", (answer, one))


def other_body_is_refused(run: Run) -> Iterator[Violation]:
    """K2: a key that was used with another body is refused with 422."""
    for one in run.history.named("probe_other_body"):
        if not one.unknown and one.status != 422:
            first = [each for each in run.history.sent if each.key == one.key and each.done]
            about = f"{one.organisation} {one.key}"
            yield Violation("K2", about, f"answered {one.status}", (*first[:1], one))


def one_effect_per_key(run: Run) -> Iterator[Violation]:
    """K3: of all that was sent under a key, at the same moment too, one was carried out."""
    for write in run.history.writes:
        fresh = [one for one in write.sent if one.done and not one.replayed]
        if len(fresh) > 1:
            about = f"{write.organisation} {write.key}"
            yield Violation("K3", about, f"was carried out {len(fresh)} times", tuple(fresh))


def keys_are_scoped(run: Run) -> Iterator[Violation]:
    """K4: somebody else's key, of the same name elsewhere, is like any new one."""
    for write in run.history.writes:
        if write.name != "foreign_key":
            continue
        about = f"{write.organisation} {write.key}"
        first = min(write.sent, key=lambda one: one.begun)
        if not first.unknown and not first.done:
            yield Violation("K4", about, f"answered {first.status}", (first,))
        elsewhere = [
            one
            for one in run.history.sent
            if one.key == write.key and one.organisation != write.organisation and one.done
        ]
        if write.answer and elsewhere and write.answer.json["id"] == elsewhere[0].json["id"]:
            both = (elsewhere[0], write.answer)
            yield Violation("K4", about, "got the answer of another organisation", both)


def refusals_burn_no_key(run: Run) -> Iterator[Violation]:
    """K5: after a refusal of what was malformed, the same key takes the right request."""
    refused = {
        (one.organisation, one.key): one
        for one in run.history.named("probe_invalid")
        if one.status == 400
    }
    for write in run.history.writes:
        before = refused.get((write.organisation, write.key))
        if before is None:
            continue
        for one in write.sent:
            if one.status == 422:
                about = f"{write.organisation} {write.key}"
                yield Violation("K5", about, "the refused request has the key", (before, one))


def keys_are_required(run: Run) -> Iterator[Violation]:
    """K6: what changes money or hours without a key is refused with 400."""
    for one in run.history.named("probe_without_key"):
        if not one.unknown and one.status != 400:
            about = f"{one.organisation} {one.path}"
            yield Violation("K6", about, f"answered {one.status}", (one,))


def durable(run: Run) -> Iterator[Violation]:
    """D4: as the service's role finds the server commits are synchronous and pages whole."""
    for name, value in run.after.durability.items():
        if value != "on":
            yield Violation("D4", name, f"is {value}")
    if run.after.ready != 200:
        yield Violation("D4", "readiness", f"answered {run.after.ready} after the run")


def resolved(run: Run) -> Iterator[Violation]:
    """D6: asked again with its key, everything has a definite answer within 30 s of healing."""
    for write in run.unresolved:
        about = f"{write.organisation} {write.key}"
        yield Violation("D6", about, "is still unknown", write.sent)


@dataclass(frozen=True, slots=True)
class Recovery:
    """How long it took until both a read and a write went well after a fault was mended.

    ``seconds`` leaves out what was spent in the faults that came before they did; ``allowed`` is
    what the most patient of them allows. ``came`` is False when they never did.
    """

    fault: Fault
    seconds: float
    allowed: float
    came: bool


def recovers(run: Run) -> Iterator[Violation]:
    """D7: the first good answer, to a read and to a write, comes in time after each fault.

    On top comes what a few answers take on this machine in calm: a busy one stretches all alike.
    """
    spare = _SLOWEST_MEDIANS * _usual_seconds(run.history)
    for one in recoveries(run.history):
        if one.came and one.seconds <= one.allowed + spare:
            continue
        says = f"{one.seconds:.1f} s until both a read and a write went well"
        if not one.came:
            says = f"no good answers by the end, {one.seconds:.1f} s after it"
        about = f"{one.fault.kind} at {one.fault.begun - run.history.began:.1f} s"
        yield Violation("D7", about, says)


def _usual_seconds(history: History) -> float:
    """Return the median seconds of the good answers in calm, of all when those are too few."""
    good = [one for one in history.sent if one.done]
    calm = [one for one in good if _is_calm(history, one)]
    times = sorted(one.ended - one.begun for one in (calm if len(calm) >= _ENOUGH else good))
    return times[len(times) // 2] if times else 0.0


def recoveries(history: History) -> list[Recovery]:
    """Return how it came back after each fault.

    Where further faults came before it did, all are judged as one, from the first of them on.
    """
    good = [
        [one.ended for one in history.load.sent if one.done and one.writes is writes]
        for writes in (True, False)
    ]
    found: list[Recovery] = []
    back_at = 0.0
    for number, fault in enumerate(history.faults):
        if fault.begun < back_at:
            continue
        back_at = max(
            min((at for at in times if at >= fault.back), default=float("inf")) for times in good
        )
        until = min(back_at, max(history.ended, fault.back))
        meanwhile = [one for one in history.faults[number + 1 :] if one.begun < until]
        broken = sum(min(one.back, until) - one.begun for one in meanwhile)
        found.append(
            Recovery(
                fault,
                until - fault.back - broken,
                max(_BACK_WITHIN.get(one.kind, _PAUSED_WITHIN) for one in (fault, *meanwhile)),
                back_at < float("inf"),
            )
        )
    return found


def load_was_one(run: Run) -> Iterator[Violation]:
    """Judge the run itself: in one in which nothing works nothing can be wrong."""
    load = run.history.load
    clients = max(len({one.client for one in load.sent}), 1)
    good = sum(one.done for one in load.sent)
    kept = sum(write.answer is not None for write in load.writes)
    if good < _GOOD_EACH * clients:
        yield Violation("LOAD", "answers", f"{good} good ones for {clients} clients")
    if kept < _KEPT_EACH * clients:
        yield Violation("LOAD", "writes", f"{kept} were acknowledged for {clients} clients")
    share = repeated_share(load)
    if not _REPEATED[0] <= share <= _REPEATED[1]:
        says = f"{share:.1%} of the writes were repeated or sent twice"
        yield Violation("LOAD", "repeats", says)
    if missing := run.asked.difference(fault.kind for fault in load.faults):
        yield Violation("LOAD", "faults", f"{', '.join(sorted(missing))} did not come")


def repeated_share(load: History) -> float:
    """Return the share of writes that were repeated, beside those for want of an answer."""
    return sum(write.repeated for write in load.writes) / max(len(load.writes), 1)


def full_disk_is_told(run: Run) -> Iterator[Violation]:
    """D11: with the disk full reads go on and writes are refused for now, not wrongly."""
    for fault in run.history.faults:
        if fault.kind != DISK:
            continue
        during = [
            one for one in run.history.sent if fault.begun < one.begun and one.ended < fault.back
        ]
        if during and not any(one.done for one in during if not one.writes):
            yield Violation("D11", "disk", "no read went well while it was full")
        for one in during:
            if one.status is None or one.status == _FAILED:
                says = f"{one.status or one.failed} while the disk was full"
                yield Violation("D11", f"{one.organisation} {one.path}", says, (one,))


def stops_in_order(run: Run) -> Iterator[Violation]:
    """D8: at SIGTERM it ends with 0 within 10 s.

    What was accepted is finished first, so what a few answers take in calm comes on top.
    """
    allowed = _STOPPED_WITHIN + _SLOWEST_MEDIANS * _usual_seconds(run.history)
    for fault in run.history.faults:
        if fault.kind != "stop":
            continue
        found = re.search(r"exit (\S+) after ([0-9.]+) s", fault.note)
        if found is None or found[1] != "0" or float(found[2]) > allowed:
            yield Violation("D8", "SIGTERM", fault.note)


def replaces_unseen(run: Run) -> Iterator[Violation]:
    """D8: no request fails while workers are replaced, by a signal and one by one."""
    for one in run.history.sent:
        if one.about[:1] == (ROLLING,) and (one.status is None or one.status >= _FAILED):
            says = f"failed while workers were replaced ({one.status or one.failed})"
            yield Violation("D8", f"{one.organisation} {one.path}", says, (one,))


def faults_are_told(run: Run) -> Iterator[Violation]:
    """D9: nothing but 503, 504 and 429 with Retry-After, as problems; nothing from inside."""
    for one in run.history.sent:
        about = f"{one.organisation} {one.method} {one.path.partition('?')[0]}"
        if one.ended - one.begun > _LONGEST_SECONDS or one.failed == "ReadTimeout":
            yield Violation("D9", about, f"hung for {one.ended - one.begun:.1f} s", (one,))
        if one.status is None and not _was_cut(run.history.faults, one):
            yield Violation("D9", about, f"no answer ({one.failed}), nothing cut it", (one,))
        for says in _mistold(one):
            yield Violation("D9", about, says, (one,))


def _mistold(one: Sent) -> Iterator[str]:
    """Yield what is wrong with how an answer tells of an error."""
    if one.status is None or one.status < 400:
        return
    if one.status >= 500 and one.status not in _TOLD_UNDER_FAULT:
        yield f"answered {one.status}"
    if one.status in UNKNOWN and not one.retry_after:
        yield f"{one.status} without Retry-After"
    if not (one.media_type or "").startswith("application/problem+json"):
        yield f"{one.status} as {one.media_type}"
    if _INSIDE.search(one.answer or ""):
        yield "tells what is inside"


def _was_cut(faults: Sequence[Fault], one: Sent) -> bool:
    """Tell whether a fault that cuts connections was on while the request was."""
    return any(
        fault.begun - _SETTLES_SECONDS < one.ended and one.begun < fault.back + _SETTLES_SECONDS
        for fault in faults
        if fault.kind in _CUTTING
    )


def no_leak(run: Run) -> Iterator[Violation]:
    """T1, T4: no byte of the marked organisation, and no id of another's, in anybody's answer."""
    owners = _owners(run)
    for one in run.history.sent:
        if one.answer is None:
            continue
        theirs = run.after.states[one.organisation].scene.mark
        if not theirs and MARK.lower() in one.answer.lower():
            yield Violation("T1", f"{one.organisation} {one.path}", "shows the mark", (one,))
        if one.name in PROBES:
            continue
        for identifier in set(_UUID.findall(one.answer)):
            owner = owners.get(identifier)
            if owner not in (None, one.organisation):
                about = f"{one.organisation} {one.path}"
                yield Violation("T4", about, f"shows {identifier} of {owner}", (one,))
                break


def _owners(run: Run) -> dict[str, str]:
    """Return whose each identifier is."""
    owners: dict[str, str] = {}
    for slug, state in run.after.states.items():
        rows: list[Any] = [*state.transfers, *state.accounts, *state.audit]
        for items in (*state.lists.values(), rows):
            owners.update((str(row["id"]), slug) for row in items)
    return owners


def no_oracle(run: Run) -> Iterator[Violation]:
    """T2: another organisation's id and one that nobody has are answered alike: 404."""
    asked: dict[tuple[int, str], list[Sent]] = defaultdict(list)
    for one in run.history.named("probe_foreign"):
        if one.unknown:
            continue
        if one.status != 404:
            yield Violation("T2", f"{one.organisation} {one.path}", f"{one.status}", (one,))
        if one.method == "GET":
            shape = _UUID.sub("*", one.path)
            asked[one.client, f"{one.organisation} {shape}"].append(one)
    for (_client, about), answers in asked.items():
        shapes = {_UUID.sub("*", one.answer or "") for one in answers}
        if len(shapes) > 1:
            yield Violation("T2", about, "answered in two ways", tuple(answers[:2]))


def nobody_is_refused(run: Run) -> Iterator[Violation]:
    """T3: who does not sign in is answered 401."""
    for one in run.history.named("probe_nobody"):
        if not one.unknown and one.status != 401:
            yield Violation("T3", f"{one.organisation} {one.path}", f"{one.status}", (one,))


def rows_need_a_tenant(run: Run) -> Iterator[Violation]:
    """T5: the service's role sees no row while no organisation is set."""
    for table, count in run.after.unscoped.items():
        if count:
            yield Violation("T5", table, f"shows {count} rows")


def verifies(run: Run) -> Iterator[Violation]:
    """A3: the ledger and the chain of the trail, recomputed, are as they were recorded."""
    if run.verified != 0:
        yield Violation("A3", "leerruimte verify", run.verified_says.strip()[-500:])
