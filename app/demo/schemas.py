"""The demo's clock on the wire."""

from pydantic import ConfigDict, Field

from app.http.schemas import In, Moment, Out


class DemoClockIn(In):
    """What time it is to be in the demo; null is the real time again."""

    now_at: Moment | None

    model_config = ConfigDict(json_schema_extra={"examples": [{"nowAt": "2026-08-24T08:00:00Z"}]})


class DemoClockOut(Out):
    """What time it is in the demo, and beside it."""

    now_at: Moment = Field(description="By this the demo's days, terms and deadlines are reckoned.")
    real_now_at: Moment = Field(description="By this tokens expire and the audit trail is dated.")
