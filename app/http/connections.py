"""Connections: what uvicorn's protocol leaves open is bounded, and what is no HTTP is a problem.

The parser itself (llhttp, strict) refuses two lengths, a length beside chunks, folded lines and
bare line feeds. Here come the bounds it has not: how long a request may take to arrive, how large
its head may be; and what a proxy in front could read otherwise than we do: no Host or two of them,
other transfer codings than chunks, chunks that say more than their size, and a body behind a wish
for another protocol, which the parser leaves unread.
"""

import asyncio
import re
from typing import Any, cast

from fastapi import Request
from httptools import HttpRequestParser
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from app.http.headers import complete_headers, log_refused
from app.http.problems import EdgeRefusal, problem
from app.kernel.errors import Text
from app.kernel.identifiers import new_id

MAX_HEAD_BYTES = 32_768
MAX_HEADERS = 100
# How long a connection that was just made, or a request on its way, is waited for at a stop.
_LAST_CALL_SECONDS = 1.0

_AROUND_A_HEADER = len(": \r\n")
# A size, or as much of it as there is.
_SIZE = re.compile(rb"[0-9a-fA-F]{0,15}(?<=[0-9a-fA-F])\r?\n?")
_CODINGS = frozenset({(), (b"chunked",)})
_LONGEST_LINE = 17
_VERSIONS = frozenset({"1.0", "1.1"})


class RequestMalformed(EdgeRefusal):
    slug = "request-malformed"
    status = 400
    title = Text(en="This is no HTTP request", nl="Dit is geen HTTP-verzoek")
    detail = Text(
        en="The request breaks the rules of HTTP/1.1, so where it ends is not certain.",
        nl="Het verzoek volgt de regels van HTTP/1.1 niet, dus waar het eindigt is niet zeker.",
    )
    remedy = Text(
        en="Send one Host, and either one Content-Length or plain chunks; end lines by CR LF.",
        nl="Stuur één Host, en één Content-Length of gewone chunks; eindig regels met CR LF.",
    )


class UpgradeRefused(EdgeRefusal):
    slug = "upgrade-refused"
    status = 400
    title = Text(en="No other protocol here", nl="Geen ander protocol hier")
    detail = Text(
        en="The request has a body and asks for another protocol, so where it ends is not certain.",
        nl="Het verzoek heeft een inhoud en vraagt een ander protocol, dus waar het eindigt is "
        "niet zeker.",
    )
    remedy = Text(
        en="Send it as HTTP/1.1, without the header Upgrade.",
        nl="Stuur het als HTTP/1.1, zonder de header Upgrade.",
    )


class HeadTooLarge(EdgeRefusal):
    slug = "head-too-large"
    status = 431
    title = Text(en="The head of the request is too large", nl="De kop van het verzoek is te groot")
    detail = Text(
        en="Address and headers together are at most {limit_bytes} bytes and {limit_headers} "
        "headers.",
        nl="Adres en headers zijn samen ten hoogste {limit_bytes} bytes en {limit_headers} "
        "headers.",
    )
    remedy = Text(en="Send fewer or shorter headers.", nl="Stuur minder of kortere headers.")


class RequestTooSlow(EdgeRefusal):
    slug = "request-too-slow"
    status = 408
    title = Text(en="The request did not arrive", nl="Het verzoek kwam niet aan")
    detail = Text(
        en="The request was not complete within {limit_seconds} seconds.",
        nl="Het verzoek was niet binnen {limit_seconds} seconden compleet.",
    )
    remedy = Text(en="Send it again.", nl="Stuur het verzoek opnieuw.")


class ChunkLines:
    """Follows a chunked body from line to line, to see what the parser passes over."""

    def __init__(self) -> None:
        self._line = b""
        self._to_skip = 0
        self._is_over = False

    def are_plain(self, body: bytes) -> bool:
        """Tell whether the next part of a body holds sizes and data, and no chunk extension."""
        at = 0
        while at < len(body) and not self._is_over:
            if self._to_skip:
                step = min(self._to_skip, len(body) - at)
                self._to_skip -= step
                at += step
                continue
            found = _SIZE.match(self._line + body[at : at + _LONGEST_LINE])
            if found is None:
                return False
            at += found.end() - len(self._line)
            self._line = found[0]
            if self._line.endswith(b"\n"):
                size = int(self._line, 16)
                self._line = b""
                self._to_skip = size + len("\r\n")
                self._is_over = size == 0
            elif at < len(body):
                return False
        return True


class BoundedProtocol(HttpToolsProtocol):
    """A connection whose requests arrive within bounds, or which is closed."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        seconds: int = 25,
    ) -> None:
        """Take what uvicorn gives, and the ``seconds`` that a whole request may be under way.

        They are more than a body may be waited for, which is answered 408 before.
        """
        super().__init__(config, server_state, app_state, _loop)
        self._seconds = seconds
        self._arriving: asyncio.TimerHandle | None = None
        self._refusal: EdgeRefusal | None = None
        # Whether a request has arrived, and nothing since.
        self._has_ended = False
        self._is_in_head = True
        self._head_bytes = 0
        # The last bytes of a head that came in parts: its end may be divided.
        self._head_tail = b""
        # What the data at hand began to serve, and whether one of it announced chunks.
        self._begun: list[RequestResponseCycle] = []
        self._announced_chunks = False
        self._chunks: ChunkLines | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request from now on."""
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Take what arrives; what never becomes a request is waited for no longer than one."""
        is_stray = self._has_ended and data == b"\r\n"
        self._has_ended = False
        if is_stray:
            # Some clients end a body by an empty line: no request begins with it.
            return
        if self._arriving is None:
            self._expect()
        if self._chunks is not None and not self._chunks.are_plain(data):
            self._refuse(RequestMalformed(), is_due=True)
            return
        begun = self._head_tail + data if self._is_in_head else None
        self._begun.clear()
        self._head_bytes += len(data)
        super().data_received(data)
        if self._announced_chunks:
            self._announced_chunks = False
            self._look_at_chunks(begun)
        if self._is_in_head:
            self._head_tail = (self._head_tail + data)[-3:]
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(_too_large())

    def on_headers_complete(self) -> None:
        """Refuse a head that may be read in two ways, or is too large; else begin to serve it."""
        self._refusal = self._doubt()
        if self._refusal is not None:
            # Ends the parser's work; what it says of that is not what is answered.
            raise ValueError
        super().on_headers_complete()
        if self._wishes_upgrade():
            # It is answered as HTTP/1.1; what comes behind it may be in that other protocol.
            self.cycle.keep_alive = False
        self._begun.append(self.cycle)
        self._is_in_head = False

    def on_message_complete(self) -> None:
        """Wait for nothing any more: from here on uvicorn's own limits hold."""
        self._has_ended = True
        self._is_in_head = True
        self._head_bytes = 0
        self._head_tail = b""
        self._chunks = None
        self._stop_expecting()
        super().on_message_complete()

    def shutdown(self) -> None:
        """Close the connection at a stop, when nothing is under way on it.

        Who has just connected, or is sending, is not cut off: the answer then closes it.
        """
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is None or self._head_bytes:
            self.loop.call_later(_LAST_CALL_SECONDS, self._end)
        else:
            super().shutdown()

    def _end(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the connection."""
        self._stop_expecting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - what the parser calls it
        """Answer what the parser refuses, and close the connection."""
        self._refuse(self._refusal or RequestMalformed())

    def _doubt(self) -> EdgeRefusal | None:
        """Return what is wrong with a complete head, if anything is."""
        size = len(self.url)
        hosts = 0
        has_body = False
        codings: list[bytes] = []
        for name, value in self.headers:
            size += len(name) + len(value) + _AROUND_A_HEADER
            if name == b"host":
                hosts += 1
            elif name == b"transfer-encoding":
                codings.append(value.lower())
            elif name == b"content-length":
                has_body = value.strip() != b"0"
        version = cast("HttpRequestParser", self.parser).get_http_version()
        needed = 1 if version == "1.1" else 0
        if version not in _VERSIONS or not needed <= hosts <= 1 or tuple(codings) not in _CODINGS:
            return RequestMalformed()
        if size > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            return _too_large()
        if self._wishes_upgrade() and (has_body or codings):
            return UpgradeRefused()
        self._announced_chunks |= bool(codings)
        return None

    def _wishes_upgrade(self) -> bool:
        return cast("HttpRequestParser", self.parser).should_upgrade()

    def _look_at_chunks(self, begun: bytes | None) -> None:
        """Look at the first of a chunked body, which came with its head as ``begun``.

        Behind another request in the same data it can not be told where it begins: who sends
        requests ahead of their answers may not send chunks.
        """
        chunks = ChunkLines()
        if (
            begun is None
            or len(self._begun) > 1
            or not chunks.are_plain(begun.partition(b"\r\n\r\n")[2])
        ):
            self._refuse(RequestMalformed(), is_due=True)
        elif not self._is_in_head:
            self._chunks = chunks

    def _expect(self) -> None:
        self._arriving = self.loop.call_later(self._seconds, self._give_up)

    def _stop_expecting(self) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
            self._arriving = None

    def _give_up(self) -> None:
        if self._is_in_head and not self._head_bytes:
            # Nobody asked anything: a balancer that keeps the connection for later would take an
            # answer for that of its next request.
            self.transport.close()
            return
        self._refuse(RequestTooSlow(limit_seconds=self._seconds))

    def _refuse(self, refusal: EdgeRefusal, *, is_due: bool = False) -> None:
        """Close the connection, with an answer when it can only be to the request in question.

        Behind a request that is still worked on an answer would seem to be that request's.
        """
        if self.transport.is_closing():
            return
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if is_due:
            is_due = cycle is None or not cycle.response_started
        elif self._is_in_head:
            is_due = cycle is None or cycle.response_complete
        else:
            is_due = cycle is not None and cycle.more_body and not cycle.response_started
        for refused in self._begun if cycle is None else (*self._begun, cycle):
            # It is not worked on, though its body may be there already.
            refused.disconnected = True
        if is_due:
            self.transport.write(self._answer(refusal))
        self.transport.close()

    def _answer(self, refusal: EdgeRefusal) -> bytes:
        """Return the problem as it goes over the wire, and log it as a request."""
        state: dict[str, Any] = {"request_id": str(new_id())}
        headers: list[tuple[bytes, bytes]] | None = self.headers
        answer = problem(
            Request({"type": "http", "headers": headers or [], "state": state}), refusal
        )
        log_refused(state, answer.status_code)
        told = [
            *self.server_state.default_headers,
            *complete_headers(answer.raw_headers, state),
            (b"connection", b"close"),
        ]
        return b"".join(
            [
                STATUS_LINE[answer.status_code],
                *(part for name, value in told for part in (name, b": ", value, b"\r\n")),
                b"\r\n",
                bytes(answer.body),
            ]
        )


def _too_large() -> HeadTooLarge:
    return HeadTooLarge(limit_bytes=MAX_HEAD_BYTES, limit_headers=MAX_HEADERS)
