"""Faults of the database as refusals: what may be tried again, and what a constraint stands for."""

from collections.abc import Mapping

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.db.constraints import translate
from app.http.problems import TooBusy
from app.kernel.errors import Refusal

# Classes of SQLSTATE that pass: connection lost, resources short, stopped by an operator (and by
# a timeout), the machine itself; and a lock not had in time, a server that only reads just now.
_PASSING = ("08", "53", "57", "58")
_PASSING_STATES = frozenset({"55P03", "25006"})


def as_refusal(error: SQLAlchemyError, constraints: Mapping[str, type[Refusal]]) -> Refusal | None:
    """Return the refusal that a database error stands for, or None when it is a defect.

    ``constraints`` says what each named constraint means to whoever violates it.
    """
    if isinstance(error, PoolTimeout | InterfaceError):
        return TooBusy()
    if not isinstance(error, DBAPIError):
        return None
    if error.connection_invalidated:
        return TooBusy()
    if isinstance(error, IntegrityError):
        return translate(error, constraints)
    state = getattr(error.orig, "sqlstate", None)
    # Without a state the error is the driver's own: there was no server to give one.
    if state is None or state.startswith(_PASSING) or state in _PASSING_STATES:
        return TooBusy()
    return None
