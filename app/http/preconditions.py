"""Preconditions: which versions a client says it has read (RFC 9110, section 13)."""

import re
from typing import Annotated, ClassVar

from fastapi import Header, Request, Response

from app.http.problems import EdgeRefusal
from app.kernel.errors import Kind, Refusal, Text

# A tag of ours is a number: there is no mistaking it without its quotes.
_TAG = r'(?:(?:W/)?"[!#-~]*"|[0-9]{1,10})'
_TAGS = re.compile(rf" *{_TAG} *(, *{_TAG} *)*")
_EACH = re.compile(_TAG)
_STRONG = re.compile(r'"?([1-9][0-9]{0,9})"?')


class PreconditionMissing(Refusal):
    slug: ClassVar[str] = "precondition-missing"
    kind: ClassVar[Kind] = Kind.PRECONDITION_REQUIRED
    title = Text(en="If-Match is missing", nl="If-Match ontbreekt")
    detail = Text(
        en="This change needs the header If-Match with the ETag of what you read.",
        nl="Deze wijziging vraagt de header If-Match met de ETag van wat u las.",
    )
    remedy = Text(
        en="Read the resource, and send its ETag as If-Match.",
        nl="Lees het gegeven en stuur de ETag ervan mee als If-Match.",
    )


class PreconditionMalformed(EdgeRefusal):
    slug = "precondition-malformed"
    kind = Kind.INVALID
    status = 400
    title = Text(en="If-Match can not be read", nl="If-Match is onleesbaar")
    detail = Text(
        en='If-Match is "*" or a list of quoted tags, such as "3".',
        nl='If-Match is "*" of een lijst van tags tussen aanhalingstekens, zoals "3".',
    )
    remedy = Text(
        en="Send the ETag exactly as it was given, quotes included.",
        nl="Stuur de ETag precies zoals u die kreeg, met aanhalingstekens.",
    )


async def if_match(
    value: Annotated[
        str | None,
        Header(
            alias="If-Match",
            max_length=1000,
            description=(
                "ETag of the version that was read; a list or `*` is taken too. Without it: 428."
            ),
        ),
    ] = None,
) -> frozenset[int] | None:
    """Return the versions the client has read, or None for any (``*``).

    A weak tag or a tag that is not ours matches no version (strong comparison).

    Raises:
        PreconditionMissing: there is no If-Match.
        PreconditionMalformed: it is no list of tags.
    """
    if value is None:
        raise PreconditionMissing
    if value.strip() == "*":
        return None
    if _TAGS.fullmatch(value) is None:
        raise PreconditionMalformed
    found = (_STRONG.fullmatch(tag) for tag in _EACH.findall(value))
    return frozenset(int(version[1]) for version in found if version)


def unless_known(request: Request, answer: Response) -> Response:
    """Return the answer, or 304 when the client says it has that reading (If-None-Match).

    A tag that a proxy made weak is the same reading still (weak comparison, section 13.1.2).
    """
    known = request.headers.get("if-none-match")
    tag = answer.headers.get("etag")
    if known is None or tag is None or request.method != "GET":
        return answer
    readings = {given.strip().removeprefix("W/") for given in known.split(",")}
    if known.strip() != "*" and tag.removeprefix("W/") not in readings:
        return answer
    return Response(status_code=304, headers={"ETag": tag})
