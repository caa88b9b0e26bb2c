"""Rate limits: how much one client, and one organisation, may ask of all workers together.

Each is a bucket that fills up again at a steady pace. Of a full bucket nothing needs to be kept,
so what is kept of a bucket is one instant: when it will be full (the generic cell rate algorithm).
``docs/decisions/0006-rate-limits.md`` says why here, and why not by address.
"""

import fcntl
import hashlib
import logging
import mmap
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from tempfile import TemporaryFile
from typing import Protocol
from uuid import UUID

from app.http.problems import EdgeRefusal
from app.kernel.errors import Text

LIMIT = "RateLimit"
POLICY = "RateLimit-Policy"

_log = logging.getLogger(__name__)

_FILE = "rates"
_SECOND = 1_000_000_000
# Rows of eight places; a place is the fingerprint of a bucket's key and when it is full again.
_ROWS = 8192
_ROW = Struct("=16Q")
_PLACE = Struct("=2Q")
_SIZE = _ROWS * _ROW.size
# No window is longer: a bucket that is full later than this was left by a clock that has gone.
_HORIZON = 3600 * _SECOND
# A lock is held for microseconds: who waits for it this long has met a worker that is paused.
_PATIENCE = 20_000_000


class TooManyRequests(EdgeRefusal):
    slug = "too-many-requests"
    status = 429
    title = Text(en="Too many requests", nl="Te veel verzoeken")
    detail = Text(
        en='More than {most} requests in {window_seconds} seconds: the limit "{limit}".',
        nl='Meer dan {most} verzoeken in {window_seconds} seconden: de grens "{limit}".',
    )
    remedy = Text(
        en="Repeat the request after the seconds of Retry-After, and spread what follows.",
        nl="Herhaal het verzoek na de seconden van Retry-After, en spreid wat volgt.",
    )


@dataclass(frozen=True, slots=True)
class Quota:
    """A bucket's measure: how much at once, and how much a second in the long run."""

    name: str
    burst: int
    per_second: int

    @property
    def interval(self) -> int:
        """Return the time in which one request's worth comes back, in nanoseconds."""
        return _SECOND // self.per_second

    @property
    def window(self) -> int:
        """Return the time in which an empty bucket fills, in nanoseconds."""
        return self.burst * self.interval


@dataclass(frozen=True, slots=True)
class Left:
    """What is left in a bucket: how many requests, and in how many nanoseconds it is full."""

    requests: int
    full_after: int


class RateSettings(Protocol):
    """What the limits need of the settings."""

    @property
    def data_dir(self) -> Path: ...

    @property
    def rate_limits(self) -> bool: ...

    @property
    def client_burst(self) -> int: ...

    @property
    def client_requests_per_second(self) -> int: ...

    @property
    def organisation_burst(self) -> int: ...

    @property
    def organisation_requests_per_second(self) -> int: ...


class Buckets:
    """The buckets of all workers of this machine: a file of fixed size that each has in memory.

    Where the file can not be made, a worker counts by itself and says so in the log.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._file = _open(folder)
            self._memory = mmap.mmap(self._file, _SIZE)
        except OSError as error:
            _log.warning("rate limits count per worker", extra={"reason": error.strerror})
            with TemporaryFile() as file:
                self._file = os.dup(file.fileno())
            self._memory = mmap.mmap(-1, _SIZE)

    def close(self) -> None:
        """Let go of the file."""
        self._memory.close()
        os.close(self._file)

    def take(
        self, wanted: list[tuple[bytes, Quota]], now: int
    ) -> tuple[list[Left], tuple[Quota, int] | None]:
        """Take one request out of every bucket, or out of none when one of them is empty.

        ``wanted`` are buckets by the eight bytes of their keys, ``now`` is in nanoseconds of a
        clock that all workers share. Returns what is left in each, and which was empty with the
        nanoseconds until there is room in it.
        """
        left: list[Left] = []
        changes: list[tuple[int, int, int]] = []
        with self._alone():
            for digest, quota in wanted:
                key = int.from_bytes(digest) or 1
                place, full_at = self._find(key, now)
                # Much later than it can be: left from before the machine started anew. A little
                # later may be, for another worker read the clock after this one did.
                if not now <= full_at <= now + quota.window + _SECOND:
                    full_at = now
                full_at += quota.interval
                over = full_at - now - quota.window
                if over > 0:
                    return left, (quota, over)
                left.append(Left(-over // quota.interval, full_at - now))
                changes.append((place, key, full_at))
            for place, key, full_at in changes:
                _PLACE.pack_into(self._memory, place, key, full_at)
        return left, None

    def _find(self, key: int, now: int) -> tuple[int, int]:
        """Return the place of a bucket and when it is full; a new one has the least used place."""
        start = key % _ROWS * _ROW.size
        row = _ROW.unpack_from(self._memory, start)
        keys = row[::2]
        if key in keys:
            index = keys.index(key)
            return start + index * _PLACE.size, row[2 * index + 1]
        used = [at if at < now + _HORIZON else 0 for at in row[1::2]]
        return start + used.index(min(used)) * _PLACE.size, now

    @contextmanager
    def _alone(self) -> Generator[None]:
        """Hold the file alone; go on without it when whoever holds it does not run.

        The count of a request may then be lost, which is better than to wait for a paused worker.
        """
        is_held = self._lock()
        try:
            yield
        finally:
            if is_held:
                fcntl.lockf(self._file, fcntl.LOCK_UN)

    def _lock(self) -> bool:
        """Lock the file; tell whether it was to be had."""
        give_up: int | None = None
        while True:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                give_up = give_up or time.monotonic_ns() + _PATIENCE
                if time.monotonic_ns() > give_up:
                    return False
                os.sched_yield()
            except OSError:
                # A file system without locks: the counts of two workers may then cross.
                return False
            else:
                return True


def _open(folder: Path) -> int:
    """Open the file of the buckets, made where it is not there.

    All of it is on the disk from the start: who writes to a hole in it when the disk is full is
    killed (SIGBUS).

    Raises:
        OSError: it can not be made, or there is no room for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = os.open(folder / _FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(file, 0, _SIZE)
    except OSError:
        os.close(file)
        raise
    return file


class Rates:
    """The limits of every client and organisation that signs in."""

    def __init__(self, settings: RateSettings) -> None:
        self._client = Quota("client", settings.client_burst, settings.client_requests_per_second)
        self._organisation = Quota(
            "organisation", settings.organisation_burst, settings.organisation_requests_per_second
        )
        self._buckets = Buckets(settings.data_dir) if settings.rate_limits else None
        self._policy = ", ".join(
            f'"{quota.name}";q={quota.burst};w={_seconds(quota.window)}'
            for quota in (self._client, self._organisation)
        )

    def close(self) -> None:
        """Let go of what is shared with the other workers."""
        if self._buckets is not None:
            self._buckets.close()

    def admit(self, organisation_id: UUID, client: bytes) -> list[tuple[bytes, bytes]]:
        """Count a request of a client; return the headers that tell its answer what is left.

        ``client`` is its fingerprint.

        Raises:
            TooManyRequests: the client, or its organisation, has asked too much.
        """
        if self._buckets is None:
            return []
        wanted = [
            (client, self._client),
            (_digest(organisation_id.bytes), self._organisation),
        ]
        left, empty = self._buckets.take(wanted, time.monotonic_ns())
        if empty is not None:
            raise self._refusal(*empty)
        told = ", ".join(
            f'"{quota.name}";r={found.requests};t={_seconds(found.full_after)}'
            for (_, quota), found in zip(wanted, left, strict=True)
        )
        return [
            (LIMIT.lower().encode(), told.encode()),
            (POLICY.lower().encode(), self._policy.encode()),
        ]

    def _refusal(self, quota: Quota, wait: int) -> TooManyRequests:
        seconds = _seconds(wait)
        return TooManyRequests(
            headers={
                "Retry-After": str(seconds),
                LIMIT: f'"{quota.name}";r=0;t={seconds}',
                POLICY: self._policy,
            },
            limit=quota.name,
            most=quota.burst,
            window_seconds=_seconds(quota.window),
            retry_after_seconds=seconds,
        )


def fingerprint(organisation_id: UUID, subject: str) -> bytes:
    """Return the eight bytes by which a client is known to the limits and in the log."""
    return _digest(organisation_id.bytes + subject.encode())


def _digest(key: bytes) -> bytes:
    return hashlib.blake2b(key, digest_size=8).digest()


def _seconds(nanoseconds: int) -> int:
    """Return whole seconds, rounded up: who waits that long has waited long enough."""
    return -(-nanoseconds // _SECOND)
