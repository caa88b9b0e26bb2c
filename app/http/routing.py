"""The route that owns the transaction, and the routers made of it.

What it guarantees: by the time a client reads an answer, the work behind it is committed.
``docs/decisions/0001-the-route-owns-the-transaction.md`` says why it is a route and not a
dependency.
"""

import asyncio
import random
import re
from collections import OrderedDict
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from time import monotonic
from typing import Any, get_args
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Path, Query
from fastapi.routing import APIRoute
from pydantic.alias_generators import to_camel
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import Database, retryable
from app.db.work import Work
from app.http.bodies import BoundedRequest
from app.http.faults import faults_as_refusals
from app.http.idempotency import Claim, claim_key, keep_answer, read_claim
from app.http.operation import ACCEPTS, BULK, KEY, REFUSALS, ROLE_RULE, ROLES
from app.http.preconditions import unless_known
from app.http.problems import BARS_BROKERS, InputInvalid, TooBusy, role_refused
from app.http.rates import Rates, fingerprint
from app.http.tokens import Identity, Verifier
from app.kernel.actors import Actor, Person, Role
from app.kernel.calendar import amsterdam_day
from app.kernel.errors import NamedPersonNeeded, Refusal

_ATTEMPTS = 3
_REMEMBER_SECONDS = 60
_REMEMBER_PERSONS = 4096
_READING = frozenset({"GET", "HEAD"})

Clock = Callable[[], datetime]
FindPerson = Callable[[AsyncSession, UUID, str], Awaitable[Person | None]]
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def system_clock() -> datetime:
    """Return the present instant, aware and in UTC: the one place of the service that reads it."""
    return datetime.now(UTC)  # noqa: TID251 - here the clock comes in


@dataclass(slots=True)
class Edge:
    """What the routes need of the service; ``main.create_app`` puts it together."""

    database: Database
    verifier: Verifier
    find_person: FindPerson
    clock: Clock
    constraints: Mapping[str, type[Refusal]]
    max_body_bytes: int
    max_bulk_bytes: int
    arrival_seconds: int
    rates: Rates
    # What cursors are sealed with: the same in all workers, and after a restart.
    cursor_secret: bytes
    persons: OrderedDict[tuple[UUID, str], tuple[float, Person]] = field(
        default_factory=OrderedDict[tuple[UUID, str], tuple[float, Person]]
    )

    async def actor(
        self, session: AsyncSession, identity: Identity, *, today: date, afresh: bool
    ) -> Actor:
        """Return who acts: the token's identity with the employee it stands for, if any.

        Of who is not employed today, the roles that go with the work do not count. Whoever changes
        a thing is looked up ``afresh``; to who reads, what was known a minute ago may apply.
        """
        person = await self._person(session, identity, afresh=afresh)
        roles = identity.roles
        return Actor(
            organisation_id=identity.organisation_id,
            subject=identity.subject,
            roles=roles if person is None else person.roles_on(today, roles),
            person_id=None if person is None else person.id,
        )

    async def _person(
        self, session: AsyncSession, identity: Identity, *, afresh: bool
    ) -> Person | None:
        """Return the employee of a token; one that was found is remembered for a minute."""
        if identity.personnel_number is None:
            return None
        known_as = identity.organisation_id, identity.personnel_number
        remembered = self.persons.get(known_as)
        if not afresh and remembered is not None and monotonic() < remembered[0]:
            return remembered[1]
        found = await self.find_person(session, *known_as)
        if found is not None:
            self.persons[known_as] = monotonic() + _REMEMBER_SECONDS, found
            if len(self.persons) > _REMEMBER_PERSONS:
                self.persons.popitem(last=False)
        return found


@dataclass(frozen=True, slots=True)
class _Gate:
    """Who may come in, as an operation declares it."""

    roles: Sequence[str]
    rule: str | None
    asks_name: bool

    def check_roles(self, roles: Collection[Role]) -> None:
        barred = self.rule in BARS_BROKERS and Role.KNOWLEDGE_BROKER in roles
        if barred or not any(role in self.roles for role in roles):
            raise role_refused(self.roles, sorted(roles), rule=self.rule)

    def check(self, actor: Actor) -> None:
        """Refuse an actor by role, or one without a name where nobody may act for oneself."""
        self.check_roles(actor.roles)
        if self.asks_name:
            actor.named()


class TransactionalRoute(APIRoute):
    """A route whose work is committed before its answer is sent.

    In this order: who is it, do they not ask too much, may their role do this, is the body within
    bounds; then in one transaction the idempotency key, the endpoint with all its validation, and
    the answer stored under the key; then the commit; then the answer. Anything raised on the way
    rolls back. What the database asks to repeat is repeated as a whole.
    """

    def get_route_handler(self) -> Handler:
        """Return the handler that wraps FastAPI's own in the transaction."""
        inner = super().get_route_handler()
        declared: Mapping[str, Any] = self.openapi_extra or {}
        reads_body = self.body_field is not None or declared[ACCEPTS] != ["application/json"]
        keyed = "POST" in (self.methods or ())
        parameters = _parameters(self.dependant)
        gate = _Gate(
            roles=declared[ROLES],
            rule=declared[ROLE_RULE],
            asks_name=NamedPersonNeeded.slug in declared[REFUSALS],
        )

        async def handle(request: Request) -> Response:
            edge: Edge = request.app.state.edge
            # Before anything is done for it: sending away must cost little.
            if edge.database.is_crowded:
                raise TooBusy
            with faults_as_refusals(edge.constraints):
                return await serve(edge, request)

        async def serve(edge: Edge, request: Request) -> Response:
            identity = await edge.verifier.authenticate(request.headers.getlist("authorization"))
            request.state.organisation_id = identity.organisation_id
            client = fingerprint(identity.organisation_id, identity.subject)
            request.state.client = client.hex()
            request.state.rate_limit = edge.rates.admit(identity.organisation_id, client)
            gate.check_roles(identity.roles)
            _check_address(request, parameters)
            bounded = BoundedRequest(request.scope, request.receive)
            limit = edge.max_bulk_bytes if declared[BULK] else edge.max_body_bytes
            body = await bounded.read(limit=limit, seconds=edge.arrival_seconds)
            # A file without a type is no file; an empty JSON body is told to be missing.
            if reads_body and (body or self.body_field is None):
                bounded.check_media_type(declared[ACCEPTS])
                if self.body_field is not None:
                    await bounded.json()
            claim = (
                read_claim(request, body, required=declared[KEY] == "required") if keyed else None
            )
            answer = await _with_retries(
                lambda: _attempt(edge, identity, bounded, claim, inner, gate=gate)
            )
            return unless_known(request, answer)

        return handle


async def _attempt(
    edge: Edge,
    identity: Identity,
    request: Request,
    claim: Claim | None,
    inner: Handler,
    *,
    gate: _Gate,
) -> Response:
    """Do the work once, in one transaction, and return its answer after the commit."""
    now = edge.clock()
    today = amsterdam_day(now)
    async with edge.database.transaction(identity.organisation_id) as session:
        afresh = request.method not in _READING
        actor = await edge.actor(session, identity, today=today, afresh=afresh)
        gate.check(actor)
        work = Work(
            session=session,
            actor=actor,
            now=now,
            today=today,
            request_id=request.state.request_id,
            origin=request.client.host if request.client else None,
        )
        request.state.work = work
        if claim is not None:
            replayed = await claim_key(work, claim)
            if replayed is not None:
                return replayed
        answer = _without_markup(await inner(request))
        if claim is not None:
            keep_answer(work, claim, answer)
    return answer


def _without_markup(answer: Response) -> Response:
    """Write ``<`` in a JSON answer as its escape: no reader then takes what people typed for HTML.

    It is the same JSON; the angle bracket stands in its texts alone.
    """
    if answer.headers.get("content-type") == "application/json" and b"<" in bytes(answer.body):
        answer.body = bytes(answer.body).replace(b"<", b"\\u003c")
        answer.headers["content-length"] = str(len(answer.body))
    return answer


async def _with_retries(attempt: Callable[[], Awaitable[Response]]) -> Response:
    """Repeat what the database asks to repeat (a collision with other work), a few times.

    Raises:
        TooBusy: it collided each time; nothing was done.
    """
    for tried in range(1, _ATTEMPTS + 1):
        try:
            return await attempt()
        except SQLAlchemyError as error:
            if not retryable(error):
                raise
        # Whoever collided should not collide again at once.
        await asyncio.sleep(random.uniform(0.005, 0.03) * tried)  # noqa: S311 - no secret
    raise TooBusy


# How a value of these types is written in an address, and what another one is told: pydantic would
# take 2_027, +2027 or yes as well, which the contract does not know.
_FORMS: Mapping[type, tuple[re.Pattern[str], str]] = {
    int: (re.compile(r"-?(?:0|[1-9][0-9]*)"), "int_parsing"),
    bool: (re.compile(r"true|false"), "bool_parsing"),
    UUID: (re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"), "uuid_parsing"),
}


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A parameter of an endpoint, in the path or the query."""

    location: str
    may_repeat: bool
    form: tuple[re.Pattern[str], str] | None

    def fault_of(self, value: str) -> str | None:
        """Return the code of what is wrong with the value as it is written, if anything is."""
        if "\0" in value:
            return "text_with_nul"
        if self.form is not None and not self.form[0].fullmatch(value):
            return self.form[1]
        return None


def _parameters(dependant: Dependant) -> dict[str, _Parameter]:
    """Return the parameters of an endpoint by the name that they have in an address."""
    found: dict[str, _Parameter] = {}
    for param in get_flat_params(dependant):
        info = param.field_info
        if isinstance(info, Path | Query):
            kinds: tuple[Any, ...] = get_args(info.annotation) or (info.annotation,)
            found[param.alias] = _Parameter(
                location="path" if isinstance(info, Path) else "query",
                may_repeat="list[" in str(info.annotation),
                form=next((_FORMS[kind] for kind in kinds if kind in _FORMS), None),
            )
    return found


def _check_address(request: Request, known: Mapping[str, _Parameter]) -> None:
    """Refuse a query parameter that is unknown or repeated, and a value that is not of its form.

    Raises:
        InputInvalid: names each.
    """
    asked = request.query_params.multi_items() if request.scope["query_string"] else []
    errors = [
        *_findings("path", ((name, str(of)) for name, of in request.path_params.items()), known),
        *_findings("query", asked, known),
    ]
    if errors:
        raise InputInvalid(errors)


def _findings(
    location: str, values: Iterable[tuple[str, str]], known: Mapping[str, _Parameter]
) -> Iterator[dict[str, object]]:
    seen: set[str] = set()
    for name, value in values:
        parameter = known.get(name)
        if parameter is None or parameter.location != location:
            code = "unknown_parameter"
        elif name in seen and not parameter.may_repeat:
            code = "repeated_parameter"
        else:
            code = parameter.fault_of(value)
        seen.add(name)
        if code is not None:
            yield {"type": code, "loc": (location, name[:100]), "msg": code}


def _operation_id(route: APIRoute) -> str:
    return to_camel(route.name)


def area_router(*, prefix: str, tag: str, **options: Any) -> APIRouter:  # noqa: ANN401
    """Return the router of an area: transactional routes under one prefix and one tag."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=TransactionalRoute,
        generate_unique_id_function=_operation_id,
        redirect_slashes=False,
        **options,
    )
