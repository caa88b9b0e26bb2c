"""The committed contract against the running service's."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from app.http.examples import NOTHING_READY, PERSONA
from tests.contract.checks import ROOT, Ground, Outcome

COMMITTED = ROOT / "openapi.json"
RENEW = "`make openapi` renews it; the change then shows in the diff"

_METHODS = ("get", "put", "post", "patch", "delete")
# What a document of the demo has besides: how to sign in there, and examples that work on it.
_EXAMPLES = frozenset({"example", "examples"})
_SHOWN = 20


def committed(ground: Ground) -> Outcome:
    """Return how the demo's document differs from ``openapi.json``, but for what is the demo's."""
    ours, theirs = (
        without_demo(one) for one in (json.loads(COMMITTED.read_text()), ground.document)
    )
    differences = [*differing(ours, theirs)]
    if differences:
        differences = [*differences[:_SHOWN], f"{COMMITTED.name} is not what is served: {RENEW}"]
    count = sum(len(item) for item in ours["paths"].values())
    return Outcome(f"{len(differences)} differences in {count} operations", differences)


def without_demo(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document without what a service declares in demo mode alone.

    That are the operations tagged ``demo`` with their tag and the schemas that they alone use, the
    ways to sign in, and examples: all of them, and as whom to try them.
    """
    kept: dict[str, Any] = json.loads(json.dumps(document))
    for path, item in [*kept["paths"].items()]:
        for method in [name for name in _METHODS if "demo" in item.get(name, {}).get("tags", ())]:
            del item[method]
        if not any(method in item for method in _METHODS):
            del kept["paths"][path]
    for item in kept["paths"].values():
        for method in _METHODS:
            told = item.get(method, {})
            told.pop("security", None)
            before, _, note = told.get("description", "").rpartition("\n\n")
            if told.pop(PERSONA, None) is not None or note == NOTHING_READY:
                told["description"] = before
    kept["tags"] = [tag for tag in kept["tags"] if tag["name"] != "demo"]
    del kept["security"]
    del kept["components"]["securitySchemes"]
    told = cast("dict[str, Any]", _without_examples(kept))
    schemas = told["components"]["schemas"]
    used = _referred(told["paths"], schemas)
    told["components"]["schemas"] = {
        name: schema for name, schema in schemas.items() if name in used
    }
    return told


def differing(ours: object, theirs: object, at: str = "") -> Iterator[str]:
    """Yield where two documents differ."""
    if ours == theirs:
        return
    left, right = _members(ours), _members(theirs)
    if left is not None and right is not None:
        for name in [*left, *(name for name in right if name not in left)]:
            place = f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
            if name not in right:
                yield f"{place} is committed and not served"
            elif name not in left:
                yield f"{place} is served and not committed"
            else:
                yield from differing(left[name], right[name], place)
    else:
        yield f"{at} is committed as {_brief(ours)} and served as {_brief(theirs)}"


def _members(node: object) -> dict[str, object] | None:
    return cast("dict[str, object]", node) if isinstance(node, dict) else None


def _brief(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:100]}..."


def _without_examples(node: object, *, names: bool = False) -> object:
    """Return a document without its examples; ``names`` says that members are names of fields."""
    if isinstance(node, list):
        return [_without_examples(one) for one in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    return {
        name: _without_examples(value, names=name == "properties" and not names)
        for name, value in cast("dict[str, object]", node).items()
        if names or name not in _EXAMPLES
    }


def _referred(node: object, schemas: Mapping[str, object]) -> set[str]:
    """Return the names of all schemas that a part of a document uses, directly or not."""
    found: set[str] = set()
    todo = [node]
    while todo:
        text = json.dumps(todo.pop())
        for name in schemas:
            if name not in found and f'"#/components/schemas/{name}"' in text:
                found.add(name)
                todo.append(schemas[name])
    return found
