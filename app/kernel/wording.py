"""Wording: how a sentence with facts reads in Dutch and in English.

A fact's name tells its unit by its suffix: ``_cents``, ``_minutes``, ``_percent``, ``_on`` (a
civil day) and ``_at`` (an instant, told in Amsterdam time). A code is told in the words of
``vocabulary.py``.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum

from app.kernel.calendar import AMSTERDAM
from app.kernel.errors import Fact, Scalar, Text
from app.kernel.vocabulary import WORDS


class Language(StrEnum):
    NL = "nl"
    EN = "en"


_MONTHS = {
    Language.NL: [
        "januari",
        "februari",
        "maart",
        "april",
        "mei",
        "juni",
        "juli",
        "augustus",
        "september",
        "oktober",
        "november",
        "december",
    ],
    Language.EN: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
}
_AND = {Language.NL: "en", Language.EN: "and"}
_YES = {Language.NL: "ja", Language.EN: "yes"}
_NO = {Language.NL: "nee", Language.EN: "no"}
_NONE = {Language.NL: "geen", Language.EN: "none"}
_HOURS = {Language.NL: ("uur", "uur"), Language.EN: ("hour", "hours")}
_MINUTES = {Language.NL: ("minuut", "minuten"), Language.EN: ("minute", "minutes")}
_BETWEEN_HOURS_AND_MINUTES = {Language.NL: " en ", Language.EN: " "}

_LANGUAGES = frozenset(Language)

# One entry of Accept-Language: a language, its region (passed over), and a quality from 0 to 1.
_ENTRY = re.compile(
    r"\s*([A-Za-z]+|\*)(?:-[A-Za-z0-9-]+)?\s*"
    r"(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?"
)


def say(text: Text, facts: Mapping[str, Fact], language: Language) -> str:
    """Return the sentence in ``language`` with each ``{name}`` replaced by its fact.

    Raises:
        KeyError: the sentence names a fact that is not given.
    """
    template = text.nl if language is Language.NL else text.en
    return template.format_map({name: phrase(name, fact, language) for name, fact in facts.items()})


def phrase(name: str, fact: Fact, language: Language) -> str:
    """Return one fact in words: by its type, and for a number by the suffix of its name.

    A list reads "a, b and c"; a list of records has its records apart by a semicolon.
    """
    if isinstance(fact, str) or not isinstance(fact, Sequence):
        return _scalar(name, fact, language)
    words = [
        _record(item, language) if isinstance(item, Mapping) else _scalar(name, item, language)
        for item in fact
    ]
    holds_records = any(isinstance(item, Mapping) for item in fact)
    return "; ".join(words) if holds_records else listed(words, language)


def money(cents: int, language: Language) -> str:
    """Return an amount of whole cents: € 2.000,00 in Dutch, €2,000.00 in English."""
    euros, rest = divmod(abs(cents), 100)
    sign = "-" if cents < 0 else ""
    if language is Language.NL:
        return f"€ {sign}{_grouped(euros, language)},{rest:02}"
    return f"{sign}€{_grouped(euros, language)}.{rest:02}"


def duration(minutes: int, language: Language) -> str:
    """Return whole minutes as hours and minutes, without the part that is nil: "80 uur"."""
    hours, rest = divmod(abs(minutes), 60)
    parts: list[str] = []
    if hours or not rest:
        parts.append(_counted(hours, _HOURS[language], language))
    if rest:
        parts.append(_counted(rest, _MINUTES[language], language))
    return ("-" if minutes < 0 else "") + _BETWEEN_HOURS_AND_MINUTES[language].join(parts)


def civil_day(day: date, language: Language) -> str:
    """Return a civil day in full: 15 juli 2026, 15 July 2026."""
    return f"{day.day} {_MONTHS[language][day.month - 1]} {day.year}"


def moment(instant: datetime, language: Language) -> str:
    """Return an instant as day and time in Europe/Amsterdam: 15 juli 2026 14:05."""
    local = instant.astimezone(AMSTERDAM)
    return f"{civil_day(local, language)} {local:%H:%M}"


def listed(words: Sequence[str], language: Language) -> str:
    """Return the words as an enumeration: "a, b and c"; of nothing, "none"."""
    if not words:
        return _NONE[language]
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} {_AND[language]} {words[-1]}"


def from_accept_language(header: str | None) -> Language:
    """Return the language that an Accept-Language header asks for most; English when it does not.

    Regions are ignored (nl-BE is Dutch), ``*`` stands for a language not named, quality 0 refuses
    one, and of two that are equally welcome the first named wins. An entry that can not be read
    is passed over: a header is never a reason to refuse a request.
    """
    welcome: dict[str, int] = {}
    for entry in (header or "").split(","):
        if match := _ENTRY.fullmatch(entry):
            welcome.setdefault(match[1].lower(), _per_mille(match[2]))
    other = welcome.get("*", 0)
    named = [Language(tag) for tag in welcome if tag in _LANGUAGES and welcome[tag]]
    return max(
        [*named, Language.EN, Language.NL], key=lambda language: welcome.get(language, other)
    )


def _per_mille(quality: str | None) -> int:
    """Return a quality value in thousandths; one that is not given is 1, and 1.5 is read as 1."""
    if quality is None:
        return 1000
    whole, _, fraction = quality.partition(".")
    return min(1000, int(whole) * 1000 + int(fraction.ljust(3, "0")))


def _record(record: Mapping[str, Scalar], language: Language) -> str:
    return ", ".join(_scalar(name, value, language) for name, value in record.items())


def _scalar(name: str, value: Scalar, language: Language) -> str:
    match value:
        case None:
            return _NONE[language]
        case bool():
            return (_YES if value else _NO)[language]
        case int():
            return _number(name, value, language)
        case datetime():
            return moment(value, language)
        case date():
            return civil_day(value, language)
        case _:
            return _text(name, str(value), language)


def _text(name: str, value: str, language: Language) -> str:
    """Return the words for a code that a fact of this name holds; other text as it stands."""
    words = WORDS.get(name, {}).get(value)
    if words is None:
        return value
    return words.nl if language is Language.NL else words.en


def _number(name: str, value: int, language: Language) -> str:
    """Return a number by its unit; without one as it stands, for a year is not 2.027."""
    match name.rpartition("_")[2]:
        case "cents":
            return money(value, language)
        case "minutes":
            return duration(value, language)
        case "percent":
            return f"{value}%"
        case _:
            return str(value)


def _grouped(number: int, language: Language) -> str:
    grouped = f"{number:,}"
    return grouped.replace(",", ".") if language is Language.NL else grouped


def _counted(number: int, words: tuple[str, str], language: Language) -> str:
    singular, plural = words
    return f"{_grouped(number, language)} {singular if number == 1 else plural}"
