"""What the hour ledgers refuse."""

from app.kernel.errors import Kind, NotFound, Refusal, Text


class NormExceeded(Refusal):
    slug = "norm-exceeded"
    rule = "VIS-8.3"
    title = Text(en="More hours than the norm allows", nl="Meer uren dan de norm toelaat")
    detail = Text(
        en=(
            "{asked_minutes} are asked in {calendar_year}, while {room_minutes} of the norm of"
            " {norm_minutes} (and {exception_minutes} of exceptions) is left."
        ),
        nl=(
            "Gevraagd wordt {asked_minutes} in {calendar_year}, terwijl van de norm van"
            " {norm_minutes} (en {exception_minutes} aan uitzonderingen) nog {room_minutes}"
            " resteert."
        ),
    )
    remedy = Text(
        en="Plan fewer hours in that year, or have the MT decide on an individual exception first.",
        nl=(
            "Plan in dat jaar minder uren, of laat het MT eerst besluiten over een individuele"
            " uitzondering."
        ),
    )


class ReservationMissing(Refusal):
    slug = "reservation-missing"
    rule = "VIS-6.6"
    title = Text(en="Nobody reserved for this session", nl="Niet ingepland voor deze bijeenkomst")
    detail = Text(
        en="This employee has no open hours reserved for this session.",
        nl="Voor deze medewerker staan bij deze bijeenkomst geen uren open.",
    )
    remedy = Text(
        en="Check the session and the participant, or correct the attendance recorded earlier.",
        nl="Controleer bijeenkomst en deelnemer, of corrigeer de eerder vastgelegde deelname.",
    )


class SessionStillToCome(Refusal):
    slug = "session-still-to-come"
    rule = "VIS-6.6"
    title = Text(en="The session is still to come", nl="De bijeenkomst moet nog plaatsvinden")
    detail = Text(
        en="The session is held on {held_on}; today is {today_on}.",
        nl="De bijeenkomst is op {held_on}; vandaag is {today_on}.",
    )
    remedy = Text(
        en="Record attendance on the day itself or later.",
        nl="Leg de deelname vast op de dag zelf of later.",
    )


class AttendanceBeyondPlan(Refusal):
    slug = "attendance-beyond-plan"
    rule = "VIS-8.1"
    title = Text(en="Longer than planned", nl="Langer dan gepland")
    detail = Text(
        en="The session was planned for {planned_minutes}; {attended_minutes} is more.",
        nl="De bijeenkomst was gepland voor {planned_minutes}; {attended_minutes} is meer.",
    )
    remedy = Text(
        en="Record at most the planned time; more needs a decision that grants it.",
        nl="Leg ten hoogste de geplande tijd vast; meer vraagt een besluit dat het toekent.",
    )


class OwnAttendance(Refusal):
    slug = "own-attendance"
    kind = Kind.FORBIDDEN
    rule = "VIS-5.3"
    title = Text(en="Your own attendance", nl="Uw eigen deelname")
    detail = Text(
        en="A participant does not record or correct the own attendance.",
        nl="Een deelnemer legt de eigen deelname niet vast en corrigeert haar niet.",
    )
    remedy = Text(
        en="Have your manager or HR record it.",
        nl="Laat uw leidinggevende of HR haar vastleggen.",
    )


class SessionNotFound(NotFound):
    slug = "session-not-found"
    title = Text(
        en="No such session with hours reserved",
        nl="Geen bijeenkomst waarvoor uren gereserveerd zijn",
    )


class AlreadyReserved(Refusal):
    slug = "already-reserved"
    rule = "VIS-8.1"
    title = Text(en="Hours reserved already", nl="Uren al gereserveerd")
    detail = Text(
        en="For one of the participants hours are reserved for this session already.",
        nl="Voor een van de deelnemers zijn bij deze bijeenkomst al uren gereserveerd.",
    )
    remedy = Text(
        en="Release what an earlier decision reserved first.",
        nl="Geef eerst vrij wat een eerder besluit reserveerde.",
    )


class AttendanceUnchanged(Refusal):
    slug = "attendance-unchanged"
    rule = "VIS-6.6"
    title = Text(en="Nothing to correct", nl="Niets te corrigeren")
    detail = Text(
        en="{attended_minutes} stands recorded already.",
        nl="Er staat al {attended_minutes} vastgelegd.",
    )
    remedy = Text(
        en="Give the minutes that should have been recorded.",
        nl="Geef de minuten die vastgelegd hadden moeten worden.",
    )


class AttendanceNotFound(NotFound):
    slug = "attendance-not-found"
    title = Text(en="No such attendance", nl="Geen deelname met dit kenmerk")


class AttendanceCorrected(Refusal):
    slug = "attendance-corrected"
    title = Text(en="Already corrected", nl="Al gecorrigeerd")
    detail = Text(
        en="This attendance was corrected before; only the last record can be.",
        nl="Deze deelname is al gecorrigeerd; alleen de laatste vastlegging kan dat worden.",
    )
    remedy = Text(
        en="Read the attendances of the session, and correct the one that holds now.",
        nl="Lees de deelnames van de bijeenkomst, en corrigeer degene die nu geldt.",
    )


class ExceptionForSelf(Refusal):
    slug = "exception-for-self"
    kind = Kind.FORBIDDEN
    rule = "VIS-10.1"
    title = Text(en="Not for yourself", nl="Niet voor uzelf")
    detail = Text(
        en="An exception to the norm is decided by a member of the MT whom it does not concern.",
        nl="Over een uitzondering op de norm besluit een MT-lid dat zij niet betreft.",
    )
    remedy = Text(
        en="Have another member of the management team decide.",
        nl="Laat een ander lid van het managementteam besluiten.",
    )


class ExceptionUndiscussed(Refusal):
    slug = "exception-not-beforehand"
    rule = "VIS-8.2"
    title = Text(en="Not discussed beforehand", nl="Niet vooraf besproken")
    detail = Text(
        en="The exception was discussed on {discussed_on}, after today ({today_on}).",
        nl="De uitzondering is besproken op {discussed_on}, na vandaag ({today_on}).",
    )
    remedy = Text(
        en="Give the day on which it was discussed with the employee: today at the latest.",
        nl="Geef de dag waarop zij met de medewerker is besproken: uiterlijk vandaag.",
    )


class ExceptionForPastYear(Refusal):
    slug = "exception-for-past-year"
    rule = "VIS-8.2"
    title = Text(en="The year is over", nl="Het jaar is voorbij")
    detail = Text(
        en="The exception is for {calendar_year}; today is {today_on}. It is decided beforehand.",
        nl="De uitzondering betreft {calendar_year}; vandaag is {today_on}. Zij gaat vooraf.",
    )
    remedy = Text(
        en="Decide on exceptions for this year or a later one.",
        nl="Besluit over uitzonderingen voor dit jaar of een later jaar.",
    )


class SpanReversed(Refusal):
    slug = "span-reversed"
    kind = Kind.INVALID
    title = Text(en="The span ends before it begins", nl="De periode eindigt voor zij begint")
    detail = Text(
        en="The span runs from {from_on} to {until_on}.",
        nl="De periode loopt van {from_on} tot en met {until_on}.",
    )
    remedy = Text(
        en="Give a last day that is not before the first.",
        nl="Geef een laatste dag die niet voor de eerste ligt.",
    )


class SpanTooLong(Refusal):
    slug = "span-too-long"
    kind = Kind.INVALID
    title = Text(en="The span is too long", nl="De periode is te lang")
    detail = Text(
        en="The span has {days} days; {most_days} is the most.",
        nl="De periode telt {days} dagen; {most_days} is het meeste.",
    )
    remedy = Text(
        en="Ask for at most a year at a time.",
        nl="Vraag ten hoogste een jaar per keer.",
    )


CONSTRAINTS: dict[str, type[Refusal]] = {
    "uq_reservations_organisation_id_session_id_employee_id_live": AlreadyReserved,
    "uq_attendances_organisation_id_corrects_id": AttendanceCorrected,
    "uq_attendances_organisation_id_reservation_id_first": ReservationMissing,
}
