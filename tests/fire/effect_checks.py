"""Checks of what writes brought about: each is there once, whole, and in its turn."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.fire.history import Fault, Sent, Write
from tests.fire.scene import FOUNDER, YEAR
from tests.fire.state import Row, State, keys_in, same_transaction
from tests.fire.violation import Run, Violation
from tests.fire.walks import cursor_of
from tests.fire.workload import request_of

# Where the service shows the text that a write carried its key in: the list, and the member of it.
_SHOWN: Mapping[str, tuple[str, str]] = {
    "draft_request": ("/requests", "title"),
    "draft_proposal": ("/proposals", "title"),
    "decide": ("/decisions", "motivation"),
    "revise": ("/decisions", "motivation"),
    "grant_exception": ("/hour-exceptions", "reason"),
    "set_means": (f"/budgets/{YEAR}/means", "motivation"),
    "book_actual": ("/actuals", "invoiceReference"),
    "add_team": ("/teams", "name"),
    "foreign_key": ("/teams", "name"),
}
# What the audit trail calls it, and what it is done to: by the answer, or by the path.
_RECORDED: Mapping[str, tuple[str, Callable[[Sent], list[str]]]] = {
    "draft_request": ("request.drafted", lambda sent: [sent.json["id"]]),
    "change_request": ("request.changed", lambda sent: [sent.json["id"]]),
    "submit_request": ("request.submitted", lambda sent: [sent.json["request"]["id"]]),
    "withdraw_request": ("request.withdrawn", lambda sent: [sent.json["id"]]),
    "consent": ("request.consented", lambda sent: [sent.json["id"]]),
    "assess": ("request.assessed", lambda sent: [sent.json["requestId"]]),
    "complete": ("request.completed", lambda sent: [sent.json["id"]]),
    "cancel": ("request.cancelled", lambda sent: [sent.json["id"]]),
    "draft_proposal": ("proposal.drafted", lambda sent: [sent.json["id"]]),
    "submit_proposal": ("proposal.submitted", lambda sent: [sent.json["id"]]),
    "record_attendance": ("attendance.recorded", lambda sent: _ids(sent.json["items"])),
    "correct_attendance": ("attendance.corrected", lambda sent: [sent.json["id"]]),
    "grant_exception": ("hour_exception.granted", lambda sent: [sent.json["id"]]),
    "book_actual": ("commitment.invoiced", lambda sent: [sent.json["id"]]),
    "draw_up": ("agreement.drawn_up", lambda sent: [sent.json["id"]]),
    "end_employment": ("employment.end_recorded", lambda sent: [sent.json["employeeId"]]),
    "withdraw_end": ("employment.end_withdrawn", lambda sent: [sent.json["employeeId"]]),
    "patch_employee": ("employee.corrected", lambda sent: [sent.json["id"]]),
    "add_team": ("team.added", lambda sent: [sent.json["id"]]),
    "foreign_key": ("team.added", lambda sent: [sent.json["id"]]),
}
# The promise that killing something tries.
_KILLED: Mapping[str, str] = {
    "worker": "D1",
    "service": "D2",
    "supervisor": "D2",
    "postgres": "D2",
    "both": "D2",
}
# After each step of a request, the steps that may come next.
_NEXT: Mapping[str, frozenset[str]] = {
    "": frozenset({"drafted", "taken_over"}),
    "taken_over": frozenset({"granted"}),
    "drafted": frozenset({"changed", "submitted", "withdrawn"}),
    "changed": frozenset({"changed", "submitted", "withdrawn"}),
    "submitted": frozenset({"consented", "withdrawn", "assessment_started"}),
    "consented": frozenset({"assessment_started", "withdrawn"}),
    "assessment_started": frozenset({"proposed", "withdrawn"}),
    "proposed": frozenset({"granted", "rejected"}),
    "granted": frozenset({"granted", "rejected", "completed", "cancelled"}),
    "rejected": frozenset({"granted", "rejected"}),
    "completed": frozenset(),
    "cancelled": frozenset(),
    "withdrawn": frozenset(),
}


def kept_when_a_worker_died(run: Run) -> Iterator[Violation]:
    """D1: what was acknowledged is there, once; what was refused is not there at all."""
    return _kept("D1", run)


def kept_when_all_died(run: Run) -> Iterator[Violation]:
    """D2: so it is when the whole service, PostgreSQL or both were killed after it was sent."""
    return _kept("D2", run)


def kept_when_a_reply_was_lost(run: Run) -> Iterator[Violation]:
    """D3: so it is when no answer came, and it was sent again for that."""
    return _kept("D3", run)


def _kept(code: str, run: Run) -> Iterator[Violation]:
    return (found for found in _kept_exactly_once(run) if found.code == code)


def _kept_exactly_once(run: Run) -> Iterator[Violation]:
    faults = run.history.faults
    for slug, state in run.after.states.items():
        writes = [one for one in run.history.writes if one.organisation == slug]
        sent = {one.key for one in writes}
        for names, (path, member) in _by_place().items():
            shown = _shown(state.lists[path], member, run.seed)
            for write in writes:
                if write.name in names:
                    yield from _as_acknowledged(slug, write, shown, faults)
            for key in shown.keys() - sent:
                yield Violation("D1", f"{slug} {key}", f"stands in {path}, and nobody sent it")
        corrected = _shown(state.corrections, "correction_reason", run.seed)
        for write in writes:
            if write.name == "correct_attendance":
                yield from _as_acknowledged(slug, write, corrected, faults)


def _promise(write: Write, faults: Sequence[Fault]) -> str:
    """Return the code of the promise that is broken with a write that was not kept as it was told.

    By what came between: a reply that was lost, or else what was killed first since it was sent.
    """
    if any(one.status is None for one in write.sent):
        return "D3"
    killed = (one.kind for one in faults if one.kind in _KILLED and one.back >= write.begun)
    return _KILLED[next(killed, "worker")]


def _by_place() -> dict[frozenset[str], tuple[str, str]]:
    places: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name, place in _SHOWN.items():
        places[place].add(name)
    return {frozenset(names): place for place, names in places.items()}


def _shown(rows: Any, member: str, seed: str) -> dict[str, list[Row]]:  # noqa: ANN401 - JSON
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        for key in keys_in(row[member], seed):
            found[key].append(row)
    return found


def _as_acknowledged(
    slug: str, write: Write, shown: Mapping[str, list[Row]], faults: Sequence[Fault]
) -> Iterator[Violation]:
    code, about = _promise(write, faults), f"{slug} {write.key}"
    rows = shown.get(write.key, [])
    if write.answer is None:
        if rows and not write.sent[-1].unknown:
            yield Violation(code, about, "was refused and is there", write.sent)
        return
    told = write.answer.json
    expected = _ids(told["items"]) if write.name == "decide" else [told.get("id")]
    if None not in expected and write.name != "book_actual":
        there = sorted(str(row["id"]) for row in rows)
        if there != sorted(expected):
            says = f"acknowledged {expected} and there is {there}"
            yield Violation(code, about, says, write.sent)
    elif len(rows) != 1:
        says = f"was acknowledged and is there {len(rows)} times"
        yield Violation(code, about, says, write.sent)


def all_or_nothing(run: Run) -> Iterator[Violation]:
    """D5: a transaction leaves its key with the answer, its postings and its lines, or nothing.

    Every key that is kept is of an acknowledged write, and every acknowledged write has its key.
    """
    for slug, state in run.after.states.items():
        yield from _together(slug, state)
        answers = {(row["client"], row["key"]): row for row in state.keys}
        for write in run.history.writes:
            if write.organisation == slug:
                yield from _stored(slug, write, answers.get((write.who, write.key)))


def _together(slug: str, state: State) -> Iterator[Violation]:
    trails = {same_transaction(row["recorded_in"]) for row in state.audit}
    # What was there before the service ran came in without a key.
    before = {
        same_transaction(row["recorded_in"]) for row in state.audit if row["subject"] == FOUNDER
    }
    kept = {row["xid"] for row in state.keys}
    for row in state.keys:
        about = f"{slug} {row['client']} {row['key']}"
        if row["status"] is None:
            yield Violation("D5", about, "the key is kept without an answer")
        elif row["xid"] not in trails:
            yield Violation("D5", about, "is kept by a transaction without an audit line")
    for row in state.transfers:
        if row["xid"] not in trails or row["xid"] not in kept | before:
            yield Violation("D5", f"{slug} transfer {row['id']}", "has no audit line or no key")


def _stored(slug: str, write: Write, row: Row | None) -> Iterator[Violation]:
    about = f"{slug} {write.key}"
    answer = write.answer
    if answer is None:
        if row is not None and not write.sent[-1].unknown:
            yield Violation("D5", about, "was refused, and its key is kept", write.sent)
    elif row is None:
        yield Violation("D5", about, "was acknowledged, and its key is not kept", write.sent)
    elif (row["status"], bytes(row["body"]).decode()) != (answer.status, answer.answer):
        yield Violation("D5", about, "another answer is kept than was given", write.sent)


def one_line_per_change(run: Run) -> Iterator[Violation]:
    """A1: the trail has one line for each change that was acknowledged, and no other."""
    for slug, state in run.after.states.items():
        lines = Counter((row["action"], str(row["object_id"])) for row in state.audit)
        done: Counter[tuple[str, str]] = Counter()
        perhaps: Counter[str] = Counter()
        last: dict[tuple[str, str], Sent] = {}
        for one in _changes(run, slug):
            if not one.done:
                perhaps[_RECORDED[one.name][0]] += one.unknown
                continue
            action, ids = _RECORDED[one.name][0], _RECORDED[one.name][1](one)
            for identifier in ids:
                done[action, identifier] += 1
                last[action, identifier] = one
        for place, expected in done.items():
            found = lines[place]
            if found < expected or found > expected + perhaps[place[0]]:
                says = f"{found} lines of {place[0]} for {expected} changes"
                yield Violation("A1", f"{slug} {place[1]}", says, (last[place],))
        yield from _decided_lines(run, slug, lines)


def _changes(run: Run, slug: str) -> Iterator[Sent]:
    """Yield each acknowledged change once, and what had no answer."""
    for write in run.history.writes:
        if write.organisation == slug and write.name in _RECORDED:
            yield write.answer or write.sent[-1]
    yield from run.history.of(slug, "change_request", "assess", "patch_employee")


def _decided_lines(
    run: Run, slug: str, lines: Mapping[tuple[str, str], int]
) -> Iterator[Violation]:
    for write, answer in run.history.acknowledged("decide", "revise"):
        if write.organisation != slug:
            continue
        taken = answer.json["items"] if write.name == "decide" else [answer.json]
        for one in taken:
            found = lines[f"decision.{one['outcome']}", one["id"]]
            if found != 1:
                says = f"{found} lines for the decision"
                yield Violation("A1", f"{slug} {one['id']}", says, (answer,))


def lines_are_complete(run: Run) -> Iterator[Violation]:
    """A5: each line tells event, person, place, object, result and time."""
    needed = ("action", "subject", "object_type", "object_id", "recorded_at", "request_id")
    for slug, state in run.after.states.items():
        for row in state.audit:
            missing = [name for name in needed if row[name] is None]
            # What was founded before the service ran came in from no address.
            if row["subject"] != FOUNDER and row["origin"] is None:
                missing.append("origin")
            if missing:
                yield Violation("A5", f"{slug} line {row['id']}", f"lacks {missing}")


def requests_move_legally(run: Run) -> Iterator[Violation]:
    """W1: each request goes from step to step as it may, and stands where its last step led."""
    for slug, state in run.after.states.items():
        steps: dict[str, list[Row]] = defaultdict(list)
        for row in state.audit:
            if row["object_type"] == "training_request" and row["action"].startswith("request."):
                steps[str(row["object_id"])].append(row)
        for request, rows in steps.items():
            before = ""
            for row in sorted(rows, key=lambda one: (one["recorded_at"], str(one["id"]))):
                step = row["action"].removeprefix("request.")
                if step == "assessed":
                    continue
                if step not in _NEXT[before]:
                    about = tuple(
                        one for one in run.history.sent if request_of(request) in one.about
                    )
                    says = f"{step} came after {before or 'nothing'}"
                    yield Violation("W1", f"{slug} {request_of(request)}", says, about)
                before = step


def one_decision(run: Run) -> Iterator[Violation]:
    """W2: of those who decide at once one does; one decision on a request is in force."""
    decided: dict[str, list[Sent]] = defaultdict(list)
    for write, answer in run.history.acknowledged("decide"):
        decided[f"{write.organisation} {write.first.about[0]}"].append(answer)
    for about, answers in decided.items():
        if len(answers) > 1:
            yield Violation("W2", about, f"{len(answers)} decided all of it", tuple(answers))
    for slug, state in run.after.states.items():
        force = Counter(one["requestId"] for one in state.lists["/decisions"] if one["inForce"])
        first = Counter(
            one["requestId"] for one in state.lists["/decisions"] if one["revisesId"] is None
        )
        for request in first:
            if (force[request], first[request]) != (1, 1):
                says = f"{first[request]} first decisions, {force[request]} in force"
                yield Violation("W2", f"{slug} {request_of(request)}", says)


def no_lost_update(run: Run) -> Iterator[Violation]:
    """W3: of the changes sent with one ETag at most one is done, and each done one is a version."""
    won: dict[tuple[str, str, str | None], list[Sent]] = defaultdict(list)
    perhaps: Counter[tuple[str, str]] = Counter()
    for one in run.history.named("patch_employee"):
        if one.done:
            won[one.organisation, one.about[0], one.match].append(one)
        elif one.unknown:
            perhaps[one.organisation, one.about[0]] += 1
    for (slug, about, match), answers in won.items():
        if len(answers) > 1:
            yield Violation("W3", f"{slug} {about}", f"{match} won twice", tuple(answers))
    counted = Counter((slug, about) for slug, about, _match in won)
    counted.update(
        (write.organisation, write.first.about[0])
        for write, _answer in run.history.acknowledged("end_employment", "withdraw_end")
    )
    versions = _versions(run)
    for place, changes in counted.items():
        version = versions[place]
        if not 1 + changes <= version <= 1 + changes + perhaps[place]:
            yield Violation("W3", " ".join(place), f"version {version} after {changes} changes")


def _versions(run: Run) -> dict[tuple[str, str], int]:
    """Return the version that each employee is at."""
    return {
        (slug, f"employee:{one['id']}"): one["version"]
        for slug, state in run.after.states.items()
        for one in state.lists["/employees"]
    }


def versions_go_up(run: Run) -> Iterator[Violation]:
    """H2: a request that is read is at least of the version that was answered before."""
    answered: dict[str, list[tuple[float, int, Sent]]] = defaultdict(list)
    for one in run.history.sent:
        version = _version_in(one)
        if version is None:
            continue
        place = f"{one.organisation} {one.about[0]}"
        if one.name == "read_request":
            for at, known, writer in answered[place]:
                if at < one.begun and known > version:
                    says = f"version {version} was read after {known}"
                    yield Violation("H2", place, says, (writer, one))
                    break
        answered[place].append((one.ended, version, one))


def _version_in(one: Sent) -> int | None:
    """Return the version of the request that an answer shows, None when it shows none."""
    if not one.done or one.replayed or not one.about or one.name == "draft_proposal":
        return None
    if not one.about[0].startswith("request:"):
        return None
    told = one.json
    return (told.get("request") or told).get("version")


def walks_are_whole(run: Run) -> Iterator[Violation]:
    """H3: a walk by cursor meets everything that was there all the time once, and nothing twice."""
    walks: dict[tuple[str, str], list[Sent]] = defaultdict(list)
    for one in run.history.named("walk"):
        if one.done:
            walks[one.organisation, one.about[0]].append(one)
    seen = _made(run)
    for (slug, about), pages in sorted(walks.items(), key=lambda one: one[1][0].begun):
        kind = about.split(":")[1]
        place = slug, kind if kind != "entries" else pages[0].about[1]
        met = [str(item["id"]) for page in pages for item in page.json["items"]]
        if twice := [identifier for identifier, times in Counter(met).items() if times > 1]:
            yield Violation("H3", f"{slug} {about}", f"met {twice[:3]} twice", tuple(pages))
        if pages[-1].json["nextCursor"] is None and cursor_of(pages[0].path) is None:
            yield from _met_all(f"{slug} {about}", pages, set(met), seen[place])
            seen[place] += [(pages[-1].ended, identifier, pages[-1]) for identifier in met]


_Seen = list[tuple[float, str, Sent]]


def _made(run: Run) -> dict[tuple[str, str], _Seen]:
    """Return what was acknowledged to be there from when on, by organisation and list."""
    made: dict[tuple[str, str], _Seen] = defaultdict(list)
    for write, answer in run.history.acknowledged("draft_request", "decide"):
        kind = "requests" if write.name == "draft_request" else "decisions"
        told = answer.json
        for identifier in [told["id"]] if kind == "requests" else _ids(told["items"]):
            made[write.organisation, kind].append((answer.ended, identifier, answer))
    return made


def _met_all(about: str, pages: list[Sent], met: set[str], seen: _Seen) -> Iterator[Violation]:
    for at, identifier, writer in seen:
        if at < pages[0].begun and identifier not in met:
            yield Violation("H3", about, f"did not meet {identifier}", (writer, *pages))
            return


def _ids(items: Any) -> list[str]:  # noqa: ANN401 - JSON
    return [str(one["id"]) for one in items]
