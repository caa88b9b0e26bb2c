"""What each sort of problem means: the rule and its source, an example, and what to do."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from html import escape
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from app.http.operation import BASE_PATH
from app.http.pages.contract import Listed
from app.http.pages.shell import marked, page, reading_language, told
from app.http.problems import (
    PROBLEM_PAGES,
    InputInvalid,
    NoSuchPath,
    known_refusals,
    on_the_wire,
    rule_on_the_wire,
    status_of,
)
from app.kernel.errors import Fact, Refusal, Text
from app.kernel.rulebook import rule
from app.kernel.wording import Language, say

TITLE = Text(en="Problems", nl="Meldingen")
_MOST_OPERATIONS = 12


def index(request: Request) -> HTMLResponse:
    """Answer the list of all problems that the service can answer with, by status."""
    language = reading_language(request)
    by_status: dict[int, list[type[Refusal]]] = {}
    for refusal in known_refusals().values():
        by_status.setdefault(status_of(refusal), []).append(refusal)
    sections = "".join(
        f"<section><h2 id='s{status}'>{status} "
        f"<span>{told(_STATUS[status], language)}</span></h2><ul class='problems'>"
        + "".join(_entry(refusal, language) for refusal in found)
        + "</ul></section>"
        for status, found in sorted(by_status.items())
    )
    contents = "".join(
        f"<a href='#s{status}'>{status} <span>{len(found)}</span></a>"
        for status, found in sorted(by_status.items())
    )
    title = told(TITLE, language)
    return page(
        request,
        title,
        f"<h1>{title}</h1><p class='lead'>{told(_LEAD, language)}</p>"
        f"<nav class='contents' aria-label='{told(_BY_STATUS, language)}'>{contents}</nav>"
        f"{sections}",
    )


def explanation(request: Request, slug: str, operations: Mapping[str, Listed]) -> HTMLResponse:
    """Answer what one sort of problem means, on which rule it rests, and what to do.

    Raises:
        NoSuchPath: there is no problem by this name.
    """
    refusal = known_refusals().get(slug)
    if refusal is None:
        raise NoSuchPath
    language = reading_language(request)
    title, status = told(refusal.title, language), status_of(refusal)
    body = (
        f"<p class='back'><a href='/problems'>{told(TITLE, language)}</a></p><h1>{title}</h1>"
        f"<p class='facts'><code>{escape(slug)}</code></p>"
        f"<h2>{told(_MEANING, language)}</h2><p>{marked(_said(refusal.detail, language))}</p>"
        f"<p class='note'>{told(_STATUS[status], language)} (HTTP {status}).</p>"
        f"<h2>{told(_TO_DO, language)}</h2>"
        f"<p class='do'>{marked(_said(refusal.remedy, language))}</p>"
        f"<h2>{told(_RULE, language)}</h2>{_rule(refusal, language)}"
        f"<h2>{told(_EXAMPLE, language)}</h2>"
        f"<pre tabindex='0'><code>{escape(_example(refusal, language))}</code></pre>"
    )
    return page(request, title, body + _where(slug, operations, language))


def _entry(refusal: type[Refusal], language: Language) -> str:
    rule_id = _rule_of(refusal)
    basis = f"<span class='rule'>{escape(rule_id)}</span>" if rule_id else ""
    return (
        f"<li><a href='{PROBLEM_PAGES}{refusal.slug}'>{told(refusal.title, language)}</a>{basis}"
        f"<span>{marked(_said(refusal.remedy, language))}</span></li>"
    )


def _rule_of(refusal: type[Refusal]) -> str | None:
    # Some take their rule from where they are raised; those name none here.
    found = refusal.__dict__.get("rule", refusal.rule)
    return found if isinstance(found, str) else None


def _rule(refusal: type[Refusal], language: Language) -> str:
    rule_id = _rule_of(refusal)
    if rule_id is None:
        status = HTTPStatus(status_of(refusal))
        source = _STANDARD.get(refusal.slug) or _STANDARD_OF_STATUS[status]
        return (
            f"<p>{told(_NO_RULE, language)}</p><dl><dt>{status.value} {status.phrase}</dt>"
            f"<dd>{escape(source)}</dd></dl>"
        )
    found = rule(rule_id)
    return (
        f"<dl><dt>{escape(found.id)}</dt><dd>{told(found.summary, language)}</dd>"
        f"<dt>{told(_SOURCE, language)}</dt><dd>{escape(found.source)}</dd></dl>"
        f"<p class='note'>{told(_GIST, language)}</p>"
    )


def _where(slug: str, operations: Mapping[str, Listed], language: Language) -> str:
    """Return which operations answer with a problem, or that any can."""
    found = [one for one in operations.values() if f"{PROBLEM_PAGES}{slug})" in one.refusals]
    if not found:
        return ""
    heading = f"<h2>{told(_WHERE, language)}</h2>"
    if len(found) > _MOST_OPERATIONS:
        return f"{heading}<p>{marked(say(_ANYWHERE, {'count': len(found)}, language))}</p>"
    links = "".join(
        f"<li><a href='{one.anchor}'>"
        f"{escape(one.term if language is Language.NL else one.summary)}</a></li>"
        for one in found
    )
    return f"{heading}<ul>{links}</ul>"


# --- The example --------------------------------------------------------------------------------


def _specimen(name: str) -> Fact:
    if name in _NAMED:
        return _NAMED[name]
    unit = name.rpartition("_")[2]
    return _BY_UNIT.get(unit, 3)


def _said(text: Text, language: Language) -> str:
    """Return a sentence with the figures of the example in it."""
    names = _names(text)
    return say(text, {name: _specimen(name) for name in names}, language)


def _names(text: Text) -> list[str]:
    seen = _Seen()
    for sentence in (text.en, text.nl):
        sentence.format_map(seen)
    return list(seen.names)


class _Seen(dict[str, str]):
    """Takes note of the names that a text asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, None] = {}

    def __missing__(self, name: str) -> str:
        self.names[name] = None
        return ""


def _example(refusal: type[Refusal], language: Language) -> str:
    body: dict[str, Any] = {
        "type": PROBLEM_PAGES + refusal.slug,
        "title": say(refusal.title, {}, language),
        "status": status_of(refusal),
        "detail": _said(refusal.detail, language),
        "instance": "urn:uuid:01a1f0c4-6f7c-7692-8a16-e9c078257419",
        "remedy": _said(refusal.remedy, language),
    }
    rule_id = _rule_of(refusal)
    if rule_id is not None:
        body["rule"] = rule_on_the_wire(rule_id, language)
    facts = {name: _specimen(name) for name in _names(refusal.detail)}
    if facts:
        body["facts"] = on_the_wire(facts)
    if issubclass(refusal, InputInvalid):
        body["errors"] = [_FINDING[language]]
    return json.dumps(body, ensure_ascii=False, indent=2)


_NAMED: Mapping[str, Fact] = {
    "accepted_types": ["application/json"],
    "account_kind": "hours",
    "action": "submit",
    "allowed_methods": ["GET", "POST"],
    "allowed_roles": ["hr", "mt"],
    "asked": 480,
    "asked_minutes": 1_920,
    "attended_minutes": 480,
    "basis": "voluntary",
    "budget_year": 2027,
    "calendar_year": 2027,
    "criterion": "legal_and_function",
    "current_version": 4,
    "cost_cents": 149_000,
    "employee_ids": ["0197a1c2-0000-7000-8000-000000000001"],
    "ends_on": date(2027, 10, 4),
    "error_count": 1,
    "exception_minutes": 0,
    "field": "motivation",
    "granted_cents": 349_690,
    "key": "reservation:0197a1c2",
    "limit": 480,
    "limit_bytes": 1_048_576,
    "left_on": date(2027, 8, 31),
    "missing_columns": ["Grondslag"],
    "missing_criteria": ["team_and_function"],
    "missing_ids": ["0197a1c2-0000-7000-8000-000000000001"],
    "most_cents": 1_000_000_000_000,
    "norm_minutes": 4_800,
    "outcome": "granted",
    "investment_cents": 149_000,
    "personnel_numbers": ["100272"],
    "planned_minutes": 420,
    "reasons": ["statutory"],
    "reference": "A27-2-0003",
    "references": ["A27-2-0003"],
    "requested_cents": 289_000,
    "roles": ["employee"],
    "room_cents": 120_000,
    "room_minutes": 1_200,
    "status": "submitted",
    "subsidies_cents": 50_000,
    "threshold_cents": 200_000,
    "today_on": date(2027, 7, 20),
    "transfer_kind": "posted",
    "unknown_ids": ["0197a1c2-0000-7000-8000-000000000001"],
    "values": ["0197a1c2-0000-7000-8000-000000000001"],
    "what": "Cursusgeld",
    "who": ["manager"],
}
_BY_UNIT: Mapping[str, Fact] = {
    "cents": 349_690,
    "minutes": 5_280,
    "on": date(2027, 9, 20),
    "at": datetime(2027, 7, 16, 8, 30, tzinfo=UTC),
    "seconds": 60,
    "unit": "minutes",
    "sha256": "9f2b6c1e" * 8,
    "limit": 2000,
}
_FINDING = {
    Language.EN: {
        "location": "body",
        "pointer": "/startsOn",
        "code": "date_form",
        "message": "must be text such as 2027-03-31",
    },
    Language.NL: {
        "location": "body",
        "pointer": "/startsOn",
        "code": "date_form",
        "message": "moet tekst zijn zoals 2027-03-31",
    },
}

# --- The texts ----------------------------------------------------------------------------------

_LEAD = Text(
    en="Every refusal says what happened, on which rule it rests, and what to do. Its `type` leads "
    "to one of these pages.",
    nl="Elke weigering zegt wat er gebeurde, op welke regel dat rust en wat u kunt doen. Haar "
    "`type` leidt naar een van deze bladzijden.",
)
_BY_STATUS = Text(en="By status", nl="Naar status")
_MEANING = Text(en="What it means", nl="Wat het betekent")
_TO_DO = Text(en="What to do", nl="Wat u kunt doen")
_RULE = Text(en="The rule behind it", nl="De regel erachter")
_SOURCE = Text(en="Source", nl="Bron")
_GIST = Text(
    en="This is its gist in our words; the source is what holds.",
    nl="Dit is de strekking in onze woorden; de bron is wat geldt.",
)
_NO_RULE = Text(
    en="It rests on no rule of the policy, or on one that depends on the operation: then `rule` in "
    "the answer names it. The status is from a standard.",
    nl="Hier ligt geen beleidsregel onder, of een die van de bewerking afhangt: dan noemt `rule` "
    "in het antwoord hem. De status komt uit een standaard.",
)
_EXAMPLE = Text(en="An example", nl="Een voorbeeld")
_WHERE = Text(en="Where it occurs", nl="Waar het voorkomt")
_ANYWHERE = Text(
    en=f"In {{count}} operations of {BASE_PATH}; each names it among its answers.",
    nl=f"Bij {{count}} bewerkingen van {BASE_PATH}; elk noemt het bij de antwoorden.",
)
_STATUS: Mapping[int, Text] = {
    400: Text(
        en="The request can not be read as the contract has it",
        nl="Het verzoek is niet te lezen zoals het contract het vraagt",
    ),
    401: Text(en="The service does not know who asks", nl="De dienst weet niet wie het vraagt"),
    403: Text(
        en="The service knows who asks, and this is not theirs to do",
        nl="De dienst weet wie het vraagt, en die mag dit niet",
    ),
    404: Text(
        en="It is not there, or not for the asker to see: the two answer alike",
        nl="Het is er niet, of niet voor de vrager om te zien: het antwoord is hetzelfde",
    ),
    405: Text(en="The address does not take this method", nl="Het adres kent deze methode niet"),
    408: Text(en="The request took too long to arrive", nl="Het verzoek kwam te langzaam binnen"),
    409: Text(
        en="The request is sound, but things are not so that it can be done now",
        nl="Het verzoek klopt, maar de stand van zaken laat het nu niet toe",
    ),
    412: Text(
        en="Somebody else changed it in the meantime",
        nl="Iemand anders heeft het intussen gewijzigd",
    ),
    413: Text(en="The request is too large", nl="Het verzoek is te groot"),
    415: Text(en="The content is of another kind", nl="De inhoud is van een andere soort"),
    422: Text(
        en="The request can be read, but what it says can not be so",
        nl="Het verzoek is te lezen, maar wat het zegt kan niet kloppen",
    ),
    428: Text(
        en="The request must say which version it is about",
        nl="Het verzoek moet zeggen over welke versie het gaat",
    ),
    429: Text(en="Too many requests in a short time", nl="Te veel verzoeken in korte tijd"),
    431: Text(en="The headers are too large", nl="De headers zijn te groot"),
    500: Text(en="The service has a fault", nl="De dienst heeft een fout"),
    503: Text(
        en="The service can not do it at the moment", nl="De dienst kan het op dit moment niet"
    ),
}
_KEY_DRAFT = "draft-ietf-httpapi-idempotency-key-header"
_STANDARD: Mapping[str, str] = {
    "idempotency-key-malformed": _KEY_DRAFT,
    "idempotency-key-missing": _KEY_DRAFT,
    "idempotency-key-reused": _KEY_DRAFT,
    "input-invalid": "RFC 9110, 15.5.1; NL GOV REST API Design Rules, /core/error-handling",
    "sign-in-needed": "RFC 6750, 3.1; RFC 9110, 15.5.2",
}
_STANDARD_OF_STATUS: Mapping[int, str] = {
    400: "RFC 9110, 15.5.1",
    401: "RFC 9110, 15.5.2",
    403: "RFC 9110, 15.5.4",
    404: "RFC 9110, 15.5.5",
    405: "RFC 9110, 15.5.6",
    408: "RFC 9110, 15.5.9",
    409: "RFC 9110, 15.5.10",
    412: "RFC 9110, 15.5.13",
    413: "RFC 9110, 15.5.14",
    415: "RFC 9110, 15.5.16",
    422: "RFC 9110, 15.5.21",
    428: "RFC 6585, 3",
    429: "RFC 6585, 4",
    431: "RFC 6585, 5",
    500: "RFC 9110, 15.6.1",
    503: "RFC 9110, 15.6.4",
}
