"""The people over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from app.http.deps import CurrentWork, ExpectedVersions, Paging, link_next, locate, tag
from app.http.operation import ANY_ROLE, operation
from app.http.routing import area_router
from app.http.schemas import Day, Id, Name, id_path
from app.kernel.actors import Actor, Role
from app.kernel.errors import StaleVersion
from app.people.errors import (
    BornAfterHiring,
    EmailTaken,
    EmployeeNotFound,
    FunctionExists,
    FunctionNotFound,
    ManagerCycle,
    OwnManager,
    PersonnelNumberTaken,
    PlacementOutsideEmployment,
    TeamExists,
    TeamNotFound,
)
from app.people.rules import (
    KEEPERS,
    EmployeeFilter,
    EmployeeView,
    EmploymentRow,
    PlacementView,
    search_key,
)
from app.people.schemas import (
    EmployeeIn,
    EmployeeOut,
    EmployeePage,
    EmployeePatch,
    EmploymentList,
    EmploymentOut,
    FunctionIn,
    FunctionOut,
    FunctionPage,
    MeOut,
    PlacementIn,
    PlacementOut,
    TeamIn,
    TeamOut,
    TeamPage,
)
from app.people.service import PeopleService
from app.policy.errors import OrganisationNotFound
from app.policy.schemas import OrganisationOut
from app.policy.service import PolicyService

me = area_router(prefix="/me", tag="people")
teams = area_router(prefix="/teams", tag="people")
functions = area_router(prefix="/functions", tag="people")
router = area_router(prefix="/employees", tag="people")

# Who learns why somebody left, besides the person.
_KNOW_REASONS = (*KEEPERS, Role.MT, Role.AUDITOR)


async def _service(work: CurrentWork) -> PeopleService:
    return PeopleService(work)


Service = Annotated[PeopleService, Depends(_service)]
EmployeeId = Annotated[UUID, id_path("employeeId")]


@me.get(
    "",
    **operation(
        summary="Read who you are",
        term="wie ben ik",
        roles=ANY_ROLE,
        refusals=(OrganisationNotFound,),
    ),
)
async def get_me(service: Service, work: CurrentWork) -> MeOut:
    """Return the organisation and the roles of your token, and the employee it stands for."""
    organisation = await PolicyService(work).organisation()
    person_id = work.actor.person_id
    employee = None if person_id is None else await service.view(person_id)
    return MeOut(
        organisation=OrganisationOut.model_validate(organisation),
        roles=sorted(work.actor.roles),
        employee=None if employee is None else EmployeeOut.of(employee, reader=work.actor),
    )


@teams.get("", **operation(summary="List the teams", term="teams inzien", roles=ANY_ROLE))
async def list_teams(
    service: Service, paging: Paging, request: Request, response: Response
) -> TeamPage:
    """Return the teams by department and name."""
    page = await service.teams(paging)
    return TeamPage(
        items=[TeamOut.model_validate(team) for team in page.items],
        next_cursor=link_next(request, response, page),
    )


@teams.post(
    "",
    **operation(
        summary="Add a team",
        term="team toevoegen",
        roles=KEEPERS,
        status=201,
        refusals=(TeamExists,),
    ),
)
async def add_team(body: TeamIn, service: Service, response: Response) -> TeamOut:
    """Record a team of a department."""
    team = await service.add_team(body)
    locate(response, f"/teams/{team.id}")
    return TeamOut.model_validate(team)


@teams.get(
    "/{teamId}",
    **operation(
        summary="Read a team", term="team inzien", roles=ANY_ROLE, refusals=(TeamNotFound,)
    ),
)
async def get_team(team_id: Annotated[UUID, id_path("teamId")], service: Service) -> TeamOut:
    """Return a team with its department."""
    return TeamOut.model_validate(await service.team(team_id))


@functions.get(
    "", **operation(summary="List the functions", term="functies inzien", roles=ANY_ROLE)
)
async def list_functions(
    service: Service, paging: Paging, request: Request, response: Response
) -> FunctionPage:
    """Return the functions by name."""
    page = await service.functions(paging)
    return FunctionPage(
        items=[FunctionOut.model_validate(function) for function in page.items],
        next_cursor=link_next(request, response, page),
    )


@functions.post(
    "",
    **operation(
        summary="Add a function",
        term="functie toevoegen",
        roles=KEEPERS,
        status=201,
        refusals=(FunctionExists,),
    ),
)
async def add_function(body: FunctionIn, service: Service, response: Response) -> FunctionOut:
    """Record a function that people can have."""
    function = await service.add_function(body)
    locate(response, f"/functions/{function.id}")
    return FunctionOut.model_validate(function)


@functions.get(
    "/{functionId}",
    **operation(
        summary="Read a function",
        term="functie inzien",
        roles=ANY_ROLE,
        refusals=(FunctionNotFound,),
    ),
)
async def get_function(
    function_id: Annotated[UUID, id_path("functionId")], service: Service
) -> FunctionOut:
    """Return a function by its name."""
    return FunctionOut.model_validate(await service.function(function_id))


async def _employee_filter(
    work: CurrentWork,
    *,
    team_id: Annotated[
        Id | None, Query(alias="teamId", description="Only who is in this team.")
    ] = None,
    function_id: Annotated[
        Id | None, Query(alias="functionId", description="Only who has this function.")
    ] = None,
    name_prefix: Annotated[
        Name | None,
        Query(
            alias="namePrefix",
            description="Only whose family name begins so, whatever the capitals and accents.",
        ),
    ] = None,
    employed_on: Annotated[
        Day | None,
        Query(
            alias="employedOn",
            description="Only who is employed on this day, with the placement of that day.",
        ),
    ] = None,
) -> EmployeeFilter:
    return EmployeeFilter(
        day=employed_on or work.today,
        employed=employed_on is not None,
        team_id=team_id,
        function_id=function_id,
        family_name_starts=None if name_prefix is None else search_key(name_prefix),
    )


@router.get(
    "", **operation(summary="List the employees", term="medewerkers inzien", roles=ANY_ROLE)
)
async def list_employees(
    wanted: Annotated[EmployeeFilter, Depends(_employee_filter)],
    *,
    service: Service,
    work: CurrentWork,
    paging: Paging,
    request: Request,
    response: Response,
) -> EmployeePage:
    """Return the employees you may see, by personnel number.

    HR, the management team, an auditor and an administrator see everybody, a manager sees who
    works under them, directly or not, and everybody sees themselves.
    """
    page = await service.listed(wanted, paging)
    return EmployeePage(
        items=[EmployeeOut.of(view, reader=work.actor) for view in page.items],
        next_cursor=link_next(request, response, page),
    )


@router.post(
    "",
    **operation(
        summary="Add an employee",
        term="medewerker in dienst nemen",
        roles=KEEPERS,
        status=201,
        refusals=(
            BornAfterHiring,
            PersonnelNumberTaken,
            EmailTaken,
            TeamNotFound,
            FunctionNotFound,
            EmployeeNotFound,
        ),
    ),
)
async def hire_employee(
    body: EmployeeIn, service: Service, work: CurrentWork, response: Response
) -> EmployeeOut:
    """Record a new employee with the first employment and placement."""
    view = await service.hire(body)
    locate(response, f"/employees/{view.employee.id}")
    return _tagged(view, work.actor, response)


@router.get(
    "/{employeeId}",
    **operation(
        summary="Read an employee",
        term="medewerker inzien",
        roles=ANY_ROLE,
        refusals=(EmployeeNotFound,),
    ),
)
async def get_employee(
    employee_id: EmployeeId, service: Service, work: CurrentWork, response: Response
) -> EmployeeOut:
    """Return an employee you may see, with today's placement."""
    return _tagged(await service.view(employee_id), work.actor, response)


@router.patch(
    "/{employeeId}",
    **operation(
        summary="Correct an employee",
        term="medewerkergegevens wijzigen",
        roles=KEEPERS,
        refusals=(EmployeeNotFound, BornAfterHiring, EmailTaken, StaleVersion),
        precondition=True,
    ),
)
async def correct_employee(
    employee_id: EmployeeId,
    body: EmployeePatch,
    *,
    service: Service,
    expected: ExpectedVersions,
    work: CurrentWork,
    response: Response,
) -> EmployeeOut:
    """Change name, address, date of birth or education level; what is not sent stays."""
    view = await service.correct(employee_id, body, expected=expected)
    return _tagged(view, work.actor, response)


@router.get(
    "/{employeeId}/employments",
    **operation(
        summary="List an employee's employments",
        term="dienstverbanden inzien",
        roles=ANY_ROLE,
        refusals=(EmployeeNotFound,),
    ),
)
async def list_employments(
    employee_id: EmployeeId, service: Service, work: CurrentWork
) -> EmploymentList:
    """Return the employments by their first day, each with the history of its placements."""
    return EmploymentList(
        items=[
            _employment(employment, placements, work.actor)
            for employment, placements in await service.employments(employee_id)
        ]
    )


@router.post(
    "/{employeeId}/placements",
    **operation(
        summary="Place an employee",
        term="medewerker plaatsen",
        roles=KEEPERS,
        status=201,
        refusals=(
            EmployeeNotFound,
            TeamNotFound,
            FunctionNotFound,
            PlacementOutsideEmployment,
            OwnManager,
            ManagerCycle,
        ),
    ),
)
async def place_employee(
    employee_id: EmployeeId,
    body: PlacementIn,
    service: Service,
    work: CurrentWork,
    response: Response,
) -> EmployeeOut:
    """Change team, function, manager or hours from a day on; what held before it is kept.

    The answer is the employee with today's placement. Nobody becomes, directly or through others,
    their own manager.
    """
    view = await service.place(employee_id, body)
    locate(response, f"/employees/{employee_id}/employments")
    return _tagged(view, work.actor, response)


def _tagged(view: EmployeeView, actor: Actor, response: Response) -> EmployeeOut:
    tag(response, view.employee.version)
    return EmployeeOut.of(view, reader=actor)


def _employment(
    employment: EmploymentRow, placements: list[PlacementView], actor: Actor
) -> EmploymentOut:
    told = actor.person_id == employment.employee_id or actor.has(*_KNOW_REASONS)
    return EmploymentOut(
        id=employment.id,
        hired_on=employment.hired_on,
        left_on=employment.left_on,
        kind=employment.kind,
        leaving_reason=employment.leaving_reason if told else None,
        leaving_initiative=employment.leaving_initiative if told else None,
        placements=[PlacementOut.of(view) for view in placements],
    )
