"""What lies ready in the demo for whoever tries the API: for each step something that awaits it.

The rest of the history leaves some steps nothing to act on: what was granted was followed up, and
what was proposed is before the MT. Here is one of each that is not, without means of a year or
hours of 2027, so that the proposals before the MT weigh as they did.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from app.decisions.service import DecisionService, Promise
from app.demo import tranches
from app.demo.policies import POLICY_2027
from app.demo.stage import Stage, at
from app.demo.trainings import (
    BOA_EXAM,
    NOISE,
    POWER_BI,
    PROJECTS,
    RESILIENCE,
    SEVESO,
    Course,
    draft_for,
)
from app.kernel.quantities import Cents, Minutes
from app.policy.rules import ConsentKind
from app.policy.schemas import PolicyVersionIn, WorksCouncilConsent
from app.policy.service import PolicyService
from app.requests.rules import TrainingBasis
from app.requests.service import RequestService

_LEADS_BOA = "100189"
_DRAFTED_ON, _CONSENTED_ON, _ASSESSED_ON, _PROPOSED_ON = (
    date(2026, 11, 12),
    date(2026, 11, 16),
    date(2026, 11, 17),
    date(2026, 11, 19),
)


async def lay_ready(stage: Stage) -> None:
    """Lay ready what awaits its manager, HR, the MT, or the administrator."""
    await _drafts(stage)
    await _interim(stage)
    await _still_to_record(stage)
    await _policies(stage)


async def _drafts(stage: Stage) -> None:
    """Draft what the manager can change, submit or withdraw, and what waits for an endorsement."""
    autumn = date(2027, 9, 27), date(2027, 11, 26)
    for course, person, motivation in (
        (NOISE, "101058", "Het team krijgt meer geluidklachten bij industrie te beoordelen."),
        (RESILIENCE, "100622", "Herhaling na twee jaar, zoals in het teamplan staat."),
        (SEVESO, "100418", "Neemt in 2028 de inspecties van een vertrekkende collega over."),
    ):
        await _draft(stage, "manager", course, [person], days=autumn, motivation=motivation)
    for course, person, motivation in (
        (POWER_BI, "100446", "Ik wil de meldingen van bedrijven kunnen vergelijken."),
        (PROJECTS, "101003", "Ik ga de invoering van het nieuwe zaaksysteem leiden."),
    ):
        await _draft(stage, person, course, [person], days=autumn, motivation=motivation)


async def _interim(stage: Stage) -> None:
    """Let interim requests wait for the MT's answer, and for their proposals to be submitted."""
    for person, held_on in (
        ("101099", date(2027, 1, 12)),
        ("101251", date(2027, 1, 26)),
        ("101812", date(2027, 2, 2)),
    ):
        await _submit_interim(stage, [person], held_on)
    for title, person, held_on in (
        ("Voorstel tussentijdse hercertificering, januari", "101511", date(2027, 1, 14)),
        ("Voorstel tussentijdse hercertificering, februari", "101757", date(2027, 2, 9)),
    ):
        request_id = await _submit_interim(stage, [person], held_on)
        await RequestService(stage.by("mt", at(_CONSENTED_ON, 9))).consent(
            request_id, expected=None, reason="De bevoegdheid mag niet vervallen."
        )
        requests = RequestService(stage.work)
        details = (await requests.details([request_id]))[request_id]
        await tranches.assess(stage, [details], first_day=_ASSESSED_ON)
        await DecisionService(stage.by("hr", at(_PROPOSED_ON, 11))).propose(
            tranche_id=None,
            request_ids=[request_id],
            title=title,
            substantiation="Wettelijke noodzaak; het MT stemde in met de behandeling.",
        )


async def _submit_interim(stage: Stage, people: Sequence[str], held_on: date) -> UUID:
    request_id = await _draft(
        stage,
        _LEADS_BOA,
        BOA_EXAM,
        people,
        days=(held_on, held_on),
        motivation="Het certificaat verloopt voor het besluit over de tranche.",
    )
    await RequestService(stage.by(_LEADS_BOA, at(_DRAFTED_ON, 15))).submit(
        request_id,
        expected=None,
        necessity="Zonder geldig certificaat vervalt de opsporingsbevoegdheid.",
    )
    return request_id


async def _still_to_record(stage: Stage) -> None:
    """Settle an instruction that cost nothing, of which nobody recorded who attended."""
    promise = Promise(
        reference="T2026-031",
        title="Instructie nieuw inspectiesysteem",
        provider="Leverancier van het inspectiesysteem",
        personnel_numbers=("100537", "100728", "100896", "101255", "101667"),
        starts_on=date(2026, 11, 17),
        ends_on=date(2026, 11, 19),
        amount_cents=Cents(0),
        minutes_per_participant=Minutes(3 * 4 * 60),
        basis=TrainingBasis.NECESSARY_FOR_FUNCTION,
        source="Begrepen in het contract met de leverancier van 12 januari 2026.",
    )
    await DecisionService(stage.by("mt", at(date(2026, 11, 10), 11))).settle_existing([promise])


async def _policies(stage: Stage) -> None:
    """Draft the policies of the years to come: one awaits the MT, the other is being written."""
    admin = PolicyService(stage.by("admin", at(date(2026, 11, 18), 14)))
    for year, reference, given_on in (
        (2028, "OR 2026-19", date(2026, 11, 12)),
        (2029, "OR 2026-20", date(2026, 11, 12)),
    ):
        consent = WorksCouncilConsent(
            kind=ConsentKind.WORKS_COUNCIL, reference=reference, given_on=given_on
        )
        await admin.draft(
            PolicyVersionIn(
                title=f"Beleid leren en ontwikkelen {year}",
                valid_from=date(year, 1, 1),
                settings=POLICY_2027.settings.model_copy(update={"consent": consent}),
            )
        )


async def _draft(
    stage: Stage,
    who: str,
    course: Course,
    people: Sequence[str],
    *,
    days: tuple[date, date],
    motivation: str,
) -> UUID:
    starts_on, ends_on = days
    draft = draft_for(
        course,
        [stage.ids[number] for number in people],
        starts_on=starts_on,
        ends_on=ends_on,
        motivation=motivation,
        conversation_on=date(2026, 10, 6),
    )
    return (await RequestService(stage.by(who, at(_DRAFTED_ON, 13))).draft(draft)).id
