import asyncio
import hashlib
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from app.db.backup import BackupError, back_up, backups_in, restore
from app.db.chain import seal_all
from app.db.embedded import EmbeddedServer, EmbeddedServerError, embedded_server
from app.db.migration import migrate
from app.db.session import Database
from app.settings import Settings
from tests.support.database import app_url_of
from tests.support.organisations import found_organisation
from tests.support.process import LEERRUIMTE, environment, leerruimte

TABLES: LiteralString = (
    "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r'"
    " AND c.relnamespace = 'public'::regnamespace ORDER BY 1"
)
DIGEST: LiteralString = "SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM"


def quietly(_line: str) -> None:
    """Show no progress."""


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a migrated database that is stopped."""
    made = tmp_path_factory.mktemp("backup") / "data"
    with embedded_server(made, progress=quietly) as server:
        migrate(server.owner_url, app_url_of(server.owner_url))
    return made


@pytest.fixture
def data_dir(migrated: Path, tmp_path: Path) -> Path:
    """Return a copy of it, of this test alone."""
    subprocess.run(["/bin/cp", "-a", str(migrated), str(tmp_path / "data")], check=True)  # noqa: S603
    return tmp_path / "data"


@pytest.fixture(scope="module")
def kept(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return data that is stopped, with two backups and all archived, and a digest of it."""
    made = tmp_path_factory.mktemp("kept") / "data"
    subprocess.run(["/bin/cp", "-a", str(migrated), str(made)], check=True)  # noqa: S603
    with embedded_server(made, progress=quietly) as server:
        work(server)
        back_up(server, made / "backups", kept=9, progress=quietly)
        work(server)
        back_up(server, made / "backups", kept=9, progress=quietly)
        work(server)
        digest = content(server)
        with psycopg.connect(server.superuser_url, autocommit=True) as connection:
            row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        assert row is not None
        deadline = time.monotonic() + 60
        while not (made / "backups" / "wal" / f"{row[0]}.gz").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    return made, digest


@pytest.fixture
def damaged(kept: tuple[Path, str], tmp_path: Path) -> Path:
    """Return a copy of it, to be damaged."""
    subprocess.run(["/bin/cp", "-a", str(kept[0]), str(tmp_path / "data")], check=True)  # noqa: S603
    return tmp_path / "data"


def newest(data_dir: Path) -> Path:
    """Return the folder of the last backup."""
    return max((data_dir / "backups" / "base").iterdir())


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def content(server: EmbeddedServer) -> str:
    """Return a digest of every row of every table."""
    digest = hashlib.sha256()
    with psycopg.connect(server.superuser_url) as connection:
        for (name,) in connection.execute(TABLES).fetchall():
            query = sql.SQL("{} {} AS t").format(sql.SQL(DIGEST), sql.Identifier(name))
            row = connection.execute(query).fetchone()
            assert row is not None
            digest.update(f"{name} {row[0]}\n".encode())
    return digest.hexdigest()


def instant(server: EmbeddedServer) -> datetime:
    """Return an instant at which nothing is being written: later ones differ from it for sure."""
    time.sleep(0.02)
    with psycopg.connect(server.superuser_url) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    time.sleep(0.02)
    return row[0]


@asynccontextmanager
async def opened(server: EmbeddedServer) -> AsyncGenerator[Database]:
    database = Database(Settings.model_validate({"database_url": server.owner_url}))
    try:
        yield database
    finally:
        await database.close()


def work(server: EmbeddedServer) -> None:
    """Do something that leaves rows in several tables, a sealed trail among them."""

    async def found() -> None:
        async with opened(server) as database:
            await found_organisation(database)
            await seal_all(database)

    thread = threading.Thread(target=lambda: asyncio.run(found()))
    thread.start()
    thread.join()


@contextmanager
def busy(server: EmbeddedServer) -> Generator[None]:
    """Have somebody write all the time."""
    over = threading.Event()

    def write() -> None:
        with psycopg.connect(server.superuser_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS busy (n bigint)")
            while not over.is_set():
                connection.execute("INSERT INTO busy SELECT count(*) FROM busy")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def kill_when(come: Callable[[], object], *arguments: str, **settings: str) -> bool:
    """Start a command, and kill it with SIGKILL as soon as it has come to a point.

    Tells whether it was killed: it may be past its point, and done, before anybody looked.
    """
    with subprocess.Popen(  # noqa: S603 - our own command
        [*LEERRUIMTE, *arguments],
        env=environment(settings),
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        while not come():
            if process.poll() is not None:
                assert process.returncode == 0, process.stderr.read()
                return False
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL


class Coming:
    """Tells whether something new matches a pattern."""

    def __init__(self, folder: Path, pattern: str) -> None:
        self._folder = folder
        self._pattern = pattern
        self._there = set(folder.glob(pattern))

    def __call__(self) -> bool:
        return not self._there.issuperset(self._folder.glob(self._pattern))


def at(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


@pytest.mark.invariant("D10")
def test_any_instant_since_the_backup_is_restored_to_the_last_row(data_dir: Path) -> None:
    settings = {"DATA_DIR": str(data_dir)}
    with embedded_server(data_dir, progress=quietly) as server:
        work(server)
        with busy(server):
            taken = leerruimte("backup", **settings)
        assert taken.returncode == 0, taken.stderr
        work(server)
        moment, digest = instant(server), content(server)
        work(server)
        at_last = content(server)
    assert digest != at_last
    restored = leerruimte("restore", "--at", at(moment), **settings)
    assert restored.returncode == 0, restored.stderr
    assert "All is as it was recorded." in restored.stderr
    with embedded_server(data_dir, progress=quietly) as server:
        assert content(server) == digest
    # The restore is undone by the data that it set aside.
    [aside] = data_dir.glob("postgres.before-*")
    (data_dir / "postgres").rename(data_dir / "undone")
    aside.rename(data_dir / "postgres")
    with embedded_server(data_dir, progress=quietly) as server:
        assert content(server) == at_last


@pytest.mark.apart
@pytest.mark.invariant("D10")
def test_a_lost_disk_costs_what_was_not_archived_and_no_more(
    data_dir: Path, tmp_path: Path
) -> None:
    backups = tmp_path / "elsewhere, 100%"
    with embedded_server(data_dir, backup_dir=backups, progress=quietly) as server:
        back_up(server, backups, kept=3, progress=quietly)
        work(server)
        with psycopg.connect(server.superuser_url, autocommit=True) as connection:
            timeout = connection.execute("SHOW archive_timeout").fetchone()
        assert timeout == ("1min",)
        digest = content(server)
    elsewhere = tmp_path / "another machine" / "data"
    restored = restore(
        elsewhere,
        backups,
        until=None,
        now=datetime.now(UTC),  # noqa: TID251 - it names a folder
        bin_dir=None,
        progress=quietly,
    )
    assert restored.set_aside is None
    with embedded_server(elsewhere, backup_dir=backups, progress=quietly) as server:
        assert content(server) == digest
        with pytest.raises(BackupError, match="start it with this BACKUP_DIR"):
            back_up(server, tmp_path / "third", kept=3, progress=quietly)


@pytest.mark.apart
def test_a_restore_follows_what_was_lived_and_not_what_it_left_behind(data_dir: Path) -> None:
    """Two backups of which the second is on a line of time that a restore left."""

    def go_back(until: datetime | None) -> None:
        now = datetime.now(UTC)  # noqa: TID251 - it names a folder
        restore(
            data_dir, data_dir / "backups", until=until, now=now, bin_dir=None, progress=quietly
        )

    with embedded_server(data_dir, progress=quietly) as server:
        back_up(server, data_dir / "backups", kept=9, progress=quietly)
        work(server)
        first, digest = instant(server), content(server)
        work(server)
        back_up(server, data_dir / "backups", kept=9, progress=quietly)
        work(server)
    go_back(first)
    with embedded_server(data_dir, progress=quietly) as server:
        assert content(server) == digest
        work(server)
        second, later = instant(server), content(server)
        work(server)
    go_back(second)
    with embedded_server(data_dir, progress=quietly) as server:
        assert content(server) == later
        work(server)
        latest = content(server)
    go_back(None)
    with embedded_server(data_dir, progress=quietly) as server:
        assert content(server) == latest


@pytest.mark.apart
@pytest.mark.invariant("D10")
def test_a_backup_on_a_line_that_was_left_does_not_cost_a_younger_one_its_archive(
    data_dir: Path,
) -> None:
    backups = data_dir / "backups"

    def go_back(until: datetime | None) -> None:
        now = datetime.now(UTC)  # noqa: TID251 - it names a folder
        restore(data_dir, backups, until=until, now=now, bin_dir=None, progress=quietly)

    with embedded_server(data_dir, progress=quietly) as server:
        back_up(server, backups, kept=9, progress=quietly)
        first = instant(server)
        work(server)
        with psycopg.connect(server.superuser_url, autocommit=True) as connection:
            for _ in range(8):
                connection.execute("SELECT pg_create_restore_point('further')")
                connection.execute("SELECT pg_switch_wal()")
        back_up(server, backups, kept=9, progress=quietly)
    go_back(first)
    with embedded_server(data_dir, progress=quietly) as server:
        back_up(server, backups, kept=9, progress=quietly)
        work(server)
        with psycopg.connect(server.superuser_url, autocommit=True) as connection:
            connection.execute("SELECT pg_switch_wal()")
        latest = content(server)
        _, gone = back_up(server, backups, kept=3, progress=quietly)
        assert len(gone) == 1
    # The last copy is damaged and the disk lost: the one before it and the archive have all.
    shutil.rmtree(backups_in(backups, quietly)[-1].folder)
    (data_dir / "postgres").rename(data_dir / "lost")
    go_back(None)
    with embedded_server(data_dir, progress=quietly) as server:
        assert content(server) == latest


@pytest.mark.apart
@pytest.mark.invariant("D10")
def test_a_backup_that_is_killed_leaves_the_one_before_and_the_next_works(data_dir: Path) -> None:
    settings = {"DATA_DIR": str(data_dir), "BACKUPS_KEPT": "2"}
    base = data_dir / "backups" / "base"
    with embedded_server(data_dir, progress=quietly) as server:
        work(server)
        assert leerruimte("backup", **settings).returncode == 0
        [first] = backups_in(data_dir / "backups", quietly)

        for moment in ("*.part", "*.part/postgres/base/*/*", "*.part/backup.json"):
            # The last of them is short: until it is met.
            for _ in range(30):
                was_killed = kill_when(Coming(base, moment), "backup", **settings)
                done = [one for one in backups_in(data_dir / "backups", quietly) if one != first]
                if was_killed and not done:
                    break
                for too_late in done:
                    shutil.rmtree(too_late.folder)
            assert backups_in(data_dir / "backups", quietly) == [first]
            assert list(base.glob(moment)) != []
        work(server)
        digest = content(server)
        again = leerruimte("backup", **settings)
        assert again.returncode == 0, again.stderr
        assert len(backups_in(data_dir / "backups", quietly)) == 2
        assert list(base.glob("*.part")) == []
        third = leerruimte("backup", **settings)
        assert "Let go of 1" in third.stderr
        assert first not in backups_in(data_dir / "backups", quietly)
    assert leerruimte("restore", **settings).returncode == 0
    with embedded_server(data_dir, progress=quietly) as server:
        assert content(server) == digest


@pytest.mark.apart
@pytest.mark.invariant("D10")
def test_a_restore_that_is_killed_leaves_the_data_and_is_done_again(data_dir: Path) -> None:
    settings = {"DATA_DIR": str(data_dir)}
    with embedded_server(data_dir, progress=quietly) as server:
        back_up(server, data_dir / "backups", kept=3, progress=quietly)
        work(server)
        moment, digest = instant(server), content(server)
        work(server)
        before = content(server)
    copy = data_dir / "postgres.restoring"
    moments = (copy, copy / "backup_manifest", copy / "recovery.signal", copy / "postmaster.pid")
    for point in moments:
        subprocess.run(["/bin/rm", "-rf", str(copy)], check=True)  # noqa: S603
        assert kill_when(point.exists, "restore", "--at", at(moment), **settings)
        assert (data_dir / "postgres").exists()
    with embedded_server(data_dir, progress=quietly) as server:
        assert content(server) == before
    restored = leerruimte("restore", "--at", at(moment), **settings)
    assert restored.returncode == 0, restored.stderr
    # As it is when it was killed between taking the old away and putting the new there.
    (data_dir / "postgres").rename(data_dir / "postgres.restored")
    (data_dir / "postgres.json").rename(data_dir / "postgres.restored" / "postgres.json")
    with embedded_server(data_dir, progress=quietly) as server:
        assert content(server) == digest


def test_nothing_is_archived_before_somebody_backs_up(data_dir: Path) -> None:
    with embedded_server(data_dir, progress=quietly) as server:
        with psycopg.connect(server.superuser_url, autocommit=True) as connection:
            connection.execute("SELECT pg_create_restore_point('x'), pg_switch_wal()")
            archived: list[Any] = []
            deadline = time.monotonic() + 60
            while not archived or archived[0] == 0:
                assert time.monotonic() < deadline
                row = connection.execute(
                    "SELECT archived_count, failed_count FROM pg_stat_archiver"
                ).fetchone()
                archived = list(row or ())
                time.sleep(0.05)
        assert archived[1] == 0
    assert list((data_dir / "backups" / "wal").iterdir()) == []


@pytest.mark.apart
def test_what_can_not_be_done_is_told(data_dir: Path, tmp_path: Path) -> None:
    settings = {"DATA_DIR": str(data_dir)}
    none = leerruimte("restore", **settings)
    assert (none.returncode, "There is no backup in" in none.stderr) == (1, True)
    with embedded_server(data_dir, progress=quietly) as server:
        back_up(server, data_dir / "backups", kept=3, progress=quietly)
        running = leerruimte("restore", **settings)
        assert (running.returncode, f"process {os.getpid()}" in running.stderr) == (1, True)
    nonsense = leerruimte("restore", "--at", "x", **settings)
    assert (nonsense.returncode, "x is no instant; write it with" in nonsense.stderr) == (2, True)
    for wrong in ("2020-01-01T00:00:00", "2999-01-01T00:00:00Z"):
        refused = leerruimte("restore", "--at", wrong, **settings)
        assert (refused.returncode, "an instant with its zone" in refused.stderr) == (2, True)
    early = leerruimte("restore", "--at", "2020-01-01T00:00:00Z", **settings)
    assert (early.returncode, "No backup goes back that far." in early.stderr) == (1, True)
    server_of_its_own = leerruimte("backup", DATABASE_URL="postgresql://x@y/z")
    assert server_of_its_own.returncode == 1
    assert "has backups of its own" in server_of_its_own.stderr
    with (
        embedded_server(
            tmp_path / "other", backup_dir=data_dir / "backups", progress=quietly
        ) as server,
        pytest.raises(BackupError, match="backups of another cluster"),
    ):
        back_up(server, data_dir / "backups", kept=3, progress=quietly)


@pytest.mark.apart
def test_a_copy_that_was_damaged_is_not_taken_for_the_data(data_dir: Path) -> None:
    with embedded_server(data_dir, progress=quietly) as server:
        back_up(server, data_dir / "backups", kept=3, progress=quietly)
        before = content(server)
    [backup] = backups_in(data_dir / "backups", quietly)
    (backup.cluster / "global" / "pg_filenode.map").write_bytes(b"\0" * 524)
    now = datetime.now(UTC)  # noqa: TID251 - it names a folder
    with pytest.raises((BackupError, EmbeddedServerError), match="recovered"):
        restore(data_dir, data_dir / "backups", until=None, now=now, bin_dir=None, progress=quietly)
    with embedded_server(data_dir, progress=quietly) as server:
        assert content(server) == before


def assert_restored(data_dir: Path, digest: str, *said: str) -> None:
    """Restore what is damaged, and see it whole again, told of, and the old data kept."""
    restored = leerruimte("restore", DATA_DIR=str(data_dir))
    assert restored.returncode == 0, restored.stderr
    assert [words for words in said if words not in restored.stderr] == []
    assert "All is as it was recorded." in restored.stderr
    [aside] = data_dir.glob("postgres.before-*")
    assert (aside / "base").is_dir()
    assert not (data_dir / "postgres.restored").exists()
    with embedded_server(data_dir, progress=quietly) as server:
        assert content(server) == digest


@pytest.mark.invariant("D10")
def test_old_data_and_a_backup_that_are_damaged_are_told_and_the_rest_is_restored(
    kept: tuple[Path, str], damaged: Path
) -> None:
    remove(damaged / "postgres" / "global" / "pg_control")
    remove(damaged / "postgres.json")
    (newest(damaged) / "backup.json").write_text("{")
    # What a restore leaves that stopped at its last step.
    (damaged / "postgres.restored" / "base").mkdir(parents=True)
    assert_restored(
        damaged,
        kept[1],
        "pg_control: No such file or directory. The old data does not tell what it is",
        "postgres.json: No such file or directory. The old data is kept without its passwords.",
        f"The backup {newest(damaged)} can not be used (what it says of itself is damaged).",
    )


@pytest.mark.apart
@pytest.mark.invariant("D10")
@pytest.mark.parametrize(
    ("part", "left", "said"),
    [
        ("postgres/global/pg_control", None, "does not tell what it is"),
        ("postgres/global/pg_control", 0, "All is as it was recorded."),
        ("postgres/global/pg_control", 100, "does not tell its line of time"),
        ("postgres/pg_wal", None, "pg_wal: No such file or directory. What the old data wrote"),
        ("postgres/PG_VERSION", None, "All is as it was recorded."),
        ("postgres.json", None, "The old data is kept without its passwords."),
        ("postgres.json", 10, "All is as it was recorded."),
    ],
)
def test_whatever_is_damaged_of_the_old_data_a_restore_replaces_it(
    kept: tuple[Path, str], damaged: Path, part: str, left: int | None, said: str
) -> None:
    if left is None:
        remove(damaged / part)
    else:
        (damaged / part).write_bytes((damaged / part).read_bytes()[:left])
    assert_restored(damaged, kept[1], said)


@pytest.mark.apart
@pytest.mark.invariant("D10")
@pytest.mark.parametrize(
    "part",
    [
        "backup.json",
        "postgres.json",
        "postgres",
        "postgres/PG_VERSION",
        "postgres/backup_label",
        "postgres/backup_manifest",
        "postgres/global/pg_control",
    ],
)
@pytest.mark.parametrize("content_left", [None, b"", b"\xff\0 5"], ids=["gone", "empty", "noise"])
def test_a_backup_that_can_not_be_read_is_told_and_the_one_before_it_is_used(
    damaged: Path, part: str, content_left: bytes | None
) -> None:
    first, last = backups_in(damaged / "backups", quietly)
    remove(last.folder / part)
    if content_left is not None:
        (last.folder / part).write_bytes(content_left)
    said: list[str] = []
    assert backups_in(damaged / "backups", said.append) == [first]
    assert len(said) == 1
    assert said[0].startswith(f"The backup {last.folder} can not be used (")


@pytest.mark.apart
@pytest.mark.invariant("D10")
def test_a_restore_without_any_backup_that_can_be_read_leaves_the_data(damaged: Path) -> None:
    for folder in (damaged / "backups" / "base").iterdir():
        remove(folder / "postgres" / "backup_label")
    refused = leerruimte("restore", DATA_DIR=str(damaged))
    assert refused.returncode == 1
    assert refused.stderr.count("backup_label: No such file or directory") == 2
    assert refused.stderr.endswith(
        f"There is no backup in {damaged / 'backups'} that can be used.\n"
    )
    assert (damaged / "postgres" / "global" / "pg_control").exists()


@pytest.mark.apart
@pytest.mark.invariant("D10")
@pytest.mark.parametrize("data_is", ["there", "lost"])
def test_an_archive_that_is_gone_is_told_and_the_backup_alone_can_be_restored(
    kept: tuple[Path, str], damaged: Path, data_is: str
) -> None:
    remove(damaged / "backups" / "wal")
    if data_is == "lost":
        remove(damaged / "postgres")
    refused = leerruimte("restore", DATA_DIR=str(damaged))
    assert refused.returncode == 1, refused.stderr
    assert "/wal is gone." in refused.stderr
    assert "The archive lacks " in refused.stderr
    [moment] = re.findall("--at (.*Z) or later", refused.stderr)
    restored = leerruimte("restore", "--at", moment, DATA_DIR=str(damaged))
    assert restored.returncode == 0, restored.stderr
    with embedded_server(damaged, progress=quietly) as server:
        assert content(server) != kept[1]


@pytest.mark.apart
@pytest.mark.invariant("D10")
def test_a_history_that_is_damaged_is_told(damaged: Path) -> None:
    assert leerruimte("restore", DATA_DIR=str(damaged)).returncode == 0
    with embedded_server(damaged, progress=quietly) as server:
        back_up(server, damaged / "backups", kept=9, progress=quietly)
    [history] = (damaged / "backups" / "wal").glob("*.history.gz")
    history.write_bytes(history.read_bytes()[:-9])
    refused = leerruimte("restore", DATA_DIR=str(damaged))
    assert refused.returncode == 1
    assert f"{history} can not be read" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.apart
@pytest.mark.invariant("D10")
def test_an_archive_that_was_damaged_is_not_taken_for_its_end(data_dir: Path) -> None:
    backups = data_dir / "backups"
    with embedded_server(data_dir, progress=quietly) as server:
        back_up(server, backups, kept=3, progress=quietly)
        work(server)
    (data_dir / "postgres").rename(data_dir / "lost")
    last = max((backups / "wal").glob("?" * 24 + ".gz"))
    last.write_bytes(last.read_bytes()[:-100])
    now = datetime.now(UTC)  # noqa: TID251 - it names a folder
    with pytest.raises(BackupError, match="can not be recovered"):
        restore(data_dir, backups, until=None, now=now, bin_dir=None, progress=quietly)


@pytest.mark.apart
@pytest.mark.invariant("D10")
def test_an_archive_with_a_hole_is_not_taken_for_its_end(data_dir: Path) -> None:
    backups = data_dir / "backups"
    with embedded_server(data_dir, progress=quietly) as server:
        back_up(server, backups, kept=3, progress=quietly)
        for _ in range(3):
            work(server)
            back_up(server, backups, kept=9, progress=quietly)
    (data_dir / "postgres").rename(data_dir / "lost")
    for later in sorted((backups / "base").iterdir())[1:]:
        shutil.rmtree(later)
    archived = sorted((backups / "wal").glob("?" * 24 + ".gz"))
    archived[-2].unlink()
    now = datetime.now(UTC)  # noqa: TID251 - it names a folder
    with pytest.raises(BackupError, match="lacks 1 of the segments"):
        restore(data_dir, backups, until=None, now=now, bin_dir=None, progress=quietly)
