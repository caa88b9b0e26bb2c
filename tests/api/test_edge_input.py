import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.kernel.actors import Role
from app.settings import Settings
from tests.conftest import SignIn
from tests.support.clock import FrozenClock
from tests.support.probe import Probe, probing

LONG = "x" * 1_000_000


@pytest.fixture(scope="module")
async def probe(settings: Settings) -> AsyncIterator[Probe]:
    async with probing(settings, FrozenClock().now) as probe:
        yield probe


@pytest.fixture
async def api(probe: Probe) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=probe.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/v1") as client:
        yield client


async def made(api: httpx.AsyncClient, headers: dict[str, str]) -> int:
    answer = await api.get("/probes/made", headers=headers)
    return answer.json()["number"]


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.invariant("L7", "S4", "S5", "S12", "S16")
@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        pytest.param('{"title":"A","costCents":true}', "/costCents", "whole_number", id="true"),
        pytest.param('{"title":"A","costCents":"3"}', "/costCents", "whole_number", id="text"),
        pytest.param('{"title":"A","costCents":3.5}', "/costCents", "int_from_float", id="a half"),
        pytest.param('{"title":"A","costCents":-1}', "/costCents", "greater_than_equal", id="less"),
        pytest.param(
            '{"title":"A","costCents":1000000000001}', "/costCents", "less_than_equal", id="more"
        ),
        pytest.param('{"title":"A","costCents":1e400}', "", "json_number", id="1e400"),
        pytest.param('{"title":"A","costCents":NaN}', "", "json_invalid", id="NaN"),
        pytest.param('{"title":"A","costCents":-Infinity}', "", "json_invalid", id="infinity"),
        pytest.param(
            '{"title":"A","costCents":' + "9" * 1_000_000 + "}", "", "json_number", id="digits"
        ),
        pytest.param('{"title":"A","startsOn":0}', "/startsOn", "date_form", id="0 for a date"),
        pytest.param('{"title":"A","startsOn":"0"}', "/startsOn", "date_form", id="'0' for a date"),
        pytest.param(
            '{"title":"A","startsOn":"2027-02-30"}',
            "/startsOn",
            "date_from_datetime_parsing",
            id="30 February",
        ),
        pytest.param(
            '{"title":"A","startsOn":"2027-02-03T00:00:00"}', "/startsOn", "date_form", id="moment"
        ),
        pytest.param(
            '{"title":"A","calledAt":"2027-02-03T10:00:00"}', "/calledAt", "moment_form", id="naive"
        ),
        pytest.param('{"title":"A","calledAt":1790000000}', "/calledAt", "moment_form", id="epoch"),
        pytest.param('{"title":"A","employeeId":"1"}', "/employeeId", "uuid_parsing", id="no UUID"),
        pytest.param("{}", "/title", "missing", id="nothing"),
        pytest.param('{"title":null}', "/title", "string_type", id="null"),
        pytest.param('{"title":""}', "/title", "string_too_short", id="empty"),
        pytest.param('{"title":"  "}', "/title", "string_pattern_mismatch", id="blank"),
        pytest.param('{"title":"a\\nb"}', "/title", "string_pattern_mismatch", id="two lines"),
        pytest.param('{"title":"a\\u0000b"}', "", "text_with_nul", id="NUL"),
        pytest.param('{"title":"A","note":"\\u0000"}', "", "text_with_nul", id="NUL in prose"),
        pytest.param('{"\\u0000":1}', "", "text_with_nul", id="NUL in a name"),
        pytest.param('{"title":"\\ud800"}', "", "text_not_unicode", id="half a pair"),
        pytest.param('{"title":"A","\\udfff":1}', "", "text_not_unicode", id="half in a name"),
        pytest.param(f'{{"title":"{LONG}"}}', "/title", "string_too_long", id="a megabyte"),
        pytest.param(
            '{"title":"A","status":"granted"}', "/status", "extra_forbidden", id="unknown"
        ),
        pytest.param('{"title":"A","a/b~c":1}', "/a~1b~0c", "extra_forbidden", id="odd name"),
        pytest.param('{"title":"A","title":"B"}', "", "json_duplicate_name", id="a name twice"),
        pytest.param(
            '{"title":"A","lines":[{"what":"x","amountCents":1},{"what":"y"}]}',
            "/lines/1/amountCents",
            "missing",
            id="in a list",
        ),
        pytest.param(
            '{"title":"A","lines":[' + ",".join(['{"what":"x","amountCents":1}'] * 4) + "]}",
            "/lines",
            "too_long",
            id="a list too long",
        ),
        pytest.param('{"title":"A","lines":{}}', "/lines", "list_type", id="no list"),
        pytest.param('{"title":"A"', "", "json_broken", id="cut off"),
        pytest.param("[]", "", "model_attributes_type", id="a list for an object"),
        pytest.param("null", "", "model_attributes_type", id="null for an object"),
        pytest.param(nested(1_000), "", "json_too_deep", id="a thousand deep"),
        pytest.param(nested(100_000), "", "json_too_deep", id="a hundred thousand deep"),
        pytest.param(
            json.dumps({str(number): 1 for number in range(100_000)}, separators=(",", ":")),
            "",
            "json_too_wide",
            id="a hundred thousand names",
        ),
    ],
)
async def test_bad_input_is_400_with_a_pointer_and_changes_nothing(
    api: httpx.AsyncClient, sign_in: SignIn, body: str, pointer: str, code: str
) -> None:
    hr = sign_in(Role.HR)
    began = time.process_time()
    answer = await api.post(
        "/probes", content=body.encode(), headers={**hr, "Content-Type": "application/json"}
    )
    assert time.process_time() - began < 2
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "/problems/input-invalid"
    assert {"location": "body", "pointer": pointer, "code": code} in [
        {name: value for name, value in error.items() if name != "message"}
        for error in problem["errors"]
    ]
    assert len(answer.content) < 20_000
    assert await made(api, hr) == 0


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"title":"\xff"}', id="no UTF-8"),
        pytest.param('{"title":"A"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'\xef\xbb\xbf{"title":"A"}', id="a byte order mark"),
        pytest.param(b"", id="nothing at all"),
    ],
)
async def test_a_body_that_is_no_json_text_is_400(
    api: httpx.AsyncClient, sign_in: SignIn, body: bytes
) -> None:
    headers = {**sign_in(Role.HR), "Content-Type": "application/json"}
    answer = await api.post("/probes", content=body, headers=headers)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("startsOn", "0001-01-01", id="AD"),
        pytest.param("calledAt", "9999-12-31T23:59:59-10:00", id="beyond the calendar"),
    ],
)
async def test_what_no_schema_can_say_is_422(
    api: httpx.AsyncClient, sign_in: SignIn, name: str, value: str
) -> None:
    answer = await api.post("/probes", json={"title": "A", name: value}, headers=sign_in(Role.HR))
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == "/problems/input-impossible"
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [
        (f"/{name}", "out_of_reach")
    ]
    malformed = await api.post("/probes", json={"title": 1, name: value}, headers=sign_in(Role.HR))
    assert malformed.status_code == 400
    assert len(malformed.json()["errors"]) == 2


async def test_every_error_is_told_at_once(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    body = {"title": "", "costCents": -5, "startsOn": "soon", "extra": 1}
    answer = await api.post("/probes", json=body, headers=sign_in(Role.HR))
    problem = answer.json()
    assert {error["pointer"] for error in problem["errors"]} == {
        "/title",
        "/costCents",
        "/startsOn",
        "/extra",
    }
    assert problem["facts"] == {"errorCount": 4}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param({"title": "A", "costCents": 3.0}, 201, id="3.0 is a whole number"),
        pytest.param({"title": "€ é 🎓"}, 201, id="all of Unicode"),
        pytest.param({"title": "x" * 200}, 201, id="the longest line"),
        pytest.param({"title": "A", "costCents": 10**12}, 201, id="the largest amount"),
        pytest.param({"title": "A", "note": "a\n\tb"}, 201, id="prose of two lines"),
        pytest.param({"title": "A", "note": None}, 201, id="null where it may be"),
        pytest.param({"title": "A", "startsOn": "2028-02-29"}, 201, id="a leap day"),
    ],
)
async def test_what_the_contract_allows_is_taken(
    api: httpx.AsyncClient, sign_in: SignIn, body: dict[str, Any], expected: int
) -> None:
    answer = await api.post("/probes", json=body, headers=sign_in(Role.HR))
    assert answer.status_code == expected


async def test_a_moment_of_any_offset_is_answered_in_utc(
    api: httpx.AsyncClient, sign_in: SignIn
) -> None:
    body = {"title": "A", "calledAt": "2027-01-01T00:30:00+01:00"}
    answer = await api.post("/probes", json=body, headers=sign_in(Role.HR))
    assert answer.json()["calledAt"] == "2026-12-31T23:30:00Z"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Content-Type": "application/xml"}, id="XML"),
        pytest.param({"Content-Type": "text/plain"}, id="text"),
        pytest.param({}, id="nothing said"),
        pytest.param({"Content-Type": "application/json; charset=latin-1"}, id="Latin"),
        pytest.param({"Content-Type": "application/json; charset=windows-1252"}, id="Windows"),
        pytest.param(
            {"Content-Type": f"application/json; charset*{'9' * 5000}*=x"}, id="a number too long"
        ),
        pytest.param(
            {"Content-Type": "application/json", "Content-Encoding": "gzip"}, id="compressed"
        ),
    ],
)
async def test_another_kind_of_content_is_415(
    api: httpx.AsyncClient, sign_in: SignIn, headers: dict[str, str]
) -> None:
    answer = await api.post(
        "/probes", content=b'{"title":"A"}', headers={**sign_in(Role.HR), **headers}
    )
    assert answer.status_code == 415
    assert answer.json()["facts"] == {"acceptedTypes": ["application/json"]}


@pytest.mark.invariant("S5")
async def test_a_body_over_the_limit_is_413_whether_it_says_so_or_not(
    api: httpx.AsyncClient, sign_in: SignIn, settings: Settings
) -> None:
    hr = {**sign_in(Role.HR), "Content-Type": "application/json"}
    limit = settings.max_body_bytes
    sent = 0

    async def trickle() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 100_000
            yield b" " * 100_000

    said = await api.post("/probes", content=b" " * (limit + 1), headers=hr)
    unsaid = await api.post("/probes", content=trickle(), headers=hr)
    for answer in (said, unsaid):
        assert answer.status_code == 413
        assert answer.json()["facts"] == {"limitBytes": limit}
    assert sent <= limit + 200_000
    within = await api.post("/probes", content=b" " * limit, headers=hr)
    assert within.status_code == 400


async def test_a_bulk_upload_may_be_larger_and_of_its_own_types(
    api: httpx.AsyncClient, sign_in: SignIn, settings: Settings
) -> None:
    hr = sign_in(Role.HR)
    rows = b"a;b\n" * (settings.max_body_bytes // 4 + 1)
    csv = await api.post("/probes/files", content=rows, headers={**hr, "Content-Type": "text/csv"})
    assert (csv.status_code, csv.json()) == (200, {"number": len(rows) // 4})
    xml = await api.post(
        "/probes/files", content=b"<a/>", headers={**hr, "Content-Type": "text/xml"}
    )
    assert xml.status_code == 415


@pytest.mark.invariant("S16")
@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("limit=0", "/limit", "greater_than_equal"),
        ("limit=101", "/limit", "less_than_equal"),
        ("limit=1000000000", "/limit", "less_than_equal"),
        ("limit=many", "/limit", "int_parsing"),
        ("limit=", "/limit", "int_parsing"),
        ("limit=1_0", "/limit", "int_parsing"),
        ("limit=%2B10", "/limit", "int_parsing"),
        ("limit=%2010", "/limit", "int_parsing"),
        ("limit=10.0", "/limit", "int_parsing"),
        ("limit=010", "/limit", "int_parsing"),
        ("limit=" + "9" * 5000, "/limit", "int_parsing_size"),
        ("limit=1&limit=2", "/limit", "repeated_parameter"),
        ("colour=red", "/colour", "unknown_parameter"),
        ("shade=%00", "/shade", "text_with_nul"),
        ("cursor=%20", "/cursor", "string_pattern_mismatch"),
    ],
)
async def test_a_bad_query_is_400_and_names_the_parameter(
    api: httpx.AsyncClient, sign_in: SignIn, query: str, pointer: str, code: str
) -> None:
    answer = await api.get(f"/probes?{query}", headers=sign_in(Role.HR))
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert (error["location"], error["pointer"], error["code"]) == ("query", pointer, code)


async def test_a_parameter_that_is_a_list_may_be_repeated(
    api: httpx.AsyncClient, sign_in: SignIn
) -> None:
    answer = await api.get("/probes?kinds=a&kinds=b", headers=sign_in(Role.HR))
    assert answer.status_code == 200


ID = "01890000-0000-7000-8000-000000000001"


@pytest.mark.parametrize("probe_id", [f"%7B{ID}%7D", f"urn:uuid:{ID}", ID.replace("-", "")])
async def test_an_id_is_written_in_one_way(
    api: httpx.AsyncClient, sign_in: SignIn, probe_id: str
) -> None:
    headers = {**sign_in(Role.HR), "If-Match": "*"}
    answer = await api.put(f"/probes/{probe_id}", json={"title": "A"}, headers=headers)
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert (error["location"], error["code"]) == ("path", "uuid_parsing")


@pytest.mark.parametrize("probe_id", ["1", "%00", "x" * 5000, "..%2f..%2fetc"])
async def test_an_id_that_is_none_is_4xx(
    api: httpx.AsyncClient, sign_in: SignIn, probe_id: str
) -> None:
    headers = {**sign_in(Role.HR), "If-Match": "*"}
    answer = await api.put(f"/probes/{probe_id}", json={"title": "A"}, headers=headers)
    assert answer.status_code in {400, 404}


async def test_pages_follow_one_another_by_link_and_by_cursor(
    api: httpx.AsyncClient, sign_in: SignIn
) -> None:
    hr = sign_in(Role.HR)
    seen: list[int] = []
    path: str | None = "/v1/probes?limit=3&shade=%C3%A9"
    while path is not None:
        answer = await api.get(f"http://test{path}", headers=hr)
        page = answer.json()
        seen += [item["number"] for item in page["items"]]
        assert ("next" in answer.links) == (page["nextCursor"] is not None)
        path = answer.links["next"]["url"] if "next" in answer.links else None
        assert path is None or (path.startswith("/v1/probes?") and "shade=%C3%A9" in path)
    assert seen == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("cursor", ["AAAA", "a", "x" * 512, "bm90LWEtY3Vyc29yLWF0LWFsbA"])
async def test_a_made_up_cursor_is_422(
    api: httpx.AsyncClient, sign_in: SignIn, cursor: str
) -> None:
    answer = await api.get(f"/probes?cursor={cursor}", headers=sign_in(Role.HR))
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/cursor-invalid"


@pytest.mark.invariant("W3")
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(None, 428, id="none"),
        pytest.param('"3"', 200, id="the current one"),
        pytest.param('"2", "3"', 200, id="one of several"),
        pytest.param("*", 200, id="any"),
        pytest.param('"2"', 412, id="an old one"),
        pytest.param('W/"3"', 412, id="a weak one never matches"),
        pytest.param('"abc"', 412, id="one that is not ours"),
        pytest.param("3", 200, id="without its quotes"),
        pytest.param("2", 412, id="an old one without its quotes"),
        pytest.param('"1,3,2"', 412, id="one that holds the current one"),
        pytest.param("3x", 400, id="no tag"),
        pytest.param('"3', 400, id="half a tag"),
    ],
)
async def test_a_change_names_the_version_it_was_made_from(
    api: httpx.AsyncClient, sign_in: SignIn, sent: str | None, status: int
) -> None:
    headers = {**sign_in(Role.HR), **({} if sent is None else {"If-Match": sent})}
    answer = await api.put(
        "/probes/00000000-0000-4000-8000-000000000000", json={"title": "A"}, headers=headers
    )
    assert answer.status_code == status
    if status == 412:
        assert answer.json()["facts"] == {"currentVersion": 3}


async def test_what_the_client_has_read_already_is_304(
    api: httpx.AsyncClient, sign_in: SignIn
) -> None:
    hr = sign_in(Role.HR)
    first = await api.get("/probes/made", headers=hr)
    tag = first.headers["ETag"]
    for known in (tag, f'"0", {tag}', f"W/{tag}", f'"0",W/{tag}', "*"):
        again = await api.get("/probes/made", headers={**hr, "If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
    for other in ('"0"', 'W/"0"', f"w/{tag}"):
        changed = await api.get("/probes/made", headers={**hr, "If-None-Match": other})
        assert changed.status_code == 200


async def test_a_role_that_may_not_is_403_and_hears_which_may(
    api: httpx.AsyncClient, sign_in: SignIn
) -> None:
    answer = await api.post("/probes", json={"title": "A"}, headers=sign_in(Role.EMPLOYEE))
    assert answer.status_code == 403
    problem = answer.json()
    assert problem["type"] == "/problems/role-refused"
    assert problem["facts"]["allowedRoles"] == ["manager", "hr"]


async def test_a_role_that_may_not_is_403_before_the_body_is_read(
    api: httpx.AsyncClient, sign_in: SignIn
) -> None:
    headers = {**sign_in(Role.EMPLOYEE), "Content-Type": "application/json"}
    assert (await api.post("/probes", content=b"{", headers=headers)).status_code == 403


@pytest.mark.rule("VIS-8.3")
@pytest.mark.parametrize(
    ("language", "title", "detail"),
    [
        pytest.param(
            "nl",
            "Boven de norm",
            "De norm is 80 uur; gevraagd is 90 uur en 30 minuten op 15 juni 2026.",
            id="Dutch",
        ),
        pytest.param(
            "en",
            "Over the norm",
            "The norm is 80 hours; 90 hours 30 minutes were asked on 15 June 2026.",
            id="English",
        ),
    ],
)
async def test_a_refusal_names_its_rule_its_figures_and_its_source_in_both_languages(
    api: httpx.AsyncClient, sign_in: SignIn, language: str, title: str, detail: str
) -> None:
    headers = {**sign_in(Role.HR), "Accept-Language": f"{language}-NL, fr;q=0.3"}
    answer = await api.post("/probes/refusals", headers=headers)
    assert answer.status_code == 409
    assert answer.headers["Content-Language"] == language
    assert "Accept-Language" in answer.headers["Vary"]
    problem = answer.json()
    assert problem["type"] == "/problems/probe-refused"
    assert problem["status"] == 409
    assert problem["title"] == title
    assert problem["detail"] == detail
    assert problem["instance"] == f"urn:uuid:{answer.headers['X-Request-Id']}"
    assert problem["rule"]["id"] == "VIS-8.3"
    assert "Visie Leren" in problem["rule"]["source"]
    assert problem["rule"]["summary"]
    assert problem["facts"] == {"normMinutes": 4800, "askedMinutes": 5430, "askedOn": "2026-06-15"}


async def test_a_finding_is_told_in_dutch_to_who_asks_for_it(
    api: httpx.AsyncClient, sign_in: SignIn
) -> None:
    headers = {**sign_in(Role.HR), "Accept-Language": "nl"}
    answer = await api.post("/probes", json={"title": "A", "costCents": -1}, headers=headers)
    [error] = answer.json()["errors"]
    assert error["message"] == "moet ten minste 0 zijn"
