"""Policy versions for tests, as values and as they go over the wire."""

from datetime import date
from typing import Any

from app.policy.schemas import PolicySettings
from tests.support.organisations import policy_settings

BINDS_FROM = 2027  # VIS-8.3


def odwh_policy(year: int, **changes: object) -> PolicySettings:
    """Return ODWH's policy of a year: the norm warns in 2026 and binds from 2027."""
    return policy_settings(**{"norm_binding": year >= BINDS_FROM, **changes})


def odwh_version(year: int, *, valid_from: date | None = None, **changes: object) -> dict[str, Any]:
    """Return a version as it is drafted over HTTP, by default valid from the first of January.

    ``changes`` are members of its settings in camelCase, right or wrong.
    """
    settings = odwh_policy(year).model_dump(mode="json", by_alias=True)
    return {
        "title": f"Visie Leren & Ontwikkelen {year}",
        "validFrom": (valid_from or date(year, 1, 1)).isoformat(),
        "settings": {**settings, **changes},
    }
