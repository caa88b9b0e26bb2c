"""What an installation chooses, read from the environment once and passed in from there.

A number that a policy or a law fixes is never a setting: it lives in a policy version or in a rule.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.kernel.actors import Role

APP_ROLE = "leerruimte_app"

_HOUR_SECONDS = 3600
_SCHEMES = ("postgresql", "postgres")
_PORTS = 65_536
_UNREADABLE = (
    "this can not be read in one way: a port is a number up to 65535, and in a password a # is"
    " %23, a ? %3F, an @ %40, a / %2F"
)
# By these a URL's query would have a say in who signs in, also in the app role's place.
_SIGN_IN = frozenset({"user", "password", "service", "servicefile"})
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


class SettingMissing(Exception):
    """A setting this command can not do without is absent; says which, and how to give it."""


def _check_database_url(url: SecretStr) -> SecretStr:
    """Return ``url`` with the scheme spelt ``postgresql``.

    Raises:
        ValueError: it has another scheme, or is not to be used; the reason does not quote it.
    """
    scheme, separator, rest = url.get_secret_value().partition("://")
    if scheme not in _SCHEMES or not separator:
        message = "a database URL starts with postgresql://"
        raise ValueError(message)
    whole = f"postgresql://{rest}"
    try:
        given = conninfo_to_dict(whole)
    except ProgrammingError:
        # What PostgreSQL says of it quotes the URL, and the password with it.
        message = "this is no URL that PostgreSQL can read; a space in it is %20, an @ %40, a / %2F"
        raise ValueError(message) from None
    if any("," in str(given.get(part, "")) for part in ("host", "hostaddr", "port")):
        message = "this names several servers; give the one, or a name that follows the one"
        raise ValueError(message)
    _check_sign_in(whole, given)
    host = str(given.get("hostaddr") or given.get("host") or "")
    if "sslmode" in given or _is_near(host):
        return SecretStr(whole)
    # TLS, and the server's name checked, where it is another machine and the URL says nothing.
    wanted = {"sslmode": "verify-full"}
    if "sslrootcert" not in given:
        wanted["sslrootcert"] = "system"
    return SecretStr(f"{whole}{'&' if '?' in whole else '?'}{urlencode(wanted)}")


def _check_sign_in(url: str, given: Mapping[str, object]) -> None:
    """See that all who read the URL take the same role and password from it, and from one place.

    What is derived of it for the service's role replaces what stands before the @, nothing else.

    Raises:
        ValueError: they do not, or it is no URL for them.
    """
    # Here, for it takes a third of a second, and most commands tell their settings without it.
    from sqlalchemy.engine import make_url  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        parts, read = urlsplit(url), make_url(url)
        port_is_fit = 0 < int(str(given.get("port", 5432))) < _PORTS
    except (ArgumentError, ValueError):
        raise ValueError(_UNREADABLE) from None
    asked = {name for name, _ in parse_qsl(url.partition("?")[2], keep_blank_values=True)}
    if named := sorted(_SIGN_IN & asked):
        message = f"{', '.join(named)} in its query: role and password stand before the @"
        raise ValueError(message)
    by_libpq = given.get("user", ""), given.get("password", "")
    by_engine = read.username or "", read.password or ""
    by_us = unquote(parts.username or ""), unquote(parts.password or "")
    if not port_is_fit or not by_libpq == by_engine == by_us:
        raise ValueError(_UNREADABLE)


def _is_near(host: str) -> bool:
    """Tell whether a server is on this machine (a socket too), or on its private network.

    A name without a dot is of the same network, as the service names of Compose are.
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.startswith("/") or "." not in host


def _read_json(given: object) -> object:
    """Return what a setting says in JSON; what is no JSON raises ValueError."""
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except ValueError:
        message = 'this is no JSON; write an object such as {"Manager": "manager"}'
        raise ValueError(message) from None


def _check_folder(folder: Path) -> Path:
    """Return where a folder is or can be made.

    Raises:
        ValueError: a file is in the way.
    """
    for place in (folder, *folder.parents):
        # Not for us to see: whoever makes it there says so.
        with suppress(PermissionError):
            if place.is_dir():
                break
            if place.exists():
                message = f"{place} is a file, and no folder"
                raise ValueError(message)
    return folder


DatabaseUrl = Annotated[SecretStr, AfterValidator(_check_database_url)]
Folder = Annotated[Path, AfterValidator(_check_folder)]


class Settings(BaseSettings):
    """Settings by their environment names, in capitals: ``DATABASE_URL``, ``PORT``, ``DEMO``.

    Nothing secret has a default. In demo mode alone the service signs its own tokens, with a key
    it makes and keeps in ``data_dir``; outside it ``OIDC_ISSUER`` and ``OIDC_AUDIENCE`` are needed.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_ignore_empty=True)

    # The role that owns the schema and migrates, and the one the service works with.
    database_url: DatabaseUrl | None = None
    app_database_url: DatabaseUrl | None = None
    # A folder with PostgreSQL's programs, for the embedded server to use instead of the wheel's.
    pg_bin_dir: Path | None = None
    data_dir: Folder = Path(".data")
    # Where the embedded server's backups are, by default in ``data_dir``; and how many are kept.
    backup_dir: Path | None = None
    backups_kept: Annotated[int, Field(ge=1, le=1000)] = 7

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    # Addresses (with commas) of proxies whose X-Forwarded-For and -Proto are believed.
    trusted_proxies: str = ""
    # From SIGTERM on: as long it serves on and says that it is not ready, and then requests that
    # were accepted have the rest of the time to end.
    drain_seconds: Annotated[float, Field(ge=0, le=60)] = 1.0
    graceful_shutdown_seconds: Annotated[int, Field(ge=1, le=300)] = 10
    # Whether the serving processes also do what ``leerruimte worker`` does.
    upkeep: bool = True
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    demo: bool = False

    oidc_issuer: str | None = None
    oidc_audience: str | None = None
    # What the provider knows the docs page as: a public client that signs in by code with PKCE.
    oidc_docs_client: str | None = None
    # Paths into the token's claims, parts joined by dots: ``realm_access.roles``.
    oidc_claim_organisation: str = "organisation"
    oidc_claim_roles: str = "roles"
    oidc_claim_person: str = "personnel_number"
    # The provider's role names (JSON object) to ours; a name that is one of ours needs no entry.
    oidc_role_map: Annotated[dict[str, Role], NoDecode, BeforeValidator(_read_json)] = Field(
        default_factory=dict
    )
    # How strong a sign-in is asked for, parts with spaces between: a token's ``acr`` is one of the
    # first, and its ``amr`` names all of the second. Nothing is asked for when left out.
    oidc_acr_values: str = ""
    oidc_amr_values: str = ""
    # Which RSA keys of the provider are long enough; 3072 bits are 128 bits of strength.
    oidc_min_rsa_bits: Annotated[int, Field(ge=2048, le=16_384)] = 2048

    # Connections per worker, and how long a request waits for one before 503 with Retry-After.
    pool_size: Annotated[int, Field(ge=1, le=100)] = 8
    pool_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 2.0

    # How long a body may be under way before 408; the connection is closed five seconds later.
    arrival_seconds: Annotated[int, Field(ge=1, le=25)] = 20
    max_body_bytes: Annotated[int, Field(ge=1024)] = 1_048_576
    max_import_bytes: Annotated[int, Field(ge=1024)] = 20_000_000

    # How many requests one client (an organisation's subject), and one organisation, may send at
    # once and in the long run: counted for all workers together.
    rate_limits: bool = True
    client_burst: Annotated[int, Field(ge=1, le=100_000_000)] = 1000
    client_requests_per_second: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    organisation_burst: Annotated[int, Field(ge=1, le=100_000_000)] = 3000
    organisation_requests_per_second: Annotated[int, Field(ge=1, le=1_000_000)] = 300

    @model_validator(mode="after")
    def _need_sign_in(self) -> Self:
        if (self.oidc_issuer is None) != (self.oidc_audience is None):
            message = "OIDC_ISSUER and OIDC_AUDIENCE go together: give both or neither"
            raise ValueError(message)
        if self.oidc_issuer is not None and not _is_private(self.oidc_issuer):
            message = "OIDC_ISSUER is an https:// address; http:// is for this machine alone"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _fill_within_an_hour(self) -> Self:
        for burst, pace in (
            (self.client_burst, self.client_requests_per_second),
            (self.organisation_burst, self.organisation_requests_per_second),
        ):
            if burst > pace * _HOUR_SECONDS:
                message = f"a burst of {burst} needs more than an hour at {pace} a second"
                raise ValueError(message)
        return self

    @property
    def owner_url(self) -> str:
        """Return the URL of the role that owns the schema.

        Raises:
            SettingMissing: ``DATABASE_URL`` is absent.
        """
        if self.database_url is None:
            message = "DATABASE_URL is not set; 'leerruimte run' starts a server of its own instead"
            raise SettingMissing(message)
        return self.database_url.get_secret_value()

    @property
    def backups(self) -> Path:
        """Return where the embedded server's backups are."""
        return self.backup_dir or self.data_dir / "backups"

    @property
    def cursor_secret(self) -> bytes:
        """Return what cursors of pages are sealed with: the same wherever the database is."""
        return _derived(self.app_url, b"leerruimte cursor")

    @property
    def app_url(self) -> str:
        """Return the URL the service works with: ``APP_DATABASE_URL``, or derived from the owner's.

        Raises:
            SettingMissing: neither URL is set.
        """
        if self.app_database_url is not None:
            return self.app_database_url.get_secret_value()
        return _as_role(urlsplit(self.owner_url), APP_ROLE, app_role_password(self.owner_url))


def _is_private(address: str) -> bool:
    """Tell whether nobody on the way can change what an address answers: TLS, or no way at all."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE)


def _derived(secret: str, purpose: bytes) -> bytes:
    """Return a secret for one purpose out of another, which it does not give away."""
    return hmac.digest(secret.encode(), purpose, hashlib.sha256)


def app_role_password(owner_url: str) -> str | None:
    """Return the password of the derived app role: an HMAC under the owner's, so nobody keeps two.

    None when the owner's URL has no password (a password file, a certificate, a trusting server).
    """
    secret = urlsplit(owner_url).password
    if not secret:
        return None
    return _derived(unquote(secret), b"leerruimte app role").hex()


def _as_role(url: SplitResult, role: str, password: str | None) -> str:
    hosts = url.netloc.rpartition("@")[2]
    credentials = quote(role, safe="") + (f":{quote(password, safe='')}" if password else "")
    return url._replace(netloc=f"{credentials}@{hosts}").geturl()
