"""One unit of work: the session inside its transaction, and who does what, when, for whom."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.actors import Actor


@dataclass(frozen=True, slots=True)
class Work:
    """What a service needs to do its work, and nothing else knows the clock or the session.

    ``now`` is an aware UTC instant, ``today`` its civil day in Europe/Amsterdam; ``origin`` is
    where the work came in from (a client's address, a command), as far as the edge knows it.
    Services and repositories never commit: whoever opened the work does (``db/session.py``).
    """

    session: AsyncSession
    actor: Actor
    now: datetime
    today: date
    request_id: str
    origin: str | None = None

    @property
    def organisation_id(self) -> UUID:
        return self.actor.organisation_id
