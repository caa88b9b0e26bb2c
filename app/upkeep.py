"""The work that goes on beside the requests: sealing the audit trail, forgetting old keys.

Rounds rather than queued jobs: each looks for what is to be done, and done twice, or by several
processes at once, it does no harm (docs/decisions/0007-rounds-and-no-queue-yet.md).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from app.db.chain import seal_all
from app.db.session import Database, TransactionAborted
from app.http.idempotency import forget_old_keys

_log = logging.getLogger(__name__)

# After a round that failed: the database is gone, and comes back.
_AGAIN_SECONDS = 2.0
# After one that failed by a defect the pause doubles each time, up to this.
_DEFECT_SECONDS = 300.0
_DOUBLED_AT_MOST = 16


@dataclass(frozen=True, slots=True)
class Round:
    """What is done again and again, with a pause after each time; returns how many things it did.

    ``what`` says for the log what such a thing is.
    """

    what: str
    carry_out: Callable[[Database], Awaitable[int]]
    pause_seconds: float

    def pause_after(self, defects: int) -> float:
        """Return the pause in seconds after so many turns in a row that failed by a defect."""
        longer = self.pause_seconds * 2 ** min(defects, _DOUBLED_AT_MOST)
        return max(self.pause_seconds, min(longer, _DEFECT_SECONDS))


ROUNDS = (
    Round("audit entries sealed", seal_all, 2.0),
    Round("idempotency keys forgotten", forget_old_keys, 3600.0),
)


def nothing_more() -> None:
    """Do nothing after a round."""


async def keep_up(
    database: Database,
    *,
    rounds: Sequence[Round] = ROUNDS,
    after_each: Callable[[], None] = nothing_more,
) -> None:
    """Go the rounds, each at its own pace, until cancelled; a database that is away is waited for.

    A defect is logged and ends nothing: that round is tried again, the others go on.
    Cancelled in the middle of a round, that transaction rolls back, and a later round does it.
    ``after_each`` is called whenever a round has succeeded.
    """
    async with asyncio.TaskGroup() as group:
        for each in rounds:
            group.create_task(_go(each, database, after_each))


async def _go(each: Round, database: Database, after_each: Callable[[], None]) -> None:
    failing, defects = False, 0
    while True:
        try:
            done = await each.carry_out(database)
            after_each()
        except (SQLAlchemyError, TransactionAborted) as error:
            # Said once, not at every attempt: what was left undone stays found.
            if not failing:
                _tell(logging.WARNING, "upkeep waits for the database", each, error=error)
            failing = True
            pause = min(each.pause_seconds, _AGAIN_SECONDS)
        except Exception as fault:  # noqa: BLE001 - the last frame of a round: it logs, and goes on
            _tell(logging.ERROR, "upkeep failed by a defect", each, defect=fault)
            failing = True
            defects += 1
            pause = each.pause_after(defects)
        else:
            if failing:
                _tell(logging.INFO, "upkeep goes on", each)
            failing, defects = False, 0
            if done:
                _tell(logging.INFO, "upkeep", each, count=done)
            pause = each.pause_seconds
        await asyncio.sleep(pause)


def _tell(
    level: int,
    message: str,
    each: Round,
    *,
    count: int | None = None,
    error: Exception | None = None,
    defect: Exception | None = None,
) -> None:
    line: dict[str, object] = {"round": each.what}
    if count is not None:
        line["count"] = count
    if error is not None:
        line["reason"] = type(error).__name__
    _log.log(level, message, exc_info=defect, extra={"line": line})
