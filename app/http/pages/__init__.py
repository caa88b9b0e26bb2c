"""Pages for people: the start page, the docs page, and what each sort of problem means.

Everything they need comes from here: no page asks another host for anything, but for the docs page
the provider that one signs in with.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from app.http.demo_issuer import Persona
from app.http.pages import problems
from app.http.pages.contract import operations_of, serve_document
from app.http.pages.docs import REDIRECT, SWAGGER, DocsPage
from app.http.pages.start import start

_STATIC = Path(__file__).parent.parent / "static"
_DAY = "public, max-age=86400"


class _KeptFiles(StaticFiles):
    """Files that a browser may keep for a day."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401
        answer = super().file_response(*args, **kwargs)
        answer.headers["Cache-Control"] = _DAY
        return answer


class Pages:
    """The pages and what they are made of.

    ``client`` is what the provider at ``issuer`` knows the docs page as.
    """

    def __init__(
        self,
        api: FastAPI,
        *,
        personas: Mapping[str, Persona],
        issuer: str | None = None,
        client: str | None = None,
    ) -> None:
        self._api = api
        self._personas = personas
        self._docs = DocsPage(api, personas=personas, issuer=issuer, client=client)

    def add_to(self, app: FastAPI) -> None:
        """Add the pages and their files to the root application."""
        app.mount("/docs/swagger", _KeptFiles(directory=SWAGGER))
        app.mount("/docs/static", _KeptFiles(directory=_STATIC))
        router = APIRouter(include_in_schema=False, redirect_slashes=False)
        router.add_api_route("/", self.start)
        router.add_api_route("/docs", self._docs.page)
        router.add_api_route(REDIRECT, self._docs.redirect)
        router.add_api_route(f"{REDIRECT}.js", self._docs.redirect_script)
        router.add_api_route("/problems", self.problems)
        router.add_api_route("/problems/{slug}", self.problem)
        app.router.routes.extend(router.routes)

    async def start(self, request: Request) -> HTMLResponse:
        """Answer what this service is, and where to begin."""
        return start(request, self._personas, operations_of(self._api))

    async def problems(self, request: Request) -> HTMLResponse:
        """Answer the list of all problems that the service can answer with."""
        return problems.index(request)

    async def problem(self, request: Request, slug: str) -> HTMLResponse:
        """Answer what one sort of problem means, on which rule it rests, and what to do.

        Raises:
            NoSuchPath: there is no problem by this name.
        """
        return problems.explanation(request, slug, operations_of(self._api))


__all__ = ["Pages", "serve_document"]
