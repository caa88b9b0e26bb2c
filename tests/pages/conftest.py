"""The pages as people see them: in Debian's Chromium, served by the running demo."""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.pages.axe import AXE, Axe
from tests.scenarios.conftest import DemoService, demo_as_told, demo_service, loaded_demo
from tests.support.browser import Chromium, chromium
from tests.support.node import installed_or_left_out

__all__ = ["demo_as_told", "demo_service", "loaded_demo"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here as run by `make pages` alone: it needs a browser."""
    for item in items:
        if "tests/pages/" in item.path.as_posix():
            item.add_marker(pytest.mark.apart)


@pytest.fixture(scope="session")
def browser() -> Iterator[Chromium]:
    """Return a running browser; where there is none, skip, but fail where CI runs."""
    program = shutil.which("chromium")
    if program is None:
        reason = "left out, for there is no Chromium here: apt install chromium"
        if os.environ.get("CI"):  # noqa: TID251 - set by the runner
            pytest.fail(reason)
        pytest.skip(reason)
    with chromium(program) as browser:
        yield browser


@pytest.fixture(autouse=True)
def _pages_are_closed(browser: Chromium) -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    yield
    browser.close_pages()


@pytest.fixture(scope="session")
def axe() -> Axe:
    """Return the checker of accessibility."""
    folder = installed_or_left_out(AXE)
    return Axe((folder / "node_modules" / "axe-core" / "axe.min.js").read_text())


@pytest.fixture(scope="module")
def base(demo_service: DemoService) -> str:
    """Return the root of the running demo."""
    return demo_service.url
