"""Training agreements with their signatures, and the claims that leaving gives rise to."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _agreements()
    _signatures()
    _claims()
    op.execute("SELECT leerruimte_secure_table('agreements', '{select,insert,update}')")
    op.execute("SELECT leerruimte_secure_table('signatures', '{select,insert}')")
    op.execute("SELECT leerruimte_secure_table('repayment_claims', '{select,insert,update}')")


def downgrade() -> None:
    op.execute("DROP TABLE repayment_claims")
    op.execute("DROP TABLE signatures")
    op.execute("DROP TABLE agreements")
    op.execute("DROP FUNCTION leerruimte_agreement_text_is_frozen()")


def _agreements() -> None:
    # A decision has no foreign key: its table comes later and may be archived on its own.
    op.execute(
        """
        CREATE TABLE agreements (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            version integer NOT NULL,
            request_id uuid NOT NULL,
            employee_id uuid NOT NULL,
            manager_id uuid,
            decision_id uuid NOT NULL,
            policy_version_id uuid NOT NULL,
            cost_cents bigint NOT NULL,
            status text NOT NULL,
            terms jsonb,
            document bytea,
            document_sha256 text,
            created_at timestamptz NOT NULL,
            drawn_up_at timestamptz,
            frozen_at timestamptz,
            clause_voided_at timestamptz,
            closed_reason text,
            CONSTRAINT pk_agreements PRIMARY KEY (organisation_id, id),
            CONSTRAINT fk_agreements_organisation_id_request_id
                FOREIGN KEY (organisation_id, request_id)
                REFERENCES training_requests (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_agreements_organisation_id_employee_id
                FOREIGN KEY (organisation_id, employee_id)
                REFERENCES employees (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_agreements_organisation_id_manager_id
                FOREIGN KEY (organisation_id, manager_id)
                REFERENCES employees (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_agreements_organisation_id_policy_version_id
                FOREIGN KEY (organisation_id, policy_version_id)
                REFERENCES policy_versions (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_agreements_status CHECK (status IN (
                'required', 'drawn_up', 'signed_by_employee', 'signed', 'void', 'superseded'
            )),
            CONSTRAINT ck_agreements_cost CHECK (cost_cents >= 0),
            CONSTRAINT ck_agreements_manager CHECK (manager_id <> employee_id),
            CONSTRAINT ck_agreements_text CHECK (
                (terms IS NULL) = (document IS NULL)
                AND (terms IS NULL) = (document_sha256 IS NULL)
                AND (terms IS NULL) = (manager_id IS NULL)
                AND (terms IS NULL) = (drawn_up_at IS NULL)
            ),
            CONSTRAINT ck_agreements_drawn_up CHECK (
                status NOT IN ('drawn_up', 'signed_by_employee', 'signed') OR terms IS NOT NULL
            ),
            CONSTRAINT ck_agreements_frozen CHECK (
                (status NOT IN ('required', 'drawn_up') OR frozen_at IS NULL)
                AND (status NOT IN ('signed_by_employee', 'signed') OR frozen_at IS NOT NULL)
            ),
            CONSTRAINT ck_agreements_document_sha256 CHECK (
                document_sha256 = encode(sha256(document), 'hex')
            ),
            CONSTRAINT ck_agreements_closed CHECK (
                (status IN ('void', 'superseded')) = (closed_reason IS NOT NULL)
            )
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_agreements_organisation_id_request_id_employee_id_live"
        " ON agreements (organisation_id, request_id, employee_id)"
        " WHERE status NOT IN ('void', 'superseded')"
    )
    op.execute(
        "CREATE INDEX ix_agreements_organisation_id_employee_id_id"
        " ON agreements (organisation_id, employee_id, id)"
    )
    op.execute(
        "CREATE INDEX ix_agreements_organisation_id_status_id"
        " ON agreements (organisation_id, status, id)"
    )
    op.execute(
        "CREATE INDEX ix_agreements_organisation_id_decision_id"
        " ON agreements (organisation_id, decision_id)"
    )
    # The service refuses it first; this is the second net under VIS-7.3 and LAW-14.
    op.execute(
        """
        CREATE FUNCTION leerruimte_agreement_text_is_frozen() RETURNS trigger
        LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the text of a signed agreement can not change'
                USING ERRCODE = 'check_violation',
                      CONSTRAINT = 'ck_agreements_text_is_frozen',
                      TABLE = 'agreements';
        END
        $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER agreements_text_is_frozen
            BEFORE UPDATE ON agreements
            FOR EACH ROW WHEN (
                OLD.frozen_at IS NOT NULL
                AND (OLD.terms, OLD.document, OLD.document_sha256, OLD.frozen_at, OLD.manager_id)
                    IS DISTINCT FROM
                    (NEW.terms, NEW.document, NEW.document_sha256, NEW.frozen_at, NEW.manager_id)
            )
            EXECUTE FUNCTION leerruimte_agreement_text_is_frozen()
        """
    )


def _signatures() -> None:
    op.execute(
        """
        CREATE TABLE signatures (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            agreement_id uuid NOT NULL,
            role text NOT NULL,
            employee_id uuid NOT NULL,
            signed_how text NOT NULL,
            signed_as text NOT NULL,
            signed_at timestamptz NOT NULL,
            document_sha256 text NOT NULL,
            CONSTRAINT pk_signatures PRIMARY KEY (organisation_id, id),
            CONSTRAINT uq_signatures_organisation_id_agreement_id_role
                UNIQUE (organisation_id, agreement_id, role),
            CONSTRAINT uq_signatures_organisation_id_agreement_id_employee_id
                UNIQUE (organisation_id, agreement_id, employee_id),
            CONSTRAINT fk_signatures_organisation_id_agreement_id
                FOREIGN KEY (organisation_id, agreement_id)
                REFERENCES agreements (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_signatures_organisation_id_employee_id
                FOREIGN KEY (organisation_id, employee_id)
                REFERENCES employees (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_signatures_role CHECK (role IN ('employee', 'manager')),
            CONSTRAINT ck_signatures_document_sha256 CHECK (document_sha256 ~ '^[0-9a-f]{64}$')
        )
        """
    )
    op.execute(
        "CREATE INDEX ix_signatures_organisation_id_employee_id"
        " ON signatures (organisation_id, employee_id)"
    )


def _claims() -> None:
    op.execute(
        """
        CREATE TABLE repayment_claims (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            version integer NOT NULL,
            agreement_id uuid NOT NULL,
            employee_id uuid NOT NULL,
            leaves_on date NOT NULL,
            reason text NOT NULL,
            initiative text NOT NULL,
            status text NOT NULL,
            band text NOT NULL,
            principal_cents bigint NOT NULL,
            amount_cents bigint NOT NULL,
            numerator integer NOT NULL,
            denominator integer NOT NULL,
            steps jsonb NOT NULL,
            remarks jsonb NOT NULL,
            waits_for jsonb NOT NULL,
            created_at timestamptz NOT NULL,
            confirmed_by uuid,
            confirmed_at timestamptz,
            confirmation_reason text,
            waived_by uuid,
            waived_at timestamptz,
            waiver_reason text,
            exported_by uuid,
            exported_at timestamptz,
            payroll_reference text,
            withdrawn_at timestamptz,
            withdrawal_reason text,
            superseded_by uuid,
            CONSTRAINT pk_repayment_claims PRIMARY KEY (organisation_id, id),
            CONSTRAINT fk_repayment_claims_organisation_id_agreement_id
                FOREIGN KEY (organisation_id, agreement_id)
                REFERENCES agreements (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_repayment_claims_organisation_id_employee_id
                FOREIGN KEY (organisation_id, employee_id)
                REFERENCES employees (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_repayment_claims_organisation_id_superseded_by
                FOREIGN KEY (organisation_id, superseded_by)
                REFERENCES repayment_claims (organisation_id, id) ON DELETE RESTRICT
                DEFERRABLE INITIALLY DEFERRED,
            CONSTRAINT ck_repayment_claims_status CHECK (status IN (
                'awaiting_confirmation', 'due', 'waived', 'withdrawn', 'exported'
            )),
            CONSTRAINT ck_repayment_claims_amount CHECK (
                amount_cents > 0 AND amount_cents <= principal_cents
            ),
            CONSTRAINT ck_repayment_claims_share CHECK (
                denominator > 0 AND numerator BETWEEN 0 AND denominator
            ),
            CONSTRAINT ck_repayment_claims_confirmation CHECK (
                (confirmed_by IS NULL) = (confirmed_at IS NULL)
                AND (confirmed_by IS NULL) = (confirmation_reason IS NULL)
                AND confirmed_by <> employee_id
            ),
            CONSTRAINT ck_repayment_claims_waiver CHECK (
                (waived_by IS NULL) = (waived_at IS NULL)
                AND (waived_by IS NULL) = (waiver_reason IS NULL)
                AND (waived_by IS NULL) = (status <> 'waived')
                AND waived_by <> employee_id
            ),
            CONSTRAINT ck_repayment_claims_export CHECK (
                (exported_by IS NULL) = (exported_at IS NULL)
                AND (exported_by IS NULL) = (payroll_reference IS NULL)
                AND (exported_by IS NULL) = (status <> 'exported')
                AND exported_by <> employee_id
            ),
            CONSTRAINT ck_repayment_claims_withdrawal CHECK (
                (withdrawn_at IS NULL) = (withdrawal_reason IS NULL)
                AND (withdrawn_at IS NULL) = (status <> 'withdrawn')
                AND (superseded_by IS NULL OR status = 'withdrawn')
            )
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_repayment_claims_organisation_id_agreement_id_live"
        " ON repayment_claims (organisation_id, agreement_id) WHERE status <> 'withdrawn'"
    )
    op.execute(
        "CREATE INDEX ix_repayment_claims_organisation_id_employee_id_id"
        " ON repayment_claims (organisation_id, employee_id, id)"
    )
    op.execute(
        "CREATE INDEX ix_repayment_claims_organisation_id_status_id"
        " ON repayment_claims (organisation_id, status, id)"
    )
    op.execute(
        "CREATE INDEX ix_repayment_claims_organisation_id_superseded_by"
        " ON repayment_claims (organisation_id, superseded_by)"
    )
