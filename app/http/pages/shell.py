"""The frame of the pages for people: header, languages, headers of the answer.

Everything a page needs comes from here: none asks another host for anything, and none but the docs
page runs a script.
"""

import re
from collections.abc import Mapping
from html import escape

from fastapi import Request
from fastapi.responses import HTMLResponse

from app.http.problems import language_of
from app.kernel.errors import Text
from app.kernel.wording import Language, say

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)
_CODE = re.compile(r"`([^`]+)`")
_OWN_LINK = re.compile(r"href='(/(?:problems(?:/[a-z0-9-]+)?)?)'")
_NAMES = {Language.NL: "Nederlands", Language.EN: "English"}
_LINKS: Mapping[str, Text] = {
    "/docs": Text(en="API", nl="API"),
    "/problems": Text(en="Problems", nl="Meldingen"),
    "/health/ready": Text(en="Health", nl="Gezondheid"),
}
_MAIN_MENU = Text(en="Main menu", nl="Hoofdmenu")
_LANGUAGES = Text(en="Language", nl="Taal")
_TO_CONTENT = Text(en="To the content", nl="Naar de inhoud")


def reading_language(request: Request) -> Language:
    """Return the reader's language: chosen on the page, else what the browser asks for."""
    chosen = request.query_params.get("lang")
    return Language(chosen) if chosen in set(Language) else language_of(request)


def told(text: Text, language: Language) -> str:
    """Return a text without facts, as HTML."""
    return marked(say(text, {}, language))


def marked(sentence: str) -> str:
    """Return a sentence as HTML, with what stands between backticks as code."""
    return _CODE.sub(r"<code>\1</code>", escape(sentence))


def page(request: Request, title: str, body: str) -> HTMLResponse:
    """Return a page of text; ``title`` and ``body`` are HTML."""
    language = reading_language(request)
    html = document(
        title,
        f"<main id='content' class='text'>{body}</main>",
        language=language,
        path=request.url.path,
        languages=_languages(request, language),
    )
    if "lang" in request.query_params:
        # Who chose a language keeps it from page to page.
        html = _OWN_LINK.sub(rf"href='\1?lang={language.value}'", html)
    return HTMLResponse(
        html,
        headers={
            "Content-Security-Policy": POLICY,
            "Content-Language": language.value,
            "Vary": "Accept-Language",
        },
    )


def document(
    title: str,
    body: str,
    *,
    language: Language,
    path: str,
    languages: str = "",
    head: str = "",
) -> str:
    """Return a whole HTML document; ``path`` is where the reader is."""
    name = title if title == "Leerruimte" else f"{title} · Leerruimte"
    links = "".join(
        f"<a href='{link}'{_current(link, path)}>{told(text, language)}</a>"
        for link, text in _LINKS.items()
    )
    return (
        f"<!doctype html><html lang='{language.value}'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{name}</title><link rel='icon' href='/docs/static/icon.svg'>"
        f"<link rel='stylesheet' href='/docs/static/page.css'>{head}</head><body>"
        f"<a class='skip' href='#content'>{told(_TO_CONTENT, language)}</a>"
        "<header class='site'><a class='brand' href='/'>Leerruimte</a>"
        f"<nav aria-label='{told(_MAIN_MENU, language)}'>{links}</nav>{languages}</header>"
        f"{body}</body></html>"
    )


def _languages(request: Request, language: Language) -> str:
    """Return the way to the same page in the other language."""
    here = " aria-current='true'"
    links = "".join(
        f"<a href='{escape(request.url.path)}?lang={one.value}' lang='{one.value}' "
        f"hreflang='{one.value}'{here if one is language else ''}>{name}</a>"
        for one, name in _NAMES.items()
    )
    return f"<nav class='languages' aria-label='{told(_LANGUAGES, language)}'>{links}</nav>"


def _current(link: str, path: str) -> str:
    if path == link:
        return " aria-current='page'"
    return " aria-current='true'" if path.startswith(f"{link}/") else ""
