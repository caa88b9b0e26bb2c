"""Every rule that code or a test cites is in the book."""

from app.kernel.rulebook import RULES
from tests.support.rules_report import cited_in_code, marked_in_tests, report, rule_ids_in


def test_every_rule_cited_in_the_code_is_in_the_book() -> None:
    unknown = {
        rule_id: sorted(map(str, paths))
        for rule_id, paths in cited_in_code().items()
        if rule_id not in RULES
    }
    assert not unknown


def test_every_rule_that_a_test_proves_is_in_the_book() -> None:
    unknown = {
        rule_id: sorted(map(str, paths))
        for rule_id, paths in marked_in_tests().items()
        if rule_id not in RULES
    }
    assert not unknown


def test_the_book_s_own_ids_are_recognised_in_a_sentence() -> None:
    for rule_id in RULES:
        assert rule_ids_in(f"({rule_id}), {rule_id}.") == [rule_id, rule_id]


def test_the_report_has_a_line_for_every_rule() -> None:
    lines = list(report())
    assert [line.split()[0] for line in lines[: len(RULES)]] == list(RULES)
    assert any(line.startswith(f"{len(RULES)} rules:") for line in lines)
