"""A migrated database for the run, the app on it, and for each test an organisation of its own."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from app.db.session import Database
from app.db.work import Work
from app.kernel.actors import Actor, Role
from app.settings import Settings
from tests.support import statements, tokens
from tests.support.clock import MONDAY, FrozenClock
from tests.support.database import migrated_database, running_server
from tests.support.organisations import Organisation, found_organisation
from tests.support.people import hire

# Whether a busy machine is slow says nothing of what a property test is about.
hypothesis_settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("any machine")

_SERVERS = pytest.StashKey[ExitStack]()


def _start_server(config: pytest.Config) -> str:
    """Return the server's URL: the one that is given, else an embedded one until the run ends."""
    given = os.environ.get("TEST_DATABASE_URL")  # noqa: TID251 - the runner's own setting
    if given:
        return given
    held = config.stash.setdefault(_SERVERS, ExitStack())
    folder = held.enter_context(TemporaryDirectory(prefix="leerruimte-test-"))
    return held.enter_context(running_server(Path(folder)))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 - pytest-xdist has no public type
    """Give each parallel worker the one server that the controller runs."""
    config: pytest.Config = node.config
    if "server_url" not in config.__dict__:
        config.__dict__["server_url"] = _start_server(config)
    node.workerinput["server_url"] = config.__dict__["server_url"]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the embedded server, if one was started."""
    if _SERVERS in config.stash:
        config.stash[_SERVERS].close()


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of the server under test, as a role that may make databases and roles."""
    given: dict[str, Any] = getattr(request.config, "workerinput", {})
    return given.get("server_url") or _start_server(request.config)


@pytest.fixture(scope="session")
def owner_url(server_url: str) -> Iterator[str]:
    """Return the URL of this run's database as its owner: for what the app role may not do."""
    with migrated_database(server_url) as url:
        yield url


@pytest.fixture(scope="session")
def settings(owner_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the settings the app is tested with."""
    return Settings.model_validate(
        {
            "database_url": owner_url,
            "oidc_issuer": tokens.ISSUER,
            "oidc_audience": tokens.AUDIENCE,
            "data_dir": tmp_path_factory.mktemp("data"),
            "pool_size": 10,
            "pool_timeout_seconds": 60,
            # It would seal the audit trail at moments of its own, while a test looks on.
            "upkeep": False,
            # A sweep asks thousands of times in the name of one client.
            "client_burst": 1_000_000,
            "client_requests_per_second": 10_000,
            "organisation_burst": 1_000_000,
            "organisation_requests_per_second": 10_000,
        }
    )


@pytest.fixture(scope="session", autouse=True)
def _statements_name_the_organisation() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """Fail the run when a statement on an organisation's table does not name the organisation."""
    with statements.watched() as offending:
        yield
    told = "\n".join(f"{sorted(tables)}: {sql}" for sql, tables in offending.items())
    assert not offending, f"statements that do not name the organisation:\n{told}"


@pytest.fixture(scope="session")
async def database(settings: Settings) -> AsyncIterator[Database]:
    """Return the service's database, as the app role."""
    database = Database(settings)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def _clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def clock(_clock: FrozenClock) -> FrozenClock:
    """Return the app's clock, set to the morning that every test starts at."""
    _clock.set(MONDAY)
    return _clock


@pytest.fixture(scope="session")
async def app(settings: Settings, _clock: FrozenClock) -> AsyncIterator[FastAPI]:
    """Return the app, started, with the test issuer's keys and a clock that stands still."""
    from app.main import create_app  # noqa: PLC0415 - tests of rules need no app

    app = create_app(settings, clock=_clock.now, keys=tokens.IssuerKeys())
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(app: FastAPI, clock: FrozenClock) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ARG001
    """Return a client of the API; paths are under its base path, without it (``/requests``)."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/v1") as client:
        yield client


@pytest.fixture
async def organisation(database: Database) -> Organisation:
    """Return a fresh employer with its policy of 2026 (advisory norm) and 2027 (binding)."""
    return await found_organisation(database)


@pytest.fixture
async def other_organisation(database: Database) -> Organisation:
    """Return another fresh employer, to look from the other side of the fence."""
    return await found_organisation(database)


class SignIn(Protocol):
    def __call__(
        self,
        *roles: Role,
        person: str | None = None,
        subject: str | None = None,
        organisation: Organisation | None = None,
    ) -> dict[str, str]: ...


@pytest.fixture
def sign_in(organisation: Organisation) -> SignIn:
    """Return a function that signs someone in and returns the headers of their requests.

    ``person`` is the personnel number the token stands for; the subject is named after it, or
    after the roles.
    """
    own = organisation

    def sign_in(
        *roles: Role,
        person: str | None = None,
        subject: str | None = None,
        organisation: Organisation | None = None,
    ) -> dict[str, str]:
        bearer = tokens.token(
            organisation=(organisation or own).slug,
            roles=roles,
            subject=subject or person or "-".join(sorted(roles)),
            personnel_number=person,
        )
        return {"Authorization": f"Bearer {bearer}"}

    return sign_in


class ActAs(Protocol):
    def __call__(self, *roles: Role, person_id: UUID | None = None) -> Actor: ...


@pytest.fixture
def act_as(organisation: Organisation) -> ActAs:
    """Return a function that returns an actor of the test's organisation, by default HR."""

    def act_as(*roles: Role, person_id: UUID | None = None) -> Actor:
        return Actor(
            organisation_id=organisation.id,
            subject="-".join(sorted(roles)) or "hr",
            roles=frozenset(roles or (Role.HR,)),
            person_id=person_id,
        )

    return act_as


class OpenWork(Protocol):
    def __call__(
        self, actor: Actor | None = None, *, now: datetime | None = None
    ) -> AbstractAsyncContextManager[Work]: ...


@pytest.fixture
def work(database: Database, act_as: ActAs, clock: FrozenClock) -> OpenWork:
    """Return a function that opens a unit of work, by default HR's, committed when it ends."""

    def work(
        actor: Actor | None = None, *, now: datetime | None = None
    ) -> AbstractAsyncContextManager[Work]:
        return database.work(actor or act_as(), now or clock.now(), "test")

    return work


@pytest.fixture
async def elsewhere(
    work: OpenWork, sign_in: SignIn, other_organisation: Organisation
) -> dict[str, str]:
    """Return the headers of somebody of HR and the MT who works at the other organisation."""
    founder = Actor(other_organisation.id, "founder", frozenset({Role.HR}))
    async with work(founder) as opened:
        person = await hire(opened)
    return sign_in(
        Role.HR, Role.MT, person=person.personnel_number, organisation=other_organisation
    )
