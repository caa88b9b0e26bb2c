import pytest

from app.db.migration import ROOT
from tests.planted.bugs import BUGS, Bug


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_to_plant_still_fits_the_code_and_names_tests_that_are_there(bug: Bug) -> None:
    assert [change.places_in(ROOT) for change in bug.changes] == [1] * len(bug.changes)
    assert bug.tests
    assert all((ROOT / test).exists() for test in bug.tests)
