"""Tranches, training requests with all that belongs to them, and their assessment."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    "tranches",
    "reference_counters",
    "training_requests",
    "request_participants",
    "training_sessions",
    "cost_lines",
    "request_grounds",
    "basis_classifications",
    "assessments",
    "assessment_ratings",
)

CRITERIA = (
    "criterion IN ('legal_and_function', 'organisation_goals', 'team_and_function',"
    " 'individual_development', 'efficiency_and_feasibility')"
)
BASES = (
    "basis IN ('statutory', 'cao', 'public_rule', 'necessary_for_function', 'improvement_plan',"
    " 'voluntary', 'unknown')"
)


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE tranches (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            year integer NOT NULL,
            number integer NOT NULL,
            opens_on date NOT NULL,
            closes_on date NOT NULL,
            decision_by date NOT NULL,
            policy_version_id uuid NOT NULL,
            CONSTRAINT pk_tranches PRIMARY KEY (organisation_id, id),
            CONSTRAINT uq_tranches_organisation_id_year_number
                UNIQUE (organisation_id, year, number),
            CONSTRAINT fk_tranches_organisation_id_policy_version_id
                FOREIGN KEY (organisation_id, policy_version_id)
                REFERENCES policy_versions (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_tranches_days
                CHECK (opens_on <= closes_on AND closes_on <= decision_by),
            CONSTRAINT ck_tranches_number CHECK (number >= 1)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE reference_counters (
            organisation_id uuid NOT NULL,
            prefix text NOT NULL,
            last_number integer NOT NULL,
            CONSTRAINT pk_reference_counters PRIMARY KEY (organisation_id, prefix),
            CONSTRAINT ck_reference_counters_last_number CHECK (last_number >= 1)
        )
        """
    )
    op.execute(
        f"""
        CREATE TABLE training_requests (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            version integer NOT NULL,
            reference text NOT NULL,
            status text NOT NULL,
            tranche_id uuid,
            interim boolean NOT NULL,
            necessity text,
            consented_by_id uuid,
            consented_at timestamptz,
            consent_reason text,
            title text NOT NULL,
            title_key text NOT NULL,
            provider text NOT NULL,
            kind text NOT NULL,
            starts_on date NOT NULL,
            ends_on date NOT NULL,
            motivation text NOT NULL,
            conversation_on date,
            basis text NOT NULL,
            applicant_id uuid,
            endorsed_by_id uuid,
            endorsed_at timestamptz,
            submitted_at timestamptz,
            policy_version_id uuid,
            completed_on date,
            outcome_kind text,
            outcome_nlqf_level integer,
            outcome_credits integer,
            closing_reason text,
            source_digest text,
            created_by text NOT NULL,
            created_at timestamptz NOT NULL,
            CONSTRAINT pk_training_requests PRIMARY KEY (organisation_id, id),
            CONSTRAINT uq_training_requests_organisation_id_reference
                UNIQUE (organisation_id, reference),
            CONSTRAINT fk_training_requests_organisation_id_tranche_id
                FOREIGN KEY (organisation_id, tranche_id)
                REFERENCES tranches (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_training_requests_organisation_id_applicant_id
                FOREIGN KEY (organisation_id, applicant_id)
                REFERENCES employees (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_training_requests_organisation_id_endorsed_by_id
                FOREIGN KEY (organisation_id, endorsed_by_id)
                REFERENCES employees (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_training_requests_organisation_id_consented_by_id
                FOREIGN KEY (organisation_id, consented_by_id)
                REFERENCES employees (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_training_requests_organisation_id_policy_version_id
                FOREIGN KEY (organisation_id, policy_version_id)
                REFERENCES policy_versions (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_training_requests_status CHECK (status IN (
                'draft', 'submitted', 'under_assessment', 'proposed', 'granted', 'partly_granted',
                'deferred', 'rejected', 'withdrawn', 'cancelled', 'completed')),
            CONSTRAINT ck_training_requests_kind CHECK (kind IN (
                'course', 'training', 'education', 'exam', 'conference', 'coaching', 'e_learning',
                'internship', 'work_experience', 'informal', 'other')),
            CONSTRAINT ck_training_requests_basis CHECK ({BASES}),
            CONSTRAINT ck_training_requests_days CHECK (starts_on <= ends_on),
            CONSTRAINT ck_training_requests_submitted CHECK (
                status IN ('draft', 'withdrawn')
                OR (submitted_at IS NOT NULL AND policy_version_id IS NOT NULL)),
            CONSTRAINT ck_training_requests_tranche_or_interim CHECK (
                submitted_at IS NULL OR (tranche_id IS NULL) = interim),
            CONSTRAINT ck_training_requests_interim CHECK (
                (interim AND necessity IS NOT NULL)
                OR (NOT interim AND necessity IS NULL AND consented_at IS NULL)),
            CONSTRAINT ck_training_requests_consent CHECK (
                (consented_at IS NULL) = (consent_reason IS NULL)),
            CONSTRAINT ck_training_requests_consent_before_assessment CHECK (
                NOT interim OR consented_at IS NOT NULL
                OR status IN ('draft', 'submitted', 'withdrawn', 'rejected')),
            CONSTRAINT ck_training_requests_outcome_kind CHECK (outcome_kind IN (
                'diploma', 'mbo_certificate', 'microcredential', 'practice_statement',
                'evc_certificate', 'branch_certificate', 'none')),
            CONSTRAINT ck_training_requests_outcome_nlqf_level
                CHECK (outcome_nlqf_level BETWEEN 1 AND 8),
            CONSTRAINT ck_training_requests_outcome_credits
                CHECK (outcome_credits BETWEEN 3 AND 30),
            CONSTRAINT ck_training_requests_completed CHECK (
                (status = 'completed') = (completed_on IS NOT NULL)
                AND (completed_on IS NULL OR completed_on >= starts_on)),
            CONSTRAINT ck_training_requests_closing_reason CHECK (
                status NOT IN ('withdrawn', 'cancelled') OR closing_reason IS NOT NULL)
        )
        """
    )
    for columns in (
        ("status", "id"),
        ("tranche_id", "status", "id"),
        ("applicant_id", "id"),
        ("title_key", "id"),
    ):
        op.execute(
            f"CREATE INDEX ix_training_requests_organisation_id_{'_'.join(columns)}"
            f" ON training_requests (organisation_id, {', '.join(columns)})"
        )
    op.execute(
        """
        CREATE TABLE request_participants (
            organisation_id uuid NOT NULL,
            request_id uuid NOT NULL,
            employee_id uuid NOT NULL,
            position integer NOT NULL,
            status text NOT NULL,
            CONSTRAINT pk_request_participants
                PRIMARY KEY (organisation_id, request_id, employee_id),
            CONSTRAINT fk_request_participants_organisation_id_request_id
                FOREIGN KEY (organisation_id, request_id)
                REFERENCES training_requests (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_request_participants_organisation_id_employee_id
                FOREIGN KEY (organisation_id, employee_id)
                REFERENCES employees (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_request_participants_status
                CHECK (status IN ('enrolled', 'not_granted', 'completed', 'not_completed'))
        )
        """
    )
    op.execute(
        "CREATE INDEX ix_request_participants_organisation_id_employee_id_request_id"
        " ON request_participants (organisation_id, employee_id, request_id)"
    )
    op.execute(
        """
        CREATE TABLE training_sessions (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            request_id uuid NOT NULL,
            held_on date NOT NULL,
            minutes bigint NOT NULL,
            working_time boolean NOT NULL,
            estimated boolean NOT NULL,
            CONSTRAINT pk_training_sessions PRIMARY KEY (organisation_id, id),
            CONSTRAINT fk_training_sessions_organisation_id_request_id
                FOREIGN KEY (organisation_id, request_id)
                REFERENCES training_requests (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_training_sessions_minutes CHECK (minutes BETWEEN 1 AND 1440)
        )
        """
    )
    op.execute(
        "CREATE INDEX ix_training_sessions_organisation_id_request_id_held_on"
        " ON training_sessions (organisation_id, request_id, held_on)"
    )
    op.execute(
        """
        CREATE TABLE cost_lines (
            organisation_id uuid NOT NULL,
            request_id uuid NOT NULL,
            position integer NOT NULL,
            what text NOT NULL,
            amount_cents bigint NOT NULL,
            vat_cents bigint NOT NULL,
            per_participant boolean NOT NULL,
            CONSTRAINT pk_cost_lines PRIMARY KEY (organisation_id, request_id, position),
            CONSTRAINT fk_cost_lines_organisation_id_request_id
                FOREIGN KEY (organisation_id, request_id)
                REFERENCES training_requests (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_cost_lines_amounts CHECK (amount_cents >= 0 AND vat_cents >= 0)
        )
        """
    )
    op.execute(
        f"""
        CREATE TABLE request_grounds (
            organisation_id uuid NOT NULL,
            request_id uuid NOT NULL,
            criterion text NOT NULL,
            motivation text NOT NULL,
            CONSTRAINT pk_request_grounds PRIMARY KEY (organisation_id, request_id, criterion),
            CONSTRAINT fk_request_grounds_organisation_id_request_id
                FOREIGN KEY (organisation_id, request_id)
                REFERENCES training_requests (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_request_grounds_criterion CHECK ({CRITERIA})
        )
        """
    )
    op.execute(
        f"""
        CREATE TABLE basis_classifications (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            request_id uuid NOT NULL,
            sequence integer NOT NULL,
            basis text NOT NULL,
            source text,
            reason text NOT NULL,
            classified_by text NOT NULL,
            classified_by_id uuid,
            classified_at timestamptz NOT NULL,
            CONSTRAINT pk_basis_classifications PRIMARY KEY (organisation_id, id),
            CONSTRAINT uq_basis_classifications_organisation_id_request_id_sequence
                UNIQUE (organisation_id, request_id, sequence),
            CONSTRAINT fk_basis_classifications_organisation_id_request_id
                FOREIGN KEY (organisation_id, request_id)
                REFERENCES training_requests (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_basis_classifications_basis CHECK ({BASES}),
            CONSTRAINT ck_basis_classifications_sequence CHECK (sequence >= 1)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE assessments (
            organisation_id uuid NOT NULL,
            request_id uuid NOT NULL,
            points integer,
            most_points integer,
            policy_version_id uuid NOT NULL,
            assessed_by text NOT NULL,
            assessed_at timestamptz NOT NULL,
            CONSTRAINT pk_assessments PRIMARY KEY (organisation_id, request_id),
            CONSTRAINT fk_assessments_organisation_id_request_id
                FOREIGN KEY (organisation_id, request_id)
                REFERENCES training_requests (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_assessments_organisation_id_policy_version_id
                FOREIGN KEY (organisation_id, policy_version_id)
                REFERENCES policy_versions (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_assessments_score CHECK (
                (points IS NULL) = (most_points IS NULL)
                AND points BETWEEN 0 AND most_points AND most_points > 0)
        )
        """
    )
    op.execute(
        f"""
        CREATE TABLE assessment_ratings (
            organisation_id uuid NOT NULL,
            request_id uuid NOT NULL,
            criterion text NOT NULL,
            rating integer NOT NULL,
            motivation text NOT NULL,
            CONSTRAINT pk_assessment_ratings
                PRIMARY KEY (organisation_id, request_id, criterion),
            CONSTRAINT fk_assessment_ratings_organisation_id_request_id
                FOREIGN KEY (organisation_id, request_id)
                REFERENCES assessments (organisation_id, request_id) ON DELETE RESTRICT,
            CONSTRAINT ck_assessment_ratings_criterion CHECK ({CRITERIA}),
            CONSTRAINT ck_assessment_ratings_rating CHECK (rating >= 0)
        )
        """
    )
    # What a draft, or an assessment, is made of is replaced as a whole while it may still change.
    replaced = "{select,insert,delete}"
    changing = "{select,insert,update}"
    for table, rights in (
        ("tranches", "{select,insert}"),
        ("reference_counters", changing),
        ("training_requests", changing),
        ("request_participants", "{select,insert,update,delete}"),
        ("training_sessions", replaced),
        ("cost_lines", replaced),
        ("request_grounds", replaced),
        ("basis_classifications", "{select,insert}"),
        ("assessments", changing),
        ("assessment_ratings", replaced),
    ):
        op.execute(f"SELECT leerruimte_secure_table('{table}', '{rights}')")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
