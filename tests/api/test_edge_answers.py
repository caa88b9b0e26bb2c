import logging
import re

import httpx
import pytest
from fastapi import FastAPI

from app.http.headers import API_VERSION
from app.http.logs import JsonLines
from app.http.problems import known_refusals
from app.kernel.actors import Role
from app.kernel.rulebook import RULES
from tests.conftest import SignIn

FOREIGN = re.compile(r"""(?:src|href|url|action)\s*[=(:]\s*['"]?(?:https?:)?//""", re.IGNORECASE)


@pytest.fixture
def root(client: httpx.AsyncClient) -> httpx.AsyncClient:
    client.base_url = httpx.URL("http://test")
    return client


EVERYWHERE = [
    ("GET", "/v1/policy-versions", 401),
    ("GET", "/v1/no-such-thing", 404),
    ("GET", "/v1/policy-versions/", 404),
    ("GET", "/v1/", 404),
    ("GET", "/v1", 404),
    ("GET", "/no-such-thing", 404),
    ("GET", "/.git/config", 404),
    ("GET", "/docs/static/../../../etc/passwd", 404),
    ("DELETE", "/v1/policy-versions", 405),
    ("TRACE", "/v1/policy-versions", 405),
    ("PROPFIND", "/v1/policy-versions", 405),
    ("POST", "/health/live", 405),
]


@pytest.mark.invariant("S9")
@pytest.mark.parametrize(("method", "path", "status"), EVERYWHERE)
async def test_every_failure_is_a_problem_with_every_header(
    root: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await root.request(method, path)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert {"type", "title", "detail", "instance", "remedy"} <= set(problem)


@pytest.mark.invariant("S9")
@pytest.mark.parametrize(
    "path", ["/v1/policy-versions", "/v1/openapi.json", "/nowhere", "/", "/docs", "/health/live"]
)
async def test_every_answer_has_the_security_headers_and_the_version(
    root: httpx.AsyncClient, sign_in: SignIn, path: str
) -> None:
    answer = await root.get(path, headers=sign_in(Role.HR))
    headers = answer.headers
    assert headers["API-Version"] == API_VERSION
    assert "max-age" in headers["Strict-Transport-Security"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Server" not in headers
    assert re.fullmatch(r"[0-9a-f-]{36}", headers["X-Request-Id"])
    if path.startswith("/v1/policy"):
        assert headers["Cache-Control"] == "no-store"


async def test_405_names_every_method_of_the_path(root: httpx.AsyncClient) -> None:
    answer = await root.request("PROPFIND", "/v1/policy-versions")
    assert answer.headers["Allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize("path", ["/docs/static/page.css", "/docs/static/none", "/docs/swagger/x"])
@pytest.mark.parametrize("method", ["POST", "DELETE", "PROPFIND"])
async def test_405_at_a_file_says_that_it_can_be_read(
    root: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await root.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"
    assert answer.json()["detail"] == "This address takes GET and HEAD."


async def test_head_is_get_without_the_body(root: httpx.AsyncClient, sign_in: SignIn) -> None:
    hr = sign_in(Role.HR)
    got = await root.get("/v1/policy-versions", headers=hr)
    head = await root.head("/v1/policy-versions", headers=hr)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["Content-Length"] == got.headers["Content-Length"]
    assert (await root.head("/v1/policy-versions")).status_code == 401


@pytest.mark.invariant("S12")
async def test_what_people_typed_is_never_markup_in_an_answer(
    root: httpx.AsyncClient, sign_in: SignIn
) -> None:
    headers = {**sign_in(Role.HR), "Idempotency-Key": "markup"}
    body = {"department": "<b>&Co", "name": "<script>confirm(1)</script>"}
    first = await root.post("/v1/teams", json=body, headers=headers)
    again = await root.post("/v1/teams", json=body, headers=headers)
    refused = await root.post("/v1/teams", json={"<b>": 1}, headers=sign_in(Role.HR))
    listed = await root.get("/v1/teams", headers=headers)
    assert [one.status_code for one in (first, again, refused, listed)] == [201, 201, 400, 200]
    assert {name: first.json()[name] for name in body} == body
    assert listed.json()["items"] == [first.json()]
    for answer in (first, again, refused, listed):
        assert "<" not in answer.text
        assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.content == first.content


@pytest.mark.invariant("S6")
async def test_a_method_can_not_be_smuggled_in_a_header(
    root: httpx.AsyncClient, sign_in: SignIn
) -> None:
    headers = {**sign_in(Role.HR), "X-HTTP-Method-Override": "DELETE"}
    assert (await root.get("/v1/policy-versions", headers=headers)).status_code == 200


async def test_a_browser_elsewhere_may_ask_and_send_what_the_api_needs(
    root: httpx.AsyncClient,
) -> None:
    asked = {
        "Origin": "https://lms.example",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization, if-match",
    }
    answer = await root.options("/v1/policy-versions", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.invariant("S16")
async def test_headers_of_a_proxy_that_is_not_there_change_nothing(
    root: httpx.AsyncClient, sign_in: SignIn
) -> None:
    forged = {
        **sign_in(Role.HR),
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "gopher",
    }
    answer = await root.get("/v1/policy-versions?limit=1", headers=forged)
    assert answer.status_code == 200
    assert "evil" not in answer.text + str(answer.headers)


async def test_each_request_is_one_line_of_json_without_the_path(
    root: httpx.AsyncClient, sign_in: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {**sign_in(Role.HR), "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    with caplog.at_level(logging.INFO, logger="app.access"):
        answer = await root.get(
            "/v1/policy-versions/00000000-0000-4000-8000-000000000001", headers=headers
        )
    [record] = [record for record in caplog.records if record.name == "app.access"]
    line = JsonLines().format(record)
    assert "\n" not in line
    assert "00000000-0000-4000-8000-000000000001" not in line
    told = record.__dict__["line"]
    assert told["request_id"] == answer.headers["X-Request-Id"]
    assert told["trace_id"] == trace
    assert told["route"] == "/v1/policy-versions/{policyVersionId}"
    assert told["status"] == answer.status_code
    assert told["organisation_id"]


@pytest.mark.invariant("S22")
@pytest.mark.parametrize("sent", ["00-" + "0" * 32 + "-b7ad6b7169203331-01", "x\ny", "00-1-2-3"])
async def test_a_trace_that_does_not_hold_is_started_anew(
    root: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, sent: str
) -> None:
    with caplog.at_level(logging.INFO, logger="app.access"):
        await root.get("/v1/x", headers=[(b"traceparent", sent.encode())])
    [record] = [record for record in caplog.records if record.name == "app.access"]
    assert record.__dict__["line"]["trace_id"] is None


async def test_the_contract_is_open_to_anybody(root: httpx.AsyncClient) -> None:
    answer = await root.get("/v1/openapi.json", headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.json()["info"]["version"] == answer.headers["API-Version"]


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/oauth2-redirect", "/problems"])
async def test_a_page_asks_nothing_of_another_host(root: httpx.AsyncClient, path: str) -> None:
    answer = await root.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert re.search(r"<html lang='(en|nl)'", answer.text)
    assert not FOREIGN.search(answer.text)
    assert "<script>" not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'self'" in policy or "script-src" not in policy


async def test_what_the_docs_page_loads_is_there(root: httpx.AsyncClient) -> None:
    page = await root.get("/docs")
    files = re.findall(r"(?:src|href)='(/docs/[^']+)'", page.text)
    assert len(files) >= 5
    for path in files:
        answer = await root.get(path)
        assert answer.status_code == 200
        assert "max-age" in answer.headers["Cache-Control"]
    script = (await root.get("/docs/static/docs.js")).text
    assert not re.search(r"https?://", script)
    redirect = await root.get("/docs/oauth2-redirect.js")
    assert "swaggerUIRedirectOauth2" in redirect.text


async def test_the_start_page_speaks_both_languages(root: httpx.AsyncClient) -> None:
    english = await root.get("/")
    dutch = await root.get("/", headers={"Accept-Language": "nl"})
    assert "Room to learn" in english.text
    assert "Ruimte om te leren" in dutch.text
    assert dutch.headers["Content-Language"] == "nl"


async def test_every_refusal_has_a_page_in_both_languages(
    root: httpx.AsyncClient,
    app: FastAPI,  # noqa: ARG001 - imports every area's refusals
) -> None:
    for slug, refusal in known_refusals().items():
        for language in ("en", "nl"):
            page = await root.get(f"/problems/{slug}", headers={"Accept-Language": language})
            assert page.status_code == 200
            assert f"<html lang='{language}'>" in page.text
            assert not re.search(r"\{\w+\}", page.text)
        assert refusal.rule is None or not isinstance(refusal.rule, str) or refusal.rule in RULES
    assert (await root.get("/problems/no-such-problem")).status_code == 404


async def test_alive_and_ready_need_no_sign_in(root: httpx.AsyncClient) -> None:
    assert (await root.get("/health/live")).json() == {"status": "alive"}
    assert (await root.get("/health/ready")).json() == {"status": "ready"}
