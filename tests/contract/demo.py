"""A throwaway demo: ``leerruimte run`` with a data folder and a port of its own."""

import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.demo.personas import EMPLOYER, OTHER_EMPLOYER
from app.http.demo_issuer import ORGANISATION_CLAIM, PERSON_CLAIM, ROLES_CLAIM, SigningIssuer
from app.http.demo_issuer import PATH as ISSUER_PATH
from tests.support.process import LEERRUIMTE, environment, free_port
from tests.support.tokens import TOGETHER

# A member of the management team: who has all roles must be somebody.
_PERSON = "100232"
_TOKEN_SECONDS = 6 * 3600
_START_SECONDS = 600


class DemoFailed(Exception):
    """The demo does not start; says what it printed."""


# On a quick machine a suite asks more than any client may, all in the name of one.
_LIMITS = {
    "CLIENT_BURST": "1000000",
    "CLIENT_REQUESTS_PER_SECOND": "10000",
    "ORGANISATION_BURST": "1000000",
    "ORGANISATION_REQUESTS_PER_SECOND": "10000",
}


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo, and a token with every role at each of two organisations."""

    url: str
    token: str
    other_token: str


@contextmanager
def running_demo(folder: Path) -> Generator[Demo]:
    """Serve the demo from ``folder``, which must be empty, for as long as it is needed.

    Raises:
        DemoFailed: it is not ready in time.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    data, log = folder / "data", folder / "service.log"
    settings = {"DATA_DIR": str(data), "PORT": port, "DEMO": "true", **_LIMITS}
    with (
        log.open("w") as said,
        subprocess.Popen(  # noqa: S603 - our own command
            [*LEERRUIMTE, "run"], env=environment(settings), stdout=said, stderr=said
        ) as service,
    ):
        try:
            _await_ready(service, url, log)
            issuer = SigningIssuer.kept_in(data, url + ISSUER_PATH)
            yield Demo(
                url,
                _token(issuer, EMPLOYER, {PERSON_CLAIM: _PERSON}),
                _token(issuer, OTHER_EMPLOYER, {}),
            )
        finally:
            service.terminate()
            try:
                service.wait(timeout=30)
            except subprocess.TimeoutExpired:
                service.kill()


def _token(issuer: SigningIssuer, organisation: str, claims: dict[str, object]) -> str:
    roles = [role.value for role in TOGETHER]
    held = {ORGANISATION_CLAIM: organisation, ROLES_CLAIM: roles, **claims}
    return issuer.token(f"contract-{organisation}", held, seconds=_TOKEN_SECONDS)


def _await_ready(service: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while service.poll() is None and time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/health/ready", timeout=10).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise DemoFailed(log.read_text()[-3000:])
