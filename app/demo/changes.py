"""What comes between the demo's tranches: promises of before, interim requests, changed plans."""

from datetime import date

from app.decisions.rules import Outcome
from app.decisions.service import DecisionService, Promise, Resolved
from app.demo import participation, tranches
from app.demo.earlier import CANCELLED, REVISED
from app.demo.stage import Stage, at
from app.demo.trainings import BOA_EXAM, draft_for
from app.kernel.pages import PageOf
from app.kernel.quantities import Cents, Minutes
from app.requests.rules import RequestDetails, TrainingBasis
from app.requests.service import RequestService

PROMISED = "T2025-014"

_LEADS_BOA = "100189"
_BOA = "101585"
_STAYS_ON_REVISION = ("100335", "101171")


async def settle_promises(stage: Stage) -> None:
    """Settle what was promised before the policy (VIS-9.1), and have it agreed in time."""
    promise = Promise(
        reference=PROMISED,
        title="Hogere Veiligheidskunde (HVK)",
        provider="Kader",
        personnel_numbers=("101766",),
        starts_on=date(2026, 3, 2),
        ends_on=date(2026, 11, 27),
        amount_cents=Cents(1_082_950),
        minutes_per_participant=Minutes(96 * 60),
        basis=TrainingBasis.NECESSARY_FOR_FUNCTION,
        source="Toezegging van het afdelingshoofd Toezicht, brief van 3 oktober 2024.",
    )
    await DecisionService(stage.by("mt", at(date(2026, 2, 10), 11))).settle_existing([promise])
    details = (await tranches.by_reference(stage, [PROMISED]))[PROMISED]
    for agreement_id in await participation.required(stage, details):
        await participation.draw_up_and_sign(stage, agreement_id, drawn_up_on=date(2026, 2, 12))


async def grant_interim(stage: Stage) -> None:
    """Take an interim request up for a certificate that expires, with the MT's consent first."""
    manager = RequestService(stage.by(_LEADS_BOA, at(date(2026, 4, 7), 10)))
    day = date(2026, 5, 12)
    draft = draft_for(
        BOA_EXAM,
        [stage.ids[_BOA]],
        starts_on=day,
        ends_on=day,
        motivation="Het certificaat verloopt op 1 juni 2026, eerder dan het register aangaf.",
    )
    request_id = (await manager.draft(draft)).id
    await manager.submit(
        request_id,
        expected=None,
        necessity="Zonder geldig certificaat vervalt de opsporingsbevoegdheid op 1 juni 2026.",
    )
    await RequestService(stage.by("mt", at(date(2026, 4, 9), 9))).consent(
        request_id,
        expected=None,
        reason="De bevoegdheid is nodig en kan niet wachten op de tweede tranche.",
    )
    requests = RequestService(stage.work)
    await tranches.assess(
        stage, [(await requests.details([request_id]))[request_id]], first_day=date(2026, 4, 10)
    )
    hr = DecisionService(stage.by("hr", at(date(2026, 4, 13), 9)))
    view = await hr.propose(
        tranche_id=None,
        request_ids=[request_id],
        title="Voorstel tussentijdse aanvraag hercertificering",
        substantiation="Wettelijke noodzaak; het MT stemde op 9 april in met de behandeling.",
    )
    await hr.submit(view.proposal.id, expected=None)
    await DecisionService(stage.by("mt", at(date(2026, 4, 14), 11))).decide(
        view.proposal.id, [], adopt_rest=True, expected=None
    )


async def change_plans(stage: Stage) -> None:
    """Revise one grant, for one of the people changed jobs, and cancel a training."""
    found = await tranches.by_reference(stage, [CANCELLED, REVISED])
    mt = DecisionService(stage.by("mt", at(date(2026, 5, 19), 11)))
    decisions = await mt.decisions(
        proposal_id=None, request_id=found[REVISED].id, page=PageOf(limit=1)
    )
    earlier, _in_force = decisions.items[0]
    await mt.revise(
        earlier.id,
        Resolved(
            request_id=found[REVISED].id,
            outcome=Outcome.PARTLY_GRANTED,
            amount_cents=None,
            employee_ids=frozenset(stage.ids[number] for number in _STAYS_ON_REVISION),
            motivation="Een van de drie deelnemers krijgt per 1 september andere taken.",
            conditions=None,
        ),
    )
    await _cancel(stage, found[CANCELLED])


async def _cancel(stage: Stage, details: RequestDetails) -> None:
    await DecisionService(stage.by("hr", at(date(2026, 6, 30), 14))).cancel(
        details.id,
        reason="De opleider heeft de uitvoering geannuleerd wegens te weinig deelnemers.",
        expected=None,
    )
