"""The organisation and its policy versions as stored."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import bindparam, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.base import Json
from app.db.driver import AnyRow, fetch
from app.kernel.pages import PageOf
from app.policy.models import Organisation, PolicyVersion
from app.policy.rules import PolicyStatus

_IN_FORCE = (
    select(PolicyVersion.id, PolicyVersion.version, PolicyVersion.valid_from)
    .where(
        PolicyVersion.organisation_id == bindparam("organisation_id"),
        PolicyVersion.status == PolicyStatus.LIVE.value,
        PolicyVersion.valid_from <= bindparam("day"),
    )
    .order_by(PolicyVersion.valid_from.desc())
    .limit(1)
)
_SETTINGS = select(PolicyVersion.settings).where(
    PolicyVersion.organisation_id == bindparam("organisation_id"),
    PolicyVersion.id == bindparam("version_id"),
)
_LIVE_FROM = (
    select(PolicyVersion.valid_from)
    .where(
        PolicyVersion.organisation_id == bindparam("organisation_id"),
        PolicyVersion.status == PolicyStatus.LIVE.value,
    )
    .order_by(PolicyVersion.valid_from)
)


class PolicyRepository:
    def __init__(self, session: AsyncSession, organisation_id: UUID) -> None:
        self._session = session
        self._organisation_id = organisation_id

    async def organisation(self) -> Organisation | None:
        """Return the organisation this work is for."""
        return await self._session.get(Organisation, (self._organisation_id,))

    async def lock_organisation(self) -> None:
        """Lock the organisation's row, so that changes of its structure queue."""
        locked = (
            select(Organisation.organisation_id)
            .where(Organisation.organisation_id == self._organisation_id)
            .with_for_update(of=Organisation, key_share=True)
        )
        await self._session.execute(locked)

    async def add_organisation(self, organisation: Organisation) -> Organisation:
        self._session.add(organisation)
        await self._session.flush()
        return organisation

    async def add(self, version: PolicyVersion) -> PolicyVersion:
        self._session.add(version)
        await self._session.flush()
        return version

    async def flush(self) -> None:
        """Write what changed now, so that a constraint speaks within the service."""
        await self._session.flush()

    async def in_force_on(self, day: date) -> AnyRow | None:
        """Return id, version and first day of the live version in force on ``day``."""
        parameters = {"organisation_id": self._organisation_id, "day": day}
        rows = await fetch(self._session, _IN_FORCE, parameters)
        return rows[0] if rows else None

    async def settings(self, version_id: UUID) -> Json:
        """Return the settings of a version that is there."""
        parameters = {"organisation_id": self._organisation_id, "version_id": version_id}
        [row] = await fetch(self._session, _SETTINGS, parameters)
        return row.settings

    async def live_from(self) -> Sequence[date]:
        """Return the first days of the live versions, in order."""
        parameters = {"organisation_id": self._organisation_id}
        return (await self._session.scalars(_LIVE_FROM, parameters)).all()

    async def version(self, version_id: UUID) -> PolicyVersion | None:
        """Return a version, draft or live."""
        return await self._session.get(PolicyVersion, (self._organisation_id, version_id))

    async def lock_version(self, version_id: UUID) -> PolicyVersion | None:
        """Return a version and lock it, so that two who change it queue."""
        locked = (
            select(PolicyVersion)
            .where(
                PolicyVersion.organisation_id == self._organisation_id,
                PolicyVersion.id == version_id,
            )
            .with_for_update(of=PolicyVersion)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(locked)).one_or_none()

    async def versions(self, page: PageOf) -> Sequence[PolicyVersion]:
        """Return a page of versions by first day, with one to spare."""
        listed = (
            select(PolicyVersion)
            .where(PolicyVersion.organisation_id == self._organisation_id)
            .order_by(PolicyVersion.valid_from, PolicyVersion.id)
            .limit(page.limit + 1)
        )
        if page.after is not None:
            valid_from, version_id = page.after
            listed = listed.where(
                tuple_(PolicyVersion.valid_from, PolicyVersion.id)
                > tuple_(date.fromisoformat(valid_from), UUID(version_id))
            )
        return (await self._session.scalars(listed)).all()
