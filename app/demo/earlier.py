"""The demo employer's two earlier tranches: the second of 2025 and the first of 2026.

Most requests are drawn from the catalogue. Those that matter later are told one by one: of who
leaves, of whom repayment is asked, of the personas, and of what did not go as planned.
"""

from collections.abc import Mapping
from datetime import date

from app.budgets.service import BudgetService
from app.decisions.rules import Outcome
from app.demo import participation, tranches
from app.demo.people import lay_down
from app.demo.policies import POLICY_2026, POLICY_2027
from app.demo.stage import Stage, at
from app.demo.trainings import (
    APPLIED_SCIENCE,
    COACHING_LEADERS,
    FIRST_AID,
    LEADERSHIP,
    MASTER_OF_LAW,
    MIDDLE_SAFETY,
    NOISE,
    POWER_BI,
    RESILIENCE,
    SAFETY,
    SEVESO,
    Ask,
    Course,
    generated,
    motivation_of,
    seeded,
)
from app.demo.tranches import Ruling, Timetable
from app.kernel.pages import PageOf
from app.kernel.quantities import Cents
from app.requests.rules import RequestFilter
from app.requests.service import RequestService

# Requests that are told of again, by what becomes of them.
LEFT_AFTER_LEADERSHIP = "A25-2-001"
LEFT_AFTER_COACHING = "A25-2-002"
LEFT_IN_THE_MIDDLE = "A25-2-003"
RECLASSIFIED = "A26-1-001"
FOR_THE_EMPLOYEE_TO_SIGN = "A26-1-002"
FOR_THE_MANAGER_TO_SIGN = "A26-1-003"
CANCELLED = "A26-1-006"
REVISED = "A26-1-007"

_GENERATED_FROM = 10
_MEANS: Mapping[int, tuple[date, int, str]] = {
    2025: (date(2025, 4, 14), 145_000, "Begroting 2025, restant van de post opleidingen."),
    2026: (date(2025, 12, 15), 348_000, "Begroting 2026, post leren en ontwikkelen."),
    2027: (date(2026, 11, 9), 325_000, "Begroting 2027, post leren en ontwikkelen."),
}


async def set_means(stage: Stage, year: int) -> None:
    """Set the means of a year, as the MT did before it."""
    day, euros, motivation = _MEANS[year]
    await BudgetService(stage.by("mt", at(day, 15))).set_means(
        year, amount_cents=Cents(euros * 100), motivation=motivation
    )


def _ask(
    reference: str,
    course: Course,
    people: tuple[str, ...],
    *,
    days: tuple[date, date],
    submitted_on: date,
    conversation_on: date | None = None,
) -> Ask:
    starts_on, ends_on = days
    return Ask(
        reference=reference,
        course=course,
        people=people,
        starts_on=starts_on,
        ends_on=ends_on,
        conversation_on=conversation_on,
        submitted_at=at(submitted_on, 13, 40),
        motivation=motivation_of(course, seeded(reference)),
    )


_SECOND_OF_2025 = (
    _ask(
        LEFT_AFTER_LEADERSHIP,
        LEADERSHIP,
        ("100258", "100446", "101129", "101253"),
        days=(date(2025, 10, 6), date(2025, 11, 28)),
        submitted_on=date(2025, 6, 19),
        conversation_on=date(2025, 4, 8),
    ),
    _ask(
        LEFT_AFTER_COACHING,
        COACHING_LEADERS,
        ("101642", "102060"),
        days=(date(2025, 11, 10), date(2026, 1, 23)),
        submitted_on=date(2025, 7, 3),
        conversation_on=date(2025, 5, 20),
    ),
    _ask(
        LEFT_IN_THE_MIDDLE,
        APPLIED_SCIENCE,
        ("102012",),
        days=(date(2025, 9, 22), date(2027, 7, 9)),
        submitted_on=date(2025, 7, 14),
        conversation_on=date(2025, 6, 2),
    ),
    _ask(
        "A25-2-004",
        POWER_BI,
        ("100272",),
        days=(date(2025, 10, 13), date(2025, 11, 10)),
        submitted_on=date(2025, 5, 22),
        conversation_on=date(2025, 3, 27),
    ),
    _ask(
        "A25-2-005",
        FIRST_AID,
        ("100272", "100622", "101003", "101687"),
        days=(date(2025, 12, 4), date(2025, 12, 4)),
        submitted_on=date(2025, 6, 12),
    ),
)
_FIRST_OF_2026 = (
    _ask(
        RECLASSIFIED,
        MASTER_OF_LAW,
        ("101781",),
        days=(date(2026, 2, 23), date(2026, 12, 11)),
        submitted_on=date(2025, 10, 30),
        conversation_on=date(2025, 9, 11),
    ),
    _ask(
        FOR_THE_EMPLOYEE_TO_SIGN,
        SAFETY,
        ("100272",),
        days=(date(2027, 9, 6), date(2028, 6, 16)),
        submitted_on=date(2025, 11, 6),
        conversation_on=date(2025, 9, 25),
    ),
    _ask(
        FOR_THE_MANAGER_TO_SIGN,
        LEADERSHIP,
        ("101687",),
        days=(date(2027, 9, 13), date(2027, 11, 5)),
        submitted_on=date(2025, 11, 6),
        conversation_on=date(2025, 10, 2),
    ),
    _ask(
        "A26-1-004",
        SEVESO,
        ("100272", "100765"),
        days=(date(2026, 4, 13), date(2026, 6, 19)),
        submitted_on=date(2025, 11, 10),
    ),
    _ask(
        "A26-1-005",
        RESILIENCE,
        ("100272", "100446", "100622", "101058"),
        days=(date(2026, 10, 26), date(2026, 11, 23)),
        submitted_on=date(2025, 11, 14),
    ),
    _ask(
        CANCELLED,
        COACHING_LEADERS,
        ("100463", "100633"),
        days=(date(2026, 9, 7), date(2026, 11, 13)),
        submitted_on=date(2025, 10, 9),
        conversation_on=date(2025, 6, 5),
    ),
    _ask(
        REVISED,
        MIDDLE_SAFETY,
        ("100335", "100720", "101171"),
        days=(date(2027, 9, 6), date(2028, 3, 3)),
        submitted_on=date(2025, 11, 12),
    ),
    _ask(
        "A26-1-008",
        NOISE,
        ("101003", "101058"),
        days=(date(2026, 3, 9), date(2026, 4, 17)),
        submitted_on=date(2025, 11, 15),
    ),
)

TAKEN_UP_LATER = "A25-2-020"
_RULED_IN_2025: Mapping[str, Ruling] = {
    "A25-2-019": Ruling(
        Outcome.REJECTED, "De dienst heeft hiervoor een e-learning; die gaat voor."
    ),
    TAKEN_UP_LATER: Ruling(
        Outcome.DEFERRED, "Het nieuwe rapportageplatform komt pas begin 2026; daarna zinvol."
    ),
    "A25-2-024": Ruling(
        Outcome.PARTLY_GRANTED,
        "Twee deelnemers per ronde, zodat de teams bezet blijven.",
        people=("100610", "101345"),
    ),
}
_RULED_IN_2026: Mapping[str, Ruling] = {
    "A26-1-012": Ruling(
        Outcome.DEFERRED, "De projectrol is nog niet ingevuld; opnieuw te wegen in 2027."
    ),
    "A26-1-017": Ruling(
        Outcome.PARTLY_GRANTED,
        "Voor een van de twee is een interne coach gevonden.",
        people=("102149",),
    ),
    "A26-1-049": Ruling(
        Outcome.REJECTED, "Zonder leidinggevende taken weegt de opbrengst niet op tegen de kosten."
    ),
}
# Ended without a result: whoever took part did not complete it.
_NOT_COMPLETED = ("A26-1-016",)


async def take_part(stage: Stage, *, until: date) -> None:
    """Record what became of the granted trainings up to a day: attended, invoiced, completed."""
    requests = RequestService(stage.by("hr", at(until, 9)))
    page = await requests.requests(RequestFilter(), PageOf(limit=100_000))
    details = await requests.details([summary["id"] for summary in page.items])
    await participation.take_part(stage, details.values(), until=until)
    for year in (2025, 2026):
        await participation.invoice(stage, year, details.values(), until=until)
    await participation.complete(stage, details.values(), until=until, not_completed=_NOT_COMPLETED)


async def ask_in_2025(stage: Stage) -> None:
    """Hand in the second tranche of 2025."""
    asks = generated(
        stage.roster,
        prefix="A25-2",
        first=_GENERATED_FROM,
        count=32,
        submitted=(date(2025, 5, 6), date(2025, 7, 15)),
        starts=(date(2025, 9, 22), date(2026, 3, 2)),
    )
    await tranches.hand_in(stage, [*_SECOND_OF_2025, *asks], taken_on=date(2025, 7, 21))


async def decide_in_2025(stage: Stage) -> None:
    """Assess and decide the second tranche of 2025."""
    await tranches.settle_tranche(
        stage,
        await tranches.tranche_of(stage, LEFT_AFTER_LEADERSHIP),
        Timetable(
            assessed_from=date(2025, 7, 28),
            proposed_on=date(2025, 8, 11),
            submitted_on=date(2025, 8, 14),
            decided_on=date(2025, 8, 26),
        ),
        title="Voorstel opleidingen tweede tranche 2025",
        rulings=_RULED_IN_2025,
    )


async def agree_in_2025(stage: Stage) -> None:
    """Draw up and sign the agreements of the second tranche of 2025."""
    tranche_id = await tranches.tranche_of(stage, LEFT_AFTER_LEADERSHIP)
    await participation.agree(stage, tranche_id, first_day=date(2025, 9, 1))


async def lay_down_policies(stage: Stage) -> None:
    """Let the policies of 2026 and 2027 go live together, and set the means of 2026."""
    await lay_down(
        stage,
        POLICY_2026,
        POLICY_2027,
        drafted_on=date(2025, 10, 13),
        activated_on=date(2025, 12, 1),
    )
    await set_means(stage, 2026)


async def ask_in_2026(stage: Stage) -> None:
    """Hand in the first tranche of 2026."""
    asks = generated(
        stage.roster,
        prefix="A26-1",
        first=_GENERATED_FROM,
        count=42,
        submitted=(date(2025, 9, 8), date(2025, 11, 15)),
        starts=(date(2026, 2, 23), date(2026, 11, 30)),
    )
    await tranches.hand_in(stage, [*_FIRST_OF_2026, *asks], taken_on=date(2025, 11, 17))


async def decide_in_2026(stage: Stage) -> None:
    """Assess and decide the first tranche of 2026."""
    await tranches.settle_tranche(
        stage,
        await tranches.tranche_of(stage, RECLASSIFIED),
        Timetable(
            assessed_from=date(2025, 12, 3),
            proposed_on=date(2026, 1, 12),
            submitted_on=date(2026, 1, 15),
            decided_on=date(2026, 1, 27),
        ),
        title="Voorstel opleidingen eerste tranche 2026",
        taken_up=(TAKEN_UP_LATER,),
        rulings=_RULED_IN_2026,
    )


async def agree_in_2026(stage: Stage) -> None:
    """Draw up and sign the agreements of the first tranche of 2026, but for what starts later."""
    tranche_id = await tranches.tranche_of(stage, RECLASSIFIED)
    await participation.agree(
        stage,
        tranche_id,
        first_day=date(2026, 1, 29),
        not_signed=(FOR_THE_EMPLOYEE_TO_SIGN, FOR_THE_MANAGER_TO_SIGN, REVISED),
    )
