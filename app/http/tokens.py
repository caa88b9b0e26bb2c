"""Sign-in: bearer tokens of an OpenID provider, checked against its own keys (RFC 8725, RFC 9068).

Every token that does not hold is refused alike, so that an answer never says why. What is trusted
is the configured issuer and the keys it publishes; nothing in a token's header is fetched or used
but the name of its key.
"""

import asyncio
import hashlib
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol, TypeGuard, cast
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK

from app.http.problems import SignInNeeded, SignInUnavailable
from app.kernel.actors import Role

_log = logging.getLogger(__name__)

_ALGORITHMS = frozenset({"RS256", "PS256", "ES256"})
_GOOD_FOR = {"RS256": ("RS256", "PS256"), "PS256": ("PS256",), "ES256": ("ES256",)}
_TYPES = frozenset({"at+jwt", "application/at+jwt", "jwt"})
# A header that brings its own key, or asks for processing we do not know.
_FOREIGN = frozenset({"jku", "jwk", "x5u", "x5c", "crit"})
_REQUIRED = ["exp", "iat", "iss", "aud", "sub"]
# What ID tokens and logout tokens have, and access tokens have not.
_OF_OTHER_TOKENS = frozenset({"at_hash", "c_hash", "s_hash", "events"})
# What some providers call their other tokens, in a claim beside the header's type.
_OTHER_TOKENS = frozenset({"id", "refresh", "offline", "logout"})
_LEEWAY = 30
_MAX_TOKEN = 8192
# As long as a provider may make a subject (OpenID Connect Core, section 2).
_MAX_NAME = 255
# Shorter RSA keys are taken from nobody, whatever an installation asks for.
MIN_RSA_BITS = 2048

_REMEMBER_SECONDS = 60
_REMEMBER_TOKENS = 4096

_REFETCH_SECONDS = 10
_FRESH_SECONDS = 300
_KEEP_SECONDS = 86_400
_MAX_DOCUMENT = 262_144
_FETCH_SECONDS = 3.0
# What a provider can get wrong, or a network: it has then not answered.
_UNANSWERED = (
    AttributeError,
    httpx.HTTPError,
    httpx.InvalidURL,
    KeyError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a verified token stands for, as far as the token says."""

    organisation_id: UUID
    subject: str
    roles: frozenset[Role]
    personnel_number: str | None


class KeySource(Protocol):
    """The public keys of an issuer, by their id."""

    async def key(self, key_id: str) -> PyJWK | None:
        """Return the key, or None when the issuer has none by this id."""
        ...


@dataclass(frozen=True, slots=True)
class Strength:
    """How strong a sign-in, and the key that vouches for it, must be; by default as it comes.

    One of ``contexts`` must be the token's ``acr``, and each of ``methods`` stand in its ``amr``.
    """

    contexts: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    rsa_bits: int = MIN_RSA_BITS

    def holds(self, claims: Claims) -> bool:
        """Tell whether a token says that the sign-in was as strong."""
        context, told = claims.get("acr"), claims.get("amr")
        used = cast("list[object]", told) if isinstance(told, list) else []
        context_fits = isinstance(context, str) and context in self.contexts
        return (context_fits or not self.contexts) and all(one in used for one in self.methods)


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer whose access tokens are taken, for this audience, when they are strong enough."""

    issuer: str
    audience: str
    keys: KeySource
    strength: Strength = field(default_factory=Strength)


@dataclass(frozen=True, slots=True)
class ClaimPaths:
    """Where in a token's claims things stand: names joined by dots, such as ``realm.roles``."""

    organisation: str
    roles: str
    person: str
    role_map: Mapping[str, Role] = field(default_factory=dict[str, Role])


class TenantDirectory(Protocol):
    """The directory by which a token finds its organisation."""

    async def find_tenant(self, reference: str) -> UUID | None: ...


class _TooWeak(jwt.InvalidTokenError):
    """The sign-in was not as strong as is asked for here; told to the log alone."""


class Verifier:
    """Checks bearer tokens; a token that held is remembered until it expires, at most a minute."""

    def __init__(
        self, issuers: Sequence[TrustedIssuer], paths: ClaimPaths, tenants: TenantDirectory
    ) -> None:
        self._issuers = {trusted.issuer: trusted for trusted in issuers}
        self._paths = paths
        self._tenants = tenants
        self._remembered: OrderedDict[bytes, tuple[float, Identity]] = OrderedDict()

    async def authenticate(self, authorization: Sequence[str]) -> Identity:
        """Return who the Authorization header's token stands for.

        Raises:
            SignInNeeded: there is no valid token, or it names no organisation of ours.
            SignInUnavailable: the issuer's keys were never had.
        """
        if len(authorization) != 1:
            raise SignInNeeded
        scheme, _, token = authorization[0].partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > _MAX_TOKEN:
            raise SignInNeeded
        now = time.time()
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        remembered = self._remembered.get(digest)
        if remembered is not None and now < remembered[0]:
            return remembered[1]
        try:
            claims = await self._verify(token)
        except jwt.PyJWTError as error:
            _log.info("token refused", extra={"reason": type(error).__name__})
            raise SignInNeeded from None
        identity = await self._identify(claims)
        self._remembered[digest] = (min(now + _REMEMBER_SECONDS, int(claims["exp"])), identity)
        if len(self._remembered) > _REMEMBER_TOKENS:
            self._remembered.popitem(last=False)
        return identity

    async def _verify(self, token: str) -> Claims:
        header = cast("Mapping[str, object]", jwt.get_unverified_header(token))
        algorithm = header.get("alg")
        key_id = header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS:
            raise jwt.InvalidAlgorithmError
        if str(header.get("typ", "")).lower() not in _TYPES or not _FOREIGN.isdisjoint(header):
            raise jwt.InvalidTokenError
        if not isinstance(key_id, str) or not key_id:
            raise jwt.InvalidKeyError
        unverified = jwt.decode(token, options={"verify_signature": False})
        trusted = self._issuers.get(str(unverified.get("iss")))
        if trusted is None:
            raise jwt.InvalidIssuerError
        key = await trusted.keys.key(key_id)
        if key is None or not _fits(key, algorithm, rsa_bits=trusted.strength.rsa_bits):
            raise jwt.InvalidKeyError
        claims = jwt.decode(
            token,
            key.key,
            algorithms=[algorithm],
            audience=trusted.audience,
            issuer=trusted.issuer,
            leeway=_LEEWAY,
            options={"require": _REQUIRED},
        )
        # An ID token is for the client, not for us, even when we are its audience too.
        named = str(claims.get("typ", "")).lower()
        if not _OF_OTHER_TOKENS.isdisjoint(claims) or named in _OTHER_TOKENS:
            raise jwt.InvalidTokenError
        if not trusted.strength.holds(claims):
            raise _TooWeak
        return claims

    async def _identify(self, claims: Claims) -> Identity:
        reference = _claim(claims, self._paths.organisation)
        subject = claims["sub"]
        person = _claim(claims, self._paths.person)
        if isinstance(person, int) and not isinstance(person, bool):
            person = str(person)
        if not (_names(reference) and _names(subject) and (person is None or _names(person))):
            _log.info("token refused", extra={"reason": "a name that is none"})
            raise SignInNeeded
        organisation_id = await self._tenants.find_tenant(reference)
        if organisation_id is None:
            _log.info("token refused", extra={"reason": "unknown organisation"})
            raise SignInNeeded
        return Identity(
            organisation_id=organisation_id,
            subject=subject,
            roles=self._roles(_claim(claims, self._paths.roles)),
            personnel_number=person,
        )

    def _roles(self, claimed: object) -> frozenset[Role]:
        """Return the roles we know among those claimed: a list, or one text with spaces."""
        if isinstance(claimed, str):
            names: list[object] = [*claimed.split()]
        elif isinstance(claimed, list):
            names = cast("list[object]", claimed)
        else:
            names = []
        known = {**{role.value: role for role in Role}, **self._paths.role_map}
        return frozenset(known[name] for name in names if isinstance(name, str) and name in known)


class StaticKeys:
    """Keys that are known beforehand, as a JSON Web Key Set."""

    def __init__(self, key_set: dict[str, Any]) -> None:
        self._keys = _signing_keys(key_set)

    async def key(self, key_id: str) -> PyJWK | None:
        """Return the key, or None when the set has none by this id."""
        return self._keys.get(key_id)


class PublishedKeys:
    """The keys an issuer publishes by discovery, fetched when needed and kept when it is down.

    An unknown key id makes it look again, at most every ten seconds; known keys are looked at
    again every five minutes, so that a withdrawn key goes, and are kept for a day without answer.
    ``clock`` tells seconds from any beginning.
    """

    def __init__(
        self,
        issuer: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._transport = transport
        self._clock = clock
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._look: asyncio.Task[None] | None = None
        self._answers = True

    async def key(self, key_id: str) -> PyJWK | None:
        """Return the key, or None when the issuer has none by this id.

        Raises:
            SignInUnavailable: the issuer has not answered yet, or not for a day.
        """
        known = self._keys.get(key_id)
        if known is None or self._older_than(_FRESH_SECONDS):
            look = self._looking()
            # Who has a key that serves need not wait for an issuer that did not answer last time.
            serves = known is not None and not self._older_than(_KEEP_SECONDS)
            if look is not None and (self._answers or not serves):
                await asyncio.shield(look)
            known = self._keys.get(key_id)
        if self._older_than(_KEEP_SECONDS):
            raise SignInUnavailable
        return known

    def _older_than(self, seconds: float) -> bool:
        return self._fetched_at is None or self._clock() - self._fetched_at > seconds

    def _looking(self) -> asyncio.Task[None] | None:
        """Return the look at the issuer that is under way, begun now unless it is too soon."""
        if self._look is None or self._look.done():
            now = self._clock()
            if self._tried_at is not None and now - self._tried_at < _REFETCH_SECONDS:
                return None
            self._tried_at = now
            self._look = asyncio.create_task(self._look_again())
        return self._look

    async def _look_again(self) -> None:
        try:
            async with asyncio.timeout(_FETCH_SECONDS):
                self._keys = await self._fetch()
        except _UNANSWERED as error:
            self._answers = False
            _log.warning("issuer's keys not had", extra={"reason": type(error).__name__})
        else:
            self._answers = True
            self._fetched_at = self._clock()

    async def _fetch(self) -> dict[str, PyJWK]:
        async with httpx.AsyncClient(timeout=_FETCH_SECONDS, transport=self._transport) as client:
            found = await _document(
                client, self._issuer.rstrip("/") + "/.well-known/openid-configuration"
            )
            if found["issuer"] != self._issuer:
                message = "the provider says it is another issuer"
                raise ValueError(message)
            address = str(found["jwks_uri"])
            if urlsplit(address).scheme not in {"https", urlsplit(self._issuer).scheme}:
                message = "the keys are not behind TLS"
                raise ValueError(message)
            return _signing_keys(await _document(client, address))


def _signing_keys(document: Mapping[str, Any]) -> dict[str, PyJWK]:
    """Return the keys of a set that sign, by their id; what is no key of ours is passed over."""
    found: dict[str, PyJWK] = {}
    for told in cast("list[dict[str, Any]]", document["keys"]):
        key_id = told.get("kid")
        if not isinstance(key_id, str) or told.get("use") not in (None, "sig"):
            continue
        try:
            found[key_id] = PyJWK(told)
        except (jwt.PyJWTError, TypeError, ValueError):
            continue
    return found


async def _document(client: httpx.AsyncClient, address: str) -> dict[str, Any]:
    """Return a JSON document of the provider: read up to a bound, as it is, from there alone.

    Raises:
        ValueError: it is not there, too large, or no JSON.
        TypeError: it is no JSON object.
    """
    # Not compressed: a small answer could be a huge document.
    asked = {"Accept": "application/json", "Accept-Encoding": "identity"}
    read = bytearray()
    async with client.stream("GET", address, headers=asked) as answer:
        if answer.status_code != HTTPStatus.OK:
            message = "the provider does not answer with a document"
            raise ValueError(message)
        async for chunk in answer.aiter_raw():
            read += chunk
            if len(read) > _MAX_DOCUMENT:
                message = "the provider's document is too large"
                raise ValueError(message)
    parsed: object = json.loads(read)
    if not isinstance(parsed, dict):
        message = "the provider's document is no JSON object"
        raise TypeError(message)
    return cast("dict[str, Any]", parsed)


def _fits(key: PyJWK, algorithm: str, *, rsa_bits: int) -> bool:
    """Tell whether a key may be used with an algorithm, and is long enough.

    A key that declares no algorithm goes by the default of its kind; an RSA key is then good for
    both paddings.
    """
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < rsa_bits:
        return False
    return algorithm in _GOOD_FOR.get(key.algorithm_name, ())


def _names(claim: object) -> TypeGuard[str]:
    """Tell whether a claim can name somebody: some text, not endless, that can be stored."""
    return isinstance(claim, str) and 0 < len(claim) <= _MAX_NAME and claim.isprintable()


def _claim(claims: Claims, path: str) -> object:
    """Return the claim at a dotted path; one by the whole name goes first (it may be a URL)."""
    if path in claims:
        return claims[path]
    found: object = claims
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = cast("Mapping[str, object]", found).get(name)
    return found
