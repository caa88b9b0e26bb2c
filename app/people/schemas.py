"""People on the wire."""

from typing import Annotated, Self

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue

from app.http.schemas import (
    Code,
    Day,
    EmailText,
    Id,
    In,
    Name,
    Out,
    PageSchema,
    Version,
    at_most,
    json_integer,
)
from app.kernel.actors import Actor, Role
from app.people.rules import (
    KEEPERS,
    EducationLevel,
    EmployeeView,
    EmploymentKind,
    LeavingInitiative,
    LeavingReason,
    PlacementView,
)
from app.policy.schemas import OrganisationOut

WeeklyMinutes = Annotated[
    int,
    Field(ge=0, le=3600, description="Contract minutes a week; 36 hours is 2160."),
    BeforeValidator(json_integer),
]


class TeamIn(In):
    department: Name
    name: Name

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"department": "Toezicht", "name": "Toezicht Bodem"}]}
    )


class TeamOut(Out):
    id: Id
    department: Name
    name: Name


class TeamPage(PageSchema):
    items: Annotated[list[TeamOut], at_most(100)]


class FunctionIn(In):
    name: Name

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Adviseur bodem"}]})


class FunctionOut(Out):
    id: Id
    name: Name


class FunctionPage(PageSchema):
    items: Annotated[list[FunctionOut], at_most(100)]


_PERSON: dict[str, JsonValue] = {
    "personnelNumber": "200001",
    "givenName": "Noor",
    "infix": "van der",
    "familyName": "Meulen",
    "email": "noor.vandermeulen@od-voorbeeld.example",
    "bornOn": "1991-04-12",
    "educationLevel": "hbo",
}
_ASSIGNMENT: dict[str, JsonValue] = {
    "teamId": "01976f00-0000-7000-8000-000000000001",
    "functionId": "01976f00-0000-7000-8000-000000000002",
    "managerId": None,
    "contractMinutesPerWeek": 2160,
}


class AssignmentIn(In):
    """Where someone works, as what, under whom, and how much."""

    team_id: Id
    function_id: Id
    manager_id: Id | None = Field(
        description="Employee who leads this one (leidinggevende); null for who leads them all."
    )
    contract_minutes_per_week: WeeklyMinutes


class PlacementIn(AssignmentIn):
    """A change of team, function, manager or hours from a day on."""

    valid_from: Day

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_ASSIGNMENT, "validFrom": "2027-02-01"}]}
    )


class EmploymentIn(AssignmentIn):
    """An employment with where it begins."""

    hired_on: Day = Field(description="First day of the employment (datum in dienst).")
    kind: EmploymentKind

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**_ASSIGNMENT, "hiredOn": "2027-02-01", "kind": "permanent"}]
        }
    )


class EmployeeIn(EmploymentIn):
    """A person new to the organisation, with the first employment."""

    personnel_number: Code
    given_name: Name
    infix: Name | None = Field(description="What stands before the family name (tussenvoegsel).")
    family_name: Name
    email: EmailText
    born_on: Day | None
    education_level: EducationLevel | None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**_PERSON, **_ASSIGNMENT, "hiredOn": "2027-02-01", "kind": "permanent"}]
        }
    )


class EmployeePatch(In):
    """What changes in what is known of a person; what is not sent stays as it is."""

    # A factory keeps the field optional without making null one of its values.
    given_name: Name = Field(default_factory=str)
    infix: Name | None = None
    family_name: Name = Field(default_factory=str)
    email: EmailText = Field(default_factory=str)
    born_on: Day | None = None
    education_level: EducationLevel | None = None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"familyName": "Jansen", "email": "n.jansen@od-voorbeeld.example"}]
        }
    )


class PlacementOut(Out):
    """Team, function, manager and hours over a period; ``validUntil`` is the first day after it."""

    team_id: Id
    team_name: Name
    department: Name
    function_id: Id
    function_name: Name
    manager_id: Id | None
    contract_minutes_per_week: WeeklyMinutes
    valid_from: Day
    valid_until: Day | None

    @classmethod
    def of(cls, view: PlacementView) -> Self:
        """Return a placement as it is shown."""
        placement = view.placement
        return cls(
            team_id=placement.assignment.team_id,
            team_name=view.team_name,
            department=view.department,
            function_id=placement.assignment.function_id,
            function_name=view.function_name,
            manager_id=placement.assignment.manager_id,
            contract_minutes_per_week=placement.assignment.contract_minutes_per_week,
            valid_from=placement.valid_from,
            valid_until=view.valid_until,
        )


class EmploymentOut(Out):
    """An employment; ``leftOn`` is its last day, null as long as no end is known."""

    id: Id
    hired_on: Day
    left_on: Day | None
    kind: EmploymentKind
    leaving_reason: LeavingReason | None = Field(
        description="Null while no end is known, and for who need not know the reason."
    )
    leaving_initiative: LeavingInitiative | None
    placements: Annotated[list[PlacementOut], at_most(1000)]


class EmploymentList(Out):
    items: Annotated[list[EmploymentOut], at_most(200)]


class EmployeeOut(Out):
    """An employee with the placement of a day: the last begun by then, else the first to come."""

    id: Id
    version: Version
    personnel_number: Code
    name: Annotated[str, Field(max_length=400, description="The name as it is spoken.")]
    given_name: Name
    infix: Name | None
    family_name: Name
    email: EmailText
    born_on: Day | None = Field(
        description="Null when unknown, and for who is neither HR, nor the employee."
    )
    education_level: EducationLevel | None
    hired_on: Day
    left_on: Day | None
    kind: EmploymentKind
    placement: PlacementOut

    @classmethod
    def of(cls, view: EmployeeView, *, reader: Actor) -> Self:
        """Return an employee as the reader may see the person."""
        employee = view.employee
        employment = view.placed.employment
        own = reader.person_id == employee.id
        return cls(
            id=employee.id,
            version=employee.version,
            personnel_number=employee.personnel_number,
            name=employee.name,
            given_name=employee.given_name,
            infix=employee.infix,
            family_name=employee.family_name,
            email=employee.email,
            born_on=employee.born_on if own or reader.has(*KEEPERS) else None,
            education_level=employee.education_level,
            hired_on=employment.hired_on,
            left_on=employment.left_on,
            kind=employment.kind,
            placement=PlacementOut.of(view.placed),
        )


class EmployeePage(PageSchema):
    items: Annotated[list[EmployeeOut], at_most(100)]


class MeOut(Out):
    """Who you are signed in as: the organisation, your roles, and the employee you are, if any."""

    organisation: OrganisationOut
    roles: Annotated[list[Role], at_most(20)]
    employee: EmployeeOut | None
