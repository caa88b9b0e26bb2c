"""The service as a process, spoken to by raw sockets: what httpx would never send."""

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from statistics import median
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http.connections import MAX_HEAD_BYTES, ChunkLines
from app.http.headers import API_VERSION
from app.settings import Settings
from tests.security.conftest import FORGED, RunningService
from tests.support.organisations import Organisation

ALIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
TEAM = b'{"department":"Toezicht","name":"Bodem"}'
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
AS_CHUNK = b"%x\r\n%s\r\n0\r\n\r\n" % (len(TEAM), TEAM)


class Wire:
    """One connection to the service."""

    def __init__(self, service: RunningService) -> None:
        self._socket = socket.create_connection(("127.0.0.1", service.port), timeout=60)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive_all(self) -> bytes:
        """Return what is answered until the service closes the connection."""
        received = b""
        # A service that closes on data it has not read resets the connection.
        with suppress(ConnectionResetError):
            while found := self._socket.recv(65536):
                received += found
        return received

    def receive_one(self) -> bytes:
        """Return the next answer, which tells its length."""
        received = self._socket.recv(65536)
        length = re.search(rb"content-length: (\d+)", received)
        assert length
        missing = received.index(b"\r\n\r\n") + 4 + int(length[1]) - len(received)
        while missing > 0:
            found = self._socket.recv(65536)
            received += found
            missing -= len(found)
        return received

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def wire(service: RunningService) -> Iterator[Wire]:
    wire = Wire(service)
    yield wire
    wire.close()


def post(service: RunningService, organisation: Organisation, rest: bytes) -> bytes:
    """Return a request to add a team, from its headers about the body on."""
    signed_in = service.headers(organisation)["Authorization"].encode()
    return (
        b"POST /v1/teams HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Authorization: " + signed_in + b"\r\n" + rest
    )


def with_length(*lines: bytes) -> bytes:
    return b"".join(line + b"\r\n" for line in lines) + b"\r\n" + TEAM


def teams(service: RunningService, organisation: Organisation) -> int:
    with service.client() as client:
        answer = client.get("/v1/teams", headers=service.headers(organisation))
    return len(answer.json()["items"])


def problem_of(answer: bytes) -> dict[str, object]:
    """Check that an answer is one whole problem and nothing more, and return it."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert "content-type: application/problem+json" in lines
    assert f"api-version: {API_VERSION}" in lines
    assert "x-content-type-options: nosniff" in lines
    assert "connection: close" in lines
    assert f"content-length: {len(body)}" in lines
    problem: dict[str, object] = json.loads(body)
    assert str(problem["status"]) in lines[0]
    return problem


LENGTH = b"Content-Length: %d" % len(TEAM)
AMBIGUOUS = {
    "a length and chunks": LENGTH + b"\r\n" + CHUNKED + AS_CHUNK,
    "chunks and a length": b"Transfer-Encoding: chunked\r\n" + with_length(LENGTH),
    "two lengths": with_length(LENGTH, b"Content-Length: 2"),
    "the same length twice": with_length(LENGTH, LENGTH),
    "a list of lengths": with_length(LENGTH + b", %d" % len(TEAM)),
    "a length with a sign": with_length(LENGTH.replace(b": ", b": +")),
    "a length below nothing": with_length(b"Content-Length: -1"),
    "a length beyond counting": with_length(b"Content-Length: " + b"9" * 30),
    "a space before the colon": with_length(LENGTH.replace(b":", b" :")),
    "a folded line": with_length(b"X-Folded: a\r\n b", LENGTH),
    "a line feed alone": with_length(b"X-Line: a\nX-Other: b", LENGTH),
    "a carriage return alone": with_length(b"X-Line: a\rX-Other: b", LENGTH),
    "a NUL": with_length(b"X-Nul: a\0b", LENGTH),
    "a second Host": with_length(b"Host: y", LENGTH),
    "a coding that hides chunks": b"Transfer-Encoding: xchunked\r\n\r\n" + AS_CHUNK,
    "a compressed transfer": b"Transfer-Encoding: gzip, chunked\r\n\r\n" + AS_CHUNK,
    "two codings": b"Transfer-Encoding: gzip\r\n" + CHUNKED + AS_CHUNK,
    "a chunk extension": CHUNKED + AS_CHUNK.replace(b"\r\n", b";a=b\r\n", 1),
    "an empty chunk extension": CHUNKED + AS_CHUNK.replace(b"\r\n", b";\r\n", 1),
    "an extension of the last chunk": CHUNKED + AS_CHUNK.replace(b"0\r\n", b"0;a=b\r\n"),
    "a space behind the size": CHUNKED + AS_CHUNK.replace(b"\r\n", b" \r\n", 1),
    "a chunk that ends in a line feed": CHUNKED + AS_CHUNK.replace(b"\r\n", b"\n", 1),
    "a size that is no number": CHUNKED + AS_CHUNK.replace(b"\r\n", b"g\r\n", 1),
    "a size with a prefix": CHUNKED + b"0x" + AS_CHUNK,
    "a size beyond counting": CHUNKED + b"f" * 20 + AS_CHUNK,
}


@pytest.mark.invariant("S17")
@pytest.mark.parametrize("rest", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_a_request_whose_end_is_not_certain_is_400_and_its_connection_is_closed(
    service: RunningService, organisation: Organisation, wire: Wire, rest: bytes
) -> None:
    wire.send(post(service, organisation, rest) + ALIVE + b"\r\n")
    assert problem_of(wire.receive_all())["type"] == "/problems/request-malformed"
    assert teams(service, organisation) == 0


@pytest.mark.invariant("S17")
def test_a_chunk_extension_is_seen_wherever_the_packets_part(
    service: RunningService, organisation: Organisation
) -> None:
    whole = post(service, organisation, AMBIGUOUS["a chunk extension"])
    begins = whole.index(b"\r\n\r\n")
    for at in range(begins, begins + 12):
        wire = Wire(service)
        wire.send(whole[:at])
        time.sleep(0.01)
        wire.send(whole[at:])
        assert problem_of(wire.receive_all())["type"] == "/problems/request-malformed", at
        wire.close()
    assert teams(service, organisation) == 0


@pytest.mark.parametrize(
    "rest", [with_length(LENGTH), CHUNKED + AS_CHUNK], ids=["a length", "chunks"]
)
def test_a_request_that_ends_where_it_says_is_served(
    service: RunningService, organisation: Organisation, wire: Wire, rest: bytes
) -> None:
    request = post(service, organisation, rest)
    for at in (len(request), len(request) - 7, request.index(b"\r\n\r\n") + 2):
        wire.send(request[:at])
        time.sleep(0.01)
        wire.send(request[at:])
        assert wire.receive_one().startswith((b"HTTP/1.1 201", b"HTTP/1.1 409"))
    assert teams(service, organisation) == 1


def test_requests_ahead_of_their_answers_are_answered_in_turn_unless_they_come_in_chunks(
    service: RunningService, organisation: Organisation, wire: Wire
) -> None:
    wire.send((ALIVE + b"\r\n") * 3 + ALIVE + b"Connection: close\r\n\r\n")
    assert wire.receive_all().count(b"HTTP/1.1 200") == 4
    ahead = Wire(service)
    ahead.send(ALIVE + b"\r\n" + post(service, organisation, CHUNKED + AS_CHUNK))
    assert b"HTTP/1.1 201" not in ahead.receive_all()
    ahead.close()
    assert teams(service, organisation) == 0


NO_REQUEST = {
    "no Host": b"GET /health/live HTTP/1.1\r\n\r\n",
    "HTTP 0.9": b"GET /health/live\r\n\r\n",
    "HTTP/1.9": ALIVE.replace(b"1.1", b"1.9") + b"\r\n",
    "HTTP/2 beforehand": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "CONNECT": b"CONNECT db:5432 HTTP/1.1\r\nHost: x\r\n\r\n",
    "bytes in the address": ALIVE.replace(b"live", b"\xff\xfe") + b"\r\n",
    "a method of its own": ALIVE.replace(b"GET", b"G@T") + b"\r\n",
    "a header without a name": ALIVE + b": a\r\n\r\n",
}


@pytest.mark.invariant("S16", "S17")
@pytest.mark.parametrize("sent", NO_REQUEST.values(), ids=NO_REQUEST)
def test_what_is_no_request_is_400_and_its_connection_is_closed(wire: Wire, sent: bytes) -> None:
    wire.send(sent)
    assert problem_of(wire.receive_all())["type"] == "/problems/request-malformed"


WISHES = (b"Upgrade: h2c", b"Connection: Upgrade")


@pytest.mark.invariant("S17")
@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"foo"])
@pytest.mark.parametrize(
    "rest", [with_length(LENGTH), CHUNKED + AS_CHUNK], ids=["a length", "chunks"]
)
def test_a_body_behind_a_wish_for_another_protocol_is_never_a_request(
    service: RunningService,
    organisation: Organisation,
    wire: Wire,
    protocol: bytes,
    rest: bytes,
) -> None:
    wishes = b"Connection: keep-alive, Upgrade\r\nUpgrade: " + protocol + b"\r\n"
    head, body = post(service, organisation, wishes + rest).split(b"\r\n\r\n", 1)
    wire.send(head + b"\r\n\r\n")
    time.sleep(0.01)
    wire.send(ALIVE + b"\r\n" + body)
    assert problem_of(wire.receive_all())["type"] == "/problems/upgrade-refused"
    assert teams(service, organisation) == 0


def test_a_wish_for_another_protocol_without_a_body_is_answered_as_http_and_ends_there(
    wire: Wire,
) -> None:
    wire.send(ALIVE + b"\r\n".join([*WISHES, b"", b""]) + ALIVE + b"\r\n")
    answered = wire.receive_all()
    assert answered.startswith(b"HTTP/1.1 200")
    assert answered.count(b"HTTP/1.1") == 1
    assert b"connection: close" in answered


@pytest.mark.invariant("S5")
@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(ALIVE + b"X-A: " + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n", id="a long header"),
        pytest.param(ALIVE + b"X-A: " + b"a" * 200_000, id="a header without an end"),
        pytest.param(ALIVE + b"X-A: a\r\n" * 100 + b"\r\n", id="a hundred headers more"),
        pytest.param(ALIVE.replace(b"live", b"a" * MAX_HEAD_BYTES) + b"\r\n", id="a long address"),
    ],
)
def test_a_head_that_is_too_large_is_431(wire: Wire, sent: bytes) -> None:
    wire.send(sent)
    problem = problem_of(wire.receive_all())
    assert problem["type"] == "/problems/head-too-large"
    assert problem["facts"] == {"limitBytes": MAX_HEAD_BYTES, "limitHeaders": 100}


@pytest.mark.invariant("S22")
def test_what_never_became_a_request_has_its_line_in_the_log(
    service: RunningService, wire: Wire
) -> None:
    wire.send(b"nonsense \x1b[31m\r\n\r\n")
    instance = str(problem_of(wire.receive_all())["instance"])
    lines = [json.loads(line) for line in service.log.read_text().splitlines() if line[:1] == "{"]
    [line] = [line for line in lines if line.get("request_id") == instance[-36:]]
    assert (line["status"], line["refusal"]) == (400, "request-malformed")
    assert "nonsense" not in service.log.read_text()


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=6), st.data())
def test_a_plain_chunked_body_is_plain_however_it_is_divided(
    chunks: list[bytes], data: st.DataObject
) -> None:
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    lines = ChunkLines()
    while body:
        at = data.draw(st.integers(min_value=1, max_value=len(body)))
        assert lines.are_plain(body[:at])
        body = body[at:]


# --- Slowly -------------------------------------------------------------------------------------

SLOW = 5
# Far longer than the service waits for anybody; and a bound that a busy machine keeps as well.
TRICKLES_SECONDS, GIVEN_UP_WITHIN = 200, 100


def trickle(wire: Wire, beginning: bytes, drop: bytes) -> tuple[bytes, float]:
    """Send a drop ten times a second until the connection ends; return the answer and how long."""
    began = time.monotonic()
    wire.send(beginning)
    with suppress(OSError):
        while drop and time.monotonic() - began < TRICKLES_SECONDS:
            wire.send(drop)
            time.sleep(0.1)
    answer = b""
    with suppress(OSError):
        answer = wire.receive_all()
    wire.close()
    return answer, time.monotonic() - began


def ask_often(
    service: RunningService, organisation: Organisation, until: Callable[[], bool]
) -> list[float]:
    """Ask for a page again and again; return how long each answer took, in seconds."""
    took: list[float] = []
    with service.client() as client:
        headers = service.headers(organisation)
        while not until():
            began = time.perf_counter()
            assert client.get("/v1/teams", headers=headers).status_code == 200
            took.append(time.perf_counter() - began)
            time.sleep(0.01)
    return took


@pytest.mark.invariant("S5")
def test_who_sends_slowly_is_408_or_closed_while_others_keep_their_pace(
    service: RunningService, organisation: Organisation
) -> None:
    unsigned = b"POST /v1/teams HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
    signed = post(service, organisation, b"Content-Length: 1000\r\n\r\n")
    slowly = {
        "nothing": (b"", b""),
        "a head": (b"GET /health/live HTTP/1.1\r\nX-Slow: ", b"a"),
        "empty lines": (b"", b"\r\n"),
        "empty lines after an answer": (ALIVE + b"\r\n", b"\r\n"),
        "a body of who did not sign in": (unsigned, b" "),
        "a body": (signed, b" "),
        "a body in chunks": (post(service, organisation, CHUNKED), b"1\r\n \r\n"),
    }
    with_an_empty_line = Wire(service)
    with_an_empty_line.send(ALIVE + b"\r\n")
    assert with_an_empty_line.receive_one().startswith(b"HTTP/1.1 200")
    with_an_empty_line.send(b"\r\n")
    alone = ask_often(service, organisation, iter([False] * 30 + [True]).__next__)
    with ThreadPoolExecutor(SLOW * len(slowly)) as pool:
        under_way = {
            name: [pool.submit(trickle, Wire(service), *sent) for _ in range(SLOW)]
            for name, sent in slowly.items()
        }
        everyone = [one for those in under_way.values() for one in those]
        beside = ask_often(service, organisation, lambda: all(one.done() for one in everyone))
        answers = {name: [one.result() for one in those] for name, those in under_way.items()}
    for name, those in answers.items():
        assert max(took for _, took in those) < GIVEN_UP_WITHIN, name
    assert {answer for answer, _ in answers["nothing"]} == {b""}
    assert problem_of(answers["a head"][0][0])["type"] == "/problems/request-too-slow"
    for name in ("a body", "a body in chunks"):
        assert problem_of(answers[name][0][0])["type"] == "/problems/body-too-slow"
    # One empty line behind a request is no slow one.
    with_an_empty_line.send(ALIVE + b"\r\n")
    assert with_an_empty_line.receive_one().startswith(b"HTTP/1.1 200")
    with_an_empty_line.close()
    # Who waited for the slow ones would wait for seconds: as long as those have to arrive.
    usual, meanwhile = median(alone), median(beside)
    assert meanwhile < 4 * usual + 0.5, (usual, meanwhile)


def test_by_default_a_request_has_less_than_thirty_seconds_to_arrive() -> None:
    assert Settings.model_fields["arrival_seconds"].default + 5 <= 30


def test_who_leaves_while_a_body_is_awaited_is_no_defect(
    service: RunningService, organisation: Organisation
) -> None:
    def told_of_leaving() -> dict[str, object]:
        """Leave, and return the line that the log has of it."""
        wire = Wire(service)
        trace = uuid4().hex
        told = f"traceparent: 00-{trace}-b7ad6b7169203331-01\r\nContent-Length: 100\r\n\r\n"
        wire.send(post(service, organisation, told.encode()))
        time.sleep(0.2)
        wire.close()
        deadline = time.monotonic() + 60
        while trace not in (log := service.log.read_text()) or not log.endswith("\n"):
            assert time.monotonic() < deadline, "there is no line of it"
            time.sleep(0.05)
        [line] = [line for line in log.splitlines() if trace in line]
        return json.loads(line)

    line = told_of_leaving()
    for _ in range(5):
        if line["status"] != 408:
            break
        # On a machine that was held up the body's time was over before anybody left.
        line = told_of_leaving()
    assert (line["level"], line["status"], "fault" in line) == ("info", 499, False)


# --- What proxies say ---------------------------------------------------------------------------


@pytest.mark.invariant("S16")
def test_where_a_request_came_from_is_no_header_of_its_own(
    service: RunningService, organisation: Organisation
) -> None:
    assert service.origin_told(organisation, FORGED) == "127.0.0.1"


@pytest.mark.invariant("S16")
def test_no_answer_repeats_the_host_that_was_asked(service: RunningService) -> None:
    with service.client() as client:
        for path in ("/", "/docs", "/v1/openapi.json", "/v1/teams", "/problems", "/nowhere"):
            answer = client.get(path, headers={"Host": "evil.example"})
            assert "evil.example" not in answer.text + str(answer.headers)


@pytest.mark.invariant("S9")
def test_no_answer_says_what_serves_it(service: RunningService) -> None:
    with service.client() as client:
        answers = [client.get(path) for path in ("/", "/v1/teams", "/nowhere")]
    wire = Wire(service)
    wire.send(b"nonsense\r\n\r\n")
    told = wire.receive_all().decode() + "".join(str(answer.headers) for answer in answers)
    wire.close()
    assert not re.search(r"uvicorn|python|starlette|fastapi|^server:|powered", told, re.IGNORECASE)
