"""What an address, a contract or a token brings to the docs page changes no object but its own."""

import json

import pytest

from tests.support.browser import Chromium, Page

# Names by which a careless merge or parser reaches what every object inherits from.
QUERY = (
    "?__proto__[polluted]=1&__proto__.polluted=1&constructor[prototype][polluted]=1"
    "&constructor.prototype.polluted=1&__proto__=polluted"
)
REACHED = {"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}
# Null when nothing was reached; else what every object, list or function has by now.
POLLUTED = "({}).polluted ?? [].polluted ?? (() => 1).polluted ?? ''.polluted ?? null"
KEYS = "Object.getOwnPropertyNames(Object.prototype).sort()"


def open_docs(browser: Chromium, address: str) -> Page:
    page = browser.open(address)
    page.wait_for("document.querySelectorAll('.opblock').length > 80")
    return page


@pytest.mark.parametrize("at", ["", "#/__proto__", "#as-__proto__", "#/constructor/prototype"])
def test_an_address_of_the_docs_page_reaches_no_other_object(
    browser: Chromium, base: str, at: str
) -> None:
    untouched = open_docs(browser, f"{base}/docs").run(KEYS)

    page = open_docs(browser, f"{base}/docs{QUERY}{at}")

    assert page.run(POLLUTED) is None
    assert page.run(KEYS) == untouched


def test_a_contract_and_a_token_reach_no_other_object(browser: Chromium, base: str) -> None:
    """By the page's own functions, as they take in what they are given."""
    page = open_docs(browser, f"{base}/docs")
    scheme = {"type": "openIdConnect", "openIdConnectUrl": "/v1/openapi.json", **REACHED}
    contract = {"components": {"securitySchemes": {**REACHED, "__proto__": scheme}}, **REACHED}

    page.run("document.getElementById('api').dataset.client = 'docs'")
    taken = page.run(
        f"withSignIn(JSON.parse({json.dumps(json.dumps(contract))}))"
        ".then((told) => Object.keys(told.components.securitySchemes).sort())"
    )
    claims = json.dumps(json.dumps({"sub": "noor", **REACHED}))
    named = page.run(f"nameOf('.' + btoa({claims}) + '.')")

    assert taken == ["__proto__", "constructor"]
    assert named == "noor"
    assert page.run(POLLUTED) is None
