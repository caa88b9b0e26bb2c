"""What import-linter can not see: who touches transactions, clocks and connections."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db.migration import ROOT

APP = ROOT / "app"
SOURCES = sorted(APP.rglob("*.py"))
SESSION = APP / "db" / "session.py"

# What begins or ends a transaction; a savepoint (``begin_nested``) does neither, and a budget's
# ``commit`` is another matter.
_ENDS = re.compile(
    r"(session|connection|engine|transaction)(\(\))?\.(commit|rollback|begin|execution_options)"
)
# The owner's own connection, outside any request: it makes roles, and the embedded server.
_OWNERS = frozenset({APP / "db" / "roles.py", APP / "db" / "embedded.py"})


# By these something leaves the house.
_OUTWARD = frozenset(
    {"aiohttp", "ftplib", "http", "httpx", "requests", "smtplib", "socket", "subprocess", "urllib"}
)
# In whose services and repositories a transaction is open.
_AREAS = sorted(path for path in SOURCES if (path.parent / "router.py").exists())


def _calls(path: Path) -> Iterator[tuple[int, str]]:
    """Return each method that a module calls, as written, with its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.lineno, ast.unparse(node.func)


def _names(path: Path) -> Iterator[tuple[int, str]]:
    """Return each name that a module imports or calls, with its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom | ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.Name):
            yield node.lineno, node.id


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [path for path in SOURCES if path != SESSION], ids=_named)
def test_nobody_but_the_session_begins_or_ends_a_transaction(path: Path) -> None:
    assert [call for call in _calls(path) if _ENDS.search(call[1])] == []


@pytest.mark.parametrize("path", _AREAS, ids=_named)
def test_no_area_reaches_outside_where_a_transaction_may_be_open(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                modules = {alias.name for alias in names}
            case ast.ImportFrom(module=str(module)):
                modules = {module}
            case _:
                continue
        assert _OUTWARD.isdisjoint(name.partition(".")[0] for name in modules), ast.unparse(node)


@pytest.mark.parametrize("path", sorted(set(SOURCES) - {SESSION} - _OWNERS), ids=_named)
def test_nobody_else_makes_an_engine_or_a_session(path: Path) -> None:
    makers = {"create_engine", "create_async_engine", "sessionmaker", "async_sessionmaker"}
    assert [name for name in _names(path) if name[1] in makers] == []


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.name in {"rules.py", "errors.py"}], ids=_named
)
def test_rules_wait_for_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]


def test_an_area_holds_its_seven_modules_and_nothing_more() -> None:
    allowed = {"router", "schemas", "service", "repository", "models", "rules", "errors"}
    own_shape = {"kernel", "db", "http", "demo"}
    areas = {path.parent for path in APP.glob("*/service.py")}
    strangers = {
        _named(path)
        for area in areas
        if area.name not in own_shape
        for path in area.glob("*.py")
        if path.stem not in allowed | {"__init__"}
    }
    assert strangers == set()


def test_every_table_is_a_model_of_its_area_and_every_area_has_its_own() -> None:
    models = [path for path in SOURCES if path.name == "models.py"]
    tables: dict[str, Path] = {}
    for path in models:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Assign(
                    targets=[ast.Name(id="__tablename__")], value=ast.Constant(value=str(name))
                ):
                    assert tables.setdefault(name, path) == path, name
                case _:
                    pass
    assert {"audit_entries", "tenants"} <= set(tables)
