"""The hours: reserved by grants, spent by attendance, never past a norm that binds."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from uuid import UUID

from app.db.audit import AuditTrail
from app.db.driver import AnyRow
from app.db.work import Work
from app.hours.errors import (
    AttendanceCorrected,
    AttendanceNotFound,
    ReservationMissing,
    SessionNotFound,
)
from app.hours.models import HourException, HourNorm, HourReservation
from app.hours.repository import HourRepository
from app.hours.rules import (
    DECISION_CAUSE,
    EXCEPTION_CAUSE,
    HOURS_SPENT,
    NORM,
    NORM_SOURCE,
    OWN_TIME,
    OWN_TIME_SPENT,
    RELEASE_CAUSE,
    Alignment,
    AttendanceView,
    Attended,
    CapacityPer,
    CapacityRow,
    ExceptionGround,
    HourEntry,
    HourLedger,
    HourRoom,
    NormOfYear,
    OwnTime,
    Pair,
    Reservation,
    ReservationStatus,
    Sides,
    YearFigures,
    align,
    capacity,
    check_attendance,
    check_correction,
    check_exception,
    check_recorder,
    check_room,
    check_span,
    entry_of,
    exchange,
    first_contracts,
    spans_of,
    spending,
    warning_of,
    working_minutes_by_pair,
)
from app.kernel.identifiers import new_id
from app.kernel.pages import Page, PageOf
from app.kernel.quantities import Minutes
from app.ledger.rules import (
    Account,
    Entry,
    Opening,
    Pending,
    Posted,
    Unit,
    Void,
)
from app.ledger.service import LedgerService
from app.people.errors import EmployeeNotFound, TeamNotFound
from app.people.service import PeopleService
from app.policy.rules import ProRating
from app.policy.service import PolicyService
from app.requests.rules import check_free_text

_NO_FIGURES = YearFigures()


@dataclass(frozen=True, slots=True)
class _Use:
    """Whose hours of which year, in working time or in own time."""

    employee_id: UUID
    year: int
    working_time: bool


@dataclass(frozen=True, slots=True)
class _Accounts:
    """The norm's accounts, and the sources they are filled from, by year."""

    source_ids: Mapping[int, UUID]
    norm_ids: Mapping[Pair, UUID]


class HourService:
    """The hours of the actor's organisation, on the ledger.

    Locks a request, then its reservations by id, then accounts by id.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._hours = HourRepository(work.session, work.organisation_id)
        self._ledger = LedgerService(work)
        self._policies = PolicyService(work)
        self._people = PeopleService(work)
        self._audit = AuditTrail(work)

    async def rooms(self, pairs: Collection[Pair], *, lock: bool = False) -> dict[Pair, HourRoom]:
        """Return the room of each employee and calendar year, in minutes of working time.

        A year is under the policy in force on its first day. With ``lock`` the accounts are there
        afterwards, with that policy's norm on them, and nobody else moves them until the work is
        done; without it nothing is written and nobody waits.

        Raises:
            NoPolicyInForce: none is live on the first day of one of the years.

        Source: VIS-8.1, VIS-8.3.
        """
        norms = await self._norms(pairs)
        if lock:
            await self._open(norms)
        figures = await self._figures(norms)
        return {
            pair: figures.get(pair, _NO_FIGURES).room(
                norm_minutes=norm.minutes, binding=norm.binding
            )
            for pair, norm in norms.items()
        }

    async def reserve(self, reservations: Sequence[Reservation], *, decision_id: UUID) -> None:
        """Hold the hours of one grant, all or none: see ``reserve_all``."""
        await self.reserve_all({decision_id: reservations})

    async def reserve_all(self, grants: Mapping[UUID, Sequence[Reservation]]) -> None:
        """Hold the hours of grants by decision, all or none, each in the year it is held in.

        Together they are judged: each participant's norm by all that is asked of it.

        Raises:
            NormExceeded: a norm that binds would be passed; the first of those by employee.
            AlreadyReserved: hours are held for a participant and session already.
            NoPolicyInForce: none is live on the first day of one of the years.

        Source: VIS-8.1, VIS-8.3.
        """
        held = [(decision_id, one) for decision_id, asked in grants.items() for one in asked]
        if not held:
            return
        asked = working_minutes_by_pair(one for _decision, one in held)
        rooms = await self.rooms(asked, lock=True)
        for pair in sorted(asked):
            check_room(pair, rooms[pair], asked_minutes=asked[pair])
        sides = await self._sides({_use(one) for _decision, one in held})
        transfers = await self._ledger.apply(
            [
                Pending(
                    key=f"reserve:{decision_id}:{one.session_id}:{one.employee_id}",
                    cause_type=DECISION_CAUSE,
                    cause_id=decision_id,
                    activity_on=one.held_on,
                    amount=one.minutes,
                    **asdict(sides[_use(one)]),
                )
                for decision_id, one in held
            ]
        )
        await self._hours.add(
            HourReservation(
                organisation_id=self._work.organisation_id,
                id=new_id(),
                decision_id=decision_id,
                status=ReservationStatus.OPEN.value,
                transfer_id=transfer.id,
                **asdict(one),
            )
            for (decision_id, one), transfer in zip(held, transfers, strict=True)
        )
        for decision_id, reservations in grants.items():
            await self._audit_reserved(reservations, decision_id)

    async def release(
        self,
        request_id: UUID,
        *,
        employee_ids: Collection[UUID] | None = None,
        held_after: date | None = None,
        cause_id: UUID,
    ) -> Minutes:
        """Free the hours that a request still holds, and return how many of working time.

        Only of these employees, or of sessions held after a day, when that is said. The caller has
        locked the request. What was attended stays spent.
        """
        held = await self._hours.lock_open(
            request_id, employee_ids=employee_ids, held_after=held_after
        )
        if not held:
            return Minutes(0)
        await self._ledger.apply(
            [
                Void(
                    key=f"release:{one.id}",
                    cause_type=RELEASE_CAUSE,
                    cause_id=cause_id,
                    activity_on=one.held_on,
                    pending_id=one.transfer_id,
                )
                for one in held
            ]
        )
        for one in held:
            one.status = ReservationStatus.RELEASED.value
        await self._hours.flush()
        freed = Minutes(sum(one.minutes for one in held if one.working_time))
        await self._audit.record(
            action="hours.released",
            object_type="training_request",
            object_id=request_id,
            before={"reserved_minutes": freed},
            after={"reserved_minutes": 0, "reservations": len(held), "cause_id": cause_id},
        )
        return freed

    async def reserved_minutes(self, request_ids: Collection[UUID]) -> dict[Pair, Minutes]:
        """Return the working time these requests hold still, by employee and calendar year.

        Without the sessions whose attendance is on record: what was attended is spent.
        """
        return await self._hours.reserved_minutes(request_ids)

    async def attended(self, request_ids: Collection[UUID]) -> set[tuple[UUID, UUID]]:
        """Return session and employee of each attendance on record; absence is one too."""
        return await self._hours.attended(request_ids)

    async def grant_exception(
        self,
        employee_id: UUID,
        *,
        calendar_year: int,
        minutes: Minutes,
        ground: ExceptionGround,
        reason: str,
        discussed_on: date,
    ) -> HourException:
        """Record the MT's decision to let one employee pass the norm in one calendar year.

        Raises:
            EmployeeNotFound: no such employee.
            ExceptionForSelf, NamedPersonNeeded: it is for who decides it, or could be.
            ExceptionUndiscussed: it was not discussed by today.
            ExceptionForPastYear: the year is over.
            BsnInText: a citizen service number stands in the reason (LAW-12).
            NoPolicyInForce: none is live on the first day of that year.

        Source: VIS-8.2, VIS-10.1.
        """
        check_free_text({"reason": reason})
        await self._people.check_visible([employee_id])
        check_exception(
            employee_id=employee_id,
            decided_by_person_id=self._work.actor.named(),
            calendar_year=calendar_year,
            discussed_on=discussed_on,
            today=self._work.today,
        )
        pair = employee_id, calendar_year
        norms = await self._norms([pair])
        accounts = await self._open(norms)
        before = (await self._figures(norms))[pair]
        exception = HourException(
            organisation_id=self._work.organisation_id,
            id=new_id(),
            employee_id=employee_id,
            calendar_year=calendar_year,
            minutes=minutes,
            ground=ground.value,
            reason=reason,
            discussed_on=discussed_on,
            decided_by=self._work.actor.subject,
            decided_by_person_id=self._work.actor.person_id,
            decided_at=self._work.now,
        )
        first, last = date(calendar_year, 1, 1), date(calendar_year, 12, 31)
        [transfer] = await self._ledger.apply(
            [
                Posted(
                    key=f"exception:{exception.id}",
                    cause_type=EXCEPTION_CAUSE,
                    cause_id=exception.id,
                    # Decided before the year begins, it is of that year all the same.
                    activity_on=min(max(self._work.today, first), last),
                    debit_account_id=accounts.source_ids[calendar_year],
                    credit_account_id=accounts.norm_ids[pair],
                    amount=minutes,
                )
            ]
        )
        exception.transfer_id = transfer.id
        await self._hours.add([exception])
        room = before.room(norm_minutes=norms[pair].minutes, binding=norms[pair].binding)
        await self._audit.record(
            action="hour_exception.granted",
            object_type="hour_exception",
            object_id=exception.id,
            before={"exception_minutes": room.exception_minutes},
            after={
                "exception_minutes": room.exception_minutes + minutes,
                "employee_id": employee_id,
                "calendar_year": calendar_year,
                "ground": ground.value,
                "discussed_on": discussed_on,
            },
            reason=reason,
            rule_ids=("VIS-8.2", "VIS-10.1"),
            policy_version_id=norms[pair].policy_version_id,
        )
        return exception

    async def exceptions(
        self, *, employee_id: UUID | None, calendar_year: int | None, page: PageOf
    ) -> Page[HourException]:
        """Return the exceptions of whom the actor may see, oldest first."""
        visible = await self._people.visible_ids()
        return await self._hours.exceptions(
            employee_id=employee_id, year=calendar_year, visible=visible, page=page
        )

    async def reservations(
        self, *, request_id: UUID | None, employee_id: UUID | None, page: PageOf
    ) -> Page[HourReservation]:
        """Return the reservations of whom the actor may see, in the order they were made."""
        visible = await self._people.visible_ids()
        return await self._hours.reservations(
            request_id=request_id, employee_id=employee_id, visible=visible, page=page
        )

    async def ledger(self, employee_id: UUID, calendar_year: int) -> HourLedger:
        """Return an employee's hours of a calendar year, all figures of one moment.

        Raises:
            EmployeeNotFound: no such employee, or not for the actor to see.
            NoPolicyInForce: none is live on the first day of that year.

        Source: VIS-8.1, VIS-8.3.
        """
        await self._people.check_visible([employee_id])
        pair = employee_id, calendar_year
        norms = await self._norms([pair])
        figures = (await self._figures(norms)).get(pair, _NO_FIGURES)
        room = figures.room(norm_minutes=norms[pair].minutes, binding=norms[pair].binding)
        return HourLedger(
            employee_id=employee_id,
            calendar_year=calendar_year,
            room=room,
            own_time=OwnTime(
                reserved_minutes=figures.own_reserved_minutes,
                spent_minutes=figures.own_spent_minutes,
            ),
            warning=warning_of(room),
        )

    async def entries(
        self,
        employee_id: UUID,
        calendar_year: int,
        *,
        own_time: bool,
        as_of: datetime | None,
        page: PageOf,
    ) -> Page[HourEntry]:
        """Return the entries of an employee's year in order of recording; none when none is there.

        Those in working time, or else those in own time. ``as_of`` leaves out what was recorded
        after that instant (peildatum).

        Raises:
            EmployeeNotFound: no such employee, or not for the actor to see.
        """
        await self._people.check_visible([employee_id])
        accounts = await self._ledger.find_accounts(
            OWN_TIME if own_time else NORM, [employee_id], date(calendar_year, 1, 1)
        )
        if employee_id not in accounts:
            return Page(items=[], next_key=None)
        lines = await self._ledger.entries(accounts[employee_id].id, page, as_of=as_of)
        return Page(
            items=[entry_of(line, own_time=own_time) for line in lines.items],
            next_key=lines.next_key,
        )

    async def attendances(self, request_id: UUID, session_id: UUID) -> list[AttendanceView]:
        """Return the attendances of a session of whom the actor may see, in order of recording.

        Raises:
            SessionNotFound: no hours were reserved for it, or of nobody the actor may see.
        """
        visible = await self._people.visible_ids()
        await self._check_session(request_id, session_id, visible)
        return await self._hours.attendances(
            request_id=request_id, session_id=session_id, visible=visible
        )

    async def record_attendance(
        self, request_id: UUID, session_id: UUID, attended: Sequence[Attended]
    ) -> list[AttendanceView]:
        """Record what participants attended of a session: that is spent, the rest comes free.

        All of them or none. By HR for anybody, by a manager for whom they lead.

        Raises:
            EmployeeNotFound: one of them is not there, or not for the actor to see.
            OwnAttendance, NamedPersonNeeded: the actor is among them, or could be.
            SessionNotFound: no hours were reserved for this session.
            ReservationMissing: one of them has no hours open for it.
            SessionStillToCome: its day has not come.
            AttendanceBeyondPlan: it was longer than planned.
            BsnInText: a citizen service number stands in a reason (LAW-12).

        Source: VIS-5.3, VIS-6.6, VIS-8.1.
        """
        for one in attended:
            check_free_text({"absenceReason": one.absence_reason})
        employee_ids = {one.employee_id for one in attended}
        visible = await self._people.visible_ids()
        if visible is not None and not visible.issuperset(employee_ids):
            raise EmployeeNotFound
        check_recorder(employee_ids, recorder_id=self._work.actor.named())
        held = await self._hours.hold_open(
            request_id, session_id=session_id, employee_ids=employee_ids
        )
        missing = sorted(employee_ids - held.keys())
        if missing:
            await self._people.check_visible(missing)
            await self._check_session(request_id, session_id, None)
            raise ReservationMissing(employee_ids=missing)
        rows: list[AttendanceView] = []
        for one in attended:
            reservation = held[one.employee_id]
            check_attendance(
                held_on=reservation.held_on,
                planned_minutes=reservation.minutes,
                attended_minutes=one.attended_minutes,
                today=self._work.today,
            )
            rows.append(self._attendance(reservation, one))
        transfers = await self._ledger.apply(
            [
                spending(
                    row.id,
                    pending_id=row.transfer_id,
                    held_on=row.held_on,
                    attended_minutes=row.attended_minutes,
                )
                for row in rows
            ]
        )
        rows = [
            replace(row, transfer_id=transfer.id)
            for row, transfer in zip(rows, transfers, strict=True)
        ]
        await self._hours.record(rows)
        for row in rows:
            await self._audit.record(
                action="attendance.recorded",
                object_type="attendance",
                object_id=row.id,
                after={
                    "employee_id": row.employee_id,
                    "session_id": session_id,
                    "planned_minutes": row.planned_minutes,
                    "attended_minutes": row.attended_minutes,
                },
                rule_ids=("VIS-6.6",),
            )
        return rows

    async def correct(
        self, attendance_id: UUID, *, attended_minutes: Minutes, reason: str
    ) -> AttendanceView:
        """Correct what was recorded: what was spent is taken back, and the right time is spent.

        Both at once, so that the norm is judged by the difference. Only the last record of a
        participant and session can be corrected.

        Raises:
            AttendanceNotFound: there is none of this id, or not for the actor to see.
            OwnAttendance, NamedPersonNeeded: it is the actor's own, or could be.
            AttendanceCorrected: it was corrected before.
            AttendanceBeyondPlan: it would be longer than was planned.
            AttendanceUnchanged: these are the minutes that stand recorded.
            NormExceeded: the norm binds, and what is added does not fit it.
            BsnInText: a citizen service number stands in the reason (LAW-12).

        Source: VIS-6.6, VIS-8.1.
        """
        check_free_text({"reason": reason})
        before = await self._seen_attendance(attendance_id)
        check_recorder([before.employee_id], recorder_id=self._work.actor.named())
        await self._hours.hold_request(before.request_id)
        reservation = await self._hours.lock_reservation(before.reservation_id)
        before = await self._seen_attendance(attendance_id)
        if not before.holds:
            raise AttendanceCorrected
        check_attendance(
            held_on=before.held_on,
            planned_minutes=before.planned_minutes,
            attended_minutes=attended_minutes,
            today=self._work.today,
        )
        check_correction(
            recorded_minutes=before.attended_minutes, attended_minutes=attended_minutes
        )
        recorded = self._attendance(
            reservation,
            Attended(
                employee_id=before.employee_id,
                attended_minutes=attended_minutes,
                absence_reason=None if attended_minutes else reason,
            ),
        )
        after = replace(
            recorded,
            corrects_id=before.id,
            correction_reason=reason,
            transfer_id=await self._exchange(before, recorded),
        )
        await self._hours.record([after])
        await self._audit.record(
            action="attendance.corrected",
            object_type="attendance",
            object_id=after.id,
            before={"attendance_id": before.id, "attended_minutes": before.attended_minutes},
            after={"employee_id": after.employee_id, "attended_minutes": after.attended_minutes},
            reason=reason,
            rule_ids=("VIS-6.6",),
        )
        return after

    async def capacity(
        self, team_id: UUID, *, from_on: date, until_on: date, per: CapacityPer
    ) -> list[CapacityRow]:
        """Return a team's contract hours and learning time, per whole week or month.

        A manager sees the team when it holds somebody they lead, and of its members apart only
        those and themselves.

        Raises:
            SpanReversed, SpanTooLong: the span ends before it begins, or has over 366 days.
            TeamNotFound: no such team, or a manager leads nobody in it.

        Source: VIS-8.4, VIS-5.3.
        """
        check_span(from_on=from_on, until_on=until_on)
        await self._people.team(team_id)
        spans = spans_of(from_on=from_on, until_on=until_on, per=per)
        first, last = spans[0][0], spans[-1][1]
        contracts = await self._hours.contracts(from_on=first, before_on=last, team_id=team_id)
        members = {contract.employee_id for contract in contracts}
        visible = await self._people.visible_ids()
        led = None if visible is None else (members & visible) - {self._work.actor.person_id}
        if led is not None and not led:
            raise TeamNotFound
        occupations = await self._hours.occupations(members, from_on=first, before_on=last)
        return capacity(spans=spans, contracts=contracts, occupations=occupations, shown=visible)

    async def _norms(self, pairs: Iterable[Pair]) -> dict[Pair, NormOfYear]:
        """Return what the policy of each year gives each employee in it.

        Where the policy pro-rates, who has no contract in a year has no norm in it.
        """
        employees: dict[int, set[UUID]] = {}
        for employee_id, year in pairs:
            employees.setdefault(year, set()).add(employee_id)
        norms: dict[Pair, NormOfYear] = {}
        for year, employee_ids in sorted(employees.items()):
            in_force = await self._policies.policy_on(date(year, 1, 1))
            contracts: Mapping[UUID, Minutes] = {}
            if in_force.policy.norm_pro_rating is not ProRating.NONE:
                contracts = first_contracts(
                    await self._hours.contracts(
                        from_on=date(year, 1, 1),
                        before_on=date(year + 1, 1, 1),
                        employee_ids=employee_ids,
                    )
                )
            for employee_id in sorted(employee_ids):
                minutes = in_force.policy.norm_for(contracts.get(employee_id, 0))
                norms[employee_id, year] = NormOfYear(
                    policy_version_id=in_force.id,
                    minutes=minutes,
                    binding=in_force.policy.norm_binding,
                )
        return norms

    async def _figures(self, pairs: Collection[Pair]) -> dict[Pair, YearFigures]:
        if not pairs:
            return {}
        return await self._hours.figures(
            {employee_id for employee_id, _year in pairs}, {year for _employee, year in pairs}
        )

    async def _open(self, norms: Mapping[Pair, NormOfYear]) -> _Accounts:
        """Open, lock and align the accounts of these years; return them.

        Two that open the same account meet at its row: whoever comes second finds the norm there.
        """
        accounts = await self._accounts(norms)
        balances = await self._ledger.balances(accounts.norm_ids.values(), lock=True)
        # Read after the lock: what another put there meanwhile is seen.
        figures = await self._figures(norms)
        aligned = [
            align(
                pair,
                norms[pair],
                balance=balances[accounts.norm_ids[pair]],
                before=figures.get(pair, _NO_FIGURES).norm,
            )
            for pair in sorted(norms)
        ]
        changes = [change for change in aligned if change is not None]
        for change in changes:
            if change.balance.limited and not change.limited:
                await self._ledger.set_limited(change.balance.account_id, limited=False)
        await self._put_norms([change for change in changes if change.realigned], accounts)
        for change in changes:
            if change.limited and not change.balance.limited:
                await self._ledger.set_limited(change.balance.account_id, limited=True)
        return accounts

    async def _accounts(self, norms: Mapping[Pair, NormOfYear]) -> _Accounts:
        years = sorted({year for _employee, year in norms})
        pairs = sorted(norms)
        opened = await self._ledger.open_accounts(
            [
                *(self._organisation_account(NORM_SOURCE, year) for year in years),
                *(
                    _employee_account(NORM, employee_id, year, limited=norms[pair].binding)
                    for pair in pairs
                    for employee_id, year in (pair,)
                ),
            ]
        )
        sources, norm_accounts = opened[: len(years)], opened[len(years) :]
        return _Accounts(
            source_ids=dict(zip(years, _ids(sources), strict=True)),
            norm_ids=dict(zip(pairs, _ids(norm_accounts), strict=True)),
        )

    async def _put_norms(self, changes: Sequence[Alignment], accounts: _Accounts) -> None:
        """Take back the norms that were, put those that are now, and record them."""
        entries: list[Entry] = []
        for change in changes:
            entries += change.entries(accounts.source_ids[change.pair[1]])
        transfers = await self._ledger.apply(entries)
        made = {transfer.key: transfer.id for transfer in transfers}
        rows: list[HourNorm] = []
        for change in changes:
            employee_id, year = change.pair
            rows.append(
                HourNorm(
                    organisation_id=self._work.organisation_id,
                    id=new_id(),
                    employee_id=employee_id,
                    calendar_year=year,
                    position=change.position,
                    policy_version_id=change.norm.policy_version_id,
                    norm_minutes=change.norm.minutes,
                    transfer_id=made.get(change.key),
                )
            )
            await self._audit.record(
                action="norm.set",
                object_type="hour_ledger",
                object_id=change.balance.account_id,
                before=None if change.before is None else _recorded(change.before.norm_minutes),
                after={
                    **_recorded(change.norm.minutes),
                    "employee_id": employee_id,
                    "calendar_year": year,
                },
                rule_ids=("VIS-8.1",),
                policy_version_id=change.norm.policy_version_id,
            )
        await self._hours.add(rows)

    async def _sides(self, uses: Collection[_Use]) -> dict[_Use, Sides]:
        """Return the accounts that hours are taken from and go to, opened where they were not.

        The norm's account was opened before, with its norm; only own time may be new here.
        """
        ordered = sorted(uses, key=lambda use: (use.employee_id, use.year, use.working_time))
        opened = await self._ledger.open_accounts(
            [
                opening
                for use in ordered
                for opening in (
                    _employee_account(
                        NORM if use.working_time else OWN_TIME,
                        use.employee_id,
                        use.year,
                        limited=False,
                    ),
                    self._organisation_account(
                        HOURS_SPENT if use.working_time else OWN_TIME_SPENT, use.year
                    ),
                )
            ]
        )
        ids = iter(_ids(opened))
        return {
            use: Sides(debit_account_id=next(ids), credit_account_id=next(ids)) for use in ordered
        }

    async def _exchange(self, before: AttendanceView, after: AttendanceView) -> UUID:
        """Take back what an attendance spent, spend what it should; return the last transfer."""
        use = _Use(before.employee_id, before.held_on.year, before.working_time)
        if use.working_time:
            pair = use.employee_id, use.year
            rooms = await self.rooms([pair], lock=True)
            added = after.attended_minutes - before.attended_minutes
            check_room(pair, rooms[pair], asked_minutes=added)
        sides = (await self._sides([use]))[use]
        entries = exchange(
            after.id,
            held_on=before.held_on,
            spent_by=before.transfer_id if before.attended_minutes else None,
            attended_minutes=after.attended_minutes,
            sides=sides,
        )
        return (await self._ledger.apply(entries))[-1].id

    async def _seen_attendance(self, attendance_id: UUID) -> AttendanceView:
        found = await self._hours.attendance(attendance_id)
        visible = await self._people.visible_ids()
        if found is None or (visible is not None and found.employee_id not in visible):
            raise AttendanceNotFound
        return found

    async def _check_session(
        self, request_id: UUID, session_id: UUID, visible: frozenset[UUID] | None
    ) -> None:
        if not await self._hours.has_reservations(request_id, session_id, visible=visible):
            raise SessionNotFound

    def _attendance(
        self, reservation: HourReservation | AnyRow, attended: Attended
    ) -> AttendanceView:
        """Return a new record; its transfer is the one that held the hours, until it has its own.

        It holds, for nothing came after it.
        """
        return AttendanceView(
            id=new_id(),
            reservation_id=reservation.id,
            request_id=reservation.request_id,
            session_id=reservation.session_id,
            employee_id=reservation.employee_id,
            held_on=reservation.held_on,
            working_time=reservation.working_time,
            planned_minutes=reservation.minutes,
            attended_minutes=attended.attended_minutes,
            absence_reason=attended.absence_reason,
            transfer_id=reservation.transfer_id,
            corrects_id=None,
            correction_reason=None,
            holds=True,
            recorded_by=self._work.actor.subject,
            recorded_at=self._work.now,
        )

    def _organisation_account(self, kind: str, year: int) -> Opening:
        return Opening(
            kind=kind,
            unit=Unit.MINUTES,
            owner_type="organisation",
            owner_id=self._work.organisation_id,
            period_from=date(year, 1, 1),
            period_until=date(year + 1, 1, 1),
        )

    async def _audit_reserved(self, reservations: Sequence[Reservation], decision_id: UUID) -> None:
        """Record once for each request what a decision reserved."""
        for request_id in sorted({one.request_id for one in reservations}):
            held = [one for one in reservations if one.request_id == request_id]
            working = sum(one.minutes for one in held if one.working_time)
            await self._audit.record(
                action="hours.reserved",
                object_type="training_request",
                object_id=request_id,
                after={
                    "decision_id": decision_id,
                    "reserved_minutes": working,
                    "own_time_minutes": sum(one.minutes for one in held) - working,
                    "reservations": len(held),
                },
                rule_ids=("VIS-8.1",),
            )


def _employee_account(kind: str, employee_id: UUID, year: int, *, limited: bool) -> Opening:
    return Opening(
        kind=kind,
        unit=Unit.MINUTES,
        owner_type="employee",
        owner_id=employee_id,
        period_from=date(year, 1, 1),
        period_until=date(year + 1, 1, 1),
        counted=True,
        limited=limited,
    )


def _use(reservation: Reservation) -> _Use:
    return _Use(reservation.employee_id, reservation.held_on.year, reservation.working_time)


def _ids(accounts: Iterable[Account]) -> list[UUID]:
    return [account.id for account in accounts]


def _recorded(norm_minutes: Minutes) -> dict[str, object]:
    return {"norm_minutes": norm_minutes}
