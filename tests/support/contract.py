"""The contract as tests read it: its operations, the bodies it allows, the values it does not.

Whatever is made of it here covers an operation that is added tomorrow as well.
"""

import copy
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
from jsonschema import Draft202012Validator

from app.http.operation import ROLES
from app.kernel.actors import Role
from app.main import create_app, document
from app.settings import Settings
from tests.support import tokens

Pointer = tuple[str | int, ...]
Schema = Mapping[str, Any]

_REF = "#/components/schemas/"
_METHODS = ("get", "put", "post", "patch", "delete")
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the contract."""

    id: str
    method: str
    path: str
    told: Mapping[str, Any]

    @property
    def roles(self) -> tuple[Role, ...]:
        return tuple(Role(name) for name in self.told[ROLES])

    @property
    def statuses(self) -> frozenset[int]:
        return frozenset(int(status) for status in self.told["responses"])

    @property
    def accepts(self) -> tuple[str, ...]:
        return tuple(self.told.get("requestBody", {}).get("content", ()))

    @property
    def body(self) -> Schema | None:
        """The schema of the JSON body, None when it takes none."""
        content = self.told.get("requestBody", {}).get("content", {})
        return content[_JSON]["schema"] if _JSON in content else None

    @property
    def takes_a_file(self) -> bool:
        """Whether it is a bulk upload, which has faults by row and a limit of its own."""
        return (self.body or {}).get("type") == "array"

    @property
    def needs_if_match(self) -> bool:
        return any(one["name"] == "If-Match" for one in self.parameters("header"))

    @property
    def needs_key(self) -> bool:
        return any(
            one["name"] == "Idempotency-Key" and one["required"]
            for one in self.parameters("header")
        )

    def parameters(self, where: str) -> list[dict[str, Any]]:
        """Return the parameters in the path, the query or a header."""
        return [one for one in self.told.get("parameters", []) if one["in"] == where]

    def at(self, values: Mapping[str, str]) -> str:
        """Return its path with these values for its parameters."""
        path = self.path
        for one in self.parameters("path"):
            path = path.replace(f"{{{one['name']}}}", values[one["name"]])
        return path


@cache
def contract() -> dict[str, Any]:
    """Return the OpenAPI document of the service as it runs in these tests."""
    settings = {"oidc_issuer": tokens.ISSUER, "oidc_audience": tokens.AUDIENCE}
    return document(create_app(Settings.model_validate(settings)))


@cache
def operations() -> Mapping[str, Operation]:
    """Return all operations by their id."""
    found = (
        Operation(told["operationId"], method.upper(), path, told)
        for path, item in contract()["paths"].items()
        for method, told in item.items()
        if method in _METHODS
    )
    return {one.id: one for one in found}


def resolved(schema: Schema) -> Schema:
    """Return a schema itself: what it refers to, of alternatives the first that is not null."""
    while True:
        if "$ref" in schema:
            schema = contract()["components"]["schemas"][schema["$ref"].removeprefix(_REF)]
            continue
        if "anyOf" not in schema:
            return schema
        schema = next(one for one in schema["anyOf"] if one != {"type": "null"})


def may_be_null(schema: Schema) -> bool:
    return {"type": "null"} in schema.get("anyOf", ()) or "null" in kinds(schema)


def kinds(schema: Schema) -> list[str]:
    """Return the JSON types that a schema allows."""
    kind: str | list[str] = resolved(schema).get(
        "type", "object" if "oneOf" in schema else "string"
    )
    return [kind] if isinstance(kind, str) else kind


def specimen(schema: Schema) -> Any:  # noqa: ANN401 - a JSON value
    """Return a value that a schema allows: its example when it has one."""
    schema = resolved(schema)
    if schema.get("examples"):
        return copy.deepcopy(schema["examples"][0])
    if "oneOf" in schema:
        return specimen(schema["oneOf"][0])
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    plain: Mapping[str, Callable[[], object]] = {
        "object": lambda: {
            name: specimen(schema["properties"][name]) for name in schema.get("required", ())
        },
        "array": lambda: [specimen(schema["items"])],
        "integer": lambda: schema["minimum"],
        "boolean": lambda: True,
        "string": lambda: _text(schema),
    }
    return plain[kinds(schema)[0]]()


def _text(schema: Schema) -> str:
    texts: Mapping[str, str] = {
        "uuid": str(UUID(int=7)),
        "date": "2027-03-31",
        "date-time": "2027-03-31T09:00:00Z",
        "email": "n@od-voorbeeld.example",
    }
    return texts.get(str(schema.get("format")), "a" * int(schema.get("minLength", 1)))


def allowed(operation: Operation, body: object) -> bool:
    """Tell whether the contract allows a body."""
    schema = {"components": contract()["components"], **(operation.body or {})}
    validator: Any = Draft202012Validator(schema)
    return validator.is_valid(body)


def members(schema: Schema, value: object, at: Pointer = ()) -> Iterator[tuple[Pointer, Schema]]:
    """Yield each member that a body has or may have, of lists the first, with its schema.

    ``value`` is the body that they are of: of alternatives it tells which one is meant.
    """
    if at:
        yield at, schema
    schema = _meant(resolved(schema), value)
    if "items" in schema:
        items = cast("list[object]", value) if isinstance(value, list) else []
        yield from members(schema["items"], items[0] if items else None, (*at, 0))
    held = cast("Mapping[str, object]", value if isinstance(value, dict) else {})
    for name, member in schema.get("properties", {}).items():
        found = held.get(name)
        yield from members(member, specimen(member) if found is None else found, (*at, name))


def _meant(schema: Schema, value: object) -> Schema:
    if "oneOf" not in schema:
        return schema
    kind = cast("Mapping[str, object]", value)["kind"]
    options = [resolved(one) for one in schema["oneOf"]]
    return next(one for one in options if one["properties"]["kind"]["const"] == kind)


def put(body: object, at: Pointer, value: object) -> Any:  # noqa: ANN401 - a JSON value
    """Return a copy of a body with one value put in; what it stands in is made when absent."""
    changed = copy.deepcopy(body)
    node: Any = changed
    for step in at[:-1]:
        node = node[step]
    node[at[-1]] = value
    return changed


def holds(body: object, at: Pointer) -> bool:
    """Tell whether a value can be put at this place: all that it stands in is there."""
    node: Any = body
    for step in at[:-1]:
        if isinstance(node, list):
            if not node:
                return False
            node = cast("list[object]", node)[int(step)]
        elif isinstance(node, dict) and step in node:
            node = cast("dict[str | int, object]", node)[step]
        else:
            return False
    return isinstance(node, dict) or (isinstance(node, list) and bool(cast("list[object]", node)))


def completed(schema: Schema, body: object) -> Any:  # noqa: ANN401 - a JSON value
    """Return a body with every object and list that it may hold, so that none goes untried."""
    schema = _meant(resolved(schema), body)
    if "items" in schema:
        items = cast("list[object]", body) or [specimen(schema["items"])]
        return [completed(schema["items"], one) for one in items]
    if not isinstance(body, dict):
        return body
    full = dict(cast("dict[str, object]", body))
    for name, member in schema.get("properties", {}).items():
        if {"object", "array"} & set(kinds(member)) and full.get(name) in (None, []):
            full[name] = specimen(member)
        if name in full and full[name] is not None:
            full[name] = completed(member, full[name])
    return full


def wrong_values(schema: Schema) -> Iterator[object]:
    """Yield values that a schema does not allow, of each sort there is."""
    if not may_be_null(schema):
        yield None
    schema = resolved(schema)
    held = kinds(schema)
    others: Mapping[str, object] = {
        "string": "x",
        "integer": 1,
        "boolean": True,
        "array": ["x"],
        "object": {"x": 1},
    }
    # Text where a number is asked, even the text of a number; a number where text is asked.
    yield from (value for kind, value in others.items() if kind not in held)
    if "integer" in held:
        yield from ("3", 1.5, schema["minimum"] - 1, schema["maximum"] + 1, -(10**30), 10**30)
    if "boolean" in held:
        yield from ("true", "yes", 0)
    if "array" in held:
        if schema.get("minItems"):
            yield []
        if schema["maxItems"] <= 1000:
            yield [specimen(schema["items"])] * (schema["maxItems"] + 1)
        yield [None]
    if "string" in held:
        yield from _wrong_text(schema)


def _wrong_text(schema: Schema) -> Iterator[object]:
    if schema.get("minLength"):
        yield ""
    yield "x" * (schema.get("maxLength", 200) + 1)
    if "enum" in schema or "const" in schema:
        yield from ("nonsense", " ")
    match schema.get("format"):
        case "date":
            yield from ("soon", "2027-02-30", "2027-02-03T00:00:00", "20270203", "+2027-02-03")
        case "date-time":
            yield from ("soon", "2027-02-03", "2027-02-03T10:00:00", "2027-02-03T25:00:00Z")
        case "uuid":
            yield from ("1", str(uuid4()) + "0", "' OR 1=1 --")
        case "email":
            yield from ("nobody", "a b@c", "@")
        case _:
            pass


async def send(
    client: httpx.AsyncClient,
    operation: Operation,
    headers: Mapping[str, str],
    *,
    path: Mapping[str, str],
    query: Mapping[str, str] | None = None,
    body: object = None,
    content: bytes | None = None,
    without: Collection[str] = (),
    **others: str,
) -> httpx.Response:
    """Send one request of an operation, complete but for the headers it is sent ``without``.

    ``content`` is a body as it goes over the wire; ``others`` are further headers, in snake_case.
    """
    told = {**headers, **{name.replace("_", "-"): value for name, value in others.items()}}
    if operation.needs_if_match:
        told.setdefault("If-Match", "*")
    if operation.needs_key:
        told.setdefault("Idempotency-Key", str(uuid4()))
    if content is None and operation.body is not None:
        content = json.dumps(body).encode()
    if content is not None:
        told.setdefault("Content-Type", _JSON)
    return await client.request(
        operation.method,
        operation.at(path),
        params=dict(query or {}),
        content=content,
        headers={name: value for name, value in told.items() if name not in without},
    )
