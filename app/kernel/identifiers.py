"""Identifiers: UUID version 7, made here, so that rows of one moment lie together in an index."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Return a new UUIDv7. It is an identifier, never a secret."""
    return uuid7()
