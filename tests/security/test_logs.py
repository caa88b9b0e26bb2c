"""What the log of the running service holds, and what it never does."""

import json
import re
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from app.http.rates import fingerprint
from app.kernel.actors import Role
from tests.security.conftest import RunningService
from tests.support import tokens
from tests.support.organisations import Organisation

# Keep their form through every encoding: a canary is found wherever it went.
SECRET = "canary5ecret" + uuid4().hex
CITIZEN_NUMBERS = ("111222333", "123456782")
NAME = "Wilhelmina" + uuid4().hex[:8]


def lines_once(
    service: RunningService, are_there: Callable[[list[dict[str, Any]]], bool], *, after: int = 0
) -> list[dict[str, Any]]:
    """Return what the log says after so many bytes, once all is there that is waited for."""
    deadline = time.monotonic() + 60
    while True:
        text = service.log.read_bytes()[after:].decode()
        # The last line may be half written.
        whole = text[: text.rfind("\n") + 1].splitlines()
        lines = [json.loads(line) for line in whole if line.startswith("{")]
        if are_there(lines) or time.monotonic() > deadline:
            return lines
        time.sleep(0.05)


@pytest.mark.invariant("S22")
def test_each_request_tells_who_what_where_when_and_with_what_result(
    service: RunningService, organisation: Organisation
) -> None:
    subject = f"subject-{uuid4()}"
    with service.client() as client:
        done = client.get("/v1/teams", headers=service.headers(organisation, subject=subject))
        refused = client.post(
            "/v1/teams", headers=service.headers(organisation, Role.EMPLOYEE, subject=subject)
        )
        forged = client.get("/v1/teams", headers={"Authorization": "Bearer not.a.token"})

    def are_told(lines: list[dict[str, Any]]) -> bool:
        requests = {line["request_id"] for line in lines if line["message"] == "request"}
        return {one.headers["X-Request-Id"] for one in (done, refused, forged)} <= requests

    lines = lines_once(service, are_told)
    told = {line["request_id"]: line for line in lines if line["message"] == "request"}
    known_as = fingerprint(organisation.id, subject).hex()
    for answer, client_told, refusal in (
        (done, known_as, None),
        (refused, known_as, "role-refused"),
        (forged, None, "sign-in-needed"),
    ):
        line = told[answer.headers["X-Request-Id"]]
        assert line["client"] == client_told
        assert (line["method"], line["route"]) == (answer.request.method, "/v1/teams")
        assert line["at"].endswith("+00:00")
        assert (line["status"], line["refusal"]) == (answer.status_code, refusal)
        assert subject not in json.dumps(line)
    reasons = [line for line in lines if line["message"] == "token refused"]
    assert forged.headers["X-Request-Id"] in {line["request_id"] for line in reasons}


@pytest.mark.invariant("S22")
@pytest.mark.parametrize(
    "hostile",
    ["\\r\\n", "%0d%0a", "\x1b[2J", "\u2028", '"}', "\\u000a{", "\x85", "%00", "\t", "\x7f"],
    ids=ascii,
)
def test_whatever_is_sent_a_request_is_one_line_of_json(
    service: RunningService, organisation: Organisation, hostile: str
) -> None:
    before = service.log.stat().st_size
    value = hostile.encode("utf-8")
    bearer = service.headers(organisation)["Authorization"].encode()
    requests = [
        b"GET /v1/x" + value + b"{y HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /v1/teams?a=" + value + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /v1/teams HTTP/1.1\r\nHost: " + value + b"\r\n\r\n",
        b"GET /v1/teams HTTP/1.1\r\nHost: a\r\ntraceparent: 00-" + value + b"\r\n\r\n",
        b"GET /v1/teams HTTP/1.1\r\nHost: a\r\nX-Request-Id: " + value + b"\r\n\r\n",
        b"GET /v1/teams HTTP/1.1\r\nHost: a\r\nAuthorization: " + value + b"\r\n\r\n",
        b"GET /v1/teams HTTP/1.1\r\nHost: a\r\nUser-Agent: " + value + b"\r\n\r\n",
        b"POST /v1/teams HTTP/1.1\r\nHost: a\r\nIdempotency-Key: "
        + value
        + b"\r\nAuthorization: "
        + bearer
        + b"\r\nContent-Length: 2\r\n\r\n{}",
    ]
    answered: list[str] = []
    for request in requests:
        with socket.create_connection(("127.0.0.1", service.port), timeout=60) as wire:
            wire.sendall(request)
            with suppress(ConnectionResetError):
                answer = wire.recv(65536)
                assert answer.startswith(b"HTTP/1.1 4")
                answered += re.findall(r"(?i)x-request-id: (\S+)", answer.decode())

    def requests_in(lines: list[dict[str, Any]]) -> list[str]:
        return [line["request_id"] for line in lines if line["message"] == "request"]

    # The last line of a test before may come late: those of this one are known by their answers.
    told = lines_once(service, lambda lines: set(answered) <= set(requests_in(lines)), after=before)
    assert len(answered) >= len(requests) - 1
    assert [requests_in(told).count(one) for one in answered] == [1] * len(answered)
    after = service.log.read_bytes()[before:].decode().splitlines()
    assert [json.loads(line) for line in after] == told
    assert not any(ord(character) < 32 for line in after for character in line)


@pytest.mark.invariant("S18")
def test_no_secret_and_no_name_that_is_sent_anywhere_is_in_the_log_or_in_a_refusal(
    service: RunningService, organisation: Organisation
) -> None:
    canaries = (SECRET, NAME, *CITIZEN_NUMBERS)
    signed_in = service.headers(organisation)
    token = signed_in["Authorization"].removeprefix("Bearer ")
    foreign = tokens.token(organisation=organisation.slug, roles=[Role.HR], subject=SECRET)
    answers: list[str] = []
    with service.client() as client:

        def send(method: str, path: str, **request: Any) -> None:  # noqa: ANN401
            answers.append(client.request(method, path, **request).text)

        for canary in canaries:
            body = {"department": canary, "name": canary, "unknown": canary}
            send("GET", f"/v1/teams/{canary}", headers=signed_in)
            send("GET", f"/v1/{canary}", headers=signed_in)
            send("GET", "/v1/teams", params={"limit": canary}, headers=signed_in)
            send("GET", "/v1/teams", params={"cursor": canary}, headers=signed_in)
            send("GET", "/v1/employees", params={"namePrefix": canary}, headers={})
            send("GET", "/v1/teams", params={"access_token": token}, headers={})
            send("POST", "/v1/teams", json=body, headers=signed_in)
            send("POST", "/v1/teams", json=[canary], headers=signed_in)
            send("POST", "/v1/teams", content=canary, headers=signed_in)
            send("POST", "/v1/employee-imports", content=canary, headers=signed_in)
            send("PUT", f"/v1/policy-versions/{uuid4()}", json=body, headers=signed_in)
            for name in (
                "Authorization",
                "Cookie",
                "User-Agent",
                "Referer",
                "X-Request-Id",
                "traceparent",
                "tracestate",
                "If-Match",
                "Idempotency-Key",
                "Accept-Language",
                "Content-Type",
            ):
                send("POST", "/v1/teams", json={}, headers=signed_in | {name: canary})
            send("GET", "/v1/teams", headers={"Authorization": f"Bearer {canary}"})
            send("POST", "/demo/token", data={"username": canary, "password": canary})
        send("GET", "/v1/teams", headers={"Authorization": f"Bearer {foreign}"})
    told = service.log.read_text() + "".join(answers)
    for canary in (*canaries, token, foreign, token.rpartition(".")[2]):
        assert canary not in told


@pytest.mark.invariant("S18")
def test_a_token_is_nowhere_in_the_database(
    service: RunningService, organisation: Organisation, owner_url: str
) -> None:
    signed_in = service.headers(organisation) | {"Idempotency-Key": uuid4().hex}
    with service.client() as client:
        team = {"department": "Toezicht", "name": "Bodem"}
        assert client.post("/v1/teams", headers=signed_in, json=team).status_code == 201
    signature = signed_in["Authorization"].rpartition(".")[2]
    with psycopg.connect(owner_url) as owner:
        tables = owner.execute(
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n"
            " ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind = 'r'"
        ).fetchall()
        owner.execute("SET row_security = on")
        owner.execute("SELECT set_config('app.organisation_id', %s, true)", [str(organisation.id)])
        for (table,) in tables:
            query = sql.SQL("SELECT count(*) FROM {} t WHERE t::text LIKE %s").format(
                sql.Identifier(table)
            )
            found = owner.execute(query, [f"%{signature}%"]).fetchone()
            assert found == (0,), table
