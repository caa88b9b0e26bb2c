"""Training requests: drafted, endorsed, submitted into a tranche, assessed, and what ends them.

The areas above read requests whole (``details``), hold them (``lock``) and move them along the
life cycle (``apply``, ``apply_many``); who may decide is theirs to check.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from app.db.audit import AuditTrail
from app.db.work import Work
from app.kernel.actors import Role
from app.kernel.calendar import amsterdam_day
from app.kernel.errors import check_version
from app.kernel.identifiers import new_id
from app.kernel.pages import Page, PageOf
from app.kernel.quantities import Cents
from app.people.service import PeopleService
from app.policy.service import PolicyService
from app.requests.errors import (
    EndorsementNotNeeded,
    ImportedRequestSettled,
    InterimConsentNotNeeded,
    NotYourStep,
    OwnRequest,
    ParticipantNotYours,
    RequestNotFound,
    TrancheNotFound,
)
from app.requests.models import TrainingRequest
from app.requests.repository import RequestRepository
from app.requests.rules import (
    LIVE_STATUSES,
    Classification,
    Draft,
    IntakeChange,
    IntakePlan,
    IntakeRow,
    KnownRequest,
    Outcome,
    Overlap,
    OverviewItem,
    ParticipantStatus,
    Rating,
    RequestAction,
    RequestDetails,
    RequestFilter,
    RequestStatus,
    RequestSummary,
    Submission,
    TrainingBasis,
    Tranche,
    TrancheKey,
    TrancheOverview,
    check_completion,
    check_draft,
    check_everyone_named,
    check_free_text,
    check_necessity,
    check_outcome,
    check_ratings,
    check_step,
    check_submittable,
    interim_steps,
    later_tranche,
    minutes_by_year,
    needs_endorsement,
    next_status,
    obstacle_to_submission,
    rank,
    title_key,
    tranche_for,
    tranche_on,
    variation,
    weighted_score,
    working_minutes_of,
)

_SEE_ALL = (Role.HR, Role.MT, Role.AUDITOR)
# Demand is bundled over all requests, by training and number of participants alone (VIS-5.4).
_LIST_ALL = (*_SEE_ALL, Role.KNOWLEDGE_BROKER)

_RECORDED_AS: Mapping[RequestAction, str] = {
    RequestAction.CHANGE: "request.changed",
    RequestAction.ENDORSE: "request.endorsed",
    RequestAction.CONSENT: "request.consented",
    RequestAction.REFUSE: "request.refused",
    RequestAction.SUBMIT: "request.submitted",
    RequestAction.ASSESS: "request.assessment_started",
    RequestAction.PROPOSE: "request.proposed",
    RequestAction.TAKE_BACK: "request.taken_back",
    RequestAction.GRANT: "request.granted",
    RequestAction.GRANT_PARTLY: "request.partly_granted",
    RequestAction.DEFER: "request.deferred",
    RequestAction.REJECT: "request.rejected",
    RequestAction.WITHDRAW: "request.withdrawn",
    RequestAction.CANCEL: "request.cancelled",
    RequestAction.COMPLETE: "request.completed",
}


class RequestService:
    """The training requests of one organisation."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._requests = RequestRepository(work.session, work.organisation_id)
        self._people = PeopleService(work)
        self._policies = PolicyService(work)
        self._audit = AuditTrail(work)
        self._tranches: dict[tuple[int, int], Tranche] = {}

    # --- For the areas above --------------------------------------------------------------------

    async def details(self, ids: Collection[UUID]) -> dict[UUID, RequestDetails]:
        """Return the requests that exist, whole, by id; who may see them is not asked here."""
        return await self._requests.details(ids)

    async def lock(self, ids: Collection[UUID]) -> dict[UUID, RequestDetails]:
        """Return the requests as ``details`` does, held until the transaction ends.

        Locks the requests in order of id.
        """
        await self._requests.lock(ids)
        return await self._requests.details(ids)

    async def apply(
        self,
        request_id: UUID,
        action: RequestAction,
        *,
        reason: str | None = None,
        participants: Collection[UUID] | None = None,
    ) -> RequestDetails:
        """Move one request along its life cycle; see ``apply_many``."""
        granted_to = None if participants is None else {request_id: participants}
        moved = await self.apply_many({request_id: action}, reason=reason, participants=granted_to)
        return moved[request_id]

    async def apply_many(
        self,
        moves: Mapping[UUID, RequestAction],
        *,
        reason: str | None = None,
        participants: Mapping[UUID, Collection[UUID]] | None = None,
    ) -> dict[UUID, RequestDetails]:
        """Move requests along their life cycle, all or none, and record each step.

        ``participants`` says for a grant to some of the participants who they are; without it a
        grant is to all. Locks the requests in order of id. Whether the actor may take the step is
        the caller's to judge.

        Raises:
            RequestNotFound: one of them does not exist.
            ActionNotAllowed: the life cycle has no such step from where one of them is.
            AssessmentIncomplete: one is to be proposed and is not fully assessed (VIS-4.2).
            InterimConsentMissing: an interim one would be assessed before the MT's consent.
        """
        found = await self.lock(moves)
        if len(found) < len(moves):
            raise RequestNotFound
        outcomes: dict[RequestStatus, list[UUID]] = {}
        for request_id, action in sorted(moves.items()):
            status = check_step(found[request_id], action)
            outcomes.setdefault(status, []).append(request_id)
        for status, ids in outcomes.items():
            await self._requests.move(ids, status)
        granted_to = participants or {}
        for request_id, action in sorted(moves.items()):
            await self._enrol(found[request_id], action, granted_to.get(request_id))
            await self._record_step(found[request_id], action, reason=reason)
        return await self._requests.details(moves)

    async def tranche(self, tranche_id: UUID) -> Tranche:
        """Return a tranche.

        Raises:
            TrancheNotFound: there is none of this id here.
        """
        tranche = await self._requests.tranche(tranche_id)
        if tranche is None:
            raise TrancheNotFound
        return tranche

    async def awaiting(self, tranche_id: UUID | None) -> list[RequestDetails]:
        """Return what HR can still put in a proposal, ranked; without a tranche the interim ones.

        Submitted and under assessment; whether an assessment is complete, each tells itself.
        """
        waiting = (RequestStatus.SUBMITTED, RequestStatus.UNDER_ASSESSMENT)
        ids = await self._requests.ids_in_tranche(tranche_id, waiting)
        return rank((await self._requests.details(ids)).values())

    async def in_tranche(self, tranche_id: UUID) -> list[RequestDetails]:
        """Return every request that was submitted in a tranche, ranked."""
        ids = await self._requests.ids_in_tranche(tranche_id, tuple(RequestStatus))
        return rank((await self._requests.details(ids)).values())

    async def overview(self, tranche_id: UUID) -> TrancheOverview:
        """Return a tranche's live requests together: ranked, with sums, overlap and variation.

        Overlap is with any other live request for the same training, in whatever tranche, by its
        title. Withdrawn, rejected and cancelled requests are left out.

        Raises:
            TrancheNotFound: there is none of this id here.

        Source: VIS-4.3, VIS-6.2.
        """
        tranche = await self.tranche(tranche_id)
        ids = await self._requests.ids_in_tranche(tranche_id, LIVE_STATUSES)
        found = rank((await self._requests.details(ids)).values())
        same: dict[str, list[Overlap]] = {}
        for row in await self._requests.same_training(
            {details.title_key for details in found}, LIVE_STATUSES
        ):
            same.setdefault(row.title_key, []).append(
                Overlap(
                    request_id=row.id,
                    reference=row.reference,
                    collective=row.participant_count > 1,
                    tranche_id=row.tranche_id,
                )
            )
        employees = {person for details in found for person in details.participant_ids}
        placed = await self._people.placements_on(employees, self._work.today)
        teams = {person: view.placement.assignment.team_id for person, view in placed.items()}
        return TrancheOverview(
            tranche=tranche,
            items=tuple(
                OverviewItem(
                    details=details,
                    overlaps=tuple(
                        overlap
                        for overlap in same.get(details.title_key, ())
                        if overlap.request_id != details.id
                    ),
                )
                for details in found
            ),
            total_cost_cents=Cents(sum(details.total_cost_cents for details in found)),
            minutes_by_year=working_minutes_of(found),
            by_team=variation(found, {person: teams.get(person) for person in employees}),
            by_employee=variation(found, {person: person for person in employees}),
        )

    # --- Reading --------------------------------------------------------------------------------

    async def request(self, request_id: UUID) -> RequestDetails:
        """Return a request that the actor may see.

        Raises:
            RequestNotFound: there is none of this id, or it is not for the actor to see.
        """
        details = await self._requests.visible(
            request_id,
            person_id=self._work.actor.person_id,
            visible_ids=await self._sight(*_SEE_ALL),
        )
        if details is None:
            raise RequestNotFound
        return details

    async def requests(self, wanted: RequestFilter, page: PageOf) -> Page[RequestSummary]:
        """Return a page of the requests that the actor may see, newest first.

        Who bundles demand sees every request, but not by or for whom (VIS-5.4): asked for a person,
        the list holds what the actor may see of that person.
        """
        by_person = wanted.participant_id is not None or wanted.applicant_id is not None
        page_of = await self._requests.page(
            wanted,
            page,
            person_id=self._work.actor.person_id,
            visible_ids=await self._sight(*(_SEE_ALL if by_person else _LIST_ALL)),
        )
        if by_person or self._work.actor.has(*_SEE_ALL):
            return page_of
        if not self._work.actor.has(Role.KNOWLEDGE_BROKER):
            return page_of
        nameless: list[RequestSummary] = [{**item, "applicant_id": None} for item in page_of.items]
        return Page(items=nameless, next_key=page_of.next_key)

    async def tranches(self, page: PageOf) -> Page[Tranche]:
        """Return a page of the tranches that were opened, the latest first."""
        return await self._requests.tranches(page)

    async def classifications(self, request_id: UUID) -> list[Classification]:
        """Return the history of a request's basis, oldest first (LAW-1).

        Raises:
            RequestNotFound: there is none of this id, or it is not for the actor to see.
        """
        await self.request(request_id)
        return await self._requests.classifications(request_id)

    # --- The draft ------------------------------------------------------------------------------

    async def draft(self, draft: Draft) -> RequestDetails:
        """Draft a request: a manager for the people managed, an employee for him- or herself.

        HR drafts for anybody, in the name of the first participant's manager; for oneself, or
        with oneself among the participants, the manager's endorsement is needed.

        Raises:
            ParticipantNotYours: a participant the actor may not draft for, or who does not exist.
            NotEmployed: a participant is not employed today.
            DatesReversed, SessionOutsideTraining, TwiceNamed, BsnInText: see ``check_draft``.

        Source: VIS-5.3, VIS-5.5.
        """
        check_draft(draft)
        await self._check_participants(draft.participant_ids)
        request = self._new_row(
            draft,
            request_id=new_id(),
            reference=await self._next_reference(),
            applicant_id=await self._applicant(draft.participant_ids),
        )
        await self._requests.add([(request, draft)])
        await self._requests.add_classifications([(request.id, self._stated(draft))])
        await self._record(
            "request.drafted", request.id, after=_figures(draft) | {"reference": request.reference}
        )
        return await self._whole(request.id)

    async def change(
        self, request_id: UUID, draft: Draft, *, expected: frozenset[int] | None
    ) -> RequestDetails:
        """Replace what a draft asks for. An endorsement of what it said before falls away.

        Raises:
            RequestNotFound, StaleVersion, NotYourStep: see ``withdraw``.
            ActionNotAllowed: it was submitted; from then on it does not change.
            ParticipantNotYours, NotEmployed: see ``draft``.
            DatesReversed, SessionOutsideTraining, TwiceNamed, BsnInText: see ``check_draft``.
        """
        row, before = await self._locked(request_id, expected)
        next_status(before.status, RequestAction.CHANGE)
        await self._check_handler(before, RequestAction.CHANGE)
        check_draft(draft)
        await self._check_participants(draft.participant_ids)
        _fill(row, draft)
        row.endorsed_by_id = None
        row.endorsed_at = None
        row.version += 1
        await self._requests.save()
        await self._requests.replace_parts(request_id, draft)
        await self._restate(request_id, draft)
        await self._record(
            _RECORDED_AS[RequestAction.CHANGE],
            request_id,
            before=_figures(before.draft),
            after=_figures(draft),
        )
        return await self._whole(request_id)

    async def endorse(self, request_id: UUID, *, expected: frozenset[int] | None) -> RequestDetails:
        """Endorse an employee's draft as the manager (VIS-5.3), so that it can be submitted.

        For who has no manager, a member of the MT does. Nobody endorses what is for oneself.

        Raises:
            RequestNotFound, StaleVersion: see ``withdraw``.
            ActionNotAllowed: it is no draft any more.
            EndorsementNotNeeded: it was drafted by the manager, or is endorsed already.
            OwnRequest, NamedPersonNeeded: it is the actor's own, or could be.
            NotYourStep: the actor manages not all of the participants.
        """
        row, details = await self._locked(request_id, expected)
        next_status(details.status, RequestAction.ENDORSE)
        needed = needs_endorsement(details.applicant_id, details.participant_ids)
        if not needed or details.endorsed_at is not None:
            raise EndorsementNotNeeded(reference=details.reference)
        self._check_not_own(details, RequestAction.ENDORSE)
        if not await self._may_endorse(details.participant_ids):
            raise NotYourStep(
                reference=details.reference, action=RequestAction.ENDORSE, who=["manager"]
            )
        row.endorsed_by_id = self._work.actor.person_id
        row.endorsed_at = self._work.now
        row.version += 1
        await self._requests.save()
        await self._record(
            _RECORDED_AS[RequestAction.ENDORSE],
            request_id,
            after={"endorsed_by_id": row.endorsed_by_id},
            rule_ids=("VIS-5.3",),
        )
        return await self._whole(request_id)

    async def submit(
        self, request_id: UUID, *, expected: frozenset[int] | None, necessity: str | None = None
    ) -> Submission:
        """Submit a draft into the tranche of this moment; with a ``necessity`` as an interim one.

        Raises:
            RequestNotFound, StaleVersion, NotYourStep: see ``withdraw``.
            ActionNotAllowed: it is no draft any more.
            EndorsementMissing, ConversationMissing, SessionsMissing: see ``check_submittable``.
            NecessityMissing: interim, and the basis is no legal or function-bound one (VIS-6.4).
            NotEmployed: a participant is not employed today.
            NoPolicyInForce: no policy says which tranche it is, or holds in a session's year.

        Source: VIS-6.1, VIS-6.4.
        """
        details = await self._held(request_id, expected)
        status = next_status(details.status, RequestAction.SUBMIT)
        await self._check_handler(details, RequestAction.SUBMIT)
        check_free_text({"necessity": necessity})
        check_submittable(
            details.reference,
            details.draft,
            applicant_id=details.applicant_id,
            endorsed=details.endorsed_at is not None,
        )
        await self._people.require_employed(details.participant_ids, self._work.today)
        await self._policies.check_years(details.minutes_by_year)
        policy = await self._policies.policy_on(self._work.today)
        tranche: Tranche | None = None
        if necessity is None:
            ruling = tranche_for(self._work.now, policy.policy)
            tranche = await self._open(ruling.key, policy.id)
            steps = ruling.steps
        else:
            check_necessity(details.reference, details.basis)
            steps = interim_steps(self._work.now, details.basis, necessity)
        submitted = replace(
            details,
            status=status,
            tranche_id=None if tranche is None else tranche.id,
            interim=tranche is None,
            necessity=necessity,
            submitted_at=self._work.now,
            policy_version_id=policy.id,
            version=details.version + 1,
        )
        await self._requests.put_submitted(submitted)
        await self._record_step(
            details,
            RequestAction.SUBMIT,
            after={"tranche_id": submitted.tranche_id, "interim": submitted.interim},
            reason=necessity,
            policy_version_id=policy.id,
        )
        return Submission(submitted, tranche, steps)

    # --- Between submission and decision --------------------------------------------------------

    async def consent(
        self, request_id: UUID, *, expected: frozenset[int] | None, reason: str
    ) -> RequestDetails:
        """Record the MT's prior consent to take up an interim request (VIS-6.4).

        Raises:
            RequestNotFound, StaleVersion: see ``withdraw``.
            InterimConsentNotNeeded: it belongs to a tranche, or the consent is there already.
            ActionNotAllowed: it is not waiting for an assessment.
            NecessityMissing: it was classified anew, as no legal or function-bound necessity.
            OwnRequest, NamedPersonNeeded: it is the actor's own, or could be.
            BsnInText: a citizen service number stands in the reason (LAW-12).
        """
        row, details = await self._locked(request_id, expected)
        self._check_awaits_consent(details, RequestAction.CONSENT, reason=reason)
        row.consented_by_id = self._work.actor.person_id
        row.consented_at = self._work.now
        row.consent_reason = reason
        row.version += 1
        await self._requests.save()
        await self._record(
            _RECORDED_AS[RequestAction.CONSENT], request_id, reason=reason, rule_ids=("VIS-6.4",)
        )
        return await self._whole(request_id)

    async def refuse(
        self, request_id: UUID, *, expected: frozenset[int] | None, reason: str
    ) -> RequestDetails:
        """Record that the MT does not take up an interim request; that is its end (VIS-6.4).

        What it asks for can be submitted for a tranche, in a request of its own.

        Raises:
            RequestNotFound, StaleVersion: see ``withdraw``.
            InterimConsentNotNeeded, ActionNotAllowed, OwnRequest, NamedPersonNeeded,
            BsnInText: see ``consent``.
        """
        row, details = await self._locked(request_id, expected)
        self._check_awaits_consent(details, RequestAction.REFUSE, reason=reason)
        row.status = next_status(details.status, RequestAction.REFUSE).value
        row.closing_reason = reason
        row.version += 1
        await self._requests.save()
        await self._record_step(details, RequestAction.REFUSE, reason=reason)
        return await self._whole(request_id)

    async def classify(
        self,
        request_id: UUID,
        basis: TrainingBasis,
        *,
        expected: frozenset[int] | None,
        source: str | None,
        reason: str,
    ) -> RequestDetails:
        """Classify the basis of a request anew; the history keeps what it was before (LAW-1).

        Agreements read the basis as it is when repayment is reckoned, so that a reclassification
        reaches them by itself.

        Raises:
            RequestNotFound, StaleVersion: see ``withdraw``.
            OwnRequest, NamedPersonNeeded: it is the actor's own, or could be.
            BsnInText: a citizen service number stands in the source or the reason.
        """
        row, details = await self._locked(request_id, expected)
        self._check_not_own(details, "classify")
        check_free_text({"source": source, "reason": reason})
        row.basis = basis.value
        row.version += 1
        await self._requests.save()
        stated = replace(self._stated(details.draft), basis=basis, source=source, reason=reason)
        await self._reclassify(request_id, stated)
        await self._record(
            "request.classified",
            request_id,
            before={"basis": details.basis},
            after={"basis": basis},
            reason=reason,
            rule_ids=("LAW-1",),
        )
        return await self._whole(request_id)

    async def assess(
        self, request_id: UUID, ratings: Sequence[Rating], *, expected: frozenset[int] | None
    ) -> RequestDetails:
        """Assess a request by the framework; the first time starts the assessment.

        Ratings may come bit by bit; the score is there once all five criteria have one. A deferred
        request is taken up in the tranche that is assessed now.

        Raises:
            RequestNotFound, StaleVersion: see ``withdraw``.
            OwnRequest, NamedPersonNeeded: it is the actor's own, or could be.
            ActionNotAllowed: it is not submitted, deferred or under assessment.
            InterimConsentMissing: interim, and the MT has not consented yet (VIS-6.4).
            NecessityMissing: interim, and classified anew as no necessity (VIS-6.4).
            RatingOffScale, TwiceNamed, BsnInText: see ``check_ratings`` and ``check_free_text``.

        Source: VIS-4.1, VIS-4.2, VIS-5.2.
        """
        row, details = await self._locked(request_id, expected)
        self._check_not_own(details, RequestAction.ASSESS, rule="VIS-5.2")
        policy = await self._policies.policy_on(self._work.today)
        check_ratings(ratings, policy.policy)
        check_free_text({"ratings": "\n".join(rating.motivation for rating in ratings)})
        starts = details.status is not RequestStatus.UNDER_ASSESSMENT
        row.status = check_step(details, RequestAction.ASSESS).value
        if details.status is RequestStatus.DEFERRED and details.tranche_id is not None:
            row.tranche_id = (await self._taken_up_in(details.tranche_id)).id
        row.version += 1
        await self._requests.save()
        score = weighted_score(ratings, policy.policy)
        await self._requests.put_assessment(
            request_id,
            ratings,
            {
                "points": None if score is None else score.points,
                "most_points": None if score is None else score.most_points,
                "policy_version_id": policy.id,
                "assessed_by": self._work.actor.subject,
                "assessed_at": self._work.now,
            },
        )
        if starts:
            await self._record_step(
                details, RequestAction.ASSESS, after={"tranche_id": row.tranche_id}
            )
        await self._record(
            "request.assessed",
            request_id,
            before=_rated(details.ratings),
            after=_rated(ratings),
            rule_ids=("VIS-4.2",),
            policy_version_id=policy.id,
        )
        return await self._whole(request_id)

    # --- What ends a request --------------------------------------------------------------------

    async def withdraw(
        self, request_id: UUID, *, expected: frozenset[int] | None, reason: str
    ) -> RequestDetails:
        """Withdraw a request before it is decided on.

        Raises:
            RequestNotFound: there is none of this id, or it is not for the actor to see.
            StaleVersion: it changed since it was read.
            ActionNotAllowed: it lies before the MT, or was decided on.
            NotYourStep: for the applicant, the manager of all participants, and HR alone.
        """
        return await self._close(request_id, RequestAction.WITHDRAW, expected, reason)

    async def cancel(
        self, request_id: UUID, *, expected: frozenset[int] | None, reason: str
    ) -> RequestDetails:
        """Cancel a granted training. What the grant committed and reserved is the caller's to free.

        Raises:
            RequestNotFound, StaleVersion, NotYourStep: see ``withdraw``.
            ActionNotAllowed: it was not granted, or is completed.
            OwnRequest, NamedPersonNeeded: the actor takes part in it, or could.
        """
        return await self._close(request_id, RequestAction.CANCEL, expected, reason)

    async def complete(
        self,
        request_id: UUID,
        *,
        expected: frozenset[int] | None,
        completed_on: date,
        outcome: Outcome | None,
        completed: Mapping[UUID, bool],
    ) -> RequestDetails:
        """Record when the training was completed, what it ended in, and by whom it was completed.

        ``completed`` says so of everyone to whom it was granted. The repayment terms run from
        ``completed_on``, so that nobody records it who takes part.

        Raises:
            RequestNotFound, StaleVersion, NotYourStep: see ``withdraw``.
            ActionNotAllowed: it was not granted.
            OwnRequest, NamedPersonNeeded: the actor takes part in it, or could.
            CompletionMistimed: before the start, or still to come.
            OutcomeInconsistent: see ``check_outcome``.
            ParticipantsDiffer: somebody is missing, or does not take part.

        Source: VIS-6.6, KB-14.
        """
        row, details = await self._locked(request_id, expected)
        status = next_status(details.status, RequestAction.COMPLETE)
        if self._work.actor.named() in details.participant_ids:
            raise OwnRequest(reference=details.reference, action=RequestAction.COMPLETE)
        await self._check_handler(details, RequestAction.COMPLETE)
        check_completion(completed_on, starts_on=details.starts_on, today=self._work.today)
        if outcome is not None:
            check_outcome(outcome)
            row.outcome_kind = outcome.kind.value
            row.outcome_nlqf_level = outcome.nlqf_level
            row.outcome_credits = outcome.credits
        check_everyone_named(details, completed)
        row.status = status.value
        row.completed_on = completed_on
        row.version += 1
        await self._requests.save()
        for status, done in (
            (ParticipantStatus.COMPLETED, True),
            (ParticipantStatus.NOT_COMPLETED, False),
        ):
            ids = [person for person, has_completed in completed.items() if has_completed is done]
            await self._requests.set_participant_status(request_id, ids, status)
        await self._record_step(
            details,
            RequestAction.COMPLETE,
            after={
                "completed_on": completed_on,
                "completed": {str(person): done for person, done in completed.items()},
            },
        )
        return await self._whole(request_id)

    # --- Taking in files ------------------------------------------------------------------------

    async def plan_intake(self, row: IntakeRow, known: Mapping[str, KnownRequest]) -> IntakePlan:
        """Return what taking in a row of a file comes to; nothing is changed yet.

        The tranche is that of the row's own moment of submission. What can not be submitted is
        kept as a draft. ``known`` is ``known_references`` of the file's references.

        Raises:
            ImportedRequestSettled: the row changes a request that is past its draft.
            NoPolicyInForce: none holds on the day of submission, or in a session's year.
            NotEmployed: a participant was not employed on that day.
            DatesReversed, SessionOutsideTraining, TwiceNamed, BsnInText: see ``check_draft``.
        """
        existing = known.get(row.reference)
        if existing is not None and existing.source_digest == row.digest:
            return IntakePlan(row, IntakeChange.UNCHANGED, existing.id, existing.status)
        if existing is not None and existing.status is not RequestStatus.DRAFT:
            raise ImportedRequestSettled(reference=row.reference, status=existing.status)
        check_draft(row.draft)
        submitted_on = amsterdam_day(row.submitted_at)
        await self._people.require_employed(row.draft.participant_ids, submitted_on)
        await self._policies.check_years(minutes_by_year(row.draft.sessions, working_time=True))
        policy = await self._policies.policy_on(submitted_on)
        obstacle = obstacle_to_submission(row.reference, row.draft, applicant_id=row.applicant_id)
        return IntakePlan(
            row=row,
            change=IntakeChange.CREATED if existing is None else IntakeChange.REPLACED,
            request_id=new_id() if existing is None else existing.id,
            status=RequestStatus.SUBMITTED if obstacle is None else RequestStatus.DRAFT,
            obstacle=obstacle,
            ruling=tranche_for(row.submitted_at, policy.policy) if obstacle is None else None,
            policy_version_id=policy.id,
        )

    async def known_references(self, references: Collection[str]) -> Mapping[str, KnownRequest]:
        """Return what is known of the requests with these references, for ``plan_intake``."""
        return await self._requests.by_references(references)

    async def take_in(self, plans: Collection[IntakePlan]) -> None:
        """Do what the plans say: store each request as submitted when its row says, or as a draft.

        Raises:
            ActionNotAllowed: a draft that a row replaces was submitted in the meantime.
        """
        created: list[tuple[TrainingRequest, Draft]] = []
        for plan in plans:
            if plan.change is IntakeChange.CREATED:
                created.append((await self._new_from(plan), plan.row.draft))
            elif plan.change is IntakeChange.REPLACED:
                await self._replace_by(plan)
        await self._requests.add(created)
        await self._requests.add_classifications(
            [(request.id, self._stated(draft)) for request, draft in created]
        )
        for request, draft in created:
            await self._record_intake(request, draft)

    async def take_over(self, reference: str, draft: Draft, *, source: str) -> RequestDetails:
        """Store what was promised before the policy held, ready for the MT to settle (VIS-9.1).

        It stands outside the tranches as proposed, with the promise as its necessity and the
        MT's consent in the settling: so only who decides for the MT calls this.

        Raises:
            ReferenceTaken: another request bears the reference.
            EmployeeNotFound, NotEmployed: a participant who is not there, or not employed.
            DatesReversed, SessionOutsideTraining, TwiceNamed, BsnInText: see ``check_draft``.
        """
        check_draft(draft)
        check_free_text({"source": source})
        await self._people.require_employed(draft.participant_ids, self._work.today)
        request = self._new_row(
            draft,
            request_id=new_id(),
            reference=reference,
            # Not in the name of who settles it: an MT member decides on no request of their own.
            applicant_id=await self._manager_of_first(draft.participant_ids),
        )
        policy = await self._policies.policy_on(self._work.today)
        request.status = RequestStatus.PROPOSED.value
        request.interim = True
        request.necessity = source
        request.submitted_at = self._work.now
        request.policy_version_id = policy.id
        request.consented_by_id = self._work.actor.person_id
        request.consented_at = self._work.now
        request.consent_reason = source
        await self._requests.add([(request, draft)])
        await self._requests.add_classifications([(request.id, self._stated(draft))])
        await self._record(
            "request.taken_over",
            request.id,
            after=_figures(draft) | {"reference": reference},
            reason=source,
            rule_ids=("VIS-9.1",),
            policy_version_id=policy.id,
        )
        return await self._whole(request.id)

    # --- Within ---------------------------------------------------------------------------------

    async def _whole(self, request_id: UUID) -> RequestDetails:
        return (await self._requests.details([request_id]))[request_id]

    async def _sight(self, *see_all: Role) -> frozenset[UUID] | None:
        """Return whose requests the actor may see; None is everybody's."""
        actor = self._work.actor
        if actor.has(*see_all):
            return None
        visible = await self._people.visible_ids()
        if visible is not None:
            return visible
        # Who keeps the register of people sees all of them, which is no reason to see requests.
        return frozenset() if actor.person_id is None else frozenset({actor.person_id})

    async def _locked(
        self, request_id: UUID, expected: frozenset[int] | None
    ) -> tuple[TrainingRequest, RequestDetails]:
        """Return the row to change and the request as it stands; locked before it is read."""
        row = await self._requests.lock_row(request_id)
        if row is None:
            raise RequestNotFound
        return row, await self._as_expected(request_id, expected)

    async def _held(self, request_id: UUID, expected: frozenset[int] | None) -> RequestDetails:
        """Return the request as it stands; locked before it is read."""
        await self._requests.lock([request_id])
        return await self._as_expected(request_id, expected)

    async def _as_expected(
        self, request_id: UUID, expected: frozenset[int] | None
    ) -> RequestDetails:
        details = await self.request(request_id)
        check_version(details.version, expected)
        return details

    def _check_not_own(
        self, details: RequestDetails, action: str, *, rule: str | None = None
    ) -> None:
        if details.is_own(self._work.actor.named()):
            raise OwnRequest(rule=rule, reference=details.reference, action=action)

    def _check_awaits_consent(
        self, details: RequestDetails, action: RequestAction, *, reason: str
    ) -> None:
        """Refuse the MT's answer to a request that does not wait for one, or to an own one."""
        check_step(details, action)
        if not details.interim or details.consented_at is not None:
            raise InterimConsentNotNeeded(reference=details.reference)
        self._check_not_own(details, action)
        check_free_text({"reason": reason})

    async def _managed(self, employee_ids: Collection[UUID]) -> set[UUID]:
        """Return which of them the actor manages, directly or through others; never the actor."""
        actor = self._work.actor
        if actor.person_id is None or not actor.has(Role.MANAGER):
            return set()
        visible = await self._people.visible_ids()
        if visible is None:
            # Who sees everybody by another role manages only those placed under him or her.
            managers = await self._people.manager_of(employee_ids, self._work.today)
            return {person for person in employee_ids if managers[person] == actor.person_id}
        return set(employee_ids) & visible - {actor.person_id}

    async def _manages(self, employee_ids: Collection[UUID]) -> bool:
        return await self._managed(employee_ids) == set(employee_ids)

    async def _may_endorse(self, employee_ids: Collection[UUID]) -> bool:
        if await self._manages(employee_ids):
            return True
        if not self._work.actor.has(Role.MT):
            return False
        managers = await self._people.manager_of(employee_ids, self._work.today)
        return all(managers.get(person) is None for person in employee_ids)

    async def _check_handler(self, details: RequestDetails, action: str) -> None:
        """Refuse a step that is for the applicant, the participants' manager and HR alone."""
        actor = self._work.actor
        if actor.has(Role.HR) or (
            actor.person_id is not None and actor.person_id == details.applicant_id
        ):
            return
        if not await self._manages(details.participant_ids):
            raise NotYourStep(
                reference=details.reference, action=action, who=["applicant", "manager", "hr"]
            )

    async def _check_participants(self, employee_ids: Collection[UUID]) -> None:
        actor = self._work.actor
        wanted = set(employee_ids)
        if actor.has(Role.HR):
            allowed = set(await self._people.employees(wanted))
        else:
            own = () if actor.person_id is None else (actor.person_id,)
            allowed = {*own, *await self._managed(wanted)}
        if strangers := sorted(wanted - allowed):
            raise ParticipantNotYours(employee_ids=strangers)
        await self._people.require_employed(wanted, self._work.today)

    async def _applicant(self, participant_ids: Sequence[UUID]) -> UUID | None:
        """Return in whose name the actor drafts: one's own, or for HR the manager's."""
        actor = self._work.actor
        if actor.has(Role.MANAGER, Role.EMPLOYEE) and not actor.has(Role.HR):
            return actor.person_id
        if actor.person_id in participant_ids:
            return actor.person_id
        return await self._manager_of_first(participant_ids)

    async def _manager_of_first(self, participant_ids: Sequence[UUID]) -> UUID | None:
        first = participant_ids[0]
        return (await self._people.manager_of([first], self._work.today)).get(first)

    async def _next_reference(self) -> str:
        """Return a reference nobody has yet: of the tranche being collected, and a number."""
        policy = await self._policies.policy_on(self._work.today)
        key = tranche_on(self._work.today, policy.policy)
        prefix = f"A{key.year % 100:02}-{key.number}"
        while True:
            reference = f"{prefix}-{await self._requests.next_number(prefix):04}"
            # A file may have brought references of this form.
            if not await self._requests.by_references([reference]):
                return reference

    async def _open(self, key: TrancheKey, policy_version_id: UUID) -> Tranche:
        """Return the tranche, opened by whoever comes first."""
        number = key.year, key.number
        found = self._tranches.get(number) or await self._requests.tranche_of(*number)
        if found is None:
            opening = Tranche(new_id(), key, policy_version_id)
            found = await self._requests.open_tranche(opening)
            if found.id == opening.id:
                await self._audit.record(
                    action="tranche.opened",
                    object_type="tranche",
                    object_id=found.id,
                    after={
                        "year": key.year,
                        "number": key.number,
                        "opens_on": key.opens_on,
                        "closes_on": key.closes_on,
                        "decision_by": key.decision_by,
                    },
                    rule_ids=("VIS-6.1",),
                    policy_version_id=policy_version_id,
                )
        self._tranches[number] = found
        return found

    async def _taken_up_in(self, tranche_id: UUID) -> Tranche:
        """Return the tranche in which a request that was deferred from this one is taken up."""
        policy = await self._policies.policy_on(self._work.today)
        deferred_from = await self.tranche(tranche_id)
        key = later_tranche(deferred_from.key, today=self._work.today, policy=policy.policy)
        return await self._open(key, policy.id)

    def _new_row(
        self, draft: Draft, *, request_id: UUID, reference: str, applicant_id: UUID | None
    ) -> TrainingRequest:
        request = TrainingRequest(
            organisation_id=self._work.organisation_id,
            id=request_id,
            version=1,
            reference=reference,
            status=RequestStatus.DRAFT.value,
            interim=False,
            applicant_id=applicant_id,
            created_by=self._work.actor.subject,
            created_at=self._work.now,
        )
        _fill(request, draft)
        return request

    def _stated(self, draft: Draft) -> Classification:
        """Return the first entry of a basis's history: what the drafter stated, and why.

        Without a reason of its own the motivation stands.
        """
        return Classification(
            id=new_id(),
            sequence=1,
            basis=draft.basis,
            source=draft.basis_source,
            reason=draft.basis_reason or draft.motivation,
            classified_by=self._work.actor.subject,
            classified_by_id=self._work.actor.person_id,
            classified_at=self._work.now,
        )

    async def _restate(self, request_id: UUID, draft: Draft) -> None:
        """Append what a changed draft says of its basis, when it is not what was said last."""
        stated = self._stated(draft)
        last = (await self._requests.classifications(request_id))[-1]
        said = (last.basis, last.source, last.reason)
        if said != (stated.basis, stated.source, stated.reason):
            await self._reclassify(request_id, stated)

    async def _reclassify(self, request_id: UUID, entry: Classification) -> None:
        """Append an entry to the history of a locked request's basis, in the next place."""
        history = await self._requests.classifications(request_id)
        placed = replace(entry, sequence=len(history) + 1)
        await self._requests.add_classifications([(request_id, placed)])

    async def _new_from(self, plan: IntakePlan) -> TrainingRequest:
        request = self._new_row(
            plan.row.draft,
            request_id=plan.request_id,
            reference=plan.row.reference,
            applicant_id=plan.row.applicant_id,
        )
        await self._settle(request, plan)
        return request

    async def _replace_by(self, plan: IntakePlan) -> None:
        request, before = await self._locked(plan.request_id, None)
        next_status(before.status, RequestAction.CHANGE)
        draft = plan.row.draft
        _fill(request, draft)
        request.applicant_id = plan.row.applicant_id
        request.endorsed_by_id = None
        request.endorsed_at = None
        request.version += 1
        await self._settle(request, plan)
        await self._requests.save()
        await self._requests.replace_parts(request.id, draft)
        await self._restate(request.id, draft)
        await self._record_intake(request, draft)

    async def _settle(self, request: TrainingRequest, plan: IntakePlan) -> None:
        """Set where a row that is taken in ends: submitted when it says, or still a draft."""
        request.source_digest = plan.row.digest
        if plan.ruling is not None and plan.policy_version_id is not None:
            tranche = await self._open(plan.ruling.key, plan.policy_version_id)
            request.status = RequestStatus.SUBMITTED.value
            request.tranche_id = tranche.id
            request.submitted_at = plan.row.submitted_at
            request.policy_version_id = plan.policy_version_id

    async def _record_intake(self, request: TrainingRequest, draft: Draft) -> None:
        await self._record(
            "request.imported",
            request.id,
            after=_figures(draft)
            | {
                "reference": request.reference,
                "status": request.status,
                "tranche_id": request.tranche_id,
                "submitted_at": request.submitted_at,
            },
            policy_version_id=request.policy_version_id,
        )

    async def _enrol(
        self,
        details: RequestDetails,
        action: RequestAction,
        granted_to: Collection[UUID] | None,
    ) -> None:
        """Record to whom a grant is, as far as that changes anything."""
        if action not in (RequestAction.GRANT, RequestAction.GRANT_PARTLY):
            return
        everyone = set(details.participant_ids)
        enrolled = everyone if granted_to is None else everyone & set(granted_to)
        if enrolled == set(details.enrolled_ids):
            return
        for status, ids in (
            (ParticipantStatus.ENROLLED, enrolled),
            (ParticipantStatus.NOT_GRANTED, everyone - enrolled),
        ):
            await self._requests.set_participant_status(details.id, ids, status)

    async def _close(
        self,
        request_id: UUID,
        action: RequestAction,
        expected: frozenset[int] | None,
        reason: str,
    ) -> RequestDetails:
        row, details = await self._locked(request_id, expected)
        status = next_status(details.status, action)
        cancels = action is RequestAction.CANCEL
        if cancels and self._work.actor.named() in details.participant_ids:
            raise OwnRequest(reference=details.reference, action=action)
        await self._check_handler(details, action)
        check_free_text({"reason": reason})
        row.status = status.value
        row.closing_reason = reason
        row.cancelled_on = self._work.today if cancels else None
        row.version += 1
        await self._requests.save()
        await self._record_step(details, action, reason=reason)
        return await self._whole(request_id)

    async def _record_step(
        self,
        details: RequestDetails,
        action: RequestAction,
        *,
        after: Mapping[str, Any] | None = None,
        reason: str | None = None,
        policy_version_id: UUID | None = None,
    ) -> None:
        await self._record(
            _RECORDED_AS[action],
            details.id,
            before={"status": details.status},
            after={"status": next_status(details.status, action), **(after or {})},
            reason=reason,
            policy_version_id=policy_version_id or details.policy_version_id,
        )

    async def _record(
        self,
        action: str,
        request_id: UUID,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        reason: str | None = None,
        rule_ids: Sequence[str] = ("VIS-6.6",),
        policy_version_id: UUID | None = None,
    ) -> None:
        await self._audit.record(
            action=action,
            object_type="training_request",
            object_id=request_id,
            before=before,
            after=after,
            reason=reason,
            rule_ids=rule_ids,
            policy_version_id=policy_version_id,
        )


def _fill(request: TrainingRequest, draft: Draft) -> None:
    """Set what a draft says on its row; its parts are rows of their own."""
    request.title = draft.title
    request.title_key = title_key(draft.title)
    request.provider = draft.provider
    request.kind = draft.kind.value
    request.starts_on = draft.starts_on
    request.ends_on = draft.ends_on
    request.motivation = draft.motivation
    request.conversation_on = draft.conversation_on
    request.basis = draft.basis.value


def _figures(draft: Draft) -> dict[str, Any]:
    """Return what the audit trail keeps of a draft: references and figures, no text."""
    return {
        "kind": draft.kind,
        "basis": draft.basis,
        "starts_on": draft.starts_on,
        "ends_on": draft.ends_on,
        "participant_ids": list(draft.participant_ids),
        "criteria": [ground.criterion for ground in draft.grounds],
        "session_minutes": [session.minutes for session in draft.sessions],
        "cost_cents": [line.cost_cents for line in draft.cost_lines],
    }


def _rated(ratings: Sequence[Rating]) -> dict[str, Any]:
    return {rating.criterion.value: rating.rating for rating in ratings}
