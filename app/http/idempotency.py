"""Idempotency keys: a POST that is repeated answers the same, and does its work once.

The key is claimed in the transaction of the work itself. So a second request with the same key
waits on the unique index until the first has committed or rolled back; work that failed leaves no
key behind, and no answer is ever stored for work that was not committed.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import Request, Response
from sqlalchemy import String, bindparam, cast, delete, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from app.db.driver import as_json, fetch, fetch_last
from app.db.models import IdempotencyKey
from app.db.session import Database
from app.db.work import Work
from app.http.problems import EdgeRefusal
from app.kernel.errors import Kind, Text

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT_FOR = timedelta(days=30)
_FORGOTTEN_AT_ONCE = 1_000
# The part of an answer's headers that belongs to the work; the rest is made anew for each answer.
_KEPT = ("content-type", "etag", "location", "link", "content-disposition", "content-language")
_KEY = re.compile(r'"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x2b\x2d-\x7e]{1,255})')


class KeyMissing(EdgeRefusal):
    slug = "idempotency-key-missing"
    kind = Kind.INVALID
    status = 400
    title = Text(en="Idempotency-Key is missing", nl="Idempotency-Key ontbreekt")
    detail = Text(
        en="This request changes money, hours or a decision, so it needs an Idempotency-Key.",
        nl="Dit verzoek wijzigt geld, uren of een besluit en vraagt daarom een Idempotency-Key.",
    )
    remedy = Text(
        en="Send a random value not used before, and the same one when you repeat this request.",
        nl="Stuur een nieuwe willekeurige waarde, en dezelfde als u dit verzoek herhaalt.",
    )


class KeyMalformed(EdgeRefusal):
    slug = "idempotency-key-malformed"
    kind = Kind.INVALID
    status = 400
    title = Text(en="Idempotency-Key can not be read", nl="Idempotency-Key is onleesbaar")
    detail = Text(
        en='An Idempotency-Key is one text of 1 to 255 visible characters, such as "8e03978e".',
        nl='Een Idempotency-Key is één tekst van 1 tot 255 zichtbare tekens, zoals "8e03978e".',
    )
    remedy = Text(
        en="Send one key, such as a random UUID between quotes.",
        nl="Stuur één sleutel, zoals een willekeurige UUID tussen aanhalingstekens.",
    )


class KeyReused(EdgeRefusal):
    slug = "idempotency-key-reused"
    kind = Kind.INVALID
    status = 422
    title = Text(en="Key of another request", nl="Sleutel van een ander verzoek")
    detail = Text(
        en="This Idempotency-Key was used for a request with another address or body.",
        nl="Deze Idempotency-Key hoort bij een verzoek met een ander adres of andere inhoud.",
    )
    remedy = Text(
        en="Repeat a request exactly, or send a fresh key with a new one.",
        nl="Herhaal een verzoek precies, of stuur een nieuwe sleutel met een nieuw verzoek.",
    )


@dataclass(frozen=True, slots=True)
class Claim:
    """A client's key, and the fingerprint of the request it was sent with."""

    key: str
    fingerprint: bytes


def read_claim(request: Request, body: bytes, *, required: bool) -> Claim | None:
    """Return the key a request came with, or None when it has none and needs none.

    Quoted (as the draft of the header has it) and bare are the same key.

    Raises:
        KeyMissing: it is required and absent.
        KeyMalformed: it is not one text of visible characters.
    """
    sent = request.headers.getlist(HEADER)
    if not sent:
        if required:
            raise KeyMissing
        return None
    match = _KEY.fullmatch(sent[0].strip())
    if match is None or len(sent) > 1:
        raise KeyMalformed
    fingerprint = hashlib.sha256()
    for part in (
        request.method.encode(),
        request.scope["path"].encode(),
        request.scope["query_string"],
        body,
    ):
        fingerprint.update(len(part).to_bytes(8) + part)
    return Claim(key=match[1] or match[2], fingerprint=fingerprint.digest())


_CLAIM = (
    insert(IdempotencyKey)
    .values(
        organisation_id=bindparam("organisation_id"),
        client=bindparam("client"),
        key=bindparam("key"),
        fingerprint=bindparam("fingerprint"),
    )
    .on_conflict_do_nothing()
    .returning(IdempotencyKey.key)
)
_FIND = select(
    IdempotencyKey.fingerprint,
    IdempotencyKey.status,
    IdempotencyKey.headers,
    IdempotencyKey.body,
).where(
    IdempotencyKey.organisation_id == bindparam("organisation_id"),
    IdempotencyKey.client == bindparam("client"),
    IdempotencyKey.key == bindparam("key"),
)
_KEEP = (
    update(IdempotencyKey)
    .where(
        IdempotencyKey.organisation_id == bindparam("of_organisation_id"),
        IdempotencyKey.client == bindparam("of_client"),
        IdempotencyKey.key == bindparam("of_key"),
    )
    .values(
        status=bindparam("answer_status"),
        headers=cast(bindparam("answer_headers", type_=String()), JSONB),
        body=bindparam("answer_body"),
    )
)


# Where a row stands: the one key by which a part of what is old can be deleted without a sort.
_PLACE = literal_column("ctid", String)
_SOME_OLD = (
    select(_PLACE)
    .select_from(IdempotencyKey)
    .where(
        IdempotencyKey.organisation_id == bindparam("organisation_id"),
        IdempotencyKey.created_at < func.now() - KEPT_FOR,
    )
    .limit(_FORGOTTEN_AT_ONCE)
)
_FORGET = (
    delete(IdempotencyKey)
    .where(
        IdempotencyKey.organisation_id == bindparam("organisation_id"),
        _PLACE.op("=")(func.any(func.array(_SOME_OLD.scalar_subquery()))),
    )
    .returning(IdempotencyKey.client)
)


async def claim_key(work: Work, claim: Claim) -> Response | None:
    """Claim the key for this work, or return the answer that was given to it before.

    Waits while another transaction holds the key.

    Raises:
        KeyReused: the key belongs to another request of this client.
    """
    scope = _scope(work, claim)
    claimed = await fetch(work.session, _CLAIM, {**scope, "fingerprint": claim.fingerprint})
    if claimed:
        return None
    [found] = await fetch(work.session, _FIND, scope)
    if found.fingerprint != claim.fingerprint:
        raise KeyReused
    answer = Response(found.body, status_code=found.status)
    answer.raw_headers = [
        *(header for header in answer.raw_headers if header[0] == b"content-length" and found.body),
        *((name.encode(), value.encode("latin-1")) for name, value in found.headers.items()),
        (REPLAYED.lower().encode(), b"true"),
    ]
    return answer


def keep_answer(work: Work, claim: Claim, answer: Response) -> None:
    """Have the answer stored under its key, to be given again to whoever repeats the request."""
    kept: dict[str, Any] = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
    scope = {f"of_{name}": value for name, value in _scope(work, claim).items()}
    fetch_last(
        work.session,
        _KEEP,
        {
            **scope,
            "answer_status": answer.status_code,
            "answer_headers": as_json(kept),
            "answer_body": bytes(answer.body),
        },
    )


def _scope(work: Work, claim: Claim) -> dict[str, Any]:
    return {
        "organisation_id": work.organisation_id,
        "client": work.actor.subject,
        "key": claim.key,
    }


async def forget_old_keys(database: Database) -> int:
    """Delete the keys, with their answers, kept for 30 days by the database's clock; count them.

    So many are deleted in a transaction, that none is long, however long nobody did it.
    """
    forgotten = 0
    for organisation_id in await database.tenants():
        deleted = _FORGOTTEN_AT_ONCE
        while deleted == _FORGOTTEN_AT_ONCE:
            async with database.transaction(organisation_id) as session:
                deleted = len(await fetch(session, _FORGET, {"organisation_id": organisation_id}))
            forgotten += deleted
    return forgotten
