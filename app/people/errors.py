"""What the administration of people refuses."""

from app.kernel.errors import Kind, NotFound, Refusal, Text


class EmployeeNotFound(NotFound):
    slug = "employee-not-found"
    title = Text(en="No such employee", nl="Geen medewerker met dit kenmerk")


class TeamNotFound(NotFound):
    slug = "team-not-found"
    title = Text(en="No such team", nl="Geen team met dit kenmerk")


class FunctionNotFound(NotFound):
    slug = "function-not-found"
    title = Text(en="No such function", nl="Geen functie met dit kenmerk")


class PersonnelNumberTaken(Refusal):
    slug = "personnel-number-taken"
    title = Text(en="The personnel number is taken", nl="Het personeelsnummer is in gebruik")
    detail = Text(
        en="Another employee has this personnel number.",
        nl="Een andere medewerker heeft dit personeelsnummer.",
    )
    remedy = Text(
        en="Use that employee, or another number; someone who returns keeps their number.",
        nl="Gebruik die medewerker, of een ander nummer; wie terugkeert houdt het eigen nummer.",
    )


class EmailTaken(Refusal):
    slug = "email-taken"
    title = Text(en="The e-mail address is taken", nl="Het e-mailadres is in gebruik")
    detail = Text(
        en="Another employee has this e-mail address.",
        nl="Een andere medewerker heeft dit e-mailadres.",
    )
    remedy = Text(
        en="Give each employee an address of their own.",
        nl="Geef elke medewerker een eigen adres.",
    )


class TeamExists(Refusal):
    slug = "team-exists"
    title = Text(en="The team exists", nl="Het team bestaat al")
    detail = Text(
        en="This department has a team of this name.",
        nl="Deze afdeling heeft al een team met deze naam.",
    )
    remedy = Text(en="Use that team.", nl="Gebruik dat team.")


class FunctionExists(Refusal):
    slug = "function-exists"
    title = Text(en="The function exists", nl="De functie bestaat al")
    detail = Text(
        en="There is a function of this name.",
        nl="Er is al een functie met deze naam.",
    )
    remedy = Text(en="Use that function.", nl="Gebruik die functie.")


class OwnManager(Refusal):
    slug = "own-manager"
    rule = "VIS-5.3"
    title = Text(en="One's own manager", nl="Eigen leidinggevende")
    detail = Text(
        en="Nobody is their own manager.",
        nl="Niemand is de eigen leidinggevende.",
    )
    remedy = Text(
        en="Name another manager, or none for who leads the organisation.",
        nl="Noem een andere leidinggevende, of geen voor wie de organisatie leidt.",
    )


class ManagerCycle(Refusal):
    slug = "manager-cycle"
    rule = "VIS-5.3"
    title = Text(en="A circle of managers", nl="Een kring van leidinggevenden")
    detail = Text(
        en="This manager works, directly or through others, under the employee.",
        nl="Deze leidinggevende valt, direct of via anderen, onder de medewerker.",
    )
    remedy = Text(
        en="Name a manager who does not work under the employee, or change that first.",
        nl="Noem een leidinggevende die niet onder de medewerker valt, of wijzig dat eerst.",
    )


class PlacementOutsideEmployment(Refusal):
    slug = "placement-outside-employment"
    title = Text(en="Outside the employment", nl="Buiten het dienstverband")
    detail = Text(
        en="The employee is not employed on {valid_from_on}.",
        nl="De medewerker is op {valid_from_on} niet in dienst.",
    )
    remedy = Text(
        en="Choose a day within an employment.",
        nl="Kies een dag binnen een dienstverband.",
    )


class NotEmployed(Refusal):
    slug = "not-employed"
    title = Text(en="Not employed on that day", nl="Die dag niet in dienst")
    detail = Text(
        en="Not employed on {day_on}: {personnel_numbers}.",
        nl="Niet in dienst op {day_on}: {personnel_numbers}.",
    )
    remedy = Text(
        en="Leave these employees out, or choose a day within their employment.",
        nl="Laat deze medewerkers weg, of kies een dag binnen hun dienstverband.",
    )


class BornAfterHiring(Refusal):
    slug = "born-after-hiring"
    kind = Kind.INVALID
    title = Text(en="Not born when hired", nl="Niet geboren bij indiensttreding")
    detail = Text(
        en="The date of birth, {born_on}, is not before the first day of employment, {hired_on}.",
        nl="De geboortedatum, {born_on}, ligt niet voor de eerste werkdag, {hired_on}.",
    )
    remedy = Text(
        en="Correct the date of birth, or leave it empty (null).",
        nl="Verbeter de geboortedatum, of laat hem leeg (null).",
    )


class EndBeforeHiring(Refusal):
    slug = "end-before-hiring"
    title = Text(en="An end before the beginning", nl="Einde voor het begin")
    detail = Text(
        en="The employment began on {hired_on}; it can not end on {asked_on}.",
        nl="Het dienstverband begon op {hired_on}; het kan niet eindigen op {asked_on}.",
    )
    remedy = Text(
        en="Give a last day on or after the first.",
        nl="Geef een laatste dag op of na de eerste.",
    )


class EmploymentOver(Refusal):
    slug = "employment-over"
    title = Text(en="The employment is over", nl="Het dienstverband is voorbij")
    detail = Text(
        en="The last employment ended on {left_on}; an end that has passed is not changed.",
        nl="Het laatste dienstverband eindigde op {left_on}; een voorbij einde wijzigt niet meer.",
    )
    remedy = Text(
        en="An announced end can be moved until its last day; of one that has passed, only an "
        "unknown reason or initiative can still be told, with the same last day.",
        nl="Een aangekondigd einde kan worden verplaatst tot en met de laatste dag; van een "
        "voorbij einde kan alleen een onbekende reden of onbekend initiatief nog worden "
        "aangevuld, met dezelfde laatste dag.",
    )


class NoEndAnnounced(Refusal):
    slug = "no-end-announced"
    title = Text(en="No end was announced", nl="Geen einde aangekondigd")
    detail = Text(
        en="The employee's latest employment has no last day.",
        nl="Het laatste dienstverband van de medewerker heeft geen laatste dag.",
    )
    remedy = Text(
        en="There is nothing to withdraw: read the employee's employments.",
        nl="Er is niets in te trekken: lees de dienstverbanden van de medewerker.",
    )


class EmploymentRunning(Refusal):
    slug = "employment-running"
    title = Text(en="An employment is running", nl="Er loopt een dienstverband")
    detail = Text(
        en="The employee has an employment that has not ended before {hired_on}.",
        nl="De medewerker heeft een dienstverband dat niet voor {hired_on} is geëindigd.",
    )
    remedy = Text(
        en="Record the end of that employment first.",
        nl="Leg eerst het einde van dat dienstverband vast.",
    )


CONSTRAINTS: dict[str, type[Refusal]] = {
    "uq_employees_organisation_id_personnel_number": PersonnelNumberTaken,
    "uq_employees_organisation_id_email_key": EmailTaken,
    "uq_teams_organisation_id_department_name": TeamExists,
    "uq_functions_organisation_id_name": FunctionExists,
    "fk_placements_organisation_id_team_id": TeamNotFound,
    "fk_placements_organisation_id_function_id": FunctionNotFound,
    "fk_placements_organisation_id_manager_id": EmployeeNotFound,
    "ck_placements_own_manager": OwnManager,
}
