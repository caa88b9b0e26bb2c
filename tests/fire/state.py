"""What is there after the run: what the API shows, and of what it does not show, the tables.

The tables are read by the role that owns them, one organisation at a time, for it too is held to
row-level security. ``xid`` is the transaction that wrote a row, so that it can be told what was
written together.
"""

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from app.settings import Settings
from tests.fire.history import History
from tests.fire.scene import YEAR, Scene

Row = Mapping[str, Any]
_XIDS = 2**32
_OK = 200
_CREATED = 201
_CONFLICT = 409
# As long it may take the service to write down what went wrong.
_LOG_SECONDS = 1.0
_AS_OF_AT_MOST = 60
_TENANT_TABLES = (
    "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
    " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
    " AND a.attname = 'organisation_id' AND c.relrowsecurity ORDER BY c.relname"
)


class NotReadable(Exception):
    """The service, healed, did not answer what was asked of it; says what it said instead."""


@dataclass(frozen=True, slots=True)
class Point:
    """What an account held after one transaction, by name, and the last number on it."""

    xid: int
    sequence: int
    figures: tuple[int, int, int, int]
    causes: frozenset[str]


@dataclass(frozen=True)
class State:
    """One organisation after the run. ``lists`` holds what the API lists, by its path."""

    scene: Scene
    lists: Mapping[str, Sequence[Row]]
    ledgers: Mapping[str, Row]
    entries: Mapping[tuple[str, bool], Sequence[Row]]
    means: Row
    transfers: Sequence[Row]
    accounts: Sequence[Row]
    audit: Sequence[Row]
    keys: Sequence[Row]
    corrections: Sequence[Row]

    @cached_property
    def points(self) -> Mapping[tuple[str, str], Sequence[Point]]:
        """Return the states that each counted account went through, by its kind and owner."""
        sides: dict[str, list[tuple[int, bool, Row]]] = defaultdict(list)
        for row in self.transfers:
            for side in ("debit", "credit"):
                if (number := row[f"{side}_sequence"]) is not None:
                    sides[str(row[f"{side}_account_id"])].append((number, side == "debit", row))
        kinds = {str(one["id"]): (one["kind"], str(one["owner_id"])) for one in self.accounts}
        return {
            kinds[account]: _points(sorted(lines, key=lambda line: line[0]))
            for account, lines in sides.items()
        }


@dataclass(frozen=True, slots=True)
class After:
    """The whole of it, and what was tried on the way of reading it."""

    states: Mapping[str, State]
    as_of: Mapping[tuple[str, str], str]
    refused_changes: Sequence[str]
    unscoped: Mapping[str, int]
    durability: Mapping[str, str]
    ready: int
    not_tight: Sequence[str]


def read_after(history: History, scenes: Sequence[Scene], url: str, owner_url: str) -> After:
    """Ask for everything, once all is healed.

    Raises:
        NotReadable: it is not answered.
    """
    app_url = Settings.model_validate({"database_url": owner_url}).app_url
    with httpx.Client(base_url=f"{url}/v1", timeout=60, trust_env=False) as client:
        states = {scene.slug: _state(client, scene, owner_url) for scene in scenes}
        as_of = _as_of(client, history, {scene.slug: scene for scene in scenes})
        ready = httpx.get(f"{url}/health/ready", timeout=10, trust_env=False).status_code
        refused = [*_methods(client, scenes[0]), *_statements(app_url, scenes[0])]
        # The last of all, for it takes what is left.
        not_tight = [says for scene in scenes for says in _take_the_rest(client, scene)]
    with psycopg.connect(app_url) as connection:
        names = [name for (name,) in connection.execute(_TENANT_TABLES).fetchall()]
        unscoped = {name: _count(connection, name) for name in names if name != "tenants"}
        durability = _durability(connection)
    return After(states, as_of, refused, unscoped, durability, ready, not_tight)


def _durability(connection: psycopg.Connection) -> dict[str, str]:
    rows = connection.execute(
        "SELECT name, setting FROM pg_settings"
        " WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')"
    ).fetchall()
    return {str(name): str(setting) for name, setting in rows}


def _state(client: httpx.Client, scene: Scene, owner_url: str) -> State:
    hr = _as(scene, "hr-1")
    lists: dict[str, list[Row]] = {
        path: _all(client, path, hr)
        for path in (
            "/requests",
            "/decisions",
            "/proposals",
            "/commitments",
            "/agreements",
            "/teams",
            "/employees",
            "/hour-exceptions",
            f"/budgets/{YEAR}/means",
            "/hour-reservations",
        )
    }
    lists["/actuals"] = [
        actual
        for commitment in lists["/commitments"]
        if commitment["version"] > 1
        for actual in _all(client, f"/commitments/{commitment['id']}/actuals", hr)
    ]
    people = scene.employees
    means = client.get(f"/budgets/{YEAR}", headers=hr)
    with psycopg.connect(owner_url) as connection:
        tenant = sql.SQL("SET app.organisation_id = {}").format(sql.Literal(scene.id))
        connection.execute(tenant)

        def rows(table: str, *columns: str) -> list[Row]:
            statement = sql.SQL(
                "SELECT {}, xmin::text::bigint AS xid FROM {} WHERE organisation_id = {}"
            )
            named = sql.SQL(", ").join(map(sql.Identifier, columns)) if columns else sql.SQL("*")
            found = connection.cursor(row_factory=dict_row).execute(
                statement.format(named, sql.Identifier(table), sql.Literal(scene.id))
            )
            return list(found.fetchall())

        return State(
            scene=scene,
            lists=lists,
            ledgers={
                person: client.get(f"/employees/{person}/hour-ledgers/{YEAR}", headers=hr).json()
                for person in people
            },
            entries={
                (person, own): _all(
                    client,
                    f"/employees/{person}/hour-ledgers/{YEAR}/entries",
                    hr,
                    ownTime=str(own).lower(),
                )
                for person in people
                for own in (False, True)
            },
            means=means.json() if means.is_success else {},
            transfers=rows("transfers"),
            accounts=rows("accounts"),
            audit=rows("audit_entries"),
            keys=rows("idempotency_keys", "client", "key", "status", "body"),
            corrections=rows("attendances", "id", "corrects_id", "correction_reason"),
        )


def _points(lines: Sequence[tuple[int, bool, Row]]) -> list[Point]:
    """Return an account's states: (credited, extra, held, spent) after each transaction."""
    figures = (0, 0, 0, 0)
    points: list[Point] = []
    for number, debits, row in lines:
        moved = _moved(row, debits=debits)
        figures = (
            figures[0] + moved[0],
            figures[1] + moved[1],
            figures[2] + moved[2],
            figures[3] + moved[3],
        )
        causes = frozenset({f"{row['cause_type']}:{row['cause_id']}"})
        if points and points[-1].xid == row["xid"]:
            causes |= points.pop().causes
        points.append(Point(row["xid"], number, figures, causes))
    return points


def _moved(row: Row, *, debits: bool) -> tuple[int, int, int, int]:
    """Return by how much an entry moves credited, extra, held and spent."""
    amount, released = row["amount"], row["released"]
    match row["kind"], debits:
        case "pending", _:
            return 0, 0, amount, 0
        case "post", _:
            return 0, 0, -amount - released, amount
        case "void", _:
            return 0, 0, -amount, 0
        case "posted", True:
            return 0, 0, 0, amount
        case "posted", _:
            return (0, amount, 0, 0) if row["cause_type"] == "exception" else (amount, 0, 0, 0)
        case _:
            # A reversal stands on the other side: it takes back a credit, or what was spent.
            return (-amount, 0, 0, 0) if debits else (0, 0, 0, -amount)


def _as_of(
    client: httpx.Client, history: History, scenes: Mapping[str, Scene]
) -> dict[tuple[str, str], str]:
    """Return what each statement of a moment that was read in the run says now."""
    asked = dict.fromkeys(
        (one.organisation, one.path) for one in history.named("read_entries_as_of") if one.done
    )
    return {
        (organisation, path): client.get(path, headers=_as(scenes[organisation], "hr-2")).text
        for organisation, path in list(asked)[:_AS_OF_AT_MOST]
    }


def _methods(client: httpx.Client, scene: Scene) -> list[str]:
    """Try to change entries over HTTP; return what was not refused with 405."""
    path = f"/employees/{scene.employees[0]}/hour-ledgers/{YEAR}/entries"
    return [
        f"{method} of entries was answered {answer.status_code}"
        for method in ("PUT", "PATCH", "DELETE")
        if (answer := client.request(method, path, headers=_as(scene, "hr-1"))).status_code != 405
    ]


def _take_the_rest(client: httpx.Client, scene: Scene) -> Iterator[str]:
    """Ask for one more than is left of somebody's hours and of the means, and then for the rest.

    Yields what was not refused, or not granted, as it should be.
    """
    mt, person = _as(scene, "mt-1"), scene.staff["employee-1"]
    path = f"/employees/{person.id}/hour-ledgers/{YEAR}"
    minutes = client.get(path, headers=mt).json()["roomMinutes"]
    cents = client.get(f"/budgets/{YEAR}", headers=mt).json()["roomCents"]
    for what, asked, too_much in (
        ("minutesPerParticipant", minutes, 1),
        ("minutesPerParticipant", minutes, 0),
        ("amountCents", cents, 1),
        ("amountCents", cents, 0),
    ):
        body = {**_PROMISE, "personnelNumbers": [person.number], what: asked + too_much}
        body["reference"] = f"REST-{what}-{too_much}"
        answer = client.post(
            "/existing-commitments",
            json={"items": [body]},
            headers={**mt, "Idempotency-Key": body["reference"]},
        )
        if answer.status_code != (_CONFLICT if too_much else _CREATED):
            yield f"{scene.slug}: {asked} + {too_much} of {what}: {answer.status_code}"


_PROMISE: Mapping[str, Any] = {
    "title": "De rest",
    "provider": "Opleider",
    "startsOn": f"{YEAR}-02-01",
    "endsOn": f"{YEAR}-06-30",
    "amountCents": 0,
    "minutesPerParticipant": 0,
    "basis": "necessary_for_function",
    "source": "Brief van oktober.",
}


def _statements(app_url: str, scene: Scene) -> list[str]:
    """Try to change transfers and the trail as the service's role; return what was not refused."""
    taken: list[str] = []
    with psycopg.connect(app_url) as connection:
        for table in ("transfers", "audit_entries"):
            for statement in ("UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}"):
                set_tenant = sql.SQL("SET LOCAL app.organisation_id = {}")
                connection.execute(set_tenant.format(sql.Literal(scene.id)))
                try:
                    connection.execute(sql.SQL(statement).format(sql.Identifier(table)))
                except psycopg.errors.InsufficientPrivilege:
                    pass
                else:
                    taken.append(f"the service's role may {statement.format(table)}")
                connection.rollback()
    return taken


def _count(connection: psycopg.Connection, table: str) -> int:
    statement = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
    try:
        row = connection.execute(statement).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        connection.rollback()
        return 0
    return int(row[0]) if row else 0


def _all(client: httpx.Client, path: str, headers: Mapping[str, str], **query: str) -> list[Row]:
    items: list[Row] = []
    cursor: str | None = None
    while True:
        asked = {**query, "limit": "100", **({"cursor": cursor} if cursor else {})}
        answer = client.get(path, params=asked, headers=headers)
        if answer.status_code != _OK:
            time.sleep(_LOG_SECONDS)
            message = f"{path}: {answer.status_code} {answer.text}; service.log has more"
            raise NotReadable(message)
        page = answer.json()
        items += page["items"]
        cursor = page["nextCursor"]
        if cursor is None:
            return items


def _as(scene: Scene, who: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {scene.tokens[who]}"}


def same_transaction(number: int) -> int:
    """Return a transaction's number as a row's ``xmin`` has it: its last 32 bits."""
    return number % _XIDS


def keys_in(text: str | None, seed: str) -> list[str]:
    """Return the keys of this run that stand in a text."""
    return re.findall(rf"(?<!\w){re.escape(seed)}-\d+-\d+", text or "")
