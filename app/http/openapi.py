"""The contract: FastAPI's document, made to say what the service does.

As it comes, the document promises 422 where the service answers 400, leaves problems and headers
out, and calls what may be left out nullable. Here it is put right in one place, from what each
operation declares (``operation.py``), so that no area writes OpenAPI by hand.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.http.headers import API_VERSION
from app.http.idempotency import HEADER, REPLAYED, KeyMalformed, KeyMissing, KeyReused
from app.http.operation import (
    ACCEPTS,
    BASE_PATH,
    BULK,
    KEY,
    PRECONDITION,
    REFUSALS,
    ROLES,
    SCHEMAS,
    TERM,
    line_of,
)
from app.http.pagination import CursorInvalid
from app.http.preconditions import PreconditionMalformed, PreconditionMissing
from app.http.problems import (
    PROBLEM_JSON,
    BodyTooLarge,
    BodyTooSlow,
    DefectFound,
    InputImpossible,
    InputInvalid,
    MediaTypeRefused,
    Problem,
    SignInNeeded,
    TooBusy,
    status_of,
)
from app.http.rates import LIMIT, POLICY, TooManyRequests
from app.kernel.errors import NotFound, Refusal, RoleRefused, StaleVersion

Document = dict[str, Any]

_REF = "#/components/schemas/"
_INTERNAL = (ACCEPTS, BULK, KEY, PRECONDITION)
_TEXT_LIMITS = {
    "uuid": 36,
    "date": 10,
    "date-time": 40,
    "uri": 2000,
    "email": 254,
    "binary": 20_000_000,
}
_INT32 = 2**31
_FORMS = frozenset({"format", "pattern", "enum", "const"})
# Members of a document that hold data and not schemas.
_DATA = frozenset({"example", "examples", "default", "const", "enum"})
_METHODS = ("get", "put", "post", "patch", "delete")

# The tasks in the order of the main job; a tag that is not named here comes last.
TAGS: Mapping[str, str] = {
    "people": (
        "People arrive and leave (medewerkers): who works here, since when, in which team, under"
        " whom. You start by reading who you are."
    ),
    "imports": (
        "Take over files (importen): the people as the HRIS has them, and a tranche's list of"
        " requests as HR has it. Sent twice, they arrive once."
    ),
    "policy": (
        "Lay down the policy (beleid) of the organisation in dated versions: norm, tranches,"
        " criteria, thresholds, repayment. A live one is succeeded, never edited."
    ),
    "tranches": (
        "See which tranche (aanvraagronde) collects requests, until when, and by when it is decided"
        " on. The first request opens it."
    ),
    "requests": (
        "Ask for a training (opleidingsaanvraag): draft, endorse, submit, and in the end complete"
        " it. An interim one needs the MT's consent first."
    ),
    "assessments": (
        "Judge a request on the five criteria of the framework (beoordeling); together they give"
        " the score by which a tranche is ranked."
    ),
    "decisions": (
        "Propose and decide (voorstel, MT-besluit): HR ranks and advises, the MT tries out what a"
        " decision would run into, takes it, and revises or cancels it later."
    ),
    "budgets": (
        "Keep the means (middelen) of a year: what the MT set, what grants committed, and what was"
        " invoiced."
    ),
    "hours": (
        "Keep the hours (uren) of a year: everybody's norm, what grants reserved, what was"
        " attended, exceptions, and a team's capacity."
    ),
    "agreements": (
        "Agree (opleidingsovereenkomst): draw the agreement up from the grant, read it as PDF, and"
        " have it signed, the employee first and the manager second."
    ),
    "repayment": (
        "Settle what leaving costs (uitdiensttreding, terugbetaling): each claim with the steps of"
        " its amount; a person confirms, waives, or hands it over to payroll."
    ),
    "ledger": "Check accounts and transfers as an auditor does (grootboek).",
    "audit": "Look up who changed what, when and why (audittrail); every entry seals those before.",
    "demo": "Let it be another day (demoklok): a year's work in minutes. In demo mode alone.",
}

_DESCRIPTION = """\
The back end of an organisation's learning and development: training requests, their assessment
and decision, hours and means, agreements and repayment.

- **Money** is in whole cents (`...Cents`), **time** in whole minutes (`...Minutes`). A name that
  ends in `On` is a civil day in Europe/Amsterdam, one that ends in `At` an instant in UTC.
- **Problems** are `application/problem+json` with the rule they rest on, the figures, and what to
  do, in Dutch or English by `Accept-Language`; [each has a page](/problems).
- **Repeat safely**: a POST takes an `Idempotency-Key`; the same key gives the same answer for at
  least 30 days. **Change safely**: send the `ETag` that you read as `If-Match`.
- **Lists** go by cursor: follow the `Link` header or `nextCursor`.
"""

_BEARER = "bearerAuth"
_DEMO = "demoSignIn"
_PROVIDER = "openId"


def build_openapi(app: FastAPI) -> Document:
    """Return the document of the API, made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _build(app)
    return app.openapi_schema


def describe_api() -> dict[str, Any]:
    """Return the arguments of the API's FastAPI that its document shows."""
    return {
        "title": "Leerruimte",
        "version": API_VERSION,
        "summary": "Room to learn: governance of training in a public organisation",
        "description": _DESCRIPTION,
        "contact": {
            "name": "The Leerruimte maintainers",
            "url": "https://leerruimte.example/support",
            "email": "api@leerruimte.example",
        },
        "license_info": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        "servers": [
            {
                "url": BASE_PATH,
                "description": "This installation (production, or local in demo mode)",
                "x-internal": False,
            }
        ],
        "separate_input_output_schemas": False,
        "root_path_in_servers": False,
        "redirect_slashes": False,
        "docs_url": None,
        "redoc_url": None,
        "openapi_url": None,
    }


def security_schemes(*, demo: bool, issuer: str | None) -> dict[str, Any]:
    """Return the ways to sign in: a bearer token, and how to come by one."""
    schemes: dict[str, Any] = {
        _BEARER: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": (
                "Access token of the organisation's OpenID provider, in the header only, checked "
                "by RFC8725 and RFC9068: issuer, audience, times, type and signature."
            ),
        }
    }
    if demo:
        schemes[_DEMO] = {
            "type": "oauth2",
            "description": (
                "Demo mode: the username is a persona (`employee`, `manager`, `hr`, `mt`, ...), "
                "the password may be anything; leave the client fields as they are. What it gives "
                "is a bearer JWT, checked by RFC8725 as any other."
            ),
            "flows": {
                "password": {"tokenUrl": "/demo/token", "refreshUrl": "/demo/token", "scopes": {}}
            },
        }
    elif issuer is not None:
        schemes[_PROVIDER] = {
            "type": "openIdConnect",
            "openIdConnectUrl": issuer.rstrip("/") + "/.well-known/openid-configuration",
            "description": "Sign in with the organisation's provider.",
        }
    return schemes


def _build(app: FastAPI) -> Document:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        servers=app.servers,
        contact=app.contact,
        license_info=app.license_info,
        separate_input_output_schemas=False,
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas.update(_problem_schemas())
    for _, operation in operations(document):
        schemas.update(operation.pop(SCHEMAS, {}))
    components["headers"] = _HEADERS
    components["securitySchemes"] = app.state.security_schemes
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                _complete(item[method], path, method, components["securitySchemes"])
    _schemas(document, _tidy)
    for schema in schemas.values():
        for example in schema.get("examples", []):
            _restore_nulls(example, schema, schemas)
    components["schemas"] = dict(sorted(schemas.items()))
    document["tags"] = _tags(document)
    document["security"] = [{_BEARER: []}]
    return document


def _problem_schemas() -> dict[str, Any]:
    schema = Problem.model_json_schema(by_alias=True, ref_template=_REF + "{model}")
    return {**schema.pop("$defs", {}), "Problem": schema}


def _tags(document: Document) -> list[dict[str, str]]:
    used = {tag for _, operation in operations(document) for tag in operation.get("tags", [])}
    named = [{"name": tag, "description": told} for tag, told in TAGS.items() if tag in used]
    return named + [
        {"name": tag, "description": f"{tag.capitalize()}."} for tag in sorted(used - set(TAGS))
    ]


def operations(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each operation of a document with its path."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, item[method]


def _complete(
    operation: dict[str, Any], path: str, method: str, security_schemes: Mapping[str, Any]
) -> None:
    """Add to one operation what the edge does for it."""
    declared = {name: operation.pop(name) for name in _INTERNAL}
    parameters: list[dict[str, Any]] = operation.setdefault("parameters", [])
    for parameter in parameters:
        _never_null(parameter["schema"])
    if method == "post":
        parameters.append(_key_parameter(required=declared[KEY] == "required"))
    for parameter in parameters:
        if parameter["name"] == "If-Match":
            parameter["schema"] = _ETAG_SENT
    if not parameters:
        del operation["parameters"]
    if declared[ACCEPTS] != ["application/json"] and "requestBody" not in operation:
        operation["requestBody"] = _plain_body(declared[ACCEPTS])
    operation["description"] = _description(operation)
    operation["security"] = [{name: []} for name in security_schemes]
    _complete_responses(operation, path, method, declared)


def _description(operation: dict[str, Any]) -> str:
    told = str(operation.get("description", "")).partition("Raises:")[0].strip()
    roles = ", ".join(f"`{role}`" for role in operation[ROLES])
    return f"{told}\n\nIn Dutch: *{operation[TERM]}*. For: {roles}.".strip()


def _plain_body(accepted: list[str]) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": 20_000_000}
    return {"required": True, "content": {kind: {"schema": schema} for kind in accepted}}


def _complete_responses(
    operation: dict[str, Any], path: str, method: str, declared: Mapping[str, Any]
) -> None:
    responses: dict[str, Any] = operation["responses"]
    told = {
        status: answer["description"]
        for status, answer in responses.items()
        if status.startswith(("4", "5")) and f"{_REF}Problem" in str(answer)
    }
    for status in [status for status in responses if status.startswith(("4", "5"))]:
        del responses[status]
    for refusal in _edge_refusals(operation, path, method, declared):
        status = str(status_of(refusal))
        line = line_of(refusal)
        if line not in told.get(status, ""):
            told[status] = "\n".join(filter(None, [told.get(status), line]))
    for answer in responses.values():
        answer["headers"] = {
            **_ALWAYS,
            **_success_headers(answer, method),
            **answer.get("headers", {}),
        }
    responses.update(
        (status, _problem(description, status)) for status, description in sorted(told.items())
    )


def _edge_refusals(
    operation: Mapping[str, Any], path: str, method: str, declared: Mapping[str, Any]
) -> list[type[Refusal]]:
    """Return what the edge itself may refuse of an operation."""
    found: list[type[Refusal]] = [
        InputInvalid,
        SignInNeeded,
        RoleRefused,
        TooManyRequests,
        DefectFound,
        TooBusy,
    ]
    if "{" in path:
        found.append(NotFound)
    parameters = {parameter["name"] for parameter in operation.get("parameters", [])}
    if "cursor" in parameters:
        found.append(CursorInvalid)
    if "requestBody" in operation or "date" in str(operation.get("parameters")):
        found.append(InputImpossible)
    if "requestBody" in operation:
        found += [BodyTooSlow, BodyTooLarge, MediaTypeRefused]
    if method == "post":
        found += [KeyMalformed, KeyReused]
        if declared[KEY] == "required":
            found.append(KeyMissing)
    if declared[PRECONDITION]:
        found += [PreconditionMissing, PreconditionMalformed, StaleVersion]
    return found


def _problem(description: str, status: str) -> dict[str, Any]:
    headers = dict(_ALWAYS)
    if status in {"429", "503"}:
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    if status == "401":
        headers["WWW-Authenticate"] = {"$ref": "#/components/headers/WwwAuthenticate"}
    return {
        "description": description,
        "headers": headers,
        "content": {PROBLEM_JSON: {"schema": {"$ref": f"{_REF}Problem"}}},
    }


def _success_headers(answer: Mapping[str, Any], method: str) -> dict[str, Any]:
    is_page = "Page" in str(answer.get("content", ""))
    found: dict[str, Any] = {}
    if is_page:
        found["Link"] = {"$ref": "#/components/headers/Link"}
    else:
        found["ETag"] = {"$ref": "#/components/headers/ETag"}
    if method == "post":
        found["Location"] = {"$ref": "#/components/headers/Location"}
        found[REPLAYED] = {"$ref": "#/components/headers/IdempotencyReplayed"}
    return found


def _key_parameter(*, required: bool) -> dict[str, Any]:
    return {
        "name": HEADER,
        "in": "header",
        "required": required,
        "description": (
            "A random key of the client's own for this request. Sent again with the same request, "
            "it gives the first answer; with another, 422."
        ),
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": 257,
            "pattern": r'^("[!#-\[\]-~ ]{1,255}"|[!#-+\--~]{1,255})$',
        },
    }


def _never_null(schema: dict[str, Any]) -> None:
    """Say of a parameter what it is: one that may be left out is never null."""
    alternatives = [option for option in schema.pop("anyOf", []) if option != {"type": "null"}]
    if len(alternatives) == 1:
        schema.update(alternatives[0])
    elif alternatives:
        schema["anyOf"] = alternatives


def _schemas(node: object, visit: Callable[[dict[str, Any]], None]) -> None:
    """Visit every object of the document that is no data, innermost last."""
    if isinstance(node, dict):
        members = cast("dict[str, Any]", node)
        visit(members)
        for name, value in members.items():
            if name not in _DATA or name == "default":
                _schemas(value, visit)
    elif isinstance(node, list):
        for item in cast("list[object]", node):
            _schemas(item, visit)


def _tidy(node: dict[str, Any]) -> None:
    """Put ``format`` beside ``type``, give limits to what has a known form, drop made-up titles."""
    alternatives = node.get("anyOf")
    if isinstance(alternatives, list) and {"type": "null"} in alternatives:
        others = [
            option for option in cast("list[Document]", alternatives) if option != {"type": "null"}
        ]
        if len(others) == 1 and isinstance(others[0].get("type"), str):
            del node["anyOf"]
            node.update({**others[0], "type": [others[0]["type"], "null"]})
            if "enum" in node:
                node["enum"] = [*node["enum"], None]
    kinds = node.get("type")
    kinds = cast("list[object]", kinds) if isinstance(kinds, list) else [kinds]
    if "string" in kinds and "maxLength" not in node and node.get("format") in _TEXT_LIMITS:
        node["maxLength"] = _TEXT_LIMITS[node["format"]]
    if "string" in kinds and not _FORMS & set(node):
        # What every text is held to, wherever it stands (``bodies.py``).
        node["pattern"] = r"^[^\u0000]*$"
    if "integer" in kinds and "format" not in node and "maximum" in node:
        node["format"] = "int32" if node["maximum"] < _INT32 else "int64"
    if isinstance(node.get("title"), str) and ("type" in node or "anyOf" in node or "$ref" in node):
        del node["title"]


def _restore_nulls(example: object, schema: Document, schemas: Mapping[str, Any]) -> None:
    """Put back the nulls of required members that FastAPI leaves out of every example."""
    schema = schemas.get(str(schema.get("$ref", "")).removeprefix(_REF), schema)
    if isinstance(example, list):
        for item in cast("list[object]", example):
            _restore_nulls(item, schema.get("items", {}), schemas)
    if isinstance(example, dict):
        members = cast("dict[str, object]", example)
        for name, member in schema.get("properties", {}).items():
            if name in members:
                _restore_nulls(members[name], member, schemas)
            elif name in schema.get("required", []):
                members[name] = None


# What an ETag of ours is; a list and another's tags are taken too, and match nothing.
_ETAG_SENT: Mapping[str, Any] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 1000,
    "pattern": r'^(\*|[0-9]{1,10}|"[!#-~]*")$',
}


def _header(description: str, **schema: Any) -> dict[str, Any]:  # noqa: ANN401 - a JSON value
    return {"description": description, "schema": schema}


_HEADERS: Mapping[str, Any] = {
    "ApiVersion": {
        **_header(
            "Full version of the API.", type="string", maxLength=20, pattern=r"^\d+\.\d+\.\d+$"
        ),
        "required": True,
    },
    "RequestId": _header("Id of this request.", type="string", format="uuid", maxLength=36),
    "Access-Control-Allow-Origin": _header(
        "Any origin: tokens travel in a header, never in a cookie.",
        type="string",
        maxLength=1,
        pattern=r"^\*$",
    ),
    "ETag": _header(
        "Version of the resource, where it has one: send it as If-Match to change it.",
        type="string",
        maxLength=100,
        pattern=r'^"[!#-~]*"$',
    ),
    "Location": _header(
        "Address of what was made.", type="string", format="uri-reference", maxLength=500
    ),
    "Link": _header("The next page (RFC 8288).", type="string", maxLength=2000, pattern="^<"),
    "IdempotencyReplayed": _header(
        "`true` when this is the answer to an earlier request with the same key.",
        type="string",
        enum=["true"],
    ),
    "RateLimit": _header(
        "What is left of each limit, and in how many seconds all of it is back; on each answer to "
        "who signed in.",
        type="string",
        maxLength=200,
        pattern='^"',
    ),
    "RateLimitPolicy": _header(
        "The limits: how many requests in how many seconds; on each answer to who signed in.",
        type="string",
        maxLength=200,
        pattern='^"',
    ),
    "RetryAfter": _header(
        "Seconds to wait.", type="integer", format="int32", minimum=0, maximum=86_400
    ),
    "WwwAuthenticate": _header("Always Bearer.", type="string", maxLength=200, pattern="^Bearer"),
}
_ALWAYS: Mapping[str, Any] = {
    "API-Version": {"$ref": "#/components/headers/ApiVersion"},
    "X-Request-Id": {"$ref": "#/components/headers/RequestId"},
    "Access-Control-Allow-Origin": {"$ref": "#/components/headers/Access-Control-Allow-Origin"},
    LIMIT: {"$ref": "#/components/headers/RateLimit"},
    POLICY: {"$ref": "#/components/headers/RateLimitPolicy"},
}

__all__ = ["REFUSALS", "TAGS", "build_openapi", "describe_api", "operations", "security_schemes"]
