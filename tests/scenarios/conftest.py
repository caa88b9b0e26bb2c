"""The demo as it really runs: loaded once, and served to each module from a copy of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from tests.support.database import fresh_database, shared_database
from tests.support.process import free_port, leerruimte, served


@dataclass(frozen=True, slots=True)
class DemoService:
    """A running demo: its address, and the database it works on as the owner."""

    url: str
    database_url: str

    def verify(self) -> None:
        """Check the ledger and the audit chain of every organisation by the command."""
        checked = leerruimte("verify", DATABASE_URL=self.database_url)
        assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.fixture(scope="session")
def demo_as_told(
    server_url: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """Return the name of a database with the demo in it, and what ``leerruimte demo`` said.

    It is loaded once in a run, for all its processes.
    """
    run: dict[str, str] = getattr(request.config, "workerinput", {})

    def load(url: str) -> str:
        folder = str(tmp_path_factory.mktemp("demo"))
        loaded = leerruimte("demo", DATABASE_URL=url, DATA_DIR=folder)
        assert loaded.returncode == 0, loaded.stderr
        return loaded.stderr

    purpose = f"demo_{run.get('testrunuid', uuid4().hex)[:12]}"
    with shared_database(server_url, purpose, load) as made:
        yield made


@pytest.fixture(scope="session")
def loaded_demo(demo_as_told: tuple[str, str]) -> str:
    """Return the name of a database into which ``leerruimte demo`` has loaded the demo."""
    return demo_as_told[0]


@pytest.fixture(scope="module")
def demo_service(
    server_url: str, loaded_demo: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DemoService]:
    """Return the demo as loaded, in a database of the module's own, served by a process."""
    port = free_port()
    with (
        fresh_database(server_url, template=loaded_demo) as url,
        served(
            "run",
            DATABASE_URL=url,
            DATA_DIR=str(tmp_path_factory.mktemp("served")),
            PORT=port,
            DEMO="true",
            # A line for each request is more than the pipe holds.
            LOG_LEVEL="warning",
        ),
    ):
        yield DemoService(f"http://127.0.0.1:{port}", url)
