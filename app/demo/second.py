"""The second tranche of 2026: HR's own list, completed, assessed, and put before the MT.

The list is as HR has it. Seventeen requests name no conversation (VIS-3.2): they stay drafts until
HR has it from their managers, on the closing day, and submits them. Four came after that day, so
that they fall in the next tranche, the first of 2027 (VIS-6.1), and lie before the MT with that.
"""

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from io import StringIO
from uuid import UUID

from app.budgets.service import BudgetService
from app.decisions.rules import Outcome
from app.decisions.service import Advised, DecisionService, ProposalView, Resolved
from app.demo import tranches
from app.demo.stage import FILES, MT_MEMBER, Stage, at
from app.demo.trainings import seeded
from app.hours.rules import ExceptionGround, HourRoom
from app.hours.service import HourService
from app.kernel.quantities import Cents, Minutes
from app.requests.rules import NECESSARY_BASES, RequestDetails, RequestStatus
from app.requests.service import RequestService

LIST = FILES / "aanvragen-2026-tranche-2.csv"
# Of a member of the MT: the others decide on it, apart from the rest.
OF_THE_MT = "A26-2-042"

# Came after the closing day.
TOO_LATE = ("A26-2-014", "A26-2-028", "A26-2-038", "A26-2-066")

_IN_TIME = "A26-2-001"
_CLOSED_ON, _LATE_ON = date(2026, 7, 15), date(2026, 7, 20)
_ASSESSED_FROM, _PROPOSED_ON = date(2026, 7, 27), date(2026, 8, 17)
_REFERENCE, _SUBMITTED = "Aanvraag", "Ingediend op"

# The individual exceptions to the norm that the MT has decided on before (VIS-8.2), in hours.
_EXCEPTIONS: Sequence[tuple[str, int, int]] = (("100622", 2027, 64), ("101468", 2027, 16))
_EXCEPTIONS_A_REQUEST = 2


@dataclass(frozen=True, slots=True)
class Frames:
    """When HR advises on a proposal and submits it, and within which frames.

    ``exceptions`` is for how many people HR proposes to grant although the MT has yet to make an
    exception to the norm for them, ``beyond_the_means`` how many requests although the means of
    ``year`` do not allow it.
    """

    year: int
    advised_on: date
    submitted_on: date
    exceptions: int = 0
    beyond_the_means: int = 0


_FRAMES = Frames(2026, _PROPOSED_ON, date(2026, 8, 20), exceptions=4, beyond_the_means=1)


async def take_list(stage: Stage) -> None:
    """Take HR's list in on the closing day, complete what it lacks, and take in the late ones."""
    content = LIST.read_bytes()
    await tranches.take_list(stage, _until(content, _CLOSED_ON), taken_on=_CLOSED_ON)
    await _complete(stage, await _drafts(stage, content))
    await tranches.take_list(stage, content, taken_on=_LATE_ON)


def _until(content: bytes, day: date) -> bytes:
    """Return the lines of the list that were handed in by a day."""
    rows = _rows(content)
    written = StringIO(newline="")
    writer = csv.DictWriter(written, list(rows[0]), delimiter=";")
    writer.writeheader()
    writer.writerows(row for row in rows if _day(row[_SUBMITTED]) <= day)
    return written.getvalue().encode("utf-8-sig")


async def _drafts(stage: Stage, content: bytes) -> list[RequestDetails]:
    references = [row[_REFERENCE] for row in _rows(content)]
    found = await tranches.by_reference(stage, references)
    return [details for details in found.values() if details.status is RequestStatus.DRAFT]


async def _complete(stage: Stage, drafts: Sequence[RequestDetails]) -> None:
    """Name the conversation of each, some weeks back, and submit it."""
    requests = RequestService(stage.by("hr", at(_CLOSED_ON, 16)))
    for details in sorted(drafts, key=lambda details: details.reference):
        held_on = _CLOSED_ON - timedelta(days=seeded(details.reference).randint(20, 150))
        draft = replace(details.draft, conversation_on=held_on)
        await requests.change(details.id, draft, expected=None)
        await requests.submit(details.id, expected=None)


def _rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(content.decode("utf-8-sig").splitlines(), delimiter=";"))


def _day(moment: str) -> date:
    day, month, year = (int(part) for part in moment.partition(" ")[0].split("-"))
    return date(year, month, day)


async def propose(stage: Stage) -> None:
    """Assess what came in time, and put the tranche before the MT with HR's advice."""
    tranche_id = await tranches.tranche_of(stage, _IN_TIME)
    waiting = await RequestService(stage.work).awaiting(tranche_id)
    await tranches.assess(stage, waiting, first_day=_ASSESSED_FROM)
    mt = HourService(stage.by("mt", at(date(2026, 8, 11), 11)))
    for number, year, hours in _EXCEPTIONS:
        await mt.grant_exception(
            stage.ids[number],
            calendar_year=year,
            minutes=Minutes(hours * 60),
            ground=ExceptionGround.FUNCTION_REQUIREMENT,
            reason="Vereist door de kwaliteitscriteria VTH; het team heeft geen ander daarvoor.",
            discussed_on=date(2026, 8, 4),
        )
    view = await tranches.propose(
        stage,
        tranche_id,
        title="Voorstel opleidingen tweede tranche 2026",
        substantiation=(
            "Wettelijke en functiegebonden scholing gaat voor, daarna op volgorde van de score. "
            "Waar de norm van 80 uur in 2027 wordt overschreden adviseert HR alleen toe te kennen "
            "bij functiegebonden noodzaak, na een individueel besluit. De middelen van 2026 zijn "
            "niet toereikend voor alle aanvragen."
        ),
        when=_PROPOSED_ON,
    )
    await put_before_the_mt(stage, view, _FRAMES)
    await _decide_on_the_mts_own(stage, view.proposal.id, view.requests.values())


async def put_before_the_mt(stage: Stage, view: ProposalView, frames: Frames) -> None:
    """Give HR's advice on each request of a drafted proposal, and put it before the MT."""
    in_order = [view.requests[item.request_id] for item in view.items]
    decisions = DecisionService(stage.by("hr", at(frames.advised_on, 15)))
    await decisions.replace_items(
        view.proposal.id, await _advice(stage, in_order, frames), expected=None
    )
    await DecisionService(stage.by("hr", at(frames.submitted_on, 10))).submit(
        view.proposal.id, expected=None
    )


async def _decide_on_the_mts_own(
    stage: Stage, proposal_id: UUID, requests: Collection[RequestDetails]
) -> None:
    """Let another member decide on what is for a member of the MT, by whom it can not be."""
    own = next(details for details in requests if details.reference == OF_THE_MT)
    member = DecisionService(stage.by(MT_MEMBER, at(date(2026, 8, 27), 9)))
    await member.decide(
        proposal_id,
        [
            Resolved(
                request_id=own.id,
                outcome=Outcome.REJECTED,
                amount_cents=None,
                employee_ids=None,
                motivation="Hoort niet bij de functie; een kennissessie van het team volstaat.",
                conditions=None,
            )
        ],
        adopt_rest=False,
        expected=None,
    )


@dataclass(slots=True)
class _Left:
    """What is left while HR goes down the ranking: means, hours, and exceptions to ask for."""

    means_cents: int
    minutes: dict[tuple[UUID, int], int]
    exceptions: int
    beyond_the_means: int


async def _advice(stage: Stage, ranked: Sequence[RequestDetails], frames: Frames) -> list[Advised]:
    """Return HR's advice in order of rank: what fits the norm that binds, and the means."""
    asked = {
        (person, year)
        for details in ranked
        for person in details.participant_ids
        for year in details.minutes_by_year
    }
    rooms = await HourService(stage.by("hr", at(frames.advised_on, 15))).rooms(asked)
    means = await BudgetService(stage.work).room(frames.year)
    left = _Left(
        means_cents=means.room_cents,
        minutes={pair: room.room_minutes for pair, room in rooms.items()},
        exceptions=frames.exceptions,
        beyond_the_means=frames.beyond_the_means,
    )
    return [
        _advised(details, Outcome.REJECTED, _STARTED_ALREADY)
        if details.starts_on <= frames.advised_on
        else _advise(details, rooms, left)
        for details in ranked
    ]


def _advise(
    details: RequestDetails, rooms: Mapping[tuple[UUID, int], HourRoom], left: _Left
) -> Advised:
    necessary = details.basis in NECESSARY_BASES
    fitting = [person for person in details.participant_ids if _fits(person, details, rooms, left)]
    if not fitting and not necessary:
        return _advised(details, Outcome.REJECTED, _OVER_THE_NORM)
    without_room = not fitting
    if without_room:
        fitting = list(details.participant_ids[: min(_EXCEPTIONS_A_REQUEST, left.exceptions)])
    if not fitting:
        return _advised(details, Outcome.DEFERRED, _NO_EXCEPTION_YET)
    cost = Cents(details.cost_per_participant_cents * len(fitting))
    beyond = cost > left.means_cents
    if beyond and not (necessary and left.beyond_the_means > 0):
        return _advised(details, Outcome.DEFERRED, _NO_MEANS)
    _take(details, fitting, cost, left, beyond=beyond, without_room=without_room)
    conditions = _EXCEPTION_FIRST if without_room else None
    if len(fitting) < len(details.participants):
        return _advised(
            details,
            Outcome.PARTLY_GRANTED,
            _IN_PART,
            amount=cost,
            people=frozenset(fitting),
            conditions=conditions,
        )
    motivation = _BEYOND_THE_MEANS if beyond else _NECESSARY if necessary else _DEVELOPMENT
    return _advised(details, Outcome.GRANTED, motivation, conditions=conditions)


def _fits(
    person: UUID,
    details: RequestDetails,
    rooms: Mapping[tuple[UUID, int], HourRoom],
    left: _Left,
) -> bool:
    return all(
        minutes <= left.minutes[person, year] or not rooms[person, year].binding
        for year, minutes in details.minutes_by_year.items()
    )


def _take(
    details: RequestDetails,
    people: Sequence[UUID],
    cost: Cents,
    left: _Left,
    *,
    beyond: bool,
    without_room: bool,
) -> None:
    if beyond:
        left.beyond_the_means -= 1
    else:
        left.means_cents -= cost
    if without_room:
        left.exceptions -= len(people)
    for person in people:
        for year, minutes in details.minutes_by_year.items():
            # An exception makes up for what is missing: then nothing is left.
            room = left.minutes[person, year] - minutes
            left.minutes[person, year] = max(room, 0) if without_room else room


def _advised(
    details: RequestDetails,
    advice: Outcome,
    motivation: str,
    *,
    amount: Cents | None = None,
    people: frozenset[UUID] | None = None,
    conditions: str | None = None,
) -> Advised:
    return Advised(
        request_id=details.id,
        advice=advice,
        amount_cents=amount,
        employee_ids=people,
        conditions=conditions,
        motivation=motivation,
    )


_NECESSARY = "Wettelijke of functiegebonden noodzaak; past in de norm en in de middelen."
_DEVELOPMENT = "Past bij het ontwikkelgesprek, in de norm en in de middelen."
_OVER_THE_NORM = (
    "Overschrijdt de norm van 80 uur; zonder wettelijke of functiegebonden noodzaak is daarop geen "
    "uitzondering mogelijk."
)
_STARTED_ALREADY = "De scholing begon voordat het MT erover kon besluiten."
_NO_EXCEPTION_YET = (
    "Overschrijdt de norm van 80 uur; eerst bespreken of een individuele uitzondering nodig is."
)
_EXCEPTION_FIRST = "Vooraf een individueel besluit van het MT tot uitzondering op de norm."
_IN_PART = "Niet alle deelnemers tegelijk: de bezetting en de norm van 80 uur laten dat niet toe."
_NO_MEANS = "De middelen van het jaar zijn op volgorde van prioriteit en score verdeeld."
_BEYOND_THE_MEANS = (
    "Functiegebonden noodzaak boven de middelen; het MT wordt gevraagd die te verhogen."
)
