"""Organisations to test in: each test has its own, so no test sees another's rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert

from app.db.models import Tenant
from app.db.session import Database
from app.kernel.actors import Actor, Role
from app.kernel.identifiers import new_id
from app.policy.rules import OrganisationKind
from app.policy.schemas import PolicySettings, PolicyVersionIn
from app.policy.service import PolicyService

FOUNDED_AT = datetime(2025, 10, 1, 9, 0, tzinfo=UTC)

# ODWH's choices; what differs between 2026 and 2027 is whether the norm binds.
_CHOICES: Mapping[str, Any] = {
    "norm_minutes": 4800,
    "norm_binding": True,
    "norm_pro_rating": "none",
    "full_time_minutes_per_week": 2160,
    "tranches": [
        {
            "number": 1,
            "closes_month": 11,
            "closes_day": 15,
            "decision_by_month": 1,
            "decision_by_day": 31,
            "decision_year_offset": 1,
        },
        {
            "number": 2,
            "closes_month": 7,
            "closes_day": 15,
            "decision_by_month": 8,
            "decision_by_day": 31,
            "decision_year_offset": 0,
        },
    ],
    "deadline_roll": "none",
    "criteria_weights": {
        "legal_and_function": 5,
        "organisation_goals": 4,
        "team_and_function": 3,
        "individual_development": 2,
        "efficiency_and_feasibility": 2,
    },
    "rating_labels": ["none", "slight", "clear", "strong", "decisive"],
    "agreement_cost_threshold_cents": 200_000,
    "agreement_time_threshold_minutes": 2400,
    "repayment_cost_threshold_cents": 200_000,
    "investment_after_subsidies": True,
    "repayment_schedule": {
        "kind": "staircase",
        "steps": [{"until_months": 12, "percent": 100}, {"until_months": 24, "percent": 50}],
    },
    "reconsideration_offered": True,
    "consent": {"kind": "works_council", "reference": "OR 2025-09", "given_on": "2025-09-18"},
}


@dataclass(frozen=True, slots=True)
class Organisation:
    id: UUID
    slug: str


def policy_settings(**changes: object) -> PolicySettings:
    """Return the policy that tests start from, with other choices where ``changes`` names them."""
    return PolicySettings.model_validate({**_CHOICES, **changes})


async def enter_in_directory(database: Database, *, slug: str | None = None) -> Organisation:
    """Enter a new organisation in the directory of tenants, and nothing more."""
    organisation = Organisation(new_id(), slug or f"org-{uuid4().hex[:12]}")
    async with database.transaction(organisation.id) as session:
        await session.execute(
            insert(Tenant).values(organisation_id=organisation.id, slug=organisation.slug)
        )
    return organisation


async def found_organisation(
    database: Database,
    *,
    slug: str | None = None,
    name: str = "Omgevingsdienst Test",
    kind: OrganisationKind = OrganisationKind.EMPLOYER,
    **changes: object,
) -> Organisation:
    """Found an organisation with the policy of 2026 (the norm warns) and of 2027 (it binds).

    ``changes`` are choices that both versions make otherwise.
    """
    organisation = await enter_in_directory(database, slug=slug)
    founder = Actor(organisation.id, "founder", frozenset({Role.ADMIN, Role.MT}))
    async with database.work(founder, FOUNDED_AT, "test") as work:
        policies = PolicyService(work)
        await policies.found_organisation(name=name, kind=kind)
        for year, is_binding in ((2026, False), (2027, True)):
            settings = policy_settings(**{"norm_binding": is_binding, **changes})
            draft = PolicyVersionIn(
                title=f"Beleid {year}", valid_from=date(year, 1, 1), settings=settings
            )
            drafted = await policies.draft(draft)
            await policies.activate(drafted.id, expected=None)
    return organisation
