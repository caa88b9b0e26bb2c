"""Which rules of the book have code, and which a test: ``python -m tests.support.rules_report``.

A rule has code when its id is cited in ``app/`` outside the rule book, in a string or in a
docstring; it has a test when a test carries its marker.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from app.kernel.rulebook import RULES

ROOT = Path(__file__).resolve().parents[2]

_RULE_ID = re.compile(
    r"\b(?:VIS|OOM|ODA|KB|SER|LAW)-(?:[A-Z]?[0-9]+[a-z]?(?:\.[0-9]+)?|F)(?![0-9])"
)
_BOOK = Path("app/kernel/rulebook.py")


def rule_ids_in(text: str) -> list[str]:
    """Return the rule ids that a text cites, in order."""
    return _RULE_ID.findall(text)


def cited_in_code() -> dict[str, set[Path]]:
    """Return the ids cited in string literals and docstrings of ``app/``, with their files."""
    found: dict[str, set[Path]] = {}
    for path, tree in _modules("app"):
        if path == _BOOK:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for rule_id in rule_ids_in(node.value):
                    found.setdefault(rule_id, set()).add(path)
    return found


def marked_in_tests() -> dict[str, set[Path]]:
    """Return the ids in ``pytest.mark.rule(...)`` of ``tests/``, with their files."""
    found: dict[str, set[Path]] = {}
    for path, tree in _modules("tests"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.rule":
                for argument in node.args:
                    if isinstance(argument, ast.Constant):
                        found.setdefault(str(argument.value), set()).add(path)
    return found


def report() -> Iterator[str]:
    """Yield the report's lines: a line per rule, and the counts last."""
    coded, tested = cited_in_code(), marked_in_tests()
    for rule in RULES.values():
        code = "code" if rule.id in coded else "-"
        test = "test" if rule.id in tested else "-"
        yield f"{rule.id:<10}{code:<6}{test:<6}{rule.summary.en}"
    both = [rule_id for rule_id in RULES if rule_id in coded and rule_id in tested]
    missing = [rule_id for rule_id in RULES if rule_id not in both]
    yield ""
    yield f"{len(RULES)} rules: {len(both)} have code and test, {len(missing)} not yet:"
    yield from (
        f"  {reason}: {', '.join(ids)}"
        for reason, ids in (
            ("neither", [i for i in missing if i not in coded and i not in tested]),
            ("code, no test", [i for i in missing if i in coded]),
            ("test, no code", [i for i in missing if i in tested]),
        )
        if ids
    )


def _modules(folder: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in report())
