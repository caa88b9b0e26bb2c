"""Proposals of HR, decisions of the MT, and what a decision sets in motion.

One decision is one transaction: the request moves, means are committed, hours are reserved, and
the agreements it needs are called for; or nothing of it happens. Locks: the proposal, the
participants, the requests by id, the agreements they have, then the accounts (hours before means).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from app.agreements.rules import agreement_requirement, clause_for
from app.agreements.service import AgreementService
from app.budgets.errors import BudgetNotFound, MeansExceeded
from app.budgets.rules import MeansRoom, year_of_means
from app.budgets.service import BudgetService, Grant
from app.db.audit import AuditTrail
from app.db.work import Work
from app.decisions.errors import (
    AlreadyDecided,
    AlreadyRevised,
    DecisionContradictsItself,
    DecisionNotFound,
    ItemGone,
    ItemOutdated,
    ItemUnknown,
    LeavesBeforeTheStart,
    MoreThanRequested,
    MotivationMissing,
    NotAParticipant,
    NothingToRevise,
    OwnRequest,
    ProposalFrozen,
    ProposalIncomplete,
    ProposalNotFound,
    ProposalNotSubmitted,
    TrancheStillOpen,
)
from app.decisions.models import Decision, Proposal, ProposalItem
from app.decisions.repository import DecisionRepository
from app.decisions.rules import (
    Advice,
    Breach,
    BreachKind,
    Candidate,
    Impact,
    Intention,
    Need,
    Outcome,
    ProposalStatus,
    YearRoom,
    advise,
    misfits,
    weigh,
)
from app.hours.errors import NormExceeded
from app.hours.rules import HourRoom, Reservation, working_minutes_by_pair
from app.hours.service import HourService
from app.kernel.errors import Refusal, Scalar, check_version
from app.kernel.identifiers import new_id
from app.kernel.pages import Page, PageOf
from app.kernel.quantities import Cents, Minutes
from app.people.errors import EmployeeNotFound
from app.people.service import PeopleService
from app.policy.rules import Criterion, PolicyInForce
from app.policy.service import PolicyService
from app.requests.errors import NecessityMissing, RequestNotFound
from app.requests.rules import (
    CostLine,
    Draft,
    Ground,
    RequestAction,
    RequestDetails,
    RequestStatus,
    TrainingBasis,
    TrainingKind,
    TrainingSession,
    TrancheOverview,
    check_free_text,
    check_necessity,
    cost_of_one,
    spread_sessions,
)
from app.requests.service import RequestService

_ACTION: Mapping[Outcome, RequestAction] = {
    Outcome.GRANTED: RequestAction.GRANT,
    Outcome.PARTLY_GRANTED: RequestAction.GRANT_PARTLY,
    Outcome.DEFERRED: RequestAction.DEFER,
    Outcome.REJECTED: RequestAction.REJECT,
}
_GRANTED = frozenset({RequestStatus.GRANTED, RequestStatus.PARTLY_GRANTED})
# A decision on a request that is past these can no longer be revised.
_REVISABLE = _GRANTED | {RequestStatus.DEFERRED, RequestStatus.REJECTED}


@dataclass(frozen=True, slots=True)
class Advised:
    """What HR advises on one request; None stands for the whole of it."""

    request_id: UUID
    advice: Outcome
    amount_cents: Cents | None
    employee_ids: frozenset[UUID] | None
    conditions: str | None
    motivation: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """What the MT decides on one request; None stands for as advised, or else the whole."""

    request_id: UUID
    outcome: Outcome
    amount_cents: Cents | None
    employee_ids: frozenset[UUID] | None
    motivation: str | None
    conditions: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A commitment from before the policy: what was promised to whom, and where that is written.

    ``amount_cents`` is for all participants together, VAT included; the minutes are working time.
    """

    reference: str
    title: str
    provider: str
    personnel_numbers: tuple[str, ...]
    starts_on: date
    ends_on: date
    amount_cents: Cents
    minutes_per_participant: Minutes
    basis: TrainingBasis
    source: str


@dataclass(frozen=True, slots=True)
class ProposalView:
    """A proposal with its items, the requests they are about, and what was decided on them."""

    proposal: Proposal
    items: Sequence[ProposalItem]
    requests: Mapping[UUID, RequestDetails]
    decided: Mapping[UUID, Decision]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a decision would do; nothing was changed."""

    impacts: Sequence[Impact]
    requests: Mapping[UUID, RequestDetails]


@dataclass(frozen=True, slots=True)
class OverNorm:
    """A participant for whom a request alone asks more of a year than there is room for."""

    employee_id: UUID
    year: int
    asked_minutes: Minutes
    room: HourRoom


@dataclass(frozen=True, slots=True)
class Overview:
    """A tranche's requests together, with the room of means and norm beside them."""

    tranche: TrancheOverview
    budget_year: int
    means: MeansRoom | None
    over_norm: Mapping[UUID, Sequence[OverNorm]]


@dataclass(frozen=True, slots=True)
class _Standing:
    """A request as it stands: what the MT weighs of it, and the hours a grant to all would hold."""

    details: RequestDetails
    candidate: Candidate
    reservations: tuple[Reservation, ...]


@dataclass(frozen=True, slots=True)
class _Case:
    """One request that is being decided, with where the decision comes from.

    ``signed`` holds whose agreement both have signed, under the decision that it revises.
    """

    details: RequestDetails
    intention: Intention
    reservations: tuple[Reservation, ...]
    item: ProposalItem | None = None
    revises: Decision | None = None
    signed: frozenset[UUID] = frozenset()


class DecisionService:
    """What the MT of one organisation decides."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._decisions = DecisionRepository(work.session, work.organisation_id)
        self._requests = RequestService(work)
        self._hours = HourService(work)
        self._budgets = BudgetService(work)
        self._agreements = AgreementService(work)
        self._people = PeopleService(work)
        self._policies = PolicyService(work)
        self._audit = AuditTrail(work)

    # --- The tranche as a whole -----------------------------------------------------------------

    async def overview(self, tranche_id: UUID) -> Overview:
        """Return a tranche's requests with cost, hours and overlap, and the room there is.

        Raises:
            TrancheNotFound: there is none with this id.

        Source: VIS-4.3, VIS-5.2, VIS-6.2.
        """
        found = await self._requests.overview(tranche_id)
        year = year_of_means(found.tranche.key.year, decided_on=self._work.today)
        asked = {
            (person, calendar_year)
            for item in found.items
            for person in item.details.participant_ids
            for calendar_year in item.details.minutes_by_year
        }
        rooms = await self._hours.rooms(asked)
        over_norm = {
            item.details.id: [
                OverNorm(person, calendar_year, minutes, rooms[person, calendar_year])
                for person in item.details.participant_ids
                for calendar_year, minutes in item.details.minutes_by_year.items()
                if minutes > rooms[person, calendar_year].room_minutes
            ]
            for item in found.items
        }
        means = await self._budgets.rooms([year])
        return Overview(tranche=found, budget_year=year, means=means.get(year), over_norm=over_norm)

    # --- Proposals ------------------------------------------------------------------------------

    async def propose(
        self,
        *,
        tranche_id: UUID | None,
        request_ids: Sequence[UUID],
        title: str,
        substantiation: str,
    ) -> ProposalView:
        """Draft a proposal with HR's first ranking and advice, and return it.

        For a tranche it holds every request that is fully assessed; HR works on from there. The
        first advice grants in order of rank while the means of the year allow.

        Raises:
            TrancheNotFound: there is no such tranche.
            ProposalExists: the tranche has a proposal that is not decided yet.
            ItemUnknown: an interim request that does not await one.
            NecessityMissing: an interim request was classified anew as no necessity (VIS-6.4).
            BsnInText: a citizen service number stands in a text (LAW-12).

        Source: VIS-6.3.
        """
        check_free_text({"title": title, "substantiation": substantiation})
        policy = await self._policies.policy_on(self._work.today)
        waiting = await self._requests.awaiting(tranche_id)
        if tranche_id is None:
            wanted = set(request_ids)
            waiting = [details for details in waiting if details.id in wanted]
            if len(waiting) < len(wanted):
                raise ItemUnknown
            year = year_of_means(None, decided_on=self._work.today)
        else:
            tranche = await self._requests.tranche(tranche_id)
            waiting = [details for details in waiting if details.assessment_complete]
            year = year_of_means(tranche.key.year, decided_on=self._work.today)
        proposal = Proposal(
            organisation_id=self._work.organisation_id,
            id=new_id(),
            version=1,
            tranche_id=tranche_id,
            title=title,
            substantiation=substantiation,
            status=ProposalStatus.DRAFT.value,
            policy_version_id=policy.id,
            created_by=self._work.actor.subject,
            created_at=self._work.now,
        )
        await self._decisions.add(proposal)
        rooms = await self._budgets.rooms([year])
        left = rooms[year].room_cents if year in rooms else Cents(0)
        spent = await self._budgets.spent_on([details.id for details in waiting])
        advice = advise(
            [
                (details.id, Cents(max(details.total_cost_cents - spent.get(details.id, 0), 0)))
                for details in waiting
            ],
            means_left_cents=left,
        )
        await self._put_items(
            proposal,
            [
                Advised(
                    request_id=details.id,
                    advice=advice[details.id],
                    amount_cents=None,
                    employee_ids=None,
                    conditions=None,
                    motivation=_first_motivation(details),
                )
                for details in waiting
            ],
        )
        await self._audit.record(
            action="proposal.drafted",
            object_type="proposal",
            object_id=proposal.id,
            after={"tranche_id": tranche_id, "items": len(waiting)},
            rule_ids=("VIS-6.3",),
            policy_version_id=policy.id,
        )
        return await self.proposal(proposal.id)

    async def proposal(self, proposal_id: UUID) -> ProposalView:
        """Return a proposal with its items.

        Raises:
            ProposalNotFound: there is none with this id.
        """
        proposal = await self._decisions.proposal(proposal_id)
        if proposal is None:
            raise ProposalNotFound
        items = await self._decisions.items(proposal_id)
        return ProposalView(
            proposal=proposal,
            items=items,
            requests=await self._requests.details([item.request_id for item in items]),
            decided=await self._decisions.of_items(proposal_id),
        )

    async def proposals(
        self, *, tranche_id: UUID | None, page: PageOf
    ) -> tuple[Page[Proposal], dict[UUID, tuple[int, int, int]]]:
        """Return proposals, oldest first, and for each its items, those decided, and the cents."""
        found = await self._decisions.proposals(tranche_id=tranche_id, page=page)
        return found, await self._decisions.counts([proposal.id for proposal in found.items])

    async def replace_items(
        self, proposal_id: UUID, items: Sequence[Advised], *, expected: frozenset[int] | None
    ) -> ProposalView:
        """Put these items in a draft proposal in this order of rank, instead of those in it.

        Raises:
            ProposalNotFound: there is none with this id.
            ProposalFrozen: it is with the MT (VIS-6.3).
            StaleVersion: it changed since it was read.
            ItemUnknown: a request twice, or one that does not belong in it.
            NecessityMissing: an interim request was classified anew as no necessity (VIS-6.4).
            NotAParticipant, MoreThanRequested, DecisionContradictsItself: it could not be adopted.
            BsnInText: a citizen service number stands in a text (LAW-12).
        """
        for item in items:
            check_free_text({"motivation": item.motivation, "conditions": item.conditions})
        proposal = await self._lock(proposal_id, expected)
        _check_draft(proposal)
        allowed = {details.id for details in await self._requests.awaiting(proposal.tranche_id)}
        named = [item.request_id for item in items]
        if len(set(named)) < len(named) or not allowed.issuperset(named):
            raise ItemUnknown
        await self._decisions.drop_items(proposal_id)
        await self._put_items(proposal, items)
        proposal.version += 1
        await self._audit.record(
            action="proposal.changed",
            object_type="proposal",
            object_id=proposal.id,
            after={"items": len(items), "version": proposal.version},
            rule_ids=("VIS-6.3",),
        )
        await self._work.session.flush()
        return await self.proposal(proposal_id)

    async def submit(self, proposal_id: UUID, *, expected: frozenset[int] | None) -> ProposalView:
        """Put a proposal before the MT: it freezes, and its requests are proposed.

        Raises:
            ProposalNotFound: there is none with this id.
            ProposalFrozen: it was submitted before.
            StaleVersion: it changed since it was read.
            ItemGone: a request was withdrawn, or proposed elsewhere, since it was put in.
            TrancheStillOpen: requests can still come in; the closing day itself counts (VIS-6.2).
            ProposalIncomplete: a request of the tranche is not assessed or not in it (VIS-6.3).
            AssessmentIncomplete: one of its requests is not fully assessed (VIS-4.2).
            NecessityMissing: an interim request was classified anew as no necessity (VIS-6.4).
            ItemOutdated: a request was assessed or classified anew since it was put in.
        """
        proposal = await self._lock(proposal_id, expected)
        _check_draft(proposal)
        items = await self._decisions.items(proposal_id)
        proposed = {item.request_id for item in items}
        held = await self._requests.lock(proposed)
        waiting = await self._requests.awaiting(proposal.tranche_id)
        if gone := sorted(
            held[request_id].reference
            for request_id in proposed.difference(details.id for details in waiting)
        ):
            raise ItemGone(gone_count=len(gone), references=gone[:50])
        if proposal.tranche_id is not None:
            tranche = await self._requests.tranche(proposal.tranche_id)
            if self._work.today <= tranche.key.closes_on:
                raise TrancheStillOpen(closes_on=tranche.key.closes_on)
            missing = [
                details.reference
                for details in waiting
                if details.id not in proposed or not details.assessment_complete
            ]
            if missing:
                raise ProposalIncomplete(missing_count=len(missing), references=missing[:50])
        if not items:
            raise ProposalIncomplete(missing_count=0, references=[])
        await self._requests.apply_many(dict.fromkeys(proposed, RequestAction.PROPOSE))
        _check_current(items, held)
        proposal.status = ProposalStatus.SUBMITTED.value
        proposal.submitted_by = self._work.actor.subject
        proposal.submitted_at = self._work.now
        proposal.version += 1
        await self._audit.record(
            action="proposal.submitted",
            object_type="proposal",
            object_id=proposal.id,
            after={"items": len(items)},
            rule_ids=("VIS-6.3",),
            policy_version_id=proposal.policy_version_id,
        )
        await self._work.session.flush()
        return await self.proposal(proposal_id)

    # --- Decisions ------------------------------------------------------------------------------

    async def rehearse(
        self, proposal_id: UUID, decided: Sequence[Resolved], *, adopt_rest: bool
    ) -> Trial:
        """Return what these decisions would do and run into. Nothing is changed or locked.

        Raises:
            ProposalNotFound: there is none with this id.
            ItemUnknown, AlreadyDecided, NamedPersonNeeded: see ``decide``.
        """
        view = await self.proposal(proposal_id)
        chosen = _chosen(view, decided, adopt_rest=adopt_rest, motivation=None)
        cases = await self._cases(chosen, view.requests)
        impacts = await self._weigh(cases, lock=False)
        return Trial(impacts=impacts, requests=view.requests)

    async def decide(
        self,
        proposal_id: UUID,
        decided: Sequence[Resolved],
        *,
        adopt_rest: bool,
        motivation: str | None = None,
        expected: frozenset[int] | None,
    ) -> Sequence[Decision]:
        """Decide on items of a proposal, all or none, and let the consequences follow.

        ``adopt_rest`` decides on every item that is not named and not decided yet as HR advised;
        with HR's motivation, unless the decision as a whole has a ``motivation``.

        Raises:
            ProposalNotFound: there is none with this id.
            ProposalNotSubmitted: HR has not put it before the MT, or all of it is decided.
            BsnInText: a citizen service number stands in a text (LAW-12).
            StaleVersion: it changed since it was read.
            ItemUnknown: a request that is not in it, or is named twice.
            AlreadyDecided: one of them was decided before (VIS-6.6).
            OwnRequest, NamedPersonNeeded: one is the decider's own, or could be (VIS-5.1).
            MotivationMissing: a departure, refusal, deferral or part without one (VIS-6.3).
            NormExceeded: a binding norm would be passed without an exception (VIS-8.3, VIS-10.1).
            MeansExceeded, BudgetNotFound: the means do not allow it (VIS-5.1).
            LeavesBeforeTheStart: a participant's employment ends before the training starts.
            NecessityMissing: a grant of an interim request that is no necessity now (VIS-6.4).
            NotAParticipant, MoreThanRequested, DecisionContradictsItself: it does not fit.
        """
        proposal = await self._lock(proposal_id, expected)
        if proposal.status == ProposalStatus.DRAFT.value:
            raise ProposalNotSubmitted(status=proposal.status)
        view = await self.proposal(proposal_id)
        chosen = _chosen(view, decided, adopt_rest=adopt_rest, motivation=motivation)
        if not chosen:
            raise ProposalNotSubmitted(status=proposal.status)
        held = await self._hold(view.requests[item.request_id] for item, _resolved in chosen)
        cases = await self._cases(chosen, held)
        kind = "interim" if proposal.tranche_id is None else "tranche"
        decisions = await self._carry_out(cases, kind=kind, proposal_id=proposal_id)
        if len(view.decided) + len(decisions) == len(view.items):
            proposal.status = ProposalStatus.DECIDED.value
            proposal.decided_at = self._work.now
        proposal.version += 1
        await self._work.session.flush()
        return decisions

    async def revise(self, decision_id: UUID, resolved: Resolved) -> Decision:
        """Take a later decision on a request that was decided before, and return it.

        What the earlier one committed and reserved is released first, what was invoiced and
        attended stays and counts towards the new outcome, which takes the rest of its own. After
        a grant the means are those of the same year, and the necessity of an interim request is
        not asked again; of an existing commitment it never is.

        Raises:
            DecisionNotFound: there is none with this id.
            AlreadyRevised: a later decision on the request is in force.
            NothingToRevise: the request is completed, cancelled or withdrawn.
            and what ``decide`` raises of a single decision.
        """
        earlier = await self._decisions.decision(decision_id)
        if earlier is None:
            raise DecisionNotFound
        unlocked = await self._requests.details([earlier.request_id])
        details = (await self._hold(unlocked.values()))[earlier.request_id]
        in_force = await self._decisions.in_force([details.id])
        if in_force[details.id].id != earlier.id:
            raise AlreadyRevised
        if details.status not in _REVISABLE:
            raise NothingToRevise(status=details.status.value)
        signed = await self._agreements.hold(details.id)
        standing = (await self._standings([details]))[details.id]
        candidate = standing.candidate
        if details.status in _GRANTED:
            candidate = replace(candidate, budget_year=earlier.budget_year, outside_tranches=False)
        elif earlier.proposal_id is None:
            candidate = replace(candidate, outside_tranches=False)
        _check_texts(resolved)
        case = _Case(
            details,
            _intention(candidate, resolved, advice=None),
            standing.reservations,
            revises=earlier,
            signed=signed,
        )
        [decision] = await self._carry_out([case], kind="revision", proposal_id=earlier.proposal_id)
        return decision

    async def settle_existing(self, promises: Sequence[Promise]) -> list[Decision]:
        """Settle commitments from before the policy within its frames, all or none.

        Each becomes a granted request: it takes means of the year in which the training starts,
        reserves its hours (spread over its working days; from the first year with a policy on),
        and calls for the agreement it needs.

        Raises:
            ReferenceTaken: one of them bears the reference of another request.
            EmployeeNotFound: a personnel number nobody has.
            and what ``decide`` raises of a grant.

        Source: VIS-9.1.
        """
        taken: list[RequestDetails] = []
        for promise in promises:
            draft = await self._draft(promise)
            await self._people.hold_stay(draft.participant_ids)
            taken.append(
                await self._requests.take_over(promise.reference, draft, source=promise.source)
            )
        standings = await self._standings(taken)
        cases: list[_Case] = []
        for details, promise in zip(taken, promises, strict=True):
            standing = standings[details.id]
            candidate = replace(
                standing.candidate, budget_year=promise.starts_on.year, outside_tranches=False
            )
            cases.append(
                _Case(
                    details=details,
                    intention=Intention(
                        candidate=candidate,
                        outcome=Outcome.GRANTED,
                        amount_cents=candidate.total_cents,
                        participants=frozenset(candidate.participants),
                        motivation=promise.source,
                        advice=None,
                    ),
                    reservations=standing.reservations,
                )
            )
        return await self._carry_out(cases, kind="existing_commitment", proposal_id=None)

    async def _draft(self, promise: Promise) -> Draft:
        employees = await self._people.by_personnel_numbers(promise.personnel_numbers)
        if unknown := sorted(set(promise.personnel_numbers) - employees.keys()):
            raise EmployeeNotFound(personnel_numbers=unknown)
        return Draft(
            title=promise.title,
            provider=promise.provider,
            kind=TrainingKind.COURSE,
            starts_on=promise.starts_on,
            ends_on=promise.ends_on,
            motivation=promise.source,
            conversation_on=None,
            basis=promise.basis,
            basis_source=None,
            basis_reason=promise.source,
            participant_ids=tuple(employees[number].id for number in promise.personnel_numbers),
            sessions=tuple(
                TrainingSession(new_id(), held_on, minutes, working_time=True, estimated=True)
                for held_on, minutes in spread_sessions(
                    promise.starts_on, promise.ends_on, promise.minutes_per_participant
                )
            ),
            cost_lines=(
                CostLine("Toezegging", promise.amount_cents, Cents(0), per_participant=False),
            ),
            grounds=(Ground(Criterion.ORGANISATION_GOALS, promise.source),),
        )

    async def cancel(
        self, request_id: UUID, *, reason: str, expected: frozenset[int] | None
    ) -> RequestDetails:
        """Cancel a granted training: what was committed and reserved for it is released.

        What was attended and invoiced stays; agreements that it called for are void, but for those
        signed by both once the training has started.

        Raises:
            RequestNotFound: there is none of this id, or it is not for the actor to see.
            ActionNotAllowed: it is not granted.
            OwnRequest, NamedPersonNeeded: the actor takes part in it, or could.

        Source: VIS-5.3, VIS-7.7.
        """
        details = await self._requests.cancel(request_id, reason=reason, expected=expected)
        await self._agreements.stop(details, reason=reason)
        await self._release(request_id, cause_id=request_id)
        return details

    async def decisions(
        self, *, proposal_id: UUID | None, request_id: UUID | None, page: PageOf
    ) -> Page[tuple[Decision, bool]]:
        """Return decisions, oldest first, each with whether it is in force.

        Raises:
            RequestNotFound: a request that the actor may not see is asked for.
        """
        if request_id is not None:
            await self._requests.request(request_id)
        found = await self._decisions.decisions(
            proposal_id=proposal_id, request_id=request_id, page=page
        )
        return Page(items=[(row[0], row[1]) for row in found.items], next_key=found.next_key)

    async def decision(self, decision_id: UUID) -> tuple[Decision, bool]:
        """Return one decision, and whether it is in force.

        Raises:
            DecisionNotFound: there is none of this id, or its request is not for the actor to see.
        """
        rows = await self._decisions.with_force([decision_id])
        if not rows:
            raise DecisionNotFound
        try:
            await self._requests.request(rows[0][0].request_id)
        except RequestNotFound as error:
            raise DecisionNotFound from error
        return rows[0][0], rows[0][1]

    # --- Within ---------------------------------------------------------------------------------

    async def _lock(self, proposal_id: UUID, expected: frozenset[int] | None) -> Proposal:
        proposal = await self._decisions.lock_proposal(proposal_id)
        if proposal is None:
            raise ProposalNotFound
        check_version(proposal.version, expected)
        return proposal

    async def _hold(self, found: Iterable[RequestDetails]) -> dict[UUID, RequestDetails]:
        """Lock who takes part in requests, so that none of them leaves unseen, then the requests.

        Who takes part does not change from the submission on.
        """
        held = list(found)
        await self._people.hold_stay({person for one in held for person in one.participant_ids})
        return await self._requests.lock([one.id for one in held])

    async def _put_items(self, proposal: Proposal, items: Sequence[Advised]) -> None:
        found = await self._requests.details([item.request_id for item in items])
        for details in found.values():
            if details.interim:
                check_necessity(details.reference, details.basis)
        await self._decisions.add(
            *(
                _item(proposal, item, found[item.request_id], rank=rank)
                for rank, item in enumerate(items, start=1)
            )
        )

    async def _cases(
        self,
        chosen: Sequence[tuple[ProposalItem, Resolved]],
        requests: Mapping[UUID, RequestDetails],
    ) -> list[_Case]:
        """Return what is to be decided on items, of their requests as they are in ``requests``."""
        standings = await self._standings([requests[item.request_id] for item, _given in chosen])
        cases: list[_Case] = []
        for item, resolved in chosen:
            standing = standings[item.request_id]
            advice = Advice(
                Outcome(item.advice),
                item.amount_cents,
                frozenset(item.employee_ids),
                item.conditions,
            )
            cases.append(
                _Case(
                    details=standing.details,
                    intention=_intention(standing.candidate, resolved, advice=advice),
                    reservations=standing.reservations,
                    item=item,
                )
            )
        return cases

    async def _standings(self, found: Sequence[RequestDetails]) -> dict[UUID, _Standing]:
        """Return how requests stand, with what earlier decisions on them left used.

        Whatever became of those decisions: what was attended and invoiced stays so.
        """
        ids = [details.id for details in found]
        attended = await self._hours.attended(ids)
        spent = await self._budgets.spent_on(ids)
        last_days = await self._people.last_days(
            {person for details in found for person in details.participant_ids}
        )
        # What was promised before there was a policy may have begun in a year without a norm.
        governed = await self._policies.governed(
            {year for details in found for year in details.minutes_by_year}
        )
        standings: dict[UUID, _Standing] = {}
        for details in found:
            reservations = tuple(
                reservation
                for reservation in _reservations(details, governed)
                if (reservation.session_id, reservation.employee_id) not in attended
                and reservation.held_on <= last_days.get(reservation.employee_id, date.max)
            )
            tranche_year = None
            if details.tranche_id is not None:
                tranche_year = (await self._requests.tranche(details.tranche_id)).key.year
            standings[details.id] = _Standing(
                details=details,
                candidate=Candidate(
                    request_id=details.id,
                    reference=details.reference,
                    applicant_id=details.applicant_id,
                    participants=details.participant_ids,
                    total_cents=details.total_cost_cents,
                    asked_minutes=working_minutes_by_pair(reservations),
                    starts_on=details.starts_on,
                    ends_on=details.ends_on,
                    budget_year=year_of_means(tranche_year, decided_on=self._work.today),
                    basis=details.basis,
                    outside_tranches=details.interim,
                    spent_cents=spent.get(details.id, Cents(0)),
                ),
                reservations=reservations,
            )
        return standings

    async def _weigh(self, cases: Sequence[_Case], *, lock: bool) -> list[Impact]:
        """Return the impact of each case; what its request holds already counts as free."""
        policy = await self._policies.policy_on(self._work.today)
        granting = [case for case in cases if case.intention.outcome.grants]
        ids = [case.details.id for case in granting]
        pairs = {
            pair
            for case in granting
            for pair in case.intention.candidate.asked_minutes
            if pair[0] in case.intention.participants
        }
        years = {case.intention.candidate.budget_year for case in granting}
        rooms = await self._hours.rooms(pairs, lock=lock)
        freed_minutes = await self._hours.reserved_minutes(ids)
        means = await self._budgets.rooms(years, lock=lock)
        freed_cents = await self._budgets.open_by_year(ids)
        return weigh(
            [case.intention for case in cases],
            decider=self._work.actor.named(),
            rooms={
                pair: YearRoom(
                    norm_minutes=room.norm_minutes,
                    exception_minutes=room.exception_minutes,
                    room_minutes=Minutes(room.room_minutes + freed_minutes.get(pair, 0)),
                    binding=room.binding,
                )
                for pair, room in rooms.items()
            },
            means={
                year: Cents(means[year].room_cents + freed_cents.get(year, 0))
                if year in means
                else None
                for year in years
            },
            left_on=await self._people.last_days(
                {person for case in granting for person in case.intention.participants}
            ),
            agreements=_needs(granting, policy),
            signed={(case.details.id, person) for case in cases for person in case.signed},
            decided_on=self._work.today,
        )

    async def _carry_out(
        self, cases: Sequence[_Case], *, kind: str, proposal_id: UUID | None
    ) -> list[Decision]:
        """Take the decisions and let the consequences follow, all or none."""
        policy = await self._policies.policy_on(self._work.today)
        impacts = await self._weigh(cases, lock=True)
        _refuse(breach for impact in impacts for breach in impact.breaches)
        for case, impact in zip(cases, impacts, strict=True):
            if case.revises is not None:
                await self._undo(case, case.revises, needs=impact.needs)
        decisions = [
            _decision(self._work, case, impact, kind=kind, proposal_id=proposal_id, policy=policy)
            for case, impact in zip(cases, impacts, strict=True)
        ]
        await self._decisions.add(*decisions)
        await self._requests.apply_many(
            {case.details.id: _ACTION[case.intention.outcome] for case in cases},
            participants={
                case.details.id: case.intention.participants
                for case in cases
                if case.intention.outcome.grants
            },
        )
        await self._take(cases, decisions)
        for case, impact, decision in zip(cases, impacts, decisions, strict=True):
            if impact.needs:
                await self._agreements.call_for(
                    case.details,
                    employee_ids=[need.employee_id for need in impact.needs],
                    decision_id=decision.id,
                    policy_version_id=policy.id,
                    cost_cents=impact.needs[0].cost_cents,
                )
            await self._record(decision, case)
        return decisions

    async def _take(self, cases: Sequence[_Case], decisions: Sequence[Decision]) -> None:
        """Reserve the hours and commit the means of all grants at once."""
        grants: dict[int, list[Grant]] = {}
        reservations: dict[UUID, list[Reservation]] = {}
        for case, decision in zip(cases, decisions, strict=True):
            if not case.intention.outcome.grants:
                continue
            reservations[decision.id] = [
                reservation
                for reservation in case.reservations
                if reservation.employee_id in case.intention.participants
            ]
            grants.setdefault(decision.budget_year, []).append(
                Grant(case.details.id, decision.id, case.intention.still_to_commit_cents)
            )
        await self._hours.reserve_all(reservations)
        for year in sorted(grants):
            await self._budgets.commit(year, grants[year])

    async def _release(self, request_id: UUID, *, cause_id: UUID) -> None:
        await self._hours.release(request_id, cause_id=cause_id)
        await self._budgets.release([request_id], cause_id=cause_id)

    async def _undo(self, case: _Case, earlier: Decision, *, needs: Sequence[Need]) -> None:
        """Release what an earlier decision holds.

        Who keeps a place and needs an agreement still keeps it, until the new decision calls for
        its successor.
        """
        await self._release(case.details.id, cause_id=earlier.id)
        reason = case.intention.motivation or ""
        before = set(earlier.employee_ids)
        if leaving := before - case.intention.participants:
            await self._agreements.void_for(case.details.id, reason=reason, employee_ids=leaving)
        if unneeded := before - leaving - {need.employee_id for need in needs}:
            await self._agreements.end_unneeded(
                case.details.id, employee_ids=unneeded, reason=reason
            )

    async def _record(self, decision: Decision, case: _Case) -> None:
        await self._audit.record(
            action=f"decision.{decision.outcome}",
            object_type="decision",
            object_id=decision.id,
            before={"status": case.details.status},
            after={
                "request_id": decision.request_id,
                "proposal_id": decision.proposal_id,
                "amount_cents": decision.amount_cents,
                "participants": len(decision.employee_ids),
                "revises_id": decision.revises_id,
            },
            reason=decision.motivation,
            rule_ids=("VIS-5.1", "VIS-6.6"),
            policy_version_id=decision.policy_version_id,
        )


def _reservations(details: RequestDetails, governed: Collection[int]) -> Iterable[Reservation]:
    """Yield the hours of each participant in each session; in working time of these years."""
    for person in sorted(details.participant_ids):
        for session in details.sessions:
            if not session.working_time or session.held_on.year in governed:
                yield Reservation(
                    request_id=details.id,
                    employee_id=person,
                    session_id=session.id,
                    held_on=session.held_on,
                    minutes=session.minutes,
                    working_time=session.working_time,
                )


def _chosen(
    view: ProposalView,
    decided: Sequence[Resolved],
    *,
    adopt_rest: bool,
    motivation: str | None,
) -> list[tuple[ProposalItem, Resolved]]:
    """Return on which items what is decided, by rank; ``decide`` says what it refuses."""
    by_request = {item.request_id: item for item in view.items}
    named = {resolved.request_id: resolved for resolved in decided}
    if len(named) < len(decided) or not by_request.keys() >= named.keys():
        raise ItemUnknown
    chosen: list[tuple[ProposalItem, Resolved]] = []
    for item in view.items:
        taken = view.decided.get(item.id)
        resolved = named.get(item.request_id)
        if taken is not None and resolved is not None:
            raise AlreadyDecided(decided_at=taken.decided_at, outcome=taken.outcome)
        if taken is not None or (resolved is None and not adopt_rest):
            continue
        if resolved is None:
            resolved = _as_advised(item, motivation=motivation)
        _check_texts(resolved)
        chosen.append((item, resolved))
    return chosen


def _check_draft(proposal: Proposal) -> None:
    if proposal.status != ProposalStatus.DRAFT.value:
        raise ProposalFrozen(status=proposal.status)


def _check_current(items: Iterable[ProposalItem], requests: Mapping[UUID, RequestDetails]) -> None:
    """Refuse a proposal in which figures of before stand.

    Raises:
        ItemOutdated: naming the requests of which they do.
    """
    outdated = sorted(
        requests[item.request_id].reference
        for item in items
        if (item.score, item.priority, item.working_minutes)
        != _figures(requests[item.request_id], item.employee_ids)
    )
    if outdated:
        raise ItemOutdated(outdated_count=len(outdated), references=outdated[:50])


def _figures(details: RequestDetails, employee_ids: Sequence[UUID]) -> tuple[int, bool, Minutes]:
    """Return a request's score, priority and working time: of these people, or of all for none.

    What else a proposal shows of a request does not change once it is submitted.
    """
    score = 0 if details.score is None else details.score.basis_points
    people = len(employee_ids) or len(details.participants)
    return score, details.priority == 1, Minutes(details.working_minutes * people)


def _first_motivation(details: RequestDetails) -> str:
    """Return what HR's first advice rests on, in Dutch, for HR to work on."""
    points = 0 if details.score is None else details.score.basis_points
    necessity = "wettelijke of functiegebonden noodzaak" if details.priority == 1 else "overig"
    return f"Afwegingskader: {points / 100:.1f} van 100 punten; {necessity}.".replace(".", ",", 1)


def _item(
    proposal: Proposal, advised: Advised, details: RequestDetails, *, rank: int
) -> ProposalItem:
    participants = frozenset(details.participant_ids)
    people = participants if advised.employee_ids is None else advised.employee_ids
    amount = _amount(advised.amount_cents, details.total_cost_cents, advised.advice)
    _refuse(
        misfits(
            details.id,
            outcome=advised.advice,
            amount_cents=amount,
            people=people,
            requested_cents=details.total_cost_cents,
            participants=participants,
        )
    )
    employee_ids = sorted(people) if advised.advice.grants else []
    score, priority, working_minutes = _figures(details, employee_ids)
    return ProposalItem(
        organisation_id=proposal.organisation_id,
        id=new_id(),
        proposal_id=proposal.id,
        request_id=details.id,
        rank=rank,
        advice=advised.advice.value,
        amount_cents=amount,
        employee_ids=employee_ids,
        working_minutes=working_minutes,
        score=score,
        priority=priority,
        conditions=advised.conditions,
        motivation=advised.motivation,
    )


def _amount(given: Cents | None, whole: Cents, outcome: Outcome) -> Cents:
    if not outcome.grants:
        return Cents(0)
    return whole if given is None else given


def _check_texts(resolved: Resolved) -> None:
    check_free_text({"motivation": resolved.motivation, "conditions": resolved.conditions})


def _as_advised(item: ProposalItem, *, motivation: str | None) -> Resolved:
    return Resolved(
        request_id=item.request_id,
        outcome=Outcome(item.advice),
        amount_cents=item.amount_cents,
        employee_ids=frozenset(item.employee_ids),
        motivation=motivation or item.motivation,
        conditions=item.conditions,
    )


def _intention(candidate: Candidate, resolved: Resolved, *, advice: Advice | None) -> Intention:
    """Return what is meant: amount, people and conditions as given, else as advised.

    Where nothing was advised, or another outcome: the whole, without conditions.
    """
    same = advice is not None and advice.outcome is resolved.outcome
    participants = resolved.employee_ids
    if participants is None:
        participants = advice.participants if advice and same else frozenset(candidate.participants)
    amount = resolved.amount_cents
    if amount is None:
        amount = (
            advice.amount_cents
            if advice and same
            else _whole_for(candidate, participants=len(participants))
        )
    grants = resolved.outcome.grants
    return Intention(
        candidate=candidate,
        outcome=resolved.outcome,
        amount_cents=amount if grants else Cents(0),
        # Of what is not granted nobody gets a part; who is no participant is still told.
        participants=participants if grants else participants - frozenset(candidate.participants),
        motivation=resolved.motivation,
        advice=advice,
        conditions=resolved.conditions or (advice.conditions if advice and same else None),
    )


def _whole_for(candidate: Candidate, *, participants: int) -> Cents:
    """Return what these participants cost: the whole, or their number times the cost of one."""
    everyone = len(candidate.participants)
    if participants == everyone:
        return candidate.total_cents
    return Cents(cost_of_one(candidate.total_cents, participants=everyone) * participants)


def _needs(granting: Sequence[_Case], policy: PolicyInForce) -> dict[tuple[UUID, UUID], Need]:
    """Return the agreement that each granted participant needs before the start, if any."""
    needs: dict[tuple[UUID, UUID], Need] = {}
    for case in granting:
        intention, details = case.intention, case.details
        cost = cost_of_one(intention.amount_cents, participants=len(intention.participants))
        requirement = agreement_requirement(cost, details.working_minutes, policy.policy)
        if not requirement.needed:
            continue
        clause = clause_for(
            details.basis, cost, threshold_cents=policy.policy.repayment_cost_threshold_cents
        )
        for person in intention.participants:
            needs[details.id, person] = Need(
                request_id=details.id,
                employee_id=person,
                starts_on=details.starts_on,
                cost_cents=cost,
                working_minutes=details.working_minutes,
                repayment=clause.allowed,
            )
    return needs


def _decision(
    work: Work,
    case: _Case,
    impact: Impact,
    *,
    kind: str,
    proposal_id: UUID | None,
    policy: PolicyInForce,
) -> Decision:
    intention = case.intention
    return Decision(
        organisation_id=work.organisation_id,
        id=new_id(),
        kind=kind,
        proposal_id=proposal_id,
        proposal_item_id=None if case.item is None else case.item.id,
        request_id=case.details.id,
        outcome=intention.outcome.value,
        amount_cents=intention.amount_cents,
        employee_ids=sorted(intention.participants),
        budget_year=intention.candidate.budget_year,
        motivation=intention.motivation,
        conditions=intention.conditions,
        repayment={"applies": any(need.repayment for need in impact.needs), "rule": "VIS-7.9"},
        effects={
            "agreements": [_stored_need(need) for need in impact.needs],
            "remarks": [_stored_breach(breach) for breach in impact.breaches],
        },
        policy_version_id=policy.id,
        decided_by=work.actor.subject,
        decided_by_person_id=work.actor.person_id,
        decided_at=work.now,
        revises_id=None if case.revises is None else case.revises.id,
    )


def _stored_need(need: Need) -> dict[str, Any]:
    return {
        "request_id": str(need.request_id),
        "employee_id": str(need.employee_id),
        "starts_on": need.starts_on.isoformat(),
        "cost_cents": need.cost_cents,
        "working_minutes": need.working_minutes,
        "repayment": need.repayment,
    }


def _stored_breach(breach: Breach) -> dict[str, Any]:
    return {
        "kind": breach.kind.value,
        "rule": breach.rule,
        "employee_id": None if breach.employee_id is None else str(breach.employee_id),
        "facts": {name: _stored(fact) for name, fact in breach.facts.items()},
    }


def _stored(fact: Scalar) -> Scalar:
    return fact.isoformat() if isinstance(fact, date) else fact


_REFUSAL: Mapping[BreachKind, type[Refusal]] = {
    BreachKind.NORM_EXCEEDED: NormExceeded,
    BreachKind.MEANS_EXCEEDED: MeansExceeded,
    BreachKind.MEANS_NOT_SET: BudgetNotFound,
    BreachKind.NECESSITY_MISSING: NecessityMissing,
    BreachKind.MOTIVATION_MISSING: MotivationMissing,
    BreachKind.OWN_REQUEST: OwnRequest,
    BreachKind.LEAVES_BEFORE_START: LeavesBeforeTheStart,
    BreachKind.MORE_THAN_REQUESTED: MoreThanRequested,
    BreachKind.NOT_A_PARTICIPANT: NotAParticipant,
    BreachKind.PART_WITHOUT_DIFFERENCE: DecisionContradictsItself,
}


def _refuse(breaches: Iterable[Breach]) -> None:
    """Refuse for the first thing that stops the decision, telling all that do in the facts."""
    blocking = [breach for breach in breaches if breach.blocking]
    if not blocking:
        return
    first = blocking[0]
    told = [
        {
            "kind": breach.kind.value,
            "rule": breach.rule,
            "request_id": breach.request_id,
            "employee_id": breach.employee_id,
            **breach.facts,
        }
        for breach in blocking[:100]
    ]
    raise _REFUSAL[first.kind](rule=first.rule, **first.facts, breaches=told)
