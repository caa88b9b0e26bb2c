"""The audit trail as stored, for reading."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, and_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.models import AuditEntry, AuditLink
from app.kernel.pages import PageOf
from app.reports.rules import AuditFilter

_COLUMNS = (
    AuditEntry.id,
    AuditEntry.recorded_at,
    AuditLink.position,
    AuditEntry.subject,
    AuditEntry.person_id,
    AuditEntry.roles,
    AuditEntry.origin,
    AuditEntry.action,
    AuditEntry.object_type,
    AuditEntry.object_id,
    AuditEntry.before,
    AuditEntry.after,
    AuditEntry.reason,
    AuditEntry.rule_ids,
    AuditEntry.policy_version_id,
    AuditEntry.request_id,
)
_ENTRIES = (
    select(*_COLUMNS)
    .outerjoin(
        AuditLink,
        and_(
            AuditLink.organisation_id == AuditEntry.organisation_id,
            AuditLink.entry_id == AuditEntry.id,
        ),
    )
    .order_by(AuditEntry.recorded_at.desc(), AuditEntry.id.desc())
)


class ReportRepository:
    def __init__(self, session: AsyncSession, organisation_id: UUID) -> None:
        self._session = session
        self._organisation_id = organisation_id

    async def audit_entries(self, asked: AuditFilter, page: PageOf) -> Sequence[RowMapping]:
        """Return the entries asked for, the newest first, with one to spare."""
        query = _ENTRIES.where(AuditEntry.organisation_id == self._organisation_id)
        narrowed = {
            AuditEntry.object_type: asked.object_type,
            AuditEntry.object_id: asked.object_id,
            AuditEntry.person_id: asked.person_id,
            AuditEntry.action: asked.action,
        }
        for column, value in narrowed.items():
            if value is not None:
                query = query.where(column == value)
        if asked.since is not None:
            query = query.where(AuditEntry.recorded_at >= asked.since)
        if asked.until is not None:
            query = query.where(AuditEntry.recorded_at < asked.until)
        if page.after is not None:
            recorded_at, entry_id = page.after
            key = (datetime.fromisoformat(recorded_at), UUID(entry_id))
            query = query.where(tuple_(AuditEntry.recorded_at, AuditEntry.id) < key)
        return (await self._session.execute(query.limit(page.limit + 1))).mappings().all()
