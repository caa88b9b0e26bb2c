"""Tokens of the test issuer: signed with a key of this run, whose public half the app is given."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from time import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt import PyJWK
from jwt.algorithms import RSAAlgorithm

from app.kernel.actors import Role

ISSUER = "https://issuer.test"
AUDIENCE = "leerruimte"
KEY_ID = "test-1"

_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_PUBLIC = PyJWK(
    RSAAlgorithm.to_jwk(_KEY.public_key(), as_dict=True)
    | {"kid": KEY_ID, "use": "sig", "alg": "RS256"}
)


class IssuerKeys:
    """The issuer's public key, handed to the app in place of what a provider would publish."""

    async def key(self, key_id: str) -> PyJWK | None:
        return _PUBLIC if key_id == KEY_ID else None


def token(
    *,
    organisation: str,
    roles: Collection[Role | str],
    subject: str = "someone",
    personnel_number: str | None = None,
    lifetime: timedelta = timedelta(minutes=10),
    claims: Mapping[str, Any] | None = None,
    headers: Mapping[str, Any] | None = None,
) -> str:
    """Return an access token; ``claims`` and ``headers`` change it, a claim of None is left out."""
    now = int(time())
    content: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "iat": now,
        "exp": now + int(lifetime.total_seconds()),
        "organisation": organisation,
        "roles": sorted(roles),
        "personnel_number": personnel_number,
        **(claims or {}),
    }
    return jwt.encode(
        {name: value for name, value in content.items() if value is not None},
        _KEY,
        algorithm="RS256",
        headers={"kid": KEY_ID, "typ": "at+jwt", **(headers or {})},
    )
