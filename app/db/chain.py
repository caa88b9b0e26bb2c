"""The chain that seals the audit trail: each entry's digest, hashed onto those before it.

Sealing is apart from recording, in batches, since a chain in the write path would queue every
writer of an organisation behind the last one.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    DateTime,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.driver import AnyRow, fetch
from app.db.models import AuditEntry, AuditHead, AuditLink
from app.db.session import Database

SEALED_AT_ONCE = 5_000
# No honest transaction is open for so long: the role's timeouts end it well before.
LONGEST_TRANSACTION = timedelta(hours=1)
FINDINGS_AT_MOST = 100
# Where more entries than these are not what was sealed, one that changed places may be told as
# changed.
_EXPECTED_AT_MOST = 10_000

Progress = Callable[[int, int], None]

_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode

_ORGANISATION: BindParameter[UUID] = bindparam("tenant")
_INSTANT = 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'


def _member(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return what a column is in the document: instants in UTC to the microsecond."""
    if isinstance(column.type, DateTime):
        return func.to_char(func.timezone("UTC", column), _INSTANT)
    return column


# An entry as one JSON document: PostgreSQL writes it five times as fast as Python takes it apart
# and puts it together.
_DOCUMENT = cast(
    func.json_build_object(
        *(
            part
            for column in AuditEntry.__table__.columns
            for part in (column.name, _member(column))
        )
    ),
    Text,
).label("document")
_UNLINKED = ~(
    select(AuditLink.entry_id)
    .where(
        AuditLink.organisation_id == _ORGANISATION,
        AuditLink.entry_id == AuditEntry.id,
    )
    .exists()
)
_HEAD = select(AuditHead.position, AuditHead.chain_digest, AuditHead.sealed_below).where(
    AuditHead.organisation_id == _ORGANISATION
)
_LOCKED_HEAD = _HEAD.with_for_update(of=AuditHead)
_HEAD_AS_SEALED = select(
    AuditHead.position, AuditHead.chain_digest, AuditHead.sealed_below, AuditHead.sealed_at
).where(AuditHead.organisation_id == _ORGANISATION)
# The oldest transaction still running, and the next number to be given out.
_SNAPSHOT = text(
    "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,"
    " pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
)
_UNSEALED = (
    select(AuditEntry.id, AuditEntry.recorded_in, _DOCUMENT)
    .where(
        AuditEntry.organisation_id == _ORGANISATION,
        AuditEntry.recorded_in >= bindparam("sealed_below", type_=BigInteger),
        _UNLINKED,
    )
    .order_by(AuditEntry.recorded_in, AuditEntry.recorded_at, AuditEntry.id)
    .limit(bindparam("at_most"))
)
_MOVE_HEAD = (
    update(AuditHead)
    .where(AuditHead.organisation_id == _ORGANISATION)
    .values(
        position=bindparam("new_position"),
        chain_digest=bindparam("new_digest"),
        sealed_below=bindparam("new_below"),
        sealed_at=func.now(),
    )
)
_COUNT_UNSEALED = select(func.count()).where(AuditEntry.organisation_id == _ORGANISATION, _UNLINKED)
_STRANGERS = (
    select(AuditEntry.id)
    .where(
        AuditEntry.organisation_id == _ORGANISATION,
        or_(
            AuditEntry.recorded_in < bindparam("sealed_below", type_=BigInteger),
            AuditEntry.recorded_at < bindparam("recorded_before"),
        ),
        _UNLINKED,
    )
    .order_by(AuditEntry.recorded_at, AuditEntry.id)
    .limit(FINDINGS_AT_MOST)
)
_LINK_COLUMNS = (
    AuditLink.position,
    AuditLink.entry_id,
    AuditLink.entry_digest,
    AuditLink.chain_digest,
    AuditLink.sealed_at,
)
_LINKS = (
    select(
        *_LINK_COLUMNS,
        AuditEntry.recorded_at,
        case((AuditEntry.id.is_not(None), _DOCUMENT)).label("document"),
    )
    .outerjoin(
        AuditEntry,
        and_(
            AuditEntry.organisation_id == AuditLink.organisation_id,
            AuditEntry.id == AuditLink.entry_id,
        ),
    )
    .where(
        AuditLink.organisation_id == _ORGANISATION,
        AuditLink.position > bindparam("after", type_=BigInteger),
        AuditLink.position <= bindparam("until", type_=BigInteger),
    )
    .order_by(AuditLink.position)
    .limit(SEALED_AT_ONCE)
)
_LAST_LINK = select(
    func.coalesce(func.max(AuditLink.position), cast(0, BigInteger)),
).where(AuditLink.organisation_id == _ORGANISATION)


class Tampering(StrEnum):
    """What can be wrong with a trail."""

    CHANGED = "changed"
    DELETED = "deleted"
    INSERTED = "inserted"
    MOVED = "moved"
    CUT = "cut"
    REWRITTEN = "rewritten"


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where the trail is not what was sealed.

    ``position`` is the place in the chain; an inserted entry that was never sealed has none.
    """

    kind: Tampering
    position: int | None
    entry_id: UUID | None


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The end of a chain: how many entries it holds, and the digest that stands for all of them.

    Kept elsewhere, it proves later that nothing was cut off or rewritten before it.
    """

    position: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Verification:
    """What the verification of one organisation's trail found; no findings is as it must be.

    ``further`` is how many more there are at least than are named.
    """

    head: ChainHead
    unsealed: int
    findings: tuple[Finding, ...]
    further: int = 0


async def seal(database: Database, organisation_id: UUID) -> int:
    """Link every committed entry that has no link to the organisation's chain; return how many.

    Each batch is a transaction that holds the head's lock, so two sealers queue. Within a batch
    entries stand by transaction, then by time. What a transaction that commits late recorded comes
    in a later batch, for an entry is taken because it has no link, not because of its time;
    ``sealed_below`` only limits where to look.
    """
    total = 0
    while True:
        async with database.transaction(organisation_id) as session:
            sealed, is_last = await _seal_batch(session, organisation_id)
        total += sealed
        if is_last:
            return total


async def seal_all(database: Database) -> int:
    """Seal the trail of every organisation; return how many entries were linked."""
    return sum([await seal(database, organisation) for organisation in await database.tenants()])


async def chain_head(session: AsyncSession, organisation_id: UUID) -> ChainHead:
    """Return the end of the organisation's chain as sealed now; position 0 when it is empty."""
    row = (await session.execute(_HEAD, {"tenant": organisation_id})).one_or_none()
    if row is None:
        return ChainHead(0, _genesis(organisation_id))
    return ChainHead(row.position, row.chain_digest)


def _untold(_done: int, _of: int) -> None:
    """Tell nobody how far it is."""


async def verify(
    database: Database,
    organisation_id: UUID,
    *,
    exported: ChainHead | None = None,
    progress: Progress = _untold,
) -> Verification:
    """Recompute the organisation's whole chain and name each place where it does not hold.

    Without ``exported`` (a head that was kept elsewhere) a tail that was cut off together with the
    stored head, or a chain that was rewritten to its end, can not be told from a true one. At most
    ``FINDINGS_AT_MOST`` places are named, the others counted. ``progress`` is told how many entries
    of how many are done, every few thousand.
    """
    async with database.transaction(organisation_id) as session:
        # Nobody waits for it. Each batch is small: to start helpers for it takes longer than it.
        await session.execute(text("SET LOCAL statement_timeout = '1h'"))
        await session.execute(text("SET LOCAL max_parallel_workers_per_gather = 0"))
        parameters: dict[str, Any] = {"tenant": organisation_id}
        row = (await session.execute(_HEAD_AS_SEALED, parameters)).one_or_none()
        stored = ChainHead(row.position, row.chain_digest) if row else None
        walk = _Walk(organisation_id, exported)
        # Without a stored head there may still be links: someone took the head away.
        until = stored.position if stored else await session.scalar(_LAST_LINK, parameters) or 0
        rows = await _links(session, organisation_id, 0, until)
        while rows:
            after = rows[-1].position
            # Hashing takes as long as reading: each batch is read while the one before is hashed.
            coming, _ = await asyncio.gather(
                _links(session, organisation_id, after, until), asyncio.to_thread(walk.check, rows)
            )
            progress(after, until)
            rows = coming
        walk.finish(stored)
        if row is not None:
            limits = {
                "sealed_below": row.sealed_below,
                "recorded_before": row.sealed_at - LONGEST_TRANSACTION,
            }
            for entry_id in await session.scalars(_STRANGERS, parameters | limits):
                walk.report(Tampering.INSERTED, None, entry_id)
        unsealed = (await session.execute(_COUNT_UNSEALED, parameters)).scalar_one()
    findings = walk.findings()
    return Verification(
        head=stored or ChainHead(0, _genesis(organisation_id)),
        unsealed=unsealed,
        findings=findings,
        further=walk.count - len(findings),
    )


def entry_digest(document: str) -> bytes:
    """Return the SHA-256 of an entry in canonical JSON: its columns by name, sorted, no spaces.

    Instants are in UTC to the microsecond, identifiers as text, absent values null.
    """
    return hashlib.sha256(_canonical(json.loads(document)).encode()).digest()


def chain_digest(previous: bytes, position: int, digest: bytes) -> bytes:
    """Return the chain's digest at ``position``: of the one before, the place and the entry."""
    return hashlib.sha256(previous + position.to_bytes(8) + digest).digest()


@dataclass(frozen=True, slots=True)
class _Link:
    position: int
    entry_id: UUID
    entry_digest: bytes
    chain_digest: bytes
    sealed_at: datetime
    recorded_at: datetime | None
    actual_digest: bytes | None


class _Walk:
    """One pass along a chain: each link is checked against the one before and its own entry.

    What is found is counted, and no more of it kept than is named: of a chain that is broken from
    end to end as well. ``count`` says how much was found.
    """

    def __init__(self, organisation_id: UUID, exported: ChainHead | None) -> None:
        self._exported = exported
        self._position = 0
        self._digest = _genesis(organisation_id)
        self._trusted = True
        self._sealed_at: datetime | None = None
        self._sealed_before: datetime | None = None
        self.count = 0
        self._found: list[Finding] = []
        self._foreign: dict[bytes, Finding] = {}
        self._expected: set[bytes] = set()

    def report(self, kind: Tampering, position: int | None, entry_id: UUID | None) -> None:
        self.count += 1
        if len(self._found) < FINDINGS_AT_MOST:
            self._found.append(Finding(kind, position, entry_id))

    def check(self, rows: Sequence[AnyRow]) -> None:
        """Check the links that come next, in order of their position."""
        for row in rows:
            self._check(
                _Link(
                    position=row.position,
                    entry_id=row.entry_id,
                    entry_digest=row.entry_digest,
                    chain_digest=row.chain_digest,
                    sealed_at=row.sealed_at,
                    recorded_at=row.recorded_at,
                    actual_digest=None if row.document is None else entry_digest(row.document),
                )
            )

    def _check(self, link: _Link) -> None:
        self._check_place(link)
        self._check_entry(link)
        self._position, self._digest = link.position, link.chain_digest
        self._trusted = True
        exported = self._exported
        if exported and link.position == exported.position and link.chain_digest != exported.digest:
            self.report(Tampering.REWRITTEN, link.position, link.entry_id)

    def finish(self, stored: ChainHead | None) -> None:
        """Compare where the chain ends with where the stored and the exported head say it ends."""
        ends = [head.position for head in (stored, self._exported) if head is not None]
        if any(end > self._position for end in ends):
            self.report(Tampering.CUT, self._position + 1, None)
        elif stored is None and self._position > 0:
            self.report(Tampering.DELETED, None, None)
        elif stored is not None and stored.digest != self._digest:
            self.report(Tampering.CHANGED, stored.position, None)

    def findings(self) -> tuple[Finding, ...]:
        """Return what was found, in order of place; entries that changed places are named so."""
        foreign = [
            replace(finding, kind=Tampering.MOVED) if digest in self._expected else finding
            for digest, finding in self._foreign.items()
        ]
        ordered = sorted(
            [*self._found, *foreign],
            key=lambda finding: (finding.position is None, finding.position or 0),
        )
        return tuple(ordered[:FINDINGS_AT_MOST])

    def _check_place(self, link: _Link) -> None:
        gap = range(self._position + 1, link.position)
        for missing in gap[:FINDINGS_AT_MOST]:
            self.report(Tampering.DELETED, missing, None)
            self._trusted = False
        self.count += len(gap[FINDINGS_AT_MOST:])
        expected = chain_digest(self._digest, link.position, link.entry_digest)
        # After a gap the digest before is not known: the stored one is taken up from here.
        if self._trusted and expected != link.chain_digest:
            self.report(Tampering.CHANGED, link.position, link.entry_id)

    def _check_entry(self, link: _Link) -> None:
        if self._sealed_at != link.sealed_at:
            self._sealed_before, self._sealed_at = self._sealed_at, link.sealed_at
        if link.actual_digest is None or link.recorded_at is None:
            self.report(Tampering.DELETED, link.position, link.entry_id)
            return
        if link.actual_digest != link.entry_digest:
            self.count += 1
            if len(self._expected) < _EXPECTED_AT_MOST:
                self._expected.add(link.entry_digest)
            if len(self._foreign) < FINDINGS_AT_MOST:
                self._foreign[link.actual_digest] = Finding(
                    Tampering.CHANGED, link.position, link.entry_id
                )
        elif (
            self._sealed_before is not None
            and link.recorded_at < self._sealed_before - LONGEST_TRANSACTION
        ):
            # It claims a time that was already sealed when it came.
            self.report(Tampering.INSERTED, link.position, link.entry_id)


async def _seal_batch(session: AsyncSession, organisation_id: UUID) -> tuple[int, bool]:
    """Seal at most a batch; return how many entries it was, and whether none are left."""
    parameters: dict[str, Any] = {"tenant": organisation_id}
    head = (await session.execute(_LOCKED_HEAD, parameters)).one_or_none()
    if head is None:
        first = upsert(AuditHead).values(
            organisation_id=organisation_id,
            position=0,
            chain_digest=_genesis(organisation_id),
            sealed_below=0,
            sealed_at=func.now(),
        )
        await session.execute(first.on_conflict_do_nothing())
        head = (await session.execute(_LOCKED_HEAD, parameters)).one()
    # Before the entries are read: what finishes between the two is looked at again next time.
    running, coming = (await session.execute(_SNAPSHOT)).one()
    # A mark from another cluster (a restored dump) may lie ahead of this one: then look everywhere.
    below = head.sealed_below if head.sealed_below <= coming else 0
    rows = (
        await session.execute(
            _UNSEALED, parameters | {"sealed_below": below, "at_most": SEALED_AT_ONCE + 1}
        )
    ).all()
    if not rows:
        return 0, True
    is_last = len(rows) <= SEALED_AT_ONCE
    rows = rows[:SEALED_AT_ONCE]
    digest = head.chain_digest
    links: list[dict[str, Any]] = []
    for position, row in enumerate(rows, start=head.position + 1):
        entry = entry_digest(row.document)
        digest = chain_digest(digest, position, entry)
        links.append(
            {
                "organisation_id": organisation_id,
                "position": position,
                "entry_id": row.id,
                "entry_digest": entry,
                "chain_digest": digest,
            }
        )
    await session.execute(insert(AuditLink), links)
    moved = {
        "new_position": head.position + len(rows),
        "new_digest": digest,
        # Of transactions that are over, all before the last one of a full batch are sealed.
        "new_below": running if is_last else min(running, rows[-1].recorded_in),
    }
    connection = await session.connection()
    await connection.execute(_MOVE_HEAD, parameters | moved)
    return len(rows), is_last


async def _links(
    session: AsyncSession, organisation_id: UUID, after: int, until: int
) -> list[AnyRow]:
    return await fetch(session, _LINKS, {"tenant": organisation_id, "after": after, "until": until})


def _genesis(organisation_id: UUID) -> bytes:
    """Return the digest before the first entry: each organisation's chain starts at its own."""
    return hashlib.sha256(b"leerruimte audit chain " + organisation_id.bytes).digest()
