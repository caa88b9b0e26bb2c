"""Examples of operations that work as they stand: in the demo the contract carries live ones."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from app.kernel.identifiers import new_id

Document = dict[str, Any]

PERSONA = "x-persona"

_JSON = "application/json"
_REF = "#/components/schemas/"
_KEY = "Idempotency-Key"
_MATCH = "If-Match"
_METHODS = ("get", "put", "post", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Example:
    """A call that works now: as which persona, with which parameters and body.

    ``body`` is what it differs in from the contract's own example, or a list as it goes over the
    wire; ``table`` is that list as CSV.
    """

    persona: str
    parameters: Mapping[str, str | int]
    body: Mapping[str, object] | Sequence[object] | None = None
    table: str | None = None


# By operation id; None where the demo has nothing ready for the operation at the moment.
Examples = Mapping[str, Example | None]
FindExamples = Callable[[], Awaitable[Examples]]


def with_examples(document: Document, examples: Examples) -> Document:
    """Return a document in which each operation bears its example; the given one stays as it is."""
    schemas = document["components"]["schemas"]
    paths = {
        path: {
            method: _told(told, examples, schemas) if method in _METHODS else told
            for method, told in item.items()
        }
        for path, item in document["paths"].items()
    }
    return {**document, "paths": paths}


def _told(operation: Document, examples: Examples, schemas: Document) -> Document:
    if operation["operationId"] not in examples:
        return operation
    example = examples[operation["operationId"]]
    if example is None:
        return {**operation, "description": f"{operation['description']}\n\n{NOTHING_READY}"}
    who = _TRY_AS.format(persona=example.persona)
    told = {
        **operation,
        PERSONA: example.persona,
        "description": f"{operation['description']}\n\n{who}",
    }
    if "parameters" in operation:
        told["parameters"] = [_filled(one, example.parameters) for one in operation["parameters"]]
    if "requestBody" in operation:
        told["requestBody"] = _with_body(operation["requestBody"], example, schemas)
    return told


def _filled(parameter: Document, values: Mapping[str, str | int]) -> Document:
    name = parameter["name"]
    if name in values:
        return {**parameter, "example": values[name]}
    if name == _KEY:
        return {**parameter, "example": str(new_id())}
    if name == _MATCH:
        return {**parameter, "example": "*"}
    return parameter


def _with_body(declared: Document, example: Example, schemas: Document) -> Document:
    content = dict(cast("dict[str, Document]", declared["content"]))
    for kind, told in content.items():
        body = _body(told["schema"], example, schemas) if kind == _JSON else example.table
        content[kind] = {**told, "example": body}
    return {**declared, "content": content}


def _body(schema: Document, example: Example, schemas: Document) -> object:
    if example.body is not None and not isinstance(example.body, Mapping):
        return example.body
    named = schemas.get(str(schema.get("$ref")).removeprefix(_REF), schema)
    return {**named["examples"][0], **(example.body or {})}


_TRY_AS = "Try it as [`{persona}`](#as-{persona}): what is filled in works as it stands."
NOTHING_READY = (
    "Nothing in the demo is ready for this at the moment; the operations before it make it so."
)
