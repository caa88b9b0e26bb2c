"""Checks of how the service answers: by key, by organisation, under faults, and after them."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
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
    """W4: what collides is repeated inside, and quick while nothing is broken.

    The bound is on what comes on top of the median, and far above it: the median is the wait of 64
    clients for the CPU, which a busy machine stretches for all alike.
    """
    for one in run.history.sent:
        if one.status == 500:
            yield Violation("W4", f"{one.organisation} {one.path}", "answered 500", (one,))
    calm = sorted(
        one.ended - one.begun
        for one in run.history.sent
        if one.writes and one.status is not None and _is_calm(run.history, one)
    )
    if len(calm) >= _ENOUGH:
        median, slowest = calm[len(calm) // 2], calm[len(calm) * 99 // 100]
        if slowest - median > _SLOWEST_P99_SECONDS and slowest > _SLOWEST_MEDIANS * median:
            says = f"p99 of {len(calm)} is {slowest:.2f} s, the median {median:.2f} s"
            yield Violation("W4", "writes in calm", says)


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


def recovers(run: Run) -> Iterator[Violation]:
    """D7: the first good answer, to a read and to a write, comes in time after each fault.

    On top comes what a few answers take on this machine in calm: a busy one stretches all alike.
    """
    usual = _usual_seconds(run.history)
    for fault, seconds in recoveries(run.history):
        allowed = _BACK_WITHIN.get(fault.kind, _PAUSED_WITHIN) + _SLOWEST_MEDIANS * usual
        if seconds > allowed:
            says = f"{seconds:.1f} s until both a read and a write went well"
            yield Violation("D7", f"{fault.kind} at {fault.begun - run.history.began:.1f} s", says)


def _usual_seconds(history: History) -> float:
    """Return the median seconds of the answers in calm, 0 when they are too few to tell."""
    times = sorted(
        one.ended - one.begun for one in history.sent if one.done and _is_calm(history, one)
    )
    return times[len(times) // 2] if len(times) >= _ENOUGH else 0.0


def recoveries(history: History) -> list[tuple[Fault, float]]:
    """Return for each fault the seconds from when what died was back to the first good answers.

    Where the next fault came before them, the one is judged with the other.
    """
    good = {
        True: sorted(one.ended for one in history.sent if one.done and one.writes),
        False: sorted(one.ended for one in history.sent if one.done and not one.writes),
    }
    found: list[tuple[Fault, float]] = []
    for number, fault in enumerate(history.faults):
        first = [
            next((at for at in times if at >= fault.back), float("inf")) for times in good.values()
        ]
        following = history.faults[number + 1 : number + 2]
        if following and max(first) > following[0].begun:
            continue
        if max(first) == float("inf"):
            if history.ended - fault.back > 2.0:
                found.append((fault, history.ended - fault.back))
            continue
        found.append((fault, max(first) - fault.back))
    return found


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
    """D8: at SIGTERM it ends with 0 within 10 s; no request fails while workers are replaced.

    What was accepted is finished first, so what a few answers take in calm comes on top.
    """
    allowed = _STOPPED_WITHIN + _SLOWEST_MEDIANS * _usual_seconds(run.history)
    for one in run.history.sent:
        if one.about[:1] == (ROLLING,) and (one.status is None or one.status >= 500):
            says = f"failed while workers were replaced ({one.status or one.failed})"
            yield Violation("D8", f"{one.organisation} {one.path}", says, (one,))
    for fault in run.history.faults:
        if fault.kind != "stop":
            continue
        found = re.search(r"exit (\S+) after ([0-9.]+) s", fault.note)
        if found is None or found[1] != "0" or float(found[2]) > allowed:
            yield Violation("D8", "SIGTERM", fault.note)


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
