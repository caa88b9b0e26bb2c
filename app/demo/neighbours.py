"""The demo's other organisations: a municipality with another policy, and a fund."""

from datetime import date

from app.budgets.service import BudgetService
from app.demo import people
from app.demo.personas import FUND, OTHER_EMPLOYER
from app.demo.policies import OTHER_POLICY_2026
from app.demo.stage import Stage, at
from app.demo.trainings import LEADERSHIP, PLAIN_DUTCH, draft_for
from app.integrations.hris.service import EmployeeImportService, ImportOptions
from app.kernel.quantities import Cents
from app.people.service import PeopleService
from app.requests.service import RequestService

_PEOPLE = (
    ("200001", "Els", "van", "Dalen", "Gemeentesecretaris", None),
    ("200002", "Joris", None, "Hendriks", "Teammanager", "200001"),
    ("200003", "Fatima", None, "Bakkali", "HR-adviseur", "200001"),
    ("200004", "Wim", "de", "Groot", "Beleidsmedewerker", "200002"),
    ("200005", "Sanne", None, "Visser", "Vergunningverlener", "200002"),
    ("200006", "Ruben", "ter", "Horst", "Toezichthouder", "200002"),
)


async def found_municipality(stage: Stage) -> None:
    """Found the other employer with its policy, its means and its people."""
    await people.found(stage, OTHER_EMPLOYER, founded_on=date(2025, 11, 3))
    await people.lay_down(
        stage,
        OTHER_POLICY_2026,
        drafted_on=date(2025, 11, 10),
        activated_on=date(2025, 12, 8),
    )
    await BudgetService(stage.by("mt", at(date(2026, 1, 12), 10))).set_means(
        2027, amount_cents=Cents(2_400_000), motivation="Programmabegroting 2027."
    )
    await EmployeeImportService(stage.by("hris", at(date(2026, 1, 5), 6))).take_records(
        [
            {
                "personnelNumber": number,
                "givenName": given,
                "infix": infix,
                "familyName": family,
                "email": f"{given}.{family}@gemeente-voorbeeld.example".lower(),
                "bornOn": None,
                "educationLevel": None,
                "department": "Ruimte" if manager == "200002" else "Bestuur",
                "team": "Omgeving" if manager == "200002" else "Directie en staf",
                "function": function,
                "managerNumber": manager,
                "hiredOn": "2019-03-01",
                "leftOn": None,
                "contractMinutesPerWeek": 2160,
                "kind": "permanent",
            }
            for number, given, infix, family, function, manager in _PEOPLE
        ],
        ImportOptions(),
    )


async def ask_in_municipality(stage: Stage) -> None:
    """Let its HR adviser submit one request and draft another."""
    hr = stage.by("other-hr", at(date(2026, 10, 6), 11))
    found = await PeopleService(hr).by_personnel_numbers([number for number, *_ in _PEOPLE])
    requests = RequestService(hr)
    submitted = await requests.draft(
        draft_for(
            LEADERSHIP,
            [found["200005"].id],
            starts_on=date(2027, 3, 1),
            ends_on=date(2027, 4, 23),
            motivation="Groei naar een coördinerende rol.",
            conversation_on=date(2026, 9, 8),
        )
    )
    await requests.submit(submitted.id, expected=None)
    await requests.draft(
        draft_for(
            PLAIN_DUTCH,
            [found["200004"].id, found["200006"].id],
            starts_on=date(2027, 5, 18),
            ends_on=date(2027, 5, 18),
            motivation="Begrijpelijke brieven aan inwoners.",
        )
    )


async def found_fund(stage: Stage) -> None:
    """Found the fund."""
    await people.found(stage, FUND, founded_on=date(2025, 11, 3))
