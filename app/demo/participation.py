"""What follows a grant in the demo: agreements, attendance, invoices, completion."""

import random
from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from itertools import groupby
from uuid import UUID

from app.agreements.rules import AgreementStatus
from app.agreements.schemas import DrawingUpIn
from app.agreements.service import AgreementService
from app.budgets.models import Commitment
from app.budgets.rules import CommitmentStatus
from app.budgets.service import BudgetService
from app.demo.stage import Stage, at
from app.demo.trainings import seeded
from app.hours.models import HourReservation
from app.hours.rules import Attended, ReservationStatus
from app.hours.service import HourService
from app.kernel.calendar import add_months
from app.kernel.holidays import next_working_day
from app.kernel.pages import PageOf
from app.kernel.quantities import Cents, Minutes, part
from app.requests.rules import (
    Outcome,
    OutcomeKind,
    RequestDetails,
    RequestStatus,
    TrainingKind,
)
from app.requests.service import RequestService

_EVERYTHING = PageOf(limit=100_000)
_GRANTED = frozenset({RequestStatus.GRANTED, RequestStatus.PARTLY_GRANTED})
_TODAYS_DOCUMENTS = 6
# What the last invoice comes to, of what is still committed.
_THOUSANDTHS = (1_000, 1_000, 1_000, 985, 960)
_LONG = timedelta(days=180)
_PERCENT_ABSENT = 4
_PERCENT_LEFT_EARLY = 4
_LEFT_EARLY_MINUTES = 120

_ABSENCES = ("Ziek gemeld.", "Incidentdienst.", "Zitting van de rechtbank op dezelfde dag.")


async def agree(
    stage: Stage,
    tranche_id: UUID,
    *,
    first_day: date,
    not_signed: Collection[str] = (),
) -> None:
    """Draw the agreements of a tranche up and have both sides sign them, some a day.

    ``not_signed`` are the references of requests whose agreements are left for later.
    """
    requests = await RequestService(stage.work).in_tranche(tranche_id)
    wanted = [
        agreement_id
        for details in sorted(requests, key=lambda details: details.reference)
        if details.reference not in not_signed
        for agreement_id in await required(stage, details)
    ]
    day = first_day
    for start in range(0, len(wanted), _TODAYS_DOCUMENTS):
        day = next_working_day(day)
        for agreement_id in wanted[start : start + _TODAYS_DOCUMENTS]:
            await draw_up_and_sign(stage, agreement_id, drawn_up_on=day)
        day += timedelta(days=1)


async def required(stage: Stage, details: RequestDetails) -> list[UUID]:
    """Return the agreements that a grant called for and nobody has drawn up, by employee."""
    found = await AgreementService(stage.by("hr", stage.work.now)).agreements(
        _EVERYTHING,
        status=AgreementStatus.REQUIRED,
        request_id=details.id,
        employee_id=None,
    )
    by_number = sorted(found.items, key=lambda row: stage.number_of(row.employee_id))
    return [row.id for row in by_number]


async def draw_up_and_sign(stage: Stage, agreement_id: UUID, *, drawn_up_on: date) -> None:
    """Draw an agreement up; the employee signs the next working day, the manager after that."""
    sha256, employee, manager = await draw_up(stage, agreement_id, drawn_up_on=drawn_up_on)
    day = drawn_up_on
    for who, hour in ((employee, 9), (manager, 16)):
        day = next_working_day(day + timedelta(days=1))
        await sign(stage, agreement_id, sha256, who=who, signed_on=day, hour=hour)


async def draw_up(stage: Stage, agreement_id: UUID, *, drawn_up_on: date) -> tuple[str, str, str]:
    """Draw an agreement up as HR; return its SHA-256 and the numbers of who signs, in order."""
    service = AgreementService(stage.by("hr", at(drawn_up_on, 11)))
    row = (await service.draw_up(agreement_id, DrawingUpIn(), expected=None)).row
    if row.document_sha256 is None or row.manager_id is None:
        raise AssertionError  # what is drawn up has both
    return row.document_sha256, stage.number_of(row.employee_id), stage.number_of(row.manager_id)


async def sign(
    stage: Stage, agreement_id: UUID, sha256: str, *, who: str, signed_on: date, hour: int
) -> None:
    """Sign an agreement as an employee, or as the manager it names."""
    service = AgreementService(stage.by(who, at(signed_on, hour)))
    await service.sign(agreement_id, document_sha256=sha256)


async def take_part(stage: Stage, requests: Iterable[RequestDetails], *, until: date) -> None:
    """Record who attended which session up to a day, a month at a time, as HR hears it."""
    granted = [details for details in requests if details.status in _GRANTED]
    held: list[tuple[RequestDetails, HourReservation]] = []
    for details in sorted(granted, key=lambda details: details.reference):
        page = await HourService(stage.by("hr", stage.work.now)).reservations(
            request_id=details.id, employee_id=None, page=_EVERYTHING
        )
        held += [
            (details, one)
            for one in page.items
            if one.status == ReservationStatus.OPEN and one.held_on <= until
        ]
    held.sort(
        key=lambda pair: (
            pair[1].held_on,
            pair[0].reference,
            pair[1].session_id,
            stage.number_of(pair[1].employee_id),
        )
    )
    for _month, group in groupby(held, key=lambda pair: pair[1].held_on.replace(day=1)):
        await _record_month(stage, list(group), until=until)


async def _record_month(
    stage: Stage, held: Sequence[tuple[RequestDetails, HourReservation]], *, until: date
) -> None:
    month_after = add_months(held[0][1].held_on.replace(day=1), 1)
    recorded_on = min(next_working_day(month_after), until)
    hours = HourService(stage.by("hr", at(recorded_on, 18)))
    by_session = groupby(held, key=lambda pair: (pair[0].reference, pair[1].session_id))
    for (reference, session_id), group in by_session:
        sitting = list(group)
        await hours.record_attendance(
            sitting[0][0].id,
            session_id,
            [
                _attended(
                    one, seeded(reference, stage.number_of(one.employee_id), str(one.held_on))
                )
                for _details, one in sitting
            ],
        )


def _attended(held: HourReservation, chance: random.Random) -> Attended:
    """Return what was attended: nearly always all of it, at times nothing, for a reason."""
    drawn = chance.randrange(100)
    if drawn < _PERCENT_ABSENT:
        return Attended(held.employee_id, Minutes(0), chance.choice(_ABSENCES))
    if drawn < _PERCENT_ABSENT + _PERCENT_LEFT_EARLY and held.minutes > _LEFT_EARLY_MINUTES:
        return Attended(held.employee_id, Minutes(held.minutes - _LEFT_EARLY_MINUTES), None)
    return Attended(held.employee_id, held.minutes, None)


async def complete(
    stage: Stage,
    requests: Iterable[RequestDetails],
    *,
    until: date,
    not_completed: Collection[str] = (),
) -> None:
    """Record the completion of what has ended two weeks before a day, some weeks after its end.

    ``not_completed`` are the references of what ended without anybody completing it.
    """
    for details in sorted(requests, key=lambda details: (details.ends_on, details.reference)):
        recorded_on = next_working_day(details.ends_on + timedelta(days=12))
        if details.status not in _GRANTED or recorded_on > until:
            continue
        done = details.reference not in not_completed
        await RequestService(stage.by("hr", at(recorded_on, 15))).complete(
            details.id,
            expected=None,
            completed_on=details.ends_on,
            outcome=_outcome(details) if done else None,
            completed=dict.fromkeys(details.enrolled_ids, done),
        )


def _outcome(details: RequestDetails) -> Outcome:
    match details.kind:
        case TrainingKind.EXAM:
            return Outcome(OutcomeKind.BRANCH_CERTIFICATE, None, None)
        case TrainingKind.EDUCATION:
            return Outcome(OutcomeKind.MICROCREDENTIAL, 6, 30)
        case TrainingKind.WORK_EXPERIENCE:
            return Outcome(OutcomeKind.PRACTICE_STATEMENT, None, None)
        case _:
            return Outcome(OutcomeKind.NONE, None, None)


async def invoice(
    stage: Stage, year: int, requests: Iterable[RequestDetails], *, until: date
) -> None:
    """Book the invoices of what began three weeks before a day, on the means of a year.

    Most are as granted; some cost a little less, and a long training is paid in two parts.
    """
    started = {details.id: details for details in requests if details.starts_on < until}
    page = await BudgetService(stage.work).commitments(year=year, request_id=None, page=_EVERYTHING)
    for commitment in page.items:
        details = started.get(commitment.request_id)
        if commitment.status == CommitmentStatus.OPEN and details is not None:
            await _book(stage, commitment, details, until=until)


async def _book(
    stage: Stage, commitment: Commitment, details: RequestDetails, *, until: date
) -> None:
    """Book the next invoice: the only one, or of a long training the one of its start or end."""
    long = details.ends_on - details.starts_on > _LONG
    second = commitment.spent_cents > 0
    due_on = details.ends_on if second else details.starts_on
    invoiced_on = next_working_day(due_on + timedelta(days=20))
    if invoiced_on > until:
        return
    chance = seeded(details.reference, "invoice", "second" if second else "first")
    amount = commitment.open_cents
    if long and not second:
        amount = part(amount, numerator=1, denominator=2)
    else:
        amount = part(amount, numerator=chance.choice(_THOUSANDTHS), denominator=1_000)
    hr = BudgetService(stage.by("hr", at(invoiced_on, 12)))
    await hr.book(
        commitment.id,
        amount_cents=Cents(amount),
        invoice_reference=f"F{invoiced_on.year}-{chance.randint(1, 9_999):04}",
        invoiced_on=invoiced_on,
        final=second or not long,
        expected=None,
    )
