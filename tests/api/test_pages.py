"""The pages for people, as they are served; ``tests/pages`` looks at them in a browser."""

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.http.operation import REFUSALS
from app.http.problems import known_refusals, status_of
from app.kernel.rulebook import rule
from app.main import create_app, document
from app.settings import Settings


@pytest.fixture
async def reader(app: FastAPI) -> httpx.AsyncClient:
    """Return somebody who reads the pages of a service outside the demo."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def text_of(reader: httpx.AsyncClient, path: str) -> str:
    answer = await reader.get(path)
    assert answer.status_code == 200, path
    return answer.text


async def test_every_problem_has_its_page_with_rule_example_and_remedy_in_both_languages(
    reader: httpx.AsyncClient,
) -> None:
    index = await text_of(reader, "/problems")
    for slug, refusal in known_refusals().items():
        assert f"href='/problems/{slug}'" in index
        for language, remedy in (("en", "What to do"), ("nl", "Wat u kunt doen")):
            page = await text_of(reader, f"/problems/{slug}?lang={language}")
            assert f"lang='{language}'" in page
            assert remedy in page
            assert f"&quot;status&quot;: {status_of(refusal)}" in page
            # No figure of a sentence is left out.
            assert not re.search(r"\{[a-z_]+\}", page)
    norm = await text_of(reader, "/problems/norm-exceeded")
    assert escape(rule("VIS-8.3").source) in norm


async def test_a_problem_that_does_not_exist_has_no_page(reader: httpx.AsyncClient) -> None:
    assert (await reader.get("/problems/none-such")).status_code == 404


async def test_a_page_is_in_the_language_that_the_browser_asks_for(
    reader: httpx.AsyncClient,
) -> None:
    dutch = await reader.get("/", headers={"Accept-Language": "nl"})
    assert dutch.headers["Content-Language"] == "nl"
    assert "Ruimte om te leren" in dutch.text
    # Who chose another keeps it from page to page.
    chosen = await reader.get("/?lang=en", headers={"Accept-Language": "nl"})
    assert "href='/problems?lang=en'" in chosen.text


async def test_outside_the_demo_no_page_tells_of_its_personas(reader: httpx.AsyncClient) -> None:
    for path in ("/", "/docs", "/v1/openapi.json"):
        page = await text_of(reader, path)
        for told in ("data-persona", "x-persona", "#as-", "/demo/token", "other-hr", "demoSignIn"):
            assert told not in page, (path, told)


async def test_the_demo_tells_how_to_sign_in_at_the_address_where_it_was_reached(
    owner_url: str, tmp_path: Path
) -> None:
    demo = create_app(
        Settings.model_validate({"database_url": owner_url, "demo": True, "data_dir": tmp_path})
    )
    transport = httpx.ASGITransport(app=demo)
    async with httpx.AsyncClient(transport=transport) as client:
        for address in ("http://127.0.0.1:8123", "https://[::1]:9443", "http://demo.example"):
            page = (await client.get(f"{address}/")).text
            assert f"-d password=demo {address}/demo/token</code>" in page
        odd = await client.get("http://127.0.0.1:8123/", headers={"Host": "x'<b>&"})
    assert "x'<b>" not in odd.text
    assert "127.0.0.1:8000" not in odd.text


async def test_the_start_page_leads_to_operations_that_are_there(
    reader: httpx.AsyncClient, app: FastAPI
) -> None:
    anchors = set(re.findall(r"/docs#/([a-z]+)/(\w+)", await text_of(reader, "/")))
    there = {(told["tags"][0], told["operationId"]) for told in operations(app).values()}
    assert len(anchors) > 15
    assert anchors <= there


async def test_every_operation_tells_its_dutch_name_and_leads_to_each_refusal(
    app: FastAPI,
) -> None:
    for name, told in operations(app).items():
        assert "In Dutch: *" in told["description"], name
        answers = "\n".join(answer["description"] for answer in told["responses"].values())
        linked = set(re.findall(r"\]\(/problems/([a-z0-9-]+)\)", answers))
        assert linked >= set(told[REFUSALS]), name
        assert linked <= known_refusals().keys(), name


def operations(app: FastAPI) -> Mapping[str, dict[str, Any]]:
    return {
        told["operationId"]: told
        for item in document(app)["paths"].values()
        for told in item.values()
    }
