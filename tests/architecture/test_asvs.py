"""What `docs/asvs.csv` says proves a requirement is there, and nothing applicable is left out."""

import ast
import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "asvs.csv"
VERDICTS = {"applies", "provider", "operator", "not applicable", "open"}
# What the standard has at its first and second level, in version 5.0.0; and our own list.
REQUIREMENTS = {"1": 70, "2": 183, "own": 25}
# Proved by more than a test: by the lock.
WITHOUT_MARK = {"S25"}


def rows() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def marks_of(path: Path) -> dict[str, set[str]]:
    """Return the tests of a file, each with the codes of the invariants that it is marked by."""
    return {
        node.name: {
            str(argument.value)
            for mark in node.decorator_list
            if isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith(".invariant")
            for argument in mark.args
            if isinstance(argument, ast.Constant)
        }
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    }


def missing(proofs: str) -> Iterator[str]:
    """Yield each of the proofs, parted by spaces, that is not there."""
    for proof in proofs.split():
        path, _, name = proof.partition("::")
        if not (ROOT / path).is_file() or (name and name not in marks_of(ROOT / path)):
            yield proof


def test_every_requirement_of_both_levels_is_judged_once() -> None:
    judged = rows()
    assert len({row["id"] for row in judged}) == len(judged)
    for level, count in REQUIREMENTS.items():
        assert len([row for row in judged if row["level"] == level]) == count
    assert {row["verdict"] for row in judged} <= VERDICTS


def test_what_is_named_as_proof_is_there_and_what_has_none_says_why() -> None:
    gone = {row["id"]: list(missing(row["proof"])) for row in rows()}
    assert {one: proofs for one, proofs in gone.items() if proofs} == {}
    without_proof = {"not applicable", "open"}
    for row in rows():
        needed = "reason" if row["verdict"] in without_proof else "proof"
        assert row[needed], row["id"]
        assert not (row["proof"] and row["verdict"] in without_proof), row["id"]


def test_what_of_our_own_list_applies_has_a_test_that_bears_its_code() -> None:
    proved = {
        code
        for path in (ROOT / "tests").rglob("test_*.py")
        for codes in marks_of(path).values()
        for code in codes
    }
    applicable = {
        row["id"] for row in rows() if row["level"] == "own" and row["verdict"] == "applies"
    }
    assert applicable - proved == WITHOUT_MARK


def test_a_proof_that_is_not_there_is_found() -> None:
    here = "tests/architecture/test_asvs.py"
    gone = [f"{here}::test_that_nobody_wrote", "tests/nowhere.py", "docs/nothing.md"]
    there = [here, f"{here}::test_a_proof_that_is_not_there_is_found", "docs/security.md"]
    assert list(missing(" ".join([*gone, *there]))) == gone
