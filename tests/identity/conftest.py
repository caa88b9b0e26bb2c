"""A real provider, and a service that was told its name and nothing else."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.db.session import Database
from app.kernel.actors import Actor, Role
from app.main import create_app
from app.people.rules import EmployeeRow
from app.settings import Settings
from tests.support.clock import MONDAY
from tests.support.node import installed_or_left_out
from tests.support.organisations import Organisation, found_organisation
from tests.support.people import hire
from tests.support.provider import AUDIENCE, Claims, Provider, listening

# What a token of this provider says of its people in other places than ours by default.
_ELSEWHERE = "https://hr.example/number"


@dataclass(frozen=True, slots=True)
class World:
    """The provider with the key ``k1``, the service, and whom they both know."""

    provider: Provider
    service: httpx.AsyncClient
    organisation: Organisation
    employee: EmployeeRow


@pytest.fixture(scope="session")
def provider_folder() -> Path:
    """Return the folder that the provider runs from, with what it needs."""
    return installed_or_left_out(Path(__file__).parent / "provider")


@pytest.fixture(scope="session")
async def staff(database: Database) -> tuple[Organisation, EmployeeRow]:
    """Return an organisation, and somebody who works there."""
    organisation = await found_organisation(database)
    hr = Actor(organisation.id, "hr", frozenset({Role.HR}))
    async with database.work(hr, MONDAY, "test") as work:
        return organisation, await hire(work)


@pytest.fixture(scope="session")
def provider(provider_folder: Path, staff: tuple[Organisation, EmployeeRow]) -> Iterator[Provider]:
    """Return the provider, stopped: a test starts it with keys."""
    organisation, employee = staff
    known: Claims = {"organisation": organisation.slug}
    number = employee.personnel_number
    accounts = {
        "noor": {**known, "roles": ["manager", "employee"], "personnel_number": number},
        # As other products have it: nested, by names of their own, a number that is one.
        "sam": {
            "tenant": {"org": str(organisation.id)},
            "realm_access": {"roles": ["learning-hr", "offline_access"]},
            _ELSEWHERE: int(number),
        },
    }
    services = {"hris": {**known, "roles": ["hris"]}}
    with Provider(provider_folder, accounts=accounts, services=services) as provider:
        yield provider


@pytest.fixture(scope="module")
def signing_settings(settings: Settings, provider: Provider) -> Settings:
    """Return the settings of a service that takes this provider's tokens."""
    told = {"oidc_issuer": provider.issuer, "oidc_audience": AUDIENCE}
    return settings.model_copy(update=told)


@pytest.fixture(scope="module")
async def world(
    provider: Provider, signing_settings: Settings, staff: tuple[Organisation, EmployeeRow]
) -> AsyncIterator[World]:
    """Return the provider and the service, both running."""
    provider.start("k1")
    async with (
        listening(create_app(signing_settings)) as address,
        httpx.AsyncClient(base_url=f"{address}/v1", timeout=60) as service,
    ):
        yield World(provider, service, *staff)
