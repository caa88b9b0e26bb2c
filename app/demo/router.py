"""The demo's clock over HTTP; it is there in demo mode alone."""

from typing import Annotated

from fastapi import Depends, Request

from app.demo.clock import DemoClock
from app.demo.schemas import DemoClockIn, DemoClockOut
from app.http.operation import ANY_ROLE, operation
from app.http.routing import area_router, system_clock

router = area_router(prefix="/demo-clock", tag="demo")


async def _clock(request: Request) -> DemoClock:
    clock: DemoClock = request.app.state.demo_clock
    return clock


Clock = Annotated[DemoClock, Depends(_clock)]


@router.get("", **operation(summary="Read the demo's clock", term="demoklok", roles=ANY_ROLE))
async def get_demo_clock(clock: Clock) -> DemoClockOut:
    """Return what time it is in the demo, for everybody who tries it here."""
    return DemoClockOut(now_at=clock.now(), real_now_at=system_clock())


@router.put("", **operation(summary="Set the demo's clock", term="demoklok zetten", roles=ANY_ROLE))
async def set_demo_clock(body: DemoClockIn, clock: Clock) -> DemoClockOut:
    """Let it be another day, so that a year's work can be walked through in minutes.

    From then on the demo's time goes on at its usual pace, for all who try it here, until it is set
    anew or back (null). Nothing that was recorded changes: set back before it, the history lies in
    the future. Tokens and the audit trail keep real time.
    """
    return DemoClockOut(now_at=clock.set(body.now_at), real_now_at=system_clock())
