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
    """Who one can sign in as in the demo, and what for; a service has no ``personnel_number``."""

    username: str
    title: Text
    can: Text
    organisation_slug: str
    personnel_number: str | None
    roles: frozenset[Role]


def _persona(
    username: str,
    title: Text,
    can: Text,
    *roles: Role,
    person: str | None = None,
    organisation: str = EMPLOYER,
) -> tuple[str, Persona]:
    return username, Persona(username, title, can, organisation, person, frozenset(roles))


PERSONAS: Mapping[str, Persona] = dict(
    (
        _persona(
            "employee",
            Text(en="A senior environmental inspector", nl="Een senior toezichthouder milieu"),
            Text(
                en="asks for an own training, signs agreements, sees own hours",
                nl="vraagt een eigen opleiding aan, tekent overeenkomsten, ziet eigen uren",
            ),
            Role.EMPLOYEE,
            person="100272",
        ),
        _persona(
            "manager",
            Text(en="Team leader, industrial inspection", nl="Teamleider Toezicht Industrie"),
            Text(
                en="asks for the team, endorses, signs second, plans capacity",
                nl="vraagt aan voor het team, keurt goed, tekent als tweede, plant capaciteit",
            ),
            Role.MANAGER,
            Role.EMPLOYEE,
            person="100150",
        ),
        _persona(
            "hr",
            Text(en="HR adviser", nl="HR-adviseur"),
            Text(
                en="assesses, proposes to the MT, draws agreements up, records what was attended",
                nl="beoordeelt, stelt voor aan het MT, stelt overeenkomsten op, legt deelname vast",
            ),
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
            Text(
                en="tries out and takes decisions, sets means, grants exceptions",
                nl="beproeft en neemt besluiten, stelt middelen vast, staat uitzonderingen toe",
            ),
            Role.MT,
            Role.EMPLOYEE,
            person="100232",
        ),
        _persona(
            "knowledge-broker",
            Text(en="Knowledge broker", nl="Kennismakelaar"),
            Text(
                en="bundles demand: sees what is asked for, not by whom",
                nl="bundelt de vraag: ziet wat er wordt gevraagd, niet door wie",
            ),
            Role.KNOWLEDGE_BROKER,
            Role.EMPLOYEE,
            person="101079",
        ),
        _persona(
            "auditor",
            Text(en="Auditor", nl="Auditor"),
            Text(
                en="reads everything and the audit trail, changes nothing",
                nl="leest alles en de audittrail, wijzigt niets",
            ),
            Role.AUDITOR,
        ),
        _persona(
            "admin",
            Text(en="Functional administrator", nl="Functioneel beheerder"),
            Text(
                en="keeps people, teams and functions, drafts policies",
                nl="houdt mensen, teams en functies bij, schrijft beleid in concept",
            ),
            Role.ADMIN,
        ),
        _persona(
            "hris",
            Text(en="The HRIS, a service", nl="Het personeelssysteem, een koppeling"),
            Text(
                en="sends the people and the days they leave",
                nl="levert de mensen aan, en de dagen waarop zij vertrekken",
            ),
            Role.HRIS,
        ),
        _persona(
            "fund-officer",
            Text(en="Officer of a training fund", nl="Medewerker van een opleidingsfonds"),
            Text(
                en="another organisation, without a policy of its own yet",
                nl="een andere organisatie, nog zonder eigen beleid",
            ),
            Role.FUND_OFFICER,
            organisation=FUND,
        ),
        _persona(
            "adviser",
            Text(en="Regional adviser of the fund", nl="Regiomanager van het fonds"),
            Text(
                en="the same fund, in another role",
                nl="hetzelfde fonds, in een andere rol",
            ),
            Role.ADVISER,
            organisation=FUND,
        ),
        _persona(
            "other-hr",
            Text(en="HR adviser of another employer", nl="HR-adviseur van een andere werkgever"),
            Text(
                en="sees nothing of the first employer: try one of its ids",
                nl="ziet niets van de eerste werkgever: probeer eens een kenmerk daarvan",
            ),
            Role.HR,
            organisation=OTHER_EMPLOYER,
        ),
    )
)
