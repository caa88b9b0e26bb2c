"""The rule on the day of a cancellation is checked for every row, while others read and write."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE training_requests VALIDATE CONSTRAINT ck_training_requests_cancelled")


def downgrade() -> None:
    op.execute("ALTER TABLE training_requests DROP CONSTRAINT ck_training_requests_cancelled")
    op.execute(
        "ALTER TABLE training_requests ADD CONSTRAINT ck_training_requests_cancelled"
        " CHECK (cancelled_on IS NULL OR status = 'cancelled') NOT VALID"
    )
