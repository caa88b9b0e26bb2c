"""The demo's clock on the wire."""

from typing import Self

from pydantic import ConfigDict, Field, model_validator

from app.http.schemas import CanNotBe, In, Moment, Out

# Terms and budget years reckoned from the demo's day stay within the years that the contract knows.
_FIRST_YEAR, _LAST_YEAR = 2000, 2150


class DemoClockIn(In):
    """What time it is to be in the demo; null is the real time again."""

    now_at: Moment | None

    @model_validator(mode="after")
    def _leaves_room_for_terms(self) -> Self:
        if self.now_at is not None and not _FIRST_YEAR <= self.now_at.year <= _LAST_YEAR:
            raise CanNotBe(
                en=f"the demo's clock goes from {_FIRST_YEAR} to {_LAST_YEAR}",
                nl=f"de klok van de demo loopt van {_FIRST_YEAR} tot en met {_LAST_YEAR}",
            )
        return self

    model_config = ConfigDict(json_schema_extra={"examples": [{"nowAt": "2026-08-24T08:00:00Z"}]})


class DemoClockOut(Out):
    """What time it is in the demo, and beside it."""

    now_at: Moment = Field(description="By this the demo's days, terms and deadlines are reckoned.")
    real_now_at: Moment = Field(description="By this tokens expire and the audit trail is dated.")
