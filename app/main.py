"""The service put together: wiring only."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from app.agreements import router as agreements
from app.budgets import errors as budget_errors
from app.budgets import router as budgets
from app.db.migration import head_revision
from app.db.session import Database
from app.decisions import errors as decision_errors
from app.decisions import router as decisions
from app.demo import router as demo
from app.demo.clock import DemoClock
from app.demo.examples import live_examples
from app.demo.personas import PERSONAS
from app.hours import errors as hour_errors
from app.hours import router as hours
from app.http.demo_issuer import PATH as DEMO_PATH
from app.http.demo_issuer import DemoSignIn, SigningIssuer
from app.http.handlers import answer_with_problems
from app.http.headers import Envelope
from app.http.health import Health
from app.http.lifespan import ToldLifespan
from app.http.logs import configure_logging
from app.http.openapi import build_openapi, describe_api, security_schemes
from app.http.operation import BASE_PATH
from app.http.pages import Pages, serve_document
from app.http.rates import Rates
from app.http.routing import Clock, Edge, system_clock
from app.http.stopping import Stopping
from app.http.tokens import (
    ClaimPaths,
    KeySource,
    PublishedKeys,
    Strength,
    TrustedIssuer,
    Verifier,
)
from app.integrations import router as imports
from app.kernel.errors import Refusal
from app.people import errors as people_errors
from app.people import router as people
from app.people.repository import find_person
from app.policy import errors as policy_errors
from app.policy import router as policy
from app.reports import router as reports
from app.requests import errors as request_errors
from app.requests import router as requests
from app.settings import SettingMissing, Settings
from app.upkeep import keep_up

_log = logging.getLogger(__name__)

# Hot areas first: the API looks at its routes in order.
_ROUTERS = (
    requests,
    hours,
    people,
    decisions,
    agreements,
    budgets,
    policy,
    imports,
    reports,
)
_CONSTRAINTS = (
    people_errors,
    policy_errors,
    request_errors,
    budget_errors,
    hour_errors,
    decision_errors,
)


class Service(FastAPI):
    """The root application: the envelope goes around all of it, its last resort included."""

    def build_middleware_stack(self) -> ASGIApp:
        """Return the whole stack."""
        stopping: Stopping = self.state.stopping
        return ToldLifespan(Envelope(super().build_middleware_stack(), stopping))


def create_app(
    settings: Settings, *, clock: Clock | None = None, keys: KeySource | None = None
) -> FastAPI:
    """Return the service as ``settings`` have it.

    ``clock`` takes the place of the machine's, ``keys`` that of what the issuer publishes.
    """
    configure_logging(settings.log_level)
    issuer = _demo_issuer(settings) if settings.demo else None
    trusted = _trusted_issuers(settings, issuer, keys)
    demo_clock = DemoClock(settings.data_dir / "demo-clock.json") if settings.demo else None
    api = _api(settings)
    api.state.demo_clock = demo_clock
    stopping = Stopping(settings.drain_seconds)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        if not trusted:
            message = "nobody can sign in: set OIDC_ISSUER and OIDC_AUDIENCE, or DEMO"
            raise SettingMissing(message)
        database = Database(settings)
        rates = Rates(settings)
        api.state.edge = Edge(
            database=database,
            verifier=Verifier(trusted, _claim_paths(settings), database),
            find_person=find_person,
            clock=clock or (demo_clock.now if demo_clock else system_clock),
            constraints=_constraints(),
            max_body_bytes=settings.max_body_bytes,
            max_bulk_bytes=settings.max_import_bytes,
            arrival_seconds=settings.arrival_seconds,
            rates=rates,
            cursor_secret=settings.cursor_secret,
        )
        app.state.database = database
        stopping.take_over()
        try:
            async with _upkeep(database, wanted=settings.upkeep):
                yield
        finally:
            app.state.database = None
            await database.close()
            rates.close()

    root = Service(
        lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    root.state.database = None
    root.state.stopping = stopping
    root.state.api = api
    answer_with_problems(root)
    health = Health(lambda: root.state.database, stopping, head_revision())
    root.router.routes.extend(health.router().routes)
    Pages(
        api,
        personas=PERSONAS if settings.demo else {},
        issuer=None if settings.demo else settings.oidc_issuer,
        client=settings.oidc_docs_client,
    ).add_to(root)
    if issuer is not None:
        _log.warning("DEMO MODE: whoever reaches this service can sign in as anybody of the demo")
        root.router.routes.extend(DemoSignIn(issuer, PERSONAS).router().routes)
    root.mount(BASE_PATH, api)
    return root


def document(app: FastAPI) -> dict[str, Any]:
    """Return the contract of the service: the OpenAPI document of its API."""
    return build_openapi(app.state.api)


def _api(settings: Settings) -> FastAPI:
    api = FastAPI(**describe_api())
    api.state.security_schemes = security_schemes(demo=settings.demo, issuer=settings.oidc_issuer)
    answer_with_problems(api)
    serve_document(api, live_examples(api) if settings.demo else None)
    # The routes themselves, not ``include_router``: that would look for each of them twice.
    for router in _routers(demo_mode=settings.demo):
        api.router.routes.extend(router.routes)
    return api


def _routers(*, demo_mode: bool) -> Iterator[APIRouter]:
    for module in (*_ROUTERS, demo) if demo_mode else _ROUTERS:
        yield from (value for value in vars(module).values() if isinstance(value, APIRouter))


def _constraints() -> dict[str, type[Refusal]]:
    """Return what each named constraint means, by the areas' own words."""
    return {
        name: refusal for module in _CONSTRAINTS for name, refusal in module.CONSTRAINTS.items()
    }


def _demo_issuer(settings: Settings) -> SigningIssuer:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return SigningIssuer.kept_in(settings.data_dir, f"http://{host}:{settings.port}{DEMO_PATH}")


def _trusted_issuers(
    settings: Settings, demo: SigningIssuer | None, keys: KeySource | None
) -> list[TrustedIssuer]:
    trusted = [] if demo is None else [demo.trusted]
    if settings.oidc_issuer is not None and settings.oidc_audience is not None:
        source = keys or PublishedKeys(settings.oidc_issuer)
        strength = Strength(
            contexts=frozenset(settings.oidc_acr_values.split()),
            methods=frozenset(settings.oidc_amr_values.split()),
            rsa_bits=settings.oidc_min_rsa_bits,
        )
        trusted.append(
            TrustedIssuer(settings.oidc_issuer, settings.oidc_audience, source, strength)
        )
    return trusted


def _claim_paths(settings: Settings) -> ClaimPaths:
    return ClaimPaths(
        organisation=settings.oidc_claim_organisation,
        roles=settings.oidc_claim_roles,
        person=settings.oidc_claim_person,
        role_map=settings.oidc_role_map,
    )


@asynccontextmanager
async def _upkeep(database: Database, *, wanted: bool) -> AsyncGenerator[None]:
    """Go the rounds beside the requests, unless a worker apart does it."""
    task = asyncio.create_task(keep_up(database)) if wanted else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
