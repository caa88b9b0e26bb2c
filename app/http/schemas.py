"""The base models of the wire and the field types every schema uses, each with its limits.

A list is bounded in place: ``Annotated[list[CostLineIn], at_most(50)]``. Inputs refuse unknown
fields; outputs have no defaults, so that every field of an answer is always there.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any, LiteralString, TypeVar
from uuid import UUID

from fastapi import Path
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from app.kernel.addresses import ADDRESS_FORM, MOST_OF_AN_ADDRESS, is_address
from app.kernel.errors import Text

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:\d{2})")
Reach = TypeVar("Reach", date, datetime)

# Codes of our own findings; ``findings.py`` has their words.
_NOT_WHOLE = "whole_number"
_OUT_OF_REACH = "out_of_reach"
_NO_ADDRESS = "no_address"
_VISIBLE = r"[^\s\x00-\x1f\x7f]"


class In(BaseModel):
    """Base of what comes in: frozen, camelCase, nothing unknown."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


class Out(BaseModel):
    """Base of what goes out: camelCase, made from rows, objects or mappings."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", from_attributes=True
    )


class CanNotBe(ValueError):
    """What a schema's own validator found: right in form, but it can not be so (422)."""

    def __init__(self, *, en: str, nl: str) -> None:
        super().__init__(en)
        self.text = Text(en=en, nl=nl)


def json_integer(value: object) -> object:
    """Take 3 and 3.0, which JSON Schema calls integers, but not true or "3", as pydantic would."""
    if isinstance(value, bool | str | bytes):
        raise PydanticCustomError(_NOT_WHOLE, "must be a whole number")
    return value


def _written(
    pattern: re.Pattern[str], code: LiteralString, example: LiteralString
) -> Callable[[object], object]:
    """Return a check that a value is text of this form: lax pydantic takes 0 as 1970-01-01."""

    def check(value: object) -> object:
        if isinstance(value, date) or (isinstance(value, str) and pattern.fullmatch(value)):
            return value
        raise PydanticCustomError(code, "must be text such as {example}", {"example": example})

    return check


def _within_reach(value: Reach) -> Reach:
    """Refuse a year no calendar of ours reaches; the term of any rule stays representable."""
    if not 1900 <= value.year <= 2199:  # noqa: PLR2004 - the bounds are said in the message
        raise PydanticCustomError(_OUT_OF_REACH, "must lie in the years 1900 to 2199")
    return value


def _in_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _address(value: str) -> str:
    if not is_address(value):
        raise PydanticCustomError(_NO_ADDRESS, "must be an e-mail address")
    return value


def at_most(length: int, *, at_least: int = 0) -> Any:  # noqa: ANN401 - Field() is Any
    """Return the bound of a list: up to ``length`` items."""
    return Field(min_length=at_least, max_length=length)


def id_path(alias: str, *, of: str | None = None) -> Any:  # noqa: ANN401 - Path() is Any
    """Declare an identifier in the path: the second argument of an ``Annotated[UUID, ...]``."""
    named = of or re.sub(r"(?<!^)(?=[A-Z])", " ", alias.removesuffix("Id")).lower()
    return Path(alias=alias, description=f"Identifier of the {named}.")


Line = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=200,
        pattern=rf"^[^\x00-\x1f\x7f]*{_VISIBLE}[^\x00-\x1f\x7f]*$",
    ),
]
Prose = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=4000,
        pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$",
    ),
]
Name = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=120,
        pattern=rf"^[^\x00-\x1f\x7f]*{_VISIBLE}[^\x00-\x1f\x7f]*$",
    ),
]
Code = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")
]
# What a token calls whoever acts; as long as a provider may make it (OpenID Connect Core: 255).
Subject = Annotated[
    str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")
]
EmailText = Annotated[
    str,
    StringConstraints(min_length=3, max_length=MOST_OF_AN_ADDRESS),
    AfterValidator(_address),
    Field(json_schema_extra={"format": "email", "pattern": ADDRESS_FORM}),
]
# What goes out in a long list comes from rows that hold, so how it is written is not looked at:
# each look is a call from pydantic back into Python, which costs more than all else of the field.
CentsOut = Annotated[int, Field(ge=0, le=10**12)]
CountOut = Annotated[int, Field(ge=0, le=10**6)]
VersionOut = Annotated[int, Field(ge=1, le=2**31 - 1)]
MomentOut = Annotated[AwareDatetime, AfterValidator(_in_utc)]
# The bounds stand before the check: after it, pydantic leaves them out of the schema.
AmountCents = Annotated[CentsOut, BeforeValidator(json_integer)]
AmountMinutes = Annotated[int, Field(ge=0, le=10**7), BeforeValidator(json_integer)]
# Of many requests or employees together.
TotalCents = Annotated[int, Field(ge=0, le=2**53)]
TotalMinutes = Annotated[int, Field(ge=0, le=2**53)]
SignedTotalMinutes = Annotated[int, Field(ge=-(2**53), le=2**53)]
SignedCents = Annotated[int, Field(ge=-(10**12), le=10**12), BeforeValidator(json_integer)]
SignedMinutes = Annotated[int, Field(ge=-(10**7), le=10**7), BeforeValidator(json_integer)]
Count = Annotated[CountOut, BeforeValidator(json_integer)]
# Lax pydantic takes "yes" and 1 for true.
Flag = Annotated[bool, Field(strict=True)]
Percent = Annotated[int, Field(ge=0, le=100), BeforeValidator(json_integer)]
Year = Annotated[int, Field(ge=2000, le=2199), BeforeValidator(json_integer)]
Version = Annotated[VersionOut, BeforeValidator(json_integer)]
Day = Annotated[
    date, AfterValidator(_within_reach), BeforeValidator(_written(_DAY, "date_form", "2027-03-31"))
]
Moment = Annotated[
    AwareDatetime,
    AfterValidator(_within_reach),
    AfterValidator(_in_utc),
    BeforeValidator(_written(_MOMENT, "moment_form", "2027-03-31T09:00:00Z")),
]
Id = UUID
Cursor = Annotated[
    str, StringConstraints(min_length=1, max_length=512, pattern=r"^[A-Za-z0-9_-]+$")
]


class PageSchema(Out):
    """Base of a page; the concrete class adds ``items`` with the type of its resource."""

    next_cursor: Cursor | None = Field(
        description="Send it as `cursor` to get the next page; null on the last one."
    )


class StepOut(Out):
    """One step of an explained answer: what was computed or concluded, and by which rule."""

    # A step may quote what somebody wrote, and that alone may be as long as prose can be.
    text: Annotated[str, StringConstraints(min_length=1, max_length=8000)]
    rule: Annotated[str, StringConstraints(max_length=40)] | None = Field(
        description="Id of the rule book's paragraph that the step rests on."
    )
