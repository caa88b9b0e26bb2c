"""The glossary is law: a noun of a table or an address stands in it."""

import re
from pathlib import Path

import pytest
from fastapi import FastAPI

from app.db.base import Base
from app.main import document

_GLOSSARY = Path(__file__).parents[2] / "docs" / "glossary.md"
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def _known() -> set[str]:
    return {word.lower() for word in _WORD.findall(_GLOSSARY.read_text(encoding="utf-8"))}


def _singulars(word: str) -> set[str]:
    return {word, word.removesuffix("s"), word.removesuffix("es"), re.sub("ies$", "y", word)}


def _unknown(nouns: set[str]) -> list[str]:
    known = _known()
    return sorted(
        noun
        for noun in nouns
        if any(known.isdisjoint(_singulars(word)) for word in re.split("[-_]", noun))
    )


def test_every_table_is_named_by_the_glossary() -> None:
    assert _unknown(set(Base.metadata.tables)) == []


async def test_every_address_is_named_by_the_glossary(app: FastAPI) -> None:
    segments = {
        segment
        for path in document(app)["paths"]
        for segment in path.strip("/").split("/")
        if not segment.startswith("{")
    }
    assert len(segments) > 30
    assert _unknown(segments) == []


@pytest.mark.parametrize("noun", ["widgets", "hour-widgets"])
def test_a_noun_that_is_not_in_it_is_found(noun: str) -> None:
    assert _unknown({noun}) == [noun]
