"""Organisations with their policy versions; teams, functions, employees and their employments."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = (
    "organisations",
    "policy_versions",
    "teams",
    "functions",
    "employees",
    "employments",
    "placements",
)


def upgrade() -> None:
    _policy()
    _teams_and_functions()
    _employees()
    _placements()
    for table in TABLES:
        op.execute(f"SELECT leerruimte_secure_table('{table}', '{{select,insert,update}}')")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION leerruimte_policy_live_is_final()")


def _policy() -> None:
    op.execute(
        """
        CREATE TABLE organisations (
            organisation_id uuid NOT NULL,
            name text NOT NULL,
            kind text NOT NULL,
            version integer NOT NULL,
            founded_at timestamptz NOT NULL,
            CONSTRAINT pk_organisations PRIMARY KEY (organisation_id),
            CONSTRAINT fk_organisations_organisation_id
                FOREIGN KEY (organisation_id)
                REFERENCES tenants (organisation_id) ON DELETE RESTRICT,
            CONSTRAINT ck_organisations_kind CHECK (kind IN ('employer', 'fund'))
        )
        """
    )
    op.execute(
        """
        CREATE TABLE policy_versions (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            version integer NOT NULL,
            title text NOT NULL,
            status text NOT NULL,
            valid_from date NOT NULL,
            settings jsonb NOT NULL,
            consent_reference text,
            drafted_by text NOT NULL,
            drafted_at timestamptz NOT NULL,
            activated_by text,
            activated_at timestamptz,
            CONSTRAINT pk_policy_versions PRIMARY KEY (organisation_id, id),
            CONSTRAINT fk_policy_versions_organisation_id
                FOREIGN KEY (organisation_id)
                REFERENCES organisations (organisation_id) ON DELETE RESTRICT,
            CONSTRAINT ck_policy_versions_status CHECK (status IN ('draft', 'live')),
            CONSTRAINT ck_policy_versions_consent
                CHECK (status = 'draft' OR consent_reference IS NOT NULL),
            CONSTRAINT ck_policy_versions_activation
                CHECK ((status = 'live') = (activated_by IS NOT NULL AND activated_at IS NOT NULL))
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_policy_versions_organisation_id_valid_from_live"
        " ON policy_versions (organisation_id, valid_from) WHERE status = 'live'"
    )
    # The service refuses it first; this is the second net under "succeeded, never edited" (LAW-11).
    op.execute(
        """
        CREATE FUNCTION leerruimte_policy_live_is_final() RETURNS trigger
        LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'a live policy version is final'
                USING ERRCODE = 'check_violation',
                      CONSTRAINT = 'ck_policy_versions_live_is_final',
                      TABLE = 'policy_versions';
        END
        $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER policy_versions_live_is_final
            BEFORE UPDATE OR DELETE ON policy_versions
            FOR EACH ROW WHEN (OLD.status = 'live')
            EXECUTE FUNCTION leerruimte_policy_live_is_final()
        """
    )


def _teams_and_functions() -> None:
    op.execute(
        """
        CREATE TABLE teams (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            department text NOT NULL,
            name text NOT NULL,
            CONSTRAINT pk_teams PRIMARY KEY (organisation_id, id),
            CONSTRAINT uq_teams_organisation_id_department_name
                UNIQUE (organisation_id, department, name)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE functions (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            name text NOT NULL,
            CONSTRAINT pk_functions PRIMARY KEY (organisation_id, id),
            CONSTRAINT uq_functions_organisation_id_name UNIQUE (organisation_id, name)
        )
        """
    )


def _employees() -> None:
    op.execute(
        """
        CREATE TABLE employees (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            version integer NOT NULL,
            personnel_number text NOT NULL,
            given_name text NOT NULL,
            infix text,
            family_name text NOT NULL,
            family_key text NOT NULL,
            email text NOT NULL,
            email_key text NOT NULL,
            born_on date,
            education_level text,
            CONSTRAINT pk_employees PRIMARY KEY (organisation_id, id),
            CONSTRAINT uq_employees_organisation_id_personnel_number
                UNIQUE (organisation_id, personnel_number),
            -- Checked at the end of a statement, so that two people can swap addresses in one.
            CONSTRAINT uq_employees_organisation_id_email_key
                UNIQUE (organisation_id, email_key) DEFERRABLE INITIALLY IMMEDIATE,
            CONSTRAINT ck_employees_education_level CHECK (education_level IN (
                'primary', 'vmbo', 'havo', 'vwo', 'mbo_1', 'mbo_2', 'mbo_3', 'mbo_4',
                'associate_degree', 'hbo', 'wo'
            ))
        )
        """
    )
    op.execute(
        "CREATE INDEX ix_employees_organisation_id_family_key"
        " ON employees (organisation_id, family_key text_pattern_ops)"
    )
    op.execute(
        """
        CREATE TABLE employments (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            employee_id uuid NOT NULL,
            hired_on date NOT NULL,
            left_on date,
            kind text NOT NULL,
            leaving_reason text,
            leaving_initiative text,
            CONSTRAINT pk_employments PRIMARY KEY (organisation_id, id),
            CONSTRAINT uq_employments_organisation_id_employee_id_hired_on
                UNIQUE (organisation_id, employee_id, hired_on),
            CONSTRAINT fk_employments_organisation_id_employee_id
                FOREIGN KEY (organisation_id, employee_id)
                REFERENCES employees (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_employments_kind CHECK (kind IN ('permanent', 'temporary', 'hired')),
            CONSTRAINT ck_employments_days CHECK (left_on >= hired_on),
            CONSTRAINT ck_employments_leaving CHECK (
                (left_on IS NULL) = (leaving_reason IS NULL)
                AND (left_on IS NULL) = (leaving_initiative IS NULL)
            ),
            CONSTRAINT ck_employments_leaving_reason CHECK (leaving_reason IN (
                'resignation', 'end_of_term', 'dismissal', 'urgent_cause', 'mutual_consent',
                'retirement', 'death', 'long_illness', 'unknown'
            )),
            CONSTRAINT ck_employments_leaving_initiative CHECK (
                leaving_initiative IN ('employee', 'employer', 'mutual', 'unknown')
            )
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_employments_organisation_id_employee_id_open"
        " ON employments (organisation_id, employee_id) WHERE left_on IS NULL"
    )


def _placements() -> None:
    op.execute(
        """
        CREATE TABLE placements (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            employment_id uuid NOT NULL,
            employee_id uuid NOT NULL,
            team_id uuid NOT NULL,
            function_id uuid NOT NULL,
            manager_id uuid,
            contract_minutes_per_week bigint NOT NULL,
            valid_from date NOT NULL,
            valid_until date,
            CONSTRAINT pk_placements PRIMARY KEY (organisation_id, id),
            CONSTRAINT uq_placements_organisation_id_employment_id_valid_from
                UNIQUE (organisation_id, employment_id, valid_from),
            CONSTRAINT fk_placements_organisation_id_employment_id
                FOREIGN KEY (organisation_id, employment_id)
                REFERENCES employments (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_placements_organisation_id_employee_id
                FOREIGN KEY (organisation_id, employee_id)
                REFERENCES employees (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_placements_organisation_id_manager_id
                FOREIGN KEY (organisation_id, manager_id)
                REFERENCES employees (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_placements_organisation_id_team_id
                FOREIGN KEY (organisation_id, team_id)
                REFERENCES teams (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_placements_organisation_id_function_id
                FOREIGN KEY (organisation_id, function_id)
                REFERENCES functions (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_placements_own_manager CHECK (manager_id <> employee_id),
            CONSTRAINT ck_placements_contract_minutes
                CHECK (contract_minutes_per_week BETWEEN 0 AND 3600),
            CONSTRAINT ck_placements_period CHECK (valid_until > valid_from)
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_placements_organisation_id_employment_id_open"
        " ON placements (organisation_id, employment_id) WHERE valid_until IS NULL"
    )
    op.execute(
        "CREATE INDEX ix_placements_organisation_id_employee_id_valid_from"
        " ON placements (organisation_id, employee_id, valid_from)"
    )
    op.execute(
        "CREATE INDEX ix_placements_organisation_id_manager_id_valid_from"
        " ON placements (organisation_id, manager_id, valid_from)"
    )
    op.execute(
        "CREATE INDEX ix_placements_organisation_id_team_id_valid_from"
        " ON placements (organisation_id, team_id, valid_from)"
    )
    op.execute(
        "CREATE INDEX ix_placements_organisation_id_function_id"
        " ON placements (organisation_id, function_id)"
    )
