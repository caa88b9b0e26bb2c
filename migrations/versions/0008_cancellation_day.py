"""The day on which a granted training was cancelled: the terms of repayment run from it."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE training_requests ADD COLUMN cancelled_on date")
    # What was cancelled before this has no day.
    op.execute(
        "ALTER TABLE training_requests ADD CONSTRAINT ck_training_requests_cancelled"
        " CHECK (cancelled_on IS NULL OR status = 'cancelled') NOT VALID"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE training_requests DROP COLUMN cancelled_on")
