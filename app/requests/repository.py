"""Where training requests are kept: read whole in one statement, listed by key, locked by id."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ColumnElement,
    Row,
    ScalarSelect,
    Select,
    Uuid,
    any_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy import true as sql_true
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.db.base import TenantRow
from app.db.driver import AnyRow, fetch
from app.kernel.pages import Page, PageOf, take
from app.kernel.quantities import Cents, Minutes
from app.policy.rules import Criterion
from app.requests.models import (
    Assessment,
    AssessmentRating,
    BasisClassification,
    CostLineRow,
    ReferenceCounter,
    RequestGround,
    RequestParticipant,
    TrainingRequest,
    TrainingSessionRow,
    TrancheRow,
)
from app.requests.rules import (
    Classification,
    CostLine,
    Draft,
    Ground,
    KnownRequest,
    Outcome,
    OutcomeKind,
    Participant,
    ParticipantStatus,
    Rating,
    RequestDetails,
    RequestFilter,
    RequestStatus,
    RequestSummary,
    Score,
    TrainingBasis,
    TrainingKind,
    TrainingSession,
    Tranche,
    TrancheKey,
)

_ORGANISATION: BindParameter[Any] = bindparam("organisation_id")


_PARTS = (RequestParticipant, TrainingSessionRow, CostLineRow, RequestGround)
_Part = (
    type[RequestParticipant]
    | type[TrainingSessionRow]
    | type[CostLineRow]
    | type[RequestGround]
    | type[AssessmentRating]
)


def _listed(
    part: _Part, *columns: InstrumentedAttribute[Any], by: Sequence[InstrumentedAttribute[Any]]
) -> ScalarSelect[Any]:
    """Return the parts of a request as one value: a JSON list of lists, in order of ``by``."""
    ordered = aggregate_order_by(func.jsonb_build_array(*columns), *by)
    return (
        select(func.coalesce(func.jsonb_agg(ordered, type_=JSONB), literal_column("'[]'::jsonb")))
        .where(
            part.organisation_id == _ORGANISATION,
            part.request_id == TrainingRequest.id,
        )
        .correlate(TrainingRequest)
        .scalar_subquery()
    )


# One round trip for all there is of any number of requests: a join per part would multiply the
# rows, and a statement per part costs a trip each.
_DETAILS = (
    select(
        TrainingRequest.id,
        TrainingRequest.reference,
        TrainingRequest.version,
        TrainingRequest.status,
        TrainingRequest.tranche_id,
        TrainingRequest.interim,
        TrainingRequest.necessity,
        TrainingRequest.consented_at,
        TrainingRequest.title,
        TrainingRequest.title_key,
        TrainingRequest.provider,
        TrainingRequest.kind,
        TrainingRequest.starts_on,
        TrainingRequest.ends_on,
        TrainingRequest.motivation,
        TrainingRequest.conversation_on,
        TrainingRequest.basis,
        TrainingRequest.applicant_id,
        TrainingRequest.endorsed_by_id,
        TrainingRequest.endorsed_at,
        TrainingRequest.submitted_at,
        TrainingRequest.policy_version_id,
        TrainingRequest.completed_on,
        TrainingRequest.cancelled_on,
        TrainingRequest.outcome_kind,
        TrainingRequest.outcome_nlqf_level,
        TrainingRequest.outcome_credits,
        TrainingRequest.closing_reason,
        TrainingRequest.created_at,
        Assessment.points,
        Assessment.most_points,
        _listed(
            RequestParticipant,
            RequestParticipant.employee_id,
            RequestParticipant.status,
            by=(RequestParticipant.position,),
        ).label("participants"),
        _listed(
            TrainingSessionRow,
            TrainingSessionRow.id,
            TrainingSessionRow.held_on,
            TrainingSessionRow.minutes,
            TrainingSessionRow.working_time,
            TrainingSessionRow.estimated,
            by=(TrainingSessionRow.held_on, TrainingSessionRow.id),
        ).label("sessions"),
        _listed(
            CostLineRow,
            CostLineRow.what,
            CostLineRow.amount_cents,
            CostLineRow.vat_cents,
            CostLineRow.per_participant,
            by=(CostLineRow.position,),
        ).label("cost_lines"),
        _listed(
            RequestGround,
            RequestGround.criterion,
            RequestGround.motivation,
            by=(RequestGround.criterion,),
        ).label("grounds"),
        _listed(
            AssessmentRating,
            AssessmentRating.criterion,
            AssessmentRating.rating,
            AssessmentRating.motivation,
            by=(AssessmentRating.criterion,),
        ).label("ratings"),
    )
    .outerjoin(
        Assessment,
        (Assessment.organisation_id == TrainingRequest.organisation_id)
        & (Assessment.request_id == TrainingRequest.id),
    )
    .where(TrainingRequest.organisation_id == _ORGANISATION)
)
_IDS = any_(bindparam("ids", type_=ARRAY(Uuid())))
_DETAILS_BY_IDS = _DETAILS.where(TrainingRequest.id == _IDS)

_LOCK = (
    select(TrainingRequest.id)
    .where(TrainingRequest.organisation_id == _ORGANISATION, TrainingRequest.id == _IDS)
    .order_by(TrainingRequest.id)
    .with_for_update(of=TrainingRequest)
)

_LOCK_ROW = (
    select(TrainingRequest)
    .where(TrainingRequest.organisation_id == _ORGANISATION, TrainingRequest.id == bindparam("id"))
    .with_for_update(of=TrainingRequest)
    .execution_options(populate_existing=True)
)
_SUBMIT = (
    update(TrainingRequest)
    .where(
        TrainingRequest.organisation_id == _ORGANISATION,
        TrainingRequest.id == bindparam("of_id"),
    )
    .values(
        {
            name: bindparam(name)
            for name in (
                "status",
                "tranche_id",
                "interim",
                "necessity",
                "submitted_at",
                "policy_version_id",
                "version",
            )
        }
    )
)

_PARTICIPANT_COUNT = (
    select(func.count())
    .where(
        RequestParticipant.organisation_id == _ORGANISATION,
        RequestParticipant.request_id == TrainingRequest.id,
    )
    .correlate(TrainingRequest)
    .scalar_subquery()
)


def _costs(*, per_participant: bool) -> ColumnElement[int]:
    """Return the costs of a request with VAT: those for each participant, or those for all."""
    lines = func.sum(CostLineRow.amount_cents + CostLineRow.vat_cents)
    chosen = lines.filter(CostLineRow.per_participant == per_participant)
    return cast(func.coalesce(chosen, 0), BigInteger)


_COSTS = (
    select(
        _costs(per_participant=True).label("each_cents"),
        _costs(per_participant=False).label("shared_cents"),
    )
    .where(
        CostLineRow.organisation_id == _ORGANISATION,
        CostLineRow.request_id == TrainingRequest.id,
    )
    .lateral("costs")
)
_SUMMARY = (
    select(
        TrainingRequest.id,
        TrainingRequest.reference,
        TrainingRequest.version,
        TrainingRequest.status,
        TrainingRequest.tranche_id,
        TrainingRequest.interim,
        TrainingRequest.title,
        TrainingRequest.provider,
        TrainingRequest.kind,
        TrainingRequest.starts_on,
        TrainingRequest.ends_on,
        TrainingRequest.basis,
        TrainingRequest.applicant_id,
        TrainingRequest.submitted_at,
        _PARTICIPANT_COUNT.label("participant_count"),
        _COSTS.c.each_cents,
        _COSTS.c.shared_cents,
    )
    .join(_COSTS, sql_true())
    .where(TrainingRequest.organisation_id == _ORGANISATION)
)

_TRANCHE = select(
    TrancheRow.id,
    TrancheRow.year,
    TrancheRow.number,
    TrancheRow.opens_on,
    TrancheRow.closes_on,
    TrancheRow.decision_by,
    TrancheRow.policy_version_id,
).where(TrancheRow.organisation_id == _ORGANISATION)

_TRANCHE_BY_ID = _TRANCHE.where(TrancheRow.id == bindparam("id"))
_TRANCHE_OF = _TRANCHE.where(
    TrancheRow.year == bindparam("year"), TrancheRow.number == bindparam("number")
)


def _takes_part(employee_ids: str) -> Any:  # noqa: ANN401 - a column expression
    return (
        select(RequestParticipant.request_id)
        .where(
            RequestParticipant.organisation_id == _ORGANISATION,
            RequestParticipant.request_id == TrainingRequest.id,
            RequestParticipant.employee_id == any_(bindparam(employee_ids, type_=ARRAY(Uuid()))),
        )
        .correlate(TrainingRequest)
        .exists()
    )


def _seen_by() -> Any:  # noqa: ANN401 - a column expression
    """Return the condition that an own request, or one for a person in sight, is visible."""
    return or_(TrainingRequest.applicant_id == bindparam("person_id"), _takes_part("visible_ids"))


_VISIBLE = _DETAILS.where(TrainingRequest.id == bindparam("id"))
_VISIBLE_TO_SOME = _VISIBLE.where(_seen_by())


# The longest page over HTTP, and the row that tells that more follow.
_SHORT = 101


@cache
def _page_statement(given: frozenset[str], *, short: bool) -> Select[*tuple[Any, ...]]:
    """Return the list of requests for one set of filters, newest first; built once per set.

    A ``short`` one holds no more than a page over HTTP. Not for a filter: how much it leaves is
    what the plan turns on.
    """
    conditions: Mapping[str, Any] = {
        "status": TrainingRequest.status == bindparam("status"),
        "tranche_id": TrainingRequest.tranche_id == bindparam("tranche_id"),
        "applicant_id": TrainingRequest.applicant_id == bindparam("applicant_id"),
        "participant_ids": _takes_part("participant_ids"),
        "visible_ids": _seen_by(),
        "after": TrainingRequest.id < bindparam("after"),
    }
    chosen = [condition for name, condition in conditions.items() if name in given]
    found = _SUMMARY.where(*chosen).order_by(TrainingRequest.id.desc())
    if short:
        # Told how little is wanted, PostgreSQL keeps one plan; else it plans anew each time, for
        # as long as it takes to run.
        first = found.limit(literal_column(str(_SHORT))).subquery()
        found = select(first).order_by(first.c.id.desc())
    return found.limit(bindparam("at_most"))


class RequestRepository:
    """The training requests, tranches and assessments of one organisation."""

    def __init__(self, session: AsyncSession, organisation_id: UUID) -> None:
        self._session = session
        self._organisation_id = organisation_id
        self._tenant: dict[str, Any] = {"organisation_id": organisation_id}

    # --- requests -------------------------------------------------------------------------------

    async def details(self, ids: Collection[UUID]) -> dict[UUID, RequestDetails]:
        """Return the requests that exist, by id, in one round trip."""
        if not ids:
            return {}
        rows = await fetch(self._session, _DETAILS_BY_IDS, self._tenant | {"ids": list(ids)})
        return {row.id: _details(row) for row in rows}

    async def visible(
        self, request_id: UUID, *, person_id: UUID | None, visible_ids: frozenset[UUID] | None
    ) -> RequestDetails | None:
        """Return the request if it may be seen; without ``visible_ids`` every request may.

        Else it is seen by who applied, and by whom a participant is in sight of.
        """
        parameters = self._tenant | {"id": request_id}
        statement = _VISIBLE
        if visible_ids is not None:
            statement = _VISIBLE_TO_SOME
            parameters |= {"person_id": person_id, "visible_ids": list(visible_ids)}
        rows = await fetch(self._session, statement, parameters)
        return _details(rows[0]) if rows else None

    async def page(
        self,
        wanted: RequestFilter,
        page: PageOf,
        *,
        person_id: UUID | None,
        visible_ids: frozenset[UUID] | None,
    ) -> Page[RequestSummary]:
        """Return the requests that may be seen and fit the filter, newest first."""
        parameters = {
            "status": wanted.status,
            "tranche_id": wanted.tranche_id,
            "applicant_id": wanted.applicant_id,
            "participant_ids": None if wanted.participant_id is None else [wanted.participant_id],
            "visible_ids": None if visible_ids is None else list(visible_ids),
            "after": None if page.after is None else UUID(page.after[0]),
        }
        given = {name: value for name, value in parameters.items() if value is not None}
        statement = _page_statement(
            frozenset(given), short=page.limit < _SHORT and given.keys() <= {"after"}
        )
        rows = await fetch(
            self._session,
            statement,
            self._tenant | given | {"person_id": person_id, "at_most": page.limit + 1},
        )
        found = [_summary(row) for row in rows]
        return take(found, page, key=lambda item: (str(item["id"]),))

    async def lock(self, ids: Collection[UUID]) -> None:
        """Hold the requests until the transaction ends, taken in order of id."""
        if ids:
            await fetch(self._session, _LOCK, self._tenant | {"ids": list(ids)})

    async def lock_row(self, request_id: UUID) -> TrainingRequest | None:
        """Return the request to change, held until the transaction ends."""
        found = await self._session.scalars(_LOCK_ROW, self._tenant | {"id": request_id})
        return found.one_or_none()

    async def add(self, drafts: Sequence[tuple[TrainingRequest, Draft]]) -> None:
        """Store new requests with their parts, any number in the same few statements."""
        self._session.add_all([request for request, _ in drafts])
        await self._session.flush()
        await self._insert_parts([(request.id, draft) for request, draft in drafts])

    async def replace_parts(self, request_id: UUID, draft: Draft) -> None:
        """Put the parts of ``draft`` in the place of those that the request had."""
        for part in _PARTS:
            await self._session.execute(
                delete(part).where(
                    part.organisation_id == self._organisation_id,
                    part.request_id == request_id,
                )
            )
        await self._insert_parts([(request_id, draft)])

    async def save(self) -> None:
        """Write what was changed, so that a constraint it breaks is known here."""
        await self._session.flush()

    async def put_submitted(self, details: RequestDetails) -> None:
        """Store of a locked request what its submission changes."""
        await fetch(
            self._session,
            _SUBMIT,
            self._tenant
            | {
                "of_id": details.id,
                "status": details.status.value,
                "tranche_id": details.tranche_id,
                "interim": details.interim,
                "necessity": details.necessity,
                "submitted_at": details.submitted_at,
                "policy_version_id": details.policy_version_id,
                "version": details.version,
            },
        )

    async def move(self, ids: Collection[UUID], status: RequestStatus) -> None:
        """Set the status of locked requests, each one version further."""
        await self._session.execute(
            update(TrainingRequest)
            .where(
                TrainingRequest.organisation_id == self._organisation_id,
                TrainingRequest.id.in_(ids),
            )
            .values(status=status.value, version=TrainingRequest.version + 1)
            .execution_options(synchronize_session=False)
        )

    async def set_participant_status(
        self, request_id: UUID, employee_ids: Collection[UUID], status: ParticipantStatus
    ) -> None:
        """Record how the training ended for some participants."""
        await self._session.execute(
            update(RequestParticipant)
            .where(
                RequestParticipant.organisation_id == self._organisation_id,
                RequestParticipant.request_id == request_id,
                RequestParticipant.employee_id.in_(employee_ids),
            )
            .values(status=status.value)
            .execution_options(synchronize_session=False)
        )

    async def by_references(self, references: Collection[str]) -> dict[str, KnownRequest]:
        """Return id, status and source digest of the requests with these references."""
        rows = await self._session.execute(
            select(
                TrainingRequest.reference,
                TrainingRequest.id,
                TrainingRequest.status,
                TrainingRequest.source_digest,
            ).where(
                TrainingRequest.organisation_id == self._organisation_id,
                TrainingRequest.reference.in_(references),
            )
        )
        return {
            row.reference: KnownRequest(row.id, RequestStatus(row.status), row.source_digest)
            for row in rows
        }

    async def next_number(self, prefix: str) -> int:
        """Return the next number of a series of references; two drafters queue for it."""
        statement = (
            upsert(ReferenceCounter)
            .values(organisation_id=self._organisation_id, prefix=prefix, last_number=1)
            .on_conflict_do_update(
                index_elements=["organisation_id", "prefix"],
                set_={"last_number": ReferenceCounter.last_number + 1},
            )
            .returning(ReferenceCounter.last_number)
        )
        return (await self._session.execute(statement)).scalar_one()

    async def ids_in_tranche(
        self, tranche_id: UUID | None, statuses: Collection[RequestStatus]
    ) -> Sequence[UUID]:
        """Return a tranche's requests in these statuses; without a tranche the interim ones."""
        in_tranche = (
            TrainingRequest.interim
            if tranche_id is None
            else TrainingRequest.tranche_id == tranche_id
        )
        return (
            await self._session.scalars(
                select(TrainingRequest.id)
                .where(
                    TrainingRequest.organisation_id == self._organisation_id,
                    in_tranche,
                    TrainingRequest.status.in_([status.value for status in statuses]),
                )
                .order_by(TrainingRequest.id)
            )
        ).all()

    async def same_training(
        self, title_keys: Collection[str], statuses: Collection[RequestStatus]
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        """Return the requests in these statuses for trainings of these titles."""
        return (
            await self._session.execute(
                select(
                    TrainingRequest.id,
                    TrainingRequest.reference,
                    TrainingRequest.title_key,
                    TrainingRequest.tranche_id,
                    _PARTICIPANT_COUNT.label("participant_count"),
                )
                .where(
                    TrainingRequest.organisation_id == _ORGANISATION,
                    TrainingRequest.title_key.in_(title_keys),
                    TrainingRequest.status.in_([status.value for status in statuses]),
                )
                .order_by(TrainingRequest.id),
                self._tenant,
            )
        ).all()

    # --- basis ----------------------------------------------------------------------------------

    async def add_classifications(self, entries: Sequence[tuple[UUID, Classification]]) -> None:
        """Append to the history of the basis of requests, by the request's id."""
        await self._insert(
            BasisClassification,
            [
                {
                    "organisation_id": self._organisation_id,
                    "id": entry.id,
                    "request_id": request_id,
                    "sequence": entry.sequence,
                    "basis": entry.basis.value,
                    "source": entry.source,
                    "reason": entry.reason,
                    "classified_by": entry.classified_by,
                    "classified_by_id": entry.classified_by_id,
                    "classified_at": entry.classified_at,
                }
                for request_id, entry in entries
            ],
        )

    async def classifications(self, request_id: UUID) -> list[Classification]:
        """Return the history of the basis, oldest first."""
        rows = await self._session.scalars(
            select(BasisClassification)
            .where(
                BasisClassification.organisation_id == self._organisation_id,
                BasisClassification.request_id == request_id,
            )
            .order_by(BasisClassification.sequence)
        )
        return [
            Classification(
                id=row.id,
                sequence=row.sequence,
                basis=TrainingBasis(row.basis),
                source=row.source,
                reason=row.reason,
                classified_by=row.classified_by,
                classified_by_id=row.classified_by_id,
                classified_at=row.classified_at,
            )
            for row in rows
        ]

    # --- assessment -----------------------------------------------------------------------------

    async def put_assessment(
        self, request_id: UUID, ratings: Sequence[Rating], values: Mapping[str, Any]
    ) -> None:
        """Store an assessment in the place of the one there may be."""
        key = {"organisation_id": self._organisation_id, "request_id": request_id}
        await self._session.execute(
            upsert(Assessment)
            .values(**key, **values)
            .on_conflict_do_update(
                index_elements=["organisation_id", "request_id"], set_=dict(values)
            )
        )
        await self._session.execute(
            delete(AssessmentRating).where(
                AssessmentRating.organisation_id == self._organisation_id,
                AssessmentRating.request_id == request_id,
            )
        )
        await self._insert(
            AssessmentRating,
            [
                key
                | {
                    "criterion": rating.criterion.value,
                    "rating": rating.rating,
                    "motivation": rating.motivation,
                }
                for rating in ratings
            ],
        )

    # --- tranches -------------------------------------------------------------------------------

    async def tranche(self, tranche_id: UUID) -> Tranche | None:
        """Return the tranche, if there is one with this id."""
        rows = await fetch(self._session, _TRANCHE_BY_ID, self._tenant | {"id": tranche_id})
        return _tranche(rows[0]) if rows else None

    async def tranche_of(self, year: int, number: int) -> Tranche | None:
        """Return the tranche of a year by its number, if it was opened."""
        rows = await fetch(
            self._session, _TRANCHE_OF, self._tenant | {"year": year, "number": number}
        )
        return _tranche(rows[0]) if rows else None

    async def open_tranche(self, tranche: Tranche) -> Tranche:
        """Store the tranche, and return it as it is stored: by another, who came first, perhaps."""
        key = tranche.key
        statement = (
            upsert(TrancheRow)
            .values(
                organisation_id=self._organisation_id,
                id=tranche.id,
                year=key.year,
                number=key.number,
                opens_on=key.opens_on,
                closes_on=key.closes_on,
                decision_by=key.decision_by,
                policy_version_id=tranche.policy_version_id,
            )
            .on_conflict_do_nothing(index_elements=["organisation_id", "year", "number"])
        )
        await self._session.execute(statement)
        by_number = _TRANCHE.where(TrancheRow.year == key.year, TrancheRow.number == key.number)
        return _tranche((await self._session.execute(by_number, self._tenant)).one())

    async def tranches(self, page: PageOf) -> Page[Tranche]:
        """Return the tranches, the latest first."""
        statement = _TRANCHE.order_by(TrancheRow.year.desc(), TrancheRow.number.desc())
        if page.after is not None:
            year, number = (int(value) for value in page.after)
            statement = statement.where(
                or_(
                    TrancheRow.year < year,
                    (TrancheRow.year == year) & (TrancheRow.number < number),
                )
            )
        rows = await self._session.execute(statement.limit(page.limit + 1), self._tenant)
        found = [_tranche(row) for row in rows]
        return take(found, page, key=lambda item: (str(item.key.year), str(item.key.number)))

    # --- within -----------------------------------------------------------------------------

    async def _insert_parts(self, drafts: Sequence[tuple[UUID, Draft]]) -> None:
        keyed = [
            ({"organisation_id": self._organisation_id, "request_id": request_id}, draft)
            for request_id, draft in drafts
        ]
        await self._insert(
            RequestParticipant,
            [
                key
                | {
                    "employee_id": employee_id,
                    "position": position,
                    "status": ParticipantStatus.ENROLLED.value,
                }
                for key, draft in keyed
                for position, employee_id in enumerate(draft.participant_ids, start=1)
            ],
        )
        await self._insert(
            TrainingSessionRow,
            [
                key
                | {
                    "id": session.id,
                    "held_on": session.held_on,
                    "minutes": session.minutes,
                    "working_time": session.working_time,
                    "estimated": session.estimated,
                }
                for key, draft in keyed
                for session in draft.sessions
            ],
        )
        await self._insert(
            CostLineRow,
            [
                key
                | {
                    "position": position,
                    "what": line.what,
                    "amount_cents": line.amount_cents,
                    "vat_cents": line.vat_cents,
                    "per_participant": line.per_participant,
                }
                for key, draft in keyed
                for position, line in enumerate(draft.cost_lines, start=1)
            ],
        )
        await self._insert(
            RequestGround,
            [
                key | {"criterion": ground.criterion.value, "motivation": ground.motivation}
                for key, draft in keyed
                for ground in draft.grounds
            ],
        )

    async def _insert(self, part: type[TenantRow], rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            await self._session.execute(insert(part), list(rows))


def _tranche(row: AnyRow) -> Tranche:
    return Tranche(
        id=row.id,
        key=TrancheKey(
            year=row.year,
            number=row.number,
            opens_on=row.opens_on,
            closes_on=row.closes_on,
            decision_by=row.decision_by,
        ),
        policy_version_id=row.policy_version_id,
    )


def _summary(row: AnyRow) -> RequestSummary:
    return RequestSummary(
        id=row.id,
        reference=row.reference,
        version=row.version,
        status=RequestStatus(row.status),
        tranche_id=row.tranche_id,
        interim=row.interim,
        title=row.title,
        provider=row.provider,
        kind=TrainingKind(row.kind),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        basis=TrainingBasis(row.basis),
        applicant_id=row.applicant_id,
        submitted_at=row.submitted_at,
        participant_count=row.participant_count,
        total_cost_cents=Cents(row.each_cents * row.participant_count + row.shared_cents),
    )


def _details(row: AnyRow) -> RequestDetails:
    return RequestDetails(
        id=row.id,
        reference=row.reference,
        version=row.version,
        status=RequestStatus(row.status),
        tranche_id=row.tranche_id,
        interim=row.interim,
        necessity=row.necessity,
        consented_at=row.consented_at,
        title=row.title,
        title_key=row.title_key,
        provider=row.provider,
        kind=TrainingKind(row.kind),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        motivation=row.motivation,
        conversation_on=row.conversation_on,
        applicant_id=row.applicant_id,
        endorsed_by_id=row.endorsed_by_id,
        endorsed_at=row.endorsed_at,
        submitted_at=row.submitted_at,
        policy_version_id=row.policy_version_id,
        basis=TrainingBasis(row.basis),
        participants=tuple(
            Participant(UUID(employee_id), ParticipantStatus(status))
            for employee_id, status in row.participants
        ),
        sessions=tuple(
            TrainingSession(
                UUID(session_id), date.fromisoformat(held_on), Minutes(minutes), working, estimated
            )
            for session_id, held_on, minutes, working, estimated in row.sessions
        ),
        cost_lines=tuple(
            CostLine(what, Cents(amount), Cents(vat), per_participant)
            for what, amount, vat, per_participant in row.cost_lines
        ),
        grounds=tuple(
            Ground(Criterion(criterion), motivation) for criterion, motivation in row.grounds
        ),
        ratings=tuple(
            Rating(Criterion(criterion), rating, motivation)
            for criterion, rating, motivation in row.ratings
        ),
        score=None if row.points is None else Score(row.points, row.most_points),
        completed_on=row.completed_on,
        cancelled_on=row.cancelled_on,
        outcome=None
        if row.outcome_kind is None
        else Outcome(OutcomeKind(row.outcome_kind), row.outcome_nlqf_level, row.outcome_credits),
        closing_reason=row.closing_reason,
        created_at=row.created_at,
    )
