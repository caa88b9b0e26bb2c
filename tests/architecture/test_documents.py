"""The documents name what is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
_PATH = re.compile(r"`((?:app|migrations|tests|docs|benchmarks)/[\w./-]*)`")
_ELSEWHERE = re.compile(r"/(?:work|tmp|root|home)/")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    named = _PATH.findall(document.read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_document_names_a_folder_of_somebodys_machine(document: Path) -> None:
    assert _ELSEWHERE.findall(document.read_text(encoding="utf-8")) == []


def test_every_package_of_the_service_stands_on_the_architecture_page() -> None:
    page = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    packages = {path.parent.name for path in (ROOT / "app").glob("*/__init__.py")}
    assert {name for name in packages if f"`app/{name}`" not in page} == set()
