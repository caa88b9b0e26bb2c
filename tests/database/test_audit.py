import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import DBAPIError, ProgrammingError

from app.db import chain
from app.db.audit import AuditTrail
from app.db.chain import ChainHead, Finding, Tampering, seal, seal_all, verify
from app.db.models import AuditEntry, AuditLink, IdempotencyKey
from app.db.session import Database
from app.kernel.actors import Actor, Role
from app.kernel.identifiers import new_id
from app.people.models import Function
from app.settings import Settings
from tests.conftest import ActAs, OpenWork
from tests.support.database import migrated_database
from tests.support.organisations import Organisation, enter_in_directory
from tests.support.sql import connected, rows


@pytest.fixture
async def organisation(database: Database) -> Organisation:
    """Return an organisation of the directory alone, without a policy or anything else."""
    return await enter_in_directory(database)


@pytest.fixture
async def other_organisation(database: Database) -> Organisation:
    """Return another one."""
    return await enter_in_directory(database)


async def _record(work: OpenWork, count: int = 1) -> list[UUID]:
    """Record ``count`` changes, each in a transaction of its own; return the objects' ids."""
    objects = [new_id() for _ in range(count)]
    for number, changed in enumerate(objects):
        async with work() as unit:
            await AuditTrail(unit).record(
                action="request.submitted",
                object_type="training_request",
                object_id=changed,
                before={"status": "draft"},
                after={"status": "submitted", "number": number},
            )
    return objects


async def _entries(database: Database, organisation: Organisation) -> list[AuditEntry]:
    async with database.transaction(organisation.id) as session:
        found = await session.scalars(
            select(AuditEntry)
            .where(AuditEntry.organisation_id == organisation.id)
            .order_by(AuditEntry.recorded_at, AuditEntry.id)
        )
        return list(found)


def _digest(entry: AuditEntry) -> bytes:
    """Return the digest of an entry by what the chain's documentation says, and no code of it."""

    def told(value: object) -> object:
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        return str(value) if isinstance(value, UUID) else value

    columns = AuditEntry.__table__.columns.keys()
    document = {name: told(getattr(entry, name)) for name in columns}
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).digest()


async def _sealed(database: Database, organisation: Organisation) -> list[tuple[int, UUID]]:
    async with database.transaction(organisation.id) as session:
        found = await session.execute(
            select(AuditLink.position, AuditLink.entry_id)
            .where(AuditLink.organisation_id == organisation.id)
            .order_by(AuditLink.position)
        )
        return [(position, entry_id) for position, entry_id in found]


_OTHER_REASON = (
    "UPDATE audit_entries SET reason = 'other' WHERE organisation_id = %(own)s AND id = %(id)s"
)
_DELETE_ENTRY = "DELETE FROM audit_entries WHERE organisation_id = %(own)s AND id = %(id)s"
_DELETE_LINK = "DELETE FROM audit_links WHERE organisation_id = %(own)s AND position = %(place)s"
_MOVE_LINK = (
    "UPDATE audit_links SET position = %(to)s"
    " WHERE organisation_id = %(own)s AND position = %(place)s"
)


class Tamper:
    """The hands of one who may do everything, in the trail of one organisation."""

    def __init__(self, owner: psycopg.Connection[Any], organisation_id: UUID) -> None:
        self._owner = owner
        self._organisation_id = organisation_id

    def __call__(self, statement: LiteralString, **values: object) -> None:
        """Run a statement that hits something; ``%(own)s`` is the organisation it must name."""
        done = self._owner.execute(statement, {"own": self._organisation_id, **values})
        assert "%(own)s" in statement
        assert done.rowcount > 0


_GUARDED = ("audit_entries", "audit_links")
_TRIES = 5


def _alone(
    owner: psycopg.Connection[Any], change: Callable[[psycopg.Connection[Any]], None]
) -> None:
    """Change the trail's tables with nobody in them; the app that seals it may cross our locks."""
    for left in reversed(range(_TRIES)):
        try:
            with owner.transaction():
                owner.execute("LOCK TABLE audit_entries, audit_links IN ACCESS EXCLUSIVE MODE")
                change(owner)
        except psycopg.errors.DeadlockDetected:
            if not left:
                raise
        else:
            return


def _unguard(owner: psycopg.Connection[Any]) -> None:
    for table in _GUARDED:
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
    owner.execute("ALTER TABLE audit_links DROP CONSTRAINT fk_audit_links_organisation_id_entry_id")


def _guard(owner: psycopg.Connection[Any]) -> None:
    owner.execute(
        "ALTER TABLE audit_links ADD CONSTRAINT fk_audit_links_organisation_id_entry_id"
        " FOREIGN KEY (organisation_id, entry_id)"
        " REFERENCES audit_entries (organisation_id, id) ON DELETE RESTRICT NOT VALID"
    )
    for table in _GUARDED:
        owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER append_only")


@pytest.fixture
async def tamper(owner_url: str, organisation: Organisation) -> AsyncIterator["Tamper"]:
    """Return the hands of one who may do everything: triggers and foreign keys are off.

    In a thread: these locks wait for whoever reads the trail, and the app that seals it meanwhile
    runs in this very loop.
    """
    with connected(owner_url, organisation.id, autocommit=True) as owner:
        await asyncio.to_thread(_alone, owner, _unguard)
        yield Tamper(owner, organisation.id)
        await asyncio.to_thread(_alone, owner, _guard)


@pytest.fixture
async def sealed(database: Database, organisation: Organisation, work: OpenWork) -> ChainHead:
    """Return the head of a chain of five entries that was just found to hold."""
    await _record(work, 5)
    assert await seal(database, organisation.id) == 5
    verification = await verify(database, organisation.id)
    assert (verification.findings, verification.unsealed) == ((), 0)
    return verification.head


@pytest.mark.invariant("A1")
async def test_a_change_and_its_audit_row_are_committed_together(
    database: Database, organisation: Organisation, work: OpenWork
) -> None:
    (changed,) = await _record(work)
    (entry,) = await _entries(database, organisation)
    assert (entry.object_id, entry.action) == (changed, "request.submitted")
    assert (entry.before, entry.after) == (
        {"status": "draft"},
        {"status": "submitted", "number": 0},
    )


@pytest.mark.invariant("A1")
async def test_a_change_that_is_rolled_back_leaves_no_audit_row(
    database: Database, organisation: Organisation, work: OpenWork
) -> None:
    async def fail() -> None:
        async with work() as unit:
            await AuditTrail(unit).record(
                action="request.submitted", object_type="training_request", object_id=new_id()
            )
            await unit.session.flush()
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await _entries(database, organisation) == []


@pytest.mark.invariant("A4")
async def test_without_the_right_to_record_nothing_is_changed(server_url: str) -> None:
    with migrated_database(server_url) as owner_url:
        database = Database(Settings.model_validate({"database_url": owner_url}))
        organisation = await enter_in_directory(database)
        with connected(owner_url, autocommit=True) as owner:
            owner.execute(
                "REVOKE INSERT (organisation_id, id, subject, person_id, roles, action,"
                " object_type, object_id, before, after, reason, rule_ids, policy_version_id,"
                " request_id, origin) ON audit_entries FROM leerruimte_app"
            )
        actor = Actor(organisation.id, "hr", frozenset({Role.HR}))

        async def change() -> None:
            async with database.work(actor, datetime(2026, 6, 15, tzinfo=UTC), "r") as unit:
                await unit.session.execute(
                    insert(IdempotencyKey).values(
                        organisation_id=organisation.id, client="c", key="k", fingerprint=b""
                    )
                )
                await AuditTrail(unit).record(
                    action="a.b", object_type="thing", object_id=organisation.id
                )

        with pytest.raises(ProgrammingError) as refused:
            await change()
        assert getattr(refused.value.orig, "sqlstate", None) == "42501"
        async with database.transaction(organisation.id) as session:
            kept = await session.scalar(
                select(func.count()).where(IdempotencyKey.organisation_id == organisation.id)
            )
        assert kept == 0
        await database.close()


@pytest.mark.invariant("A5")
async def test_an_audit_row_says_who_did_what_to_what_from_where_when_and_with_what_result(
    database: Database, organisation: Organisation, act_as: ActAs
) -> None:
    actor = act_as(Role.HR, Role.EMPLOYEE, person_id=new_id())
    changed, policy = new_id(), new_id()
    started = datetime(2020, 1, 1, tzinfo=UTC)
    async with database.work(actor, started, "req-1", origin="192.0.2.7") as unit:
        await AuditTrail(unit).record(
            action="request.granted",
            object_type="training_request",
            object_id=changed,
            after={"decidedOn": date(2026, 6, 15), "by": actor.person_id, "role": Role.MT},
            reason="Necessary for the function.",
            rule_ids=["VIS-5.1"],
            policy_version_id=policy,
        )
    (entry,) = await _entries(database, organisation)
    assert (entry.subject, entry.person_id, entry.roles) == (
        actor.subject,
        actor.person_id,
        ["employee", "hr"],
    )
    assert (entry.action, entry.object_type, entry.object_id) == (
        "request.granted",
        "training_request",
        changed,
    )
    assert (entry.origin, entry.request_id) == ("192.0.2.7", "req-1")
    assert entry.after == {"decidedOn": "2026-06-15", "by": str(actor.person_id), "role": "mt"}
    assert (entry.reason, entry.rule_ids, entry.policy_version_id) == (
        "Necessary for the function.",
        ["VIS-5.1"],
        policy,
    )
    # By the database's clock, whatever the work's own clock says.
    assert datetime.now(UTC) - entry.recorded_at < timedelta(minutes=5)  # noqa: TID251


@pytest.mark.invariant("A3", "D12")
@pytest.mark.parametrize("column", ["recorded_at", "recorded_in"])
async def test_the_service_can_not_say_when_something_was_recorded(
    database: Database, organisation: Organisation, column: str
) -> None:
    values: dict[str, Any] = {
        "recorded_at": datetime(2020, 1, 1, tzinfo=UTC),
        "recorded_in": 1,
    }

    async def forge() -> None:
        async with database.transaction(organisation.id) as session:
            await session.execute(
                insert(AuditEntry).values(
                    organisation_id=organisation.id,
                    id=new_id(),
                    subject="x",
                    roles=[],
                    action="x",
                    object_type="x",
                    object_id=organisation.id,
                    rule_ids=[],
                    request_id="x",
                    **{column: values[column]},
                )
            )

    with pytest.raises(ProgrammingError, match="permission denied"):
        await forge()


@pytest.mark.invariant("A3")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET reason = 'other' WHERE organisation_id = %s",
        "DELETE FROM audit_entries WHERE organisation_id = %s",
        "UPDATE audit_links SET position = position + 1 WHERE organisation_id = %s",
        "DELETE FROM audit_links WHERE organisation_id = %s",
    ],
)
async def test_nobody_changes_or_deletes_what_was_recorded(
    settings: Settings,
    owner_url: str,
    organisation: Organisation,
    sealed: ChainHead,
    statement: LiteralString,
) -> None:
    assert sealed.position == 5
    for url in (settings.app_url, owner_url):
        with (
            connected(url, organisation.id) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement, [organisation.id])


async def test_sealing_links_every_entry_once_in_order_without_a_gap(
    database: Database, organisation: Organisation, work: OpenWork
) -> None:
    await _record(work, 3)
    assert await seal(database, organisation.id) == 3
    await _record(work, 2)
    assert await seal(database, organisation.id) == 2
    assert await seal(database, organisation.id) == 0
    entries = [entry.id for entry in await _entries(database, organisation)]
    assert await _sealed(database, organisation) == list(enumerate(entries, start=1))


async def test_what_a_transaction_records_that_commits_late_is_sealed_later_and_never_skipped(
    database: Database, organisation: Organisation, work: OpenWork
) -> None:
    async with work() as slow:
        await AuditTrail(slow).record(action="slow", object_type="thing", object_id=organisation.id)
        await slow.session.flush()
        await _record(work, 2)
        assert await seal(database, organisation.id) == 2
        await _record(work, 1)
        assert await seal(database, organisation.id) == 1
    assert await seal(database, organisation.id) == 1
    entries = {entry.id: entry.action for entry in await _entries(database, organisation)}
    actions = [entries[entry_id] for _, entry_id in await _sealed(database, organisation)]
    assert actions == ["request.submitted"] * 3 + ["slow"]
    assert (await verify(database, organisation.id)).findings == ()


async def test_sealing_works_through_more_entries_than_one_batch_takes(
    database: Database,
    organisation: Organisation,
    work: OpenWork,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chain, "SEALED_AT_ONCE", 2)
    await _record(work, 5)
    assert await seal(database, organisation.id) == 5
    assert [position for position, _ in await _sealed(database, organisation)] == [1, 2, 3, 4, 5]
    assert (await verify(database, organisation.id)).findings == ()


async def test_two_sealers_at_once_seal_every_entry_once(
    database: Database, organisation: Organisation, work: OpenWork
) -> None:
    await _record(work, 6)
    counts = await asyncio.gather(*(seal(database, organisation.id) for _ in range(4)))
    assert sum(counts) == 6
    verification = await verify(database, organisation.id)
    assert (verification.head.position, verification.findings) == (6, ())


async def test_a_mark_from_another_cluster_hides_nothing(
    database: Database,
    organisation: Organisation,
    work: OpenWork,
    owner_url: str,
    sealed: ChainHead,
) -> None:
    with connected(owner_url, organisation.id) as owner:
        owner.execute(
            "UPDATE audit_heads SET sealed_below = 9000000000000 WHERE organisation_id = %s",
            [organisation.id],
        )
    await _record(work, 1)
    assert await seal(database, organisation.id) == 1
    verification = await verify(database, organisation.id, exported=sealed)
    assert (verification.head.position, verification.findings) == (6, ())


async def test_every_organisation_has_a_chain_of_its_own(
    database: Database,
    organisation: Organisation,
    other_organisation: Organisation,
    work: OpenWork,
) -> None:
    await _record(work, 1)
    assert await seal_all(database) >= 1
    own = (await verify(database, organisation.id)).head
    other = (await verify(database, other_organisation.id)).head
    assert (own.position, other.position) == (1, 0)
    assert own.digest != other.digest


async def test_what_is_not_sealed_yet_is_counted_and_is_no_finding(
    database: Database, organisation: Organisation, work: OpenWork, sealed: ChainHead
) -> None:
    await _record(work, 2)
    verification = await verify(database, organisation.id, exported=sealed)
    assert (verification.unsealed, verification.findings) == (2, ())


@pytest.mark.invariant("A3")
async def test_an_entry_is_sealed_by_its_canonical_form_whatever_is_in_it(
    database: Database, organisation: Organisation, work: OpenWork
) -> None:
    odd = '"\\/\b\f\n\r\t\x01\x1f\x7f\u2028é<>&\U0001f600'
    async with work() as unit:
        await AuditTrail(unit).record(
            action="request.submitted",
            object_type="training_request",
            object_id=new_id(),
            before={"zz": 1, "a": [1, 2.50, {"y": None, "b": odd}], "é": True},
            after={odd: 10**18, "": 1e-7},
            reason=odd,
            rule_ids=["VIS-6.1", odd],
        )
        await AuditTrail(unit).record(
            action=odd, object_type="training_request", object_id=new_id()
        )
    await seal(database, organisation.id)
    async with database.transaction(organisation.id) as session:
        sealed = await session.execute(
            select(AuditLink.entry_id, AuditLink.entry_digest).where(
                AuditLink.organisation_id == organisation.id
            )
        )
        digests = {row.entry_id: row.entry_digest for row in sealed}
    entries = await _entries(database, organisation)
    assert digests == {entry.id: _digest(entry) for entry in entries}
    assert len(digests) == 2


@pytest.mark.invariant("A3")
@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize(
    "assignment",
    [
        "reason = 'other'",
        "subject = 'somebody else'",
        "recorded_at = recorded_at + interval '1 microsecond'",
        'after = \'{"status": "granted"}\'',
        "object_id = gen_random_uuid()",
        "before = NULL",
        "origin = '192.0.2.8'",
        "roles = '{mt}'",
    ],
)
async def test_a_changed_entry_is_found_at_its_place(
    database: Database,
    organisation: Organisation,
    tamper: Tamper,
    assignment: LiteralString,
) -> None:
    (_, target) = (await _sealed(database, organisation))[2]
    tamper(
        f"UPDATE audit_entries SET {assignment}"  # noqa: S608 - from the table above
        " WHERE organisation_id = %(own)s AND id = %(id)s",
        id=target,
    )
    found = (await verify(database, organisation.id)).findings
    assert found == (Finding(Tampering.CHANGED, 3, target),)


@pytest.mark.invariant("A3")
@pytest.mark.usefixtures("sealed")
async def test_a_changed_entry_with_its_digest_made_to_fit_is_found_by_the_chain(
    database: Database, organisation: Organisation, tamper: Tamper
) -> None:
    target = (await _entries(database, organisation))[2].id
    tamper(_OTHER_REASON, id=target)
    changed = (await _entries(database, organisation))[2]
    tamper(
        "UPDATE audit_links SET entry_digest = %(digest)s"
        " WHERE organisation_id = %(own)s AND entry_id = %(id)s",
        digest=_digest(changed),
        id=target,
    )
    found = (await verify(database, organisation.id)).findings
    assert found == (Finding(Tampering.CHANGED, 3, target),)


@pytest.mark.invariant("A3")
@pytest.mark.usefixtures("sealed")
async def test_a_deleted_entry_is_found_at_its_place(
    database: Database, organisation: Organisation, tamper: Tamper
) -> None:
    (_, target) = (await _sealed(database, organisation))[2]
    tamper(_DELETE_ENTRY, id=target)
    assert (await verify(database, organisation.id)).findings == (
        Finding(Tampering.DELETED, 3, target),
    )
    tamper(_DELETE_LINK, place=3)
    assert (await verify(database, organisation.id)).findings == (
        Finding(Tampering.DELETED, 3, None),
    )


@pytest.mark.invariant("A3")
@pytest.mark.usefixtures("sealed")
async def test_a_deleted_entry_whose_gap_was_closed_is_found_where_the_chain_breaks(
    database: Database, organisation: Organisation, tamper: Tamper
) -> None:
    links = await _sealed(database, organisation)
    tamper(_DELETE_ENTRY, id=links[2][1])
    tamper(_DELETE_LINK, place=3)
    tamper(_MOVE_LINK, place=4, to=3)
    tamper(_MOVE_LINK, place=5, to=4)
    found = (await verify(database, organisation.id)).findings
    assert found[0] == Finding(Tampering.CHANGED, 3, links[3][1])
    assert found[-1] == Finding(Tampering.CUT, 5, None)


@pytest.mark.invariant("A3")
@pytest.mark.parametrize("is_sealed_next", [False, True])
async def test_an_entry_inserted_with_an_earlier_time_is_found(
    database: Database,
    organisation: Organisation,
    work: OpenWork,
    tamper: Tamper,
    sealed: ChainHead,
    *,
    is_sealed_next: bool,
) -> None:
    forged = new_id()
    tamper(
        "INSERT INTO audit_entries (organisation_id, id, recorded_at, subject, roles, action,"
        " object_type, object_id, rule_ids, request_id)"
        " SELECT organisation_id, %(id)s, recorded_at - interval '1 day', 'mt', '{mt}', 'forged',"
        " object_type, object_id, '{}', 'x' FROM audit_entries"
        " WHERE organisation_id = %(own)s LIMIT 1",
        id=forged,
    )
    if is_sealed_next:
        await _record(work, 1)
        await seal(database, organisation.id)
    found = (await verify(database, organisation.id, exported=sealed)).findings
    place = 6 if is_sealed_next else None
    assert found == (Finding(Tampering.INSERTED, place, forged),)


@pytest.mark.invariant("A3")
@pytest.mark.usefixtures("sealed")
async def test_an_entry_inserted_into_the_chain_is_found_where_it_was_put(
    database: Database, organisation: Organisation, tamper: Tamper
) -> None:
    forged = new_id()
    tamper(
        "INSERT INTO audit_entries SELECT (jsonb_populate_record(e, jsonb_build_object('id',"
        " %(id)s::text))).* FROM audit_entries e WHERE organisation_id = %(own)s LIMIT 1",
        id=str(forged),
    )
    for place in (5, 4, 3):
        tamper(_MOVE_LINK, place=place, to=place + 1)
    tamper(
        "INSERT INTO audit_links SELECT organisation_id, 3, %(id)s, entry_digest, chain_digest,"
        " sealed_at FROM audit_links WHERE organisation_id = %(own)s AND position = 2",
        id=forged,
    )
    found = (await verify(database, organisation.id)).findings
    assert Finding(Tampering.CHANGED, 3, forged) in found
    assert min(finding.position or 0 for finding in found) == 3


@pytest.mark.invariant("A3")
async def test_of_a_chain_that_is_broken_everywhere_some_places_are_named_and_all_are_counted(
    database: Database, organisation: Organisation, work: OpenWork, tamper: Tamper
) -> None:
    await _record(work, 150)
    await seal(database, organisation.id)
    tamper(
        "UPDATE audit_links SET entry_digest = %(digest)s WHERE organisation_id = %(own)s",
        digest=b"x" * 32,
    )
    found = await verify(database, organisation.id)
    # Of each both the entry and the link are wrong.
    assert [finding.position for finding in found.findings] == [n // 2 + 1 for n in range(100)]
    assert found.further == 200
    tamper("DELETE FROM audit_links WHERE organisation_id = %(own)s AND position < 150")
    found = await verify(database, organisation.id)
    assert [finding.position for finding in found.findings] == list(range(1, 101))
    assert found.further >= 50


@pytest.mark.invariant("A3")
@pytest.mark.usefixtures("sealed")
async def test_two_entries_that_changed_places_are_found_at_both(
    database: Database, organisation: Organisation, tamper: Tamper
) -> None:
    links = await _sealed(database, organisation)
    second, fourth = links[1][1], links[3][1]
    for place, entry_id in ((2, UUID(int=0)), (4, second), (2, fourth)):
        tamper(
            "UPDATE audit_links SET entry_id = %(id)s"
            " WHERE organisation_id = %(own)s AND position = %(place)s",
            id=entry_id,
            place=place,
        )
    assert (await verify(database, organisation.id)).findings == (
        Finding(Tampering.MOVED, 2, fourth),
        Finding(Tampering.MOVED, 4, second),
    )


@pytest.mark.invariant("A3")
async def test_a_tail_that_was_cut_off_is_found_against_the_stored_head(
    database: Database,
    organisation: Organisation,
    tamper: Tamper,
    sealed: ChainHead,
) -> None:
    _cut(tamper, last=3)
    assert sealed.position == 5
    assert (await verify(database, organisation.id)).findings == (Finding(Tampering.CUT, 4, None),)


@pytest.mark.invariant("A3")
async def test_a_tail_cut_off_together_with_the_stored_head_is_found_against_an_exported_one(
    database: Database,
    organisation: Organisation,
    tamper: Tamper,
    sealed: ChainHead,
) -> None:
    _cut(tamper, last=3)
    tamper(
        "UPDATE audit_heads SET position = 3, chain_digest = (SELECT chain_digest FROM audit_links"
        " WHERE organisation_id = %(own)s AND position = 3) WHERE organisation_id = %(own)s"
    )
    assert (await verify(database, organisation.id)).findings == ()
    assert (await verify(database, organisation.id, exported=sealed)).findings == (
        Finding(Tampering.CUT, 4, None),
    )


@pytest.mark.invariant("A3")
async def test_a_chain_rewritten_to_its_end_is_found_against_an_exported_head(
    database: Database,
    organisation: Organisation,
    tamper: Tamper,
    sealed: ChainHead,
) -> None:
    first = (await _entries(database, organisation))[0].id
    tamper(_OTHER_REASON, id=first)
    tamper("DELETE FROM audit_links WHERE organisation_id = %(own)s")
    tamper("DELETE FROM audit_heads WHERE organisation_id = %(own)s")
    assert await seal(database, organisation.id) == 5
    assert (await verify(database, organisation.id)).findings == ()
    (found,) = (await verify(database, organisation.id, exported=sealed)).findings
    assert (found.kind, found.position) == (Tampering.REWRITTEN, 5)


@pytest.mark.invariant("A3")
@pytest.mark.usefixtures("sealed")
async def test_a_head_that_was_taken_away_is_found(
    database: Database, organisation: Organisation, tamper: Tamper
) -> None:
    tamper("DELETE FROM audit_heads WHERE organisation_id = %(own)s")
    assert (await verify(database, organisation.id)).findings == (
        Finding(Tampering.DELETED, None, None),
    )


@pytest.mark.invariant("A6")
async def test_the_audit_outlives_the_object_it_tells_of(
    owner_url: str, database: Database, organisation: Organisation, work: OpenWork
) -> None:
    function_id = new_id()
    async with work() as unit:
        unit.session.add(
            Function(organisation_id=organisation.id, id=function_id, name="Inspecteur")
        )
        await AuditTrail(unit).record(
            action="function.added", object_type="function", object_id=function_id
        )
    await seal(database, organisation.id)
    with connected(owner_url, organisation.id, autocommit=True) as owner:
        gone = owner.execute("DELETE FROM functions WHERE id = %s", [function_id])
        assert gone.rowcount == 1
    assert [entry.object_id for entry in await _entries(database, organisation)] == [function_id]
    assert (await verify(database, organisation.id)).findings == ()


@pytest.mark.invariant("A6")
def test_no_object_takes_its_audit_along_or_is_held_by_it(owner_url: str) -> None:
    references = rows(
        owner_url,
        "SELECT conname FROM pg_constraint"
        " WHERE conrelid = 'audit_entries'::regclass AND contype = 'f'",
    )
    assert references == []


async def test_a_document_with_what_json_has_no_word_for_is_refused(
    work: OpenWork, organisation: Organisation
) -> None:
    async def record() -> None:
        async with work() as unit:
            await AuditTrail(unit).record(
                action="a", object_type="b", object_id=organisation.id, after={"x": 1j}
            )

    with pytest.raises((TypeError, DBAPIError), match="complex has no place"):
        await record()


def _cut(tamper: Tamper, *, last: int) -> None:
    tamper(
        "DELETE FROM audit_entries WHERE organisation_id = %(own)s AND id IN (SELECT entry_id"
        " FROM audit_links WHERE organisation_id = %(own)s AND position > %(last)s)",
        last=last,
    )
    tamper(
        "DELETE FROM audit_links WHERE organisation_id = %(own)s AND position > %(last)s",
        last=last,
    )
