import re
from urllib.parse import urlsplit

import httpx
import pytest

from app.http.openapi import TAGS
from tests.pages.axe import Axe
from tests.support.browser import Chromium, Page

WIDE, NARROW = 1280, 390
TEXT_PAGES = (
    "/",
    "/?lang=nl",
    "/problems",
    "/problems/norm-exceeded",
    "/problems/input-invalid?lang=nl",
)
OPEN = "#operations-requests-submitRequest"


def open_docs(browser: Chromium, base: str, at: str = "", *, width: int = WIDE) -> Page:
    """Open the docs page and wait until its operations are there."""
    page = browser.open(f"{base}/docs{at}", width=width)
    page.wait_for("document.querySelectorAll('.opblock').length > 80")
    return page


def sign_in(page: Page, persona: str) -> None:
    page.run(f"document.querySelector('[data-persona={persona}]').click()")
    page.wait_for(f"document.getElementById('who').textContent.startsWith('You are {persona}')")


def status_of_answer(page: Page, operation: str) -> int:
    """Press Execute of an open operation, and return the status that it shows."""
    page.wait_for(f"document.querySelector('{operation} .execute')")
    answered = f"{operation} .live-responses-table .response .response-col_status"
    live = f"document.querySelector('{answered}')"
    # What an earlier try answered is not taken for the answer to this one.
    page.run(f"document.querySelector('{operation} .btn-clear')?.click()")
    page.wait_for(f"!{live}")
    page.run(f"document.querySelector('{operation} .execute').click()")
    page.wait_for(live)
    return int(str(page.run(f"{live}.textContent"))[:3])


def is_open(operation: str) -> str:
    return f"document.querySelector('{operation}').classList.contains('is-open')"


def test_the_docs_page_shows_all_by_task_and_asks_no_other_host(
    browser: Chromium, base: str
) -> None:
    page = open_docs(browser, base)
    document = httpx.get(f"{base}/v1/openapi.json").json()
    told = [one["operationId"] for item in document["paths"].values() for one in item.values()]
    ids: list[str] = page.run("[...document.querySelectorAll('.opblock')].map((one) => one.id)")
    assert sorted(one.rpartition("-")[2] for one in ids) == sorted(told)
    shown = page.run("[...document.querySelectorAll('.opblock-tag')].map((one) => one.dataset.tag)")
    assert shown == [tag for tag in TAGS if tag in shown]
    linked = page.run(
        "[...document.querySelectorAll('[data-task]')].map((one) => one.dataset.task)"
    )
    assert linked == shown
    assert page.outside == set()
    assert page.errors == []


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("path", TEXT_PAGES)
def test_a_text_page_is_open_to_all_and_fits_its_screen(
    browser: Chromium, base: str, axe: Axe, path: str, width: int
) -> None:
    page = browser.open(f"{base}{path}", width=width)
    assert axe.grave_findings(page) == []
    assert page.run("document.documentElement.scrollWidth") <= width
    assert page.run("document.documentElement.lang") == ("nl" if "lang=nl" in path else "en")
    assert page.outside == set()
    assert page.errors == []


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_docs_page_is_open_to_all_and_fits_its_screen(
    browser: Chromium, base: str, axe: Axe, width: int
) -> None:
    page = open_docs(browser, base, width=width)
    assert axe.grave_findings(page) == []
    assert page.run("document.documentElement.scrollWidth") <= width
    assert page.run("document.documentElement.lang") == "en"


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_an_operation_that_was_tried_and_the_sign_in_are_open_to_all(
    browser: Chromium, base: str, axe: Axe, width: int
) -> None:
    page = open_docs(browser, base, "#/requests/listRequests", width=width)
    opened = "#operations-requests-listRequests"
    page.wait_for(is_open(opened))
    assert status_of_answer(page, opened) == 401
    assert axe.grave_findings(page, within=opened) == []
    page.run("document.querySelector('.swagger-ui .btn.authorize').click()")
    page.wait_for("document.querySelector('.modal-ux')")
    assert axe.grave_findings(page, within=".modal-ux") == []


def test_a_persona_signs_in_by_one_click_and_what_is_filled_in_works(
    browser: Chromium, base: str
) -> None:
    page = open_docs(browser, base, "#/requests/submitRequest")
    page.wait_for(f"document.querySelector('{OPEN} a[href=\"#as-manager\"]')")
    # The operation itself says as whom, and signs in.
    page.run(f"document.querySelector('{OPEN} a[href=\"#as-manager\"]').click()")
    page.wait_for("document.getElementById('who').textContent.startsWith('You are manager')")
    assert status_of_answer(page, OPEN) == 200
    used = page.run(f"document.querySelector('{OPEN} tr[data-param-name=requestId] input').value")
    # Loaded anew it is the same persona, and another request.
    page.run("window.before = true; document.getElementById('anew').click()")
    page.wait_for(f"!window.before && document.querySelector('{OPEN} .execute')")
    page.wait_for("document.getElementById('who').textContent.startsWith('You are manager')")
    assert used != page.run(
        f"document.querySelector('{OPEN} tr[data-param-name=requestId] input').value"
    )
    assert status_of_answer(page, OPEN) == 200
    sign_in(page, "auditor")
    assert status_of_answer(page, OPEN) == 403
    assert page.outside == set()


def test_an_operation_opens_and_is_left_by_the_keyboard(browser: Chromium, base: str) -> None:
    page = open_docs(browser, base)
    first = "#operations-people-getMe"
    page.run(f"document.querySelector('{first} .opblock-summary-control').focus()")
    page.press("Enter")
    page.wait_for(is_open(first))
    page.press("Tab")
    assert page.run("document.activeElement.closest('.opblock').id") == first.removeprefix("#")
    page.run(f"document.querySelector('{first} .opblock-summary-control').focus()")
    page.press(" ")
    page.wait_for(f"!{is_open(first)}")


def test_the_first_tab_leads_past_the_menu(browser: Chromium, base: str) -> None:
    page = browser.open(base)
    page.press("Tab")
    assert page.run("document.activeElement.getAttribute('href')") == "#content"


def test_each_refusal_of_an_operation_leads_to_its_page(browser: Chromium, base: str) -> None:
    page = open_docs(browser, base, "#/decisions/decide")
    opened = "#operations-decisions-decide"
    page.wait_for(f"document.querySelector('{opened} .responses-table a')")
    links: list[str] = page.run(
        f"[...document.querySelectorAll('{opened} .responses-table a')].map((one) => one.href)"
    )
    refusals = {urlsplit(link).path for link in links if "/problems/" in link}
    assert "/problems/norm-exceeded" in refusals
    assert len(refusals) > 10
    for path in refusals:
        assert httpx.get(f"{base}{path}").status_code == 200, path


def test_the_start_page_leads_somewhere_by_every_link(browser: Chromium, base: str) -> None:
    page = browser.open(base)
    links: list[str] = page.run("[...document.querySelectorAll('a')].map((one) => one.href)")
    for link in {one.partition("#")[0] for one in links}:
        assert httpx.get(link).status_code == 200, link
    personas = {one for one in links if "/docs#as-" in one}
    assert len(personas) == 11
    operations = [one for one in links if "/docs#/" in one]
    assert len(operations) > 15
    page = open_docs(browser, base, "#as-hr")
    page.wait_for("document.getElementById('who').textContent.startsWith('You are hr')")
    page = open_docs(browser, base)
    there = set(page.run("[...document.querySelectorAll('.opblock')].map((one) => one.id)"))
    assert {
        f"operations-{tag}-{name}"
        for tag, name in (re.split("/", one.partition("#/")[2]) for one in operations)
    } <= there
