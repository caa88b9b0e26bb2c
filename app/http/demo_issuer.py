"""The demo's own sign-in: an issuer inside the service, in demo mode only.

Whoever can reach it can be anybody of the demo: there is no password to know.
"""

import hashlib
import os
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol
from urllib.parse import parse_qs
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from jwt.algorithms import RSAAlgorithm

from app.http.bodies import BoundedRequest
from app.http.problems import language_of
from app.http.tokens import StaticKeys, TrustedIssuer
from app.kernel.actors import Role
from app.kernel.errors import Text
from app.kernel.wording import say

AUDIENCE = "leerruimte"
PATH = "/demo"
# Where the demo's tokens say these things: the names that the settings have by default.
ORGANISATION_CLAIM = "organisation"
PERSON_CLAIM = "personnel_number"
ROLES_CLAIM = "roles"

_ACCESS_SECONDS = 3600
_REFRESH_SECONDS = 8 * 3600
_MAX_FORM = 8192
_MAX_FIELDS = 20


class Persona(Protocol):
    """Somebody of the demo to sign in as."""

    @property
    def username(self) -> str: ...

    @property
    def title(self) -> Text: ...

    @property
    def can(self) -> Text: ...

    @property
    def organisation_slug(self) -> str: ...

    @property
    def personnel_number(self) -> str | None: ...

    @property
    def roles(self) -> Collection[Role]: ...


class SigningIssuer:
    """An issuer that signs tokens with a key of its own."""

    def __init__(self, issuer: str, key: rsa.RSAPrivateKey, *, audience: str = AUDIENCE) -> None:
        self.issuer = issuer
        self.audience = audience
        self._key = key
        der = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self._key_id = hashlib.sha256(der).hexdigest()[:32]
        self._public: dict[str, Any] = {
            **RSAAlgorithm.to_jwk(key.public_key(), as_dict=True),
            "kid": self._key_id,
            "alg": "RS256",
            "use": "sig",
        }

    @classmethod
    def kept_in(cls, folder: Path, issuer: str) -> "SigningIssuer":
        """Return the issuer whose key is kept in ``folder``, readable by its owner alone.

        Workers that start together agree on one key: the file is linked into place, so the first
        one wins whole.
        """
        path = folder / "demo-issuer.pem"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            made = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            draft = folder / f".demo-issuer-{uuid4().hex}.pem"
            draft.touch(mode=0o600)
            draft.write_bytes(made)
            try:
                os.link(draft, path)
            except FileExistsError:
                pass  # another worker was first
            finally:
                draft.unlink()
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            message = f"{path} holds no RSA key; remove it to have a new one made"
            raise TypeError(message)
        return cls(issuer, key)

    @property
    def trusted(self) -> TrustedIssuer:
        """Return this issuer as the verifier takes it."""
        return TrustedIssuer(self.issuer, self.audience, StaticKeys(self.key_set()))

    def key_set(self) -> dict[str, Any]:
        """Return the public key as a JSON Web Key Set."""
        return {"keys": [self._public]}

    def token(
        self,
        subject: str,
        claims: Mapping[str, object],
        *,
        seconds: int = _ACCESS_SECONDS,
        kind: str = "at+jwt",
    ) -> str:
        """Return a signed token that is good for ``seconds`` from now."""
        now = int(time.time())
        return jwt.encode(
            {
                "iss": self.issuer,
                "aud": self.audience,
                "sub": subject,
                "iat": now,
                "exp": now + seconds,
                "jti": uuid4().hex,
                **claims,
            },
            self._key,
            algorithm="RS256",
            headers={"kid": self._key_id, "typ": kind},
        )

    def refreshed_subject(self, token: str) -> str | None:
        """Return whom a refresh token is of, or None when it is not a valid one of ours."""
        try:
            if jwt.get_unverified_header(token).get("typ") != "rt+jwt":
                return None
            claims = jwt.decode(
                token,
                self._key.public_key(),
                algorithms=["RS256"],
                audience=self.audience,
                issuer=self.issuer,
                options={"require": ["exp", "sub"]},
            )
        except jwt.PyJWTError:
            return None
        return str(claims["sub"])


class DemoSignIn:
    """The addresses under ``/demo``: who there is to sign in as, and their tokens."""

    _answers: ClassVar = {"Cache-Control": "no-store"}

    def __init__(self, issuer: SigningIssuer, personas: Mapping[str, Persona]) -> None:
        self._issuer = issuer
        self._personas = personas

    def router(self) -> APIRouter:
        """Return the routes; they are outside the API and its document."""
        router = APIRouter(prefix=PATH, include_in_schema=False, redirect_slashes=False)
        router.add_api_route("/.well-known/openid-configuration", self.configuration)
        router.add_api_route("/jwks", self.keys)
        router.add_api_route("/token", self.token, methods=["POST"])
        router.add_api_route("/personas", self.personas)
        return router

    async def configuration(self) -> JSONResponse:
        """Answer the discovery document of the demo issuer."""
        base = self._issuer.issuer
        return JSONResponse(
            {
                "issuer": base,
                "jwks_uri": f"{base}/jwks",
                "token_endpoint": f"{base}/token",
                "response_types_supported": ["token"],
                "grant_types_supported": ["password", "refresh_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["none"],
            }
        )

    async def keys(self) -> JSONResponse:
        """Answer the public key of the demo issuer."""
        return JSONResponse(self._issuer.key_set())

    async def personas(self, request: Request) -> JSONResponse:
        """Answer whom one can sign in as."""
        return JSONResponse(
            {
                "items": [
                    {
                        "username": persona.username,
                        "title": say(persona.title, {}, language_of(request)),
                        "organisation": persona.organisation_slug,
                        "roles": sorted(role.value for role in persona.roles),
                    }
                    for persona in self._personas.values()
                ]
            }
        )

    async def token(self, request: Request) -> JSONResponse:
        """Answer a token; the username is a persona (OAuth 2 password form, RFC 6749, 4.3)."""
        bounded = BoundedRequest(request.scope, request.receive)
        body = await bounded.read(limit=_MAX_FORM)
        bounded.check_media_type({"application/x-www-form-urlencoded"})
        try:
            form = parse_qs(body.decode("utf-8", "replace"), max_num_fields=_MAX_FIELDS)
        except ValueError:
            return self._refuse("invalid_request", f"Send at most {_MAX_FIELDS} fields.")
        match form.get("grant_type", ["password"])[0]:
            case "password":
                username = form.get("username", [""])[0].strip()
            case "refresh_token":
                username = self._issuer.refreshed_subject(form.get("refresh_token", [""])[0])
            case _:
                return self._refuse("unsupported_grant_type", "Use the password grant.")
        persona = self._personas.get(username or "")
        if persona is None:
            known = ", ".join(self._personas)
            return self._refuse("invalid_grant", f"The demo's personas are: {known}.")
        return JSONResponse(
            {
                "access_token": self._issuer.token(persona.username, _claims(persona)),
                "token_type": "Bearer",
                "expires_in": _ACCESS_SECONDS,
                "refresh_token": self._issuer.token(
                    persona.username, {}, seconds=_REFRESH_SECONDS, kind="rt+jwt"
                ),
            },
            headers=self._answers,
        )

    def _refuse(self, error: str, description: str) -> JSONResponse:
        """Answer as OAuth has it (RFC 6749 section 5.2), for its clients read that."""
        return JSONResponse(
            {"error": error, "error_description": description},
            status_code=400,
            headers=self._answers,
        )


def _claims(persona: Persona) -> dict[str, object]:
    person = persona.personnel_number
    return {
        ORGANISATION_CLAIM: persona.organisation_slug,
        ROLES_CLAIM: sorted(role.value for role in persona.roles),
        **({} if person is None else {PERSON_CLAIM: person}),
    }
