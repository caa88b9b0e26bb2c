"""The demo as it really runs: loaded once for all scenarios, and served by a process of its own."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.database import fresh_database
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
def demo_service(
    server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DemoService]:
    """Return the demo, loaded into a database of its own and served by ``leerruimte run``."""
    port = free_port()
    with (
        fresh_database(server_url) as url,
        served(
            "run",
            DATABASE_URL=url,
            DATA_DIR=str(tmp_path_factory.mktemp("demo")),
            PORT=port,
            DEMO="true",
        ),
    ):
        yield DemoService(f"http://127.0.0.1:{port}", url)
