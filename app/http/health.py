"""Health: is the process alive, and may it be given work."""

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

from app.db.session import Database
from app.http.problems import EdgeRefusal
from app.http.stopping import Stopping
from app.kernel.errors import Text


class NotReady(EdgeRefusal):
    slug = "not-ready"
    status = 503
    title = Text(en="Not ready", nl="Niet gereed")
    detail = Text(
        en="The service can not take work now: {reasons}.",
        nl="De dienst kan nu geen werk aannemen: {reasons}.",
    )
    remedy = Text(
        en="Wait until it is ready; its operator finds the reason here.",
        nl="Wacht tot de dienst gereed is; de beheerder vindt hier de reden.",
    )

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(headers={"Retry-After": "2"}, reasons=reasons)


class Health:
    """The two questions of whoever runs the service."""

    def __init__(
        self, database: Callable[[], Database | None], stopping: Stopping, schema: str | None
    ) -> None:
        self._database = database
        self._stopping = stopping
        self._schema = schema

    def router(self) -> APIRouter:
        """Return the routes; they need no sign-in and are outside the API's document."""
        router = APIRouter(prefix="/health", include_in_schema=False, redirect_slashes=False)
        router.add_api_route("/live", self.live)
        router.add_api_route("/ready", self.ready)
        return router

    async def live(self) -> JSONResponse:
        """Answer that the process runs."""
        return JSONResponse({"status": "alive"})

    async def ready(self) -> JSONResponse:
        """Answer that the service can do work, and that what it acknowledges is kept.

        Raises:
            NotReady: it is stopping, the database does not answer or is not as it must be.
        """
        reasons = await self._reasons()
        if reasons:
            raise NotReady(reasons)
        return JSONResponse({"status": "ready"})

    async def _reasons(self) -> list[str]:
        if self._stopping.has_begun:
            return ["stopping"]
        database = self._database()
        if database is None:
            return ["starting or stopping"]
        try:
            reasons = [f"{setting} is off" for setting in await database.check_durability()]
            if not await database.check_isolation():
                reasons.append("the database role is not held to row-level security")
            # A newer one serves this release too: what goes, goes a release later. So the old
            # processes serve on while the schema is brought up to date for the new ones.
            if (await database.schema_version() or "") < (self._schema or ""):
                reasons.append("the schema is older than this release")
        except SQLAlchemyError:
            return ["the database does not answer"]
        return reasons
