"""What the means of a year refuse."""

from app.kernel.errors import NotFound, Refusal, Text


class BudgetNotFound(NotFound):
    slug = "budget-not-found"
    title = Text(en="No means for this year", nl="Geen middelen voor dit jaar")
    detail = Text(
        en="The management team has set no means for {budget_year}.",
        nl="Het managementteam heeft voor {budget_year} geen middelen vastgesteld.",
    )
    remedy = Text(
        en="Have the management team set the means of that year first.",
        nl="Laat het managementteam eerst de middelen van dat jaar vaststellen.",
    )
    rule = "VIS-5.1"


class CommitmentNotFound(NotFound):
    slug = "commitment-not-found"
    title = Text(en="No such commitment", nl="Geen verplichting met dit kenmerk")


class MeansExceeded(Refusal):
    slug = "means-exceeded"
    rule = "VIS-5.1"
    title = Text(en="More than the means allow", nl="Meer dan de middelen toelaten")
    detail = Text(
        en="This takes {asked_cents} of the means of {budget_year}; {room_cents} of them is left.",
        nl="Dit vraagt {asked_cents}; van de middelen van {budget_year} resteert {room_cents}.",
    )
    remedy = Text(
        en="Grant less, defer, or have the management team raise the means of the year.",
        nl="Ken minder toe, houd aan, of laat het managementteam de middelen verhogen.",
    )


class MeansBelowCommitted(Refusal):
    slug = "means-below-committed"
    rule = "VIS-5.1"
    title = Text(en="Lower than what is committed", nl="Lager dan wat is verplicht")
    detail = Text(
        en=(
            "Of the means of {budget_year}, {used_cents} is committed or spent; {asked_cents} is"
            " less."
        ),
        nl=(
            "Van de middelen van {budget_year} is {used_cents} verplicht of besteed;"
            " {asked_cents} is minder."
        ),
    )
    remedy = Text(
        en="Set the means no lower than what is committed, or revise decisions first.",
        nl="Stel de middelen niet lager vast dan wat is verplicht, of herzie eerst besluiten.",
    )


class CommitmentClosed(Refusal):
    slug = "commitment-closed"
    rule = "VIS-5.1"
    title = Text(en="The commitment is closed", nl="De verplichting is afgesloten")
    detail = Text(
        en="This commitment is {status}: nothing can be booked on it.",
        nl="Deze verplichting is {status}: er kan niets meer op worden geboekt.",
    )
    remedy = Text(
        en="Book the invoice on an open commitment of the request.",
        nl="Boek de factuur op een open verplichting van de aanvraag.",
    )


class InvoiceBookedTwice(Refusal):
    slug = "invoice-booked-twice"
    title = Text(en="Invoice already booked", nl="Factuur al geboekt")
    detail = Text(
        en="This invoice is already booked on this commitment.",
        nl="Deze factuur is al op deze verplichting geboekt.",
    )
    remedy = Text(
        en="Check the invoice's reference.",
        nl="Controleer het kenmerk van de factuur.",
    )


CONSTRAINTS: dict[str, type[Refusal]] = {
    "uq_actuals_organisation_id_commitment_id_invoice_reference": InvoiceBookedTwice,
}
