import pytest

from app.db.migration import ROOT
from tests.planted.__main__ import main
from tests.planted.bugs import BUGS, Bug


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_to_plant_still_fits_the_code_and_names_tests_that_are_there(bug: Bug) -> None:
    assert [change.places_in(ROOT) for change in bug.changes] == [1] * len(bug.changes)
    assert bug.tests
    assert all((ROOT / test).exists() for test in bug.tests)


def test_a_bug_that_is_not_known_is_told_with_those_that_are_and_nothing_is_planted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([BUGS[0].name, "typo"]) == 2
    said = capsys.readouterr().out
    assert "no such bugs: typo; there are" in said
    assert [bug.name for bug in BUGS if f"  {bug.name}\n" not in said] == []
