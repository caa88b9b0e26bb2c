"""What the policy of an organisation refuses."""

from app.kernel.errors import NotFound, Refusal, Text


class OrganisationNotFound(NotFound):
    slug = "organisation-not-found"
    title = Text(en="No such organisation", nl="Geen organisatie")


class PolicyVersionNotFound(NotFound):
    slug = "policy-version-not-found"
    title = Text(en="No such policy version", nl="Geen beleidsversie met dit kenmerk")


class NoPolicyInForce(Refusal):
    slug = "no-policy-in-force"
    rule = "LAW-11"
    title = Text(en="No policy in force", nl="Geen beleid van kracht")
    detail = Text(
        en="No policy version of this organisation is live on {day_on}.",
        nl="Op {day_on} is geen beleidsversie van deze organisatie van kracht.",
    )
    remedy = Text(
        en="Have the management team activate a policy version valid from that day or earlier.",
        nl="Laat het managementteam een beleidsversie activeren die op die dag of eerder ingaat.",
    )


class PolicyVersionIsLive(Refusal):
    slug = "policy-version-is-live"
    rule = "LAW-11"
    title = Text(en="The policy version is live", nl="De beleidsversie is van kracht")
    detail = Text(
        en="A policy version that has gone live is never changed: decisions rest on it.",
        nl="Een beleidsversie die van kracht is geworden wijzigt niet meer: besluiten rusten erop.",
    )
    remedy = Text(
        en="Draft a new version that is valid from a later day.",
        nl="Stel een nieuwe versie op die op een latere dag ingaat.",
    )


class ConsentMissing(Refusal):
    slug = "consent-missing"
    rule = "LAW-11"
    title = Text(en="No works council consent or cao named", nl="Instemming OR of cao niet genoemd")
    detail = Text(
        en=(
            "Rules on training need the works council's consent unless the collective agreement "
            "governs them; this version names neither."
        ),
        nl=(
            "Een regeling over opleiding behoeft de instemming van de ondernemingsraad, tenzij de "
            "cao haar regelt; deze versie noemt geen van beide."
        ),
    )
    remedy = Text(
        en="Add the reference of the consent or of the collective agreement to the draft.",
        nl="Voeg het kenmerk van de instemming of van de cao toe aan het concept.",
    )


class PolicyNotSucceeding(Refusal):
    slug = "policy-not-succeeding"
    rule = "LAW-11"
    title = Text(
        en="The version does not come after the last one",
        nl="De versie volgt niet op de laatste",
    )
    detail = Text(
        en="This version is valid from {valid_from_on}; one is live from {latest_live_on} already.",
        nl="Deze versie gaat in op {valid_from_on}; er is al een versie vanaf {latest_live_on}.",
    )
    remedy = Text(
        en="Choose a first day later than that of every live version.",
        nl="Kies een eerste dag die later is dan die van elke versie die van kracht is.",
    )


CONSTRAINTS: dict[str, type[Refusal]] = {
    "ck_policy_versions_live_is_final": PolicyVersionIsLive,
    "ck_policy_versions_consent": ConsentMissing,
}
