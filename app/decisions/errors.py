"""What proposals and decisions refuse."""

from app.kernel.errors import Kind, NotFound, Refusal, Text


class ProposalNotFound(NotFound):
    slug = "proposal-not-found"
    title = Text(en="No such proposal", nl="Geen voorstel met dit kenmerk")


class DecisionNotFound(NotFound):
    slug = "decision-not-found"
    title = Text(en="No such decision", nl="Geen besluit met dit kenmerk")


class ProposalFrozen(Refusal):
    slug = "proposal-frozen"
    rule = "VIS-6.3"
    title = Text(en="The proposal is with the MT", nl="Het voorstel ligt bij het MT")
    detail = Text(
        en="The proposal is {status}: it can no longer be changed.",
        nl="Het voorstel is {status}: het kan niet meer worden gewijzigd.",
    )
    remedy = Text(
        en="The MT decides on it as it stands; what differs is decided with a motivation.",
        nl="Het MT besluit erover zoals het er ligt; wat afwijkt, besluit het met een motivering.",
    )


class ProposalNotSubmitted(Refusal):
    slug = "proposal-not-submitted"
    rule = "VIS-6.3"
    title = Text(en="Not before the MT", nl="Ligt niet voor bij het MT")
    detail = Text(
        en="The proposal is {status}: the MT decides on a proposal that HR has submitted to it.",
        nl="Het voorstel is {status}: het MT besluit over een voorstel dat HR heeft voorgelegd.",
    )
    remedy = Text(
        en="Have HR submit the proposal first.",
        nl="Laat HR het voorstel eerst voorleggen.",
    )


class ProposalExists(Refusal):
    slug = "proposal-exists"
    rule = "VIS-6.3"
    title = Text(en="One proposal at a time", nl="Eén voorstel tegelijk")
    detail = Text(
        en="This tranche has a proposal that is not decided yet.",
        nl="Voor deze tranche is er al een voorstel waarover nog niet is besloten.",
    )
    remedy = Text(
        en="Work on in that proposal: HR puts one before the MT for a tranche.",
        nl="Werk in dat voorstel verder: HR legt per tranche één voorstel voor.",
    )


class TrancheStillOpen(Refusal):
    slug = "tranche-still-open"
    rule = "VIS-6.2"
    title = Text(en="The tranche is still open", nl="De tranche is nog open")
    detail = Text(
        en="Requests can be submitted up to and including {closes_on}; they are assessed together.",
        nl="Aanvragen kunnen tot en met {closes_on} worden ingediend; zij worden samen beoordeeld.",
    )
    remedy = Text(
        en="Submit the proposal after the last submission date.",
        nl="Leg het voorstel voor na de uiterste indieningsdatum.",
    )


class ProposalIncomplete(Refusal):
    slug = "proposal-incomplete"
    rule = "VIS-6.3"
    title = Text(en="Not all requests are in it", nl="Niet alle aanvragen staan erin")
    detail = Text(
        en=(
            "{missing_count} requests of the tranche are not assessed in full, or not in the "
            "proposal."
        ),
        nl=(
            "{missing_count} aanvragen van de tranche zijn niet volledig beoordeeld, of staan "
            "niet in het voorstel."
        ),
    )
    remedy = Text(
        en="Assess each request on all five criteria, and give it a place in the proposal.",
        nl="Beoordeel elke aanvraag op alle vijf criteria en geef haar een plaats in het voorstel.",
    )


class ItemUnknown(Refusal):
    slug = "proposal-item-unknown"
    kind = Kind.CONFLICT
    rule = "VIS-6.3"
    title = Text(en="Not in this proposal", nl="Niet in dit voorstel")
    detail = Text(
        en="Some of these requests are not in the proposal, or are in it twice.",
        nl="Sommige van deze aanvragen staan niet in het voorstel, of staan er dubbel in.",
    )
    remedy = Text(
        en="Name requests of the proposal, each once.",
        nl="Noem aanvragen uit het voorstel, elk één keer.",
    )


class ItemGone(Refusal):
    slug = "proposal-item-gone"
    rule = "VIS-6.3"
    title = Text(en="No longer to be proposed", nl="Niet meer voor te leggen")
    detail = Text(
        en="{gone_count} requests in the proposal were withdrawn or put before the MT elsewhere.",
        nl="{gone_count} aanvragen uit het voorstel zijn ingetrokken of al elders voorgelegd.",
    )
    remedy = Text(
        en="Rank the items anew, without these requests.",
        nl="Rangschik het voorstel opnieuw, zonder deze aanvragen.",
    )


class ItemOutdated(Refusal):
    slug = "proposal-item-outdated"
    rule = "VIS-6.3"
    title = Text(en="Figures of before", nl="Cijfers van eerder")
    detail = Text(
        en=(
            "{outdated_count} requests were assessed or classified anew since they were put in "
            "the proposal: it does not hold their figures as they are now."
        ),
        nl=(
            "{outdated_count} aanvragen zijn opnieuw beoordeeld of ingedeeld sinds zij in het "
            "voorstel staan: het bevat niet hun cijfers van nu."
        ),
    )
    remedy = Text(
        en="Rank the items anew: they take the figures as they are then.",
        nl="Rangschik het voorstel opnieuw: het neemt de cijfers over zoals ze dan zijn.",
    )


class LeavesBeforeTheStart(Refusal):
    slug = "leaves-before-the-start"
    rule = "VIS-5.5"
    title = Text(en="Leaves before it starts", nl="Uit dienst voor het begin")
    detail = Text(
        en="A participant leaves on {left_on}, before the training starts on {starts_on}.",
        nl=(
            "Een deelnemer gaat uit dienst op {left_on}, voor het begin van de opleiding op "
            "{starts_on}."
        ),
    )
    remedy = Text(
        en="Grant in part, to those who can take part.",
        nl="Ken deels toe, aan wie kan deelnemen.",
    )


class AlreadyDecided(Refusal):
    slug = "already-decided"
    rule = "VIS-6.6"
    title = Text(en="Already decided", nl="Al besloten")
    detail = Text(
        en="The MT decided on this request on {decided_at}: {outcome}.",
        nl="Het MT heeft over deze aanvraag besloten op {decided_at}: {outcome}.",
    )
    remedy = Text(
        en="A decision is not changed; take a later one that revises it.",
        nl="Een besluit wordt niet gewijzigd; neem een later besluit dat het herziet.",
    )


class AlreadyRevised(Refusal):
    slug = "already-revised"
    rule = "VIS-6.6"
    title = Text(en="Not the decision in force", nl="Niet het geldende besluit")
    detail = Text(
        en="This decision was revised before; only the one in force can be.",
        nl="Dit besluit is al herzien; alleen het geldende besluit kan worden herzien.",
    )
    remedy = Text(
        en="Read the request's decisions, and revise the last one.",
        nl="Lees de besluiten over de aanvraag, en herzie het laatste.",
    )


class OwnRequest(Refusal):
    slug = "own-request"
    kind = Kind.FORBIDDEN
    rule = "VIS-5.1"
    title = Text(en="Your own request", nl="Uw eigen aanvraag")
    detail = Text(
        en="You take part in this request or submitted it: another member of the MT decides.",
        nl="U neemt deel aan deze aanvraag of diende haar in: een ander MT-lid besluit.",
    )
    remedy = Text(
        en="Have another member of the management team decide on this request.",
        nl="Laat een ander lid van het managementteam over deze aanvraag besluiten.",
    )


class MotivationMissing(Refusal):
    slug = "motivation-missing"
    rule = "VIS-6.3"
    title = Text(en="Without a motivation", nl="Zonder motivering")
    detail = Text(
        en=(
            "A decision that departs from the proposal, refuses, defers or grants in part needs "
            "one."
        ),
        nl=(
            "Een besluit dat afwijkt van het voorstel, afwijst, aanhoudt of deels toekent, vraagt "
            "er een."
        ),
    )
    remedy = Text(
        en="Say in the motivation why the MT decides so.",
        nl="Geef in de motivering waarom het MT zo besluit.",
    )


class DecisionContradictsItself(Refusal):
    slug = "decision-contradicts-itself"
    rule = "VIS-6.3"
    title = Text(en="Outcome and figures differ", nl="Uitkomst en cijfers verschillen")
    detail = Text(
        en=(
            "The outcome is {outcome}, while {granted_cents} of {requested_cents} is granted;"
            " granted is the whole of it, partly granted is less."
        ),
        nl=(
            "De uitkomst is {outcome}, terwijl {granted_cents} van {requested_cents} wordt"
            " toegekend; toegekend is het geheel, deels toegekend is minder."
        ),
    )
    remedy = Text(
        en="Grant the whole, or call it a grant in part with fewer participants or a lower amount.",
        nl="Ken het geheel toe, of ken deels toe met minder deelnemers of een lager bedrag.",
    )


class MoreThanRequested(Refusal):
    slug = "more-than-requested"
    rule = "VIS-6.3"
    title = Text(en="More than was requested", nl="Meer dan gevraagd")
    detail = Text(
        en="{asked_cents} is granted on a request of {requested_cents}.",
        nl="{asked_cents} wordt toegekend op een aanvraag van {requested_cents}.",
    )
    remedy = Text(
        en="Grant at most what the request costs.",
        nl="Ken ten hoogste toe wat de aanvraag kost.",
    )


class NotAParticipant(Refusal):
    slug = "not-a-participant"
    rule = "VIS-6.6"
    title = Text(en="Not a participant", nl="Geen deelnemer")
    detail = Text(
        en="An employee who is not a participant of the request can not be granted a place in it.",
        nl=(
            "Aan een medewerker die geen deelnemer van de aanvraag is, kan geen plaats worden "
            "toegekend."
        ),
    )
    remedy = Text(
        en="Name participants of the request only.",
        nl="Noem alleen deelnemers van de aanvraag.",
    )


class NothingToRevise(Refusal):
    slug = "nothing-to-revise"
    rule = "VIS-6.6"
    title = Text(en="The request is past deciding", nl="De aanvraag is niet meer te besluiten")
    detail = Text(
        en="The request is {status}; a decision on it can no longer be revised.",
        nl="De aanvraag is {status}; een besluit erover kan niet meer worden herzien.",
    )
    remedy = Text(
        en="Submit a new request.",
        nl="Dien een nieuwe aanvraag in.",
    )


CONSTRAINTS: dict[str, type[Refusal]] = {
    "uq_proposals_organisation_id_tranche_id_open": ProposalExists,
    "uq_decisions_organisation_id_revises_id": AlreadyRevised,
}
