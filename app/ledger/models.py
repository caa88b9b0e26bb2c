"""Tables of the ledger: accounts and transfers. Both are written by ``repository.py`` alone."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, TenantRow


class AccountRow(TenantRow, Base):
    """Something scarce (rekening): what came in, what is reserved from it and what is spent."""

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("organisation_id", "id", "unit"),
        UniqueConstraint("organisation_id", "kind", "owner_id", "period_from"),
        CheckConstraint("unit IN ('minutes', 'cents', 'places')", name="unit"),
        CheckConstraint("period_until > period_from", name="period"),
        CheckConstraint("counted OR NOT limited", name="limited_is_counted"),
        CheckConstraint(
            "debits_pending >= 0 AND debits_posted >= 0"
            " AND credits_pending >= 0 AND credits_posted >= 0 AND sequence >= 0",
            name="counters",
        ),
        CheckConstraint(
            "counted OR (debits_pending = 0 AND debits_posted = 0"
            " AND credits_pending = 0 AND credits_posted = 0 AND sequence = 0)",
            name="uncounted_at_zero",
        ),
        CheckConstraint(
            "NOT limited OR debits_pending + debits_posted <= credits_posted", name="limit"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    unit: Mapped[str]
    owner_type: Mapped[str]
    owner_id: Mapped[UUID]
    period_from: Mapped[date]
    period_until: Mapped[date | None]
    counted: Mapped[bool]
    limited: Mapped[bool]
    debits_pending: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    debits_posted: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    credits_pending: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    credits_posted: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    sequence: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class TransferRow(TenantRow, Base):
    """A line of the ledger (boeking); a trigger and the grants refuse to change or delete it."""

    __tablename__ = "transfers"
    __table_args__ = (
        UniqueConstraint("organisation_id", "key"),
        UniqueConstraint("organisation_id", "debit_account_id", "debit_sequence"),
        UniqueConstraint("organisation_id", "credit_account_id", "credit_sequence"),
        ForeignKeyConstraint(
            ["organisation_id", "debit_account_id", "unit"],
            ["accounts.organisation_id", "accounts.id", "accounts.unit"],
            ondelete="RESTRICT",
        ),
        ForeignKeyConstraint(
            ["organisation_id", "credit_account_id", "unit"],
            ["accounts.organisation_id", "accounts.id", "accounts.unit"],
            ondelete="RESTRICT",
        ),
        ForeignKeyConstraint(
            ["organisation_id", "pending_id"],
            ["transfers.organisation_id", "transfers.id"],
            ondelete="RESTRICT",
        ),
        ForeignKeyConstraint(
            ["organisation_id", "reverses_id"],
            ["transfers.organisation_id", "transfers.id"],
            ondelete="RESTRICT",
        ),
        CheckConstraint("kind IN ('pending', 'posted', 'post', 'void', 'reversal')", name="kind"),
        CheckConstraint("debit_account_id <> credit_account_id", name="sides"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("released >= 0 AND (released = 0 OR kind = 'post')", name="released"),
        CheckConstraint("(kind IN ('post', 'void')) = (pending_id IS NOT NULL)", name="pending"),
        CheckConstraint("(kind = 'reversal') = (reverses_id IS NOT NULL)", name="reverses"),
        CheckConstraint("length(key) BETWEEN 1 AND 200", name="key"),
        CheckConstraint("debit_sequence > 0 AND credit_sequence > 0", name="sequences"),
        Index(
            "uq_transfers_organisation_id_pending_id",
            "organisation_id",
            "pending_id",
            unique=True,
            postgresql_where=text("pending_id IS NOT NULL"),
        ),
        Index(
            "uq_transfers_organisation_id_reverses_id",
            "organisation_id",
            "reverses_id",
            unique=True,
            postgresql_where=text("reverses_id IS NOT NULL"),
        ),
        Index(None, "organisation_id", "cause_type", "cause_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    debit_account_id: Mapped[UUID]
    credit_account_id: Mapped[UUID]
    unit: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    released: Mapped[int] = mapped_column(BigInteger)
    pending_id: Mapped[UUID | None]
    reverses_id: Mapped[UUID | None]
    cause_type: Mapped[str]
    cause_id: Mapped[UUID]
    key: Mapped[str]
    activity_on: Mapped[date]
    recorded_at: Mapped[datetime]
    debit_sequence: Mapped[int | None] = mapped_column(BigInteger)
    credit_sequence: Mapped[int | None] = mapped_column(BigInteger)
