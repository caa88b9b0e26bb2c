"""What is measured: each operation as HTTP requests, and as the one request whose SQL is caught."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.http.demo_issuer import ORGANISATION_CLAIM, PERSON_CLAIM, ROLES_CLAIM, SigningIssuer
from app.http.pagination import write_cursor
from app.kernel.actors import Role
from benchmarks.fill import SLUG, TEAM, Filled, Sizes
from benchmarks.ids import Of, digits, identifier

# CPU of service and database for one request, in milliseconds, from the measurements before a line
# was written; row-level security is on, which they allow this much for.
_ROW_LEVEL_SECURITY = 0.6
_TOKEN_SECONDS = 4 * 3600
_SAMPLE = 2000


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str = ""

    def on_the_wire(self, host: str) -> str:
        """Return the request as it goes over the wire, in HTTP/1.1."""
        headers = {"Host": host, **self.headers}
        if self.body:
            headers["Content-Type"] = "application/json"
            headers["Content-Length"] = str(len(self.body.encode()))
        told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{self.method} {self.path} HTTP/1.1\r\n{told}\r\n{self.body}"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that is measured.

    ``first`` and ``last`` number the requests it is about. One that changes takes each of them once
    and the last not at all: its SQL is caught. One that reads takes them at random. ``variables``
    are the pgbench lines that, given ``:n``, say who else is in it, ``also`` the text of each.
    """

    number: int
    name: str
    budget_ms: float | None
    changes: bool
    first: int
    last: int
    call: Callable[[int], Call]
    variables: Sequence[str] = ()
    also: Callable[[int], Mapping[str, str]] = lambda _number: {}

    def numbers(self, share: int, shares: int) -> list[int]:
        """Return what one of several measurements is about: a part of its own, or a sample."""
        if not self.changes:
            chosen = random.Random(share)  # noqa: S311 - any sample does
            return [chosen.randint(self.first, self.last) for _ in range(_SAMPLE)]
        each = (self.last - self.first) // shares
        return list(range(self.first + share * each, self.first + (share + 1) * each))


class Tokens:
    """Signs in the people who do these things."""

    def __init__(self, issuer: SigningIssuer) -> None:
        self._issuer = issuer

    def headers(self, person: int, *roles: Role) -> dict[str, str]:
        """Return the headers by which an employee of this number acts in these roles."""
        token = self._issuer.token(
            f"bench-{person}",
            {
                ORGANISATION_CLAIM: SLUG,
                PERSON_CLAIM: f"P{person}",
                ROLES_CLAIM: [role.value for role in roles],
            },
            seconds=_TOKEN_SECONDS,
        )
        return {"Authorization": f"Bearer {token}"}


def operations(sizes: Sizes, tokens: Tokens, cursor_secret: bytes) -> list[Operation]:
    """Return what is measured at several numbers of clients."""
    hr = tokens.headers(sizes.hr, Role.HR, Role.EMPLOYEE)
    manager = tokens.headers(sizes.employees + 1, Role.MANAGER, Role.EMPLOYEE)

    def get_one(number: int) -> Call:
        return Call("GET", f"/v1/requests/{identifier(Of.REQUEST, number)}", hr)

    def page(number: int) -> Call:
        position = (str(identifier(Of.REQUEST, number)),)
        cursor = write_cursor(cursor_secret, "/v1/requests", position)
        return Call("GET", f"/v1/requests?limit=50&cursor={cursor}", hr)

    def submit(number: int) -> Call:
        path = f"/v1/requests/{identifier(Of.REQUEST, number)}/submission"
        headers = {**manager, "If-Match": '"1"', "Idempotency-Key": f"submit-{digits(number)}"}
        return Call("POST", path, headers, "{}")

    def attend(number: int) -> Call:
        session = identifier(Of.PAST_SESSION, number)
        path = f"/v1/requests/{identifier(Of.REQUEST, number)}/sessions/{session}/attendances"
        employee = identifier(Of.EMPLOYEE, sizes.participant(number))
        body = {"attended": [{"employeeId": str(employee), "attendedMinutes": 45}]}
        headers = {**hr, "Idempotency-Key": f"attend-{digits(number)}"}
        return Call("POST", path, headers, json.dumps(body))

    def participant(number: int) -> Mapping[str, str]:
        return {digits(sizes.participant(number)): "e"}

    def who(people: int) -> str:
        return f"\\set e {digits(1)} + (:n - {digits(0)}) % {people}"

    return [
        Operation(
            number=0,
            name="get one request",
            budget_ms=1.6 + _ROW_LEVEL_SECURITY,
            changes=False,
            first=1,
            last=sizes.requests,
            call=get_one,
        ),
        Operation(
            number=1,
            name=f"page of 50 from {sizes.requests:,}",
            budget_ms=3.0 + _ROW_LEVEL_SECURITY,
            changes=False,
            first=51,
            last=sizes.requests,
            call=page,
        ),
        Operation(
            number=2,
            name="submit a request",
            budget_ms=None,
            changes=True,
            first=1,
            last=sizes.drafts,
            call=submit,
            variables=(who(TEAM),),
            also=participant,
        ),
        Operation(
            number=3,
            name="post an hour entry",
            budget_ms=2.1 + _ROW_LEVEL_SECURITY,
            changes=True,
            first=sizes.first_granted,
            last=sizes.drafts + sizes.granted,
            call=attend,
            variables=(who(sizes.employees),),
            also=participant,
        ),
    ]


def decide(filled: Filled, tokens: Tokens) -> Callable[[UUID], Call]:
    """Return the request by which the MT adopts a whole proposal."""
    mt = tokens.headers(filled.sizes.mt, Role.MT, Role.EMPLOYEE)

    def call(proposal_id: UUID) -> Call:
        headers = {**mt, "If-Match": "*", "Idempotency-Key": f"decide-{proposal_id}"}
        body = json.dumps({"adoptRest": True, "motivation": "Conform voorstel."})
        return Call("POST", f"/v1/proposals/{proposal_id}/decisions", headers, body)

    return call
