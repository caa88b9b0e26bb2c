"""Tokens of the test issuer: signed with a key of this run, whose public half the app is given."""

import json
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt import PyJWK
from jwt.algorithms import RSAAlgorithm

from app.kernel.actors import Role

ISSUER = "https://issuer.test"
# All that can go together: who bears a knowledge broker's role too has no part in much (VIS-5.4).
TOGETHER = tuple(role for role in Role if role is not Role.KNOWLEDGE_BROKER)
AUDIENCE = "leerruimte"
KEY_ID = "test-1"

_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_PUBLISHED = RSAAlgorithm.to_jwk(_KEY.public_key(), as_dict=True) | {
    "kid": KEY_ID,
    "use": "sig",
    "alg": "RS256",
}
_PUBLIC = PyJWK(_PUBLISHED)


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


class _Published(BaseHTTPRequestHandler):
    """Answers discovery, and the keys."""

    def do_GET(self) -> None:
        issuer = f"http://{self.headers['Host']}"
        document = (
            {"keys": [_PUBLISHED]}
            if self.path == "/keys"
            else {"issuer": issuer, "jwks_uri": f"{issuer}/keys"}
        )
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base names it
        """Say nothing."""


@contextmanager
def published() -> Generator[str]:
    """Publish the keys as a provider does, for a service that is a process; yield the issuer."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Published) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
