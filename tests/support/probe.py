"""An app with a few endpoints of its own, to put the edge itself to the test."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, cast
from uuid import UUID

import psycopg
from fastapi import APIRouter, FastAPI, Query, Request, Response
from pydantic import Field
from sqlalchemy import func, insert, select, text

from app.db.audit import AuditTrail
from app.db.models import AuditEntry, Tenant
from app.http.deps import (
    CurrentWork,
    ExpectedVersions,
    Paging,
    link_next,
    locate,
    tag,
)
from app.http.operation import ANY_ROLE, operation
from app.http.routing import area_router
from app.http.schemas import (
    AmountCents,
    Count,
    Day,
    In,
    Line,
    Moment,
    Out,
    PageSchema,
    Prose,
    at_most,
    id_path,
)
from app.kernel.actors import Role
from app.kernel.errors import Kind, NotFound, Refusal, StaleVersion, Text
from app.kernel.identifiers import new_id
from app.kernel.pages import take
from app.main import create_app
from app.settings import Settings
from tests.support import tokens
from tests.support.trail import write_now


class ProbeRefused(Refusal):
    slug = "probe-refused"
    kind = Kind.CONFLICT
    rule = "VIS-8.3"
    title = Text(en="Over the norm", nl="Boven de norm")
    detail = Text(
        en="The norm is {norm_minutes}; {asked_minutes} were asked on {asked_on}.",
        nl="De norm is {norm_minutes}; gevraagd is {asked_minutes} op {asked_on}.",
    )
    remedy = Text(en="Ask for less.", nl="Vraag minder.")


class ProbeLineIn(In):
    what: Line
    amount_cents: AmountCents


class ProbeIn(In):
    title: Line
    note: Prose | None = None
    cost_cents: AmountCents = 0
    starts_on: Day | None = None
    called_at: Moment | None = None
    employee_id: UUID | None = None
    lines: Annotated[list[ProbeLineIn], at_most(3)] = Field(default_factory=list[ProbeLineIn])


class ProbeOut(Out):
    id: UUID
    title: Line
    called_at: Moment | None
    made: Count


class ProbeNumber(Out):
    number: Count


class ProbePage(PageSchema):
    items: Annotated[list[ProbeNumber], at_most(100)]


@dataclass(slots=True)
class Probe:
    """The app, and what the test sets for the endpoints to do."""

    app: FastAPI
    settings: Settings
    repetitions_asked: int = 0
    attempts: list[str] = field(default_factory=list[str])


_MADE = select(func.count()).select_from(AuditEntry).where(AuditEntry.object_type == "probe")


@asynccontextmanager
async def probing(settings: Settings, clock: Callable[[], datetime]) -> AsyncGenerator[Probe]:
    """Start the app with the endpoints below."""
    app = create_app(settings, clock=clock, keys=tokens.IssuerKeys())
    probe = Probe(app, settings)
    app.state.api.router.routes.extend(_router(probe).routes)
    async with app.router.lifespan_context(app):
        yield probe


def _router(probe: Probe) -> APIRouter:  # noqa: C901 - a table of endpoints
    router = area_router(prefix="/probes", tag="probes")

    async def made(work: CurrentWork) -> int:
        await write_now(work)
        found = await work.session.scalar(
            _MADE.where(AuditEntry.organisation_id == work.organisation_id)
        )
        return found or 0

    @router.post(
        "",
        **operation(
            summary="Make", term="maken", roles=(Role.HR, Role.MANAGER), status=201, refusals=()
        ),
    )
    async def make_probe(body: ProbeIn, work: CurrentWork, response: Response) -> ProbeOut:
        probe_id = new_id()
        await AuditTrail(work).record(action="probe.made", object_type="probe", object_id=probe_id)
        tag(response, 1)
        locate(response, f"/probes/{probe_id}")
        return ProbeOut(
            id=probe_id, title=body.title, called_at=body.called_at, made=await made(work)
        )

    @router.get("", **operation(summary="List", term="lijst", roles=(Role.HR,)))
    async def list_probes(
        paging: Paging,
        request: Request,
        response: Response,
        shade: Annotated[str | None, Query(max_length=10)] = None,  # noqa: ARG001
        kinds: Annotated[list[str] | None, Query(max_length=5)] = None,  # noqa: ARG001
    ) -> ProbePage:
        after = int(paging.after[0]) if paging.after else 0
        numbers = range(after + 1, min(after + paging.limit + 1, 7) + 1)
        page = take(list(numbers), paging, key=lambda number: (str(number),))
        return ProbePage(
            items=[ProbeNumber(number=number) for number in page.items],
            next_cursor=link_next(request, response, page),
        )

    @router.get("/made", **operation(summary="Count", term="tellen", roles=ANY_ROLE))
    async def count_probes(work: CurrentWork, response: Response) -> ProbeNumber:
        tag(response, 3)
        return ProbeNumber(number=await made(work))

    @router.post(
        "/payments",
        **operation(summary="Pay", term="betalen", roles=(Role.HR,), status=201, key="required"),
    )
    async def pay_probe(work: CurrentWork) -> ProbeNumber:
        await AuditTrail(work).record(action="probe.paid", object_type="probe", object_id=new_id())
        return ProbeNumber(number=await made(work))

    @router.put(
        "/{probeId}",
        **operation(
            summary="Change",
            term="wijzigen",
            roles=(Role.HR,),
            precondition=True,
            refusals=(NotFound, StaleVersion),
        ),
    )
    async def change_probe(
        probe_id: Annotated[UUID, id_path("probeId")],  # noqa: ARG001
        body: ProbeIn,  # noqa: ARG001
        expected: ExpectedVersions,
        response: Response,
    ) -> ProbeNumber:
        if expected is not None and 3 not in expected:
            raise StaleVersion(current_version=3)
        tag(response, 4)
        return ProbeNumber(number=4)

    @router.post(
        "/refusals",
        **operation(summary="Refuse", term="weigeren", roles=(Role.HR,), refusals=(ProbeRefused,)),
    )
    async def refuse_probe(work: CurrentWork) -> ProbeNumber:
        await AuditTrail(work).record(action="probe.lost", object_type="probe", object_id=new_id())
        raise ProbeRefused(norm_minutes=4800, asked_minutes=5430, asked_on=work.today)

    @router.post("/defects", **operation(summary="Fail", term="falen", roles=(Role.HR,)))
    async def fail_probe(work: CurrentWork) -> ProbeNumber:
        await AuditTrail(work).record(action="probe.lost", object_type="probe", object_id=new_id())
        message = "j.jansen@example.org\r\nhas a secret"
        raise RuntimeError(message)

    @router.post("/misfits", **operation(summary="Misfit", term="past niet", roles=(Role.HR,)))
    async def misfit_probe(work: CurrentWork) -> ProbeNumber:
        await AuditTrail(work).record(action="probe.lost", object_type="probe", object_id=new_id())
        return cast("ProbeNumber", {"number": -1})

    @router.post("/disconnections", **operation(summary="Cut", term="snee", roles=(Role.HR,)))
    async def cut_probe(work: CurrentWork) -> ProbeNumber:
        await AuditTrail(work).record(action="probe.lost", object_type="probe", object_id=new_id())
        await write_now(work)
        backend = await work.session.scalar(text("SELECT pg_backend_pid()"))
        # Between the last statement and the commit, so that the commit is what fails.
        async with await psycopg.AsyncConnection.connect(
            probe.settings.app_url, autocommit=True
        ) as other:
            await other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
        return ProbeNumber(number=1)

    @router.post("/collisions", **operation(summary="Collide", term="botsen", roles=(Role.HR,)))
    async def collide_probe(work: CurrentWork) -> ProbeNumber:
        probe.attempts.append(work.request_id)
        await AuditTrail(work).record(action="probe.made", object_type="probe", object_id=new_id())
        if len(probe.attempts) <= probe.repetitions_asked:
            await work.session.execute(text("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$"))
        return ProbeNumber(number=await made(work))

    @router.post("/tenants", **operation(summary="Name", term="noemen", roles=(Role.HR,)))
    async def name_probe(body: ProbeIn, work: CurrentWork) -> ProbeNumber:
        await work.session.execute(insert(Tenant).values(organisation_id=new_id(), slug=body.title))
        return ProbeNumber(number=1)

    @router.post(
        "/files",
        **operation(
            summary="Upload",
            term="opladen",
            roles=(Role.HR,),
            accepts=("text/csv", "application/json"),
            bulk=True,
        ),
    )
    async def upload_probe(request: Request) -> ProbeNumber:
        return ProbeNumber(number=len(await request.body()) // 4)

    return router
