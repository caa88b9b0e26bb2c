"""A ledger with a long history: as many transfers as are asked for, and ``verify`` finds nothing.

``DATABASE_URL=... python -m benchmarks.history 1000000`` fills an empty database of one's own with
a small organisation and so many transfers.
"""

# Composed of constants and of placeholders.
# ruff: noqa: S608

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from uuid import UUID

import psycopg
from psycopg import sql as composed

from app.db.migration import migrate
from app.db.session import Database
from app.settings import Settings
from benchmarks.fill import NOW, SLUG, Sizes, fill
from benchmarks.ids import Of, sql

SMALL = Sizes(requests=3000, drafts=500, granted=1000, proposals=6, items=50, employees=100)

# A step of a round on one account: what it does, to which step before it, how much, and how much
# comes free. A round leaves all counters as they were.
_STEPS = """
    (VALUES (1, 'pending', NULL, 60, 0), (2, 'void', 1, 60, 0),
            (3, 'pending', NULL, 60, 0), (4, 'post', 3, 45, 15), (5, 'reversal', 4, 45, 0))
    AS s (step, kind, of_step, amount, released)
"""
_STEPS_A_ROUND = 5
# Of ten rounds one is on the means, the one account that all decisions meet at.
_MEANS_EVERY = 10
_NUMBER = f"(%(before)s::bigint + (r.n - 1) * {_STEPS_A_ROUND} + s.step)"
_TARGET = f"(%(before)s::bigint + (r.n - 1) * {_STEPS_A_ROUND} + s.of_step)"
_LINE = f"p.sequence + r.earlier * {_STEPS_A_ROUND} + s.step"
_PAIRS = """
    SELECT a.id, c.id AS other_id, a.unit, a.sequence,
           CASE WHEN a.kind = 'norm' THEN row_number() OVER (ORDER BY a.kind = 'norm', a.id) - 1
                ELSE 0 END AS position
      FROM accounts a
      JOIN accounts c
        ON c.organisation_id = a.organisation_id AND c.period_from = a.period_from
       AND c.kind = CASE a.kind WHEN 'norm' THEN 'hours-spent' ELSE 'means-spent' END
     WHERE a.organisation_id = %(organisation)s AND a.kind IN ('norm', 'means')
"""
# Round after round goes to another account, so that the lines of one lie scattered, as they would.
_ROUNDS = f"""
    SELECT n, CASE WHEN n %% {_MEANS_EVERY} = 0 THEN 0
                   ELSE 1 + (n - 1) %% %(accounts)s END AS position
      FROM generate_series(%(first)s::int, %(last)s::int) AS n
"""
_INSERT = f"""
    WITH pairs AS MATERIALIZED ({_PAIRS}),
         rounds AS MATERIALIZED (
             SELECT n, position, row_number() OVER (PARTITION BY position ORDER BY n) - 1 AS earlier
               FROM ({_ROUNDS}) AS r
         )
    INSERT INTO transfers (organisation_id, id, kind, debit_account_id, credit_account_id, unit,
                           amount, released, pending_id, reverses_id, cause_type, cause_id, key,
                           activity_on, recorded_at, debit_sequence, credit_sequence)
    SELECT %(organisation)s, {sql(Of.HISTORY, _NUMBER)}, s.kind,
           CASE WHEN s.kind = 'reversal' THEN p.other_id ELSE p.id END,
           CASE WHEN s.kind = 'reversal' THEN p.id ELSE p.other_id END,
           p.unit, s.amount, s.released,
           CASE WHEN s.kind IN ('post', 'void') THEN {sql(Of.HISTORY, _TARGET)} END,
           CASE WHEN s.kind = 'reversal' THEN {sql(Of.HISTORY, _TARGET)} END,
           'decision', {sql(Of.HISTORY_CAUSE, "(%(before)s::bigint + r.n)")},
           'history:' || {_NUMBER}, '2027-03-01',
           %(now)s - interval '90 days' + {_NUMBER} * interval '1 millisecond',
           CASE WHEN s.kind <> 'reversal' THEN {_LINE} END,
           CASE WHEN s.kind = 'reversal' THEN {_LINE} END
      FROM rounds r
      JOIN pairs p USING (position)
     CROSS JOIN {_STEPS}
     ORDER BY r.n, s.step
"""
_COUNT_ON = f"""
    UPDATE accounts a
       SET sequence = a.sequence + {_STEPS_A_ROUND} * r.rounds
      FROM ({_PAIRS}) AS p
      JOIN (SELECT position, count(*) AS rounds FROM ({_ROUNDS}) AS r GROUP BY position) AS r
     USING (position)
     WHERE a.organisation_id = %(organisation)s AND a.id = p.id
"""
_AT_ONCE = 50_000


async def add_history(
    owner_url: str, organisation_id: UUID, *, transfers: int, progress: Callable[[str], None]
) -> int:
    """Add rounds of transfers until there are ``transfers`` or a few less; return how many.

    What the organisation's accounts hold stays as it is; only their lines grow. A superuser is
    quicker, for it may leave out the checks of foreign keys.
    """
    async with await psycopg.AsyncConnection.connect(owner_url) as connection:
        await _hasten(connection)
        # The owner is held to row-level security too.
        tenant = composed.SQL("SET LOCAL app.organisation_id = {}")
        await connection.execute(tenant.format(composed.Literal(str(organisation_id))))
        known: dict[str, object] = {"organisation": organisation_id, "now": NOW}
        there = await _count(connection, "transfers", known)
        known |= {
            "before": there,
            "accounts": await _count(connection, "accounts", known, "AND kind = 'norm'"),
        }
        rounds = max(0, (transfers - there) // _STEPS_A_ROUND)
        for first in range(1, rounds + 1, _AT_ONCE):
            last = min(first + _AT_ONCE - 1, rounds)
            known |= {"first": first, "last": last}
            await connection.execute(_INSERT.encode(), known)
            await connection.execute(_COUNT_ON.encode(), known)
            progress(f"{there + last * _STEPS_A_ROUND:,} transfers ...")
    async with await psycopg.AsyncConnection.connect(owner_url, autocommit=True) as connection:
        await connection.execute("VACUUM ANALYZE")
    return there + rounds * _STEPS_A_ROUND


async def _hasten(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
    superuser = await (await connection.execute("SHOW is_superuser")).fetchone()
    if superuser is not None and superuser[0] == "on":
        await connection.execute("SET LOCAL session_replication_role = replica")


async def _count(
    connection: psycopg.AsyncConnection[tuple[object, ...]],
    table: str,
    known: dict[str, object],
    condition: str = "",
) -> int:
    statement = f"SELECT count(*) FROM {table} WHERE organisation_id = %(organisation)s {condition}"
    counted = await connection.execute(statement.encode(), known)
    row = await counted.fetchone()
    return int(str(row[0])) if row else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill the database of ``DATABASE_URL``; 0 when all went as it should."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("transfers", type=int, help="how many there are in the end")
    asked = parser.parse_args(arguments)
    settings = Settings(demo=True)
    migrate(settings.owner_url, settings.app_url)
    made = asyncio.run(_fill(settings, asked.transfers))
    _say(f"There are {made:,} transfers now, of the organisation {SLUG}.")
    return 0


async def _fill(settings: Settings, transfers: int) -> int:
    database = Database(settings)
    try:
        filled = await fill(database, settings.owner_url, SMALL, _say)
    finally:
        await database.close()
    return await add_history(
        settings.owner_url, filled.organisation_id, transfers=transfers, progress=_say
    )


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
