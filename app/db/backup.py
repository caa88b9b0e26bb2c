"""Backups of the embedded server, and going back to any moment since the oldest of them.

A backup is a copy of the cluster, taken while it serves, and what was written since (WAL): from
the first backup on the server archives each segment of it, at the latest a minute after a change.
So what can be lost with the disk is that minute.

The folder holds ``base/<instant>/`` (a copy, the passwords that go with it, and ``backup.json``)
and ``wal/``. A copy comes under its name in one step when it is whole and was read back; what was
being made when a process was killed is ``*.part``, and swept by the next.
"""

import fcntl
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, LiteralString
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql
from pydantic import AwareDatetime, BaseModel, Field

from app.db.embedded import (
    ARCHIVE_SETTING,
    RESTORED,
    EmbeddedServer,
    EmbeddedServerError,
    Launcher,
    Progress,
    Remembered,
    ServerOptions,
    archive_folder,
    archive_marker,
    await_vacancy,
    connect_as_superuser,
    finish_restore,
    free_port,
    launcher_for,
    locked,
    running,
    shell_word,
    sync,
    system_identifier,
    wheel_programs,
)

# What was written lately is archived so soon, when the segment is not full before.
ARCHIVE_TIMEOUT = "60s"

_PROGRESS_SECONDS = 2.0
_ARCHIVED_WITHIN_SECONDS = 60.0
_RECOVERED_WITHIN_SECONDS = 6 * 3600.0
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_START_SEGMENT = re.compile(r"^START WAL LOCATION: .* \(file ([0-9A-F]{24})\)$", re.MULTILINE)
_SEGMENT_BYTES = 16 * 1024 * 1024
_HISTORY = re.compile(r"([0-9A-F]{8})\.history\.gz")
_TIMELINE = re.compile(r"^Latest checkpoint's TimeLineID: +(\d+)$", re.MULTILINE)
_LEFT = re.compile(r"^(\d+)\t([0-9A-F]+/[0-9A-F]+)\t", re.MULTILINE)
_TARGET_NOT_REACHED = "recovery ended before configured recovery target was reached"


class BackupError(Exception):
    """A backup or a restore can not be done; says why, and what to do."""


class _Told(BaseModel):
    """What ``backup.json`` tells of a backup."""

    usable_from: AwareDatetime
    system_identifier: int


class _Range(BaseModel):
    """A part of the WAL on one line of time, as PostgreSQL's manifest names it."""

    line: Annotated[int, Field(alias="Timeline")]
    end: Annotated[str, Field(alias="End-LSN")]


class _Manifest(BaseModel):
    """What PostgreSQL's manifest of a copy tells of the WAL that belongs to it."""

    ranges: Annotated[list[_Range], Field(alias="WAL-Ranges", min_length=1)]


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of a cluster, from which any moment from ``usable_from`` on can be restored.

    It was taken on the line of time ``line`` and ends at the place ``end`` in that line's WAL; a
    restore from it needs the WAL from ``first_segment`` on. ``remembered`` goes with it.
    """

    folder: Path
    usable_from: datetime
    system_identifier: int
    line: int
    end: int
    first_segment: str
    remembered: Remembered = field(repr=False)

    @property
    def cluster(self) -> Path:
        return self.folder / "postgres"

    @classmethod
    def read(cls, folder: Path) -> "Backup":
        """Return the backup in a folder.

        Raises:
            BackupError: it is not whole, or can not be read.
        """
        cluster = folder / "postgres"
        try:
            told = _Told.model_validate_json((folder / "backup.json").read_bytes())
            manifest = (cluster / "backup_manifest").read_bytes()
            last = _Manifest.model_validate_json(manifest).ranges[-1]
            end = _place(last.end)
            found = _START_SEGMENT.search((cluster / "backup_label").read_text())
            remembered = Remembered.read(folder / "postgres.json")
            identifier = system_identifier(cluster)
            int((cluster / "PG_VERSION").read_text())
        except OSError as error:
            message = f"{error.filename}: {error.strerror}"
            raise BackupError(message) from error
        except (ValueError, EmbeddedServerError) as error:
            message = "what it says of itself is damaged"
            raise BackupError(message) from error
        if found is None or identifier != told.system_identifier:
            message = "it is not the copy that it says it is"
            raise BackupError(message)
        return cls(
            folder=folder,
            usable_from=told.usable_from,
            system_identifier=identifier,
            line=last.line,
            end=end,
            first_segment=found[1],
            remembered=remembered,
        )


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of time (timeline): each restore begins one, so that what it left behind stays apart.

    ``left_at`` tells for each earlier one at which place in its WAL this one left it.
    """

    number: int
    left_at: Mapping[int, int]

    def holds(self, backup: Backup) -> bool:
        """Tell whether the backup lies on this line, and not on one that was left before it."""
        return backup.line == self.number or backup.end <= self.left_at.get(backup.line, -1)

    def lacks(self, backup: Backup, folders: Sequence[Path]) -> list[int]:
        """Return the places (segments, counted) from the backup to the end that are missing.

        The one after the backup's own is always to be there: it was archived before the backup
        came under its name. So an archive that was emptied is not taken for one that ended.
        """
        there: set[int] = set()
        for path in (path for folder in folders for path in folder.iterdir()):
            if (segment := _SEGMENT.fullmatch(path.name.removesuffix(".gz"))) is None:
                continue
            number, place = int(segment[0][:8], 16), _count(segment[0])
            if number == self.number or place * _SEGMENT_BYTES <= self.left_at.get(number, -1):
                there.add(place)
        first, next_one = _count(backup.first_segment), (backup.end - 1) // _SEGMENT_BYTES + 1
        wanted = range(first, max(next_one, *there) + 1)
        return [place for place in wanted if place not in there]


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore came to: from which copy, up to which change, and where the old data is.

    ``last_change_at`` is when the last transaction in it committed, None when the copy held all.
    """

    backup: Backup
    last_change_at: datetime | None
    reached: bool
    set_aside: Path | None = None


def backups_in(backup_dir: Path, progress: Progress) -> list[Backup]:
    """Return the backups that are whole, the oldest first; what can not be read is said."""
    base = backup_dir / "base"
    found: list[Backup] = []
    for folder in sorted(base.iterdir()) if base.is_dir() else ():
        if folder.is_dir() and folder.suffix != ".part":
            try:
                found.append(Backup.read(folder))
            except BackupError as error:
                progress(f"The backup {folder} can not be used ({error}).")
    return found


def back_up(
    server: EmbeddedServer, backup_dir: Path, *, kept: int, progress: Progress
) -> tuple[Backup, list[Backup]]:
    """Take a backup of a running server, and let go of the oldest beyond ``kept``.

    The first one has the server archive from then on. Returns the backup and those let go.

    Raises:
        BackupError: another one is being taken, the server archives elsewhere, the folder holds
            backups of another cluster, or the copy or the archive fails.
    """
    backup_dir = backup_dir.absolute()
    with _alone(backup_dir), _superuser(server) as connection:
        cluster = server.data_dir / "postgres"
        _check_place(connection, backup_dir, cluster)
        base = backup_dir / "base"
        base.mkdir(mode=0o700, exist_ok=True)
        for part in base.glob("*.part"):
            # A killed backup's program may be at it still: then it goes with the next.
            shutil.rmtree(part, ignore_errors=True)
        _archive_from_now_on(connection, archive_marker(backup_dir, cluster))
        part = base / f"{_now(connection):%Y%m%dT%H%M%S.%f}Z.part"
        part.mkdir(mode=0o700)
        try:
            _fill(part, server, connection, progress)
            _await_archived(connection, archive_folder(backup_dir), progress)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        part.rename(part.with_suffix(""))
        sync(base)
        return Backup.read(part.with_suffix("")), _let_go(server, backup_dir, kept, progress)


def restore(
    data_dir: Path,
    backup_dir: Path,
    *,
    until: datetime | None,
    now: datetime,
    bin_dir: Path | None,
    progress: Progress,
) -> Restored:
    """Put back the data as it was at an instant, or as late as it is known; keep the old aside.

    What is damaged of the old data is said and taken for absent; it is kept aside like the rest.
    The new is made beside the old, which stays as it is and usable until the very end; then the
    two change places. Killed before, it can be done again; killed between the two steps of that,
    the next start of the server does the second. ``now`` names what is kept aside.

    Raises:
        BackupError: there is no backup from before that instant, or it can not be recovered.
        EmbeddedServerError: a server runs on the data, or one can not run here.
    """
    backup_dir = backup_dir.absolute()
    with ExitStack() as held:
        data_dir = held.enter_context(locked(data_dir))
        finish_restore(data_dir, progress)
        cluster, copy = data_dir / "postgres", data_dir / "postgres.restoring"
        for place in (cluster, copy):
            await_vacancy(place, progress)
        own = _identity(cluster, progress)
        backup, line = _choose(
            backup_dir, cluster, own, until=until, bin_dir=bin_dir, progress=progress
        )
        launcher = launcher_for(backup.cluster, bin_dir, progress)
        for left in (copy, data_dir / RESTORED):
            shutil.rmtree(left, ignore_errors=True)
        progress(f"Copying the backup of {backup.usable_from:%Y-%m-%d %H:%M:%S} UTC ...")
        _copy(backup.cluster, copy, progress)
        archive = archive_folder(backup_dir)
        if not archive.is_dir():
            progress(f"The archive {archive} is gone. Make a new backup after this.")
            archive.mkdir(mode=0o700)
        # What is not archived yet, or never will be, when the disk still has it.
        if own == backup.system_identifier:
            _take_along(cluster / "pg_wal", copy / "pg_wal", archive, progress)
        lacking = line.lacks(backup, [archive, copy / "pg_wal"])
        if until is None and lacking:
            message = (
                f"The archive lacks {len(lacking)} of the segments since that backup: what was"
                " written from there on can not be recovered. Put them back into"
                f" {archive}, or restore to a moment before them:"
                f" --at {backup.usable_from:%FT%T.%fZ} or later."
            )
            raise BackupError(message)
        restored = _recover(
            copy,
            launcher,
            backup,
            lambda target, held: _recovery(archive, line, target, launcher, held),
            until=until,
            progress=progress,
        )
        shutil.copy(backup.folder / "postgres.json", copy / "postgres.json")
        _sync([copy / "postgres.json"])
        copy.rename(data_dir / RESTORED)
        sync(data_dir)
        set_aside = _set_aside(data_dir, now, progress)
        finish_restore(data_dir, lambda _line: None)
    return replace(restored, set_aside=set_aside)


@contextmanager
def _alone(backup_dir: Path) -> Generator[None]:
    backup_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (backup_dir / "backup.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"Another backup to {backup_dir} is under way."
            raise BackupError(message) from None
        yield


@contextmanager
def _superuser(server: EmbeddedServer) -> Generator[psycopg.Connection]:
    try:
        with psycopg.connect(server.superuser_url, autocommit=True, connect_timeout=10) as opened:
            yield opened
    except psycopg.OperationalError as error:
        message = f"The server does not answer: {str(error).strip()}"
        raise BackupError(message) from error


def _check_place(connection: psycopg.Connection, backup_dir: Path, cluster: Path) -> None:
    archives_to = _value(connection, "SELECT current_setting(%s, true)", ARCHIVE_SETTING)
    if not archives_to or Path(archives_to).resolve() != backup_dir.resolve():
        place = f"archives to {archives_to}" if archives_to else "was started without an archive"
        message = f"The running server {place}, not to {backup_dir}: start it with this BACKUP_DIR."
        raise BackupError(message)
    own = archive_marker(backup_dir, cluster)
    strangers = [other for other in own.parent.glob("archiving-*") if other != own]
    if strangers:
        message = (
            f"{backup_dir} holds the backups of another cluster. Give a BACKUP_DIR of its own to "
            "this one, or move them away."
        )
        raise BackupError(message)


def _archive_from_now_on(connection: psycopg.Connection, marker: Path) -> None:
    if not marker.exists():
        marker.touch(mode=0o644)
        sync(marker.parent)
    if _value(connection, "SHOW archive_timeout") == "0":
        statement = sql.SQL("ALTER SYSTEM SET archive_timeout = {}")
        connection.execute(statement.format(sql.Literal(ARCHIVE_TIMEOUT)))
        connection.execute("SELECT pg_reload_conf()")


def _fill(
    part: Path, server: EmbeddedServer, connection: psycopg.Connection, progress: Progress
) -> None:
    """Make a backup in an empty folder, read it back, and have all of it on disk."""
    copy = part / "postgres"
    _copy_online(server, connection, copy, progress)
    progress("Reading the copy back ...")
    _run(server, "pg_verifybackup", ["--quiet", str(copy)], {})
    told = {
        "usable_from": _now(connection).isoformat(),
        "system_identifier": system_identifier(copy),
    }
    (part / "backup.json").write_text(json.dumps(told))
    shutil.copy(server.data_dir / "postgres.json", part / "postgres.json")
    _sync([part / "backup.json", part / "postgres.json", part])


def _now(connection: psycopg.Connection) -> datetime:
    return _value(connection, "SELECT clock_timestamp()").astimezone(UTC)


def _value(connection: psycopg.Connection, query: LiteralString, *parameters: str) -> Any:  # noqa: ANN401
    row = connection.execute(query, parameters).fetchone()
    return row[0] if row else None


def _copy_online(
    server: EmbeddedServer, connection: psycopg.Connection, target: Path, progress: Progress
) -> None:
    address = urlsplit(server.superuser_url)
    arguments = [
        f"--host={address.hostname}",
        f"--port={address.port}",
        f"--username={address.username}",
        "--no-password",
        f"--pgdata={target}",
        "--checkpoint=fast",
        "--wal-method=stream",
    ]
    progress("Copying the data ...")
    environment = {"PGPASSWORD": unquote(address.password or "")}
    for _ in _while_running(server, "pg_basebackup", arguments, environment):
        row = connection.execute(
            "SELECT backup_streamed / 1048576, backup_total / 1048576"
            " FROM pg_stat_progress_basebackup ORDER BY pid LIMIT 1"
        ).fetchone()
        if row and row[1]:
            progress(f"  {row[0]} of about {row[1]} MB ...")


def _run(
    server: EmbeddedServer, program: str, arguments: Sequence[str], environment: dict[str, str]
) -> None:
    for _ in _while_running(server, program, arguments, environment):
        pass


def _while_running(
    server: EmbeddedServer, program: str, arguments: Sequence[str], environment: dict[str, str]
) -> Iterator[None]:
    """Run one of PostgreSQL's programs, and yield every two seconds that it takes."""
    command = [str(server.bin_dir / program), *arguments]
    with subprocess.Popen(  # noqa: S603 - our own programs and arguments
        command,
        env={"PATH": os.defpath, "LC_ALL": "C", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            while True:
                try:
                    _, said = process.communicate(timeout=_PROGRESS_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    yield
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        message = f"{program} failed: {said.strip()}"
        raise BackupError(message)


def _await_archived(connection: psycopg.Connection, wal: Path, progress: Progress) -> None:
    """Return when what was written until now is in the archive: it works, and can be used."""
    # Something to archive, for an empty segment is not ended.
    connection.execute("SELECT pg_create_restore_point('leerruimte backup')")
    segment = wal / f"{_value(connection, 'SELECT pg_walfile_name(pg_switch_wal())')}.gz"
    deadline = time.monotonic() + _ARCHIVED_WITHIN_SECONDS
    told = time.monotonic() + _PROGRESS_SECONDS
    while not segment.exists():
        if time.monotonic() > deadline:
            message = f"The server does not archive to {wal}: its log (postgres.log) says why."
            raise BackupError(message)
        if time.monotonic() > told:
            progress("Waiting for the archive ...")
            told += 10 * _PROGRESS_SECONDS
        time.sleep(0.05)


def _let_go(
    server: EmbeddedServer, backup_dir: Path, kept: int, progress: Progress
) -> list[Backup]:
    """Remove the oldest backups beyond ``kept``, and what was archived before the first left."""
    backups = backups_in(backup_dir, progress)
    old, left = backups[:-kept], backups[-kept:]
    for backup in old:
        # Out of its name first, so that half a backup is never taken for a whole one.
        shutil.rmtree(backup.folder.rename(backup.folder.with_name(f"{backup.folder.name}.part")))
    # By place in the WAL, whatever the line of time, as that program goes: the oldest backup may
    # lie on a line that was left, and begin later than a younger one.
    first = min((backup.first_segment for backup in left), key=lambda segment: segment[8:])
    _run(
        server,
        "pg_archivecleanup",
        ["-x", ".gz", str(archive_folder(backup_dir)), first],
        {},
    )
    return old


def _identity(cluster: Path, progress: Progress) -> int | None:
    """Return which cluster the old data is; None when it is gone, or does not tell any more."""
    if not cluster.exists():
        return None
    try:
        return system_identifier(cluster)
    except OSError as error:
        progress(
            f"{error.filename}: {error.strerror}. The old data does not tell what it is: only what"
            " was archived of it is restored."
        )
        return None


def _choose(
    backup_dir: Path,
    cluster: Path,
    own: int | None,
    *,
    until: datetime | None,
    bin_dir: Path | None,
    progress: Progress,
) -> tuple[Backup, _Line]:
    """Return the last backup from before the instant, and the line of time to follow from it.

    That is the line that the old data (``own``) is on. Without it, it is the newest in the archive.
    """
    backups = backups_in(backup_dir, progress)
    if not backups:
        message = f"There is no backup in {backup_dir} that can be used."
        raise BackupError(message)
    number = None
    if of_it := [backup for backup in backups if backup.system_identifier == own]:
        backups, number = of_it, _line_of(cluster, bin_dir, progress)
    line = _read_line(number, archive_folder(backup_dir), cluster / "pg_wal")
    backups = [backup for backup in backups if line.holds(backup)]
    before = [backup for backup in backups if until is None or backup.usable_from <= until]
    if not before:
        message = "No backup goes back that far."
        if backups:
            message += f" The oldest serves from {backups[0].usable_from:%FT%T.%fZ} on."
        raise BackupError(message)
    return before[-1], line


def _line_of(cluster: Path, bin_dir: Path | None, progress: Progress) -> int | None:
    """Return the line of time that the old data is on; None when it does not tell any more."""
    program = str((bin_dir or wheel_programs()) / "pg_controldata")
    asked = subprocess.run(  # noqa: S603 - our own program and argument
        [program, str(cluster)], env={"LC_ALL": "C"}, check=False, capture_output=True, text=True
    )
    found = _TIMELINE.search(asked.stdout)
    # What it warns of is a checksum that is wrong: then nothing it tells is known to be so.
    if asked.returncode != 0 or asked.stderr or found is None:
        progress("The old data does not tell its line of time: the newest archived is followed.")
        return None
    return int(found[1])


def _read_line(number: int | None, archive: Path, written: Path) -> _Line:
    """Return the line of that number, or the newest archived, with what is known of its past."""
    if number is None:
        archived = [_HISTORY.fullmatch(path.name) for path in archive.glob("*.history.gz")]
        number = max((int(found[1], 16) for found in archived if found), default=1)
    told = _read_history(f"{number:08X}.history", archive, written)
    left_at: dict[int, int] = {}
    # A line that was followed and left before its own beginning leaves the one before it there.
    earliest = sys.maxsize
    for past, left in reversed(_LEFT.findall(told)):
        earliest = left_at[int(past)] = min(earliest, _place(left))
    return _Line(number, left_at)


def _read_history(name: str, archive: Path, written: Path) -> str:
    """Return what was archived, or only written yet, of a line's past; nothing for the first.

    Raises:
        BackupError: it was archived and is damaged.
    """
    archived = archive / f"{name}.gz"
    try:
        return gzip.decompress(archived.read_bytes()).decode()
    except FileNotFoundError:
        return (written / name).read_text() if (written / name).exists() else ""
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        message = f"{archived} can not be read: put back what it was, from a copy of the backups."
        raise BackupError(message) from error


def _count(segment: str) -> int:
    """Return the number of a segment's place in the WAL, whatever its line of time."""
    return int(segment[8:16], 16) * 256 + int(segment[16:24], 16)


def _place(location: str) -> int:
    """Return a place in the WAL, written as ``0/2000028``, as a number."""
    high, _, low = location.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def _copy(source: Path, target: Path, progress: Progress) -> None:
    """Copy a cluster, and have all of it on disk."""
    files = [path for path in source.rglob("*") if path.is_file()]
    total = sum(path.stat().st_size for path in files)
    done, told = 0, time.monotonic()

    def copy(from_: str, to: str) -> str:
        nonlocal done, told
        shutil.copy2(from_, to)
        done += Path(to).stat().st_size
        if time.monotonic() - told > _PROGRESS_SECONDS:
            told = time.monotonic()
            progress(f"  {done // 1048576} of {total // 1048576} MB ...")
        return to

    shutil.copytree(source, target, copy_function=copy)
    _sync(target.rglob("*"))
    target.chmod(0o700)


def _sync(paths: Iterable[Path]) -> None:
    for path in paths:
        sync(path)


def _take_along(written: Path, target: Path, archive: Path, progress: Progress) -> None:
    """Copy the segments and histories that the cluster wrote and the archive does not have."""
    for name, content in _unarchived(written, archive, progress):
        (target / name).touch(mode=0o600)
        (target / name).write_bytes(content)


def _unarchived(written: Path, archive: Path, progress: Progress) -> Iterator[tuple[str, bytes]]:
    """Yield each of them with what is in it; what can not be read is said, and left out."""
    try:
        for path in sorted(written.iterdir()):
            wanted = _SEGMENT.fullmatch(path.name) or path.suffix == ".history"
            if wanted and not (archive / f"{path.name}.gz").exists():
                yield path.name, path.read_bytes()
    except OSError as error:
        progress(
            f"{error.filename}: {error.strerror}. What the old data wrote from there on is restored"
            " as far as it was archived."
        )


def _recover(
    copy: Path,
    launcher: Launcher,
    backup: Backup,
    options: Callable[[datetime | None, ExitStack], ServerOptions],
    *,
    until: datetime | None,
    progress: Progress,
) -> Restored:
    """Bring a copy to the instant, and tell where it came to.

    A recovery that runs out of changes before the instant has them all: nothing is known to have
    been written after them, so that is where it ends.
    """
    # On a port that no client knows, nor the server that a killed restore leaves to be started.
    remembered = replace(backup.remembered, port=free_port())
    (copy / "recovery.signal").touch()
    _hand_over_all(launcher, copy)
    progress("Recovering what was written since ...")
    for target in (until, None):
        try:
            with ExitStack() as held:
                server = running(
                    copy,
                    launcher,
                    remembered,
                    options(target, held),
                    progress=progress,
                    patience_seconds=_RECOVERED_WITHIN_SECONDS,
                )
                held.enter_context(server)
                return Restored(backup, _last_change(remembered), reached=target == until)
        except EmbeddedServerError as error:
            if target is None or _TARGET_NOT_REACHED not in str(error):
                message = (
                    f"The backup can not be recovered: {error}\nTo restore from the one before it,"
                    f" move {backup.folder} away."
                )
                raise BackupError(message) from error
    raise AssertionError  # the second turn returns or raises


def _recovery(
    archive: Path, line: _Line, until: datetime | None, launcher: Launcher, held: ExitStack
) -> ServerOptions:
    """Return the options of a server that takes what was archived, up to the instant."""
    _hand_over_all(launcher, archive)
    name, files = launcher.hand_over(archive, held)
    segment = shell_word(f"{name}/") + "%f.gz"
    values = {
        # What is not there is the end; what is there and can not be read is not (over 125: stop).
        "restore_command": f"test -f {segment} || exit 1; gzip -dc <{segment} >%p || exit 126",
        "recovery_target_timeline": str(line.number),
        "recovery_target_action": "promote",
        "hot_standby": "off",
        # The new history goes to the archive when it is in use, not before: a restore that was
        # killed would leave one there that leads nowhere.
        "archive_command": "",
        # A copy that it crashes on is told, and not begun with again and again.
        "restart_after_crash": "off",
    }
    if until is not None:
        values["recovery_target_time"] = until.astimezone(UTC).isoformat()
    return ServerOptions(values, files)


def _last_change(remembered: Remembered) -> datetime | None:
    with connect_as_superuser(remembered) as connection:
        return _value(connection, "SELECT pg_last_xact_replay_timestamp()")


def _set_aside(data_dir: Path, now: datetime, progress: Progress) -> Path | None:
    """Take the data of before out of its place, with the passwords that go with it."""
    cluster = data_dir / "postgres"
    if not cluster.exists():
        return None
    try:
        shutil.copy(data_dir / "postgres.json", cluster / "postgres.json")
    except FileNotFoundError as error:
        progress(f"{error.filename}: {error.strerror}. The old data is kept without its passwords.")
    aside = data_dir / f"postgres.before-{now:%Y%m%dT%H%M%S.%f}Z"
    cluster.rename(aside)
    sync(data_dir)
    return aside


def _hand_over_all(launcher: Launcher, folder: Path) -> None:
    """Give a folder with all that is in it to the user that the server runs as."""
    if launcher.user is not None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, launcher.user.pw_uid, launcher.user.pw_gid, follow_symlinks=False)
