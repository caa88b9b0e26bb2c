"""The hour ledgers on the wire: whole minutes, of working time unless it says own time."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from app.hours.rules import CapacityPer, EntryEffect, ExceptionGround, ReservationStatus
from app.http.schemas import (
    AmountMinutes,
    CanNotBe,
    Day,
    In,
    Line,
    Moment,
    Out,
    PageSchema,
    Prose,
    SignedTotalMinutes,
    Subject,
    TotalMinutes,
    Year,
    at_most,
    json_integer,
)


class OwnTimeOut(Out):
    """Hours in the employee's own time: recorded, and not counted against the norm (VIS-8.1)."""

    reserved_minutes: TotalMinutes
    spent_minutes: TotalMinutes


class HourLedgerOut(Out):
    """The hours of one employee in one calendar year (urenstaat)."""

    employee_id: UUID
    calendar_year: Year
    binding: bool = Field(description="Whether the norm refuses (from 2027) or only warns (2026).")
    norm_minutes: TotalMinutes
    exception_minutes: TotalMinutes = Field(
        description="Individual decisions of the MT beyond the norm (VIS-8.2)."
    )
    reserved_minutes: TotalMinutes = Field(description="Granted, and not held or recorded yet.")
    spent_minutes: TotalMinutes = Field(description="Attended.")
    room_minutes: SignedTotalMinutes = Field(
        description="Norm and exceptions less reserved and spent; negative past an advisory norm."
    )
    own_time: OwnTimeOut
    warning: Prose | None = Field(description="Said when the norm is passed or nearly so.")


class HourEntryOut(Out):
    """One entry of an hour ledger, with what caused it."""

    id: UUID
    sequence: Annotated[int, Field(ge=1, le=2**53)] = Field(
        description="Place on the account, without gaps."
    )
    effect: EntryEffect
    minutes: AmountMinutes
    released_minutes: AmountMinutes = Field(
        description="What else the reservation held, freed when the rest of it was spent."
    )
    resolves_id: UUID | None = Field(
        description="The entry that this one spends, releases or reverses."
    )
    own_time: bool
    activity_on: date = Field(description="The civil day that decides the year.")
    recorded_at: Moment
    cause: Line = Field(description="What caused it: decision, attendance, exception, policy.")
    cause_id: UUID


class HourEntryPage(PageSchema):
    """A page of entries in the order of recording."""

    items: Annotated[list[HourEntryOut], at_most(100)]


class HourExceptionIn(In):
    """An individual decision of the MT to let one employee pass the norm in one year."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "employeeId": "01890000-0000-7000-8000-000000000001",
                    "calendarYear": 2027,
                    "minutes": 1200,
                    "ground": "legal_requirement",
                    "reason": "Hercertificering BOA en kwaliteitscriteria in hetzelfde jaar.",
                    "discussedOn": "2026-11-20",
                }
            ]
        }
    )

    employee_id: UUID
    calendar_year: Year
    minutes: Annotated[int, Field(ge=1, le=10**7), BeforeValidator(json_integer)]
    ground: ExceptionGround
    reason: Prose
    discussed_on: Day = Field(description="When it was discussed with the employee (VIS-8.2).")


class HourExceptionOut(Out):
    """An exception to the norm, as decided."""

    id: UUID
    employee_id: UUID
    calendar_year: Year
    minutes: AmountMinutes
    ground: ExceptionGround
    reason: Prose
    discussed_on: date
    decided_by: Subject
    decided_at: Moment


class HourExceptionPage(PageSchema):
    """A page of exceptions, oldest first."""

    items: Annotated[list[HourExceptionOut], at_most(100)]


class AttendedIn(In):
    """What one participant attended of a session; zero is absence, which says why."""

    employee_id: UUID
    attended_minutes: AmountMinutes
    absence_reason: Prose | None = None

    @model_validator(mode="after")
    def _absence_is_explained(self) -> "AttendedIn":
        if self.attended_minutes == 0 and self.absence_reason is None:
            raise CanNotBe(
                en="an absence (zero minutes) says why, in absenceReason",
                nl="bij afwezigheid (nul minuten) hoort een reden, in absenceReason",
            )
        return self


class AttendancesIn(In):
    """The attendance of one session, of some or all of its participants."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "attended": [
                        {
                            "employeeId": "01890000-0000-7000-8000-000000000001",
                            "attendedMinutes": 450,
                        }
                    ]
                }
            ]
        }
    )

    attended: Annotated[list[AttendedIn], at_most(500, at_least=1)]

    @model_validator(mode="after")
    def _each_once(self) -> "AttendancesIn":
        if len({one.employee_id for one in self.attended}) != len(self.attended):
            raise CanNotBe(
                en="each employee is named once", nl="elke medewerker staat er één keer in"
            )
        return self


class CorrectionIn(In):
    """What should have been recorded, and why it was not."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"attendedMinutes": 240, "reason": "Was er alleen de ochtend (presentielijst)."}
            ]
        }
    )

    attended_minutes: AmountMinutes
    reason: Prose


class AttendanceOut(Out):
    """What one participant attended of one session; ``holds`` tells whether it was corrected."""

    id: UUID
    request_id: UUID
    session_id: UUID
    employee_id: UUID
    held_on: date
    working_time: bool
    planned_minutes: AmountMinutes
    attended_minutes: AmountMinutes
    absence_reason: Prose | None
    corrects_id: UUID | None
    correction_reason: Prose | None
    holds: bool
    recorded_by: Subject
    recorded_at: Moment


class AttendanceList(Out):
    """The attendances of one session, those that were corrected included."""

    items: Annotated[list[AttendanceOut], at_most(5000)]


class ReservationOut(Out):
    """Hours held for one participant in one session."""

    id: UUID
    request_id: UUID
    session_id: UUID
    employee_id: UUID
    decision_id: UUID
    held_on: date
    minutes: AmountMinutes
    working_time: bool
    status: ReservationStatus


class ReservationPage(PageSchema):
    """A page of reservations, by day."""

    items: Annotated[list[ReservationOut], at_most(100)]


class CapacityRowOut(Out):
    """One week or month of a team (employeeId null) or of one of its members."""

    employee_id: UUID | None
    starts_on: date
    ends_before: date
    contract_minutes: TotalMinutes = Field(
        description="Contract hours on weekdays; holidays and leave are not taken off."
    )
    requested_minutes: TotalMinutes = Field(description="Asked for, and not decided yet.")
    reserved_minutes: TotalMinutes
    attended_minutes: TotalMinutes


class CapacityOut(Out):
    """A team's learning time per week or month, beside its contract hours (VIS-8.4)."""

    team_id: UUID
    per: CapacityPer
    items: Annotated[list[CapacityRowOut], at_most(20_000)]
