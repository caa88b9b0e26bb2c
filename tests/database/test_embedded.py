import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from app.db.embedded import (
    HOST,
    EmbeddedServerError,
    embedded_server,
)

# A runner of its own process, to be killed: says the URL, then waits.
RUNNER = """
import sys, time
from pathlib import Path
from app.db.embedded import embedded_server
with embedded_server(Path(sys.argv[1]), progress=lambda line: None) as server:
    print(server.owner_url, flush=True)
    time.sleep(600)
"""

DEBIANS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def quietly(_line: str) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class Made:
    """A cluster that was made, started and stopped: its folder, and how long the first two took."""

    folder: Path
    seconds: float


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("embedded") / "data"
    begun = time.monotonic()
    with embedded_server(folder, progress=quietly):
        return Made(folder, time.monotonic() - begun)


@pytest.fixture(scope="module")
def data_dir(made: Made) -> Path:
    """Return the folder of a cluster that was made, and stopped."""
    return made.folder


@contextmanager
def connected(url: str) -> Generator[psycopg.Connection]:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        yield connection


def value_of(url: str, query: str) -> object:
    with connected(url) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])


@contextmanager
def runner(data_dir: Path) -> Generator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-c", RUNNER, str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def start_as_owner(command: list[str], cluster: Path) -> subprocess.Popen[bytes]:
    """Start a program as the user that the server runs as, in the cluster's folder."""
    owner = cluster.stat() if os.geteuid() == 0 else None
    return subprocess.Popen(  # noqa: S603 - the test's own words
        command,
        cwd=cluster,
        stderr=subprocess.DEVNULL,
        user=owner and owner.st_uid,
        group=owner and owner.st_gid,
    )


def await_file(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} does not appear"
        time.sleep(0.02)


def test_the_first_start_makes_a_database_whose_owner_is_no_superuser(tmp_path: Path) -> None:
    said: list[str] = []
    with embedded_server(tmp_path / "new" / "data", progress=said.append) as server:
        query = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        assert value_of(server.owner_url, query) is False
        assert value_of(server.owner_url, "SELECT current_database()::text") == "leerruimte"
        assert value_of(server.superuser_url, "SELECT lower('ÉÖ') || current_user") == "éöpostgres"
    assert "Making a PostgreSQL cluster ..." in said


def test_a_commit_is_flushed_to_disk_before_it_is_answered(data_dir: Path) -> None:
    with embedded_server(data_dir, progress=quietly) as server:
        for setting in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
            assert value_of(server.owner_url, f"SELECT current_setting('{setting}')") == "on"


def test_a_later_start_is_quicker_than_the_first_and_takes_the_same_port(
    made: Made, data_dir: Path
) -> None:
    """``make bench`` holds how long it may take; here the machine may be busy."""
    took: list[float] = []
    ports: set[int] = set()
    for _ in range(3):
        begun = time.monotonic()
        with embedded_server(data_dir, progress=quietly) as server:
            took.append(time.monotonic() - begun)
            ports.add(server.port)
    assert min(took) < made.seconds
    assert len(ports) == 1


@pytest.mark.parametrize("role", ["leerruimte", "postgres"])
@pytest.mark.parametrize("password", [None, "wrong"])
def test_nobody_connects_without_the_password(
    data_dir: Path, role: str, password: str | None
) -> None:
    with (
        embedded_server(data_dir, progress=quietly) as server,
        pytest.raises(psycopg.OperationalError, match="password"),
    ):
        psycopg.connect(
            host=HOST, port=server.port, user=role, password=password, dbname="postgres"
        )


def test_the_server_listens_on_the_loopback_address_alone(data_dir: Path) -> None:
    with embedded_server(data_dir, progress=quietly):
        listening = {
            connection.laddr
            for connection in psutil.Process(postmaster(data_dir)).net_connections("all")
            if connection.status == psutil.CONN_LISTEN or isinstance(connection.laddr, str)
        }
    assert {getattr(address, "ip", address) for address in listening} == {HOST}


def test_what_is_secret_is_readable_for_nobody_else(data_dir: Path) -> None:
    assert (data_dir / "postgres.json").stat().st_mode & 0o077 == 0
    assert (data_dir / "postgres.log").stat().st_mode & 0o077 == 0
    assert (data_dir / "postgres").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another user")
def test_root_runs_the_server_as_another_user_and_opens_no_folder_for_it(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with embedded_server(closed / "data", progress=quietly):
        assert psutil.Process(postmaster(closed / "data")).uids().real != 0
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start on what is another user's")
def test_what_root_starts_for_once_stays_its_owners(data_dir: Path) -> None:
    owner = (data_dir / "postgres").stat().st_uid
    os.chown(data_dir, owner, -1)
    with embedded_server(data_dir, progress=quietly):
        pass
    assert (data_dir / "postgres.json").stat().st_uid == owner


def test_a_killed_runner_takes_its_server_along_and_loses_no_commit(data_dir: Path) -> None:
    with runner(data_dir) as (process, url):
        with connected(url) as connection:
            connection.execute("CREATE TABLE kept_after_runner AS SELECT 1 AS id")
        process.kill()
        process.wait()
    with embedded_server(data_dir, progress=quietly) as server:
        assert value_of(server.owner_url, "SELECT id FROM kept_after_runner") == 1


def test_a_killed_server_starts_again_with_every_commit(data_dir: Path) -> None:
    with runner(data_dir) as (process, url):
        with connected(url) as connection:
            connection.execute("CREATE TABLE kept_after_server AS SELECT 1 AS id")
            server = psutil.Process(postmaster(data_dir))
            guard = server.parent()
            assert guard is not None
            for victim in (process.pid, guard.pid, server.pid):
                os.kill(victim, signal.SIGKILL)
        process.wait()
    assert (data_dir / "postgres" / "postmaster.pid").exists()
    with embedded_server(data_dir, progress=quietly) as restarted:
        assert value_of(restarted.owner_url, "SELECT id FROM kept_after_server") == 1


def test_a_server_whose_guard_was_killed_with_its_runner_is_stopped_first(data_dir: Path) -> None:
    with runner(data_dir) as (process, _):
        left = psutil.Process(postmaster(data_dir))
        guard = left.parent()
        assert guard is not None
        os.kill(guard.pid, signal.SIGKILL)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    said: list[str] = []
    with embedded_server(data_dir, progress=said.append) as server:
        assert value_of(server.owner_url, "SELECT 1") == 1
        assert postmaster(data_dir) != left.pid
    assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE


def test_a_process_number_that_went_to_another_program_stands_in_nobodys_way(
    data_dir: Path,
) -> None:
    with start_as_owner(["/bin/sleep", "60"], data_dir / "postgres") as stranger:
        left = data_dir / "postgres" / "postmaster.pid"
        left.write_text(f"{stranger.pid}\n{data_dir / 'postgres'}\n0\n5432\n\n\n0 0\nready\n")
        try:
            with embedded_server(data_dir, progress=quietly) as server:
                assert value_of(server.owner_url, "SELECT 1") == 1
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_second_runner_is_refused_and_told_by_whom(data_dir: Path) -> None:
    with (
        embedded_server(data_dir, progress=quietly) as server,
        pytest.raises(EmbeddedServerError, match=f"in use by process {os.getpid()}"),
        embedded_server(data_dir, progress=quietly),
    ):
        pytest.fail("two servers on one folder")
    assert server.data_dir == data_dir


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs Linux's /proc")
def test_a_server_that_somebody_else_started_is_left_alone(data_dir: Path) -> None:
    with embedded_server(data_dir, progress=quietly) as server:
        programs, port = server.bin_dir, server.port
    cluster = data_dir / "postgres"
    command = [str(programs / "postgres"), "-D", "/proc/self/cwd", "-h", HOST, "-p", str(port)]
    with start_as_owner([*command, "-k", ""], cluster) as stranger:
        try:
            await_file(cluster / "postmaster.pid")
            with (
                pytest.raises(EmbeddedServerError, match=f"process {stranger.pid}"),
                embedded_server(data_dir, progress=quietly),
            ):
                pytest.fail("took the data of a living server")
            assert stranger.poll() is None
        finally:
            stranger.send_signal(signal.SIGINT)


def test_a_port_that_was_taken_meanwhile_is_replaced(data_dir: Path) -> None:
    with embedded_server(data_dir, progress=quietly) as server:
        before = server.port
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind((HOST, before))
        squatter.listen()
        with embedded_server(data_dir, progress=quietly) as server:
            assert server.port != before
            assert value_of(server.owner_url, "SELECT 1") == 1


def test_a_cluster_half_made_is_made_anew(tmp_path: Path) -> None:
    half = tmp_path / "postgres.part"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with embedded_server(tmp_path, progress=quietly) as server:
        assert value_of(server.owner_url, "SELECT 1") == 1
    assert not half.exists()


def test_data_of_another_major_version_is_refused_with_the_way_out(data_dir: Path) -> None:
    stamp = data_dir / "postgres" / "PG_VERSION"
    real = stamp.read_text()
    stamp.write_text("12\n")
    try:
        with (
            pytest.raises(EmbeddedServerError, match=r"PostgreSQL 12, .* PG_BIN_DIR .* pg_dump"),
            embedded_server(data_dir, progress=quietly),
        ):
            pytest.fail("started on data of another version")
    finally:
        stamp.write_text(real)


def test_a_server_that_can_not_start_says_why(data_dir: Path) -> None:
    settings = data_dir / "postgres" / "postgresql.conf"
    real = settings.read_text()
    settings.write_text("no_such_setting = 1\n")
    try:
        with (
            pytest.raises(EmbeddedServerError, match="no_such_setting"),
            embedded_server(data_dir, progress=quietly),
        ):
            pytest.fail("started on settings that are wrong")
    finally:
        settings.write_text(real)


def test_data_whose_password_was_lost_is_refused_at_once(data_dir: Path) -> None:
    kept = data_dir / "postgres.json"
    real = kept.read_text()
    kept.write_text('{"superuser_password": "lost", "owner_password": "lost", "port": 5432}')
    try:
        with (
            pytest.raises(EmbeddedServerError, match=r"postgres\.json is not the server's"),
            embedded_server(data_dir, progress=quietly),
        ):
            pytest.fail("started without the password")
    finally:
        kept.write_text(real)


def test_a_folder_without_the_programs_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(EmbeddedServerError, match="does not hold PostgreSQL's programs"),
        embedded_server(tmp_path / "data", bin_dir=tmp_path, progress=quietly),
    ):
        pytest.fail("started without programs")


@pytest.mark.parametrize(
    "programs", DEBIANS, ids=lambda programs: f"PostgreSQL {programs.parent.name}"
)
def test_the_machines_own_programs_serve_as_well(tmp_path: Path, programs: Path) -> None:
    for _ in range(2):
        with embedded_server(tmp_path / "data", bin_dir=programs, progress=quietly) as server:
            major = value_of(
                server.owner_url, "SELECT current_setting('server_version_num')::int / 10000"
            )
            assert major == int(programs.parent.name)
            assert value_of(server.owner_url, "SELECT lower('ÉÖ')") == "éö"
