"""Where the demo stands now: what its personas have under way, and what waits for each of them."""

from collections.abc import Sequence
from datetime import date

from app.demo import participation, second, tranches
from app.demo.earlier import FOR_THE_EMPLOYEE_TO_SIGN, FOR_THE_MANAGER_TO_SIGN
from app.demo.stage import Stage, at
from app.demo.trainings import (
    BOA_EXAM,
    COACHING_LEADERS,
    ENERGY,
    LEADERSHIP,
    NOISE,
    POWER_BI,
    PROJECTS,
    RESILIENCE,
    SEVESO,
    Course,
    draft_for,
)
from app.requests.rules import RequestDetails
from app.requests.service import RequestService

_LEADS_BOA = "100189"


async def wait_for_signatures(stage: Stage) -> None:
    """Draw up two agreements: one waits for the employee, the other for the manager."""
    found = await tranches.by_reference(stage, [FOR_THE_EMPLOYEE_TO_SIGN, FOR_THE_MANAGER_TO_SIGN])
    [theirs] = await participation.required(stage, found[FOR_THE_EMPLOYEE_TO_SIGN])
    await participation.draw_up(stage, theirs, drawn_up_on=date(2026, 11, 17))
    [managers] = await participation.required(stage, found[FOR_THE_MANAGER_TO_SIGN])
    sha256, employee, _manager = await participation.draw_up(
        stage, managers, drawn_up_on=date(2026, 11, 16)
    )
    await participation.sign(
        stage, managers, sha256, who=employee, signed_on=date(2026, 11, 18), hour=9
    )


async def ask_for_2027(stage: Stage) -> None:
    """Hand in what the manager's team asks for in the tranches of 2027."""
    await _ask(
        stage,
        "manager",
        SEVESO,
        ("100765", "101687"),
        on=date(2026, 10, 14),
        days=(date(2027, 3, 8), date(2027, 5, 14)),
        motivation="Twee inspecteurs nemen in 2027 de Seveso-bedrijven van een collega over.",
    )
    await _ask(
        stage,
        "manager",
        LEADERSHIP,
        ("100446",),
        on=date(2026, 11, 3),
        days=(date(2027, 2, 22), date(2027, 4, 16)),
        motivation="Voorbereiding op het coördineren van het team; besproken in het jaargesprek.",
        conversation_on=date(2026, 9, 22),
    )
    await _ask(
        stage,
        "manager",
        RESILIENCE,
        ("101003", "101058", "101687", "102250"),
        on=date(2026, 11, 12),
        days=(date(2027, 4, 5), date(2027, 4, 30)),
        motivation="Het aantal incidenten bij controles neemt toe; afgesproken in het teamplan.",
    )
    await _employees_own(stage)
    early = await _ask(
        stage,
        "manager",
        ENERGY,
        ("100418",),
        on=date(2026, 11, 17),
        days=(date(2027, 9, 14), date(2027, 9, 14)),
        motivation="Energietoezicht wordt bij industriële bedrijven meegenomen.",
    )
    await tranches.assess(stage, [early], first_day=date(2026, 11, 20))


async def propose_for_2027(stage: Stage) -> None:
    """Assess the first tranche of 2027 after it has closed, and put it before the MT.

    What came too late for the second tranche of 2026 is in it (VIS-6.1).
    """
    tranche_id = await tranches.tranche_of(stage, second.TOO_LATE[0])
    waiting = await RequestService(stage.work).awaiting(tranche_id)
    await tranches.assess(stage, waiting, first_day=date(2026, 11, 16))
    view = await tranches.propose(
        stage,
        tranche_id,
        title="Voorstel opleidingen eerste tranche 2027",
        substantiation=(
            "Wettelijke en functiegebonden scholing gaat voor, daarna op volgorde van de score. "
            "Vier aanvragen kwamen na 15 juli 2026 binnen en zijn daarom in deze tranche gewogen."
        ),
        when=date(2026, 11, 19),
    )
    frames = second.Frames(2027, date(2026, 11, 19), date(2026, 11, 20))
    await second.put_before_the_mt(stage, view, frames)


async def _employees_own(stage: Stage) -> None:
    """Let the employee ask for something, endorsed by the manager, and draft another."""
    request = await _draft(
        stage,
        "employee",
        POWER_BI,
        ("100272",),
        on=date(2026, 11, 16),
        days=(date(2027, 9, 13), date(2027, 10, 8)),
        motivation="Ik wil de resultaten van onze controles zelf kunnen analyseren en tonen.",
        conversation_on=date(2026, 9, 29),
    )
    await RequestService(stage.by("manager", at(date(2026, 11, 18), 9))).endorse(
        request.id, expected=None
    )
    await RequestService(stage.by("employee", at(date(2026, 11, 18), 17))).submit(
        request.id, expected=None
    )


async def leave_open(stage: Stage) -> None:
    """Leave drafts, a withdrawn request, and interim requests that wait for the MT."""
    await _draft(
        stage,
        "employee",
        PROJECTS,
        ("100272",),
        on=date(2026, 11, 16),
        days=(date(2027, 9, 20), date(2027, 10, 15)),
        motivation="Ik ga een project voor het werkprogramma van 2028 leiden.",
        conversation_on=date(2026, 11, 5),
    )
    await _draft(
        stage,
        "manager",
        NOISE,
        ("100622", "101058"),
        on=date(2026, 11, 19),
        days=(date(2027, 10, 4), date(2027, 11, 12)),
        motivation="Nog te bespreken met het team Geluid: samen inkopen scheelt kosten.",
    )
    withdrawn = await _ask(
        stage,
        "manager",
        COACHING_LEADERS,
        ("101983",),
        on=date(2026, 10, 28),
        days=(date(2027, 3, 1), date(2027, 5, 7)),
        motivation="Besproken in het jaargesprek.",
        conversation_on=date(2026, 9, 15),
    )
    await RequestService(stage.by("manager", at(date(2026, 11, 4), 11))).withdraw(
        withdrawn.id, expected=None, reason="De medewerker kiest eerst voor coaching door HR."
    )
    for who, course, person, on, held_on, necessity in (
        (
            "manager",
            SEVESO,
            "101003",
            date(2026, 11, 18),
            date(2027, 1, 11),
            "De enige andere Seveso-inspecteur van het team is langdurig afwezig.",
        ),
        (
            _LEADS_BOA,
            BOA_EXAM,
            "101806",
            date(2026, 11, 10),
            date(2027, 1, 19),
            "Het certificaat verloopt op 1 februari 2027, voor het besluit over de tranche.",
        ),
    ):
        ends_on = date(2027, 3, 19) if course is SEVESO else held_on
        request = await _draft(
            stage, who, course, (person,), on=on, days=(held_on, ends_on), motivation=necessity
        )
        await RequestService(stage.by(who, at(on, 15))).submit(
            request.id, expected=None, necessity=necessity
        )
        if course is BOA_EXAM:
            await RequestService(stage.by("mt", at(date(2026, 11, 17), 9))).consent(
                request.id,
                expected=None,
                reason="De bevoegdheid mag niet vervallen.",
            )


async def _ask(
    stage: Stage,
    who: str,
    course: Course,
    people: Sequence[str],
    *,
    on: date,
    days: tuple[date, date],
    motivation: str,
    conversation_on: date | None = None,
) -> RequestDetails:
    """Draft a request and submit it the same day."""
    request = await _draft(
        stage,
        who,
        course,
        people,
        on=on,
        days=days,
        motivation=motivation,
        conversation_on=conversation_on,
    )
    submission = await RequestService(stage.by(who, at(on, 15))).submit(request.id, expected=None)
    return submission.details


async def _draft(
    stage: Stage,
    who: str,
    course: Course,
    people: Sequence[str],
    *,
    on: date,
    days: tuple[date, date],
    motivation: str,
    conversation_on: date | None = None,
) -> RequestDetails:
    starts_on, ends_on = days
    draft = draft_for(
        course,
        [stage.ids[number] for number in people],
        starts_on=starts_on,
        ends_on=ends_on,
        motivation=motivation,
        conversation_on=conversation_on,
    )
    return await RequestService(stage.by(who, at(on, 13))).draft(draft)
