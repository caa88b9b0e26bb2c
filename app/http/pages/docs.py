"""The docs page: Swagger UI in a shell of our own, from files of our own."""

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

import fastapi_offline
from fastapi import FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_oauth2_redirect_html
from fastapi.responses import HTMLResponse

from app.http.demo_issuer import PATH as DEMO_PATH
from app.http.demo_issuer import Persona
from app.http.openapi import build_openapi
from app.http.operation import BASE_PATH
from app.http.pages.shell import document
from app.kernel.wording import Language, say

SWAGGER = Path(fastapi_offline.__file__).parent / "static"
REDIRECT = "/docs/oauth2-redirect"


class DocsPage:
    """The page, what a provider sends the browser back to, and what they may load and ask.

    ``client`` is what the provider knows this page as; without one it offers no sign-in there.
    """

    def __init__(
        self,
        api: FastAPI,
        *,
        personas: Mapping[str, Persona],
        issuer: str | None,
        client: str | None,
    ) -> None:
        self._api = api
        self._personas = personas
        self._client = client if issuer is not None else None
        # The page signs in with the provider by discovery, so it must be allowed to ask it.
        parts = urlsplit(issuer or "")
        provider = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
        self._policy = {
            "Content-Security-Policy": (
                f"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
                f"img-src 'self' data:; connect-src 'self'{provider}; frame-ancestors 'none'; "
                f"base-uri 'none'; form-action 'self'"
            )
        }
        redirect = bytes(get_swagger_ui_oauth2_redirect_html().body).decode()
        scripts = re.findall(r"<script>(.*?)</script>", redirect, re.DOTALL)
        self._redirect_script = "\n".join(scripts)

    async def page(self) -> HTMLResponse:
        """Answer the docs page."""
        contract = f"{BASE_PATH}/openapi.json"
        body = (
            f"<div class='docs'><aside aria-label='Tasks and sign-in'>{self._sign_in()}"
            f"{self._tasks()}</aside>"
            f"<main id='content'><div id='api' data-document='{contract}' "
            f"data-client='{escape(self._client or '')}'></div>"
            "<noscript><p>This page needs JavaScript; the contract itself is at "
            f"<a href='{contract}'>{contract}</a>.</p></noscript></main></div>"
            "<script src='/docs/swagger/swagger-ui-bundle.js'></script>"
            "<script src='/docs/static/docs.js'></script>"
        )
        head = (
            "<link rel='stylesheet' href='/docs/swagger/swagger-ui.css'>"
            "<link rel='stylesheet' href='/docs/static/docs.css'>"
        )
        return HTMLResponse(
            document("API", body, language=Language.EN, path="/docs", head=head),
            headers=self._policy,
        )

    async def redirect(self) -> HTMLResponse:
        """Answer the page that a provider sends the browser back to."""
        return HTMLResponse(_REDIRECT, headers=self._policy)

    async def redirect_script(self) -> Response:
        """Answer Swagger UI's own script of that page, out of its page, so that none is inline."""
        return Response(self._redirect_script, media_type="text/javascript")

    def _sign_in(self) -> str:
        if self._personas:
            buttons = "".join(
                f"<button type='button' data-persona='{escape(persona.username)}' "
                f"data-title='{escape(say(persona.title, {}, Language.EN))}' "
                f"title='{escape(say(persona.can, {}, Language.EN))}' aria-pressed='false'>"
                f"{escape(persona.username)}</button>"
                for persona in self._personas.values()
            )
            return (
                f"<section class='sign-in' data-token='{DEMO_PATH}/token'><h2>Sign in as</h2>"
                f"<div class='personas'>{buttons}</div>"
                "<p id='who' role='status'>Nobody is signed in.</p>"
                "<button type='button' id='anew' class='plain'>Fill in fresh examples</button>"
                "</section>"
            )
        ways = (
            "<button type='button' id='provider'>Sign in</button>"
            if self._client
            else "<p>Paste an access token of your organisation's provider under "
            "<em>Authorize</em>.</p>"
        )
        return (
            f"<section class='sign-in'><h2>Sign in</h2>{ways}"
            "<p id='who' role='status'>Nobody is signed in.</p></section>"
        )

    def _tasks(self) -> str:
        links = "".join(
            f"<li><a href='#/{tag['name']}' data-task='{tag['name']}'>{tag['name']}</a></li>"
            for tag in build_openapi(self._api)["tags"]
        )
        return (
            f"<nav class='tasks' aria-label='Tasks'><h2>Tasks, in order</h2><ol>{links}</ol></nav>"
        )


_REDIRECT = (
    "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Signing in · Leerruimte"
    "</title></head><body><main><h1>Signing in</h1><p>This window closes by itself.</p></main>"
    "<script src='/docs/oauth2-redirect.js'></script></body></html>"
)
