"""Faults of the database as refusals: what may be tried again, and what a constraint stands for."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.db.constraints import translate
from app.http.problems import TooBusy
from app.kernel.errors import Refusal

# Classes of SQLSTATE that pass: connection lost, resources short, stopped by an operator (and by
# a timeout), the machine itself; and a lock not had in time, a server that only reads just now.
_PASSING = ("08", "53", "57", "58")
_PASSING_STATES = frozenset({"55P03", "25006"})


@contextmanager
def faults_as_refusals(constraints: Mapping[str, type[Refusal]]) -> Generator[None]:
    """Turn the database's errors in the block into refusals; what is a defect stays as it is.

    ``constraints`` says what each named constraint means to whoever violates it.

    Raises:
        TooBusy: it could not be done now. Nothing was done; or the connection was lost in the
            commit, and a repetition with the same idempotency key tells.
    """
    try:
        yield
    except SQLAlchemyError as error:
        refusal = _as_refusal(error, constraints)
        if refusal is None:
            raise
        raise refusal from error


def _as_refusal(error: SQLAlchemyError, constraints: Mapping[str, type[Refusal]]) -> Refusal | None:
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
