"""The demo's personas: one for each role, each a person of the demo or a service."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.kernel.actors import Role
from app.kernel.errors import Text

EMPLOYER = "odwh"
OTHER_EMPLOYER = "gemeente-voorbeeld"
FUND = "oom"


@dataclass(frozen=True, slots=True)
class Persona:
    """Who one can sign in as in the demo; ``personnel_number`` is None for a service."""

    username: str
    title: Text
    organisation_slug: str
    personnel_number: str | None
    roles: frozenset[Role]


def _persona(
    username: str,
    title: Text,
    *roles: Role,
    person: str | None = None,
    organisation: str = EMPLOYER,
) -> tuple[str, Persona]:
    return username, Persona(username, title, organisation, person, frozenset(roles))


PERSONAS: Mapping[str, Persona] = dict(
    (
        _persona(
            "employee",
            Text(en="A senior environmental inspector", nl="Een senior toezichthouder milieu"),
            Role.EMPLOYEE,
            person="100272",
        ),
        _persona(
            "manager",
            Text(en="Team leader, industrial inspection", nl="Teamleider Toezicht Industrie"),
            Role.MANAGER,
            Role.EMPLOYEE,
            person="100150",
        ),
        _persona(
            "hr",
            Text(en="HR adviser", nl="HR-adviseur"),
            Role.HR,
            Role.EMPLOYEE,
            person="101056",
        ),
        _persona(
            "mt",
            Text(
                en="Manager of operations, member of the management team",
                nl="Manager bedrijfsvoering, lid van het managementteam",
            ),
            Role.MT,
            Role.EMPLOYEE,
            person="100232",
        ),
        _persona(
            "knowledge-broker",
            Text(en="Knowledge broker", nl="Kennismakelaar"),
            Role.KNOWLEDGE_BROKER,
            Role.EMPLOYEE,
            person="101079",
        ),
        _persona(
            "auditor", Text(en="Auditor, reads only", nl="Auditor, leest alleen"), Role.AUDITOR
        ),
        _persona(
            "admin", Text(en="Functional administrator", nl="Functioneel beheerder"), Role.ADMIN
        ),
        _persona(
            "hris",
            Text(en="The HRIS, a service", nl="Het personeelssysteem, een koppeling"),
            Role.HRIS,
        ),
        _persona(
            "fund-officer",
            Text(en="Officer of a training fund", nl="Medewerker van een opleidingsfonds"),
            Role.FUND_OFFICER,
            organisation=FUND,
        ),
        _persona(
            "adviser",
            Text(en="Regional adviser of the fund", nl="Regiomanager van het fonds"),
            Role.ADVISER,
            organisation=FUND,
        ),
        _persona(
            "other-hr",
            Text(en="HR adviser of another employer", nl="HR-adviseur van een andere werkgever"),
            Role.HR,
            organisation=OTHER_EMPLOYER,
        ),
    )
)
