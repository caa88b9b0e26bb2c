"""Outside the demo one signs in from the docs page at the provider, by code with PKCE."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.pages.test_pages import is_open, open_docs, status_of_answer
from tests.support.browser import Chromium
from tests.support.database import fresh_database
from tests.support.node import installed_or_left_out
from tests.support.process import free_port, served
from tests.support.provider import AUDIENCE, Provider

PROVIDER = Path(__file__).parent.parent / "identity" / "provider"
ME = "#operations-people-getMe"
OF_THE_PROVIDER = """
[...document.querySelectorAll('.modal-ux .auth-container')]
  .find((one) => one.textContent.includes('authorizationCode'))
"""


@dataclass(frozen=True, slots=True)
class Service:
    """The service as it runs in production, and the provider it takes tokens of."""

    url: str
    provider: Provider


@pytest.fixture(scope="module")
def service(
    server_url: str, loaded_demo: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    noor = {"organisation": "odwh", "roles": ["hr", "employee"], "personnel_number": "101056"}
    with (
        fresh_database(server_url, template=loaded_demo) as database_url,
        Provider(
            installed_or_left_out(PROVIDER),
            accounts={"noor": noor},
            services={"hris": {"organisation": "odwh", "roles": ["hris"]}},
            redirect=f"{url}/docs/oauth2-redirect",
        ) as provider,
    ):
        provider.start("k1")
        with served(
            "run",
            DATABASE_URL=database_url,
            DATA_DIR=str(tmp_path_factory.mktemp("served")),
            PORT=port,
            DEMO="false",
            OIDC_ISSUER=provider.issuer,
            OIDC_AUDIENCE=AUDIENCE,
            OIDC_DOCS_CLIENT="docs",
            LOG_LEVEL="warning",
        ):
            yield Service(url, provider)


def test_one_signs_in_at_the_provider_and_an_operation_answers(
    browser: Chromium, service: Service
) -> None:
    page = open_docs(browser, service.url, "#/people/getMe")
    page.may_ask(urlsplit(service.provider.issuer).netloc)
    page.wait_for(is_open(ME))
    assert status_of_answer(page, ME) == 401
    page.run("document.getElementById('provider').click()")
    page.wait_for(f"{OF_THE_PROVIDER}")
    page.run(f"{OF_THE_PROVIDER}.querySelector('.authorize').click()")
    window = browser.opened_by(page)
    window.wait_for("document.querySelector('input[name=login]')")
    asked = window.run("document.referrer + ' ' + location.href")
    assert service.provider.issuer in asked
    window.run(
        "document.querySelector('input[name=login]').value = 'noor';"
        "document.querySelector('input[name=password]').value = 'any';"
        "document.querySelector('form').submit()"
    )
    window.wait_for("document.querySelector('input[name=prompt][value=consent]')")
    window.run("document.querySelector('form').submit()")
    page.wait_for("document.getElementById('who').textContent === 'You are noor.'")
    page.run("document.querySelector('.modal-ux .close-modal').click()")
    assert status_of_answer(page, ME) == 200
    shown = page.run(f"document.querySelector('{ME} .live-responses-table').textContent")
    assert "101056" in shown
    assert page.outside <= {urlsplit(service.provider.issuer).netloc}
