"""The audit's rows, seen by the work that makes them."""

from app.db.audit import write_entries
from app.db.driver import LAST, fetch
from app.db.work import Work


async def write_now(work: Work) -> None:
    """Write what is otherwise written with the commit."""
    write_entries(work.session, work.organisation_id)
    for statement, parameters in work.session.info.pop(LAST, []):
        await fetch(work.session, statement, parameters)
