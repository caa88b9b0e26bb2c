"""The outermost layer, pure ASGI: headers of all answers, request ids, HEAD, the access log."""

import logging
import re
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.logs import describe, request_id
from app.http.stopping import Stopping
from app.kernel.identifiers import new_id

# The API is version 1 by its path; what is added raises the second part (CHANGELOG.md).
API_VERSION = "1.0.0"

# What a log calls the answer to a client that has gone.
_GONE = 499

_access = logging.getLogger("app.access")
_TRACEPARENT = re.compile(rb"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

_ALWAYS = [
    (b"api-version", API_VERSION.encode()),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    # Tokens travel in a header and never in a cookie, so a page elsewhere gains nothing by asking.
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        (
            b"API-Version, ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy,"
            b" Retry-After, X-Request-Id"
        ),
    ),
]
# What a page of ours may set for itself instead.
_UNLESS_SET = [
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
]
# On a connection of a process that is about to stop.
_LAST = [(b"connection", b"close")]
_PREFLIGHT = [
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
    (
        b"access-control-allow-headers",
        b"Accept-Language, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match",
    ),
    (b"access-control-max-age", b"7200"),
    (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
]


class Envelope:
    """Gives each request an id and a log line, and each answer its headers, whoever made it."""

    def __init__(self, app: ASGIApp, stopping: Stopping) -> None:
        self._app = app
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; a defect that escaped has been answered by then, and is logged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        method: str = scope["method"]
        # Whoever serves GET serves HEAD: the same work, without the body.
        inner = {**scope, "method": "GET"} if method == "HEAD" else scope
        state: dict[str, Any] = {
            **scope.get("state", {}),
            "request_id": str(new_id()),
            "stopping": self._stopping,
        }
        inner["state"] = state
        request_id.set(state["request_id"])
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = complete_headers(message["headers"], state)
            elif method == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        fault: Exception | None = None
        try:
            if method == "OPTIONS" and _is_preflight(scope):
                await answer({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT})
                await answer({"type": "http.response.body"})
            else:
                await self._app(inner, receive, answer)
        except ClientDisconnect:
            # Nobody is there to be answered; the answer to a defect was made, and went nowhere.
            status = _GONE
            state.pop("refusal", None)
        except Exception as error:  # noqa: BLE001 - the last frame of the service: it logs, and ends
            fault = error
        finally:
            _log(inner, method, status, perf_counter() - began, fault)


def complete_headers(
    headers: list[tuple[bytes, bytes]], state: Mapping[str, Any]
) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers with those that every answer has."""
    present = {name.lower() for name, _ in headers}
    stopping: Stopping | None = state.get("stopping")
    return [
        *headers,
        *(_LAST if stopping is not None and stopping.has_begun else ()),
        *_ALWAYS,
        (b"x-request-id", state["request_id"].encode()),
        *state.get("rate_limit", ()),
        *(header for header in _UNLESS_SET if header[0] not in present),
    ]


def _is_preflight(scope: Scope) -> bool:
    names = {name for name, _ in scope["headers"]}
    return b"origin" in names and b"access-control-request-method" in names


def log_refused(state: Mapping[str, Any], status: int) -> None:
    """Write the line of what never became a request."""
    line = {"request_id": state["request_id"], "status": status, "refusal": state["refusal"]}
    _access.info("request", extra={"line": line})


def _log(scope: Scope, method: str, status: int, seconds: float, fault: Exception | None) -> None:
    """Write the request's one line: the route's template and never the path, which names people."""
    state = scope["state"]
    organisation = state.get("organisation_id")
    line: dict[str, Any] = {
        "request_id": state["request_id"],
        "trace_id": _trace(scope),
        "client": state.get("client"),
        "organisation_id": None if organisation is None else str(organisation),
        "method": method,
        "route": _template(scope),
        "status": status,
        "refusal": state.get("refusal"),
        "ms": round(seconds * 1000, 1),
    }
    if fault is not None:
        line["fault"] = describe(fault)
    level = logging.ERROR if fault is not None else logging.INFO
    _access.log(level, "request", extra={"line": line})


def _template(scope: Scope) -> str | None:
    """Return a route's path as the contract writes it, None where no route was found."""
    route = scope.get("route")
    path: str | None = getattr(route, "path_format", None) or getattr(route, "path", None)
    return None if path is None else scope.get("root_path", "") + path


def _trace(scope: Scope) -> str | None:
    """Return the caller's trace id (W3C Trace Context), or None when it sends none that holds."""
    for name, value in scope["headers"]:
        if name == b"traceparent":
            match = _TRACEPARENT.fullmatch(value)
            return match[1].decode() if match else None
    return None
