"""What agreements, departures and claims refuse."""

from app.kernel.errors import Kind, NotFound, Refusal, Text


class AgreementNotFound(NotFound):
    slug = "agreement-not-found"
    title = Text(en="No such training agreement", nl="Geen opleidingsovereenkomst met dit kenmerk")


class ClaimNotFound(NotFound):
    slug = "claim-not-found"
    title = Text(en="No such repayment claim", nl="Geen terugvordering met dit kenmerk")


class AgreementActionRefused(Refusal):
    slug = "agreement-action-refused"
    rule = "VIS-7.3"
    title = Text(
        en="Not possible in this state of the agreement",
        nl="Niet mogelijk in deze staat van de overeenkomst",
    )
    detail = Text(
        en="An agreement in status '{status}' can not be the subject of '{action}'.",
        nl="Op een overeenkomst met status '{status}' kan '{action}' niet worden toegepast.",
    )
    remedy = Text(
        en="Read the agreement; the order is: draw up, the employee signs, the manager signs.",
        nl="Lees de overeenkomst; de volgorde is: opstellen, de medewerker tekent, dan de "
        "leidinggevende.",
    )


class AgreementFrozen(Refusal):
    slug = "agreement-frozen"
    rule = "VIS-7.3"
    title = Text(en="The text is signed and can not change", nl="De tekst is getekend en ligt vast")
    detail = Text(
        en="The text has been fixed since the first signature, {frozen_at}.",
        nl="De tekst ligt vast sinds de eerste ondertekening, {frozen_at}.",
    )
    remedy = Text(
        en="Other terms need a new agreement, on a revised decision.",
        nl="Andere afspraken vragen een nieuwe overeenkomst, op een herzien besluit.",
    )


class DocumentNotDrawnUp(Refusal):
    slug = "document-not-drawn-up"
    rule = "VIS-7.2"
    title = Text(en="There is no document yet", nl="Er is nog geen document")
    detail = Text(
        en="The agreement has status '{status}': its terms have not been drawn up.",
        nl="De overeenkomst heeft status '{status}': de afspraken zijn nog niet opgesteld.",
    )
    remedy = Text(en="Have HR draw it up first.", nl="Laat HR de overeenkomst eerst opstellen.")


class DocumentChanged(Refusal):
    slug = "document-changed"
    rule = "LAW-14"
    title = Text(en="Not the document you saw", nl="Niet het document dat u zag")
    detail = Text(
        en="You sign a document with SHA-256 {sent_sha256}; that of the agreement is "
        "{document_sha256}.",
        nl="U tekent een document met SHA-256 {sent_sha256}; dat van de overeenkomst is "
        "{document_sha256}.",
    )
    remedy = Text(
        en="Read the document again, and sign with the SHA-256 of what you read.",
        nl="Lees het document opnieuw en teken met de SHA-256 van wat u las.",
    )


class DocumentAltered(Refusal):
    slug = "document-altered"
    rule = "LAW-14"
    title = Text(
        en="The document is not what was signed", nl="Het document is niet wat is getekend"
    )
    detail = Text(
        en="What was signed has SHA-256 {signed_sha256}; what is stored has {stored_sha256}. "
        "A change voids the signatures.",
        nl="Getekend is SHA-256 {signed_sha256}; opgeslagen is {stored_sha256}. "
        "Een wijziging ontneemt de handtekeningen hun waarde.",
    )
    remedy = Text(
        en="Do not rely on it: restore the document from a backup, and find out what changed it.",
        nl="Vertrouw er niet op: zet het terug uit een back-up en zoek uit wat het wijzigde.",
    )


class TooLateToSign(Refusal):
    slug = "too-late-to-sign"
    rule = "VIS-7.1"
    title = Text(en="The training has started", nl="De opleiding is begonnen")
    detail = Text(
        en="An agreement is made before the training starts; it starts on {starts_on}, "
        "and today is {today_on}.",
        nl="Een overeenkomst wordt gesloten voordat de opleiding begint; die begint op "
        "{starts_on}, en het is vandaag {today_on}.",
    )
    remedy = Text(
        en="Without an agreement there is no repayment clause; consult HR.",
        nl="Zonder overeenkomst is er geen terugbetalingsbeding; overleg met HR.",
    )


class WrongSigner(Refusal):
    slug = "wrong-signer"
    kind = Kind.FORBIDDEN
    rule = "VIS-7.3"
    title = Text(en="Not yours to sign", nl="Niet aan u om te tekenen")
    detail = Text(
        en="You are neither the employee of this agreement nor the manager it names.",
        nl="U bent niet de medewerker van deze overeenkomst en niet de leidinggevende erin.",
    )
    remedy = Text(
        en="The employee signs first, and then the employee's own manager.",
        nl="Eerst tekent de medewerker, daarna diens eigen leidinggevende.",
    )


class SignatureOutOfOrder(Refusal):
    slug = "signature-out-of-order"
    rule = "VIS-7.3"
    title = Text(en="The employee signs first", nl="De medewerker tekent eerst")
    detail = Text(
        en="The manager signs after the employee, who has not signed yet.",
        nl="De leidinggevende tekent na de medewerker, en die heeft nog niet getekend.",
    )
    remedy = Text(
        en="Wait for the employee's signature.", nl="Wacht op de handtekening van de medewerker."
    )


class SamePersonSigns(Refusal):
    slug = "same-person-signs"
    rule = "LAW-14"
    title = Text(en="One person can not sign twice", nl="Eén persoon kan niet twee keer tekenen")
    detail = Text(
        en="The manager who signs is another person than the employee.",
        nl="De leidinggevende die tekent is een ander dan de medewerker.",
    )
    remedy = Text(
        en="Have the employee's manager sign.",
        nl="Laat de leidinggevende van de medewerker tekenen.",
    )


class NoManager(Refusal):
    slug = "no-manager-to-sign"
    rule = "VIS-7.3"
    title = Text(en="No manager to sign", nl="Geen leidinggevende om te tekenen")
    detail = Text(
        en="The employee has no manager on {today_on}, so that nobody can sign second.",
        nl="De medewerker heeft op {today_on} geen leidinggevende: niemand kan als tweede tekenen.",
    )
    remedy = Text(
        en="Have the employee's placement name a manager.",
        nl="Laat bij de plaatsing van de medewerker een leidinggevende vastleggen.",
    )


class ClauseNotAllowed(Refusal):
    slug = "repayment-clause-not-allowed"
    rule = "LAW-1"
    title = Text(en="No repayment clause allowed", nl="Geen terugbetalingsbeding toegestaan")
    detail = Text(
        en="The basis of this training is '{basis}'; only a voluntary training may carry a "
        "repayment clause, any other would be void.",
        nl="De grondslag van deze opleiding is '{basis}'; alleen bij een vrijwillige opleiding mag "
        "een terugbetalingsbeding, elk ander is nietig.",
    )
    remedy = Text(
        en="Draw the agreement up without a clause, or have the basis reviewed.",
        nl="Stel de overeenkomst op zonder beding, of laat de grondslag herzien.",
    )


class ClauseBelowThreshold(Refusal):
    slug = "repayment-clause-below-threshold"
    rule = "VIS-7.6"
    title = Text(
        en="Too small for a repayment clause", nl="Te klein voor een terugbetalingsregeling"
    )
    detail = Text(
        en="The investment in the training is {investment_cents}; a clause needs "
        "{threshold_cents} or more.",
        nl="De investering in de opleiding is {investment_cents}; "
        "een beding vraagt {threshold_cents} of meer.",
    )
    remedy = Text(
        en="Draw the agreement up without a clause.", nl="Stel de overeenkomst op zonder beding."
    )


class ClauseRequired(Refusal):
    slug = "repayment-clause-required"
    rule = "VIS-7.9"
    title = Text(en="The clause belongs in it", nl="Het beding hoort erin")
    detail = Text(
        en="The investment in the training is {investment_cents}, and {threshold_cents} or more "
        "carries the repayment scheme.",
        nl="De investering in de opleiding is {investment_cents}, en bij {threshold_cents} of "
        "meer geldt de terugbetalingsregeling.",
    )
    remedy = Text(
        en="Draw it up with the clause; a claim can be waived later, with a reason.",
        nl="Stel haar op met het beding; kwijtschelding kan later, met een reden.",
    )


class SubsidiesBeyondCost(Refusal):
    slug = "subsidies-beyond-cost"
    rule = "LAW-3"
    title = Text(en="More subsidy than cost", nl="Meer subsidie dan kosten")
    detail = Text(
        en="The subsidies are {subsidies_cents}, and the training costs {cost_cents} a person.",
        nl="De subsidies zijn {subsidies_cents}, en de opleiding kost {cost_cents} per persoon.",
    )
    remedy = Text(
        en="Give the subsidies for this one employee.",
        nl="Geef de subsidies op voor deze ene medewerker.",
    )


class ClaimActionRefused(Refusal):
    slug = "claim-action-refused"
    rule = "LAW-3"
    title = Text(
        en="Not possible in this state of the claim",
        nl="Niet mogelijk in deze staat van de terugvordering",
    )
    detail = Text(
        en="A claim in status '{status}' can not be the subject of '{action}'.",
        nl="Op een terugvordering met status '{status}' kan '{action}' niet worden toegepast.",
    )
    remedy = Text(
        en="Read the claim and its history first.",
        nl="Lees eerst de terugvordering en haar geschiedenis.",
    )


class OwnClaim(Refusal):
    slug = "own-claim"
    kind = Kind.FORBIDDEN
    rule = "LAW-3"
    title = Text(en="A claim on yourself", nl="Een terugvordering op uzelf")
    detail = Text(
        en="A claim is confirmed, waived and exported by another than the employee that it is "
        "about.",
        nl="Een terugvordering wordt bevestigd, kwijtgescholden en overgedragen door een ander "
        "dan de betrokken medewerker.",
    )
    remedy = Text(en="Have a colleague do it.", nl="Laat een collega het doen.")


class ClaimHasNoGround(Refusal):
    slug = "claim-has-no-ground"
    rule = "LAW-1"
    title = Text(en="Nothing may be reclaimed", nl="Er mag niets worden teruggevorderd")
    detail = Text(
        en="Tested on {today_on}, the day of recovery, nothing is due: the cost really made is "
        "{cost_made_cents}, and the basis of the training is '{basis}'.",
        nl="Getoetst op {today_on}, de dag van terugvordering, is niets verschuldigd: de werkelijk "
        "gemaakte kosten zijn {cost_made_cents}, en de grondslag van de opleiding is '{basis}'.",
    )
    remedy = Text(
        en="Have the management team waive the claim.",
        nl="Laat het managementteam de terugvordering kwijtschelden.",
    )
