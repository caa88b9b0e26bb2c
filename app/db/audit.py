"""The audit trail: one row for each change, written in the transaction of that change."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.driver import as_json, fetch_last
from app.db.work import Work
from app.kernel.identifiers import new_id

_ENTRIES = "audit_entries"
# All of a transaction's at once, and one statement however many there are.
_WRITE = text("""
    INSERT INTO audit_entries (
        organisation_id, id, subject, person_id, roles, action, object_type, object_id, before,
        after, reason, rule_ids, policy_version_id, request_id, origin
    )
    SELECT CAST(:organisation_id AS uuid), e.id, e.subject, e.person_id, e.roles, e.action,
           e.object_type, e.object_id, e.before, e.after, e.reason, e.rule_ids,
           e.policy_version_id, e.request_id, e.origin
      FROM jsonb_to_recordset(CAST(:entries AS jsonb)) AS e (
               id uuid, subject text, person_id uuid, roles text[], action text, object_type text,
               object_id uuid, before jsonb, after jsonb, reason text, rule_ids text[],
               policy_version_id uuid, request_id text, origin text
           )
""")


class AuditTrail:
    """Records what a piece of work changes, within its own transaction: no audit, no change."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def record(
        self,
        *,
        action: str,
        object_type: str,
        object_id: UUID,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        reason: str | None = None,
        rule_ids: Sequence[str] = (),
        policy_version_id: UUID | None = None,
    ) -> None:
        """Record one change (logregel): what was done to which object, from what to what, and why.

        ``before`` and ``after`` hold references and figures, never a name or an address; who and
        where come from the work, the time is the database's. The row is written just before the
        commit, with those of the whole transaction.

        Source: BIO2 8.15.01 (event, person, place, object, result, time).
        """
        actor = self._work.actor
        entries: list[dict[str, Any]] = self._work.session.info.setdefault(_ENTRIES, [])
        entries.append(
            {
                "id": new_id(),
                "subject": actor.subject,
                "person_id": actor.person_id,
                "roles": sorted(actor.roles),
                "action": action,
                "object_type": object_type,
                "object_id": object_id,
                "before": None if before is None else dict(before),
                "after": None if after is None else dict(after),
                "reason": reason,
                "rule_ids": list(rule_ids),
                "policy_version_id": policy_version_id,
                "request_id": self._work.request_id,
                "origin": self._work.origin,
            }
        )


def write_entries(session: AsyncSession, organisation_id: UUID) -> None:
    """Have what was recorded in the session's transaction written with its commit."""
    entries: list[dict[str, Any]] | None = session.info.pop(_ENTRIES, None)
    if entries:
        parameters = {"organisation_id": organisation_id, "entries": as_json(entries)}
        fetch_last(session, _WRITE, parameters)
