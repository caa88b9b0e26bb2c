"""What the demo's people ask for: a catalogue of trainings, and tranches of requests out of it.

Each request's content is drawn from a seed of its own reference, so that every demo tells the same
history; only identifiers and the order of the database's clock differ.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from app.demo.personas import PERSONAS
from app.demo.stage import Roster, at
from app.integrations.request_imports.rules import CLAIMED, kind_of
from app.kernel.holidays import next_working_day
from app.kernel.identifiers import new_id
from app.kernel.quantities import Cents, Minutes
from app.people.roster.rules import RosterRow
from app.people.rules import EmploymentKind
from app.requests.rules import (
    CostLine,
    Draft,
    Ground,
    TrainingBasis,
    TrainingSession,
    spread_sessions,
    vat_on,
)

_SEED = "leerruimte"
# What personas follow is told, not drawn: nobody assesses or records their own.
_PERSONAS = frozenset(persona.personnel_number for persona in PERSONAS.values())
_VAT = 2_100

_SUPERVISION = frozenset(
    {
        "Toezicht Industrie",
        "Toezicht Agrarisch en MKB",
        "Toezicht Bodem en Asbest",
        "Handhaving en BOA",
    }
)
_PERMITS = frozenset(
    {"Vergunningverlening Milieu", "Vergunningverlening Bouw", "Omgevingsplan en Advies"}
)
_EXPERTS = frozenset({"Geluid en Lucht", "Bodem en Ondergrond", "Externe Veiligheid en Energie"})
_STAFF = frozenset({"HR", "Financiën en Control", "Informatievoorziening"})
_ALL = _SUPERVISION | _PERMITS | _EXPERTS | _STAFF


@dataclass(frozen=True, slots=True)
class Course:
    """A training as the catalogue has it: cost without VAT, and time, of one participant."""

    title: str
    provider: str
    amount_cents: int
    vat_basis_points: int
    working_hours: int
    own_hours: int
    basis: TrainingBasis
    weeks: int
    teams: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of a list, as a manager hands it in."""

    reference: str
    course: Course
    people: tuple[str, ...]
    starts_on: date
    ends_on: date
    conversation_on: date | None
    submitted_at: datetime
    motivation: str

    def as_record(self) -> Mapping[str, Any]:
        """Return the request as the import of a list takes it."""
        return {
            "reference": self.reference,
            "personnelNumbers": list(self.people),
            "title": self.course.title,
            "provider": self.course.provider,
            "startsOn": self.starts_on.isoformat(),
            "endsOn": self.ends_on.isoformat(),
            "amountCents": self.course.amount_cents,
            "vatBasisPoints": self.course.vat_basis_points,
            "workingMinutes": self.course.working_hours * 60,
            "ownMinutes": self.course.own_hours * 60,
            "basis": self.course.basis.value,
            "motivation": self.motivation,
            "conversationOn": _text(self.conversation_on),
            "submittedAt": self.submitted_at.isoformat(),
        }


def seeded(*parts: str) -> random.Random:
    """Return a source of chance that gives the same for the same parts, in every demo."""
    return random.Random("/".join((_SEED, *parts)))  # noqa: S311 - a history, no secret


def _course(
    title: str,
    provider: str,
    basis: TrainingBasis,
    teams: Collection[str],
    *,
    euros: int,
    hours: tuple[int, int],
    weeks: int,
    vat: int = _VAT,
) -> Course:
    working, own = hours
    return Course(title, provider, euros * 100, vat, working, own, basis, weeks, frozenset(teams))


_LAW, _FUNCTION, _OWN = (
    TrainingBasis.STATUTORY,
    TrainingBasis.NECESSARY_FOR_FUNCTION,
    TrainingBasis.VOLUNTARY,
)
_BOA = ("Handhaving en BOA",)

LEADERSHIP = _course(
    "Persoonlijk leiderschap", "Trainingsbureau", _OWN, _ALL, euros=2_450, hours=(24, 0), weeks=8
)
COACHING_LEADERS = _course(
    "Coachend leidinggeven", "Trainingsbureau", _OWN, _ALL, euros=2_890, hours=(32, 0), weeks=10
)
APPLIED_SCIENCE = _course(
    "HBO Toegepaste Milieukunde, deeltijd",
    "Hogeschool",
    _OWN,
    _SUPERVISION,
    euros=5_400,
    hours=(240, 80),
    weeks=94,
    vat=0,
)
MASTER_OF_LAW = _course(
    "Master Omgevingsrecht, deeltijd jaar 1",
    "Universiteit",
    _OWN,
    _PERMITS,
    euros=9_800,
    hours=(160, 120),
    weeks=42,
    vat=0,
)
SAFETY = _course(
    "Leergang omgevingsveiligheid en toezicht",
    "Bestuursacademie",
    _OWN,
    _SUPERVISION,
    euros=3_850,
    hours=(72, 24),
    weeks=40,
)
SEVESO = _course(
    "Seveso-inspecties en VBS-toets",
    "Landelijk Expertisecentrum",
    _FUNCTION,
    ("Toezicht Industrie", "Externe Veiligheid en Energie"),
    euros=2_200,
    hours=(32, 0),
    weeks=10,
)
MIDDLE_SAFETY = _course(
    "Middelbare Veiligheidskunde (MVK)",
    "Kader",
    _FUNCTION,
    ("Toezicht Industrie", "Toezicht Bodem en Asbest", "Externe Veiligheid en Energie"),
    euros=3_950,
    hours=(88, 0),
    weeks=26,
)
BOA_EXAM = _course(
    "Examen BOA Domein II (hercertificering)",
    "Exameninstelling",
    _LAW,
    _BOA,
    euros=415,
    hours=(8, 0),
    weeks=0,
)
RESILIENCE = _course(
    "Agressie en weerbaarheid voor toezichthouders",
    "Trainingsbureau",
    _FUNCTION,
    _SUPERVISION,
    euros=780,
    hours=(16, 0),
    weeks=4,
)
POWER_BI = _course(
    "Data-analyse met Power BI", "Opleidingshuis", _OWN, _ALL, euros=1_295, hours=(16, 0), weeks=4
)
PLAIN_DUTCH = _course(
    "Schrijven op taalniveau B1",
    "Taalbureau",
    _OWN,
    _PERMITS | _STAFF,
    euros=545,
    hours=(8, 4),
    weeks=0,
)
ENERGY = _course(
    "Energiebesparingsplicht toezicht (EML)",
    "Kennisinstituut Energie",
    _FUNCTION,
    ("Toezicht Agrarisch en MKB", "Externe Veiligheid en Energie"),
    euros=695,
    hours=(8, 0),
    weeks=0,
)
PROJECTS = _course(
    "PRINCE2 Foundation",
    "Opleidingshuis",
    _OWN,
    _STAFF | _PERMITS,
    euros=1_450,
    hours=(24, 0),
    weeks=4,
)
FIRST_AID = _course("BHV herhaling", "BHV-centrum", _LAW, _ALL, euros=165, hours=(8, 0), weeks=0)
NOISE = _course(
    "Geluid in de Omgevingswet, rekenmethoden",
    "Geluidsacademie",
    _FUNCTION,
    {"Geluid en Lucht", "Toezicht Industrie", "Vergunningverlening Milieu"},
    euros=1_490,
    hours=(24, 0),
    weeks=6,
)

# What the generated requests are drawn from.
CATALOGUE: tuple[Course, ...] = (
    BOA_EXAM,
    _course(
        "BOA permanente her- en bijscholing, module Domein II",
        "Opleider BOA",
        _LAW,
        _BOA,
        euros=1_250,
        hours=(24, 0),
        weeks=5,
    ),
    FIRST_AID,
    _course(
        "DTA/DIA Asbestinventarisatie bijscholing",
        "Kenniscentrum Asbest",
        _LAW,
        ("Toezicht Bodem en Asbest",),
        euros=980,
        hours=(16, 0),
        weeks=4,
    ),
    RESILIENCE,
    NOISE,
    _course(
        "Ecologie: soortenbescherming basis",
        "Natuuracademie",
        _FUNCTION,
        ("Bodem en Ondergrond", "Vergunningverlening Bouw", "Omgevingsplan en Advies"),
        euros=1_190,
        hours=(24, 0),
        weeks=6,
    ),
    ENERGY,
    _course(
        "Algemene wet bestuursrecht in de praktijk",
        "Bestuursacademie",
        _FUNCTION,
        _PERMITS | {"Handhaving en BOA"},
        euros=1_395,
        hours=(16, 0),
        weeks=4,
    ),
    _course(
        "Kwaliteitscriteria VTH: integraal casemanagement",
        "Bestuursacademie",
        _FUNCTION,
        ("Vergunningverlening Milieu", "Vergunningverlening Bouw"),
        euros=3_150,
        hours=(48, 0),
        weeks=12,
    ),
    _course(
        "Omgevingswet voor vergunningverleners, praktijkweek",
        "Bestuursacademie",
        _FUNCTION,
        _PERMITS,
        euros=2_350,
        hours=(40, 0),
        weeks=2,
    ),
    SEVESO,
    POWER_BI,
    PROJECTS,
    LEADERSHIP,
    COACHING_LEADERS,
    PLAIN_DUTCH,
    _course("AVG voor HR", "Opleidingshuis", _FUNCTION, ("HR",), euros=650, hours=(8, 0), weeks=0),
    _course(
        "Meelopen bij een andere omgevingsdienst (werkervaring)",
        "intern",
        _OWN,
        _SUPERVISION | _EXPERTS,
        euros=0,
        hours=(40, 0),
        weeks=5,
    ),
)

_MOTIVATIONS: Mapping[TrainingBasis, Sequence[str]] = {
    _LAW: (
        "De bevoegdheid verloopt; zonder deze scholing mag het werk niet worden gedaan.",
        "Wettelijk verplichte herhaling, opgenomen in het opleidingsregister.",
    ),
    _FUNCTION: (
        "Vereist door de kwaliteitscriteria VTH voor dit deskundigheidsgebied.",
        "Het team mist deze deskundigheid sinds het vertrek van een collega.",
        "Nodig om de dossiers van het nieuwe werkprogramma zelf te kunnen beoordelen.",
    ),
    _OWN: (
        "Besproken in het ontwikkelgesprek; sluit aan op de strategische personeelsplanning.",
        "Brede inzetbaarheid: voorbereiding op een volgende stap binnen de dienst.",
        "Ontwikkelwens van de medewerker, door de leidinggevende ondersteund.",
    ),
}


def motivation_of(course: Course, chance: random.Random) -> str:
    """Return why somebody asks for this course."""
    return chance.choice(_MOTIVATIONS[course.basis])


def generated(
    roster: Roster,
    *,
    prefix: str,
    first: int,
    count: int,
    submitted: tuple[date, date],
    starts: tuple[date, date],
) -> list[Ask]:
    """Return ``count`` requests out of the catalogue, numbered from ``first``.

    They are submitted and start within the days given, both included. One in three is collective.
    Who takes part stays employed well past the end; nobody asks for the same course twice.
    """
    asks: list[Ask] = []
    asked: set[tuple[str, str]] = set()
    for position in range(first, first + count):
        reference = f"{prefix}-{position:03}"
        chance = seeded(reference)
        course = chance.choice(CATALOGUE)
        starts_on = next_working_day(_day_between(chance, *starts))
        ends_on = starts_on + timedelta(weeks=course.weeks)
        fit = [
            row
            for row in roster.employed(submitted[0], ends_on + timedelta(days=90))
            if _fits(row, course) and (course.title, row.personnel_number) not in asked
        ]
        size = chance.choice((1, 1, 1, 1, 1, 1, 1, 2, 3, 4))
        people = sorted(row.personnel_number for row in chance.sample(fit, min(size, len(fit))))
        asked.update((course.title, number) for number in people)
        submitted_on = _day_between(chance, *submitted)
        asks.append(
            Ask(
                reference=reference,
                course=course,
                people=tuple(people),
                starts_on=starts_on,
                ends_on=ends_on,
                conversation_on=conversation_before(course, submitted_on, chance),
                submitted_at=at(submitted_on, chance.randint(8, 17), chance.randint(0, 59)),
                motivation=motivation_of(course, chance),
            )
        )
    return asks


def conversation_before(course: Course, day: date, chance: random.Random) -> date | None:
    """Return the conversation it comes from: for own development always (VIS-3.2)."""
    if course.basis is not _OWN and chance.random() < 0.6:  # noqa: PLR2004 - a part of all
        return None
    return day - timedelta(days=chance.randint(20, 150))


def _fits(row: RosterRow, course: Course) -> bool:
    return (
        row.team in course.teams
        and row.kind is not EmploymentKind.HIRED
        and row.function != "Teamleider"
        and row.personnel_number not in _PERSONAS
    )


def _day_between(chance: random.Random, first: date, last: date) -> date:
    return first + timedelta(days=chance.randint(0, (last - first).days))


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def draft_for(
    course: Course,
    participant_ids: Sequence[UUID],
    *,
    starts_on: date,
    ends_on: date,
    motivation: str,
    conversation_on: date | None = None,
) -> Draft:
    """Return a request for a course as a person drafts it, its sessions spread over the days."""
    amount = Cents(course.amount_cents)
    vat = vat_on(amount, basis_points=course.vat_basis_points)
    return Draft(
        title=course.title,
        provider=course.provider,
        kind=kind_of(course.title),
        starts_on=starts_on,
        ends_on=ends_on,
        motivation=motivation,
        conversation_on=conversation_on,
        basis=course.basis,
        basis_source=None,
        basis_reason=None,
        participant_ids=tuple(participant_ids),
        sessions=tuple(
            TrainingSession(new_id(), held_on, minutes, working_time=working_time)
            for hours, working_time in ((course.working_hours, True), (course.own_hours, False))
            for held_on, minutes in spread_sessions(starts_on, ends_on, Minutes(hours * 60))
        ),
        cost_lines=(CostLine("Cursusgeld", amount, vat, per_participant=True),),
        grounds=tuple(Ground(criterion, motivation) for criterion in CLAIMED[course.basis]),
    )
