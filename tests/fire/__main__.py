"""``make fire``: load on the service while it is broken, and the invariants judged afterwards."""

import argparse
import secrets
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from app.http.routing import system_clock
from tests.fire.checks import ALL_CODES, Verdict, held_elsewhere, look, stories
from tests.fire.faults import DISK, KINDS
from tests.fire.history import ROLLING
from tests.fire.run import LOG, Options, Ran, carry_out
from tests.fire.service import NoSmallDisk, NotReady
from tests.fire.service_checks import recoveries, repeated_share
from tests.fire.state import read_after
from tests.fire.violation import Run

_ROLLING = 2000
_SHORT_SECONDS = 60.0
_LOG_LINES = 20
_OF_POSTGRES = frozenset({"postgres", "both", "pause-postgres", DISK})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run once and judge it; 0 when every invariant held."""
    options, keep = _asked(arguments)
    began_at = system_clock()
    with ExitStack() as held:
        folder = keep or Path(held.enter_context(TemporaryDirectory(prefix="leerruimte-fire-")))
        folder.mkdir(parents=True, exist_ok=True)
        try:
            ran = carry_out(_options(options, folder), held, _say)
        except NoSmallDisk as error:
            _say(f"Left out: {error}.")
            return 0
        except NotReady as error:
            _say(f"\nD7 RED: {error}. The end of its log:\n{_end_of(folder / LOG)}")
            return 1
        _say("Reading what is there ...")
        after = read_after(ran.history, ran.scenes, ran.url, ran.owner_url)
    run = Run(
        seed=options.seed,
        history=ran.history,
        after=after,
        verified=ran.verified.returncode,
        verified_says=ran.verified.stderr,
        unresolved=ran.unresolved,
        began_at=began_at,
        ended_at=system_clock(),
        asked=frozenset(options.faults if options.each else ()),
    )
    _figures(ran)
    count = _judge(run)
    red = count["red"]
    faults = ",".join(options.faults) if options.each else ""
    _say(
        f"\n{red} checks are red. The same plan again: make fire SEED={options.seed}"
        f" SECONDS={options.seconds:.0f}" + (f" FAULTS={faults or 'none'}" if options.each else "")
        if red
        else f"\n{count['ok']} checks hold, {count['--']} not tried (seed {options.seed})."
    )
    return 1 if red else 0


def _asked(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, Path | None]:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fire",
        description=__doc__,
        epilog="The seed draws the faults with their times, and each client's choices and keys. "
        "What still varies from run to run is timing: which request a fault meets, who of several "
        "comes first, and so what there is to choose from.",
    )
    parser.add_argument("--seconds", type=float, default=120.0, help="of load, at least")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seed", default="")
    parser.add_argument(
        "--faults", default="", help=f"each of these: {', '.join(KINDS)}, disk; or none"
    )
    parser.add_argument("--database-url", default="", help="a server of your own; not killed")
    parser.add_argument("--keep", type=Path, help="a folder for the history and the logs")
    options = parser.parse_args(arguments)
    options.seed = options.seed or secrets.token_hex(3)
    chosen = [kind for kind in options.faults.split(",") if kind]
    if unknown := set(chosen).difference(KINDS, {DISK, "none"}):
        parser.error(f"no such faults: {', '.join(sorted(unknown))}")
    options.faults = [kind for kind in chosen or KINDS if kind != "none"]
    options.each = bool(chosen)
    if options.database_url:
        _say("The server is not ours: PostgreSQL is not killed or paused, only cut off.")
        options.faults = [kind for kind in options.faults if kind not in _OF_POSTGRES]
    return options, options.keep


def _options(asked: argparse.Namespace, folder: Path) -> Options:
    return Options(
        seed=asked.seed,
        seconds=asked.seconds,
        clients=asked.clients,
        faults=tuple(asked.faults),
        each=asked.each,
        rolling=_rolling(asked),
        folder=folder,
        database_url=asked.database_url or None,
    )


def _rolling(asked: argparse.Namespace) -> int:
    """Return how many requests are sent while workers are replaced: fewer in a short run."""
    if "replace" not in asked.faults:
        return 0
    return _ROLLING if asked.seconds >= _SHORT_SECONDS else _ROLLING // 5


def _figures(ran: Ran) -> None:
    """Print what the run was."""
    history = ran.history
    sent = history.sent
    acknowledged = [write for write in history.writes if write.answer is not None]
    again = sum(len(write.sent) > 1 for write in history.writes)
    times = sorted(one.ended - one.begun for one in sent if one.status is not None) or [0.0]
    statuses = Counter(str(one.status or one.failed) for one in sent)
    kinds = Counter(fault.kind for fault in history.faults)
    kills = sum(kinds[kind] for kind in ("worker", "service", "supervisor", "postgres", "both"))
    _say(
        f"\n{len(sent)} requests, {len(sent) / (history.ended - history.began):.0f} a second; "
        f"{len(history.writes)} writes with a key, {len(acknowledged)} acknowledged, "
        f"{sum(one.replayed for one in sent)} replays\n"
        f"{repeated_share(history.load):.0%} of the writes of the load repeated or sent twice, "
        f"{again} sent more than once in all\n"
        f"{len(history.faults)} faults ({kills} kills), {ran.lost} replies lost; "
        f"{ran.asked_again} unknown after the load, asked again in {ran.resolved_seconds:.1f} s, "
        f"{len(ran.unresolved)} still unknown\n"
        f"p50 {times[len(times) // 2] * 1000:.0f} ms, p99 {times[len(times) * 99 // 100]:.2f} s, "
        f"longest {times[-1]:.2f} s\n"
        + ", ".join(f"{status}: {count}" for status, count in statuses.most_common())
    )
    rolled = [one for one in sent if one.about[:1] == (ROLLING,)]
    if rolled:
        failed = sum(one.status is None or one.status >= 500 for one in rolled)
        _say(f"{failed} of {len(rolled)} requests failed while workers were replaced")
    back = recoveries(history)
    for kind in kinds:
        seconds = [one.seconds for one in back if one.fault.kind == kind]
        told = f"{max(seconds):.2f} s at most" if seconds else "judged with the one before"
        _say(f"  {kind:16} {kinds[kind]:3} times, first good answers after {told}")


def _judge(run: Run) -> Counter[str]:
    """Look at each invariant, print how it stands and its breaches, and count how they stand."""
    count: Counter[str] = Counter()
    here: dict[str, str] = {}
    breaches: list[str] = []
    _say("")
    for verdict in look(run):
        check = verdict.check
        mark = "red" if verdict.red else "ok" if verdict.held else "--"
        count[mark] += 1
        much = f"{verdict.judged} {check.things}" if verdict.judged else _nothing(verdict)
        if verdict.found:
            much = f"{len(verdict.found)} breaches in {much}"
        _say(f"{mark:3}  {', '.join(check.codes):7} {check.says}: {much}")
        for code in check.codes:
            if mark == "red" or here.get(code) != "red":
                here[code] = mark if mark != "--" else here.get(code, mark)
        breaches += stories(run, check, verdict.found)
    elsewhere = held_elsewhere()
    _say("\nWhere each invariant is held:")
    for code in ALL_CODES:
        files = (
            ", ".join(f"{name} ({count})" for name, count in elsewhere[code].items())
            if code in elsewhere
            else ""
        )
        _say(f"  {code:4} {_HERE[here.get(code, '')]:10}  {files}")
    # Last, for whoever sees the end of a log only.
    for told in breaches:
        _say(f"\n{told}")
    return count


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_LINES:])


_HERE = {"": "", "--": "not tried", "ok": "this run", "red": "RED"}


def _nothing(verdict: Verdict) -> str:
    """Return why there was nothing to judge."""
    check = verdict.check
    if verdict.due:
        return f"no {check.things} to judge"
    if check.of:
        return f"not tried, for none of these was broken: {', '.join(sorted(check.of))}"
    return f"not tried, for want of {check.things}"


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    began = time.monotonic()
    status = main()
    _say(f"({time.monotonic() - began:.0f} s)")
    sys.exit(status)
