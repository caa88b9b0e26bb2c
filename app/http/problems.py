"""Problems: how a refusal, invalid input or a fault reads on the wire (RFC 9457).

This module alone knows which status code a kind of refusal has.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, cast
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from app.http.findings import message_of
from app.kernel.actors import Role
from app.kernel.errors import Fact, Kind, Refusal, RoleRefused, Text
from app.kernel.rulebook import rule
from app.kernel.wording import Language, from_accept_language, say

PROBLEM_JSON = "application/problem+json"
PROBLEM_PAGES = "/problems/"
MAX_ERRORS = 100

_STATUS_OF = {
    Kind.INVALID: 422,
    Kind.FORBIDDEN: 403,
    Kind.ABSENT: 404,
    Kind.CONFLICT: 409,
    Kind.STALE: 412,
    Kind.PRECONDITION_REQUIRED: 428,
}


class _Schema(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class ProblemRule(_Schema):
    """The paragraph of the rule book that a refusal rests on."""

    id: Annotated[str, StringConstraints(max_length=40)]
    source: Annotated[str, StringConstraints(max_length=300)]
    summary: Annotated[str, StringConstraints(max_length=500)]


class ProblemError(_Schema):
    """One invalid value: where it stands, and what is wrong with it."""

    location: Annotated[str, StringConstraints(max_length=10)] = Field(
        description="`body`, `query`, `path` or `header`."
    )
    pointer: Annotated[str, StringConstraints(max_length=500)] = Field(
        description="JSON Pointer (RFC 6901) to the value; of a parameter, `/` and its name."
    )
    code: Annotated[str, StringConstraints(max_length=100)]
    message: Annotated[str, StringConstraints(max_length=1000)]


class Problem(_Schema):
    """What went wrong, by which rule, with which figures, and what to do (RFC 9457)."""

    type: Annotated[str, StringConstraints(max_length=200)] = Field(
        description="Page that explains this sort of problem.",
        json_schema_extra={"format": "uri-reference"},
    )
    title: Annotated[str, StringConstraints(max_length=200)]
    status: Annotated[int, Field(ge=400, le=599)]
    detail: Annotated[str, StringConstraints(max_length=4000)] = Field(
        description="A sentence with the figures, in Dutch or English by Accept-Language."
    )
    instance: Annotated[str, StringConstraints(max_length=100)] = Field(
        description="The request: `urn:uuid:` and its X-Request-Id."
    )
    remedy: Annotated[str, StringConstraints(max_length=1000)] = Field(description="What to do.")
    rule: ProblemRule | None = None
    facts: dict[str, Any] | None = Field(
        default=None,
        description="The figures of `detail` as data.",
        json_schema_extra={"maxProperties": 100},
    )
    errors: Annotated[list[ProblemError], Field(max_length=MAX_ERRORS)] | None = None


class EdgeRefusal(Refusal):
    """Base of what the edge itself refuses: it names its status, and the headers HTTP asks for."""

    status: ClassVar[int]

    def __init__(self, *, headers: Mapping[str, str] | None = None, **facts: Fact) -> None:
        super().__init__()
        self.facts |= facts
        self.headers: Mapping[str, str] = headers or {}


class InputInvalid(EdgeRefusal):
    slug = "input-invalid"
    kind = Kind.INVALID
    status = 400
    title = Text(en="Invalid input", nl="Ongeldige invoer")
    detail = Text(
        en="{error_count} value(s) can not be taken as they are; `errors` names each.",
        nl="{error_count} waarde(n) kunnen zo niet worden aangenomen; `errors` noemt ze.",
    )
    remedy = Text(
        en="Correct the values that `errors` points to.",
        nl="Verbeter de waarden die `errors` aanwijst.",
    )

    def __init__(self, findings: Sequence[Mapping[str, Any]]) -> None:
        """Take findings as the validator gives them: ``type``, ``loc``, ``msg`` and ``ctx``."""
        super().__init__(error_count=len(findings))
        self.findings = findings


class InputImpossible(InputInvalid):
    slug = "input-impossible"
    status = 422
    title = Text(en="Impossible input", nl="Onmogelijke invoer")
    detail = Text(
        en="{error_count} value(s) have the right form but can not be so; `errors` names each.",
        nl="{error_count} waarde(n) hebben de juiste vorm maar kunnen niet; `errors` noemt ze.",
    )


def input_refused(findings: Sequence[Mapping[str, Any]]) -> InputInvalid:
    """Return the refusal of input with these findings of the validator.

    What the contract's schema says is 400; when all findings are beyond its words (an end before
    its beginning, two members that exclude each other), 422.
    """
    beyond = all(finding["type"] in _BEYOND_SCHEMA for finding in findings)
    return (InputImpossible if beyond else InputInvalid)(findings)


# The codes of what a validator of our own finds and JSON Schema has no word for.
_BEYOND_SCHEMA = frozenset({"value_error", "out_of_reach", "reversed"})


class SignInNeeded(EdgeRefusal):
    slug = "sign-in-needed"
    kind = Kind.FORBIDDEN
    status = 401
    title = Text(en="Sign in first", nl="Meld u eerst aan")
    detail = Text(
        en="This needs a valid access token of your organisation's sign-in provider.",
        nl="Dit vraagt een geldig toegangstoken van de aanmelddienst van uw organisatie.",
    )
    remedy = Text(
        en="Get a new token, and send it in the header Authorization: Bearer.",
        nl="Haal een nieuw token op en stuur het mee in de header Authorization: Bearer.",
    )

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": 'Bearer realm="leerruimte"'})


class SignInUnavailable(EdgeRefusal):
    slug = "sign-in-unavailable"
    status = 503
    title = Text(en="Signing in is not possible now", nl="Aanmelden kan nu niet")
    detail = Text(
        en="The sign-in provider does not answer, so no token can be checked.",
        nl="De aanmelddienst antwoordt niet, dus geen token kan worden gecontroleerd.",
    )
    remedy = Text(en="Try again in half a minute.", nl="Probeer het over een halve minuut weer.")

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "30"})


class NoSuchPath(EdgeRefusal):
    slug = "no-such-path"
    kind = Kind.ABSENT
    status = 404
    title = Text(en="No such address", nl="Dit adres bestaat niet")
    detail = Text(
        en="There is nothing at this address.",
        nl="Op dit adres is niets.",
    )
    remedy = Text(
        en="Check the path against /v1/openapi.json; it has no trailing slash.",
        nl="Vergelijk het pad met /v1/openapi.json; het eindigt niet op een schuine streep.",
    )


class MethodNotAllowed(EdgeRefusal):
    slug = "method-not-allowed"
    status = 405
    title = Text(en="Method not allowed", nl="Methode niet toegestaan")
    detail = Text(
        en="This address takes {allowed_methods}.",
        nl="Dit adres kent {allowed_methods}.",
    )
    remedy = Text(
        en="Use one of the methods of the header Allow.",
        nl="Gebruik een van de methoden in de header Allow.",
    )

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(headers={"Allow": ", ".join(allowed)}, allowed_methods=list(allowed))


class BodyTooSlow(EdgeRefusal):
    slug = "body-too-slow"
    status = 408
    title = Text(en="The body did not arrive", nl="De inhoud kwam niet aan")
    detail = Text(
        en="The body was not complete within {limit_seconds} seconds.",
        nl="De inhoud was niet binnen {limit_seconds} seconden compleet.",
    )
    remedy = Text(en="Send it again.", nl="Stuur de inhoud opnieuw.")


class BodyTooLarge(EdgeRefusal):
    slug = "body-too-large"
    status = 413
    title = Text(en="The body is too large", nl="De inhoud is te groot")
    detail = Text(
        en="A body here is at most {limit_bytes} bytes.",
        nl="De inhoud is hier ten hoogste {limit_bytes} bytes.",
    )
    remedy = Text(en="Send less at a time.", nl="Stuur minder in een keer.")

    def __init__(self, limit: int) -> None:
        # What is still under way is not read, so this connection can not serve another request.
        super().__init__(headers={"Connection": "close"}, limit_bytes=limit)


class MediaTypeRefused(EdgeRefusal):
    slug = "media-type-refused"
    status = 415
    title = Text(
        en="This kind of content is not taken", nl="Dit soort inhoud wordt niet aangenomen"
    )
    detail = Text(
        en="The body must be {accepted_types}, in UTF-8 and not compressed.",
        nl="De inhoud moet {accepted_types} zijn, in UTF-8 en niet gecomprimeerd.",
    )
    remedy = Text(
        en="Send the header Content-Type that belongs to the body.",
        nl="Stuur de header Content-Type die bij de inhoud hoort.",
    )


class DefectFound(EdgeRefusal):
    slug = "defect"
    status = 500
    title = Text(en="A fault of ours", nl="Een fout van ons")
    detail = Text(
        en="The service failed to handle this request; nothing was changed by it.",
        nl="De dienst kon dit verzoek niet verwerken; er is niets door gewijzigd.",
    )
    remedy = Text(
        en="Report it with the `instance` of this answer.",
        nl="Meld het met de `instance` van dit antwoord.",
    )


class TooBusy(EdgeRefusal):
    slug = "too-busy"
    status = 503
    title = Text(en="Not possible just now", nl="Nu even niet mogelijk")
    detail = Text(
        en="The service is too busy, or its database does not answer.",
        nl="De dienst is te druk, of de database antwoordt niet.",
    )
    remedy = Text(
        en="Repeat the request after the seconds of Retry-After, with the same Idempotency-Key.",
        nl="Herhaal het verzoek na de seconden van Retry-After, met dezelfde Idempotency-Key.",
    )

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "2"})


def status_of(refusal: type[Refusal]) -> int:
    """Return the status code that a refusal answers with."""
    if issubclass(refusal, EdgeRefusal):
        return refusal.status
    return _STATUS_OF[refusal.kind]


def known_refusals() -> dict[str, type[Refusal]]:
    """Return each refusal that can be answered, by slug: the pages under ``/problems/``."""
    return {
        found.slug: found for found in sorted(_subclasses(Refusal), key=lambda found: found.slug)
    }


def _subclasses(parent: type[Refusal]) -> Iterator[type[Refusal]]:
    for child in parent.__subclasses__():
        if hasattr(child, "slug") and hasattr(child, "title"):
            yield child
        yield from _subclasses(child)


def language_of(request: Request) -> Language:
    """Return the language the client asks for."""
    return from_accept_language(request.headers.get("accept-language"))


def problem(request: Request, refusal: Refusal) -> Response:
    """Return the answer to a refusal, in the client's language."""
    language = language_of(request)
    kind = type(refusal)
    # For the log: what a refusal was, beside its status.
    request.state.refusal = kind.slug
    body: dict[str, Any] = {
        "type": PROBLEM_PAGES + kind.slug,
        "title": say(kind.title, {}, language),
        "status": status_of(kind),
        "detail": say(kind.detail, refusal.facts, language),
        "instance": f"urn:uuid:{request.state.request_id}",
        "remedy": say(kind.remedy, refusal.facts, language),
    }
    if refusal.rule is not None:
        body["rule"] = rule_on_the_wire(refusal.rule, language)
    if refusal.facts:
        body["facts"] = on_the_wire(refusal.facts)
    if isinstance(refusal, InputInvalid):
        body["errors"] = [_error(item, language) for item in refusal.findings[:MAX_ERRORS]]
    return Response(
        # As in every answer: no angle bracket, for no reader should take a text for HTML.
        json.dumps(body, ensure_ascii=False).replace("<", r"\u003c").encode(),
        status_code=body["status"],
        media_type=PROBLEM_JSON,
        headers={
            "Content-Language": language.value,
            "Vary": "Accept-Language",
            **(refusal.headers if isinstance(refusal, EdgeRefusal) else {}),
        },
    )


def _error(finding: Mapping[str, Any], language: Language) -> dict[str, str]:
    """Return one finding as the problem shows it: where it is and what, never the input itself."""
    location, *path = cast("tuple[str | int, ...]", finding["loc"])
    pointer = "".join(f"/{_escape(str(part))}" for part in path)
    return {
        "location": str(location),
        "pointer": pointer[:500],
        "code": str(finding["type"])[:100],
        "message": message_of(finding, language)[:1000],
    }


def _escape(part: str) -> str:
    """Return a name as it stands in a JSON Pointer; what is no text is not repeated."""
    shown = part.encode("utf-8", "replace").decode()
    return shown.replace("~", "~0").replace("/", "~1")


def rule_on_the_wire(rule_id: str, language: Language) -> dict[str, str]:
    """Return a rule as problems and explanations show it: its id, its source, what it says."""
    found = rule(rule_id)
    return {
        "id": found.id,
        "source": found.source,
        "summary": say(found.summary, {}, language),
    }


def on_the_wire(fact: object) -> Any:  # noqa: ANN401 - a JSON value
    """Return a fact as JSON data: camelCase names, days and instants as text."""
    match fact:
        case Mapping():
            members = cast("Mapping[str, object]", fact)
            return {to_camel(name): on_the_wire(value) for name, value in members.items()}
        case datetime():
            return fact.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return fact.isoformat()
        case UUID():
            return str(fact)
        case str() | int() | None:
            return fact
        case Sequence():
            return [on_the_wire(item) for item in cast("Sequence[object]", fact)]
        case _:
            message = f"A fact can not be a {type(fact).__name__}."
            raise TypeError(message)


def role_refused(allowed: Sequence[str], held: Sequence[str], *, rule: str | None) -> RoleRefused:
    """Return the refusal of an actor who has none of the roles an operation is for.

    ``rule`` keeps the operation to those roles; a knowledge broker is told of the rule that gives
    a broker no part in priority, means or budget (VIS-5.4).
    """
    if rule in BARS_BROKERS and Role.KNOWLEDGE_BROKER.value in held:
        rule, held = "VIS-5.4", [Role.KNOWLEDGE_BROKER.value]
    return RoleRefused(rule=rule, allowed_roles=list(allowed), roles=list(held))


# The rules that say who decides on priority, means and budget, and who prepares it (VIS-5): whoever
# bears a knowledge broker's role has no part in that, whatever other role comes with it.
BARS_BROKERS = frozenset({"VIS-5.1", "VIS-5.2", "VIS-5.4", "VIS-6.4", "VIS-10.1"})
