"""Facts in Dutch and in English."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.errors import Fact, Text
from app.kernel.wording import (
    Language,
    duration,
    from_accept_language,
    listed,
    money,
    phrase,
    say,
)


@pytest.mark.parametrize(
    ("name", "fact", "dutch", "english"),
    [
        ("cost_cents", 200_000, "€ 2.000,00", "€2,000.00"),
        ("cost_cents", 5, "€ 0,05", "€0.05"),
        ("cost_cents", 0, "€ 0,00", "€0.00"),
        ("cost_cents", -1_234, "€ -12,34", "-€12.34"),
        ("cost_cents", 1_500_000_000, "€ 15.000.000,00", "€15,000,000.00"),
        ("norm_minutes", 4_800, "80 uur", "80 hours"),
        ("norm_minutes", 450, "7 uur en 30 minuten", "7 hours 30 minutes"),
        ("norm_minutes", 61, "1 uur en 1 minuut", "1 hour 1 minute"),
        ("norm_minutes", 45, "45 minuten", "45 minutes"),
        ("norm_minutes", 0, "0 uur", "0 hours"),
        ("norm_minutes", -90, "-1 uur en 30 minuten", "-1 hour 30 minutes"),
        ("norm_minutes", 120_000, "2.000 uur", "2,000 hours"),
        ("part_percent", 50, "50%", "50%"),
        ("closes_on", date(2026, 7, 15), "15 juli 2026", "15 July 2026"),
        ("starts_on", date(2026, 3, 1), "1 maart 2026", "1 March 2026"),
        (
            "submitted_at",
            datetime(2026, 7, 15, 12, 5, tzinfo=UTC),
            "15 juli 2026 14:05",
            "15 July 2026 14:05",
        ),
        (
            "submitted_at",
            datetime(2026, 12, 31, 23, 0, tzinfo=UTC),
            "1 januari 2027 00:00",
            "1 January 2027 00:00",
        ),
        ("year", 2027, "2027", "2027"),
        ("is_binding", True, "ja", "yes"),
        ("is_binding", False, "nee", "no"),
        ("manager", None, "geen", "none"),
        ("title", "Leerlijn {toezicht}", "Leerlijn {toezicht}", "Leerlijn {toezicht}"),
        (
            "request_id",
            UUID("01890a5d-ac96-774b-bcce-b302099a8057"),
            "01890a5d-ac96-774b-bcce-b302099a8057",
            "01890a5d-ac96-774b-bcce-b302099a8057",
        ),
        ("roles", ["hr", "mt", "admin"], "HR, het MT en beheerder", "HR, the MT and administrator"),
        ("roles", ["hr", "mt"], "HR en het MT", "HR and the MT"),
        ("roles", ("hr",), "HR", "HR"),
        ("roles", [], "geen", "none"),
        ("amounts_cents", [100, 200], "€ 1,00 en € 2,00", "€1.00 and €2.00"),
        (
            "rooms",
            [{"year": 2027, "room_minutes": 60}, {"year": 2028, "room_minutes": 0}],
            "2027, 1 uur; 2028, 0 uur",
            "2027, 1 hour; 2028, 0 hours",
        ),
    ],
)
def test_a_fact_is_told_by_its_type_and_its_unit(
    name: str, fact: Fact, dutch: str, english: str
) -> None:
    assert phrase(name, fact, Language.NL) == dutch
    assert phrase(name, fact, Language.EN) == english


def test_a_sentence_is_filled_with_its_facts() -> None:
    text = Text(
        en="The norm is {norm_minutes}; you ask {asked_minutes} more, from {starts_on}.",
        nl="De norm is {norm_minutes}; u vraagt {asked_minutes} meer, vanaf {starts_on}.",
    )
    facts = {"norm_minutes": 4_800, "asked_minutes": 450, "starts_on": date(2027, 5, 7)}
    assert say(text, facts, Language.NL) == (
        "De norm is 80 uur; u vraagt 7 uur en 30 minuten meer, vanaf 7 mei 2027."
    )
    assert say(text, facts, Language.EN) == (
        "The norm is 80 hours; you ask 7 hours 30 minutes more, from 7 May 2027."
    )


def test_braces_in_a_fact_are_left_alone() -> None:
    text = Text(en="The title is {title}.", nl="De titel is {title}.")
    assert say(text, {"title": "{title}"}, Language.EN) == "The title is {title}."


def test_a_sentence_that_lacks_a_fact_is_a_defect() -> None:
    with pytest.raises(KeyError, match="norm_minutes"):
        say(Text(en="{norm_minutes}", nl="{norm_minutes}"), {}, Language.NL)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        pytest.param(None, Language.EN, id="no header means English"),
        pytest.param("", Language.EN, id="an empty header means English"),
        pytest.param("nl", Language.NL, id="Dutch when asked"),
        pytest.param("nl-BE", Language.NL, id="a region does not matter"),
        pytest.param("NL-nl", Language.NL, id="nor does the case"),
        pytest.param("nl-NL,nl;q=0.9,en;q=0.8", Language.NL, id="what a Dutch browser sends"),
        pytest.param("en-GB,en;q=0.9,nl;q=0.8", Language.EN, id="what an English one sends"),
        pytest.param("en;q=0.5, nl;q=0.501", Language.NL, id="the higher quality wins"),
        pytest.param("nl;q=0.5, en;q=0.5", Language.NL, id="of equals the first named wins"),
        pytest.param("en;q=0.5, nl;q=0.5", Language.EN, id="whichever that is"),
        pytest.param("de, fr;q=0.9", Language.EN, id="another language means English"),
        pytest.param("de, nl;q=0.1", Language.NL, id="unless Dutch is welcome too"),
        pytest.param("*", Language.EN, id="any language means English"),
        pytest.param("*;q=0.5, en;q=0.1", Language.NL, id="any other one than English is Dutch"),
        pytest.param("en;q=0, *", Language.NL, id="quality nil refuses a language"),
        pytest.param("nl;q=0", Language.EN, id="Dutch refused means English"),
        pytest.param("nl;q=high, en", Language.EN, id="an unreadable entry is passed over"),
        pytest.param("nl;q=1.5, en", Language.NL, id="a quality above one is one"),
        pytest.param(";;;,,,=", Language.EN, id="nonsense means English"),
    ],
)
def test_the_language_is_the_one_most_asked_for(header: str | None, language: Language) -> None:
    assert from_accept_language(header) is language


@given(st.text(max_size=200))
def test_no_header_is_ever_a_reason_to_fail(header: str) -> None:
    assert from_accept_language(header) in Language


@given(st.integers(-(10**14), 10**14))
def test_an_amount_can_be_read_back(cents: int) -> None:
    dutch = money(cents, Language.NL).replace("€ ", "").replace(".", "").replace(",", "")
    english = money(cents, Language.EN).replace("€", "").replace(",", "").replace(".", "")
    assert int(dutch) == int(english) == cents


@given(st.integers(0, 10**7))
def test_a_duration_can_be_read_back(minutes: int) -> None:
    words = duration(minutes, Language.EN).replace(",", "").split()
    counts = dict(zip(words[1::2], map(int, words[::2]), strict=True))
    hours = counts.get("hours", counts.get("hour", 0))
    assert hours * 60 + counts.get("minutes", counts.get("minute", 0)) == minutes


@given(st.lists(st.sampled_from(["hr", "mt", "admin"]), min_size=1, max_size=5))
def test_an_enumeration_names_everything_in_order(words: list[str]) -> None:
    told = listed(words, Language.NL)
    assert told.replace(" en ", ", ").split(", ") == words
