"""What can be asked of the reports."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are asked for; what is None does not narrow.

    ``since`` belongs to the period, ``until`` does not.
    """

    object_type: str | None = None
    object_id: UUID | None = None
    person_id: UUID | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
