"""The rule book: every numbered rule the service carries, with its document and its source.

A refusal and a computed figure name the rule they rest on by its id; the edge adds the source
from here. The summaries are ours and never the norm: that is the source.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.kernel.errors import Text


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its document, the place in it (a paragraph or an article), and its gist."""

    id: str
    document: str
    source: str
    summary: Text


@dataclass(frozen=True, slots=True)
class Document:
    """A source document; ``cited_as`` opens the source of each of its rules.

    Statutes are cited by their own name in each rule, so that they have none.
    """

    name: str
    cited_as: str | None = None


VISION = Document(
    "Visie Leren & Ontwikkelen, Omgevingsdienst West-Holland (ODWH), v.8, 13-01-2026",
    "Visie Leren & Ontwikkelen ODWH v.8",
)
BUDGET = Document("OOM Ontwikkelbudget", "OOM Ontwikkelbudget")
ADVICE_SCHEME = Document(
    "Tijdelijke subsidieregeling ontwikkeladvies vijfenveertigplussers, "
    "as changed by Staatscourant 2018, 72839",
    "Tijdelijke subsidieregeling ontwikkeladvies vijfenveertigplussers",
)
LETTER = Document(
    "Kamerbrief Leven Lang Ontwikkelen, 23-09-2022", "Kamerbrief Leven Lang Ontwikkelen"
)
ADVICE = Document(
    "SER-advies Private scholingsmiddelen, 2021", "SER-advies Private scholingsmiddelen"
)
STATUTES = Document("Statutes and case law")


def _rule(id_: str, document: Document, place: str, *, en: str, nl: str) -> Rule:
    """Return the rule at a place of a document."""
    source = place if document.cited_as is None else f"{document.cited_as}, {place}"
    return Rule(id_, document.name, source, Text(en=en, nl=nl))


# In the order of the rule book.
_BOOK: tuple[Rule, ...] = (
    _rule(
        "VIS-3.1",
        VISION,
        "par. 3, Kwaliteit en wettelijke vereisten",
        en="Activities with a legal or function-bound necessity come before all others.",
        nl="Activiteiten met een wettelijke of functiegebonden noodzaak gaan voor alle andere.",
    ),
    _rule(
        "VIS-3.2",
        VISION,
        "par. 3, Balans",
        en="A request on individual development alone names the conversation it comes from.",
        nl="Een aanvraag alleen voor individuele ontwikkeling noemt het gesprek waaruit zij volgt.",
    ),
    _rule(
        "VIS-4.1",
        VISION,
        "par. 4, Criteria",
        en="One framework of five criteria serves all activities, collective and individual.",
        nl="Eén afwegingskader met vijf criteria geldt voor alle activiteiten, collectief en "
        "individueel.",
    ),
    _rule(
        "VIS-4.2",
        VISION,
        "par. 4, Criteria",
        en="The criteria are judged together: all five have a rating and a motivation.",
        nl="De criteria worden in samenhang beoordeeld: alle vijf met een score en een motivering.",
    ),
    _rule(
        "VIS-4.3",
        VISION,
        "par. 4, Variatie en inzicht",
        en="The framework shows how requests, hours and participation vary between people and "
        "teams.",
        nl="Het kader toont hoe aanvragen, uren en deelname verschillen tussen medewerkers en "
        "teams.",
    ),
    _rule(
        "VIS-5.1",
        VISION,
        "par. 5, Managementteam",
        en="The management team sets frames and means, and alone decides on grants.",
        nl="Het managementteam stelt kaders en middelen vast en besluit als enige over toekenning.",
    ),
    _rule(
        "VIS-5.2",
        VISION,
        "par. 5, HR",
        en="HR applies the framework, advises, prepares decisions and reports to the management "
        "team.",
        nl="HR past het kader toe, adviseert, bereidt besluiten voor en rapporteert aan het "
        "managementteam.",
    ),
    _rule(
        "VIS-5.3",
        VISION,
        "par. 5, Leidinggevenden",
        en="Managers submit requests, guard their team's capacity and answer for participation.",
        nl="Leidinggevenden dienen aanvragen in, bewaken de capaciteit en staan in voor deelname.",
    ),
    _rule(
        "VIS-5.4",
        VISION,
        "par. 5, Kennismakelaar",
        en="The knowledge broker has no part in decisions on priority, means or budget.",
        nl="De kennismakelaar heeft geen rol in besluiten over prioriteit, middelen of budget.",
    ),
    _rule(
        "VIS-5.5",
        VISION,
        "par. 5, Medewerkers",
        en="Employees own their development and commit to take part and to finish.",
        nl="Medewerkers zijn verantwoordelijk voor hun ontwikkeling en zeggen deelname en "
        "afronding toe.",
    ),
    _rule(
        "VIS-6.1",
        VISION,
        "par. 6, Indienmomenten en tranches",
        en="Requests come in by 15 November (first tranche) or 15 July (second tranche), that "
        "day included.",
        nl="Aanvragen komen binnen uiterlijk op 15 november (eerste tranche) of 15 juli (tweede "
        "tranche).",
    ),
    _rule(
        "VIS-6.2",
        VISION,
        "par. 6, Inventarisatie en voorbereiding",
        en="Requests of a tranche are bundled and assessed together.",
        nl="Aanvragen van een tranche worden gebundeld en in samenhang beoordeeld.",
    ),
    _rule(
        "VIS-6.3",
        VISION,
        "par. 6, Beoordeling en besluitvorming",
        en="HR puts one substantiated proposal before the management team, which decides and "
        "motivates.",
        nl="HR legt één onderbouwd voorstel voor aan het managementteam, dat gemotiveerd besluit.",
    ),
    _rule(
        "VIS-6.4",
        VISION,
        "par. 6, Uitzonderingen",
        en="A request outside the tranches needs a proven necessity and prior consent.",
        nl="Een tussentijdse aanvraag vraagt aantoonbare noodzaak en voorafgaande instemming.",
    ),
    _rule(
        "VIS-6.5",
        VISION,
        "par. 6, Overgangsjaar 2026",
        en="2026 is a transition year in which the procedure already applies.",
        nl="2026 is een overgangsjaar waarin de procedure al geldt.",
    ),
    _rule(
        "VIS-6.6",
        VISION,
        "par. 6, Borging via LMS",
        en="Requests, decisions and participation are recorded, and the decision-making is "
        "documented.",
        nl="Aanvragen, besluiten en deelname worden vastgelegd en de besluitvorming "
        "gedocumenteerd.",
    ),
    _rule(
        "VIS-9.1",
        VISION,
        "par. 9.1",
        en="Commitments from before the policy are inventoried and settled within its frames.",
        nl="Toezeggingen van voor het beleid worden geïnventariseerd en binnen de kaders "
        "afgewikkeld.",
    ),
    _rule(
        "VIS-7.1",
        VISION,
        "par. 7, Opleidingsovereenkomsten",
        en="Substantial cost or considerable time needs an agreement before the training starts.",
        nl="Substantiële kosten of aanzienlijke tijd vragen vooraf een opleidingsovereenkomst.",
    ),
    _rule(
        "VIS-7.2",
        VISION,
        "par. 7, Opleidingsovereenkomsten",
        en="An agreement holds nature, duration, start, total cost, arrangements and the "
        "repayment scheme.",
        nl="Een overeenkomst bevat aard, duur, start, totale kosten, afspraken en "
        "terugbetalingsregeling.",
    ),
    _rule(
        "VIS-7.3",
        VISION,
        "par. 7, Opleidingsovereenkomsten",
        en="Employee and manager sign, and the signed text goes unchanged into the personnel file.",
        nl="Medewerker en leidinggevende tekenen; de getekende tekst gaat ongewijzigd in het "
        "dossier.",
    ),
    _rule(
        "VIS-7.4",
        VISION,
        "par. 7, Deelname aan incompany-opleidingen",
        en="In-company training takes a sign-up and the manager's consent beforehand.",
        nl="Deelname aan een incompany-opleiding vraagt aanmelding en vooraf instemming.",
    ),
    _rule(
        "VIS-7.5",
        VISION,
        "par. 7, Deelname aan incompany-opleidingen",
        en="Absence without a valid reason has consequences only if that was agreed beforehand.",
        nl="Niet deelnemen zonder geldige reden heeft alleen gevolgen die vooraf zijn "
        "overeengekomen.",
    ),
    _rule(
        "VIS-7.6",
        VISION,
        "par. 7, Terugbetalingsregeling",
        en="Repayment applies to an investment of € 2,000 or more per training trajectory.",
        nl="Terugbetaling geldt bij een investering van € 2.000 of hoger per opleidingstraject.",
    ),
    _rule(
        "VIS-7.7",
        VISION,
        "par. 7, Terugbetalingsregeling",
        en="Leaving until 12 months after completion costs 100%, until 24 months 50%, later "
        "nothing.",
        nl="Vertrek tot en met 12 maanden na afronding kost 100%, tot 24 maanden 50%, daarna "
        "niets.",
    ),
    _rule(
        "VIS-7.8",
        VISION,
        "par. 7, Terugbetalingsregeling",
        en="Repayment applies whatever the reason of leaving, unless the law says otherwise.",
        nl="Terugbetaling geldt ongeacht de reden van vertrek, tenzij de wet anders bepaalt.",
    ),
    _rule(
        "VIS-7.9",
        VISION,
        "par. 7, Terugbetalingsregeling",
        en="The repayment scheme is part of the grant and is recorded in the agreement.",
        nl="De terugbetalingsregeling hoort bij het toekenningsbesluit en staat in de "
        "overeenkomst.",
    ),
    _rule(
        "VIS-7.10",
        VISION,
        "par. 7, Overgangsjaar 2026",
        en="Repayment is already applied in 2026, and in full force from 2027.",
        nl="De terugbetalingsregeling wordt in 2026 al toegepast en geldt vanaf 2027 volledig.",
    ),
    _rule(
        "VIS-8.1",
        VISION,
        "par. 8, Norm voor uren",
        en="At most 80 hours of learning per employee and calendar year within working time.",
        nl="Ten hoogste 80 leeruren per medewerker per kalenderjaar binnen werktijd.",
    ),
    _rule(
        "VIS-8.2",
        VISION,
        "par. 8, Uitzonderingen",
        en="Exceptions serve legal or function-bound requirements only, and are decided "
        "individually.",
        nl="Uitzonderingen dienen alleen wettelijke of functiegebonden vereisten, per "
        "individueel besluit.",
    ),
    _rule(
        "VIS-8.3",
        VISION,
        "par. 8, Overgangsjaar 2026",
        en="The norm warns in 2026 and binds from 2027.",
        nl="De norm waarschuwt in 2026 en bindt vanaf 2027.",
    ),
    _rule(
        "VIS-8.4",
        VISION,
        "par. 8, Capaciteitsplanning",
        en="Managers guard their team's capacity and see it per week and month.",
        nl="Leidinggevenden bewaken de capaciteit van hun team en zien die per week en maand.",
    ),
    _rule(
        "VIS-10.1",
        VISION,
        "par. 10",
        en="A deviation from the norm takes an individual decision on a proven necessity.",
        nl="Afwijken van de norm vraagt een individueel besluit op grond van aantoonbare noodzaak.",
    ),
    _rule(
        "VIS-9.3",
        VISION,
        "par. 9.3",
        en="From 2027 the management team steers on data that HR reports.",
        nl="Vanaf 2027 stuurt het managementteam op gegevens die HR rapporteert.",
    ),
    _rule(
        "OOM-1",
        BUDGET,
        "Voor wie",
        en="For companies affiliated with OOM that want to improve their learning culture.",
        nl="Voor bij OOM aangesloten bedrijven die hun leercultuur willen verbeteren.",
    ),
    _rule(
        "OOM-2",
        BUDGET,
        "Maximale bijdrage",
        en="At most € 1,800 per company for one calendar year.",
        nl="Ten hoogste € 1.800 per bedrijf voor één kalenderjaar.",
    ),
    _rule(
        "OOM-3",
        BUDGET,
        "Waarvoor, onder 1",
        en="For trajectories backed by a plan drawn up with the regional manager.",
        nl="Voor trajecten met een plan dat met de regiomanager is opgesteld.",
    ),
    _rule(
        "OOM-4",
        BUDGET,
        "Waarvoor, onder 2",
        en="For courses meant to improve leadership, cooperation and communication.",
        nl="Voor cursussen die leiderschap, samenwerking en communicatie verbeteren.",
    ),
    _rule(
        "OOM-5",
        BUDGET,
        "Waarvoor, slot",
        en="Courses that are not listed can qualify: in doubt a person judges.",
        nl="Ook niet genoemde cursussen kunnen in aanmerking komen: bij twijfel oordeelt een mens.",
    ),
    _rule(
        "OOM-6",
        BUDGET,
        "Voorwaarden, onder 1",
        en="The application is submitted before the activity starts.",
        nl="De aanvraag is ingediend voordat de activiteit begint.",
    ),
    _rule(
        "OOM-7",
        BUDGET,
        "Voorwaarden, onder 2",
        en="The claim is made within four months after the end of the activity.",
        nl="De declaratie volgt binnen vier maanden na afloop van de activiteit.",
    ),
    _rule(
        "OOM-8",
        BUDGET,
        "Voorwaarden, onder 3",
        en="At most 600 companies can apply, and while the budget lasts.",
        nl="Ten hoogste 600 bedrijven kunnen aanvragen, zolang er budget is.",
    ),
    _rule(
        "OOM-9",
        BUDGET,
        "Uitgesloten",
        en="Lost working time, training by colleagues and coaching are not paid.",
        nl="Verletkosten, collegiaal opleiden en coaching worden niet vergoed.",
    ),
    _rule(
        "ODA-2",
        ADVICE_SCHEME,
        "art. 2",
        en="Subsidy for development-advice trajectories and for training of managers.",
        nl="Subsidie voor ontwikkeladviestrajecten en voor training van leidinggevenden.",
    ),
    _rule(
        "ODA-4.1",
        ADVICE_SCHEME,
        "art. 4(1)",
        en="The ceiling for development advice is € 15,000,000.",
        nl="Het plafond voor ontwikkeladvies is € 15.000.000.",
    ),
    _rule(
        "ODA-4.4",
        ADVICE_SCHEME,
        "art. 4(4)",
        en="The ceiling for training of managers is € 2,000,000.",
        nl="Het plafond voor training van leidinggevenden is € 2.000.000.",
    ),
    _rule(
        "ODA-4.2",
        ADVICE_SCHEME,
        "art. 4(2)",
        en="Once € 12,500,000 is granted, the rest is for nine occupational groups until 1 July "
        "2019.",
        nl="Na verlening van € 12.500.000 is de rest tot 1 juli 2019 voor negen beroepsgroepen.",
    ),
    _rule(
        "ODA-4.3",
        ADVICE_SCHEME,
        "art. 4(3)",
        en="What is left of that on 1 July 2019 is available to all workers.",
        nl="Wat daarvan op 1 juli 2019 over is, is beschikbaar voor alle werkenden.",
    ),
    _rule(
        "ODA-5.1",
        ADVICE_SCHEME,
        "art. 5(1)",
        en="Applications are handled in order of receipt.",
        nl="Aanvragen worden behandeld op volgorde van ontvangst.",
    ),
    _rule(
        "ODA-5.4",
        ADVICE_SCHEME,
        "art. 5(4)",
        en="Handling may be suspended until 1 July 2019 in the applicant's interest.",
        nl="De behandeling kan in het belang van de aanvrager worden opgeschort tot 1 juli 2019.",
    ),
    _rule(
        "ODA-5.5",
        ADVICE_SCHEME,
        "art. 5(5)",
        en="The applicant is told of the suspension and of when to expect the decision.",
        nl="De aanvrager hoort van de opschorting en wanneer de beschikking te verwachten is.",
    ),
    _rule(
        "ODA-7.4",
        ADVICE_SCHEME,
        "art. 7(4)",
        en="Applications can be made until 10 January 2020, 17:00.",
        nl="Aanvragen kan tot 10 januari 2020, 17.00 uur.",
    ),
    _rule(
        "ODA-8.1",
        ADVICE_SCHEME,
        "art. 8(1)",
        en="The decision is taken within 22 weeks.",
        nl="Op de aanvraag wordt binnen 22 weken beslist.",
    ),
    _rule(
        "ODA-8.3",
        ADVICE_SCHEME,
        "art. 8(3)",
        en="The decision term can be extended once, by at most four weeks.",
        nl="De beslistermijn kan eenmaal met ten hoogste vier weken worden verlengd.",
    ),
    _rule(
        "ODA-8.4",
        ADVICE_SCHEME,
        "art. 8(4)",
        en="The applicant is told of the extension as soon as possible.",
        nl="De aanvrager hoort zo spoedig mogelijk van de verlenging.",
    ),
    _rule(
        "ODA-11a",
        ADVICE_SCHEME,
        "art. 11a",
        en="Earlier trajectories follow the rules as they stood, except for the ceilings.",
        nl="Eerder begonnen trajecten volgen de oude regels, behalve voor de plafonds.",
    ),
    _rule(
        "ODA-12",
        ADVICE_SCHEME,
        "art. 12",
        en="The scheme lapses on 1 July 2020 and still governs what was granted.",
        nl="De regeling vervalt op 1 juli 2020 en blijft gelden voor wat is verleend.",
    ),
    _rule(
        "ODA-A1.0",
        ADVICE_SCHEME,
        "bijlage 1, doelgroep",
        en="The worker is 45 or older at the start and works 12 hours a week or more.",
        nl="De werkende is bij de start 45 of ouder en werkt 12 uur per week of meer.",
    ),
    _rule(
        "ODA-A1.1",
        ADVICE_SCHEME,
        "bijlage 1, onder 1",
        en="The career adviser is registered.",
        nl="De loopbaanadviseur is geregistreerd.",
    ),
    _rule(
        "ODA-A1.2",
        ADVICE_SCHEME,
        "bijlage 1, onder 2",
        en="The adviser verifies the target group before the start.",
        nl="De adviseur gaat voor de start na of de werkende tot de doelgroep hoort.",
    ),
    _rule(
        "ODA-A1.3",
        ADVICE_SCHEME,
        "bijlage 1, onder 3",
        en="Identity is established by a copy of an identity document, kept in the file.",
        nl="De identiteit blijkt uit een kopie van een identiteitsbewijs, bewaard in het dossier.",
    ),
    _rule(
        "ODA-A1.4",
        ADVICE_SCHEME,
        "bijlage 1, onder 4",
        en="The worker signs the consent (form 1.4).",
        nl="De werkende ondertekent de toestemmingsverklaring (format 1.4).",
    ),
    _rule(
        "ODA-A1.5",
        ADVICE_SCHEME,
        "bijlage 1, onder 5",
        en="A digital intake starts the trajectory and yields its unique number.",
        nl="Een digitale intake start het traject en levert het unieke nummer.",
    ),
    _rule(
        "ODA-A1.6",
        ADVICE_SCHEME,
        "bijlage 1, onder 6",
        en="Four hours of individual guidance, or three with a group meeting of two.",
        nl="Vier uur individuele begeleiding, of drie uur met een groepsbijeenkomst van twee uur.",
    ),
    _rule(
        "ODA-A1.7",
        ADVICE_SCHEME,
        "bijlage 1, onder 7",
        en="A report (form 1.1) is signed by the worker.",
        nl="Een verslag (format 1.1) is door de werkende ondertekend.",
    ),
    _rule(
        "ODA-A1.8",
        ADVICE_SCHEME,
        "bijlage 1, onder 8",
        en="A development plan (form 1.2) is signed by the worker.",
        nl="Een ontwikkelplan (format 1.2) is door de werkende ondertekend.",
    ),
    _rule(
        "ODA-A1.9",
        ADVICE_SCHEME,
        "bijlage 1, onder 9",
        en="A performance statement (form 1.3) is completed and signed by both.",
        nl="Een prestatieverklaring (format 1.3) is door beiden ingevuld en ondertekend.",
    ),
    _rule(
        "ODA-A1.10",
        ADVICE_SCHEME,
        "bijlage 1, Inhoud ontwikkeladviesgesprekken",
        en="The conversations cover situation, profile, orientation and consequences.",
        nl="De gesprekken gaan over situatie, profiel, oriëntatie en gevolgen.",
    ),
    _rule(
        "ODA-A1.11",
        ADVICE_SCHEME,
        "bijlage 1, Ontwikkelplan",
        en="The plan says who acts when and how, what hinders, and where support is found.",
        nl="Het plan zegt wie wanneer wat doet, wat belemmert en waar steun te vinden is.",
    ),
    _rule(
        "ODA-F",
        ADVICE_SCHEME,
        "bijlage 1, Formats",
        en="A missing or incomplete form means no subsidy.",
        nl="Een ontbrekend of onvolledig format betekent geen subsidie.",
    ),
    _rule(
        "ODA-F1.4",
        ADVICE_SCHEME,
        "bijlage 1, format 1.4",
        en="Consent serves two purposes and lasts two years; without it there is no subsidy.",
        nl="Toestemming geldt voor twee doelen en twee jaar; zonder toestemming geen subsidie.",
    ),
    _rule(
        "ODA-A2",
        ADVICE_SCHEME,
        "bijlage 2",
        en="Training of managers takes three hours in total, with forms 2.1 and 2.2.",
        nl="Training van leidinggevenden duurt in totaal drie uur, met formats 2.1 en 2.2.",
    ),
    _rule(
        "KB-1",
        LETTER,
        "par. 1, STAP-budget",
        en="STAP pays up to € 1,000 a person a year for a course in its register.",
        nl="STAP betaalt tot € 1.000 per persoon per jaar voor scholing uit het register.",
    ),
    _rule(
        "KB-2",
        LETTER,
        "par. 1, Extra middelen voor max. mbo-4 opgeleiden",
        en="STAP has an extra compartment for people with at most an mbo-4 diploma.",
        nl="STAP heeft extra middelen voor mensen met ten hoogste een mbo-4-diploma.",
    ),
    _rule(
        "KB-3",
        LETTER,
        "par. 1, STAP-ontwikkeladviezen",
        en="Free development advice for people with at most an mbo-2 diploma.",
        nl="Kosteloos ontwikkeladvies voor mensen met ten hoogste een mbo-2-diploma.",
    ),
    _rule(
        "KB-4",
        LETTER,
        "par. 2, SLIM-regeling",
        en="SLIM helps small and medium companies invest in a learning-rich environment.",
        nl="SLIM helpt het mkb te investeren in een leerrijke werkomgeving.",
    ),
    _rule(
        "KB-5",
        LETTER,
        "par. 2, Omscholing naar kansrijke beroepen",
        en="Half the cost, at most € 3,750, of retraining to ICT and technology.",
        nl="De helft van de kosten, ten hoogste € 3.750, van omscholing naar ict en techniek.",
    ),
    _rule(
        "KB-6",
        LETTER,
        "par. 2, Tel mee met Taal",
        en="Tel mee met Taal pays employers for courses in basic skills.",
        nl="Tel mee met Taal vergoedt werkgevers cursussen basisvaardigheden.",
    ),
    _rule(
        "KB-7",
        LETTER,
        "par. 2, Subsidieregeling praktijkleren",
        en="Guidance of practical learners: at most € 2,700 per learner a year.",
        nl="Begeleiding van praktijkleerlingen: ten hoogste € 2.700 per leerling per jaar.",
    ),
    _rule(
        "KB-8",
        LETTER,
        "par. 2, Praktijkleren in de derde leerweg",
        en="Practical learning in the third route lasts at most 40 weeks.",
        nl="Praktijkleren in de derde leerweg duurt ten hoogste 40 weken.",
    ),
    _rule(
        "KB-9",
        LETTER,
        "par. 1, NL leert door",
        en="NL leert door offers free courses through providers.",
        nl="NL leert door biedt kosteloze scholing via opleiders.",
    ),
    _rule(
        "KB-10",
        LETTER,
        "par. 1, Levenlanglerenkrediet",
        en="The lifelong learning credit is a loan for tuition, until one turns 56.",
        nl="Het levenlanglerenkrediet is een lening voor collegegeld, tot 56 jaar.",
    ),
    _rule(
        "KB-11",
        LETTER,
        "par. 2, Expeditieregeling",
        en="The Expeditieregeling funds experiments of alliances.",
        nl="De Expeditieregeling bekostigt experimenten van samenwerkingsverbanden.",
    ),
    _rule(
        "KB-12",
        LETTER,
        "par. 2, MKB!dee",
        en="MKB!dee is closed for new applications.",
        nl="MKB!dee is gesloten voor nieuwe aanvragen.",
    ),
    _rule(
        "KB-13",
        LETTER,
        "par. 2, Fiscaal gunstige regelingen",
        en="Training for the present job or with a view to income is free of tax.",
        nl="Scholing voor het huidige werk of met het oog op inkomen is onbelast.",
    ),
    _rule(
        "SER-1",
        ADVICE,
        "bijlage Voorbeelden van scholingsmiddelen, Persoonlijk opleidingsbudget A+O Metalektro",
        en="A+O Metalektro gives € 1,500 a person, claimed by the employer, stackable.",
        nl="A+O Metalektro geeft € 1.500 per persoon, via de werkgever, stapelbaar.",
    ),
    _rule(
        "SER-2",
        ADVICE,
        "par. 4.3, Bakkersbedrijf",
        en="The bakery sector gives each employee a voucher of € 200.",
        nl="De bakkerssector geeft elke werknemer een voucher van € 200.",
    ),
    _rule(
        "SER-3",
        ADVICE,
        "bijlage Voorbeelden van scholingsmiddelen, Retail Non-Food",
        en="Retail Non-Food gives € 150 after one year of service, which can be saved.",
        nl="Retail Non-Food geeft € 150 na een jaar dienst, en sparen mag.",
    ),
    _rule(
        "SER-4",
        ADVICE,
        "bijlage Voorbeelden van scholingsmiddelen, Twents Fonds voor Vakmanschap",
        en="A voucher for inhabitants of Twente with no other way to pay.",
        nl="Een voucher voor inwoners van Twente die niet anders kunnen betalen.",
    ),
    _rule(
        "SER-5",
        ADVICE,
        "bijlage, Scholingsaftrek in inkomstenbelasting",
        en="Training cost above € 250, up to € 15,000, was deductible from income tax.",
        nl="Scholingskosten boven € 250, tot € 15.000, waren aftrekbaar van de inkomstenbelasting.",
    ),
    _rule(
        "SER-6",
        ADVICE,
        "bijlage Digitale scholingsportals, buitenlandse voorbeelden",
        en="Scotland, France and Flanders have learning accounts and vouchers of their own.",
        nl="Schotland, Frankrijk en Vlaanderen kennen eigen leerrekeningen en cheques.",
    ),
    _rule(
        "KB-14",
        LETTER,
        "par. 3, certificering van korte scholingstrajecten",
        en="The outcome of a training and its NLQF level, if any, are recorded.",
        nl="De uitkomst van een opleiding en het NLQF-niveau, als dat er is, worden vastgelegd.",
    ),
    _rule(
        "KB-15",
        LETTER,
        "par. 2, CompetentNL",
        en="Skills gained can be named in a shared language.",
        nl="Opgedane vaardigheden kunnen in een gedeelde taal worden benoemd.",
    ),
    _rule(
        "SER-10",
        ADVICE,
        "hoofdstuk 1, Naar een eenduidig overzicht",
        en="One overview of possibilities and means, in few steps and plain language.",
        nl="Eén overzicht van mogelijkheden en middelen, in weinig stappen en gewone taal.",
    ),
    _rule(
        "SER-11",
        ADVICE,
        "hoofdstuk 1, Toeleiding naar de juiste middelen",
        en="Means that do not fit are left out, and the answer says why.",
        nl="Middelen die niet passen vallen weg, en het antwoord zegt waarom.",
    ),
    _rule(
        "SER-12",
        ADVICE,
        "hoofdstuk 1, Rol intermediairs en rol werkgever",
        en="The overview serves intermediaries and employers too.",
        nl="Het overzicht dient ook intermediairs en werkgevers.",
    ),
    _rule(
        "SER-13",
        ADVICE,
        "hoofdstuk 1, Kwaliteit en standaardisatie",
        en="Quality marks are shown, and their conditions are kept.",
        nl="Keurmerken worden getoond, en aan hun voorwaarden wordt voldaan.",
    ),
    _rule(
        "SER-14",
        ADVICE,
        "par. 4.1, tabel 4.1",
        en="Means are requested by the employer, by the employee, or by both.",
        nl="Middelen worden aangevraagd door de werkgever, de werknemer of beiden.",
    ),
    _rule(
        "SER-15",
        ADVICE,
        "par. 4.1, tabel 4.2",
        en="Means are a subsidy, a fixed amount or a subsidised offer.",
        nl="Middelen zijn een subsidie, een vast bedrag of een gesubsidieerd aanbod.",
    ),
    _rule(
        "SER-20",
        ADVICE,
        "hoofdstuk 7, Combineren van budgetten",
        en="Budgets can be stacked unless their terms conflict, never above the cost.",
        nl="Budgetten zijn stapelbaar tenzij voorwaarden botsen, nooit boven de kosten.",
    ),
    _rule(
        "SER-21",
        ADVICE,
        "hoofdstuk 7, Ontwikkelrekening",
        en="A development account takes deposits that keep their own terms.",
        nl="Een ontwikkelrekening neemt stortingen op die hun eigen voorwaarden houden.",
    ),
    _rule(
        "SER-22",
        ADVICE,
        "hoofdstuk 1, Vergroten van aansluiting",
        en="Whether a training is exempt from tax is clear before money is spent.",
        nl="Of scholing onbelast is, is duidelijk voordat er geld wordt uitgegeven.",
    ),
    _rule(
        "SER-23",
        ADVICE,
        "bijlage, O&O-fonds NWB",
        en="Employee and manager are told in time before a mandatory course expires.",
        nl="Medewerker en leidinggevende horen tijdig dat een verplichte scholing verloopt.",
    ),
    _rule(
        "SER-24",
        ADVICE,
        "hoofdstuk 1, Leven lang ontwikkelen is breder",
        en="Informal learning, internship and work experience count as learning too.",
        nl="Informeel leren, stage en werkervaring tellen ook als leren.",
    ),
    _rule(
        "LAW-1",
        STATUTES,
        "Burgerlijk Wetboek, art. 7:611a; HR 26-09-2025, ECLI:NL:HR:2025:1386",
        en="Mandatory training is free, is working time, and can not be reclaimed.",
        nl="Verplichte scholing is kosteloos, is arbeidstijd en kan niet worden teruggevorderd.",
    ),
    _rule(
        "LAW-2",
        STATUTES,
        "HR 10-06-1983 (Muller / Van Opzeeland)",
        en="A repayment clause is written, explained, and falls in proportion to service.",
        nl="Een terugbetalingsbeding is schriftelijk, toegelicht en daalt naar rato van de "
        "diensttijd.",
    ),
    _rule(
        "LAW-3",
        STATUTES,
        "Burgerlijk Wetboek, art. 7:632; Wet minimumloon, art. 13",
        en="A claim rests on cost really made, and waits for a person where fairness asks it.",
        nl="Een vordering rust op werkelijke kosten en wacht op een mens waar billijkheid dat "
        "vraagt.",
    ),
    _rule(
        "LAW-4",
        STATUTES,
        "Algemene termijnenwet, art. 1 to 4",
        en="A statutory term that ends on a free day runs to the next working day.",
        nl="Een wettelijke termijn die op een vrije dag eindigt, loopt tot en met de volgende "
        "werkdag.",
    ),
    _rule(
        "LAW-5",
        STATUTES,
        "Algemene wet bestuursrecht, art. 4:5",
        en="An incomplete application is left only after a term to complete it.",
        nl="Een onvolledige aanvraag blijft pas liggen na een termijn om haar aan te vullen.",
    ),
    _rule(
        "LAW-6",
        STATUTES,
        "Algemene wet bestuursrecht, art. 4:15",
        en="The decision term stands still from the day after the invitation to complete.",
        nl="De beslistermijn staat stil vanaf de dag na de uitnodiging om aan te vullen.",
    ),
    _rule(
        "LAW-7",
        STATUTES,
        "Algemene wet bestuursrecht, art. 6:7 and 6:8",
        en="Objection is possible within six weeks from the day after sending.",
        nl="Bezwaar kan binnen zes weken vanaf de dag na verzending.",
    ),
    _rule(
        "LAW-8",
        STATUTES,
        "Algemene wet bestuursrecht, art. 1:1; Wet normalisering rechtspositie ambtenaren",
        en="Each scheme names its regime; a decision of an employer is civil.",
        nl="Elke regeling noemt haar regime; een besluit van de werkgever is civiel.",
    ),
    _rule(
        "LAW-9",
        STATUTES,
        "Practice of subsidy schemes (Algemene wet bestuursrecht, art. 4:26)",
        en="The place in the queue is the moment the application was complete.",
        nl="De plaats in de rij is het moment waarop de aanvraag volledig was.",
    ),
    _rule(
        "LAW-10",
        STATUTES,
        "Algemene wet bestuursrecht, art. 4:46 to 4:49",
        en="A subsidy is settled as granted, or lower where duties were not met.",
        nl="Subsidie wordt vastgesteld zoals verleend, of lager als niet is voldaan.",
    ),
    _rule(
        "LAW-11",
        STATUTES,
        "Wet op de ondernemingsraden, art. 27(1)(f)",
        en="Rules on training need the works council's consent unless the cao governs.",
        nl="Regels over opleiding vragen instemming van de ondernemingsraad, tenzij de cao ze "
        "regelt.",
    ),
    _rule(
        "LAW-12",
        STATUTES,
        "Uitvoeringswet AVG, art. 46",
        en="The citizen service number is used only where a formal act prescribes it.",
        nl="Het burgerservicenummer wordt alleen gebruikt waar een wet dat voorschrijft.",
    ),
    _rule(
        "LAW-13",
        STATUTES,
        "Wet op de loonbelasting 1964, art. 31a(2)(c) and (d)",
        en="Training cost is exempt when granted before the end of its calendar year.",
        nl="Scholingskosten zijn onbelast als zij voor het einde van het jaar zijn toegezegd.",
    ),
    _rule(
        "LAW-14",
        STATUTES,
        "eIDAS-verordening; Burgerlijk Wetboek, art. 3:15a; Rv, art. 156a",
        en="What is signed is a frozen document; the manager who signs is not the employee.",
        nl="Getekend wordt een bevroren document; de tekenende leidinggevende is een ander.",
    ),
    _rule(
        "LAW-15",
        STATUTES,
        "AVG, art. 5, 15, 17 and 32",
        en="Personal data have a purpose and a retention, and reading them is logged.",
        nl="Persoonsgegevens hebben een doel en bewaartermijn, en inzage wordt vastgelegd.",
    ),
)

RULES: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in _BOOK})


def rule(rule_id: str) -> Rule:
    """Return the rule with this id.

    Raises:
        KeyError: the book has no such rule; a citation of it is a defect.
    """
    return RULES[rule_id]
