"""The hour ledgers, attendance, exceptions and a team's capacity, over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response

from app.hours.errors import (
    AttendanceBeyondPlan,
    AttendanceCorrected,
    AttendanceNotFound,
    AttendanceUnchanged,
    ExceptionForPastYear,
    ExceptionForSelf,
    ExceptionUndiscussed,
    NormExceeded,
    OwnAttendance,
    ReservationMissing,
    SessionNotFound,
    SessionStillToCome,
    SpanReversed,
    SpanTooLong,
)
from app.hours.rules import AttendanceView, Attended, CapacityPer, HourLedger
from app.hours.schemas import (
    AttendanceList,
    AttendanceOut,
    AttendancesIn,
    CapacityOut,
    CorrectionIn,
    HourEntryPage,
    HourExceptionIn,
    HourExceptionOut,
    HourExceptionPage,
    HourLedgerOut,
    OwnTimeOut,
    ReservationPage,
)
from app.hours.service import HourService
from app.http.deps import CurrentWork, Paging, link_next
from app.http.operation import operation
from app.http.problems import language_of
from app.http.routing import area_router
from app.http.schemas import Day, Moment, id_path
from app.kernel.actors import Role
from app.kernel.errors import NamedPersonNeeded
from app.kernel.quantities import Minutes
from app.kernel.wording import Language, say
from app.people.errors import EmployeeNotFound, TeamNotFound
from app.policy.errors import NoPolicyInForce
from app.requests.errors import BsnInText

hour_ledgers = area_router(prefix="/employees/{employeeId}/hour-ledgers", tag="hours")
hour_exceptions = area_router(prefix="/hour-exceptions", tag="hours")
hour_reservations = area_router(prefix="/hour-reservations", tag="hours")
sessions = area_router(prefix="/requests/{requestId}/sessions/{sessionId}", tag="hours")
attendances = area_router(prefix="/attendances", tag="hours")
capacities = area_router(prefix="/teams/{teamId}/capacity", tag="hours")

_READERS = (Role.EMPLOYEE, Role.MANAGER, Role.HR, Role.MT, Role.AUDITOR)
_RECORDERS = (Role.MANAGER, Role.HR)


async def _service(work: CurrentWork) -> HourService:
    return HourService(work)


Service = Annotated[HourService, Depends(_service)]
EmployeeId = Annotated[UUID, id_path("employeeId")]
RequestId = Annotated[UUID, id_path("requestId", of="training request")]
SessionId = Annotated[UUID, id_path("sessionId")]
TeamId = Annotated[UUID, id_path("teamId")]
AttendanceId = Annotated[UUID, id_path("attendanceId")]
CalendarYear = Annotated[
    int,
    Path(alias="calendarYear", ge=2000, le=2199, description="Calendar year of the hours."),
]


@hour_ledgers.get(
    "/{calendarYear}",
    **operation(
        summary="Read an employee's hours of a year",
        term="urenstaat inzien",
        roles=_READERS,
        refusals=(EmployeeNotFound, NoPolicyInForce),
    ),
)
async def get_hour_ledger(
    employee_id: EmployeeId, calendar_year: CalendarYear, service: Service, request: Request
) -> HourLedgerOut:
    """Return norm, exceptions, reserved, spent and room of one moment, with own time apart.

    The norm is that of the policy in force on 1 January. It warns where it is passed or nearly so;
    whether it also refuses is told by `binding` (VIS-8.3).
    """
    return _ledger(await service.ledger(employee_id, calendar_year), language_of(request))


@hour_ledgers.get(
    "/{calendarYear}/entries",
    **operation(
        summary="List the entries of an employee's year",
        term="urenboekingen inzien",
        roles=_READERS,
        refusals=(EmployeeNotFound,),
    ),
)
async def list_hour_entries(
    *,
    employee_id: EmployeeId,
    calendar_year: CalendarYear,
    service: Service,
    paging: Paging,
    request: Request,
    response: Response,
    own_time: Annotated[
        bool, Query(alias="ownTime", description="The entries in own time, apart from the norm.")
    ] = False,
    as_of: Annotated[
        Moment | None,
        Query(alias="asOf", description="Only what was recorded until this instant (peildatum)."),
    ] = None,
) -> HourEntryPage:
    """Return the entries in the order of recording, each with what caused it.

    An entry never changes: a correction is a reversal and an entry anew.
    """
    page = await service.entries(
        employee_id, calendar_year, own_time=own_time, as_of=as_of, page=paging
    )
    return HourEntryPage.model_validate(
        {"items": page.items, "next_cursor": link_next(request, response, page)}
    )


@hour_exceptions.get(
    "",
    **operation(
        summary="List exceptions to the norm", term="uitzonderingen op de norm", roles=_READERS
    ),
)
async def list_hour_exceptions(
    *,
    service: Service,
    paging: Paging,
    request: Request,
    response: Response,
    employee_id: Annotated[
        UUID | None, Query(alias="employeeId", description="Only for this employee.")
    ] = None,
    calendar_year: Annotated[
        int | None,
        Query(alias="calendarYear", ge=2000, le=2199, description="Only for this year."),
    ] = None,
) -> HourExceptionPage:
    """Return the exceptions of whom you may see, oldest first."""
    page = await service.exceptions(
        employee_id=employee_id, calendar_year=calendar_year, page=paging
    )
    return HourExceptionPage.model_validate(
        {"items": page.items, "next_cursor": link_next(request, response, page)}
    )


@hour_exceptions.post(
    "",
    **operation(
        summary="Decide on an exception to the norm",
        term="uitzondering op de norm vaststellen",
        roles=(Role.MT,),
        status=201,
        refusals=(
            BsnInText,
            EmployeeNotFound,
            ExceptionForPastYear,
            NamedPersonNeeded,
            ExceptionForSelf,
            ExceptionUndiscussed,
            NoPolicyInForce,
        ),
        key="required",
        role_rule="VIS-10.1",
    ),
)
async def grant_hour_exception(body: HourExceptionIn, service: Service) -> HourExceptionOut:
    """Let one employee pass the norm in one year by so many minutes, on a ground of VIS-8.2.

    It is an individual decision of the management team, discussed beforehand; a grant alone is
    not one (VIS-10.1).
    """
    exception = await service.grant_exception(
        body.employee_id,
        calendar_year=body.calendar_year,
        minutes=Minutes(body.minutes),
        ground=body.ground,
        reason=body.reason,
        discussed_on=body.discussed_on,
    )
    return HourExceptionOut.model_validate(exception)


@hour_reservations.get(
    "",
    **operation(summary="List reserved hours", term="urenreserveringen inzien", roles=_READERS),
)
async def list_hour_reservations(
    *,
    service: Service,
    paging: Paging,
    request: Request,
    response: Response,
    request_id: Annotated[
        UUID | None, Query(alias="requestId", description="Only of this training request.")
    ] = None,
    employee_id: Annotated[
        UUID | None, Query(alias="employeeId", description="Only for this employee.")
    ] = None,
) -> ReservationPage:
    """Return what grants have reserved of whom you may see, in the order it was reserved."""
    page = await service.reservations(request_id=request_id, employee_id=employee_id, page=paging)
    return ReservationPage.model_validate(
        {"items": page.items, "next_cursor": link_next(request, response, page)}
    )


@sessions.get(
    "/attendances",
    **operation(
        summary="List the attendances of a session",
        term="aanwezigheid inzien",
        roles=_READERS,
        refusals=(SessionNotFound,),
    ),
)
async def list_attendances(
    request_id: RequestId, session_id: SessionId, service: Service
) -> AttendanceList:
    """Return what was attended by whom you may see, with what was corrected since."""
    return _attendances(await service.attendances(request_id, session_id))


@sessions.post(
    "/attendances",
    **operation(
        summary="Record who attended a session",
        term="aanwezigheid vastleggen",
        roles=_RECORDERS,
        status=201,
        refusals=(
            AttendanceBeyondPlan,
            BsnInText,
            EmployeeNotFound,
            NamedPersonNeeded,
            OwnAttendance,
            ReservationMissing,
            SessionNotFound,
            SessionStillToCome,
        ),
        key="required",
        role_rule="VIS-5.3",
    ),
)
async def record_attendances(
    request_id: RequestId, session_id: SessionId, body: AttendancesIn, service: Service
) -> AttendanceList:
    """Record the attendance of some or all participants: that time is spent, the rest comes free.

    All of them or none. HR records for anybody, a manager for whom they lead, nobody their own.
    """
    recorded = await service.record_attendance(
        request_id,
        session_id,
        [
            Attended(
                employee_id=one.employee_id,
                attended_minutes=Minutes(one.attended_minutes),
                absence_reason=one.absence_reason,
            )
            for one in body.attended
        ],
    )
    return _attendances(recorded)


@attendances.post(
    "/{attendanceId}/corrections",
    **operation(
        summary="Correct an attendance",
        term="aanwezigheid corrigeren",
        roles=_RECORDERS,
        status=201,
        refusals=(
            AttendanceBeyondPlan,
            AttendanceCorrected,
            AttendanceNotFound,
            AttendanceUnchanged,
            BsnInText,
            NormExceeded,
            NamedPersonNeeded,
            OwnAttendance,
        ),
        key="required",
        role_rule="VIS-5.3",
    ),
)
async def correct_attendance(
    attendance_id: AttendanceId, body: CorrectionIn, service: Service
) -> AttendanceOut:
    """Take back what was spent and spend what should have been, in one; both stay in the ledger.

    Only the last record of a participant and session can be corrected.
    """
    corrected = await service.correct(
        attendance_id, attended_minutes=Minutes(body.attended_minutes), reason=body.reason
    )
    return AttendanceOut.model_validate(corrected)


@capacities.get(
    "",
    **operation(
        summary="Read a team's capacity",
        term="capaciteit van een team",
        roles=(Role.MANAGER, Role.HR, Role.MT),
        refusals=(SpanReversed, SpanTooLong, TeamNotFound),
        role_rule="VIS-8.4",
    ),
)
async def get_capacity(
    *,
    team_id: TeamId,
    service: Service,
    from_on: Annotated[
        Day, Query(alias="from", description="The first day; its whole week or month is in.")
    ],
    until_on: Annotated[
        Day, Query(alias="until", description="The last day; its whole week or month is in.")
    ],
    per: CapacityPer,
) -> CapacityOut:
    """Return contract hours and learning time asked, reserved and attended, in working time.

    Per whole week (from Monday) or month: the team first, then its members. A manager sees the
    teams of whom they lead, with rows of their own for those alone.
    """
    rows = await service.capacity(team_id, from_on=from_on, until_on=until_on, per=per)
    return CapacityOut.model_validate({"team_id": team_id, "per": per, "items": rows})


def _ledger(ledger: HourLedger, language: Language) -> HourLedgerOut:
    warning = ledger.warning
    return HourLedgerOut(
        employee_id=ledger.employee_id,
        calendar_year=ledger.calendar_year,
        binding=ledger.room.binding,
        norm_minutes=ledger.room.norm_minutes,
        exception_minutes=ledger.room.exception_minutes,
        reserved_minutes=ledger.room.reserved_minutes,
        spent_minutes=ledger.room.spent_minutes,
        room_minutes=ledger.room.room_minutes,
        own_time=OwnTimeOut.model_validate(ledger.own_time),
        warning=None if warning is None else say(warning.text, warning.facts, language),
    )


def _attendances(views: list[AttendanceView]) -> AttendanceList:
    return AttendanceList.model_validate({"items": views})
