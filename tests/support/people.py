"""People for tests: hired through the service, and rows as an HRIS sends them."""

from datetime import date
from itertools import count
from typing import Any

from app.db.work import Work
from app.kernel.pages import PageOf
from app.people.rules import EmployeeRow, EmploymentKind, FunctionRow, TeamRow
from app.people.schemas import EmployeeIn, FunctionIn, TeamIn
from app.people.service import PeopleService

_NUMBERS = count(500_001)
HEADER = (
    "Personeelsnummer;Voornaam;Tussenvoegsel;Achternaam;E-mail werk;Geboortedatum;Afdeling;Team;"
    "Functie;Leidinggevende (persnr);Datum in dienst;Datum uit dienst;Uren per week;"
    "Soort dienstverband;Opleidingsniveau"
)


async def team_named(work: Work, name: str, *, department: str = "Toezicht") -> TeamRow:
    """Return the team of this name, made when it is not there."""
    service = PeopleService(work)
    page = await service.teams(PageOf(limit=100))
    for team in page.items:
        if (team.department, team.name) == (department, name):
            return team
    return await service.add_team(TeamIn(department=department, name=name))


async def function_named(work: Work, name: str) -> FunctionRow:
    """Return the function of this name, made when it is not there."""
    service = PeopleService(work)
    page = await service.functions(PageOf(limit=100))
    for function in page.items:
        if function.name == name:
            return function
    return await service.add_function(FunctionIn(name=name))


async def hire(
    work: Work,
    *,
    number: str | None = None,
    given_name: str = "Noor",
    infix: str | None = None,
    family_name: str = "Meulen",
    manager: EmployeeRow | None = None,
    team: str = "Toezicht Bodem",
    function: str = "Adviseur bodem",
    hired_on: date = date(2020, 1, 1),
    kind: EmploymentKind = EmploymentKind.PERMANENT,
    contract_minutes_per_week: int = 2160,
) -> EmployeeRow:
    """Hire someone, by default full time since 2020, and return the employee."""
    number = number or str(next(_NUMBERS))
    body = EmployeeIn(
        personnel_number=number,
        given_name=given_name,
        infix=infix,
        family_name=family_name,
        email=f"p{number}@od-voorbeeld.example",
        born_on=date(1985, 5, 17),
        education_level=None,
        hired_on=hired_on,
        kind=kind,
        team_id=(await team_named(work, team)).id,
        function_id=(await function_named(work, function)).id,
        manager_id=None if manager is None else manager.id,
        contract_minutes_per_week=contract_minutes_per_week,
    )
    return (await PeopleService(work).hire(body)).employee


def line(**cells: str) -> str:
    """Return one line of an export, by default of somebody without a manager; by Dutch header."""
    number = cells.get("Personeelsnummer", "300001")
    values = {
        "Personeelsnummer": number,
        "Voornaam": "Sanne",
        "Tussenvoegsel": "van der",
        "Achternaam": f"Berg{number}",
        "E-mail werk": f"s{number}@od-voorbeeld.example",
        "Geboortedatum": "17-05-1985",
        "Afdeling": "Toezicht",
        "Team": "Toezicht Bodem",
        "Functie": "Adviseur bodem",
        "Leidinggevende (persnr)": "",
        "Datum in dienst": "01-03-2019",
        "Datum uit dienst": "",
        "Uren per week": "36,00",
        "Soort dienstverband": "vast",
        "Opleidingsniveau": "hbo",
        **cells,
    }
    return ";".join(values.values())


def export(*lines: str, header: str = HEADER) -> bytes:
    """Return an export of these lines as an HRIS writes it: byte order mark, CRLF."""
    return ("\ufeff" + "\r\n".join((header, *lines)) + "\r\n").encode()


def record(number: str = "300001", **members: object) -> dict[str, Any]:
    """Return one row of an import in JSON; ``members`` in camelCase."""
    return {
        "personnelNumber": number,
        "givenName": "Sanne",
        "familyName": f"Berg{number}",
        "email": f"s{number}@od-voorbeeld.example",
        "department": "Toezicht",
        "team": "Toezicht Bodem",
        "function": "Adviseur bodem",
        "hiredOn": "2019-03-01",
        "kind": "permanent",
        "contractMinutesPerWeek": 2160,
        **members,
    }
