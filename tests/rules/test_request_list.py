"""A tranche's list of requests, cell by cell: what is read, and what is wrong with a line."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from app.integrations.request_imports.errors import RequestColumnsMissing, TooManyRequestRows
from app.integrations.request_imports.rules import (
    HEADERS,
    ROW_LIMIT,
    RequestField,
    check_count,
    draft_of,
    kind_of,
    quoted,
    read_list,
    usual_tranche,
)
from app.integrations.request_imports.schemas import read_records
from app.integrations.sheets.errors import FileUnreadable
from app.kernel.identifiers import new_id
from app.policy.rules import Criterion
from app.requests.rules import TrainingBasis, TrainingKind, tranche_on
from tests.support.requests import LIST_HEADER, list_line, odwh_policy, tranche_list

LIST = (Path(__file__).parents[1] / "data" / "aanvragen-2026-tranche-2.csv").read_bytes()
RECORD = {
    "reference": "A26-2-901",
    "personnelNumbers": ["101853"],
    "title": "Ecologie",
    "provider": "Natuuracademie",
    "startsOn": "2027-04-21",
    "endsOn": "2027-05-21",
    "amountCents": 119_000,
    "workingMinutes": 1_440,
    "basis": "necessary_for_function",
    "motivation": "Nodig",
    "submittedAt": "2026-06-11T05:51:00Z",
}


def test_the_list_of_the_second_tranche_is_read_as_it_is() -> None:
    reading = read_list(LIST)

    assert (len(reading.rows), reading.faults) == (81, ())
    [row] = [row for row in reading.rows if row.reference == "A26-2-039"]
    assert row.line == 40
    assert row.amount_cents == 199_999
    [several] = [row for row in reading.rows if row.reference == "A26-2-004"]
    assert several.personnel_numbers == ("100350", "100650", "102280")
    assert several.submitted_at == datetime(2026, 6, 18, 22, 13, tzinfo=UTC)
    [quoted] = [row for row in reading.rows if row.reference == "A26-2-010"]
    assert quoted.motivation == "Ter vervanging van collega; zie notitie; spoed"


def test_every_row_of_that_list_can_be_drafted_with_hours_that_add_up() -> None:
    for row in read_list(LIST).rows:
        asked = draft_of(row, (new_id(),))

        assert sum(s.minutes for s in asked.sessions if s.working_time) == row.working_minutes
        assert sum(s.minutes for s in asked.sessions if not s.working_time) == row.own_minutes
        assert all(session.estimated for session in asked.sessions)


def fault_of(**cells: str) -> tuple[str, str, int]:
    """Return column, code and line of the one fault of a line."""
    [fault] = read_list(tranche_list(list_line(), list_line(**{"Aanvraag": "X", **cells}))).faults
    return HEADERS[fault.at], fault.fault.code, fault.line


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("Aanvraag", "A 26", "not-a-reference"),
        ("Aanvraag", "", "missing"),
        ("Personeelsnummer(s)", "", "missing"),
        ("Personeelsnummer(s)", "101853,,101854", "not-personnel-numbers"),
        ("Personeelsnummer(s)", ",".join(["101853"] * 251), "not-personnel-numbers"),
        ("Opleiding", "", "missing"),
        ("Opleiding", "=HYPERLINK(1)", "formula"),
        ("Opleiding", "x" * 201, "too-long"),
        ("Opleider", "Natuur\x07academie", "control-characters"),
        ("Motivering", "x" * 4_001, "too-long"),
        ("Motivering", "a\x00b", "control-characters"),
        ("Startdatum", "31-04-2027", "not-a-date"),
        ("Startdatum", "2027-04-21", "not-a-date"),
        ("Einddatum", "21-05-2300", "date-out-of-reach"),
        ("Kosten (excl. btw, p.p.)", "1,190.00", "not-an-amount"),
        ("Kosten (excl. btw, p.p.)", "-5", "not-an-amount"),
        ("Kosten (excl. btw, p.p.)", "99999999999", "not-an-amount"),
        ("Kosten (excl. btw, p.p.)", "9" * 30, "not-an-amount"),
        ("Btw %", "100,01", "not-a-percentage"),
        ("Btw %", "laag", "not-a-percentage"),
        ("Uren werktijd", "acht", "not-hours"),
        ("Uren werktijd", "10000,01", "not-hours"),
        ("Uren werktijd", "0", "no-hours"),
        ("Uren eigen tijd", "", "missing"),
        ("Grondslag", "Leuk", "unknown-basis"),
        ("Gesprek op", "30-02-2026", "not-a-date"),
        ("Ingediend op", "11-06-2026", "not-a-moment"),
        ("Ingediend op", "11-06-2026 24:00", "not-a-moment"),
        ("Ingediend op", "29-03-2026 02:30", "not-a-moment"),
        ("Ingediend op", "11-06-2300 07:51", "date-out-of-reach"),
    ],
)
def test_a_cell_that_can_not_be_read_is_named_by_line_and_column(
    column: str, cell: str, code: str
) -> None:
    assert fault_of(**{column: cell}) == (column, code, 3)


@pytest.mark.parametrize(
    ("column", "cell", "name", "value"),
    [
        ("Kosten (excl. btw, p.p.)", "1.190,5", "amount_cents", 119_050),
        ("Kosten (excl. btw, p.p.)", "1190", "amount_cents", 119_000),
        ("Btw %", "9,5", "vat_basis_points", 950),
        ("Uren werktijd", "7,33", "working_minutes", 440),
        ("Uren werktijd", "0,5", "working_minutes", 30),
        ("Grondslag", "WETTELIJK VERPLICHT", "basis", TrainingBasis.STATUTORY),
        ("Grondslag", "Eigen ontwikkeling", "basis", TrainingBasis.VOLUNTARY),
        ("Gesprek op", "1-2-2026", "conversation_on", date(2026, 2, 1)),
        ("Motivering", "- eerste punt", "motivation", "- eerste punt"),
        (
            "Ingediend op",
            "25-10-2026 02:30",
            "submitted_at",
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        ),
    ],
)
def test_cells_are_read_as_they_are_written_here(
    column: str, cell: str, name: str, value: object
) -> None:
    [row] = read_list(tranche_list(list_line(**{column: cell}))).rows

    assert getattr(row, name) == value


def test_a_line_of_another_width_is_a_fault_of_the_line() -> None:
    [fault] = read_list(tranche_list(list_line() + ";")).faults

    assert (fault.fault.code, fault.facts) == (
        "wrong-number-of-cells",
        {"cell_count": 15, "column_count": 14},
    )


def test_a_reference_that_comes_again_is_a_fault_of_the_later_line() -> None:
    reading = read_list(tranche_list(list_line(), "", list_line()))

    assert [row.line for row in reading.rows] == [2]
    [fault] = reading.faults
    assert (fault.line, fault.fault.code, fault.facts) == (4, "twice-in-file", {"first_line": 2})


def test_a_list_in_windows_1252_is_read_as_it_says() -> None:
    written = tranche_list(list_line(Motivering="Besproken in één gesprek")).decode("utf-8-sig")

    [row] = read_list(written.encode("cp1252")).rows

    assert row.motivation == "Besproken in één gesprek"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x81\x8d\x8f", id="bytes that are no text"),
        pytest.param(tranche_list(list_line()).decode().encode("utf-16"), id="UTF-16"),
        pytest.param(tranche_list('"open'), id="a quote that does not close"),
    ],
)
def test_what_is_no_list_is_not_read(content: bytes) -> None:
    with pytest.raises(FileUnreadable):
        read_list(content)


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        pytest.param(LIST_HEADER.replace(";Btw %", ""), ["Btw %"], id="a column left out"),
        pytest.param(LIST_HEADER + ";Btw %", ["Btw %"], id="a column twice"),
    ],
)
def test_a_list_without_its_columns_is_not_read(header: str, missing: list[str]) -> None:
    with pytest.raises(RequestColumnsMissing) as refused:
        read_list(tranche_list(header=header))

    assert refused.value.facts["missing_columns"] == missing


def test_an_empty_file_lacks_every_column() -> None:
    with pytest.raises(RequestColumnsMissing):
        read_list(b"")


def test_columns_may_come_in_any_order_and_with_others() -> None:
    header = "Notitie;" + LIST_HEADER
    reading = read_list(tranche_list("intern;" + list_line(), header=header))

    assert [row.reference for row in reading.rows] == ["A26-2-901"]


def test_one_import_takes_so_many_rows_and_no_more() -> None:
    check_count(ROW_LIMIT)
    with pytest.raises(TooManyRequestRows):
        check_count(ROW_LIMIT + 1)


def test_a_row_is_recognised_by_all_it_says_and_not_by_its_line() -> None:
    [first] = read_list(tranche_list(list_line())).rows
    [moved] = read_list(tranche_list("", list_line())).rows
    [changed] = read_list(tranche_list(list_line(**{"Btw %": "0"}))).rows

    assert first.digest == moved.digest
    assert first.digest != changed.digest


@pytest.mark.rule("SER-24")
@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Meelopen bij Omgevingsdienst Haaglanden (werkervaring)", TrainingKind.WORK_EXPERIENCE),
        ("Examen BOA Domein II (hercertificering)", TrainingKind.EXAM),
        ("HBO Toegepaste Milieukunde, deeltijd", TrainingKind.EDUCATION),
        ("Coachend leidinggeven", TrainingKind.COURSE),
        ("", TrainingKind.COURSE),
    ],
)
def test_the_kind_is_what_the_title_tells(title: str, kind: TrainingKind) -> None:
    assert kind_of(title) is kind


@pytest.mark.rule("VIS-4.1")
@pytest.mark.parametrize(
    ("basis", "criteria"),
    [
        ("Wettelijk verplicht", {Criterion.LEGAL_AND_FUNCTION}),
        ("Functiegebonden", {Criterion.LEGAL_AND_FUNCTION, Criterion.TEAM_AND_FUNCTION}),
        ("Eigen ontwikkeling", {Criterion.INDIVIDUAL_DEVELOPMENT}),
    ],
)
def test_the_criteria_claimed_come_of_the_basis(basis: str, criteria: set[Criterion]) -> None:
    [row] = read_list(tranche_list(list_line(Grondslag=basis))).rows

    assert {ground.criterion for ground in draft_of(row, (new_id(),)).grounds} == criteria


def test_what_costs_nothing_has_no_cost_line() -> None:
    [row] = read_list(tranche_list(list_line(**{"Kosten (excl. btw, p.p.)": "0,00"}))).rows

    assert draft_of(row, (new_id(),)).cost_lines == ()


@pytest.mark.rule("LAW-12")
@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("kort", "kort"),
        ("a\x07b", "a\N{REPLACEMENT CHARACTER}b"),
        ("x" * 100, "x" * 79 + "\N{HORIZONTAL ELLIPSIS}"),
        ("111222333", ""),
    ],
)
def test_a_value_is_quoted_short_and_never_when_it_is_a_citizens_number(
    value: str, told: str
) -> None:
    assert quoted(value) == told


def test_the_usual_tranche_is_that_of_most_rows_and_of_two_the_later() -> None:
    policy = odwh_policy()
    july, november = (tranche_on(date(2026, month, 1), policy) for month in (7, 8))

    assert usual_tranche([]) is None
    assert usual_tranche([july, july, november]) == july
    assert usual_tranche([july, november]) == november


def test_a_json_list_is_read_like_a_file() -> None:
    reading = read_records([RECORD])

    [row] = reading.rows
    assert (row.line, row.personnel_numbers, row.own_minutes) == (1, ("101853",), 0)
    assert reading.sent[1][RequestField.TITLE] == "Ecologie"


@pytest.mark.parametrize(
    ("record", "at", "code"),
    [
        pytest.param(RECORD | {"title": ""}, RequestField.TITLE, "string_too_short", id="empty"),
        pytest.param(RECORD | {"title": "=1+1"}, RequestField.TITLE, "formula", id="a formula"),
        pytest.param(
            RECORD | {"colour": "red"}, RequestField.REFERENCE, "extra_forbidden", id="unknown"
        ),
        pytest.param("A26-2-901", RequestField.REFERENCE, "model_type", id="no object"),
    ],
)
def test_a_record_that_is_no_row_is_named_by_place_and_property(
    record: object, at: RequestField, code: str
) -> None:
    [fault] = read_records([RECORD | {"reference": "first"}, record]).faults

    assert (fault.line, fault.at, fault.fault.code) == (2, at, code)
