"""The start page: what this is, how to try it, who one can be, and the main job step by step."""

from collections.abc import Mapping, Sequence
from html import escape

from fastapi import Request
from fastapi.responses import HTMLResponse

from app.http.demo_issuer import PATH as ISSUER_PATH
from app.http.demo_issuer import Persona
from app.http.headers import API_VERSION
from app.http.operation import BASE_PATH
from app.http.pages.contract import Listed
from app.http.pages.shell import page, reading_language, told
from app.kernel.errors import Text
from app.kernel.wording import Language


def start(
    request: Request, personas: Mapping[str, Persona], operations: Mapping[str, Listed]
) -> HTMLResponse:
    """Answer what this service is, and where to begin."""
    language = reading_language(request)
    ways = "".join(
        f"<li><a href='{link}'>{told(title, language)}</a><span>{told(says, language)}</span></li>"
        for link, title, says in (_WAYS if not personas else (*_WAYS, _TO_PERSONAS))
    )
    body = (
        f"<h1>{told(_TITLE, language)}</h1><p class='lead'>{told(_LEAD, language)}</p>"
        f"<ul class='ways'>{ways}</ul>"
    )
    if personas:
        body += _demo(personas, language, f"{request.base_url}".rstrip("/") + ISSUER_PATH)
    body += _walk(operations, language, with_personas=bool(personas))
    return page(request, "Leerruimte", body)


def _demo(personas: Mapping[str, Persona], language: Language, issuer: str) -> str:
    rows = "".join(
        f"<tr><th scope='row'><code>{escape(persona.username)}</code></th>"
        f"<td>{told(persona.title, language)}<span>{told(persona.can, language)}</span></td>"
        f"<td>{escape(persona.organisation_slug)}</td>"
        f"<td><a href='/docs#as-{persona.username}'>{told(_SIGN_IN, language)}"
        f"<span class='unseen'> {told(_AS, language)} {escape(persona.username)}</span></a></td>"
        "</tr>"
        for persona in personas.values()
    )
    heads = "".join(f"<th scope='col'>{told(head, language)}</th>" for head in _HEADS)
    return (
        f"<h2 id='demo'>{told(_DEMO, language)}</h2><p>{told(_DEMO_LEAD, language)}</p>"
        f"<table class='personas'><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        f"<p>{told(_BY_COMMAND, language)}</p>"
        "<pre tabindex='0'><code>curl -d username=hr -d password=demo "
        f"{escape(issuer)}/token</code></pre>"
    )


def _walk(operations: Mapping[str, Listed], language: Language, *, with_personas: bool) -> str:
    steps = "".join(
        f"<li><p>{told(says, language)}</p><ul>"
        + "".join(
            _link(operations[name], persona if with_personas else None, language)
            for persona, name in calls
            if name in operations
        )
        + "</ul></li>"
        for says, calls in _WALK
    )
    return (
        f"<h2 id='walk'>{told(_WALK_TITLE, language)}</h2><p>{told(_WALK_LEAD, language)}</p>"
        f"<ol class='walk'>{steps}</ol>"
    )


def _link(operation: Listed, persona: str | None, language: Language) -> str:
    name = operation.term if language is Language.NL else operation.summary
    who = "" if persona is None else f" <code>{escape(persona)}</code>"
    return f"<li><a href='{operation.anchor}'>{escape(name)}</a>{who}</li>"


_TITLE = Text(en="Room to learn", nl="Ruimte om te leren")
_LEAD = Text(
    en="From training request to decision, with hours, means, agreements, and the rules that every "
    "answer rests on.",
    nl="Van opleidingsaanvraag tot besluit, met uren, middelen, overeenkomsten en de regels waarop "
    "elk antwoord rust.",
)
_WAYS: Sequence[tuple[str, Text, Text]] = (
    (
        "/docs",
        Text(en="Try the API", nl="Probeer de API"),
        Text(
            en="Every operation, by task, to be tried in the page itself.",
            nl="Alle bewerkingen, per taak, uit te proberen in de bladzijde zelf.",
        ),
    ),
    (
        "#walk",
        Text(en="Walk the main job", nl="Loop het hoofdwerk door"),
        Text(
            en="From the first day at work to what leaving costs.",
            nl="Van de eerste werkdag tot wat vertrekken kost.",
        ),
    ),
    (
        "/problems",
        Text(en="Problems", nl="Meldingen"),
        Text(
            en="What each refusal means, its rule, and what to do about it.",
            nl="Wat elke weigering betekent, de regel en wat u eraan kunt doen.",
        ),
    ),
    (
        f"{BASE_PATH}/openapi.json",
        Text(en="The contract", nl="Het contract"),
        Text(
            en=f"OpenAPI 3.1, version {API_VERSION}: generate a client from it.",
            nl=f"OpenAPI 3.1, versie {API_VERSION}: genereer er een client uit.",
        ),
    ),
    (
        "/health/ready",
        Text(en="Health", nl="Gezondheid"),
        Text(
            en="Whether the service takes work at this moment.",
            nl="Of de dienst op dit moment werk aanneemt.",
        ),
    ),
)
_DEMO = Text(en="Who you can be", nl="Wie u kunt zijn")
_TO_PERSONAS = (
    "#demo",
    _DEMO,
    Text(
        en="The demo's personas, each signed in by one click.",
        nl="De persona's van de demo, elk met een klik aangemeld.",
    ),
)
_DEMO_LEAD = Text(
    en="This is the demo: whoever comes here can be anybody. One click signs you in on the API "
    "page; what is filled in there works as it stands.",
    nl="Dit is de demo: wie hier komt, kan iedereen zijn. Met een klik meldt u zich aan op de "
    "API-bladzijde; wat daar is ingevuld, werkt zoals het er staat.",
)
_BY_COMMAND = Text(
    en="From a command line, any password will do:",
    nl="Vanaf de opdrachtregel; elk wachtwoord is goed:",
)
_SIGN_IN = Text(en="Sign in", nl="Aanmelden")
_AS = Text(en="as", nl="als")
_HEADS = (
    Text(en="Name", nl="Naam"),
    Text(en="Who, and what they can do", nl="Wie, en wat die kan"),
    Text(en="Organisation", nl="Organisatie"),
    Text(en="Try", nl="Proberen"),
)
_WALK_TITLE = Text(en="The main job in ten minutes", nl="Het hoofdwerk in tien minuten")
_WALK_LEAD = Text(
    en="It takes an organisation a year. Each step leads to its operations on the API page; the "
    "README walks it from the command line.",
    nl="Een organisatie doet er een jaar over. Elke stap leidt naar de bewerkingen op de "
    "API-bladzijde; de README loopt het door vanaf de opdrachtregel.",
)
_WALK: Sequence[tuple[Text, Sequence[tuple[str, str]]]] = (
    (
        Text(
            en="People arrive from the HRIS; sent twice, they arrive once.",
            nl="Mensen komen uit het personeelssysteem; dubbel verzonden is een keer aangekomen.",
        ),
        (("hris", "importEmployees"), ("employee", "getMe")),
    ),
    (
        Text(
            en="The policy says what holds: the norm of hours, the tranches, the criteria.",
            nl="Het beleid zegt wat geldt: de urennorm, de tranches, de criteria.",
        ),
        (("employee", "getPolicyInForce"),),
    ),
    (
        Text(
            en="A manager asks for a training and submits it; the answer says in which tranche it "
            "falls, and why.",
            nl="Een leidinggevende vraagt een opleiding aan en dient in; het antwoord zegt in "
            "welke tranche zij valt, en waarom.",
        ),
        (("manager", "draftRequest"), ("manager", "submitRequest")),
    ),
    (
        Text(
            en="HR judges every request on the five criteria, ranks, and proposes.",
            nl="HR beoordeelt elke aanvraag op de vijf criteria, ordent en stelt voor.",
        ),
        (("hr", "assessRequest"), ("hr", "draftProposal"), ("hr", "submitProposal")),
    ),
    (
        Text(
            en="The management team tries the decision, which changes nothing, and takes it.",
            nl="Het managementteam beproeft het besluit, wat niets wijzigt, en neemt het.",
        ),
        (("mt", "tryDecisions"), ("mt", "decide")),
    ),
    (
        Text(
            en="Means are committed and hours reserved.",
            nl="Middelen zijn toegezegd en uren gereserveerd.",
        ),
        (("mt", "getBudget"), ("employee", "getHourLedger")),
    ),
    (
        Text(
            en="The agreement is drawn up, and signed by the employee first, the manager second.",
            nl="De overeenkomst wordt opgesteld, en eerst door de medewerker getekend, daarna door "
            "de leidinggevende.",
        ),
        (
            ("hr", "drawUpAgreement"),
            ("employee", "getAgreementDocument"),
            ("employee", "signAgreement"),
        ),
    ),
    (
        Text(
            en="What was attended is posted to the year's hours; the training is completed.",
            nl="Wat is gevolgd telt in de uren van het jaar; de opleiding wordt afgerond.",
        ),
        (("hr", "recordAttendances"), ("hr", "completeRequest")),
    ),
    (
        Text(
            en="What leaving would cost is known for any day, with its steps.",
            nl="Wat vertrekken kost is bekend voor elke dag, met de stappen.",
        ),
        (("employee", "getAgreementRepayment"), ("hr", "endEmployment")),
    ),
    (
        Text(
            en="All of it can be looked up: who, what, when, why, by which rule.",
            nl="Alles is terug te zien: wie, wat, wanneer, waarom en naar welke regel.",
        ),
        (("auditor", "listAuditEntries"),),
    ),
)
