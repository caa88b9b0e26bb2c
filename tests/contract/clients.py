"""Clients as others generate them from the contract, and one program that uses the first."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from tests.contract.checks import Ground, Outcome, ToolFailed, run_tool
from tests.contract.tools import node_command, npm_tools, python_tools
from tests.support.node import NODE

_HERE = Path(__file__).resolve().parent
_SECONDS = 300
_MOST_OF_A_NAME = 40
_METHODS = ("get", "put", "post", "patch", "delete")

# Strict in all that TypeScript can be; compiled to what Node runs without a bundler.
_TYPESCRIPT = {
    "compilerOptions": {
        "target": "ES2022",
        "module": "CommonJS",
        "moduleResolution": "node10",
        "lib": ["ES2022", "DOM", "DOM.Iterable"],
        "types": ["node"],
        "strict": True,
        "noFallthroughCasesInSwitch": True,
        "noImplicitOverride": True,
        "noImplicitReturns": True,
        "noPropertyAccessFromIndexSignature": True,
        "noUnusedLocals": True,
        "noUnusedParameters": True,
        "skipLibCheck": False,
        "rootDir": ".",
        "outDir": "built",
    }
}
_ESCAPES = re.compile(r"\bany\b|\bas (?!const\b)\w|@ts-|\w!\.|<any>")

# Asks by each generated function that needs no argument, and prints what it was given.
_CALLER = """\
import importlib, inspect, json, pkgutil, sys
base, token = sys.argv[1:]
import service_client
from service_client import api
signed_in = service_client.AuthenticatedClient(base_url=base, token=token)
told = []
for area in pkgutil.iter_modules(api.__path__):
    package = importlib.import_module(f"service_client.api.{area.name}")
    for module in pkgutil.iter_modules(package.__path__):
        function = importlib.import_module(f"{package.__name__}.{module.name}")
        needed = [
            one for one in inspect.signature(function.sync_detailed).parameters.values()
            if one.default is one.empty and one.name != "client"
        ]
        answer = None
        if not needed and function._get_kwargs()["method"] == "get":
            given = function.sync_detailed(client=signed_in)
            answer = [int(given.status_code), type(given.parsed).__name__]
        told.append([module.name, answer])
print(json.dumps(told))
"""


def typescript_client(ground: Ground) -> Outcome:
    """Return whether a TypeScript client is generated that compiles, and whether it is named well.

    The program that uses it is compiled with it.
    """
    folder = _generated_typescript(ground)
    misses = [*_badly_named(ground.document), *_program_escapes()]
    done = run_tool(
        [*node_command("tsc"), "--project", folder], cwd=folder, seconds=_SECONDS, fine=None
    )
    errors = [line for line in done.stdout.splitlines() if ": error " in line]
    if done.returncode != 0 and not errors:
        errors = [f"the compiler ended with {done.returncode}: {done.stdout[-300:]}"]
    misses += errors
    operations = (folder / "client" / "sdk.gen.ts").read_text().count("\nexport const ")
    if operations != ground.operation_count():
        misses.append(f"{operations} functions for {ground.operation_count()} operations")
    return Outcome(f"{len(misses)} defects, {operations} functions", misses)


def python_client(ground: Ground) -> Outcome:
    """Return whether a Python client is generated without a warning, and whether it works."""
    folder = ground.folder / "python-client"
    folder.mkdir()
    settings = folder / "settings.yaml"
    settings.write_text("post_hooks: []\n")
    tools = python_tools("openapi-python-client")
    run_tool(
        [
            tools / "openapi-python-client",
            *("generate", "--path", ground.document_file, "--meta", "none", "--fail-on-warning"),
            *("--output-path", folder / "service_client", "--config", settings),
        ],
        cwd=folder,
        seconds=_SECONDS,
    )
    (folder / "caller.py").write_text(_CALLER)
    done = run_tool(
        [tools / "python", folder / "caller.py", f"{ground.demo.url}/v1", ground.demo.token],
        cwd=folder,
        seconds=_SECONDS,
    )
    told: list[tuple[str, tuple[int, str] | None]] = json.loads(done.stdout)
    asked = [(name, answer) for name, answer in told if answer is not None]
    misses = [
        f"{name} was given {status}, a {kind}"
        for name, (status, kind) in asked
        if status >= 300 or kind in {"NoneType", "Problem"}
    ]
    if len(told) != ground.operation_count():
        misses.append(f"{len(told)} functions for {ground.operation_count()} operations")
    return Outcome(
        f"{len(misses)} defects, {len(told)} functions, {len(asked)} of them asked", misses
    )


def lms(ground: Ground) -> Outcome:
    """Return how far ``lms.ts`` comes with the main job on the running demo."""
    folder = _generated_typescript(ground)
    run_tool([*node_command("tsc"), "--project", folder], cwd=folder, seconds=_SECONDS)
    done = run_tool(
        [NODE, "built/lms.js"],
        cwd=folder,
        seconds=_SECONDS,
        settings={"BASE_URL": ground.demo.url},
        fine=None,
    )
    steps = [line for line in done.stdout.splitlines() if line.startswith("  ")]
    refusals = sum(bool(re.search(r": 4\d\d ", line)) for line in steps)
    misses = done.stderr.splitlines()
    if done.returncode and not misses:
        misses = [f"it ended with {done.returncode}"]
    return Outcome(f"{len(steps)} steps, {refusals} of them refusals that it meets", misses)


def _generated_typescript(ground: Ground) -> Path:
    """Return a folder with the generated client, the program beside it, and their settings."""
    folder = ground.folder / "typescript"
    if folder.exists():
        return folder
    folder.mkdir()
    done = run_tool(
        [
            *node_command("openapi-ts"),
            *("--input", ground.document_file, "--output", folder / "client"),
            *("--client", "@hey-api/client-fetch"),
        ],
        cwd=folder,
        seconds=_SECONDS,
    )
    if not (folder / "client" / "sdk.gen.ts").is_file():
        raise ToolFailed(done.stdout + done.stderr)
    shutil.copy(_HERE / "lms.ts", folder)
    (folder / "tsconfig.json").write_text(
        json.dumps({**_TYPESCRIPT, "include": ["lms.ts", "client/**/*.ts"]})
    )
    (folder / "node_modules").symlink_to(npm_tools() / "node_modules")
    return folder


def _program_escapes() -> Iterator[str]:
    """Yield the lines of the program by which it would get around its types."""
    for number, line in enumerate((_HERE / "lms.ts").read_text().splitlines(), start=1):
        code = line.partition("//")[0]
        if not code.lstrip().startswith(("*", "/*")) and _ESCAPES.search(_without_text(code)):
            yield f"lms.ts:{number} gets around the types: {line.strip()}"


def _without_text(code: str) -> str:
    return re.sub(r"'[^']*'|`[^`]*`", "''", code)


def _badly_named(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield what would have no name, or none to call it by, in a generated client."""
    names: list[str] = []
    for path, item in document["paths"].items():
        for method in [method for method in _METHODS if method in item]:
            told, where = item[method], f"{method.upper()} {path}"
            name = told.get("operationId", "")
            names.append(name)
            if not re.fullmatch(r"[a-z][a-zA-Z0-9]*", name) or len(name) > _MOST_OF_A_NAME:
                yield f"{where} has no name to call it by: {name!r}"
            if len(told.get("tags", ())) != 1:
                yield f"{where} is not of exactly one area: {told.get('tags')}"
            yield from _unnamed_types(where, told)
    yield from (f"{name} is the name of {n}" for name, n in Counter(names).items() if n > 1)
    schemas = document["components"]["schemas"]
    yield from (f"schema {name}" for name in schemas if not re.fullmatch(r"[A-Z]\w*", name))
    for name, schema in schemas.items():
        for part in schema.get("properties", {}).values():
            yield from (f"an enum in {name} has no name" for _ in _unnamed_enums(part))
    yield from (
        f"an enum in a path has no name: {one}" for one in _unnamed_enums(document["paths"])
    )


def _unnamed_types(where: str, told: Mapping[str, Any]) -> Iterator[str]:
    bodies: list[tuple[str, Mapping[str, Any]]] = [("body", told.get("requestBody", {}))]
    bodies += [(f"answer {status}", one) for status, one in told["responses"].items()]
    for what, body in bodies:
        contents: Mapping[str, Any] = body.get("content", {})
        for kind, content in contents.items():
            if "json" in kind and '"properties"' in json.dumps(content["schema"]):
                yield f"the {what} of {where} has no named type"


def _unnamed_enums(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for one in cast("list[object]", node):
            yield from _unnamed_enums(one)
    elif isinstance(node, dict):
        members = cast("dict[str, object]", node)
        values = members.get("enum")
        if isinstance(values, list) and len(cast("list[object]", values)) > 1:
            yield str(cast("list[object]", values))
        for name, value in members.items():
            if name not in {"example", "examples"}:
                yield from _unnamed_enums(value)
