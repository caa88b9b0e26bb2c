"""Proposals of HR to the management team, and the decisions taken on them."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE proposals (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            version integer NOT NULL,
            tranche_id uuid,
            title text NOT NULL,
            substantiation text NOT NULL,
            status text NOT NULL,
            policy_version_id uuid NOT NULL,
            created_by text NOT NULL,
            created_at timestamptz NOT NULL,
            submitted_by text,
            submitted_at timestamptz,
            decided_at timestamptz,
            CONSTRAINT pk_proposals PRIMARY KEY (organisation_id, id),
            CONSTRAINT fk_proposals_organisation_id_tranche_id
                FOREIGN KEY (organisation_id, tranche_id)
                REFERENCES tranches (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_proposals_organisation_id_policy_version_id
                FOREIGN KEY (organisation_id, policy_version_id)
                REFERENCES policy_versions (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_proposals_status CHECK (status IN ('draft', 'submitted', 'decided')),
            CONSTRAINT ck_proposals_submitted
                CHECK ((status = 'draft') = (submitted_at IS NULL)),
            CONSTRAINT ck_proposals_decided
                CHECK ((status = 'decided') = (decided_at IS NOT NULL))
        )
        """
    )
    op.execute(
        "CREATE INDEX ix_proposals_organisation_id_tranche_id"
        " ON proposals (organisation_id, tranche_id)"
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_proposals_organisation_id_tranche_id_open"
        " ON proposals (organisation_id, tranche_id) WHERE status <> 'decided'"
    )
    op.execute(
        """
        CREATE TABLE proposal_items (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            proposal_id uuid NOT NULL,
            request_id uuid NOT NULL,
            rank integer NOT NULL,
            advice text NOT NULL,
            amount_cents bigint NOT NULL,
            employee_ids uuid[] NOT NULL,
            working_minutes bigint NOT NULL,
            score integer NOT NULL,
            priority boolean NOT NULL,
            conditions text,
            motivation text NOT NULL,
            CONSTRAINT pk_proposal_items PRIMARY KEY (organisation_id, id),
            CONSTRAINT uq_proposal_items_organisation_id_proposal_id_request_id
                UNIQUE (organisation_id, proposal_id, request_id),
            CONSTRAINT uq_proposal_items_organisation_id_proposal_id_rank
                UNIQUE (organisation_id, proposal_id, rank),
            CONSTRAINT fk_proposal_items_organisation_id_proposal_id
                FOREIGN KEY (organisation_id, proposal_id)
                REFERENCES proposals (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_proposal_items_organisation_id_request_id
                FOREIGN KEY (organisation_id, request_id)
                REFERENCES training_requests (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_proposal_items_advice
                CHECK (advice IN ('granted', 'partly_granted', 'deferred', 'rejected')),
            CONSTRAINT ck_proposal_items_figures
                CHECK (rank > 0 AND amount_cents >= 0 AND working_minutes >= 0 AND score >= 0)
        )
        """
    )
    op.execute(
        "CREATE INDEX ix_proposal_items_organisation_id_request_id"
        " ON proposal_items (organisation_id, request_id)"
    )
    op.execute(
        """
        CREATE TABLE decisions (
            organisation_id uuid NOT NULL,
            id uuid NOT NULL,
            kind text NOT NULL,
            proposal_id uuid,
            proposal_item_id uuid,
            request_id uuid NOT NULL,
            outcome text NOT NULL,
            amount_cents bigint NOT NULL,
            employee_ids uuid[] NOT NULL,
            budget_year integer NOT NULL,
            motivation text,
            conditions text,
            repayment jsonb NOT NULL,
            effects jsonb NOT NULL,
            policy_version_id uuid NOT NULL,
            decided_by text NOT NULL,
            decided_by_person_id uuid,
            decided_at timestamptz NOT NULL,
            revises_id uuid,
            CONSTRAINT pk_decisions PRIMARY KEY (organisation_id, id),
            CONSTRAINT uq_decisions_organisation_id_revises_id
                UNIQUE (organisation_id, revises_id),
            CONSTRAINT uq_decisions_organisation_id_proposal_item_id
                UNIQUE (organisation_id, proposal_item_id),
            CONSTRAINT fk_decisions_organisation_id_proposal_id
                FOREIGN KEY (organisation_id, proposal_id)
                REFERENCES proposals (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_decisions_organisation_id_proposal_item_id
                FOREIGN KEY (organisation_id, proposal_item_id)
                REFERENCES proposal_items (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_decisions_organisation_id_request_id
                FOREIGN KEY (organisation_id, request_id)
                REFERENCES training_requests (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_decisions_organisation_id_policy_version_id
                FOREIGN KEY (organisation_id, policy_version_id)
                REFERENCES policy_versions (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT fk_decisions_organisation_id_revises_id
                FOREIGN KEY (organisation_id, revises_id)
                REFERENCES decisions (organisation_id, id) ON DELETE RESTRICT,
            CONSTRAINT ck_decisions_kind
                CHECK (kind IN ('tranche', 'interim', 'revision', 'existing_commitment')),
            CONSTRAINT ck_decisions_outcome
                CHECK (outcome IN ('granted', 'partly_granted', 'deferred', 'rejected')),
            CONSTRAINT ck_decisions_amount CHECK (amount_cents >= 0),
            CONSTRAINT ck_decisions_revision CHECK ((kind = 'revision') = (revises_id IS NOT NULL))
        )
        """
    )
    op.execute(
        "CREATE INDEX ix_decisions_organisation_id_request_id"
        " ON decisions (organisation_id, request_id, id)"
    )
    op.execute(
        "CREATE INDEX ix_decisions_organisation_id_proposal_id"
        " ON decisions (organisation_id, proposal_id)"
    )
    op.execute("SELECT leerruimte_secure_table('proposals', '{select,insert,update}')")
    op.execute("SELECT leerruimte_secure_table('proposal_items', '{select,insert,update,delete}')")
    op.execute("SELECT leerruimte_secure_table('decisions', '{select,insert}')")


def downgrade() -> None:
    for table in ("decisions", "proposal_items", "proposals"):
        op.execute(f"DROP TABLE {table}")
