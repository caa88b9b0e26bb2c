"""Training agreements: called for by a grant, drawn up, signed; and what leaving gives rise to."""

import asyncio
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, cast
from uuid import UUID

import typst
from sqlalchemy import Row

from app.agreements.errors import (
    AgreementFrozen,
    AgreementNotFound,
    ClaimHasNoGround,
    ClaimNotFound,
    DocumentAltered,
    DocumentChanged,
    DocumentNotDrawnUp,
    NoManager,
    OwnClaim,
    SubsidiesBeyondCost,
)
from app.agreements.models import Agreement, RepaymentClaim, Signature
from app.agreements.repository import AgreementRepository
from app.agreements.rules import (
    SIGNING,
    AgreementAction,
    AgreementRequirement,
    AgreementStatus,
    ClaimAction,
    ClaimStatus,
    ClauseVerdict,
    RepaymentClause,
    RepaymentResult,
    SignatureRole,
    agreement_requirement,
    check_in_time,
    check_wish,
    clause_allowed,
    clause_for,
    completion_day,
    confirmation_needed,
    employment_of,
    example_departures,
    investment,
    next_agreement_status,
    next_claim_status,
    not_in_force,
    nothing_due,
    own_cost,
    repayment_at_recovery,
    signs_as,
    stays,
    survives,
)
from app.agreements.schemas import (
    AgreementTerms,
    DrawingUpIn,
    PartyOut,
    schedule_as_rule,
    schedule_as_terms,
    stored_steps,
)
from app.db.audit import AuditTrail
from app.db.work import Work
from app.hours.service import HourService
from app.kernel.actors import Role
from app.kernel.calendar import amsterdam_day, starts_at
from app.kernel.errors import check_version
from app.kernel.identifiers import new_id
from app.kernel.pages import Page, PageOf
from app.kernel.quantities import Cents, Minutes, percentage
from app.kernel.steps import Step
from app.people.rules import EmployeeView, EndOfEmployment, LeavingInitiative, LeavingReason
from app.people.schemas import EmploymentIn
from app.people.service import PeopleService
from app.policy.rules import MonthlySliding, Policy, Staircase
from app.policy.service import PolicyService
from app.requests.errors import OwnRequest, RequestNotFound
from app.requests.rules import (
    Outcome,
    RequestDetails,
    TrainingBasis,
    check_free_text,
)
from app.requests.service import RequestService

# Who sees every agreement; anybody else their own, and a manager those of their people.
_SEE_ALL = (Role.HR, Role.MT, Role.AUDITOR)

# A signer is known by the token of the organisation's own sign-in (LAW-14: how was signed).
_SIGNED_HOW = "openid-connect"

_DECIDED_ANEW = "A later decision was taken."
_END_CHANGED = "The end of employment changed."
_END_WITHDRAWN = "The end of employment was withdrawn."
_EMPLOYED_ON = "Another employment follows directly on the one that ended."
_COMPLETED = "The completion of the training was recorded."
_CANCELLED = "The training was cancelled."
_CLAUSE_RESTORED = "The clause holds again: the training was classified as voluntary."
_MANAGER_GONE = "The manager it names no longer leads the employee."

_TEMPLATE = Path(__file__).with_name("templates") / "agreement.typ"
# For the personnel file: PDF/A, which holds its fonts and its structure.
_ARCHIVAL = "a-2a"
_TYPESETTING = Lock()


@dataclass(frozen=True, slots=True)
class AgreementDetails:
    """An agreement with all there is to it; ``verdict`` is today's, not that of the signing."""

    row: Agreement
    terms: AgreementTerms | None
    signatures: Sequence[Signature]
    verdict: ClauseVerdict
    starts_on: date

    @property
    def clause_in_force(self) -> bool:
        """Whether leaving can cost something: agreed, signed by both, and lawful today."""
        return (
            self.row.status == AgreementStatus.SIGNED
            and self.terms is not None
            and self.terms.repayment_schedule is not None
            and self.verdict.allowed
        )


@dataclass(frozen=True, slots=True)
class Document:
    content: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class WouldOwe:
    """What would be owed under an agreement; an example only as long as it is not in force."""

    agreement_id: UUID
    leaves_on: date
    in_force: bool
    result: RepaymentResult


@dataclass(frozen=True, slots=True)
class NoClaim:
    """An agreement of someone who leaves that gives rise to no new claim, and why."""

    agreement_id: UUID
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Departure:
    """The end of an employment with the claims it gave rise to, or why there is none."""

    end: EndOfEmployment
    claims: tuple[RepaymentClaim, ...]
    without_claim: tuple[NoClaim, ...]


class AgreementService:
    """The training agreements of one organisation, and the claims under them."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._agreements = AgreementRepository(work.session, work.organisation_id)
        self._requests = RequestService(work)
        self._people = PeopleService(work)
        self._policies = PolicyService(work)
        self._hours = HourService(work)
        self._audit = AuditTrail(work)

    # --- For the areas above --------------------------------------------------------------------

    @staticmethod
    def requirement(
        own_cost_cents: Cents, working_minutes: Minutes, policy: Policy
    ) -> AgreementRequirement:
        """Tell whether a training of this cost and time a person needs an agreement (VIS-7.1)."""
        return agreement_requirement(own_cost_cents, working_minutes, policy)

    async def call_for(
        self,
        details: RequestDetails,
        *,
        employee_ids: Collection[UUID],
        decision_id: UUID,
        policy_version_id: UUID,
        cost_cents: Cents | None = None,
    ) -> list[UUID]:
        """Call for an agreement with each of these employees, as a grant does; return the ids.

        ``cost_cents`` is what is granted for one employee, the request's own cost without it. An
        agreement that an earlier decision called for is superseded, and an open claim under it
        withdrawn, unless it ``stays``; one of the same decision stays as it is.

        Source: VIS-7.1, VIS-7.9.
        """
        granted = details.cost_per_participant_cents if cost_cents is None else cost_cents
        earlier = {
            agreement.employee_id: agreement
            for agreement in await self._agreements.lock_live_of_request(
                details.id, employee_ids=employee_ids
            )
        }
        ids: list[UUID] = []
        for employee_id in sorted(set(employee_ids)):
            before = earlier.get(employee_id)
            if before is not None and (
                before.decision_id == decision_id
                or stays(
                    AgreementStatus(before.status),
                    agreed_cents=before.cost_cents,
                    granted_cents=granted,
                    has_started=details.starts_on <= self._work.today,
                )
            ):
                ids.append(before.id)
                continue
            if before is not None:
                await self._end(before, AgreementAction.SUPERSEDE, _DECIDED_ANEW)
                await self._withdraw_open((before.id,), _DECIDED_ANEW)
            agreement = await self._called_for(
                details.id,
                employee_id,
                decision_id=decision_id,
                policy_version_id=policy_version_id,
                cost_cents=granted,
            )
            ids.append(agreement.id)
        return ids

    async def hold(self, request_id: UUID) -> frozenset[UUID]:
        """Lock a request's agreements, and return the employees whose is signed by both.

        For who is to end some of them after locking accounts.
        """
        found = await self._agreements.lock_live_of_request(request_id)
        return frozenset(
            agreement.employee_id
            for agreement in found
            if agreement.status == AgreementStatus.SIGNED.value
        )

    async def void_for(
        self, request_id: UUID, *, reason: str, employee_ids: Collection[UUID] | None = None
    ) -> list[UUID]:
        """End the agreements of a training that does not go on, or not for these employees.

        Open claims under them are withdrawn: it is the MT that decides so, which may let a claim
        go. With a blank ``reason``, as of a decision without a motivation, it says that a later
        decision was taken. Returns the ids of what was ended.
        """
        why = reason.strip() or _DECIDED_ANEW
        found = await self._agreements.lock_live_of_request(request_id, employee_ids=employee_ids)
        for agreement in found:
            await self._end(agreement, AgreementAction.VOID, why)
        await self._withdraw_open([agreement.id for agreement in found], why)
        return [agreement.id for agreement in found]

    async def stop(self, details: RequestDetails, *, reason: str) -> list[UUID]:
        """End the agreements of a training that is cancelled today; return the ids of those ended.

        Open claims under them are withdrawn. Signed by both, an agreement stays from the day the
        training starts on, and so do the claims under it, reckoned from today on as if the
        training had been completed.

        Source: VIS-7.7, LAW-3.
        """
        found = await self._agreements.lock_live_of_request(details.id)
        ended = await self._end_undone(found, details, AgreementAction.VOID, reason)
        kept = [agreement for agreement in found if agreement.id not in ended]
        await self._reckon_anew(kept, details, because=_CANCELLED)
        return sorted(ended)

    async def end_unneeded(
        self, request_id: UUID, *, employee_ids: Collection[UUID], reason: str
    ) -> list[UUID]:
        """End the agreements of those who keep their place and need none any more; return the ids.

        They are superseded, and open claims under them withdrawn. Signed by both, an agreement
        stays from the day the training starts on: a claim is on the cost really made. A blank
        ``reason`` says that a later decision was taken.

        Raises:
            RequestNotFound: there is no such request.

        Source: VIS-7.1, LAW-3.
        """
        details = (await self._requests.details((request_id,))).get(request_id)
        if details is None:
            raise RequestNotFound
        why = reason.strip() or _DECIDED_ANEW
        found = await self._agreements.lock_live_of_request(request_id, employee_ids=employee_ids)
        return sorted(await self._end_undone(found, details, AgreementAction.SUPERSEDE, why))

    async def complete(
        self,
        request_id: UUID,
        *,
        expected: frozenset[int] | None,
        completed_on: date,
        outcome: Outcome | None,
        completed: Mapping[UUID, bool],
    ) -> RequestDetails:
        """Record the completion of a training, and reckon open claims under it anew.

        A claim on who announced to leave was made as if the training would not be completed.

        Raises:
            whatever ``RequestService.complete`` refuses.

        Source: VIS-7.7.
        """
        details = await self._requests.complete(
            request_id,
            expected=expected,
            completed_on=completed_on,
            outcome=outcome,
            completed=completed,
        )
        found = await self._agreements.lock_live_of_request(request_id)
        await self._reckon_anew(found, details, because=_COMPLETED)
        return details

    async def classify(
        self,
        request_id: UUID,
        basis: TrainingBasis,
        *,
        expected: frozenset[int] | None,
        source: str | None,
        reason: str,
    ) -> tuple[RequestDetails, list[UUID]]:
        """Classify a request's basis anew, and return it with the agreements that this touches.

        Raises:
            RequestNotFound, StaleVersion, OwnRequest, BsnInText: see ``RequestService.classify``.

        Source: LAW-1 (a later reclassification voids the clause).
        """
        details = await self._requests.classify(
            request_id, basis, expected=expected, source=source, reason=reason
        )
        return details, await self.reclassified(request_id)

    async def reclassified(self, request_id: UUID) -> list[UUID]:
        """Test the clauses of a request's agreements again, after its basis was classified anew.

        Where only a voluntary training could carry the clause, it is void, and open claims are
        withdrawn. Where the clause holds again, what leaving gave rise to comes back. Returns the
        ids of the agreements that the classification touches.

        Raises:
            RequestNotFound: there is no such request.

        Source: LAW-1.
        """
        details = (await self._requests.lock((request_id,))).get(request_id)
        if details is None:
            raise RequestNotFound
        allowed = clause_allowed(details.basis).allowed
        with_clause = [
            agreement
            for agreement in await self._agreements.lock_live_of_request(request_id)
            if _has_clause(agreement)
        ]
        touched = [
            agreement
            for agreement in with_clause
            if (agreement.clause_voided_at is None) is not allowed
        ]
        for agreement in touched:
            agreement.clause_voided_at = None if allowed else self._work.now
            agreement.version += 1
            await self._record(
                "agreement.clause_restored" if allowed else "agreement.clause_voided",
                agreement,
                after={"basis": details.basis.value},
                rule_ids=("LAW-1",),
            )
        await self._agreements.flush()
        if allowed:
            await self._reckon_anew(touched, details, because=_CLAUSE_RESTORED)
        else:
            await self._withdraw_open(
                [agreement.id for agreement in with_clause],
                f"The basis of the training is {details.basis.value}.",
            )
        return [agreement.id for agreement in touched]

    async def settle_departures(
        self, ended: Sequence[EndOfEmployment], *, returned: Collection[UUID] = ()
    ) -> list[Departure]:
        """Settle what these ends of employment bring about: claims with their reasons, and hours.

        Only under the agreements of the employment that ends. A claim that an earlier announced end
        gave rise to is replaced, unless it was waived or has gone to payroll. Of employees who
        ``returned`` without a day between, the departure is none, and open claims for it are
        withdrawn. Hours reserved after the last day are released. Locks the employees, the
        requests that hold their hours, their agreements and claims, each by id, and then accounts.

        Source: VIS-7.7, VIS-7.8, LAW-1, LAW-3; VIS-8.1 for the hours.
        """
        employee_ids = {end.employee_id for end in ended} | set(returned)
        await self._people.hold_departure(employee_ids)
        freed = await self._hours_to_free(ended)
        await self._requests.lock(freed.keys())
        found = await self._agreements.lock_live_of_employees(employee_ids)
        own_ends = await self._ends(found)
        details = await self._requests.details({agreement.request_id for agreement in found})
        claims = dict(await self._agreements.live_claims([agreement.id for agreement in found]))
        await self._withdraw_open(
            [agreement.id for agreement in found if agreement.id not in own_ends], _EMPLOYED_ON
        )
        departures: list[Departure] = []
        for end in ended:
            made: list[RepaymentClaim] = []
            without: list[NoClaim] = []
            for agreement in found:
                own_end = own_ends.get(agreement.id)
                if own_end is None or own_end.employment_id != end.employment_id:
                    continue
                settled = await self._settle(
                    agreement,
                    details[agreement.request_id],
                    end,
                    claims.get(agreement.id),
                    because=_END_CHANGED,
                )
                if isinstance(settled, NoClaim):
                    without.append(settled)
                else:
                    made.append(settled)
            departures.append(Departure(end, tuple(made), tuple(without)))
        for request_id, ends in sorted(freed.items()):
            for end in ends:
                await self._hours.release(
                    request_id,
                    employee_ids=(end.employee_id,),
                    held_after=end.left_on,
                    cause_id=end.employment_id,
                )
        return departures

    # --- Reading --------------------------------------------------------------------------------

    async def agreement(self, agreement_id: UUID) -> AgreementDetails:
        """Return an agreement that the actor may see.

        Raises:
            AgreementNotFound: there is none of this id, or it is not for the actor to see.
        """
        row = await self._agreements.agreement(
            agreement_id, visible=await self._sight(), person_id=self._work.actor.person_id
        )
        if row is None:
            raise AgreementNotFound
        return await self._whole(row)

    async def agreements(
        self,
        page: PageOf,
        *,
        status: AgreementStatus | None,
        request_id: UUID | None,
        employee_id: UUID | None,
    ) -> Page[Row[*tuple[Any, ...]]]:
        """Return a page of the agreements that the actor may see, oldest first."""
        return await self._agreements.listed(
            page,
            status=status,
            request_id=request_id,
            employee_id=employee_id,
            visible=await self._sight(),
            person_id=self._work.actor.person_id,
        )

    async def document(self, agreement_id: UUID) -> Document:
        """Return the agreement's document, of which the bytes are fixed at the first signature.

        Raises:
            AgreementNotFound: see ``agreement``.
            DocumentNotDrawnUp: it has not been drawn up.
            DocumentAltered: the bytes are not those that were signed (LAW-14).
        """
        details = await self.agreement(agreement_id)
        return await self._intact_document(details.row, details.signatures)

    async def repayment(self, agreement_id: UUID, *, leaves_on: date) -> WouldOwe:
        """Return what would be owed if the employee left on that day, tested by today's basis.

        Before both have signed it is an example of what the agreement would come to.

        Raises:
            AgreementNotFound: see ``agreement``.
            DocumentNotDrawnUp: there are no terms yet to reckon with.
        """
        details = await self.agreement(agreement_id)
        if details.terms is None:
            raise DocumentNotDrawnUp(status=details.row.status)
        request = (await self._requests.details((details.row.request_id,)))[details.row.request_id]
        result = _owed(details.row, details.terms, request, leaves_on=leaves_on)
        return WouldOwe(
            agreement_id, leaves_on, details.row.status == AgreementStatus.SIGNED, result
        )

    async def claim(self, claim_id: UUID) -> RepaymentClaim:
        """Return a claim that the actor may see.

        Raises:
            ClaimNotFound: there is none of this id, or it is not for the actor to see.
        """
        claim = await self._agreements.claim(claim_id, visible=await self._sight())
        if claim is None:
            raise ClaimNotFound
        return claim

    async def claims(
        self,
        page: PageOf,
        *,
        status: ClaimStatus | None,
        employee_id: UUID | None,
        agreement_id: UUID | None,
    ) -> Page[Row[*tuple[Any, ...]]]:
        """Return a page of the claims that the actor may see, oldest first."""
        return await self._agreements.listed_claims(
            page,
            status=status,
            employee_id=employee_id,
            agreement_id=agreement_id,
            visible=await self._sight(),
        )

    # --- Drawing up and signing -----------------------------------------------------------------

    async def draw_up(
        self, agreement_id: UUID, body: DrawingUpIn, *, expected: frozenset[int] | None
    ) -> AgreementDetails:
        """Draw the agreement up from the grant (VIS-7.2); until it is signed it can be redrawn.

        One that waits for the signature of a manager who no longer leads the employee is
        superseded, and a new one takes its place.

        Raises:
            AgreementNotFound: see ``agreement``.
            StaleVersion: it changed since it was read.
            OwnRequest, NamedPersonNeeded: it is the actor's own, or could be.
            AgreementFrozen: it was signed (VIS-7.3).
            AgreementActionRefused: it is void or superseded.
            TooLateToSign: the training has started (VIS-7.1).
            NoManager: nobody could sign second.
            SubsidiesBeyondCost: more subsidy than the training costs (LAW-3).
            ClauseNotAllowed, ClauseBelowThreshold, ClauseRequired: see ``check_wish``.
            BsnInText: a citizen service number stands in a text (LAW-12).
        """
        agreement = await self._locked(agreement_id)
        check_version(agreement.version, expected)
        details = (await self._requests.details((agreement.request_id,)))[agreement.request_id]
        if self._work.actor.named() == agreement.employee_id:
            raise OwnRequest(reference=details.reference, action=AgreementAction.DRAW_UP)
        if agreement.frozen_at is not None:
            if not await self._waits_for_who_left(agreement):
                raise AgreementFrozen(frozen_at=agreement.frozen_at)
            agreement = await self._replaced(agreement)
        before = AgreementStatus(agreement.status)
        status = next_agreement_status(before, AgreementAction.DRAW_UP)
        check_free_text(
            {
                "participation": body.participation,
                "execution": body.execution,
                "completion": body.completion,
                "furtherConditions": body.further_conditions,
            }
        )
        check_in_time(starts_on=details.starts_on, today=self._work.today)
        manager_id = await self._manager_of(agreement.employee_id)
        terms = await self._terms(agreement, details, body, manager_id)
        document = await typeset(terms)
        agreement.status = status.value
        agreement.manager_id = manager_id
        agreement.terms = terms.model_dump(mode="json", by_alias=True)
        agreement.document = document.content
        agreement.document_sha256 = document.sha256
        agreement.drawn_up_at = self._work.now
        # What was void was the clause of an earlier draft.
        agreement.clause_voided_at = None
        agreement.version += 1
        await self._agreements.flush()
        await self._record(
            "agreement.drawn_up",
            agreement,
            before={"status": before.value},
            after={
                "status": status.value,
                "document_sha256": document.sha256,
                "own_cost_cents": terms.own_cost_cents,
                "has_clause": terms.repayment_schedule is not None,
            },
            rule_ids=("VIS-7.2",),
        )
        return await self._whole(agreement)

    async def sign(self, agreement_id: UUID, *, document_sha256: str) -> AgreementDetails:
        """Sign the document that was read: the employee first, then the manager it names.

        The first signature fixes the text. With the second the agreement is in force: when the
        end of the employment was announced by then, its claim is made. Locks the agreement, so
        that two signers queue.

        Raises:
            AgreementNotFound: see ``agreement``.
            DocumentNotDrawnUp, WrongSigner, SignatureOutOfOrder, SamePersonSigns,
            AgreementActionRefused: see ``signs_as``.
            DocumentChanged: the SHA-256 that was sent is not the document's (LAW-14).
            DocumentAltered: the bytes are not those that the employee signed.
            TooLateToSign: the training has started (VIS-7.1).
            NotEmployed: the employee or the signer has left.
        """
        agreement = await self._locked(agreement_id)
        person_id = self._work.actor.person_id
        before = AgreementStatus(agreement.status)
        role = signs_as(
            person_id,
            employee_id=agreement.employee_id,
            manager_id=agreement.manager_id,
            status=before,
        )
        if document_sha256 != agreement.document_sha256:
            raise DocumentChanged(
                sent_sha256=document_sha256, document_sha256=agreement.document_sha256
            )
        details = (await self._requests.details((agreement.request_id,)))[agreement.request_id]
        check_in_time(starts_on=details.starts_on, today=self._work.today)
        signers = (
            {agreement.employee_id} if person_id is None else {agreement.employee_id, person_id}
        )
        await self._people.require_employed(signers, self._work.today)
        await self._intact_document(agreement, await self._agreements.signatures(agreement.id))
        if role is SignatureRole.EMPLOYEE:
            agreement.frozen_at = self._work.now
        agreement.status = next_agreement_status(before, SIGNING[role]).value
        agreement.version += 1
        await self._agreements.add(
            Signature(
                organisation_id=self._work.organisation_id,
                id=new_id(),
                agreement_id=agreement.id,
                role=role.value,
                employee_id=person_id,
                signed_how=_SIGNED_HOW,
                signed_as=self._work.actor.subject,
                signed_at=self._work.now,
                document_sha256=document_sha256,
            )
        )
        await self._record(
            f"agreement.signed_by_{role.value}",
            agreement,
            before={"status": before.value},
            after={"status": agreement.status, "document_sha256": document_sha256},
            rule_ids=("VIS-7.3", "LAW-14"),
        )
        if role is SignatureRole.MANAGER:
            await self._reckon_anew((agreement,), details, because=_END_CHANGED)
        return await self._whole(agreement)

    # --- Leaving and claims ---------------------------------------------------------------------

    async def end_employment(
        self,
        employee_id: UUID,
        *,
        left_on: date,
        reason: LeavingReason,
        initiative: LeavingInitiative,
    ) -> Departure:
        """Record the end of an employment and settle what follows from it, in one transaction.

        Raises:
            EmployeeNotFound, EmploymentOver, EndBeforeHiring: see ``PeopleService``.
        """
        end = await self._people.end_employment(
            employee_id, left_on=left_on, reason=reason, initiative=initiative
        )
        return (await self.settle_departures((end,)))[0]

    async def rehire(self, employee_id: UUID, body: EmploymentIn) -> EmployeeView:
        """Record a further employment; directly after the last, it undoes the departure.

        Raises:
            EmployeeNotFound, EmploymentRunning, TeamNotFound, FunctionNotFound, OwnManager,
            ManagerCycle: see ``PeopleService``.
        """
        view = await self._people.rehire(employee_id, body)
        await self.settle_departures((), returned=(employee_id,))
        return view

    async def withdraw_end(self, employee_id: UUID) -> tuple[EndOfEmployment, list[RepaymentClaim]]:
        """Take back an announced end; return it, with the claims that are withdrawn for it.

        What was waived or has gone to payroll stays. Hours that the end released are not reserved
        again: what takes place after all is granted anew.

        Raises:
            EmployeeNotFound, NoEndAnnounced, EmploymentOver: see ``PeopleService``.
        """
        end = await self._people.withdraw_end(employee_id)
        found = await self._agreements.lock_live_of_employees((employee_id,))
        # An earlier employment that ended stays ended, with the claims for that.
        own_ends = await self._ends(found)
        staying = [agreement.id for agreement in found if agreement.id not in own_ends]
        return end, await self._withdraw_open(staying, _END_WITHDRAWN)

    async def confirm(
        self, claim_id: UUID, *, reason: str, expected: frozenset[int] | None
    ) -> RepaymentClaim:
        """Confirm a claim that waited for a person's judgement; from then on it is due (LAW-3).

        Raises:
            ClaimNotFound: there is none of this id.
            StaleVersion: it changed since it was read.
            NamedPersonNeeded: the token names no employee.
            OwnClaim: the actor is the employee.
            ClaimActionRefused: it does not wait for confirmation.
            ClaimHasNoGround: tested today nothing is due (LAW-1).
            BsnInText: a citizen service number stands in the reason (LAW-12).
        """
        claim, person_id = await self._to_decide(claim_id, expected, reason=reason)
        before = claim.status
        status = next_claim_status(ClaimStatus(before), ClaimAction.CONFIRM)
        self._take_over(claim, await self._recoverable(claim, claim.principal_cents))
        claim.status = status.value
        claim.confirmed_by = person_id
        claim.confirmed_at = self._work.now
        claim.confirmation_reason = reason
        return await self._decided(claim, "confirmed", before, reason=reason)

    async def waive(
        self, claim_id: UUID, *, reason: str, expected: frozenset[int] | None
    ) -> RepaymentClaim:
        """Let a claim go, with a reason (kwijtschelding, LAW-3).

        Raises:
            ClaimNotFound, StaleVersion, NamedPersonNeeded, OwnClaim, BsnInText: see ``confirm``.
            ClaimActionRefused: it is neither due nor waiting.
        """
        claim, person_id = await self._to_decide(claim_id, expected, reason=reason)
        before = claim.status
        claim.status = next_claim_status(ClaimStatus(before), ClaimAction.WAIVE).value
        claim.waived_by = person_id
        claim.waived_at = self._work.now
        claim.waiver_reason = reason
        return await self._decided(claim, "waived", before, reason=reason)

    async def export(
        self,
        claim_id: UUID,
        *,
        cost_made_cents: Cents,
        payroll_reference: str,
        expected: frozenset[int] | None,
    ) -> RepaymentClaim:
        """Hand a claim over to payroll, on the cost really made; nothing is set off by itself.

        The amount is reckoned again from that cost, and is never more than what was agreed.

        Raises:
            ClaimNotFound, StaleVersion, NamedPersonNeeded, OwnClaim: see ``confirm``.
            ClaimHasNoGround: see ``confirm``.
            ClaimActionRefused: it is not due.

        Source: LAW-3 (7:632 BW).
        """
        claim, person_id = await self._to_decide(claim_id, expected, reason=payroll_reference)
        before = claim.status
        status = next_claim_status(ClaimStatus(before), ClaimAction.EXPORT)
        base = Cents(min(cost_made_cents, claim.principal_cents))
        self._take_over(claim, await self._recoverable(claim, base))
        claim.status = status.value
        claim.exported_by = person_id
        claim.exported_at = self._work.now
        claim.payroll_reference = payroll_reference
        return await self._decided(claim, "exported", before)

    # --- Within ---------------------------------------------------------------------------------

    async def _hours_to_free(
        self, ended: Sequence[EndOfEmployment]
    ) -> dict[UUID, list[EndOfEmployment]]:
        """Return, by request, who leaves before a session that hours are reserved for."""
        ends = {end.employee_id: end for end in ended}
        found: dict[UUID, list[EndOfEmployment]] = {}
        for held in await self._agreements.hours_held(ends.keys()):
            end = ends[held.employee_id]
            if held.held_on > end.left_on and end not in found.get(held.request_id, ()):
                found.setdefault(held.request_id, []).append(end)
        return found

    async def _ends(self, agreements: Collection[Agreement]) -> dict[UUID, EndOfEmployment]:
        """Return, by agreement, the end of the employment it belongs to, where there is one.

        The agreements are locked, so that who records an end meanwhile settles it afterwards.
        """
        employments = await self._people.unbroken({one.employee_id for one in agreements})
        ends = {
            agreement.id: employment_of(
                employments[agreement.employee_id],
                called_for_on=amsterdam_day(agreement.created_at),
            ).end
            for agreement in agreements
        }
        return {agreement_id: end for agreement_id, end in ends.items() if end is not None}

    async def _reckon_anew(
        self,
        agreements: Sequence[Agreement],
        details: RequestDetails,
        *,
        because: str,
    ) -> None:
        """Settle locked agreements of one training again, where an end of employment is known."""
        ends = await self._ends(agreements)
        if not ends:
            return
        claims = dict(await self._agreements.live_claims(ends.keys()))
        for agreement in agreements:
            if agreement.id in ends:
                await self._settle(
                    agreement,
                    details,
                    ends[agreement.id],
                    claims.get(agreement.id),
                    because=because,
                )

    async def _waits_for_who_left(self, agreement: Agreement) -> bool:
        """Tell whether only a manager could sign who has left, or leads the employee no more."""
        if agreement.status != AgreementStatus.SIGNED_BY_EMPLOYEE or agreement.manager_id is None:
            return False
        today = self._work.today
        leads = await self._people.manager_of((agreement.employee_id,), today)
        employed = await self._people.placements_on((agreement.manager_id,), today)
        return leads[agreement.employee_id] != agreement.manager_id or not employed

    async def _replaced(self, agreement: Agreement) -> Agreement:
        """Supersede an agreement that nobody can sign any more, and return the one in its place."""
        await self._end(agreement, AgreementAction.SUPERSEDE, _MANAGER_GONE)
        return await self._called_for(
            agreement.request_id,
            agreement.employee_id,
            decision_id=agreement.decision_id,
            policy_version_id=agreement.policy_version_id,
            cost_cents=agreement.cost_cents,
        )

    async def _called_for(
        self,
        request_id: UUID,
        employee_id: UUID,
        *,
        decision_id: UUID,
        policy_version_id: UUID,
        cost_cents: Cents,
    ) -> Agreement:
        agreement = Agreement(
            organisation_id=self._work.organisation_id,
            id=new_id(),
            version=1,
            request_id=request_id,
            employee_id=employee_id,
            decision_id=decision_id,
            policy_version_id=policy_version_id,
            cost_cents=cost_cents,
            status=AgreementStatus.REQUIRED.value,
            created_at=self._work.now,
        )
        await self._agreements.add(agreement)
        await self._record(
            "agreement.called_for",
            agreement,
            after={"status": agreement.status, "cost_cents": cost_cents},
            rule_ids=("VIS-7.1", "VIS-7.9"),
        )
        return agreement

    async def _sight(self) -> frozenset[UUID] | None:
        """Return whose agreements the actor may see; None is everybody's."""
        actor = self._work.actor
        if actor.has(*_SEE_ALL):
            return None
        visible = await self._people.visible_ids()
        if visible is not None:
            return visible
        # Who keeps the register of people sees all of them, which is no reason to see agreements.
        return frozenset() if actor.person_id is None else frozenset({actor.person_id})

    async def _locked(self, agreement_id: UUID) -> Agreement:
        agreement = await self._agreements.lock_agreement(
            agreement_id, visible=await self._sight(), person_id=self._work.actor.person_id
        )
        if agreement is None:
            raise AgreementNotFound
        return agreement

    async def _whole(self, row: Agreement) -> AgreementDetails:
        request = (await self._requests.details((row.request_id,)))[row.request_id]
        terms = _terms_of(row)
        if terms is None:
            policy = (await self._policies.live_version(row.policy_version_id)).policy
            invested, threshold = row.cost_cents, policy.repayment_cost_threshold_cents
        else:
            invested, threshold = Cents(terms.investment_cents), Cents(terms.threshold_cents)
        return AgreementDetails(
            row=row,
            terms=terms,
            signatures=await self._agreements.signatures(row.id),
            verdict=clause_for(request.basis, invested, threshold_cents=threshold),
            starts_on=request.starts_on,
        )

    async def _manager_of(self, employee_id: UUID) -> UUID:
        managers = await self._people.manager_of((employee_id,), self._work.today)
        manager_id = managers[employee_id]
        if manager_id is None:
            raise NoManager(today_on=self._work.today)
        return manager_id

    async def _terms(
        self,
        agreement: Agreement,
        details: RequestDetails,
        body: DrawingUpIn,
        manager_id: UUID,
    ) -> AgreementTerms:
        if body.subsidies_cents > agreement.cost_cents:
            raise SubsidiesBeyondCost(
                subsidies_cents=body.subsidies_cents, cost_cents=agreement.cost_cents
            )
        in_force = await self._policies.live_version(agreement.policy_version_id)
        policy = in_force.policy
        threshold = policy.repayment_cost_threshold_cents
        subsidies = Cents(body.subsidies_cents)
        invested = investment(agreement.cost_cents, subsidies_cents=subsidies, policy=policy)
        check_wish(body.repayment, details.basis, invested, threshold_cents=threshold)
        verdict = clause_for(details.basis, invested, threshold_cents=threshold)
        parties = await self._parties(agreement.employee_id, manager_id)
        return AgreementTerms(
            reference=details.reference,
            organisation=(await self._policies.organisation()).name,
            employee=parties[agreement.employee_id],
            manager=parties[manager_id],
            title=details.title,
            provider=details.provider,
            kind=details.kind,
            basis=details.basis,
            starts_on=details.starts_on,
            ends_on=details.ends_on,
            sessions=len(details.sessions),
            working_minutes=details.working_minutes,
            own_minutes=sum(details.own_minutes_by_year.values()),
            cost_cents=agreement.cost_cents,
            subsidies_cents=body.subsidies_cents,
            own_cost_cents=own_cost(agreement.cost_cents, subsidies_cents=subsidies),
            investment_cents=invested,
            threshold_cents=threshold,
            participation=body.participation,
            execution=body.execution,
            completion=body.completion,
            further_conditions=body.further_conditions,
            repayment_schedule=(
                schedule_as_terms(policy.repayment_schedule) if verdict.allowed else None
            ),
            policy_valid_from=in_force.valid_from,
            drawn_up_on=self._work.today,
        )

    async def _parties(self, *employee_ids: UUID) -> dict[UUID, PartyOut]:
        """Return employees as an agreement names them, with today's function.

        Raises:
            NoManager: one of them is not employed today, so could not sign.
        """
        people = await self._people.employees(employee_ids)
        placed = await self._people.placements_on(employee_ids, self._work.today)
        if len(placed) < len(employee_ids):
            raise NoManager(today_on=self._work.today)
        return {
            employee_id: PartyOut(
                name=people[employee_id].name,
                personnel_number=people[employee_id].personnel_number,
                function=placed[employee_id].function_name,
            )
            for employee_id in employee_ids
        }

    async def _intact_document(
        self, agreement: Agreement, signatures: Sequence[Signature]
    ) -> Document:
        content = await self._agreements.document(agreement.id)
        if content is None:
            raise DocumentNotDrawnUp(status=agreement.status)
        stored = hashlib.sha256(content).hexdigest()
        for signature in signatures:
            if signature.document_sha256 != stored:
                raise DocumentAltered(signed_sha256=signature.document_sha256, stored_sha256=stored)
        return Document(content, stored)

    async def _end_undone(
        self,
        found: Iterable[Agreement],
        details: RequestDetails,
        action: AgreementAction,
        reason: str,
    ) -> frozenset[UUID]:
        """End those of one training that do not survive, with open claims; return which."""
        has_started = details.starts_on <= self._work.today
        ended = [
            agreement
            for agreement in found
            if not survives(AgreementStatus(agreement.status), has_started=has_started)
        ]
        for agreement in ended:
            await self._end(agreement, action, reason)
        ids = frozenset(agreement.id for agreement in ended)
        await self._withdraw_open(ids, reason)
        return ids

    async def _end(self, agreement: Agreement, action: AgreementAction, reason: str) -> None:
        before = AgreementStatus(agreement.status)
        agreement.status = next_agreement_status(before, action).value
        agreement.closed_reason = reason
        agreement.version += 1
        await self._agreements.flush()
        await self._record(
            "agreement.voided" if action is AgreementAction.VOID else "agreement.superseded",
            agreement,
            before={"status": before.value},
            after={"status": agreement.status},
            reason=reason,
        )

    async def _settle(
        self,
        agreement: Agreement,
        details: RequestDetails,
        end: EndOfEmployment,
        existing: RepaymentClaim | None,
        *,
        because: str,
    ) -> RepaymentClaim | NoClaim:
        """Return the claim under one agreement: the one that stands, a new one, or why none.

        ``because`` is the reason for which the one that was there would be withdrawn.
        """
        if existing is not None and existing.status in (ClaimStatus.WAIVED, ClaimStatus.EXPORTED):
            return existing
        terms = _terms_of(agreement)
        if terms is None or agreement.status != AgreementStatus.SIGNED:
            result = not_in_force(agreement.cost_cents, AgreementStatus(agreement.status))
        else:
            result = _owed(agreement, terms, details, leaves_on=end.left_on)
        if existing is not None and _still_holds(existing, end, result):
            return existing
        claim = None if result.amount_cents == 0 else self._new_claim(agreement, end, result)
        if existing is not None:
            await self._withdraw(existing, because, superseded_by=claim and claim.id)
        if claim is None:
            return NoClaim(agreement.id, result.steps)
        await self._agreements.add(claim)
        await self._record_claim("claim.made", claim, after=_figures(claim))
        return claim

    def _new_claim(
        self, agreement: Agreement, end: EndOfEmployment, result: RepaymentResult
    ) -> RepaymentClaim:
        grounds = confirmation_needed(end.reason, end.initiative)
        waits = ClaimStatus.AWAITING_CONFIRMATION if grounds else ClaimStatus.DUE
        claim = RepaymentClaim(
            organisation_id=self._work.organisation_id,
            id=new_id(),
            version=1,
            agreement_id=agreement.id,
            employee_id=agreement.employee_id,
            leaves_on=end.left_on,
            reason=end.reason.value,
            initiative=end.initiative.value,
            status=waits.value,
            waits_for=stored_steps(grounds),
            created_at=self._work.now,
        )
        self._take_over(claim, result)
        return claim

    @staticmethod
    def _take_over(claim: RepaymentClaim, result: RepaymentResult) -> None:
        claim.band = result.band.value
        claim.principal_cents = result.principal_cents
        claim.amount_cents = result.amount_cents
        claim.numerator = result.numerator
        claim.denominator = result.denominator
        claim.steps = stored_steps(result.steps)
        claim.remarks = stored_steps(result.remarks)

    async def _withdraw_open(
        self, agreement_ids: Collection[UUID], reason: str
    ) -> list[RepaymentClaim]:
        """Withdraw the claims under these agreements that are still open, and return them."""
        found = (await self._agreements.live_claims(agreement_ids)).values()
        still_open = [
            claim
            for claim in found
            if claim.status in (ClaimStatus.AWAITING_CONFIRMATION, ClaimStatus.DUE)
        ]
        for claim in still_open:
            await self._withdraw(claim, reason, superseded_by=None)
        return still_open

    async def _withdraw(
        self, claim: RepaymentClaim, reason: str, *, superseded_by: UUID | None
    ) -> None:
        before = ClaimStatus(claim.status)
        claim.status = next_claim_status(before, ClaimAction.WITHDRAW).value
        claim.withdrawn_at = self._work.now
        claim.withdrawal_reason = reason
        claim.superseded_by = superseded_by
        claim.version += 1
        await self._agreements.flush()
        await self._record_claim(
            "claim.withdrawn",
            claim,
            before={"status": before.value},
            after={"status": claim.status, "superseded_by": superseded_by},
            reason=reason,
        )

    async def _to_decide(
        self, claim_id: UUID, expected: frozenset[int] | None, *, reason: str
    ) -> tuple[RepaymentClaim, UUID]:
        """Return a claim, locked, and the named other person who is about to decide on it."""
        claim = await self._agreements.lock_claim(claim_id)
        if claim is None:
            raise ClaimNotFound
        check_version(claim.version, expected)
        person_id = self._work.actor.named()
        if person_id == claim.employee_id:
            raise OwnClaim
        check_free_text({"reason": reason})
        return claim, person_id

    async def _recoverable(self, claim: RepaymentClaim, base_cents: Cents) -> RepaymentResult:
        """Return what may be reclaimed today of what it cost; the clause is tested again (LAW-1).

        Raises:
            ClaimHasNoGround: nothing.
        """
        agreement = await self._agreements.agreement(
            claim.agreement_id, visible=None, person_id=None
        )
        terms = None if agreement is None else _terms_of(agreement)
        if agreement is None or terms is None:
            raise ClaimNotFound
        details = (await self._requests.details((agreement.request_id,)))[agreement.request_id]
        result = _owed(agreement, terms, details, leaves_on=claim.leaves_on, base_cents=base_cents)
        if result.amount_cents == 0:
            raise ClaimHasNoGround(
                rule=result.steps[0].rule,
                today_on=self._work.today,
                cost_made_cents=base_cents,
                basis=details.basis.value,
            )
        return result

    async def _decided(
        self, claim: RepaymentClaim, what: str, before: str, *, reason: str | None = None
    ) -> RepaymentClaim:
        claim.version += 1
        await self._agreements.flush()
        await self._record_claim(
            f"claim.{what}", claim, before={"status": before}, after=_figures(claim), reason=reason
        )
        return claim

    async def _record(
        self,
        action: str,
        agreement: Agreement,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        reason: str | None = None,
        rule_ids: Sequence[str] = (),
    ) -> None:
        await self._audit.record(
            action=action,
            object_type="agreement",
            object_id=agreement.id,
            before=before,
            after=after,
            reason=reason,
            rule_ids=rule_ids,
            policy_version_id=agreement.policy_version_id,
        )

    async def _record_claim(
        self,
        action: str,
        claim: RepaymentClaim,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        reason: str | None = None,
    ) -> None:
        await self._audit.record(
            action=action,
            object_type="repayment_claim",
            object_id=claim.id,
            before=before,
            after=after,
            reason=reason,
            rule_ids=("LAW-3",),
        )


# --- The document -------------------------------------------------------------------------------


async def typeset(terms: AgreementTerms) -> Document:
    """Return the terms as a PDF; the same terms give the same bytes, whenever they are set.

    Setting is work for the processor, so it is done beside the event loop.
    """
    facts = json.dumps(_facts(terms), ensure_ascii=False, sort_keys=True)
    made_at = starts_at(terms.drawn_up_on)
    content = await asyncio.to_thread(_compile, facts, made_at)
    return Document(content, hashlib.sha256(content).hexdigest())


@cache
def _compiler() -> typst.Compiler:
    fonts = typst.Fonts(include_system_fonts=False)
    return typst.Compiler(_TEMPLATE, root=_TEMPLATE.parent, font_paths=fonts)


def _compile(facts: str, made_at: datetime) -> bytes:
    """Set one document; the compiler keeps what it has read, and is not for two threads at once.

    A name or title with a character that no font holds can not be archival: it is set as plain
    PDF then, with the sign for a missing character.
    """
    with _TYPESETTING:
        try:
            return _set(facts, made_at, archival=True)
        except typst.TypstError:
            return _set(facts, made_at, archival=False)


def _set(facts: str, made_at: datetime, *, archival: bool) -> bytes:
    content = _compiler().compile(
        format="pdf",
        sys_inputs={"facts": facts},
        timestamp=made_at,
        pdf_standards=_ARCHIVAL if archival else None,
    )
    return cast("bytes", content)


def _facts(terms: AgreementTerms) -> dict[str, Any]:
    """Return the terms as the template reads them: figures and days, worded there."""
    verdict = clause_allowed(terms.basis)
    if verdict.allowed:
        no_repayment = "below_threshold"
    elif terms.basis is TrainingBasis.UNKNOWN:
        no_repayment = "unclassified"
    else:
        no_repayment = "not_voluntary"
    return {
        "reference": terms.reference,
        "organisation": terms.organisation,
        "employee": terms.employee.model_dump(),
        "manager": terms.manager.model_dump(),
        "training": terms.model_dump(
            mode="json",
            include={
                "title",
                "provider",
                "kind",
                "basis",
                "starts_on",
                "ends_on",
                "sessions",
                "working_minutes",
                "own_minutes",
            },
        ),
        "cost": terms.model_dump(include={"cost_cents", "subsidies_cents", "own_cost_cents"}),
        "participation": terms.participation,
        "execution": terms.execution,
        "completion": terms.completion,
        "further_conditions": terms.further_conditions,
        "threshold_cents": terms.threshold_cents,
        "no_repayment": no_repayment,
        "repayment": _repayment_facts(terms),
        "policy_valid_from": terms.policy_valid_from.isoformat(),
        "drawn_up_on": terms.drawn_up_on.isoformat(),
    }


def _repayment_facts(terms: AgreementTerms) -> dict[str, Any] | None:
    if terms.repayment_schedule is None:
        return None
    principal = Cents(terms.own_cost_cents)
    schedule = schedule_as_rule(terms.repayment_schedule)
    examples = example_departures(
        principal_cents=principal,
        starts_on=terms.starts_on,
        ends_on=terms.ends_on,
        schedule=schedule,
    )
    bands = schedule.steps if isinstance(schedule, Staircase) else ()
    return {
        "principal_cents": principal,
        "months": schedule.months if isinstance(schedule, MonthlySliding) else None,
        "bands": [
            {
                "months": months,
                "percent": percent,
                "amount_cents": percentage(principal, percent=percent),
            }
            for months, percent in bands
        ],
        "examples": [
            {
                "leaves_on": example.leaves_on.isoformat(),
                "completed": example.completed,
                "amount_cents": example.result.amount_cents,
            }
            for example in examples
        ],
    }


# --- What rows mean -----------------------------------------------------------------------------


def _terms_of(agreement: Agreement) -> AgreementTerms | None:
    stored = agreement.terms
    if stored is None:
        return None
    # Terms of before the two were told apart: the own cost in them was the investment.
    return AgreementTerms.model_validate({"investmentCents": stored["ownCostCents"], **stored})


def _has_clause(agreement: Agreement) -> bool:
    terms = _terms_of(agreement)
    return terms is not None and terms.repayment_schedule is not None


def _owed(
    agreement: Agreement,
    terms: AgreementTerms,
    details: RequestDetails,
    *,
    leaves_on: date,
    base_cents: Cents | None = None,
) -> RepaymentResult:
    """Return what is owed under the agreed terms, by what is known of the training today.

    ``base_cents`` is the cost really made, less subsidies; without it, what was agreed. It is never
    more than the agreed cost less subsidies, also where old terms named the cost before subsidies.
    """
    own = own_cost(Cents(terms.cost_cents), subsidies_cents=Cents(terms.subsidies_cents))
    principal = own if base_cents is None else min(base_cents, own)
    # What the policy counts besides the own cost: the subsidies, or nothing.
    invested = Cents(principal + terms.investment_cents - own)
    threshold = Cents(terms.threshold_cents)
    if terms.repayment_schedule is None:
        verdict = clause_for(terms.basis, invested, threshold_cents=threshold)
        return nothing_due(principal, because=verdict.why)
    clause = RepaymentClause(
        principal_cents=principal,
        starts_on=details.starts_on,
        completed_on=completion_day(details, agreement.employee_id),
        schedule=schedule_as_rule(terms.repayment_schedule),
        stopped_on=details.cancelled_on,
    )
    return repayment_at_recovery(
        clause,
        basis=details.basis,
        investment_cents=invested,
        threshold_cents=threshold,
        leaves_on=leaves_on,
    )


def _still_holds(claim: RepaymentClaim, end: EndOfEmployment, result: RepaymentResult) -> bool:
    """Tell whether an open claim is what this end of employment would give rise to again."""
    return (
        claim.leaves_on == end.left_on
        and claim.reason == end.reason
        and claim.initiative == end.initiative
        and claim.amount_cents == result.amount_cents
    )


def _figures(claim: RepaymentClaim) -> dict[str, Any]:
    return {
        "agreement_id": claim.agreement_id,
        "status": claim.status,
        "leaves_on": claim.leaves_on,
        "principal_cents": claim.principal_cents,
        "amount_cents": claim.amount_cents,
    }
