"""The organisation and its policy: drafted, activated with consent, succeeded, never edited."""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from app.db.audit import AuditTrail
from app.db.base import Json
from app.db.work import Work
from app.kernel.errors import check_version
from app.kernel.identifiers import new_id
from app.kernel.pages import Page, PageOf, take
from app.policy.errors import NoPolicyInForce, OrganisationNotFound, PolicyVersionNotFound
from app.policy.models import Organisation, PolicyVersion
from app.policy.repository import PolicyRepository
from app.policy.rules import (
    OrganisationKind,
    PolicyInForce,
    PolicyStatus,
    Remark,
    check_activation,
    check_draft,
    remarks,
    valid_until,
)
from app.policy.schemas import PolicySettings, PolicyVersionIn

# What live versions say, by organisation, id and version number: each change of a draft and its
# going live take a number of their own, and from then on nothing of it changes.
_READ: OrderedDict[tuple[UUID, UUID, int], PolicyInForce] = OrderedDict()
_READ_AT_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationRow:
    """The organisation as the other areas see it."""

    id: UUID
    name: str
    kind: OrganisationKind
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersionRow:
    """A policy version with its choices, whether draft or live."""

    id: UUID
    version: int
    title: str
    status: PolicyStatus
    valid_from: date
    valid_until: date | None
    settings: PolicySettings
    remarks: tuple[Remark, ...]
    drafted_at: datetime
    activated_at: datetime | None


class PolicyService:
    """What the organisation has laid down, and on which day."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._policies = PolicyRepository(work.session, work.organisation_id)
        self._audit = AuditTrail(work)
        self._found: dict[date, PolicyInForce] = {}

    async def organisation(self) -> OrganisationRow:
        """Return the organisation this work is for.

        Raises:
            OrganisationNotFound: it is in the directory but has not been founded yet.
        """
        organisation = await self._policies.organisation()
        if organisation is None:
            raise OrganisationNotFound
        return _organisation(organisation)

    async def found_organisation(self, *, name: str, kind: OrganisationKind) -> OrganisationRow:
        """Record the organisation that the directory of tenants already names by its slug."""
        organisation = await self._policies.add_organisation(
            Organisation(
                organisation_id=self._work.organisation_id,
                name=name,
                kind=kind.value,
                version=1,
                founded_at=self._work.now,
            )
        )
        await self._audit.record(
            action="organisation.founded",
            object_type="organisation",
            object_id=organisation.organisation_id,
            after={"kind": kind.value},
        )
        return _organisation(organisation)

    async def lock_organisation(self) -> None:
        """Make whoever changes the organisation's structure wait for whoever does so now."""
        await self._policies.lock_organisation()

    async def policy_on(self, day: date) -> PolicyInForce:
        """Return the live policy version in force on ``day``; its first day belongs to it.

        A version holds until the first day of the one that succeeds it.

        Raises:
            NoPolicyInForce: none is live on that day.

        Source: LAW-11.
        """
        if day not in self._found:
            row = await self._policies.in_force_on(day)
            if row is None:
                raise NoPolicyInForce(day_on=day)
            self._found[day] = await self._read(row.id, row.version, row.valid_from)
        return self._found[day]

    async def _read(self, version_id: UUID, version: int, valid_from: date) -> PolicyInForce:
        """Return a live version; which it is was asked now, what it says was perhaps before."""
        read_as = self._work.organisation_id, version_id, version
        known = _READ.get(read_as)
        if known is None:
            settings = await self._policies.settings(version_id)
            known = _READ[read_as] = _in_force(version_id, valid_from, settings)
            if len(_READ) > _READ_AT_MOST:
                _READ.popitem(last=False)
        return known

    async def check_years(self, years: Collection[int]) -> None:
        """Refuse years that no policy governs: that of their first day sets the norm (VIS-8.1).

        Raises:
            NoPolicyInForce: naming the first day of the first of them.
        """
        for year in sorted(years):
            await self.policy_on(date(year, 1, 1))

    async def governed(self, years: Collection[int]) -> frozenset[int]:
        """Return those of these years in which a policy holds on the first day."""
        found: set[int] = set()
        for year in years:
            try:
                await self.policy_on(date(year, 1, 1))
            except NoPolicyInForce:
                continue
            found.add(year)
        return frozenset(found)

    async def live_version(self, version_id: UUID) -> PolicyInForce:
        """Return the policy that a decision or an agreement was taken under, by the id it stored.

        Raises:
            PolicyVersionNotFound: there is none, or it is a draft.
        """
        version = await self._policies.version(version_id)
        if version is None or version.status != PolicyStatus.LIVE:
            raise PolicyVersionNotFound
        return _in_force(version.id, version.valid_from, version.settings)

    async def version(self, version_id: UUID) -> PolicyVersionRow:
        """Return a version with its choices and the remarks on them.

        Raises:
            PolicyVersionNotFound: there is none of this id here.
        """
        version = await self._policies.version(version_id)
        if version is None:
            raise PolicyVersionNotFound
        return _row(version, await self._policies.live_from())

    async def version_on(self, day: date) -> PolicyVersionRow:
        """Return the version in force on ``day`` with its choices and the remarks on them.

        Raises:
            NoPolicyInForce: none is live on that day.
        """
        return await self.version((await self.policy_on(day)).id)

    async def versions(self, page: PageOf) -> Page[PolicyVersionRow]:
        """Return a page of versions, drafts too, by their first day."""
        found = take(
            await self._policies.versions(page),
            page,
            key=lambda version: (version.valid_from.isoformat(), str(version.id)),
        )
        live_from = await self._policies.live_from()
        rows = [_row(version, live_from) for version in found.items]
        return Page(items=rows, next_key=found.next_key)

    async def draft(self, body: PolicyVersionIn) -> PolicyVersionRow:
        """Draft a version; nothing rests on it until it is activated."""
        version = await self._policies.add(
            PolicyVersion(
                organisation_id=self._work.organisation_id,
                id=new_id(),
                version=1,
                status=PolicyStatus.DRAFT.value,
                drafted_by=self._work.actor.subject,
                drafted_at=self._work.now,
                **_drafted(body),
            )
        )
        await self._audit.record(
            action="policy_version.drafted",
            object_type="policy_version",
            object_id=version.id,
            after=_recorded(version),
        )
        return _row(version, await self._policies.live_from())

    async def redraft(
        self, version_id: UUID, body: PolicyVersionIn, *, expected: frozenset[int] | None
    ) -> PolicyVersionRow:
        """Replace a draft by another text of it.

        Raises:
            PolicyVersionNotFound: there is none of this id here.
            StaleVersion: it changed since it was read.
            PolicyVersionIsLive: it has gone live, and is succeeded but never edited (LAW-11).
        """
        version = await self._lock(version_id, expected)
        check_draft(PolicyStatus(version.status))
        before = _recorded(version)
        for name, value in _drafted(body).items():
            setattr(version, name, value)
        version.version += 1
        await self._policies.flush()
        await self._audit.record(
            action="policy_version.redrafted",
            object_type="policy_version",
            object_id=version.id,
            before=before,
            after=_recorded(version),
        )
        return _row(version, await self._policies.live_from())

    async def activate(
        self, version_id: UUID, *, expected: frozenset[int] | None
    ) -> PolicyVersionRow:
        """Let a draft go live: from its first day on decisions rest on it (VIS-5.1, LAW-11).

        Locks the organisation, then the version, so that two activations queue.

        Raises:
            PolicyVersionNotFound: there is none of this id here.
            StaleVersion: it changed since it was read.
            PolicyVersionIsLive: it is live already.
            ConsentMissing: neither the works council's consent nor a cao is named.
            PolicyNotSucceeding: a live version begins on the same day or later.
        """
        await self._policies.lock_organisation()
        version = await self._lock(version_id, expected)
        check_draft(PolicyStatus(version.status))
        policy = PolicySettings.model_validate(version.settings).as_policy()
        live_from = await self._policies.live_from()
        check_activation(policy, valid_from=version.valid_from, live_from=live_from)
        version.status = PolicyStatus.LIVE.value
        version.activated_by = self._work.actor.subject
        version.activated_at = self._work.now
        version.version += 1
        await self._policies.flush()
        await self._audit.record(
            action="policy_version.activated",
            object_type="policy_version",
            object_id=version.id,
            before={"status": PolicyStatus.DRAFT.value},
            after={
                "status": PolicyStatus.LIVE.value,
                "valid_from": version.valid_from,
                "consent_reference": version.consent_reference,
            },
            rule_ids=("LAW-11",),
            policy_version_id=version.id,
        )
        return _row(version, [*live_from, version.valid_from])

    async def _lock(self, version_id: UUID, expected: frozenset[int] | None) -> PolicyVersion:
        version = await self._policies.lock_version(version_id)
        if version is None:
            raise PolicyVersionNotFound
        check_version(version.version, expected)
        return version


def _organisation(organisation: Organisation) -> OrganisationRow:
    return OrganisationRow(
        id=organisation.organisation_id,
        name=organisation.name,
        kind=OrganisationKind(organisation.kind),
        version=organisation.version,
    )


def _in_force(version_id: UUID, valid_from: date, settings: Json) -> PolicyInForce:
    policy = PolicySettings.model_validate(settings).as_policy()
    return PolicyInForce(id=version_id, valid_from=valid_from, policy=policy)


def _drafted(body: PolicyVersionIn) -> Json:
    """Return the columns that a draft's text fills."""
    return {
        "title": body.title,
        "valid_from": body.valid_from,
        "settings": body.settings.model_dump(mode="json"),
        "consent_reference": body.settings.consent_reference,
    }


def _recorded(version: PolicyVersion) -> Json:
    return {
        "status": version.status,
        "valid_from": version.valid_from,
        "settings": version.settings,
    }


def _row(version: PolicyVersion, live_from: Sequence[date]) -> PolicyVersionRow:
    settings = PolicySettings.model_validate(version.settings)
    status = PolicyStatus(version.status)
    return PolicyVersionRow(
        id=version.id,
        version=version.version,
        title=version.title,
        status=status,
        valid_from=version.valid_from,
        valid_until=(
            valid_until(version.valid_from, live_from) if status is PolicyStatus.LIVE else None
        ),
        settings=settings,
        remarks=remarks(settings.as_policy()),
        drafted_at=version.drafted_at,
        activated_at=version.activated_at,
    )
