"""Pages for people: the start page, the docs page, and what each sort of problem means.

Everything they need comes from here: no page asks another host for anything.
"""

import asyncio
import json
import logging
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import fastapi_offline
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_oauth2_redirect_html
from fastapi.responses import HTMLResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.staticfiles import StaticFiles

from app.http.demo_issuer import Persona
from app.http.examples import FindExamples, with_examples
from app.http.headers import API_VERSION
from app.http.openapi import build_openapi
from app.http.operation import BASE_PATH
from app.http.problems import NoSuchPath, known_refusals, language_of, status_of
from app.kernel.errors import Refusal, Text
from app.kernel.rulebook import rule
from app.kernel.wording import Language, say

_log = logging.getLogger(__name__)

_EXAMPLES_SECONDS = 1.0
_STATIC = Path(__file__).parent / "static"
_SWAGGER = Path(fastapi_offline.__file__).parent / "static"
_DAY = "public, max-age=86400"
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)
_FACT = re.compile(r"\{(\w+)\}")


class _KeptFiles(StaticFiles):
    """Files that a browser may keep for a day."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401
        answer = super().file_response(*args, **kwargs)
        answer.headers["Cache-Control"] = _DAY
        return answer


class Pages:
    """The pages and what they are made of."""

    def __init__(self, *, personas: Mapping[str, Persona], issuer: str | None) -> None:
        self._personas = personas
        # The page signs in with the provider by discovery, so it must be allowed to ask it.
        parts = urlsplit(issuer or "")
        provider = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
        self._docs_policy = (
            f"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
            f"img-src 'self' data:; connect-src 'self'{provider}; frame-ancestors 'none'; "
            f"base-uri 'none'; form-action 'self'"
        )
        redirect = bytes(get_swagger_ui_oauth2_redirect_html().body).decode()
        scripts = re.findall(r"<script>(.*?)</script>", redirect, re.DOTALL)
        self._redirect_script = "\n".join(scripts)

    def add_to(self, app: FastAPI) -> None:
        """Add the pages and their files to the root application."""
        app.mount("/docs/swagger", _KeptFiles(directory=_SWAGGER))
        app.mount("/docs/static", _KeptFiles(directory=_STATIC))
        router = APIRouter(include_in_schema=False, redirect_slashes=False)
        router.add_api_route("/", self.start)
        router.add_api_route("/docs", self.docs)
        router.add_api_route("/docs/oauth2-redirect", self.redirect)
        router.add_api_route("/docs/oauth2-redirect.js", self.redirect_script)
        router.add_api_route("/problems", self.problems)
        router.add_api_route("/problems/{slug}", self.problem)
        app.router.routes.extend(router.routes)

    async def start(self, request: Request) -> HTMLResponse:
        """Answer what this service is, and where to begin."""
        language = language_of(request)
        body = _START[language].format(version=API_VERSION, base=BASE_PATH)
        if self._personas:
            rows = "".join(
                f"<tr><th scope='row'><code>{escape(persona.username)}</code></th>"
                f"<td>{escape(say(persona.title, {}, language))}</td>"
                f"<td>{escape(persona.organisation_slug)}</td></tr>"
                for persona in self._personas.values()
            )
            body += _DEMO[language].format(rows=rows)
        return _page(request, "Leerruimte", body)

    async def docs(self) -> HTMLResponse:
        """Answer the docs page: Swagger UI in a shell of our own, from files of our own."""
        return HTMLResponse(_DOCS, headers={"Content-Security-Policy": self._docs_policy})

    async def redirect(self) -> HTMLResponse:
        """Answer the page that a provider sends the browser back to."""
        return HTMLResponse(_REDIRECT, headers={"Content-Security-Policy": self._docs_policy})

    async def redirect_script(self) -> Response:
        """Answer Swagger UI's own script of that page, out of its page, so that none is inline."""
        return Response(self._redirect_script, media_type="text/javascript")

    async def problems(self, request: Request) -> HTMLResponse:
        """Answer the list of all problems that the service can answer with."""
        language = language_of(request)
        rows = "".join(
            f"<tr><td>{status_of(refusal)}</td><td><a href='/problems/{slug}'>"
            f"{escape(say(refusal.title, {}, language))}</a></td>"
            f"<td>{escape(_rule_of(refusal) or '')}</td></tr>"
            for slug, refusal in known_refusals().items()
        )
        heads = "".join(f"<th scope='col'>{escape(name)}</th>" for name in _HEADS[language])
        title = _PROBLEMS[language]
        return _page(
            request, title, f"<h1>{title}</h1><table><thead><tr>{heads}</tr></thead>{rows}</table>"
        )

    async def problem(self, request: Request, slug: str) -> HTMLResponse:
        """Answer what one sort of problem means, on which rule it rests, and what to do.

        Raises:
            NoSuchPath: there is no problem by this name.
        """
        refusal = known_refusals().get(slug)
        if refusal is None:
            raise NoSuchPath
        language = language_of(request)
        title = escape(say(refusal.title, {}, language))
        sections = _SECTIONS[language]
        body = (
            f"<p><a href='/problems'>{escape(_PROBLEMS[language])}</a></p><h1>{title}</h1>"
            f"<p><code>{escape(slug)}</code> · HTTP {status_of(refusal)}</p>"
            f"<h2>{sections[0]}</h2><p>{_template(refusal.detail, language)}</p>"
            f"<h2>{sections[1]}</h2><p>{_template(refusal.remedy, language)}</p>"
        )
        rule_id = _rule_of(refusal)
        if rule_id is not None:
            found = rule(rule_id)
            body += (
                f"<h2>{sections[2]}</h2><p><strong>{escape(found.id)}</strong> "
                f"{escape(say(found.summary, {}, language))}</p><p>{escape(found.source)}</p>"
            )
        return _page(request, title, body)


def serve_document(app: FastAPI, find_examples: FindExamples | None = None) -> None:
    """Serve the API's document at its base path: without sign-in, to any origin.

    With ``find_examples`` it is made anew every few seconds, and carries what they are by then;
    when the database can not tell, it goes without.
    """
    kept: tuple[float, bytes] | None = None
    making = asyncio.Lock()

    async def made() -> bytes:
        document = build_openapi(app)
        if find_examples is not None:
            try:
                document = with_examples(document, await find_examples())
            except SQLAlchemyError as error:
                _log.warning("the contract goes without examples", exc_info=error)
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    async def document() -> Response:
        nonlocal kept
        async with making:
            if kept is None or (find_examples is not None and monotonic() > kept[0]):
                body = await made()
                kept = monotonic() + _EXAMPLES_SECONDS, body
        return Response(
            kept[1], media_type="application/json", headers={"Cache-Control": "no-cache"}
        )

    app.add_api_route("/openapi.json", document, include_in_schema=False)


def _rule_of(refusal: type[Refusal]) -> str | None:
    # Some take their rule from where they are raised; those name none here.
    found = refusal.__dict__.get("rule", refusal.rule)
    return found if isinstance(found, str) else None


def _template(text: Text, language: Language) -> str:
    """Return a sentence with each figure it would hold as an ellipsis between marks."""
    told = escape(text.nl if language is Language.NL else text.en)
    return _FACT.sub(lambda match: f"<var>{match[1].replace('_', ' ')}</var>", told)


def _page(request: Request, title: str, body: str) -> HTMLResponse:
    language = language_of(request)
    return HTMLResponse(
        f"<!doctype html><html lang='{language.value}'><head><meta charset='utf-8'>"
        f"<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{title if title == 'Leerruimte' else title + ' · Leerruimte'}</title>"
        f"<link rel='icon' href='/docs/static/icon.svg'>"
        f"<link rel='stylesheet' href='/docs/static/page.css'></head><body>"
        f"<header><a href='/'>Leerruimte</a><nav aria-label='{_NAVIGATION[language]}'>"
        f"<a href='/docs'>API</a><a href='/problems'>{escape(_PROBLEMS[language])}</a></nav>"
        f"</header>"
        f"<main>{body}</main></body></html>",
        headers={
            "Content-Security-Policy": _PAGE_POLICY,
            "Content-Language": language.value,
            "Vary": "Accept-Language",
        },
    )


_NAVIGATION = {Language.NL: "Hoofdmenu", Language.EN: "Main menu"}
_PROBLEMS = {Language.NL: "Meldingen", Language.EN: "Problems"}
_HEADS: Mapping[Language, Sequence[str]] = {
    Language.NL: ("HTTP", "Melding", "Regel"),
    Language.EN: ("HTTP", "Problem", "Rule"),
}
_SECTIONS: Mapping[Language, Sequence[str]] = {
    Language.NL: ("Wat er aan de hand is", "Wat u kunt doen", "De regel erachter"),
    Language.EN: ("What is the matter", "What to do", "The rule behind it"),
}
_START = {
    Language.NL: (
        "<h1>Ruimte om te leren</h1>"
        "<p class='lead'>Van opleidingsaanvraag tot besluit, met uren, middelen, overeenkomsten en "
        "de regels waarop elk antwoord rust.</p>"
        "<ul class='ways'>"
        "<li><a href='/docs'>Probeer de API</a><span>Alle bewerkingen, in de volgorde van het "
        "werk, met uitproberen in de bladzijde zelf.</span></li>"
        "<li><a href='{base}/openapi.json'>Het contract</a><span>OpenAPI 3.1, versie {version}."
        "</span></li>"
        "<li><a href='/problems'>Meldingen</a><span>Wat elke weigering betekent en wat u "
        "eraan kunt doen.</span></li>"
        "<li><a href='/health/ready'>Gereed?</a><span>Of de dienst werk aanneemt.</span></li></ul>"
    ),
    Language.EN: (
        "<h1>Room to learn</h1>"
        "<p class='lead'>From training request to decision, with hours, means, agreements, and the "
        "rules that every answer rests on.</p>"
        "<ul class='ways'>"
        "<li><a href='/docs'>Try the API</a><span>Every operation, in the order of the work, to be "
        "tried in the page itself.</span></li>"
        "<li><a href='{base}/openapi.json'>The contract</a><span>OpenAPI 3.1, version {version}."
        "</span></li>"
        "<li><a href='/problems'>Problems</a><span>What each refusal means, and what to do about "
        "it.</span></li>"
        "<li><a href='/health/ready'>Ready?</a><span>Whether the service takes work.</span></li>"
        "</ul>"
    ),
}
_DEMO = {
    Language.NL: (
        "<h2>De demo</h2><p>Dit is de demo: wie hier komt, kan iedereen zijn. Kies op de "
        "<a href='/docs'>API-bladzijde</a> <em>Authorize</em> en geef de naam van een persona; het "
        "wachtwoord maakt niet uit.</p><table><thead><tr><th scope='col'>Naam</th>"
        "<th scope='col'>Wie</th><th scope='col'>Organisatie</th></tr></thead>{rows}</table>"
    ),
    Language.EN: (
        "<h2>The demo</h2><p>This is the demo: whoever comes here can be anybody. Choose "
        "<em>Authorize</em> on the <a href='/docs'>API page</a> and give a persona's name; any "
        "password will do.</p><table><thead><tr><th scope='col'>Name</th>"
        "<th scope='col'>Who</th><th scope='col'>Organisation</th></tr></thead>{rows}</table>"
    ),
}
_DOCS = (
    "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
    "<meta name='viewport' content='width=device-width, initial-scale=1'>"
    "<title>API · Leerruimte</title><link rel='icon' href='/docs/static/icon.svg'>"
    "<link rel='stylesheet' href='/docs/swagger/swagger-ui.css'>"
    "<link rel='stylesheet' href='/docs/static/page.css'>"
    "<link rel='stylesheet' href='/docs/static/docs.css'></head><body>"
    "<header><a href='/'>Leerruimte</a><nav aria-label='Main menu'><a href='/docs' "
    "aria-current='page'>API</a><a href='/problems'>Problems</a></nav></header>"
    f"<main id='api' data-document='{BASE_PATH}/openapi.json'></main>"
    "<noscript><p>This page needs JavaScript; the contract itself is at "
    f"<a href='{BASE_PATH}/openapi.json'>{BASE_PATH}/openapi.json</a>.</p></noscript>"
    "<script src='/docs/swagger/swagger-ui-bundle.js'></script>"
    "<script src='/docs/static/docs.js'></script></body></html>"
)
_REDIRECT = (
    "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Signing in · Leerruimte"
    "</title></head><body><script src='/docs/oauth2-redirect.js'></script></body></html>"
)
