"""How an HRIS export is read: its quirks taken as they are, its faults named by line and column."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.integrations.hris.errors import ColumnsMissing, TooManyRows
from app.integrations.hris.rules import HEADERS, ROW_LIMIT, read_export
from app.integrations.hris.schemas import read_records
from app.integrations.sheets.errors import FileUnreadable
from app.integrations.sheets.rules import shown
from app.people.roster.rules import RosterField, RosterRow
from app.people.rules import EducationLevel, EmploymentKind
from tests.support.people import HEADER, export, line, record


def only_row(content: bytes) -> RosterRow:
    reading = read_export(content)
    assert not reading.faults, reading.faults
    (row,) = reading.rows
    return row


def faults_of(content: bytes) -> list[tuple[int, str, str]]:
    return [
        (fault.line, HEADERS[fault.at], fault.fault.code) for fault in read_export(content).faults
    ]


def test_a_line_reads_as_the_person_it_tells_of() -> None:
    assert only_row(export(line())) == RosterRow(
        line=2,
        personnel_number="300001",
        given_name="Sanne",
        infix="van der",
        family_name="Berg300001",
        email="s300001@od-voorbeeld.example",
        born_on=date(1985, 5, 17),
        education_level=EducationLevel.HBO,
        department="Toezicht",
        team="Toezicht Bodem",
        function="Adviseur bodem",
        manager_number=None,
        hired_on=date(2019, 3, 1),
        left_on=None,
        kind=EmploymentKind.PERMANENT,
        contract_minutes_per_week=2160,
    )


PLAIN = f"{HEADER}\r\n{line(Achternaam='Weïl')}\r\n"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(PLAIN.encode("utf-8-sig"), id="UTF-8 with a byte order mark"),
        pytest.param(PLAIN.encode(), id="UTF-8 without one"),
        pytest.param(PLAIN.encode("cp1252"), id="Windows-1252"),
        pytest.param(PLAIN.replace("\r\n", "\n").encode(), id="line feeds alone"),
        pytest.param(PLAIN.rstrip().encode(), id="no end of line at the end"),
        pytest.param(PLAIN.replace(";", "\t").encode(), id="tabs"),
        pytest.param(
            PLAIN.replace(";", ",").replace("36,00", '"36,00"').encode(), id="commas and quotes"
        ),
        pytest.param(PLAIN.replace(";", " ; ").encode(), id="space around the cells"),
        pytest.param(PLAIN.replace("Voornaam", "VOORNAAM").encode(), id="headers in capitals"),
        pytest.param((PLAIN + ";;;;\r\n\r\n").encode(), id="empty lines"),
    ],
)
def test_an_export_is_read_as_the_system_wrote_it(content: bytes) -> None:
    assert only_row(content).family_name == "Weïl"


@pytest.mark.parametrize(
    ("written", "day"),
    [
        pytest.param("01-03-2019", date(2019, 3, 1), id="dd-mm-yyyy"),
        pytest.param("1-3-2019", date(2019, 3, 1), id="without noughts"),
        pytest.param("01/03/2019", date(2019, 3, 1), id="slashes"),
        pytest.param("2019-03-01", date(2019, 3, 1), id="year first"),
        pytest.param("29-02-2024", date(2024, 2, 29), id="a leap day"),
    ],
)
def test_a_day_may_be_written_in_several_ways(written: str, day: date) -> None:
    assert only_row(export(line(**{"Datum in dienst": written}))).hired_on == day


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ("36,00", 2160),
        ("36.00", 2160),
        ("36", 2160),
        ("11,50", 690),
        ("11,5", 690),
        ("0", 0),
        ("60", 3600),
        pytest.param("7,33", 440, id="19.8 minutes are rounded to 20"),
    ],
)
def test_hours_become_whole_minutes(written: str, minutes: int) -> None:
    row = only_row(export(line(**{"Uren per week": written})))

    assert row.contract_minutes_per_week == minutes


@given(st.integers(0, 60), st.integers(0, 99))
def test_hours_are_never_more_than_half_a_minute_off(hours: int, hundredths: int) -> None:
    if hours == 60:
        hundredths = 0
    row = only_row(export(line(**{"Uren per week": f"{hours},{hundredths:02}"})))

    assert abs(100 * row.contract_minutes_per_week - 60 * (100 * hours + hundredths)) <= 50


@pytest.mark.parametrize(
    ("header", "cell", "code"),
    [
        pytest.param("Personeelsnummer", "", "missing", id="no number"),
        pytest.param(
            "Personeelsnummer", "#12", "not-a-personnel-number", id="a number with a hash"
        ),
        pytest.param("Voornaam", "", "missing", id="no name"),
        pytest.param("Voornaam", "a\x00b", "control-characters", id="a NUL"),
        pytest.param("Achternaam", "x" * 121, "too-long", id="a name without end"),
        pytest.param("Achternaam", "=1+1", "formula", id="a formula"),
        pytest.param("Team", "@SUM(1)", "formula", id="an old formula"),
        pytest.param("E-mail werk", "", "missing", id="no address"),
        pytest.param("E-mail werk", "sanne", "not-an-address", id="no domain"),
        pytest.param("E-mail werk", "=a@b.nl", "formula", id="an address that is a formula"),
        pytest.param("E-mail werk", "a@b c.nl", "not-an-address", id="a space in it"),
        pytest.param("Geboortedatum", "31-02-1980", "not-a-date", id="31 February"),
        pytest.param("Geboortedatum", "17-05-85", "not-a-date", id="a year of two digits"),
        pytest.param("Geboortedatum", "17-05-1899", "date-out-of-reach", id="long ago"),
        pytest.param("Datum in dienst", "", "missing", id="no first day"),
        pytest.param("Datum in dienst", "2024-13-01", "not-a-date", id="month 13"),
        pytest.param("Datum in dienst", "29-02-2023", "not-a-date", id="no leap year"),
        pytest.param("Datum uit dienst", "morgen", "not-a-date", id="a day in words"),
        pytest.param("Uren per week", "zesendertig", "not-hours", id="hours in words"),
        pytest.param("Uren per week", "60,01", "not-hours", id="more hours than go in a week"),
        pytest.param("Uren per week", "-8", "not-hours", id="negative hours"),
        pytest.param("Soort dienstverband", "stage", "unknown-kind", id="another kind"),
        pytest.param("Opleidingsniveau", "mbo-5", "unknown-education-level", id="no such level"),
    ],
)
def test_a_cell_that_can_not_be_read_is_named_by_its_column(
    header: str, cell: str, code: str
) -> None:
    assert faults_of(export(line(), line(**{header: cell}))) == [(3, header, code)]


def test_every_fault_of_a_line_is_named() -> None:
    bad = line(**{"E-mail werk": "", "Uren per week": "x", "Datum in dienst": "x"})

    assert [column for _, column, _ in faults_of(export(bad))] == [
        "E-mail werk",
        "Datum in dienst",
        "Uren per week",
    ]


def test_lines_are_counted_as_an_editor_does() -> None:
    folded = line(Functie='"Adviseur\r\nbodem"')
    content = export(folded, "", line(Voornaam=""))

    assert faults_of(content) == [
        (2, "Functie", "control-characters"),
        (5, "Voornaam", "missing"),
    ]


def test_a_line_with_a_cell_too_many_is_not_guessed_at() -> None:
    assert faults_of(export(line() + ";extra")) == [
        (2, "Personeelsnummer", "wrong-number-of-cells")
    ]


def test_columns_that_are_not_known_are_passed_over_and_told() -> None:
    content = export(f"{line()};123456782", header=f"{HEADER};BSN")
    reading = read_export(content)

    assert reading.ignored_columns == ("BSN",)
    assert "123456782" not in str(reading)


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        pytest.param(HEADER.replace("Team;", ""), ["Team"], id="a column less"),
        pytest.param(HEADER.replace("Team", "Voornaam"), ["Team", "Voornaam"], id="one twice"),
        pytest.param("", None, id="no first line"),
    ],
)
def test_a_file_without_its_columns_is_refused_as_a_whole(
    header: str, missing: list[str] | None
) -> None:
    with pytest.raises(ColumnsMissing) as refused:
        read_export(header.encode())
    if missing is not None:
        assert refused.value.facts["missing_columns"] == missing


def test_columns_that_may_be_empty_may_be_absent() -> None:
    short = HEADER.replace("Geboortedatum;", "").replace(";Opleidingsniveau", "")
    cells = line().replace(";17-05-1985", "").removesuffix(";hbo")

    row = only_row(export(cells, header=short))

    assert (row.born_on, row.education_level) == (None, None)
    assert read_export(export(cells, header=short)).absent == {
        RosterField.BORN_ON,
        RosterField.EDUCATION_LEVEL,
    }


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x81\x8d\x8f", id="bytes that are no text"),
        pytest.param(export(line()).decode().encode("utf-16"), id="UTF-16"),
        pytest.param(f'{HEADER}\r\n"open'.encode(), id="a quote that does not close"),
    ],
)
def test_what_is_no_csv_is_refused_as_a_whole(content: bytes) -> None:
    with pytest.raises(FileUnreadable):
        read_export(content)


def test_one_import_takes_no_more_rows_than_its_limit() -> None:
    lines = [line()] * (ROW_LIMIT + 1)

    assert len(read_export(export(*lines[1:])).sent) == ROW_LIMIT
    with pytest.raises(TooManyRows):
        read_export(export(*lines))


@given(st.text(max_size=300))
def test_a_value_is_shown_on_one_line_and_not_too_long(value: str) -> None:
    quoted = shown(value)

    assert len(quoted) <= 80
    assert not {"\n", "\r", "\t", "\x00", "\x1b", "\u2028"} & set(quoted)


@given(st.binary(max_size=400))
def test_no_bytes_make_the_reader_fail_otherwise_than_by_saying_so(content: bytes) -> None:
    try:
        reading = read_export(HEADER.encode() + b"\r\n" + content)
    except (FileUnreadable, ColumnsMissing):
        return
    assert len(reading.rows) + len({fault.line for fault in reading.faults}) == len(reading.sent)


def test_a_long_value_is_shown_by_its_beginning() -> None:
    assert shown("x" * 80) == "x" * 80
    assert shown("x" * 81) == "x" * 79 + "…"


def test_a_list_in_json_takes_no_more_rows_than_its_limit() -> None:
    with pytest.raises(TooManyRows):
        read_records([None] * (ROW_LIMIT + 1))


def test_a_record_in_json_reads_as_the_same_line_does() -> None:
    (from_json,) = read_records(
        [record(infix="van der", bornOn="1985-05-17", educationLevel="hbo")]
    ).rows
    from_csv = only_row(export(line()))

    assert {name: getattr(from_json, name) for name in RosterRow.__slots__ if name != "line"} == {
        name: getattr(from_csv, name) for name in RosterRow.__slots__ if name != "line"
    }


@pytest.mark.parametrize(
    ("sent", "at", "code"),
    [
        pytest.param(record(hiredOn="2019-02-30"), RosterField.HIRED_ON, "date_from_", id="no day"),
        pytest.param(record(email="nobody"), RosterField.EMAIL, "no_address", id="no address"),
        pytest.param(record(kind="vast"), RosterField.KIND, "enum", id="a Dutch word"),
        pytest.param(
            record(contractMinutesPerWeek="2160"),
            RosterField.CONTRACT_MINUTES_PER_WEEK,
            "",
            id="a number as text",
        ),
        pytest.param(record(familyName="=1+1"), RosterField.FAMILY_NAME, "formula", id="a formula"),
        pytest.param(record(bsn="1"), RosterField.PERSONNEL_NUMBER, "extra", id="unknown member"),
        pytest.param([], RosterField.PERSONNEL_NUMBER, "model", id="no object"),
    ],
)
def test_a_record_that_is_no_row_is_named_by_its_place_and_property(
    sent: object, at: RosterField, code: str
) -> None:
    reading = read_records([record("1"), sent])

    assert [row.personnel_number for row in reading.rows] == ["1"]
    assert [(fault.line, fault.at) for fault in reading.faults] == [(2, at)]
    assert reading.faults[0].fault.code.startswith(code)
