"""The demo's tranches: handed in as lists, assessed by HR, proposed to the MT, and decided on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from app.decisions.rules import Outcome
from app.decisions.service import DecisionService, ProposalView, Resolved
from app.demo.stage import Stage, at
from app.demo.trainings import Ask, seeded
from app.integrations.request_imports.service import ImportOptions, RequestImportService
from app.kernel.holidays import next_working_day
from app.policy.rules import Criterion
from app.requests.rules import Rating, RequestDetails, TrainingBasis
from app.requests.service import RequestService

_ASSESSED_A_DAY = 9

# The lowest and the highest rating that each sort of training gets on a criterion.
_RATED: Mapping[Criterion, Mapping[TrainingBasis, tuple[int, int]]] = {
    Criterion.LEGAL_AND_FUNCTION: {
        TrainingBasis.STATUTORY: (4, 4),
        TrainingBasis.NECESSARY_FOR_FUNCTION: (3, 4),
        TrainingBasis.VOLUNTARY: (0, 1),
    },
    Criterion.ORGANISATION_GOALS: {
        TrainingBasis.STATUTORY: (2, 3),
        TrainingBasis.NECESSARY_FOR_FUNCTION: (1, 4),
        TrainingBasis.VOLUNTARY: (1, 3),
    },
    Criterion.TEAM_AND_FUNCTION: {
        TrainingBasis.STATUTORY: (2, 3),
        TrainingBasis.NECESSARY_FOR_FUNCTION: (2, 4),
        TrainingBasis.VOLUNTARY: (0, 3),
    },
    Criterion.INDIVIDUAL_DEVELOPMENT: {
        TrainingBasis.STATUTORY: (0, 1),
        TrainingBasis.NECESSARY_FOR_FUNCTION: (1, 3),
        TrainingBasis.VOLUNTARY: (2, 4),
    },
    Criterion.EFFICIENCY_AND_FEASIBILITY: {
        TrainingBasis.STATUTORY: (2, 4),
        TrainingBasis.NECESSARY_FOR_FUNCTION: (1, 4),
        TrainingBasis.VOLUNTARY: (1, 3),
    },
}
_BECAUSE: Mapping[Criterion, Sequence[str]] = {
    Criterion.LEGAL_AND_FUNCTION: (
        "Geen wettelijke of functiegebonden eis.",
        "Raakt de functie zijdelings; geen vereiste.",
        "Wenselijk voor de functie.",
        "Vereist voor het deskundigheidsgebied (kwaliteitscriteria VTH).",
        "Zonder deze scholing vervalt de bevoegdheid of kan het werk niet worden gedaan.",
    ),
    Criterion.ORGANISATION_GOALS: (
        "Geen verband met de doelen van de dienst.",
        "Draagt licht bij aan het jaarplan.",
        "Sluit aan op het jaarplan en de Omgevingswet.",
        "Sterke bijdrage aan een strategische opgave.",
        "Een opgave van de dienst hangt ervan af.",
    ),
    Criterion.TEAM_AND_FUNCTION: (
        "Het team heeft deze kennis al.",
        "Beperkte meerwaarde voor het team.",
        "Versterkt het team waar dat is afgesproken.",
        "Het team komt deze deskundigheid tekort.",
        "Zonder deze kennis kan het team zijn taken niet verdelen.",
    ),
    Criterion.INDIVIDUAL_DEVELOPMENT: (
        "Geen ontwikkelvraag van de medewerker.",
        "Houdt de kennis van de medewerker op peil.",
        "Besproken in het jaargesprek.",
        "Duidelijke stap in de loopbaan van de medewerker.",
        "Maakt een volgende functie binnen de dienst mogelijk.",
    ),
    Criterion.EFFICIENCY_AND_FEASIBILITY: (
        "Kosten en tijd staan niet in verhouding tot de opbrengst.",
        "Vraagt veel tijd in een drukke periode.",
        "Kosten en tijd zijn redelijk; de planning is haalbaar.",
        "Goede prijs, en buiten de piek te volgen.",
        "Korte scholing met direct toepasbaar resultaat.",
    ),
}


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the MT decides otherwise than HR advised; for a grant in part to whom."""

    outcome: Outcome
    motivation: str
    people: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a tranche is assessed, put before the MT, and decided on."""

    assessed_from: date
    proposed_on: date
    submitted_on: date
    decided_on: date


async def hand_in(stage: Stage, asks: Sequence[Ask], *, taken_on: date) -> None:
    """Take in a tranche's list as HR does, after the closing day."""
    importer = RequestImportService(stage.by("hr", at(taken_on, 10)))
    await importer.take_records([ask.as_record() for ask in asks], ImportOptions())


async def take_list(stage: Stage, content: bytes, *, taken_on: date) -> None:
    """Take in a list in CSV as HR has it."""
    importer = RequestImportService(stage.by("hr", at(taken_on, 10)))
    await importer.take_list(content, ImportOptions())


async def tranche_of(stage: Stage, reference: str) -> UUID:
    """Return the tranche that a request fell in."""
    details = (await by_reference(stage, [reference]))[reference]
    assert details.tranche_id is not None  # noqa: S101 - it was submitted for a tranche
    return details.tranche_id


async def by_reference(stage: Stage, references: Collection[str]) -> dict[str, RequestDetails]:
    """Return requests, whole, by their reference."""
    requests = RequestService(stage.work)
    known = await requests.known_references(references)
    details = await requests.details([found.id for found in known.values()])
    return {found.reference: found for found in details.values()}


async def assess(stage: Stage, requests: Sequence[RequestDetails], *, first_day: date) -> None:
    """Assess requests on the five criteria, some a day, in the order of their references."""
    day = first_day
    ordered = sorted(requests, key=lambda details: details.reference)
    for start in range(0, len(ordered), _ASSESSED_A_DAY):
        service = RequestService(stage.by("hr", at(day, 14)))
        for details in ordered[start : start + _ASSESSED_A_DAY]:
            await service.assess(details.id, ratings_of(details), expected=None)
        day = next_working_day(day + timedelta(days=1))


def ratings_of(details: RequestDetails) -> list[Rating]:
    """Return HR's judgement on a request: fitting its basis, and the same in every demo."""
    chance = seeded(details.reference, "assessment")
    ratings: list[Rating] = []
    for criterion in Criterion:
        rating = chance.randint(*_RATED[criterion][details.basis])
        ratings.append(Rating(criterion, rating, _BECAUSE[criterion][rating]))
    return ratings


async def propose(
    stage: Stage, tranche_id: UUID, *, title: str, substantiation: str, when: date
) -> ProposalView:
    """Draft the proposal of a tranche with HR's first ranking and advice."""
    return await DecisionService(stage.by("hr", at(when, 9))).propose(
        tranche_id=tranche_id,
        request_ids=(),
        title=title,
        substantiation=substantiation,
    )


async def settle_tranche(
    stage: Stage,
    tranche_id: UUID,
    timetable: Timetable,
    *,
    title: str,
    rulings: Mapping[str, Ruling],
    taken_up: Collection[str] = (),
) -> None:
    """Assess, propose and decide a tranche; the MT decides as ``rulings`` say, else as advised.

    ``taken_up`` are requests that were deferred to it.
    """
    waiting = await RequestService(stage.work).awaiting(tranche_id)
    deferred = await by_reference(stage, taken_up)
    await assess(stage, [*waiting, *deferred.values()], first_day=timetable.assessed_from)
    view = await propose(
        stage,
        tranche_id,
        title=title,
        substantiation=(
            "Wettelijke en functiegebonden scholing gaat voor; daarna op volgorde van de score. "
            "De middelen van het jaar zijn over beide tranches verdeeld."
        ),
        when=timetable.proposed_on,
    )
    hr = DecisionService(stage.by("hr", at(timetable.submitted_on, 16)))
    await hr.submit(view.proposal.id, expected=None)
    mt = DecisionService(stage.by("mt", at(timetable.decided_on, 11)))
    references = {details.reference: details.id for details in view.requests.values()}
    await mt.decide(
        view.proposal.id,
        [_resolved(stage, references[reference], ruling) for reference, ruling in rulings.items()],
        adopt_rest=True,
        expected=None,
    )


def _resolved(stage: Stage, request_id: UUID, ruling: Ruling) -> Resolved:
    people = ruling.people
    return Resolved(
        request_id=request_id,
        outcome=ruling.outcome,
        amount_cents=None,
        employee_ids=None if people is None else frozenset(stage.ids[who] for who in people),
        motivation=ruling.motivation,
        conditions=None,
    )
