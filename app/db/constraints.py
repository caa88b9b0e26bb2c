"""Named constraints as refusals: a race that the database decides is told in the area's words."""

from collections.abc import Mapping

from sqlalchemy.exc import IntegrityError

from app.kernel.errors import Refusal


def translate(error: IntegrityError, known: Mapping[str, type[Refusal]]) -> Refusal | None:
    """Return the refusal that stands for the violated constraint, or None when it has none.

    ``known`` maps constraint names to refusals (each area's ``CONSTRAINTS``, merged). The name
    comes from the error's own field, never from its text, which differs by language and version.
    """
    diagnosis = getattr(error.orig, "diag", None)
    name: str | None = getattr(diagnosis, "constraint_name", None)
    refusal = known.get(name) if name is not None else None
    return None if refusal is None else refusal()
