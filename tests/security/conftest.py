"""The service as a process, with a sign-in provider beside it."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from uuid import uuid4

import httpx
import pytest

from app.kernel.actors import Role
from app.settings import Settings
from tests.support import tokens
from tests.support.organisations import Organisation
from tests.support.process import free_port, served

# What a client may say of itself, and a proxy says of a client.
FORGED = {
    "X-Forwarded-For": "198.51.100.1, 203.0.113.9",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "gopher",
    "Forwarded": "for=203.0.113.9;host=evil.example",
    "X-Real-IP": "203.0.113.9",
}


@dataclass(frozen=True, slots=True)
class RunningService:
    """A service that runs: where, and as which process."""

    process: Popen[str]
    port: int
    issuer: str
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def headers(
        self, organisation: Organisation, *roles: Role, subject: str = "someone"
    ) -> dict[str, str]:
        """Return the headers of somebody who signed in."""
        bearer = tokens.token(
            organisation=organisation.slug,
            roles=roles or (Role.HR,),
            subject=subject,
            claims={"iss": self.issuer},
        )
        return {"Authorization": f"Bearer {bearer}"}

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60)

    def origin_told(self, organisation: Organisation, headers: Mapping[str, str]) -> str:
        """Add a team by a request with these headers; return what the audit trail has as origin."""
        team = {"department": "Toezicht", "name": f"Team {uuid4()}"}
        with self.client() as client:
            signed_in = self.headers(organisation) | dict(headers)
            added = client.post("/v1/teams", headers=signed_in, json=team)
            assert added.status_code == 201, added.text
            found = client.get(
                "/v1/audit-entries",
                params={"objectId": added.json()["id"]},
                headers=self.headers(organisation, Role.AUDITOR),
            )
        [entry] = found.json()["items"]
        return entry["origin"]


Serve = Callable[..., AbstractContextManager[RunningService]]


@pytest.fixture(scope="session")
def serve(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """Return a function that serves this run's database, with further settings by their names."""

    @contextmanager
    def serve(**further: str) -> Generator[RunningService]:
        folder = tmp_path_factory.mktemp("served")
        with tokens.published() as issuer, (folder / "log").open("w") as log:
            told = {
                "APP_DATABASE_URL": settings.app_url,
                "DATA_DIR": str(folder),
                "PORT": free_port(),
                "OIDC_ISSUER": issuer,
                "OIDC_AUDIENCE": tokens.AUDIENCE,
                # It would seal the audit trail of tests that look at it meanwhile.
                "UPKEEP": "false",
                **further,
            }
            with served("serve", log=log, **told) as process:
                yield RunningService(process, int(told["PORT"]), issuer, folder / "log")

    return serve


@pytest.fixture(scope="session")
def service(serve: Serve) -> Iterator[RunningService]:
    """Return the service as it runs by default, but that a body has three seconds to arrive."""
    with serve(ARRIVAL_SECONDS="3") as running:
        yield running
