"""What a training request, its tranche or its assessment can be refused for."""

from app.kernel.errors import Kind, NotFound, Refusal, Text


class RequestNotFound(NotFound):
    slug = "request-not-found"
    title = Text(en="Training request not found", nl="Opleidingsaanvraag niet gevonden")


class TrancheNotFound(NotFound):
    slug = "tranche-not-found"
    title = Text(en="Tranche not found", nl="Tranche niet gevonden")


class ActionNotAllowed(Refusal):
    """The life cycle has no such step from where the request is."""

    slug = "action-not-allowed"
    rule = "VIS-6.6"
    title = Text(en="Not possible in this status", nl="Niet mogelijk in deze status")
    detail = Text(
        en="A request that is {status} can not take the step '{action}'.",
        nl="Een aanvraag met status {status} kan de stap '{action}' niet maken.",
    )
    remedy = Text(
        en="Read the request: its status tells what can still be done.",
        nl="Lees de aanvraag: de status vertelt wat nog kan.",
    )


class OwnRequest(Refusal):
    """Nobody endorses, assesses, classifies, cancels or consents to what is for oneself."""

    slug = "own-request-step"
    kind = Kind.FORBIDDEN
    rule = "VIS-5.3"
    title = Text(en="Your own request", nl="Uw eigen aanvraag")
    detail = Text(
        en="Request {reference} is yours; another person takes the step '{action}'.",
        nl="Aanvraag {reference} is van uzelf; een ander zet de stap '{action}'.",
    )
    remedy = Text(
        en="Ask a colleague with the same role.",
        nl="Vraag het een collega met dezelfde rol.",
    )


class NotYourStep(Refusal):
    """The actor sees the request, but the step is another's."""

    slug = "not-your-step"
    kind = Kind.FORBIDDEN
    rule = "VIS-5.3"
    title = Text(en="Not your step", nl="Niet uw stap")
    detail = Text(
        en="The step '{action}' on request {reference} is for {who}.",
        nl="De stap '{action}' bij aanvraag {reference} is voor {who}.",
    )
    remedy = Text(
        en="Ask the person it is for.",
        nl="Vraag het degene voor wie de stap is.",
    )


class ParticipantNotYours(Refusal):
    """A participant that the actor may not put in for; also one that does not exist."""

    slug = "participant-not-yours"
    rule = "VIS-5.3"
    title = Text(en="Participant not in your care", nl="Deelnemer valt niet onder u")
    detail = Text(
        en="You can not draft a request for these participants: {employee_ids}.",
        nl="U kunt voor deze deelnemers geen aanvraag opstellen: {employee_ids}.",
    )
    remedy = Text(
        en="A manager drafts for the people he or she manages, an employee for him- or herself.",
        nl="Een leidinggevende stelt op voor eigen medewerkers, een medewerker voor zichzelf.",
    )


class EndorsementMissing(Refusal):
    slug = "endorsement-missing"
    rule = "VIS-5.3"
    title = Text(en="Manager's endorsement missing", nl="Akkoord leidinggevende ontbreekt")
    detail = Text(
        en="Request {reference} was drafted by a participant and is not endorsed by the manager.",
        nl="Aanvraag {reference} is door een deelnemer opgesteld en mist het akkoord van de"
        " leidinggevende.",
    )
    remedy = Text(
        en="Have the manager endorse it, then submit it.",
        nl="Laat de leidinggevende akkoord geven en dien de aanvraag daarna in.",
    )


class EndorsementNotNeeded(Refusal):
    slug = "endorsement-not-needed"
    rule = "VIS-5.3"
    title = Text(en="No endorsement needed", nl="Geen akkoord nodig")
    detail = Text(
        en="Request {reference} needs no endorsement, or has it already.",
        nl="Aanvraag {reference} heeft geen akkoord nodig, of heeft het al.",
    )
    remedy = Text(en="Submit the request.", nl="Dien de aanvraag in.")


class ConversationMissing(Refusal):
    """Individual development alone, with no conversation named (VIS-3.2)."""

    slug = "conversation-missing"
    rule = "VIS-3.2"
    title = Text(en="No conversation named", nl="Geen gesprek genoemd")
    detail = Text(
        en="Request {reference} rests on individual development alone, and names no conversation"
        " of the conversation cycle.",
        nl="Aanvraag {reference} rust alleen op individuele ontwikkeling en noemt geen gesprek uit"
        " de gesprekkencyclus.",
    )
    remedy = Text(
        en="Name the day of the conversation, or a ground that serves the team or organisation.",
        nl="Noem de dag van het gesprek, of een grond die team of organisatie dient.",
    )


class SessionsMissing(Refusal):
    """Without sessions nobody knows in which calendar year the hours fall."""

    slug = "sessions-missing"
    rule = "VIS-8.1"
    title = Text(en="No sessions", nl="Geen bijeenkomsten")
    detail = Text(
        en="Request {reference} has no session, so its hours fall in no calendar year.",
        nl="Aanvraag {reference} heeft geen bijeenkomst, dus de uren vallen in geen enkel jaar.",
    )
    remedy = Text(
        en="Add the sessions with their day and minutes.",
        nl="Voeg de bijeenkomsten toe met dag en minuten.",
    )


class CostBeyondReach(Refusal):
    slug = "cost-beyond-reach"
    kind = Kind.INVALID
    title = Text(en="More than can be reckoned with", nl="Meer dan waarmee te rekenen is")
    detail = Text(
        en="The request costs {cost_cents} in all; {most_cents} is the most.",
        nl="De aanvraag kost in totaal {cost_cents}; {most_cents} is het meeste.",
    )
    remedy = Text(
        en="Check the amounts and whether they are per participant.",
        nl="Controleer de bedragen en of zij per deelnemer gelden.",
    )


class NecessityMissing(Refusal):
    """An interim request without a demonstrable legal or function-bound necessity (VIS-6.4)."""

    slug = "necessity-missing"
    rule = "VIS-6.4"
    title = Text(en="No necessity for an interim request", nl="Geen noodzaak voor tussentijds")
    detail = Text(
        en="The basis of request {reference} is {basis}; outside the tranches only a legal or"
        " function-bound necessity is taken up.",
        nl="De grondslag van aanvraag {reference} is {basis}; buiten de tranches wordt alleen een"
        " wettelijke of functiegebonden noodzaak in behandeling genomen.",
    )
    remedy = Text(
        en="Submit it for the tranche, or have HR classify the basis.",
        nl="Dien de aanvraag in voor de tranche, of laat HR de grondslag vaststellen.",
    )


class InterimConsentMissing(Refusal):
    """HR can not assess an interim request before the MT's consent (VIS-6.4)."""

    slug = "interim-consent-missing"
    rule = "VIS-6.4"
    title = Text(en="MT's prior consent missing", nl="Voorafgaande instemming MT ontbreekt")
    detail = Text(
        en="Request {reference} came in outside the tranches; the MT has not consented to taking"
        " it up.",
        nl="Aanvraag {reference} is tussentijds ingediend; het MT heeft niet ingestemd met"
        " behandeling.",
    )
    remedy = Text(en="Ask the MT for its consent.", nl="Vraag het MT om instemming.")


class InterimConsentNotNeeded(Refusal):
    slug = "interim-consent-not-needed"
    rule = "VIS-6.4"
    title = Text(en="No consent needed", nl="Geen instemming nodig")
    detail = Text(
        en="Request {reference} belongs to a tranche, or has the MT's consent already.",
        nl="Aanvraag {reference} hoort bij een tranche, of heeft de instemming van het MT al.",
    )
    remedy = Text(en="Assess the request.", nl="Beoordeel de aanvraag.")


class AssessmentIncomplete(Refusal):
    """A rating or a motivation is missing on one of the five criteria (VIS-4.2)."""

    slug = "assessment-incomplete"
    rule = "VIS-4.2"
    title = Text(en="Assessment incomplete", nl="Beoordeling onvolledig")
    detail = Text(
        en="The assessment of request {reference} has no rating on: {missing_criteria}.",
        nl="De beoordeling van aanvraag {reference} heeft geen oordeel over: {missing_criteria}.",
    )
    remedy = Text(
        en="Rate and motivate all five criteria.",
        nl="Beoordeel en motiveer alle vijf de criteria.",
    )


class RatingOffScale(Refusal):
    """A rating above the highest one of the policy's scale."""

    slug = "rating-off-scale"
    kind = Kind.INVALID
    rule = "VIS-4.2"
    title = Text(en="Rating off the scale", nl="Oordeel buiten de schaal")
    detail = Text(
        en="The rating on {criterion} is {rating}; the scale goes from 0 to {highest_rating}.",
        nl="Het oordeel over {criterion} is {rating}; de schaal loopt van 0 tot en met"
        " {highest_rating}.",
    )
    remedy = Text(en="Choose a rating on the scale.", nl="Kies een oordeel op de schaal.")


class BsnInText(Refusal):
    """A number that passes the test of a BSN stands in free text; the number is not repeated."""

    slug = "bsn-in-text"
    kind = Kind.INVALID
    rule = "LAW-12"
    title = Text(en="Citizen service number in text", nl="Burgerservicenummer in tekst")
    detail = Text(
        en="The text of {field} holds a number that is a citizen service number (BSN) by its form.",
        nl="De tekst van {field} bevat een getal dat de vorm heeft van een burgerservicenummer"
        " (BSN).",
    )
    remedy = Text(
        en="Leave the number out: it is not needed here and may not be kept.",
        nl="Laat het nummer weg: het is hier niet nodig en mag niet worden bewaard.",
    )


class DatesReversed(Refusal):
    slug = "request-dates-reversed"
    kind = Kind.INVALID
    title = Text(en="Ends before it starts", nl="Eindigt voor de start")
    detail = Text(
        en="The training starts on {starts_on} and would end on {ends_on}.",
        nl="De opleiding start op {starts_on} en zou eindigen op {ends_on}.",
    )
    remedy = Text(en="Correct the dates.", nl="Verbeter de datums.")


class SessionOutsideTraining(Refusal):
    slug = "session-outside-training"
    kind = Kind.INVALID
    rule = "VIS-8.1"
    title = Text(en="Session outside the training", nl="Bijeenkomst buiten de opleiding")
    detail = Text(
        en="A session on {held_on} does not fall between {starts_on} and {ends_on}.",
        nl="Een bijeenkomst op {held_on} valt niet tussen {starts_on} en {ends_on}.",
    )
    remedy = Text(
        en="Correct the session, or the start and end of the training.",
        nl="Verbeter de bijeenkomst, of begin en einde van de opleiding.",
    )


class HoursDoNotFit(Refusal):
    """More hours than the days between start and end can hold at eight a day."""

    slug = "hours-do-not-fit"
    kind = Kind.INVALID
    rule = "VIS-8.1"
    title = Text(en="Hours do not fit", nl="Uren passen niet")
    detail = Text(
        en="{asked_minutes} do not fit between {starts_on} and {ends_on}: at most {room_minutes}.",
        nl="{asked_minutes} passen niet tussen {starts_on} en {ends_on}: hoogstens {room_minutes}.",
    )
    remedy = Text(
        en="Correct the hours or the days.",
        nl="Verbeter de uren of de datums.",
    )


class TwiceNamed(Refusal):
    """A participant, or a criterion, stands in the same list twice."""

    slug = "twice-named"
    kind = Kind.INVALID
    title = Text(en="Named twice", nl="Twee keer genoemd")
    detail = Text(
        en="{field} names more than once: {values}.",
        nl="{field} noemt meer dan een keer: {values}.",
    )
    remedy = Text(en="Name each once.", nl="Noem elk een keer.")


class VatTwice(Refusal):
    slug = "vat-twice"
    kind = Kind.INVALID
    title = Text(en="VAT given twice", nl="Btw twee keer opgegeven")
    detail = Text(
        en="The line '{what}' gives VAT both as an amount and as a percentage.",
        nl="De regel '{what}' geeft btw als bedrag en als percentage.",
    )
    remedy = Text(en="Give one of the two.", nl="Geef een van beide.")


class CompletionMistimed(Refusal):
    """Completed before the training started, or on a day still to come."""

    slug = "completion-mistimed"
    rule = "VIS-7.7"
    title = Text(en="Completion on an impossible day", nl="Afronding op een onmogelijke dag")
    detail = Text(
        en="Completion on {completed_on} is not between the start on {starts_on} and today,"
        " {today_on}.",
        nl="Afronding op {completed_on} ligt niet tussen de start op {starts_on} en vandaag,"
        " {today_on}.",
    )
    remedy = Text(
        en="Record the completion afterwards, on its own day.",
        nl="Leg de afronding achteraf vast, op de dag zelf.",
    )


class ParticipantsDiffer(Refusal):
    """A completion says of each participant whether he or she completed, and of nobody else."""

    slug = "participants-differ"
    rule = "VIS-6.6"
    title = Text(
        en="Not the participants of the request",
        nl="Niet de deelnemers van de aanvraag",
    )
    detail = Text(
        en="Request {reference} has other participants; missing: {missing_ids}; unknown:"
        " {unknown_ids}.",
        nl="Aanvraag {reference} heeft andere deelnemers; ontbrekend: {missing_ids}; onbekend:"
        " {unknown_ids}.",
    )
    remedy = Text(
        en="Say of each participant whether the training was completed.",
        nl="Zeg van elke deelnemer of de opleiding is afgerond.",
    )


class OutcomeInconsistent(Refusal):
    """Credits belong to a microcredential, and a level to an outcome (KB-14)."""

    slug = "outcome-inconsistent"
    kind = Kind.INVALID
    rule = "KB-14"
    title = Text(en="Outcome does not hold together", nl="Uitkomst klopt niet")
    detail = Text(
        en="The outcome {outcome} goes with credits: {credits} and NLQF level: {nlqf_level}."
        " Credits (3 to 30) belong to a microcredential alone, a level to any outcome but none.",
        nl="De uitkomst {outcome} staat bij studiepunten: {credits} en NLQF-niveau: {nlqf_level}."
        " Punten (3 tot en met 30) horen alleen bij een microcredential, een niveau bij een"
        " uitkomst anders dan geen.",
    )
    remedy = Text(en="Correct the outcome.", nl="Verbeter de uitkomst.")


class ReferenceTaken(Refusal):
    slug = "reference-taken"
    rule = "VIS-6.6"
    title = Text(en="Reference in use", nl="Kenmerk al in gebruik")
    detail = Text(
        en="Another request of the organisation has this reference.",
        nl="Een andere aanvraag van de organisatie heeft dit kenmerk.",
    )
    remedy = Text(en="Choose another reference.", nl="Kies een ander kenmerk.")


class ImportedRequestSettled(Refusal):
    """A file changes a request that is past its draft: that is for a person, not for an import."""

    slug = "imported-request-settled"
    rule = "VIS-6.6"
    title = Text(en="Already submitted", nl="Al ingediend")
    detail = Text(
        en="Request {reference} is {status}; a file can not change it any more.",
        nl="Aanvraag {reference} heeft status {status}; een bestand kan haar niet meer wijzigen.",
    )
    remedy = Text(
        en="Withdraw the request, or take the row out of the file.",
        nl="Trek de aanvraag in, of haal de regel uit het bestand.",
    )


CONSTRAINTS: dict[str, type[Refusal]] = {
    "uq_training_requests_organisation_id_reference": ReferenceTaken,
    "pk_request_participants": TwiceNamed,
}
