"""Bodies: read within bounds before anything else happens, and parsed as JSON without surprises."""

import asyncio
import email.message
import json
import math
import re
from collections.abc import Collection
from typing import Any, Never

from fastapi import Request
from starlette.types import Receive, Scope

from app.http.problems import BodyTooLarge, BodyTooSlow, InputInvalid, MediaTypeRefused

# How long a body may be under way, unless an installation has it otherwise.
SECONDS_TO_ARRIVE = 20
_MAX_DEPTH = 32
_MAX_MEMBERS = 1000
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii"})
_OTHER_CHARSETS = {"text/csv": frozenset({"windows-1252", "cp1252", "iso-8859-1", "latin1"})}
# Escapes that Python's parser takes and that neither UTF-8 nor PostgreSQL's text can hold.
_SUSPECT_ESCAPE = re.compile(rb"\\u(0000|[dD][89a-fA-F])")

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


class BoundedRequest(Request):
    """A request whose body is read within a limit, and whose JSON is what JSON Schema can say."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        super().__init__(scope, receive)
        self._parsed: Json = None
        self._is_parsed = False

    async def read(self, *, limit: int, seconds: int = SECONDS_TO_ARRIVE) -> bytes:
        """Read the whole body and return it; what follows finds it in memory.

        Raises:
            BodyTooLarge: it is, or says it is, more than ``limit`` bytes.
            BodyTooSlow: it is not complete in time.
        """
        announced = self.headers.get("content-length", "0")
        # The server refuses a length that is not a number; a longer number than this is too large.
        if len(announced) > 12 or int(announced) > limit:  # noqa: PLR2004
            raise BodyTooLarge(limit)
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(seconds):
                async for chunk in self.stream():
                    size += len(chunk)
                    if size > limit:
                        raise BodyTooLarge(limit)
                    chunks.append(chunk)
        except TimeoutError:
            raise BodyTooSlow(headers={"Connection": "close"}, limit_seconds=seconds) from None
        self._body = b"".join(chunks)
        return self._body

    def check_media_type(self, accepted: Collection[str]) -> None:
        """Refuse a body that is not one of the ``accepted`` types, as it is, in UTF-8.

        A CSV file may say that it is in one of the character sets that offices write.

        Raises:
            MediaTypeRefused: it is not.
        """
        header = email.message.Message()
        header["content-type"] = self.headers.get("content-type", "")
        try:
            charset = str(header.get_param("charset", "utf-8")).lower()
        except ValueError:
            # A parameter in numbered parts, with a number of thousands of digits.
            charset = ""
        media_type = header.get_content_type()
        encoding = self.headers.get("content-encoding", "identity").strip().lower()
        if (
            media_type not in accepted
            or "content-type" not in self.headers
            or charset not in _CHARSETS | _OTHER_CHARSETS.get(media_type, frozenset())
            or encoding != "identity"
        ):
            raise MediaTypeRefused(accepted_types=sorted(accepted))

    async def json(self) -> Any:  # noqa: ANN401 - as Starlette declares it
        """Return the body as JSON.

        Raises:
            InputInvalid: it is not JSON, or is JSON that the contract has no words for: NaN,
                numbers beyond a double, a name twice in one object, text that is not Unicode,
                NUL, deeper or wider than any schema here.
        """
        if not self._is_parsed:
            self._parsed = parse_json(await self.body())
            self._is_parsed = True
        return self._parsed


def parse_json(body: bytes) -> Json:
    """Return a JSON text as data.

    Raises:
        InputInvalid: see ``BoundedRequest.json``.
    """
    try:
        parsed: Json = json.loads(
            body.decode(),
            parse_constant=_refuse_constant,
            parse_float=_finite,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError:
        raise _invalid(code="json_not_utf8") from None
    except RecursionError:
        raise _invalid(code="json_too_deep", most=_MAX_DEPTH) from None
    except json.JSONDecodeError as error:
        raise _invalid(code="json_broken", at=error.pos + 1) from None
    except ValueError:
        # Python refuses to convert a number of thousands of digits.
        raise _invalid(code="json_number") from None
    if body.count(b"[") + body.count(b"{") > _MAX_DEPTH or _SUSPECT_ESCAPE.search(body):
        _check(parsed)
    return parsed


def _check(parsed: Json) -> None:
    """Refuse JSON that is too deep, or text that can not be stored."""
    level: list[Json] = [parsed]
    for _ in range(_MAX_DEPTH):
        below: list[Json] = []
        for value in level:
            if isinstance(value, dict):
                for name in value:
                    _check_text(name)
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
            elif isinstance(value, str):
                _check_text(value)
        if not below:
            return
        level = below
    raise _invalid(code="json_too_deep", most=_MAX_DEPTH)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise _invalid(code="text_with_nul")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _invalid(code="text_not_unicode") from None


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _invalid(code="json_duplicate_name")
    if len(found) > _MAX_MEMBERS:
        raise _invalid(code="json_too_wide", most=_MAX_MEMBERS)
    return found


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _invalid(code="json_number")
    return value


def _refuse_constant(_name: str) -> Never:
    raise _invalid(code="json_invalid")


def _invalid(*, code: str, **context: int) -> InputInvalid:
    return InputInvalid([{"type": code, "loc": ("body",), "msg": code, "ctx": context}])
