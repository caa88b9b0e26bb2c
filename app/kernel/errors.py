"""Refusals: the failures the service foresees, each with its rule, its figures and what to do.

Anything that escapes as another exception is a defect and answers 500.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

# A fact is a figure or a name the refusal rests on. Its name tells its unit: ``_cents``,
# ``_minutes``, ``_on`` (a civil day), ``_at`` (an instant); the edge formats it by that suffix.
Scalar = str | int | bool | date | datetime | UUID | None
Fact = Scalar | Sequence[Scalar] | Sequence[Mapping[str, Scalar]]


class Kind(StrEnum):
    """What sort of refusal it is; ``http/problems.py`` alone knows the status code of each.

    INVALID is input in the right form that can not be so; the form itself the edge checks.
    """

    INVALID = "invalid"
    FORBIDDEN = "forbidden"
    ABSENT = "absent"
    CONFLICT = "conflict"
    STALE = "stale"
    PRECONDITION_REQUIRED = "precondition-required"


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in both languages; in a refusal's detail ``{name}`` stands for a fact."""

    en: str
    nl: str


class Refusal(Exception):
    """Base of every foreseen failure.

    A subclass names its slug (the page under ``/problems/``), its kind, the rule it rests on (an
    id of the rule book), and three texts: what it is, what happened here, and what to do.
    """

    slug: ClassVar[str]
    kind: ClassVar[Kind] = Kind.CONFLICT
    rule: str | None = None
    title: ClassVar[Text]
    detail: ClassVar[Text]
    remedy: ClassVar[Text]

    def __init__(self, *, rule: str | None = None, **facts: Fact) -> None:
        super().__init__(self.slug)
        self.facts: dict[str, Fact] = facts
        if rule is not None:
            self.rule = rule


class NotFound(Refusal):
    """Base of "no such thing, or not for you to see": both answer alike."""

    slug = "not-found"
    kind = Kind.ABSENT
    title = Text(en="Not found", nl="Niet gevonden")
    detail = Text(
        en="Nothing with this id is visible to you.",
        nl="Er is niets met dit kenmerk dat u mag zien.",
    )
    remedy = Text(
        en="Check the id, and that your role may see it.",
        nl="Controleer het kenmerk, en of uw rol het mag zien.",
    )


class StaleVersion(Refusal):
    slug = "stale-version"
    kind = Kind.STALE
    title = Text(en="Changed since you read it", nl="Gewijzigd sinds u het las")
    detail = Text(
        en="The resource is now at version {current_version}; you sent an older one.",
        nl="Het gegeven heeft nu versie {current_version}; u stuurde een oudere.",
    )
    remedy = Text(
        en="Read it again, and repeat your change with the new ETag.",
        nl="Lees het opnieuw en herhaal uw wijziging met de nieuwe ETag.",
    )


class RoleRefused(Refusal):
    slug = "role-refused"
    kind = Kind.FORBIDDEN
    title = Text(en="Not for your role", nl="Niet voor uw rol")
    detail = Text(
        en="This is for {allowed_roles}; your role: {roles}.",
        nl="Dit is voor {allowed_roles}; uw rol: {roles}.",
    )
    remedy = Text(
        en="Ask someone who has that role.",
        nl="Vraag het iemand met die rol.",
    )


class NamedPersonNeeded(Refusal):
    """A token that says not which employee acts, where nobody may act for oneself."""

    slug = "named-person-needed"
    kind = Kind.FORBIDDEN
    rule = "VIS-5.3"
    title = Text(en="For a named person", nl="Voor een met naam bekende persoon")
    detail = Text(
        en="Nobody takes this step for oneself, and your token does not say which employee you "
        "are.",
        nl="Niemand zet deze stap voor zichzelf, en uw token zegt niet welke medewerker u bent.",
    )
    remedy = Text(
        en="Sign in with an account that is tied to your personnel number, or have it tied.",
        nl="Meld u aan met een account waaraan uw personeelsnummer is gekoppeld, of laat het "
        "koppelen.",
    )


def check_version(current: int, expected: frozenset[int] | None) -> None:
    """Refuse a change by someone who has not read the current version; None stands for any.

    Raises:
        StaleVersion: ``current`` is not among the versions that were read.
    """
    if expected is not None and current not in expected:
        raise StaleVersion(current_version=current)
