"""The ledger's statements, written by hand; each names the organisation."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg import Error as PostgresError
from sqlalchemy import TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.driver import AnyRow, fetch
from app.kernel.errors import Refusal
from app.kernel.identifiers import new_id
from app.ledger.errors import (
    AccountNotFound,
    AlreadyReversed,
    LedgerKeyReused,
    PendingAlreadyResolved,
    PostingBeyondPending,
    TransferNotFound,
    TransferUnfit,
    UnitsDiffer,
)
from app.ledger.rules import (
    Account,
    Balance,
    Difference,
    Entry,
    Line,
    Opening,
    Pending,
    Post,
    Posted,
    Reverse,
    Transfer,
    TransferKind,
    Unit,
    Void,
    limit_exceeded,
)

_APPLY = text("SELECT * FROM ledger_apply(:organisation_id, CAST(:entries AS jsonb))")

# In the order of the natural key, so that two who open the same accounts wait and do not deadlock.
_OPEN = text("""
    INSERT INTO accounts (organisation_id, id, kind, unit, owner_type, owner_id, period_from,
                          period_until, counted, limited)
    SELECT :organisation_id, o.id, o.kind, o.unit, o.owner_type, o.owner_id, o.period_from,
           o.period_until, o.counted, o.limited
      FROM jsonb_to_recordset(CAST(:openings AS jsonb)) AS o (
               id uuid, kind text, unit text, owner_type text, owner_id uuid, period_from date,
               period_until date, counted boolean, limited boolean
           )
     ORDER BY o.kind, o.owner_id, o.period_from
    ON CONFLICT (organisation_id, kind, owner_id, period_from) DO NOTHING
""")
# From here on, from what is asked by LATERAL to rows found one by one: a plan made while the tables
# were small would otherwise come to read all of the organisation's rows once they have grown.
# By owner: a range of one, in order, which no other index than that of the owners can give.
_OPENED = text("""
    SELECT a.*
      FROM jsonb_to_recordset(CAST(:openings AS jsonb)) AS o (
               kind text, owner_id uuid, period_from date
           )
     CROSS JOIN LATERAL (
         SELECT * FROM accounts a
          WHERE a.organisation_id = :organisation_id
            AND a.kind = o.kind AND a.owner_id BETWEEN o.owner_id AND o.owner_id
            AND a.period_from = o.period_from
          ORDER BY a.owner_id
          LIMIT 1
     ) AS a
""")
_FIND = text("""
    SELECT a.*
      FROM unnest(CAST(:owner_ids AS uuid[])) AS o (id)
     CROSS JOIN LATERAL (
         SELECT * FROM accounts a
          WHERE a.organisation_id = :organisation_id
            AND a.kind = :kind AND a.owner_id BETWEEN o.id AND o.id
            AND a.period_from = :period_from
          ORDER BY a.owner_id
          LIMIT 1
     ) AS a
""")

_BALANCES = text("""
    SELECT a.*
      FROM unnest(CAST(:account_ids AS uuid[])) AS o (id)
     CROSS JOIN LATERAL (
         SELECT * FROM accounts a
          WHERE a.organisation_id = :organisation_id AND a.id = o.id AND a.counted
          LIMIT 1
     ) AS a
""")
_BALANCES_LOCKED = text("""
    SELECT a.*
      FROM (SELECT id FROM unnest(CAST(:account_ids AS uuid[])) AS o (id) ORDER BY id) AS o
     CROSS JOIN LATERAL (
         SELECT * FROM accounts a
          WHERE a.organisation_id = :organisation_id AND a.id = o.id AND a.counted
            FOR NO KEY UPDATE
     ) AS a
""")
_SET_LIMITED = text("""
    UPDATE accounts a
       SET limited = :limited
     WHERE a.organisation_id = :organisation_id AND a.id = :account_id
    RETURNING a.*
""")

# Whoever records on a counted account holds its row, and takes the time after that: once the
# share lock is had, nothing up to this instant is still to come.
_AWAIT_WRITERS = text("""
    SELECT a.id
      FROM accounts a
     WHERE a.organisation_id = :organisation_id AND a.id = :account_id AND a.counted
       FOR SHARE OF a
""")
_LINES = text("""
    SELECT * FROM (
        (SELECT t.*, t.debit_sequence AS sequence, true AS debits
           FROM transfers t
          WHERE t.organisation_id = :organisation_id AND t.debit_account_id = :account_id
            AND t.debit_sequence > :after
            AND t.recorded_at <= coalesce(CAST(:as_of AS timestamptz), 'infinity')
          ORDER BY t.debit_sequence
          LIMIT :count)
        UNION ALL
        (SELECT t.*, t.credit_sequence AS sequence, false AS debits
           FROM transfers t
          WHERE t.organisation_id = :organisation_id AND t.credit_account_id = :account_id
            AND t.credit_sequence > :after
            AND t.recorded_at <= coalesce(CAST(:as_of AS timestamptz), 'infinity')
          ORDER BY t.credit_sequence
          LIMIT :count)
    ) AS line
     ORDER BY sequence
     LIMIT :count
""")

_TRANSFERS_OF = text("""
    SELECT t.*
      FROM unnest(CAST(:cause_ids AS uuid[])) AS o (id)
     CROSS JOIN LATERAL (
         SELECT * FROM transfers t
          WHERE t.organisation_id = :organisation_id
            AND t.cause_type = :cause_type AND t.cause_id = o.id
         OFFSET 0
     ) AS t
     ORDER BY t.recorded_at, t.id
""")
_PENDING_OF = text("""
    SELECT t.*
      FROM unnest(CAST(:cause_ids AS uuid[])) AS o (id)
     CROSS JOIN LATERAL (
         SELECT * FROM transfers t
          WHERE t.organisation_id = :organisation_id
            AND t.cause_type = :cause_type AND t.cause_id = o.id AND t.kind = 'pending'
         OFFSET 0
     ) AS t
      LEFT JOIN transfers r ON r.organisation_id = :organisation_id AND r.pending_id = t.id
     WHERE r.id IS NULL
     ORDER BY t.recorded_at, t.id
""")

# Another way than the function's: it adds up what stands now (not resolved, not reversed) instead
# of moving counters, so that a fault in the one is not repeated in the other.
# All of the ledger is read, and nobody waits for it.
_TAKE_TIME = text("SET LOCAL statement_timeout = '1h'")
_VERIFY_COUNTERS = text("""
    WITH standing AS (
        SELECT t.debit_account_id, t.credit_account_id,
               CASE WHEN t.kind = 'pending' THEN t.amount ELSE 0 END AS held,
               CASE WHEN t.kind = 'pending' THEN 0 ELSE t.amount END AS posted
          FROM transfers t
         WHERE t.organisation_id = :organisation_id
           AND t.kind IN ('pending', 'posted', 'post')
           AND NOT EXISTS (
               SELECT FROM transfers r
                WHERE r.organisation_id = :organisation_id AND r.pending_id = t.id
           )
           AND NOT EXISTS (
               SELECT FROM transfers r
                WHERE r.organisation_id = :organisation_id AND r.reverses_id = t.id
           )
    ), summed AS (
        SELECT s.account_id,
               sum(s.debits_pending)::bigint AS debits_pending,
               sum(s.debits_posted)::bigint AS debits_posted,
               sum(s.credits_pending)::bigint AS credits_pending,
               sum(s.credits_posted)::bigint AS credits_posted
          FROM (
              SELECT debit_account_id, held, posted, 0, 0 FROM standing
              UNION ALL
              SELECT credit_account_id, 0, 0, held, posted FROM standing
          ) AS s (account_id, debits_pending, debits_posted, credits_pending, credits_posted)
         GROUP BY s.account_id
    ), numbered AS (
        SELECT l.account_id, count(*) AS lines, count(DISTINCT l.sequence) AS numbers,
               max(l.sequence) AS last
          FROM (
              SELECT t.debit_account_id, t.debit_sequence
                FROM transfers t WHERE t.organisation_id = :organisation_id
              UNION ALL
              SELECT t.credit_account_id, t.credit_sequence
                FROM transfers t WHERE t.organisation_id = :organisation_id
          ) AS l (account_id, sequence)
         GROUP BY l.account_id
    )
    SELECT a.id AS account_id, v.counter, v.stored, v.computed
      FROM accounts a
      LEFT JOIN summed s ON s.account_id = a.id
      LEFT JOIN numbered n ON n.account_id = a.id
     CROSS JOIN LATERAL (
         VALUES (1, 'debits_pending', a.debits_pending, coalesce(s.debits_pending, 0), true),
                (2, 'debits_posted', a.debits_posted, coalesce(s.debits_posted, 0), true),
                (3, 'credits_pending', a.credits_pending, coalesce(s.credits_pending, 0), true),
                (4, 'credits_posted', a.credits_posted, coalesce(s.credits_posted, 0), true),
                (5, 'sequence: lines', a.sequence, coalesce(n.lines, 0), true),
                (6, 'sequence: numbers', a.sequence, coalesce(n.numbers, 0), false),
                (7, 'sequence: last', a.sequence, coalesce(n.last, 0), false)
     ) AS v (n, counter, stored, computed, counted_only)
     WHERE a.organisation_id = :organisation_id
       AND (a.counted OR NOT v.counted_only)
       AND v.stored <> v.computed
     ORDER BY a.id, v.n
""")
_VERIFY_TARGETS = text("""
    SELECT t.debit_account_id AS account_id, t.kind || ' ' || t.id AS counter,
           t.amount + t.released AS stored,
           CASE WHEN fits.sides THEN o.amount ELSE 0 END AS computed
      FROM transfers t
      JOIN transfers o
        ON o.organisation_id = :organisation_id
       AND o.id = coalesce(t.pending_id, t.reverses_id)
     CROSS JOIN LATERAL (
         SELECT CASE WHEN t.kind = 'reversal'
                     THEN o.kind IN ('posted', 'post')
                          AND (t.debit_account_id, t.credit_account_id)
                              = (o.credit_account_id, o.debit_account_id)
                     ELSE o.kind = 'pending'
                          AND (t.debit_account_id, t.credit_account_id)
                              = (o.debit_account_id, o.credit_account_id) END AS sides
     ) AS fits
     WHERE t.organisation_id = :organisation_id
       AND t.kind IN ('post', 'void', 'reversal')
       AND (NOT fits.sides OR t.amount + t.released <> o.amount)
     ORDER BY t.recorded_at, t.id
""")


class LedgerRepository:
    """Accounts and transfers of one organisation."""

    def __init__(self, session: AsyncSession, organisation_id: UUID) -> None:
        self._session = session
        self._organisation_id = organisation_id

    async def apply(self, entries: Sequence[Entry]) -> dict[str, Transfer]:
        """Record ``entries`` in one round trip and return what stands recorded, by key.

        Raises:
            Refusal: the function refused, with its figures (see ``_REFUSALS``).
        """
        asked = [_entry(entry) for entry in entries]
        try:
            rows = await self._rows(_APPLY, entries=json.dumps(asked))
        except DBAPIError as error:
            refusal = _refusal(error)
            if refusal is None:
                raise
            raise refusal from error
        made = {entry["id"] for entry in asked}
        return {row.key: _transfer(row, replayed=str(row.id) not in made) for row in rows}

    async def open(self, openings: Sequence[Opening]) -> list[Account]:
        """Open what is not yet open, and return the accounts of ``openings``, in no order."""
        asked = json.dumps(
            [
                {
                    "id": str(new_id()),
                    "kind": opening.kind,
                    "unit": opening.unit,
                    "owner_type": opening.owner_type,
                    "owner_id": str(opening.owner_id),
                    "period_from": opening.period_from.isoformat(),
                    "period_until": opening.period_until and opening.period_until.isoformat(),
                    "counted": opening.counted,
                    "limited": opening.limited,
                }
                for opening in openings
            ]
        )
        await self._rows(_OPEN, openings=asked)
        return [_account(row) for row in await self._rows(_OPENED, openings=asked)]

    async def find(
        self, *, kind: str, owner_ids: Collection[UUID], period_from: date
    ) -> list[Account]:
        """Return the accounts of a kind that these owners have from that day."""
        rows = await self._rows(
            _FIND, kind=kind, owner_ids=list(set(owner_ids)), period_from=period_from
        )
        return [_account(row) for row in rows]

    async def balances(self, account_ids: Collection[UUID], *, lock: bool) -> list[Balance]:
        """Return the balances of the counted accounts among these, locked by id when asked."""
        statement = _BALANCES_LOCKED if lock else _BALANCES
        rows = await self._rows(statement, account_ids=list(set(account_ids)))
        return [_balance(row) for row in rows]

    async def set_limited(self, account_id: UUID, *, limited: bool) -> Account:
        """Set or lift the limit of an account whose balance the caller has locked and judged."""
        [row] = await self._rows(_SET_LIMITED, account_id=account_id, limited=limited)
        return _account(row)

    async def await_writers(self, account_id: UUID) -> None:
        """Wait until no transfer on a counted account is on its way; keep new ones waiting.

        Raises:
            AccountNotFound: no such account, or not a counted one.
        """
        if not await self._rows(_AWAIT_WRITERS, account_id=account_id):
            raise AccountNotFound(account_id=account_id)

    async def lines(
        self, account_id: UUID, *, after: int, count: int, as_of: datetime | None
    ) -> list[Line]:
        """Return at most ``count`` lines of a counted account, numbered above ``after``."""
        rows = await self._rows(
            _LINES, account_id=account_id, after=after, count=count, as_of=as_of
        )
        return [
            Line(sequence=row.sequence, debits=row.debits, transfer=_transfer(row)) for row in rows
        ]

    async def pending_of(self, cause_type: str, cause_ids: Collection[UUID]) -> list[Transfer]:
        """Return what these causes hold still, oldest first."""
        rows = await self._rows(_PENDING_OF, cause_type=cause_type, cause_ids=list(set(cause_ids)))
        return [_transfer(row) for row in rows]

    async def transfers_of(self, cause_type: str, cause_ids: Collection[UUID]) -> list[Transfer]:
        """Return all that these causes brought about, oldest first."""
        rows = await self._rows(
            _TRANSFERS_OF, cause_type=cause_type, cause_ids=list(set(cause_ids))
        )
        return [_transfer(row) for row in rows]

    async def differences(self) -> list[Difference]:
        """Return every counter, number and target that the transfers do not bear out."""
        await self._session.execute(_TAKE_TIME)
        counters = await self._rows(_VERIFY_COUNTERS)
        targets = await self._rows(_VERIFY_TARGETS)
        return [Difference(**row._asdict()) for row in (*counters, *targets)]

    async def _rows(self, statement: TextClause, **parameters: object) -> list[AnyRow]:
        return await fetch(
            self._session, statement, {"organisation_id": self._organisation_id, **parameters}
        )


def _entry(entry: Entry) -> dict[str, object]:
    """Return an entry as the function reads it, with an id of its own."""
    fields: dict[str, object] = {
        "id": str(new_id()),
        "key": entry.key,
        "cause_type": entry.cause_type,
        "cause_id": str(entry.cause_id),
        "activity_on": entry.activity_on.isoformat(),
    }
    match entry:
        case Pending() | Posted():
            fields["kind"] = (
                TransferKind.PENDING if isinstance(entry, Pending) else TransferKind.POSTED
            )
            fields["debit_account_id"] = str(entry.debit_account_id)
            fields["credit_account_id"] = str(entry.credit_account_id)
            fields["amount"] = entry.amount
        case Post():
            fields["kind"] = TransferKind.POST
            fields["target_id"] = str(entry.pending_id)
            fields["amount"] = entry.amount
        case Void():
            fields["kind"] = TransferKind.VOID
            fields["target_id"] = str(entry.pending_id)
        case Reverse():
            fields["kind"] = TransferKind.REVERSAL
            fields["target_id"] = str(entry.transfer_id)
    return fields


def _account(row: AnyRow) -> Account:
    return Account(
        id=row.id,
        kind=row.kind,
        unit=Unit(row.unit),
        owner_type=row.owner_type,
        owner_id=row.owner_id,
        period_from=row.period_from,
        period_until=row.period_until,
        counted=row.counted,
        limited=row.limited,
    )


def _balance(row: AnyRow) -> Balance:
    return Balance(
        account_id=row.id,
        unit=Unit(row.unit),
        limited=row.limited,
        debits_pending=row.debits_pending,
        debits_posted=row.debits_posted,
        credits_pending=row.credits_pending,
        credits_posted=row.credits_posted,
        sequence=row.sequence,
    )


def _transfer(row: AnyRow, *, replayed: bool = False) -> Transfer:
    return Transfer(
        id=row.id,
        kind=TransferKind(row.kind),
        debit_account_id=row.debit_account_id,
        credit_account_id=row.credit_account_id,
        unit=Unit(row.unit),
        amount=row.amount,
        released=row.released,
        pending_id=row.pending_id,
        reverses_id=row.reverses_id,
        cause_type=row.cause_type,
        cause_id=row.cause_id,
        key=row.key,
        activity_on=row.activity_on,
        recorded_at=row.recorded_at,
        debit_sequence=row.debit_sequence,
        credit_sequence=row.credit_sequence,
        replayed=replayed,
    )


Figures = Mapping[str, Any]

# What the function raises, by the SQLSTATE it gives; its DETAIL holds the figures.
_REFUSALS: Mapping[str, Callable[[Figures], Refusal]] = {
    "LR001": lambda figures: limit_exceeded(
        account_id=UUID(figures["account_id"]),
        unit=Unit(figures["unit"]),
        room=figures["room"],
        asked=figures["asked"],
    ),
    "LR002": lambda figures: LedgerKeyReused(**figures),
    "LR003": lambda figures: PendingAlreadyResolved(**figures),
    "LR004": lambda figures: AlreadyReversed(**figures),
    "LR005": lambda figures: PostingBeyondPending(**figures),
    "LR006": lambda figures: TransferNotFound(**figures),
    "LR007": lambda figures: TransferUnfit(**figures),
    "LR008": lambda figures: AccountNotFound(**figures),
    "LR009": lambda figures: UnitsDiffer(**figures),
}


def _refusal(error: DBAPIError) -> Refusal | None:
    """Return what the function refused, or None when the error is not one it raised."""
    if not isinstance(error.orig, PostgresError):
        return None
    make = _REFUSALS.get(error.orig.sqlstate or "")
    return make and make(json.loads(error.orig.diag.message_detail or "{}"))
