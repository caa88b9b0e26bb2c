"""Tables that every area rests on: the directory of tenants, the audit trail, idempotency keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Json, TenantRow

_CLOCK = text("clock_timestamp()")
_TRANSACTION = text("(pg_current_xact_id()::text)::bigint")


class Tenant(Base):
    """An organisation in the directory by which a token finds its tenant.

    The only table without row-level security: it holds ids and slugs, no organisation's data.
    """

    __tablename__ = "tenants"
    __table_args__ = (
        UniqueConstraint("slug"),
        CheckConstraint("slug ~ '^[a-z][a-z0-9-]{1,30}$'", name="slug"),
    )

    organisation_id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=_CLOCK)


class AuditEntry(TenantRow, Base):
    """One change as it was made: who, when, what, to which object, from what to what, and why.

    Append-only, and by the database's clock: the app role may set neither ``recorded_at`` nor
    ``recorded_in`` (the transaction's number, by which sealing finds what is new). It refers to
    its object without a foreign key, for it outlives the object.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_sealing", "organisation_id", "recorded_in", "recorded_at", "id"),
        Index("ix_audit_entries_object", "organisation_id", "object_type", "object_id"),
        Index(None, "organisation_id", "recorded_at", "id"),
    )
    __mapper_args__ = {"eager_defaults": False}  # noqa: RUF012 - SQLAlchemy reads it as it stands

    id: Mapped[UUID] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime] = mapped_column(server_default=_CLOCK)
    recorded_in: Mapped[int] = mapped_column(BigInteger, server_default=_TRANSACTION)
    subject: Mapped[str]
    person_id: Mapped[UUID | None]
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    action: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[UUID]
    before: Mapped[Json | None]
    after: Mapped[Json | None]
    reason: Mapped[str | None]
    rule_ids: Mapped[list[str]] = mapped_column(ARRAY(Text))
    policy_version_id: Mapped[UUID | None]
    request_id: Mapped[str]
    origin: Mapped[str | None]


class AuditLink(TenantRow, Base):
    """An entry's place in its organisation's hash chain; positions run from 1 without a gap."""

    __tablename__ = "audit_links"
    __table_args__ = (
        UniqueConstraint("organisation_id", "entry_id"),
        ForeignKeyConstraint(
            ["organisation_id", "entry_id"],
            ["audit_entries.organisation_id", "audit_entries.id"],
            ondelete="RESTRICT",
        ),
        CheckConstraint("position > 0", name="position"),
        CheckConstraint("octet_length(entry_digest) = 32", name="entry_digest"),
        CheckConstraint("octet_length(chain_digest) = 32", name="chain_digest"),
    )

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    entry_id: Mapped[UUID]
    entry_digest: Mapped[bytes] = mapped_column(LargeBinary)
    chain_digest: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class AuditHead(TenantRow, Base):
    """The end of an organisation's chain, and the row that two sealers queue behind.

    Every entry of a transaction numbered below ``sealed_below`` is in the chain; it only spares
    looking at them again.
    """

    __tablename__ = "audit_heads"

    position: Mapped[int] = mapped_column(BigInteger)
    chain_digest: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_below: Mapped[int] = mapped_column(BigInteger)
    sealed_at: Mapped[datetime]


class IdempotencyKey(TenantRow, Base):
    """A client's key with the hash of its request and, once done, the answer that was given."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "organisation_id", "created_at"),)

    client: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None] = mapped_column(SmallInteger)
    headers: Mapped[Json | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
