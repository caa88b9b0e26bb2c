import json
import re
from collections.abc import Iterator
from typing import Any, cast

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from app.http.openapi import TAGS, operations
from app.http.operation import BASE_PATH, ROLES
from app.http.routing import TransactionalRoute
from app.kernel.actors import Role
from app.main import create_app, document
from app.settings import Settings
from tests.contract.committed import COMMITTED, RENEW, differing, without_demo

METHODS = ("get", "put", "post", "patch", "delete")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    settings = {"demo": True, "data_dir": tmp_path_factory.mktemp("openapi")}
    return create_app(Settings.model_validate(settings))


@pytest.fixture(scope="module")
def contract(service: FastAPI) -> dict[str, Any]:
    return document(service)


def nodes(node: object, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object of the document but examples, with where it stands."""
    if isinstance(node, dict):
        members = cast("dict[str, Any]", node)
        yield path, members
        for name, value in members.items():
            if name not in {"example", "examples"}:
                yield from nodes(value, f"{path}/{name}")
    elif isinstance(node, list):
        for number, value in enumerate(cast("list[object]", node)):
            yield from nodes(value, f"{path}/{number}")


def schemas(contract: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, node in nodes(contract):
        if "type" in node and "in" not in node and "flows" not in node and "scheme" not in node:
            yield path, node


def kinds(schema: dict[str, Any]) -> list[str]:
    kind = schema["type"]
    return cast("list[str]", kind) if isinstance(kind, list) else [str(kind)]


def test_the_document_is_valid(contract: dict[str, Any]) -> None:
    validate(contract)
    json.dumps(contract, allow_nan=False)


@pytest.mark.invariant("S10")
def test_every_operation_of_the_service_is_in_it(
    service: FastAPI, contract: dict[str, Any]
) -> None:
    served = {
        (route.path_format, method.lower())
        for route in service.state.api.routes
        if isinstance(route, TransactionalRoute)
        for method in route.methods or ()
    }
    told = {
        (path, method)
        for path, item in contract["paths"].items()
        for method in METHODS
        if method in item
    }
    assert told == served


def test_it_says_what_the_dutch_api_rules_ask(contract: dict[str, Any]) -> None:
    assert contract["openapi"].startswith("3.")
    assert re.fullmatch(r"\d+\.\d+\.\d+", contract["info"]["version"])
    assert {"name", "url", "email"} <= set(contract["info"]["contact"])
    assert [server["url"] for server in contract["servers"]] == [BASE_PATH]
    for path, item in contract["paths"].items():
        segments = [part for part in path.split("/")[1:] if not part.startswith("{")]
        assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", part) for part in segments), path
        for method in METHODS:
            for parameter in item.get(method, {}).get("parameters", []):
                if parameter["in"] in {"query", "path"}:
                    assert re.fullmatch(r"[a-z][a-zA-Z0-9]*", parameter["name"]), path
    for name in contract["components"]["schemas"]:
        assert re.fullmatch(r"[A-Z][a-zA-Z0-9]*", name), name


def test_invalid_input_is_400_and_every_failure_is_a_problem(contract: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in json.dumps(contract)
    for path, operation in operations(contract):
        answers = operation["responses"]
        assert {"400", "401", "403", "429", "500", "503"} <= set(answers), path
        assert ("404" in answers) or "{" not in path, path
        for status, answer in answers.items():
            assert {"API-Version", "RateLimit", "RateLimit-Policy"} <= set(answer["headers"])
            if status.startswith(("4", "5")):
                assert answer["content"] == {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                }
        for status in ("429", "503"):
            assert "Retry-After" in answers[status]["headers"], (path, status)
        assert "too-many-requests" in answers["429"]["description"], path


def test_every_operation_has_a_name_a_tag_a_summary_and_a_way_to_sign_in(
    contract: dict[str, Any],
) -> None:
    names: list[str] = []
    for path, operation in operations(contract):
        names.append(operation["operationId"])
        assert re.fullmatch(r"[a-z][a-zA-Z0-9]+", operation["operationId"]), path
        assert len(operation["tags"]) == 1, path
        assert operation["summary"], path
        assert operation["description"], path
        assert operation["security"], path
        assert set(operation[ROLES]) <= {role.value for role in Role}
    assert len(names) == len(set(names))
    assert [tag["name"] for tag in contract["tags"]] == [
        name for name in TAGS if name in {tag["name"] for tag in contract["tags"]}
    ]


def test_all_text_numbers_and_lists_have_limits(contract: dict[str, Any]) -> None:
    short: list[str] = []
    for path, schema in schemas(contract):
        if "enum" in schema or "const" in schema:
            continue
        if "string" in kinds(schema) and "maxLength" not in schema:
            short.append(f"{path}: no maxLength")
        if "integer" in kinds(schema) and not {"minimum", "maximum", "format"} <= set(schema):
            short.append(f"{path}: no limits")
        if "array" in kinds(schema) and "maxItems" not in schema:
            short.append(f"{path}: no maxItems")
    assert not short


def test_dates_have_their_format_and_their_names(contract: dict[str, Any]) -> None:
    for path, schema in nodes(contract["components"]["schemas"]):
        for name, field in cast("dict[str, Any]", schema.get("properties", {})).items():
            form = cast("dict[str, Any]", field).get("format")
            assert not re.search(r"Date$|^date$|Datum$", name), f"{path}/{name}"
            assert form != "time", f"{path}/{name}"
            if form == "date-time":
                assert name.endswith(("At", "at")), f"{path}/{name}"


def test_no_parameter_is_null(contract: dict[str, Any]) -> None:
    for path, operation in operations(contract):
        for parameter in operation.get("parameters", []):
            assert "null" not in json.dumps(parameter["schema"]), (path, parameter["name"])


def test_every_example_is_one_that_its_schema_allows(contract: dict[str, Any]) -> None:
    components = {"components": contract["components"]}
    for name, schema in contract["components"]["schemas"].items():
        for example in schema.get("examples", []):
            validator: Any = Draft202012Validator(
                {**components, "$ref": f"#/components/schemas/{name}"}
            )
            assert validator.is_valid(example), name


def test_the_committed_contract_is_the_one_of_this_code() -> None:
    told = document(create_app(Settings.model_validate({})))
    written = json.dumps(told, ensure_ascii=False, indent=2) + "\n"
    differences = [*differing(json.loads(COMMITTED.read_text()), json.loads(written))]
    assert not differences, f"openapi.json is not this code's contract: {RENEW}"
    assert COMMITTED.read_text() == written, f"openapi.json is in another order: {RENEW}"


def test_what_the_demo_declares_besides_leaves_the_contract_as_it_is(
    contract: dict[str, Any],
) -> None:
    committed = json.loads(COMMITTED.read_text())
    assert [*differing(without_demo(committed), without_demo(contract))] == []
    another = json.loads(json.dumps(contract))
    another["paths"]["/me"]["get"]["responses"]["200"]["description"] = "Changed"
    [difference] = differing(without_demo(committed), without_demo(another))
    assert difference.startswith("/paths/~1me/get/responses/200/description is committed as ")


def test_outside_demo_mode_it_names_the_organisations_provider() -> None:
    settings = {"oidc_issuer": "https://login.example/realm", "oidc_audience": "leerruimte"}
    schemes = document(create_app(Settings.model_validate(settings)))["components"][
        "securitySchemes"
    ]
    assert set(schemes) == {"bearerAuth", "openId"}
    assert schemes["openId"]["openIdConnectUrl"].startswith("https://login.example/realm/.well")
    assert "RFC8725" in schemes["bearerAuth"]["description"]
