"""The audit trail: one row for each change, written in the transaction of that change."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from app.db.models import AuditEntry
from app.db.work import Work
from app.kernel.identifiers import new_id


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
        where come from the work, the time is the database's. The row is written with the session's
        next flush, at the latest at commit, so that many rows go out at once.

        Source: BIO2 8.15.01 (event, person, place, object, result, time).
        """
        actor = self._work.actor
        self._work.session.add(
            AuditEntry(
                organisation_id=self._work.organisation_id,
                id=new_id(),
                subject=actor.subject,
                person_id=actor.person_id,
                roles=sorted(actor.roles),
                action=action,
                object_type=object_type,
                object_id=object_id,
                before=None if before is None else dict(before),
                after=None if after is None else dict(after),
                reason=reason,
                rule_ids=list(rule_ids),
                policy_version_id=policy_version_id,
                request_id=self._work.request_id,
                origin=self._work.origin,
            )
        )
