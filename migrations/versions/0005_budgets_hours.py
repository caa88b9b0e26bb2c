"""Means per year with their commitments and invoices; hours reserved, attended and excepted."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = (
    "means_settings",
    "commitments",
    "actuals",
    "hour_norms",
    "hour_exceptions",
    "reservations",
    "attendances",
)


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE means_settings (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            budget_year integer NOT NULL,
            position integer NOT NULL,
            amount_cents bigint NOT NULL,
            previous_cents bigint NOT NULL,
            motivation text NOT NULL,
            transfer_id uuid,
            set_by text NOT NULL,
            set_at timestamptz NOT NULL,
            CONSTRAINT pk_means_settings PRIMARY KEY (organisation_id, id),
            CONSTRAINT uq_means_settings_organisation_id_budget_year_position
                UNIQUE (organisation_id, budget_year, position),
            CONSTRAINT fk_means_settings_organisation_id_transfer_id
                FOREIGN KEY (organisation_id, transfer_id)
                REFERENCES transfers (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_means_settings_position CHECK (position >= 1),
            CONSTRAINT ck_means_settings_amount CHECK (amount_cents >= 0 AND previous_cents >= 0),
            CONSTRAINT ck_means_settings_year CHECK (budget_year BETWEEN 2000 AND 2999)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE commitments (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            version integer NOT NULL,
            budget_year integer NOT NULL,
            request_id uuid NOT NULL,
            decision_id uuid NOT NULL,
            amount_cents bigint NOT NULL,
            open_cents bigint NOT NULL,
            spent_cents bigint NOT NULL,
            status text NOT NULL,
            transfer_id uuid NOT NULL,
            created_at timestamptz NOT NULL,
            CONSTRAINT pk_commitments PRIMARY KEY (organisation_id, id),
            CONSTRAINT uq_commitments_organisation_id_decision_id
                UNIQUE (organisation_id, decision_id),
            CONSTRAINT fk_commitments_organisation_id_request_id
                FOREIGN KEY (organisation_id, request_id)
                REFERENCES training_requests (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_commitments_organisation_id_transfer_id
                FOREIGN KEY (organisation_id, transfer_id)
                REFERENCES transfers (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_commitments_status CHECK (status IN ('open', 'settled', 'released')),
            CONSTRAINT ck_commitments_amounts
                CHECK (amount_cents > 0 AND open_cents >= 0 AND spent_cents >= 0),
            CONSTRAINT ck_commitments_closed CHECK (status = 'open' OR open_cents = 0)
        )
        """
    )
    op.execute(
        "CREATE INDEX ix_commitments_organisation_id_budget_year_id"
        " ON commitments (organisation_id, budget_year, id)"
    )
    op.execute(
        "CREATE INDEX ix_commitments_organisation_id_request_id"
        " ON commitments (organisation_id, request_id)"
    )
    op.execute(
        """
        CREATE TABLE actuals (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            commitment_id uuid NOT NULL,
            amount_cents bigint NOT NULL,
            invoice_reference text NOT NULL,
            invoiced_on date NOT NULL,
            final boolean NOT NULL,
            recorded_by text NOT NULL,
            recorded_at timestamptz NOT NULL,
            CONSTRAINT pk_actuals PRIMARY KEY (organisation_id, id),
            CONSTRAINT uq_actuals_organisation_id_commitment_id_invoice_reference
                UNIQUE (organisation_id, commitment_id, invoice_reference),
            CONSTRAINT fk_actuals_organisation_id_commitment_id
                FOREIGN KEY (organisation_id, commitment_id)
                REFERENCES commitments (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_actuals_amount CHECK (amount_cents >= 0)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE hour_norms (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            employee_id uuid NOT NULL,
            calendar_year integer NOT NULL,
            position integer NOT NULL,
            policy_version_id uuid NOT NULL,
            norm_minutes bigint NOT NULL,
            transfer_id uuid,
            CONSTRAINT pk_hour_norms PRIMARY KEY (organisation_id, id),
            CONSTRAINT uq_hour_norms_employee_year_position
                UNIQUE (organisation_id, employee_id, calendar_year, position),
            CONSTRAINT fk_hour_norms_organisation_id_employee_id
                FOREIGN KEY (organisation_id, employee_id)
                REFERENCES employees (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_hour_norms_organisation_id_policy_version_id
                FOREIGN KEY (organisation_id, policy_version_id)
                REFERENCES policy_versions (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_hour_norms_organisation_id_transfer_id
                FOREIGN KEY (organisation_id, transfer_id)
                REFERENCES transfers (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_hour_norms_position CHECK (position >= 1),
            CONSTRAINT ck_hour_norms_minutes
                CHECK (norm_minutes >= 0 AND (norm_minutes = 0) = (transfer_id IS NULL))
        )
        """
    )
    op.execute(
        """
        CREATE TABLE hour_exceptions (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            employee_id uuid NOT NULL,
            calendar_year integer NOT NULL,
            minutes bigint NOT NULL,
            ground text NOT NULL,
            reason text NOT NULL,
            discussed_on date NOT NULL,
            decided_by text NOT NULL,
            decided_by_person_id uuid,
            decided_at timestamptz NOT NULL,
            transfer_id uuid NOT NULL,
            CONSTRAINT pk_hour_exceptions PRIMARY KEY (organisation_id, id),
            CONSTRAINT fk_hour_exceptions_organisation_id_employee_id
                FOREIGN KEY (organisation_id, employee_id)
                REFERENCES employees (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_hour_exceptions_organisation_id_transfer_id
                FOREIGN KEY (organisation_id, transfer_id)
                REFERENCES transfers (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_hour_exceptions_ground
                CHECK (ground IN ('legal_requirement', 'function_requirement')),
            CONSTRAINT ck_hour_exceptions_minutes CHECK (minutes > 0)
        )
        """
    )
    op.execute(
        "CREATE INDEX ix_hour_exceptions_organisation_id_employee_id_calendar_year"
        " ON hour_exceptions (organisation_id, employee_id, calendar_year)"
    )
    op.execute(
        """
        CREATE TABLE reservations (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            request_id uuid NOT NULL,
            session_id uuid NOT NULL,
            employee_id uuid NOT NULL,
            decision_id uuid NOT NULL,
            held_on date NOT NULL,
            minutes bigint NOT NULL,
            working_time boolean NOT NULL,
            status text NOT NULL,
            transfer_id uuid NOT NULL,
            CONSTRAINT pk_reservations PRIMARY KEY (organisation_id, id),
            CONSTRAINT uq_reservations_decision_session_employee
                UNIQUE (organisation_id, decision_id, session_id, employee_id),
            CONSTRAINT fk_reservations_organisation_id_request_id
                FOREIGN KEY (organisation_id, request_id)
                REFERENCES training_requests (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_reservations_organisation_id_employee_id
                FOREIGN KEY (organisation_id, employee_id)
                REFERENCES employees (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_reservations_organisation_id_transfer_id
                FOREIGN KEY (organisation_id, transfer_id)
                REFERENCES transfers (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_reservations_status CHECK (status IN ('open', 'attended', 'released')),
            CONSTRAINT ck_reservations_minutes CHECK (minutes > 0)
        )
        """
    )
    op.execute(
        "CREATE INDEX ix_reservations_organisation_id_request_id_session_id"
        " ON reservations (organisation_id, request_id, session_id)"
    )
    op.execute(
        "CREATE INDEX ix_reservations_organisation_id_employee_id_held_on"
        " ON reservations (organisation_id, employee_id, held_on)"
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_reservations_organisation_id_session_id_employee_id_live"
        " ON reservations (organisation_id, session_id, employee_id) WHERE status <> 'released'"
    )
    op.execute(
        """
        CREATE TABLE attendances (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            reservation_id uuid NOT NULL,
            request_id uuid NOT NULL,
            session_id uuid NOT NULL,
            employee_id uuid NOT NULL,
            held_on date NOT NULL,
            working_time boolean NOT NULL,
            planned_minutes bigint NOT NULL,
            attended_minutes bigint NOT NULL,
            absence_reason text,
            transfer_id uuid NOT NULL,
            corrects_id uuid,
            correction_reason text,
            recorded_by text NOT NULL,
            recorded_at timestamptz NOT NULL,
            CONSTRAINT pk_attendances PRIMARY KEY (organisation_id, id),
            CONSTRAINT uq_attendances_organisation_id_corrects_id
                UNIQUE (organisation_id, corrects_id),
            CONSTRAINT fk_attendances_organisation_id_reservation_id
                FOREIGN KEY (organisation_id, reservation_id)
                REFERENCES reservations (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_attendances_organisation_id_corrects_id
                FOREIGN KEY (organisation_id, corrects_id)
                REFERENCES attendances (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_attendances_organisation_id_transfer_id
                FOREIGN KEY (organisation_id, transfer_id)
                REFERENCES transfers (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_attendances_minutes
                CHECK (attended_minutes BETWEEN 0 AND planned_minutes),
            CONSTRAINT ck_attendances_correction
                CHECK ((corrects_id IS NULL) = (correction_reason IS NULL))
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_attendances_organisation_id_reservation_id_first"
        " ON attendances (organisation_id, reservation_id) WHERE corrects_id IS NULL"
    )
    op.execute(
        "CREATE INDEX ix_attendances_organisation_id_request_id_session_id"
        " ON attendances (organisation_id, request_id, session_id)"
    )
    op.execute(
        "CREATE INDEX ix_attendances_organisation_id_employee_id_held_on"
        " ON attendances (organisation_id, employee_id, held_on)"
    )
    append_only = "{select,insert}"
    changing = "{select,insert,update}"
    op.execute(f"SELECT leerruimte_secure_table('means_settings', '{append_only}')")
    op.execute(f"SELECT leerruimte_secure_table('commitments', '{changing}')")
    op.execute(f"SELECT leerruimte_secure_table('actuals', '{append_only}')")
    op.execute(f"SELECT leerruimte_secure_table('hour_norms', '{append_only}')")
    op.execute(f"SELECT leerruimte_secure_table('hour_exceptions', '{append_only}')")
    op.execute(f"SELECT leerruimte_secure_table('reservations', '{changing}')")
    op.execute(f"SELECT leerruimte_secure_table('attendances', '{append_only}')")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
