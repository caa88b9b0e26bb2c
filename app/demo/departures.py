"""Who leaves the demo employer: announced by the HRIS, explained by HR, and what is reclaimed."""

from datetime import date
from uuid import UUID

from app.agreements.rules import ClaimStatus
from app.agreements.service import AgreementService
from app.demo import people, tranches
from app.demo.earlier import RECLASSIFIED
from app.demo.stage import EXPORT, Stage, at
from app.kernel.pages import PageOf
from app.kernel.quantities import Cents
from app.people.rules import LeavingInitiative, LeavingReason
from app.requests.rules import TrainingBasis
from app.requests.service import RequestService

_EXPORTED_ON = date(2026, 9, 14)
_EXPLAINED_ON = date(2026, 9, 16)

# What HR hears of those who leave; of the others the HRIS tells the day alone.
_EXPLAINED: tuple[tuple[str, LeavingReason, LeavingInitiative], ...] = (
    ("101253", LeavingReason.RESIGNATION, LeavingInitiative.EMPLOYEE),
    ("101129", LeavingReason.MUTUAL_CONSENT, LeavingInitiative.MUTUAL),
    ("101642", LeavingReason.END_OF_TERM, LeavingInitiative.EMPLOYER),
    ("102060", LeavingReason.END_OF_TERM, LeavingInitiative.EMPLOYER),
    ("102012", LeavingReason.RESIGNATION, LeavingInitiative.EMPLOYEE),
    ("101781", LeavingReason.RESIGNATION, LeavingInitiative.EMPLOYEE),
    ("100797", LeavingReason.END_OF_TERM, LeavingInitiative.EMPLOYER),
    ("100392", LeavingReason.RETIREMENT, LeavingInitiative.EMPLOYEE),
)
_WAIVED, _CONFIRMED, _EXPORTED = "101642", "102060", "101253"
_COST_MADE = Cents(290_000)


async def leave(stage: Stage) -> None:
    """Take over who leaves, say why as far as that is known, and let claims take their course."""
    await people.take_export(stage, EXPORT.read_bytes(), taken_on=_EXPORTED_ON)
    hr = AgreementService(stage.by("hr", at(_EXPLAINED_ON, 11)))
    for number, reason, initiative in _EXPLAINED:
        left_on = stage.roster.by_number[number].left_on
        if left_on is None:
            raise AssertionError(number)  # those above have a last day in the export
        await hr.end_employment(
            stage.ids[number], left_on=left_on, reason=reason, initiative=initiative
        )
    await AgreementService(stage.by("hr", at(date(2026, 10, 1), 10))).confirm(
        (await _claim_on(stage, _CONFIRMED)),
        reason="Het contract was niet verlengd wegens het functioneren; besproken met het MT.",
        expected=None,
    )
    await AgreementService(stage.by("mt", at(date(2026, 10, 6), 11))).waive(
        (await _claim_on(stage, _WAIVED)),
        reason="Het contract is op initiatief van de dienst niet verlengd.",
        expected=None,
    )
    await AgreementService(stage.by("hr", at(date(2026, 10, 12), 10))).export(
        (await _claim_on(stage, _EXPORTED)),
        cost_made_cents=_COST_MADE,
        payroll_reference="SAL-2026-1014",
        expected=None,
    )
    await _reclassify(stage)


async def _claim_on(stage: Stage, number: str) -> UUID:
    """Return the claim on an employee that stands."""
    found = await AgreementService(stage.by("hr", stage.work.now)).claims(
        PageOf(limit=100), status=None, employee_id=stage.ids[number], agreement_id=None
    )
    return next(row.id for row in found.items if row.status != ClaimStatus.WITHDRAWN)


async def _reclassify(stage: Stage) -> None:
    """Classify a training anew as necessary for the function: its clause is void (LAW-1)."""
    details = (await tranches.by_reference(stage, [RECLASSIFIED]))[RECLASSIFIED]
    hr = stage.by("hr", at(date(2026, 10, 20), 15))
    await RequestService(hr).classify(
        details.id,
        TrainingBasis.NECESSARY_FOR_FUNCTION,
        expected=None,
        source="Functieprofiel juridisch handhaver, 2025",
        reason="Het functieprofiel eist deze opleiding sinds 2025; dat was niet onderkend.",
    )
    await AgreementService(hr).reclassified(details.id)
