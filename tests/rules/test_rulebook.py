"""The rule book against the document it numbers."""

import re
from pathlib import Path

import pytest

from app.kernel.rulebook import RULES, rule

BOOK = Path(__file__).resolve().parents[2].parent / "shared" / "rules.md"

# An id is defined where it is set in bold, or opens a row of the catalogue's table.
_DEFINITION = re.compile(r"\*\*([A-Z]+-[A-Z]?[0-9a-z.]*)\*\*|^\| ([A-Z]+-[0-9]+) ", re.MULTILINE)


def test_the_book_holds_every_rule_of_the_document_in_its_order() -> None:
    if not BOOK.is_file():
        pytest.skip(f"The rule document is not there: {BOOK}")
    defined = [bold or row for bold, row in _DEFINITION.findall(BOOK.read_text(encoding="utf-8"))]
    assert list(RULES) == defined


def test_a_rule_is_found_by_its_id() -> None:
    found = rule("VIS-7.7")
    assert found.id == "VIS-7.7"
    assert found.source == "Visie Leren & Ontwikkelen ODWH v.8, par. 7, Terugbetalingsregeling"
    assert "100%" in found.summary.nl


def test_a_statute_is_cited_by_its_own_name() -> None:
    assert rule("LAW-7").source == "Algemene wet bestuursrecht, art. 6:7 and 6:8"


def test_an_unknown_id_is_a_defect() -> None:
    with pytest.raises(KeyError, match=r"VIS-99\.9"):
        rule("VIS-99.9")


@pytest.mark.parametrize("rule_id", RULES)
def test_a_rule_names_its_source_and_says_its_gist_in_both_languages(rule_id: str) -> None:
    found = rule(rule_id)
    assert found.id == rule_id
    assert found.document
    assert found.source
    assert found.summary.en.endswith(".")
    assert found.summary.nl.endswith(".")
    assert found.summary.en != found.summary.nl
    assert max(len(found.summary.en), len(found.summary.nl)) <= 120


def test_the_book_can_not_be_changed() -> None:
    with pytest.raises(TypeError):
        RULES["VIS-7.7"] = rule("VIS-7.8")  # type: ignore[index]
