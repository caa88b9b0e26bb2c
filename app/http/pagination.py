"""Pages by key: the opaque cursor, and the Link to the next page (RFC 8288)."""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Annotated, Any, ClassVar, cast

from fastapi import Query, Request, Response

from app.kernel.errors import Kind, Refusal, Text
from app.kernel.pages import Page, PageOf

_SEAL = 15


class CursorInvalid(Refusal):
    slug: ClassVar[str] = "cursor-invalid"
    kind: ClassVar[Kind] = Kind.INVALID
    title = Text(en="Not a cursor of this list", nl="Geen cursor van deze lijst")
    detail = Text(
        en="The cursor was not given by this list.",
        nl="De cursor is niet door deze lijst uitgegeven.",
    )
    remedy = Text(
        en="Follow the Link header or nextCursor of a page, or begin without a cursor.",
        nl="Volg de Link-header of nextCursor van een pagina, of begin zonder cursor.",
    )


def _seal(secret: bytes, path: str, key: bytes) -> bytes:
    """Return what binds a position to its list, and shows that the service itself gave it.

    So what reads a position finds it as it was written. What may be seen is no matter of the
    cursor: the query itself decides that.
    """
    return hmac.digest(secret, path.encode() + b"\0" + key, hashlib.sha256)[:_SEAL]


def write_cursor(secret: bytes, path: str, key: tuple[str, ...]) -> str:
    """Return the cursor of a position in the list at ``path``."""
    written = json.dumps(key, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_seal(secret, path, written) + written).decode().rstrip("=")


def read_cursor(secret: bytes, path: str, cursor: str) -> tuple[str, ...]:
    """Return the position a cursor stands for.

    Raises:
        CursorInvalid: it was not given by the list at ``path``.
    """
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        raise CursorInvalid from None
    seal, written = raw[:_SEAL], raw[_SEAL:]
    if not hmac.compare_digest(seal, _seal(secret, path, written)):
        raise CursorInvalid
    return tuple(cast("list[str]", json.loads(written)))


async def paging(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=100, description="Items on a page.")] = 20,
    cursor: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=512,
            pattern=r"^[A-Za-z0-9_-]+$",
            description="Where the page begins: `nextCursor` of the page before it.",
        ),
    ] = None,
) -> PageOf:
    """Return which page is asked for.

    Raises:
        CursorInvalid: the cursor is not one of this list.
    """
    secret: bytes = request.app.state.edge.cursor_secret
    after = None if cursor is None else read_cursor(secret, request.url.path, cursor)
    return PageOf(limit=limit, after=after)


def link_next(request: Request, response: Response, page: Page[Any]) -> str | None:
    """Set the Link to the next page and return its cursor, or None on the last page."""
    if page.next_key is None:
        return None
    secret: bytes = request.app.state.edge.cursor_secret
    cursor = write_cursor(secret, request.url.path, page.next_key)
    target = request.url.include_query_params(cursor=cursor)
    response.headers["Link"] = f'<{target.path}?{target.query}>; rel="next"'
    return cursor
