"""The declarative base: naming of constraints, types of columns, and what every tenant row has."""

from datetime import date, datetime
from enum import Enum, StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Date, DateTime, ForeignKeyConstraint, MetaData, Text, Uuid
from sqlalchemy import Enum as EnumType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.kernel.quantities import Cents, Minutes

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Json = dict[str, Any]


def _values(enum: type[Enum]) -> list[str]:
    return [str(member.value) for member in enum]


class Base(DeclarativeBase):
    """Base of every table.

    Statuses are text with a CHECK: an enum's ``=`` can not use an index under row-level security
    (tried on PostgreSQL 15).
    """

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        UUID: Uuid(),
        str: Text(),
        date: Date(),
        datetime: DateTime(timezone=True),
        Cents: BigInteger(),
        Minutes: BigInteger(),
        # None is NULL, never the JSON word null.
        Json: JSONB(none_as_null=True),
        StrEnum: EnumType(
            StrEnum,
            native_enum=False,
            create_constraint=True,
            validate_strings=True,
            length=None,
            values_callable=_values,
        ),
    }


class TenantRow:
    """Mixin of every row of an organisation: the organisation comes first in each key."""

    organisation_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-1)


def refers(column: str, table: str, key: str = "id") -> ForeignKeyConstraint:
    """Return a reference within one organisation; of one column it would pass by the tenancy."""
    return ForeignKeyConstraint(
        ["organisation_id", column],
        [f"{table}.organisation_id", f"{table}.{key}"],
        ondelete="RESTRICT",
    )
