"""A real OpenID provider as a process, and a service on a socket that knows no more than its name.

The keys it signs with are made here, so that a test can also write what it never would.
"""

import asyncio
import json
import socket
import subprocess
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urljoin, urlsplit
from uuid import uuid4

import httpx
import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI
from jwt.algorithms import RSAAlgorithm

from tests.support.node import NODE
from tests.support.process import free_port

AUDIENCE = "leerruimte"
REDIRECT = "http://127.0.0.1:1/docs/oauth2-redirect"
DISCOVERY = "/.well-known/openid-configuration"
KEYS = "/keys"
_STEPS_TO_SIGN_IN = 10

Claims = Mapping[str, object]


class Issuer:
    """Whoever signs tokens: a name, and keys by their ids.

    ``told`` is what its good tokens say besides: of which organisation, in which roles.
    """

    def __init__(self, issuer: str, told: Claims) -> None:
        self.issuer = issuer
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self._told = told

    def make_keys(self, *key_ids: str) -> None:
        """Make the keys that are not there yet."""
        for key_id in key_ids:
            if key_id not in self.keys:
                self.keys[key_id] = rsa.generate_private_key(65537, 2048)

    def claims(self, **changes: object) -> dict[str, object]:
        """Return the claims of a good token; one that is changed into None is left out."""
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": "somebody",
            "iat": now,
            "exp": now + 300,
            "jti": uuid4().hex,
            **self._told,
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def signed(
        self,
        claims: Claims | None = None,
        *,
        key_id: str = "k1",
        headers: Mapping[str, object] | None = None,
        algorithm: str = "RS256",
    ) -> str:
        """Return a token with the issuer's own signature over these claims."""
        told: dict[str, Any] = {"kid": key_id, "typ": "at+jwt", **(headers or {})}
        content = dict(claims or self.claims())
        return jwt.encode(content, self.keys[key_id], algorithm=algorithm, headers=told)


class Provider(Issuer):
    """The provider: who is known there, and the process when it runs."""

    def __init__(
        self,
        folder: Path,
        *,
        accounts: Mapping[str, Claims],
        services: Mapping[str, Claims],
        redirect: str = REDIRECT,
    ) -> None:
        self._folder = folder
        self._redirect = redirect
        self._port = free_port()
        super().__init__(f"http://127.0.0.1:{self._port}", next(iter(services.values())))
        self._accounts = accounts
        self._services = services
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.stop()

    def start(self, *key_ids: str, issuer: str | None = None) -> None:
        """Run it with these keys, the first of which signs; what ran before is stopped.

        ``issuer`` is what it then says of itself, when that is not the truth.
        """
        self.stop()
        self.make_keys(*key_ids)
        told = {
            "issuer": issuer or self.issuer,
            "port": int(self._port),
            "audience": AUDIENCE,
            "redirect": self._redirect,
            "accounts": self._accounts,
            "services": self._services,
            "keys": {"keys": [private_jwk(key_id, self.keys[key_id]) for key_id in key_ids]},
        }
        self._process = subprocess.Popen(  # noqa: S603 - the wheel's own program
            [NODE, self._folder / "provider.mjs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(told))
        self._process.stdin.close()
        assert self._process.stdout.readline() == "ready\n"

    def stop(self) -> None:
        """End it at once, as when its machine is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    async def service_token(self, name: str, *, audience: str = AUDIENCE) -> str:
        """Return the access token that a service gets by its client credentials."""
        async with httpx.AsyncClient(timeout=60) as client:
            answer = await client.post(
                (await self._discovered(client))["token_endpoint"],
                auth=(name, f"{name}-secret"),
                data={
                    "grant_type": "client_credentials",
                    "scope": "learning",
                    "resource": f"urn:api:{audience}",
                },
            )
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    async def sign_in(self, account: str, *, client_id: str = "docs") -> dict[str, str]:
        """Sign somebody in on the provider's pages; return what the code was exchanged for."""
        verifier = uuid4().hex + uuid4().hex
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "client_id": client_id,
            "response_type": "code",
            "redirect_uri": self._redirect,
            "scope": "openid learning",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "state": "here-again",
        }
        async with httpx.AsyncClient(timeout=60) as client:
            found = await self._discovered(client)
            address = await _through_the_pages(
                client, found["authorization_endpoint"], asked, account
            )
            came_back = parse_qs(urlsplit(address).query)
            assert came_back["state"] == ["here-again"]
            answer = await client.post(
                found["token_endpoint"],
                data={
                    "grant_type": "authorization_code",
                    "client_id": client_id,
                    "code": came_back["code"][0],
                    "redirect_uri": self._redirect,
                    "code_verifier": verifier,
                },
            )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def _discovered(self, client: httpx.AsyncClient) -> dict[str, str]:
        answer = await client.get(f"{self.issuer}{DISCOVERY}")
        return answer.json()


Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Publisher(Issuer):
    """Two documents on a socket, as good or as bad as a test makes them, and what was asked."""

    def __init__(self, port: int, told: Claims) -> None:
        super().__init__(f"http://127.0.0.1:{port}", told)
        self.make_keys("k1")
        self.asked: list[str] = []
        self.instead: dict[str, Answer] = {}
        self._answering: set[asyncio.Future[None]] = set()

    @classmethod
    @asynccontextmanager
    async def listening(cls, told: Claims) -> AsyncGenerator[Self]:
        """Yield one that answers as a provider does, until told otherwise (``instead``)."""
        held = socket.create_server(("127.0.0.1", 0))
        publisher = cls(held.getsockname()[1], told)
        server = await asyncio.start_server(publisher._answer, sock=held)
        try:
            yield publisher
        finally:
            server.close()
            for answering in publisher._answering:
                answering.cancel()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request; cancelled, as when all is over, break off."""
        answering = asyncio.ensure_future(self._say(reader, writer))
        self._answering.add(answering)
        await asyncio.wait([answering])
        self._answering.discard(answering)
        writer.close()

    async def _say(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).split()[1].decode()
        while await reader.readline() != b"\r\n":
            pass
        self.asked.append(path)
        with suppress(ConnectionError):
            if path in self.instead:
                await self.instead[path](writer)
            elif path.startswith(KEYS):
                await write(writer, {"keys": self.published()})
            else:
                await write(writer, self.discovery())

    def published(self) -> list[dict[str, str]]:
        """Return its keys as it publishes them."""
        return [public_jwk(key_id, key) for key_id, key in self.keys.items()]

    def discovery(self, **changes: object) -> dict[str, object]:
        return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}{KEYS}", **changes}


async def write(
    writer: asyncio.StreamWriter, content: object, *, status: int = 200, headers: str = ""
) -> None:
    """Write an answer: JSON, or bytes as they are."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode())
    writer.write(body)
    await writer.drain()


def public_jwk(key_id: str, key: rsa.RSAPrivateKey) -> dict[str, str]:
    told: dict[str, str] = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**told, "kid": key_id, "use": "sig", "alg": "RS256"}


def private_jwk(key_id: str, key: rsa.RSAPrivateKey) -> dict[str, str]:
    told: dict[str, str] = RSAAlgorithm.to_jwk(key, as_dict=True)
    return {name: told[name] for name in told if name != "key_ops"} | {
        "kid": key_id,
        "use": "sig",
        "alg": "RS256",
    }


class _Form(HTMLParser):
    """The form of a page: where it goes, and what it holds already."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.held: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = told["action"]
        elif tag == "input" and "name" in told:
            self.held[told["name"]] = told.get("value", "")


async def _through_the_pages(
    client: httpx.AsyncClient, address: str, asked: Mapping[str, str], account: str
) -> str:
    """Sign in and consent, page by page; return the address the provider sends the client to."""
    answer = await client.get(address, params=asked)
    for _ in range(_STEPS_TO_SIGN_IN):
        here = str(answer.request.url)
        if answer.has_redirect_location:
            address = urljoin(here, answer.headers["Location"])
            if address.startswith(REDIRECT):
                return address
            answer = await client.get(address)
        else:
            form = _Form(answer.text)
            filled = {**form.held}
            if "login" in filled:
                filled |= {"login": account, "password": "any"}
            answer = await client.post(urljoin(here, form.action), data=filled)
    raise AssertionError(answer.text)


@asynccontextmanager
async def listening(app: FastAPI) -> AsyncGenerator[str]:
    """Serve an app on a socket of this machine, by the server it has; yield its address."""
    config = uvicorn.Config(
        app, http="httptools", ws="none", log_config=None, access_log=False, server_header=False
    )
    server = uvicorn.Server(config)
    # It listens from here on: who asks before the service is ready waits.
    held = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve([held]))
    try:
        yield f"http://127.0.0.1:{held.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
