"""The framework: ratings, the weighted score, priority, and the one order that comes of it."""

from datetime import timedelta
from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.identifiers import new_id
from app.policy.rules import Criterion
from app.requests.errors import AssessmentIncomplete, RatingOffScale, TwiceNamed
from app.requests.rules import (
    Participant,
    Rating,
    Score,
    TrainingBasis,
    check_assessed,
    check_ratings,
    missing_criteria,
    priority_class,
    rank,
    variation,
    weighted_score,
    working_minutes_of,
)
from tests.support.requests import SUBMITTED_AT, details, odwh_policy, rated, score

POLICY = odwh_policy()


@pytest.mark.rule("VIS-4.1")
def test_there_are_five_criteria_and_an_assessment_misses_all_of_them_at_first() -> None:
    assert missing_criteria(()) == tuple(Criterion)
    assert len(Criterion) == 5


@pytest.mark.rule("VIS-4.2")
@pytest.mark.parametrize("left_out", list(Criterion))
def test_an_assessment_is_complete_only_with_every_criterion(left_out: Criterion) -> None:
    ratings = rated(leave_out=[left_out])

    assert missing_criteria(ratings) == (left_out,)
    assert weighted_score(ratings, POLICY) is None
    with pytest.raises(AssessmentIncomplete):
        check_assessed(details(ratings=ratings))


@pytest.mark.rule("VIS-4.2")
def test_a_rating_without_a_motivation_does_not_count() -> None:
    ratings = (*rated()[1:], Rating(Criterion.LEGAL_AND_FUNCTION, 4, "  \n"))

    assert missing_criteria(ratings) == (Criterion.LEGAL_AND_FUNCTION,)


@pytest.mark.rule("VIS-4.2")
@pytest.mark.parametrize(
    ("rating", "is_refused"),
    [
        pytest.param(-1, True, id="below none"),
        pytest.param(0, False, id="none"),
        pytest.param(4, False, id="decisive"),
        pytest.param(5, True, id="beyond decisive"),
    ],
)
def test_a_rating_lies_on_the_scale_of_the_policy(rating: int, *, is_refused: bool) -> None:
    if not is_refused:
        check_ratings(rated(rating), POLICY)
        return
    with pytest.raises(RatingOffScale):
        check_ratings(rated(rating), POLICY)


@pytest.mark.rule("VIS-4.2")
def test_a_criterion_has_one_rating() -> None:
    with pytest.raises(TwiceNamed):
        check_ratings((*rated(), *rated()[:1]), POLICY)


@pytest.mark.rule("VIS-4.2")
@pytest.mark.parametrize(
    ("rating", "expected", "basis_points"),
    [
        pytest.param(0, Score(0, 64), 0, id="nothing"),
        pytest.param(3, Score(48, 64), 7500, id="three quarters"),
        pytest.param(4, Score(64, 64), 10_000, id="everything"),
    ],
)
def test_the_score_weighs_each_rating(rating: int, expected: Score, basis_points: int) -> None:
    found = weighted_score(rated(rating), POLICY)

    assert found == expected
    assert found is not None
    assert found.basis_points == basis_points


@pytest.mark.rule("VIS-4.2")
@given(st.lists(st.integers(0, 4), min_size=5, max_size=5), st.integers(0, 4))
def test_a_higher_rating_never_lowers_the_score(given_ratings: list[int], at: int) -> None:
    ratings = [
        Rating(criterion, rating, "Omdat.")
        for criterion, rating in zip(Criterion, given_ratings, strict=True)
    ]
    better = list(ratings)
    better[at] = Rating(better[at].criterion, 4, "Omdat.")
    before, after = weighted_score(ratings, POLICY), weighted_score(better, POLICY)

    assert before is not None
    assert after is not None
    assert 0 <= before.exact <= after.exact <= 1


@pytest.mark.rule("VIS-3.1")
@pytest.mark.parametrize("basis", list(TrainingBasis))
def test_a_legal_or_function_bound_necessity_goes_before_all_others(basis: TrainingBasis) -> None:
    first = basis.value in {"statutory", "cao", "public_rule", "necessary_for_function"}

    assert priority_class(basis) == (1 if first else 2)


@pytest.mark.rule("VIS-3.1")
@pytest.mark.rule("VIS-6.3")
def test_requests_are_ranked_by_priority_score_submission_and_reference() -> None:
    necessary, other = TrainingBasis.STATUTORY, TrainingBasis.VOLUNTARY
    later = SUBMITTED_AT + timedelta(seconds=1)
    ordered = [
        details(reference="E", basis=necessary, score=score(10)),
        details(reference="F", basis=necessary),
        details(reference="D", basis=other, score=score(60)),
        details(reference="B", basis=other, score=score(50)),
        details(reference="C", basis=other, score=score(50)),
        details(reference="A", basis=other, score=score(50), submitted_at=later),
        details(reference="G", basis=other, submitted_at=None),
    ]

    for shuffled in permutations(ordered[:5]):
        assert rank(shuffled) == ordered[:5]
    assert rank(reversed(ordered)) == ordered


@pytest.mark.rule("VIS-6.3")
def test_scores_under_other_weights_are_compared_as_fractions() -> None:
    half = details(reference="A", score=score(1, 2))
    more = details(reference="B", score=score(33, 64))

    assert rank([half, more]) == [more, half]


@pytest.mark.rule("VIS-4.3")
def test_the_variation_tells_what_each_team_asks_for() -> None:
    team, other = new_id(), new_id()
    people = [new_id() for _ in range(3)]
    teams: dict[UUID, UUID | None] = {people[0]: team, people[1]: team, people[2]: other}
    alone = details(participants=(Participant(people[0]),))
    together = details(participants=tuple(Participant(person) for person in people))

    found = variation([alone, together], teams)

    assert [
        (item.key, item.requests, item.participations, item.working_minutes, item.cost_cents)
        for item in found
    ] == [(team, 2, 3, 1_440, 540_870), (other, 1, 1, 480, 180_290)]
    assert sum(item.working_minutes for item in found) == sum(
        working_minutes_of([alone, together]).values()
    )
