"""Means for tests: set by the MT, and committed by a grant."""

from uuid import UUID

from app.budgets.rules import MeansRoom
from app.budgets.service import BudgetService, Grant
from app.db.work import Work
from app.kernel.identifiers import new_id
from app.kernel.quantities import Cents

YEAR = 2026


async def set_means(work: Work, amount_cents: int, *, year: int = YEAR) -> MeansRoom:
    """Set the total of a year; ``work`` is the MT's."""
    return await BudgetService(work).set_means(
        year, amount_cents=Cents(amount_cents), motivation="Begroting leren en ontwikkelen."
    )


async def committed(work: Work, request_id: UUID, amount_cents: int, *, year: int = YEAR) -> UUID:
    """Commit what a grant of the request takes; return the commitment's id."""
    grant = Grant(request_id, new_id(), Cents(amount_cents))
    [commitment] = await BudgetService(work).commit(year, [grant])
    return commitment.id


async def means_of(work: Work, year: int = YEAR) -> tuple[int, int, int, int]:
    """Return what is set, committed, spent and left of a year, in cents."""
    room = await BudgetService(work).room(year)
    return room.means_cents, room.committed_cents, room.spent_cents, room.room_cents
