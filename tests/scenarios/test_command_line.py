import json
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import psycopg
import pytest
import uvicorn
from pydantic import SecretStr
from uvicorn.lifespan.on import LifespanOn

from app.db.audit import AuditTrail
from app.db.chain import seal
from app.db.embedded import embedded_server
from app.db.session import Database
from app.http.logs import JsonLines
from app.main import create_app
from app.settings import Settings
from tests.conftest import OpenWork
from tests.support.database import fresh_database
from tests.support.organisations import Organisation
from tests.support.people import export, line
from tests.support.process import (
    LEERRUIMTE,
    environment,
    free_port,
    leerruimte,
    served,
)


class Take(Protocol):
    def __call__(
        self, *lines: str, options: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[str]: ...


SIGN_IN = {"OIDC_ISSUER": "https://issuer.example", "OIDC_AUDIENCE": "leerruimte"}


@pytest.fixture
def port() -> str:
    return free_port()


def test_the_contract_is_printed_without_a_database() -> None:
    printed = leerruimte("openapi")
    assert printed.returncode == 0
    assert json.loads(printed.stdout)["openapi"].startswith("3.1")


def test_a_contract_that_is_read_no_further_ends_quietly() -> None:
    with subprocess.Popen(  # noqa: S603 - our own command
        [*LEERRUIMTE, "openapi"],
        env=environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "{\n"
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=120) == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param({"PORT": "0"}, "PORT: ", id="a port that is none"),
        pytest.param({"DATABASE_URL": "mysql://x"}, "DATABASE_URL: ", id="another database"),
        pytest.param({"DATABASE_URL": "postgresql://a b@"}, "DATABASE_URL: ", id="no URL"),
        pytest.param({"OIDC_ROLE_MAP": "x"}, "OIDC_ROLE_MAP: ", id="roles that are no JSON"),
        pytest.param({"OIDC_ISSUER": "x"}, "OIDC_AUDIENCE", id="an issuer without its audience"),
        pytest.param({"DATABASE_URL": "postgresql://x@y/z"}, "OIDC_ISSUER", id="no sign-in"),
    ],
)
def test_settings_that_can_not_serve_are_named(
    settings: dict[str, str], said: str, port: str
) -> None:
    refused = leerruimte("serve", **({"PORT": port} | settings))
    assert refused.returncode == 2
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    "database_url",
    ["postgresql://u:canary@127.0.0.1:1,127.0.0.2:1/db", "postgresql://u:canary@127.0.0.1:abc/db"],
    ids=["several servers", "a port that is none"],
)
def test_a_database_url_that_can_not_be_served_on_is_told_without_its_password(
    database_url: str, port: str
) -> None:
    refused = leerruimte("serve", DATABASE_URL=database_url, PORT=port, **SIGN_IN)
    assert refused.returncode == 2
    assert refused.stderr.startswith("DATABASE_URL: this ")
    assert "canary" not in refused.stderr


async def test_a_start_that_fails_is_told_in_a_line_that_says_what_and_where(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    # As settings never are, for those that can not serve are refused before.
    url = SecretStr("postgresql://u:canary@127.0.0.1:abc/db")
    app = create_app(settings.model_copy(update={"app_database_url": url}))
    lifespan = LifespanOn(uvicorn.Config(app, log_config=None))
    await lifespan.startup()
    assert lifespan.should_exit
    said = [json.loads(JsonLines().format(record)) for record in caplog.records]
    [told] = [line for line in said if line["logger"] == "app.http.lifespan"]
    assert (told["level"], told["message"]) == ("error", "the service can not start")
    assert told["fault"]["type"] == "builtins.ValueError"
    assert "/app/main.py:" in "".join(told["fault"]["at"])
    assert [line["message"] for line in said if line["logger"] == "uvicorn.error"][-1:] == [
        "Application startup failed. Exiting."
    ]
    assert not any("Traceback" in line["message"] for line in said)
    assert "canary" not in json.dumps(said)


def test_a_port_that_is_taken_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = str(squatter.getsockname()[1])
        refused = leerruimte("run", PORT=taken, DATA_DIR=str(tmp_path / "data"))
    assert refused.returncode == 1
    assert "choose another PORT" in refused.stderr
    assert not (tmp_path / "data").exists()


def test_a_file_in_the_place_of_the_data_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = leerruimte("backup", DATA_DIR=str(tmp_path / "file" / "data"))
    assert refused.returncode == 2
    assert refused.stderr == f"DATA_DIR: {tmp_path / 'file'} is a file, and no folder\n"


@pytest.mark.parametrize(
    "command",
    [
        ["backup"],
        ["verify"],
        ["found", "abc", "--name", "Abc"],
        ["import", "employees", __file__, "--organisation", "abc"],
    ],
    ids=lambda command: command[0],
)
def test_work_on_data_that_is_not_there_is_refused_and_makes_none(
    command: list[str], tmp_path: Path
) -> None:
    mistyped = tmp_path / "dta"
    refused = leerruimte(*command, DATA_DIR=str(mistyped))
    assert refused.returncode == 1
    assert refused.stderr == f"There is no data in DATA_DIR={mistyped}: no {mistyped}/postgres.\n"
    assert not mistyped.exists()


def test_an_embedded_database_without_a_schema_is_told_to_be_migrated_first(tmp_path: Path) -> None:
    settings = {"DATA_DIR": str(tmp_path)}
    assert leerruimte("postgres", "--", "true", **settings).returncode == 0
    refused = leerruimte("verify", **settings)
    assert refused.returncode == 1
    said = f"DATA_DIR={tmp_path} holds a database without a schema: leerruimte migrate\n"
    assert refused.stderr == said


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    url = "postgresql://someone:verysecret@127.0.0.1:1/nothing"
    refused = leerruimte("migrate", DATABASE_URL=url, DATA_DIR=str(tmp_path))
    assert refused.returncode == 1
    assert "Connection refused" in refused.stderr
    assert "verysecret" not in refused.stderr


@pytest.mark.parametrize("command", [["verify"], ["found", "abc", "--name", "Abc"]])
def test_a_database_without_a_schema_is_told_to_be_migrated_first(
    command: list[str], server_url: str
) -> None:
    with fresh_database(server_url) as url:
        refused = leerruimte(*command, DATABASE_URL=url, APP_DATABASE_URL=url)
    assert refused.returncode == 1
    assert "leerruimte migrate" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_verification_that_finds_no_database_says_so() -> None:
    url = "postgresql://someone:verysecret@127.0.0.1:1/nothing"
    refused = leerruimte("verify", DATABASE_URL=url)
    assert refused.returncode == 1
    assert "Connection refused" in refused.stderr
    assert "verysecret" not in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    refused = leerruimte("postgres", "--", "no-such-program", DATA_DIR=str(tmp_path))
    assert refused.returncode == 1
    assert "no-such-program can not be run" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_up_to_date_schema_is_migrated_again_to_no_effect(settings: Settings) -> None:
    again = leerruimte("migrate", DATABASE_URL=settings.owner_url)
    assert again.returncode == 0


def test_an_organisation_is_founded_once_and_by_a_name_that_tokens_can_have(
    settings: Settings,
) -> None:
    def found(slug: str, name: str = "Waterschap Voorbeeld") -> subprocess.CompletedProcess[str]:
        return leerruimte("found", slug, "--name", name, DATABASE_URL=settings.owner_url)

    slug = f"w{uuid4().hex[:12]}"
    nameless = found(slug, " ")
    assert nameless.returncode == 1
    assert "1 to 120 characters" in nameless.stderr
    first = found(slug)
    assert first.returncode == 0, first.stderr
    assert f"Founded Waterschap Voorbeeld: organisation {slug}, " in first.stderr
    again = found(slug)
    assert again.returncode == 1
    assert f"There is an organisation {slug} already: Waterschap Voorbeeld." in again.stderr
    assert leerruimte("verify", slug, DATABASE_URL=settings.owner_url).returncode == 0
    refused = found("Water schap")
    assert refused.returncode == 1
    assert "begins with a letter" in refused.stderr


def test_the_service_stops_by_itself_when_it_is_told_to(settings: Settings, port: str) -> None:
    with served(
        "serve", log=None, APP_DATABASE_URL=settings.app_url, PORT=port, **SIGN_IN
    ) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=120) == 0


def test_everything_ends_at_ctrl_c_and_starts_again_on_what_it_left(
    tmp_path: Path, port: str
) -> None:
    settings = SIGN_IN | {"DEMO": "false", "DATA_DIR": str(tmp_path / "data"), "PORT": port}
    for _ in range(2):
        with served("run", log=None, **settings) as process:
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=120) == 0
        assert not (tmp_path / "data" / "postgres" / "postmaster.pid").exists()
    with (
        embedded_server(tmp_path / "data", progress=lambda _line: None) as server,
        psycopg.connect(server.owner_url) as connection,
    ):
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone()


def test_a_command_runs_beside_the_embedded_server(tmp_path: Path) -> None:
    query = "SELECT current_user"
    script = f'psql -AtX "$DATABASE_URL" -c "{query}" && psql -AtX "$SUPERUSER_URL" -c "{query}"'
    ran = leerruimte("postgres", "--", "sh", "-c", script, DATA_DIR=str(tmp_path / "data"))
    assert ran.stdout.split() == ["leerruimte", "postgres"], ran.stderr


async def test_an_organisation_with_nothing_amiss_is_verified(
    settings: Settings, organisation: Organisation
) -> None:
    verified = leerruimte("verify", organisation.slug, APP_DATABASE_URL=settings.app_url)
    assert verified.returncode == 0, verified.stderr
    assert str(organisation.id) in verified.stderr


async def test_an_organisation_whose_audit_trail_was_changed_is_told(
    settings: Settings,
    owner_url: str,
    database: Database,
    organisation: Organisation,
    work: OpenWork,
) -> None:
    async with work() as opened:
        await AuditTrail(opened).record(
            action="organisation.added", object_type="organisation", object_id=organisation.id
        )
    await seal(database, organisation.id)
    with psycopg.connect(owner_url) as connection:
        tampering = "UPDATE audit_entries SET action = 'other' WHERE organisation_id = %s"
        connection.execute("ALTER TABLE audit_entries DISABLE TRIGGER append_only")
        connection.execute("ALTER TABLE audit_entries NO FORCE ROW LEVEL SECURITY")
        connection.execute(tampering, [organisation.id])
        connection.execute("ALTER TABLE audit_entries FORCE ROW LEVEL SECURITY")
        connection.execute("ALTER TABLE audit_entries ENABLE TRIGGER append_only")
    verified = leerruimte("verify", organisation.slug, APP_DATABASE_URL=settings.app_url)
    assert verified.returncode == 1
    assert "audit: changed at 1" in verified.stderr


def test_an_organisation_that_is_not_there_can_not_be_verified(settings: Settings) -> None:
    verified = leerruimte("verify", "nobody-knows-it", APP_DATABASE_URL=settings.app_url)
    assert verified.returncode == 1
    assert "There is no organisation nobody-knows-it." in verified.stderr


@pytest.fixture
def take(settings: Settings, organisation: Organisation, tmp_path: Path) -> Take:
    """Return a function that imports lines of an HRIS export by the command."""

    def take(*lines: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "export.csv"
        file.write_bytes(export(*lines))
        arguments = ("employees", str(file), "--organisation", organisation.slug, *options)
        return leerruimte("import", *arguments, APP_DATABASE_URL=settings.app_url)

    return take


def test_an_export_is_taken_over_once(take: Take) -> None:
    first = take(line())
    assert first.returncode == 0, first.stderr
    assert "created 1" in first.stderr
    assert "created 0" in take(line()).stderr


def test_a_dry_run_takes_nothing_over(take: Take) -> None:
    assert "It would be: row 1, created 1" in take(line(), options=["--dry-run"]).stderr
    assert "created 1" in take(line()).stderr


def test_a_fault_is_named_by_line_and_column_and_nothing_is_taken_over(take: Take) -> None:
    faulty = line(**{"Personeelsnummer": "300002", "Datum in dienst": "31-02-2020"})
    refused = take(line(), faulty)
    assert refused.returncode == 1
    assert "line 3, Datum in dienst: " in refused.stderr
    assert "1 of 2 rows have a fault." in refused.stderr
    partial = take(line(), faulty, options=["--partial"])
    assert partial.returncode == 0, partial.stderr
    assert "created 1" in partial.stderr


def test_a_file_that_is_not_there_is_told(settings: Settings, organisation: Organisation) -> None:
    arguments = ("employees", "nowhere.csv", "--organisation", organisation.slug)
    refused = leerruimte("import", *arguments, APP_DATABASE_URL=settings.app_url)
    assert refused.returncode == 1
    assert "nowhere.csv: No such file" in refused.stderr
