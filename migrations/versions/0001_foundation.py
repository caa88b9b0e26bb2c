"""Foundation: how a table is secured, the directory of tenants, the audit trail, idempotency keys.

The app role exists before this runs (``app/db/roles.py``): its password is no part of the schema.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SECURE_TABLE = """
CREATE FUNCTION leerruimte_secure_table(target regclass, privileges text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    tenant CONSTANT text :=
        'organisation_id = nullif(current_setting(''app.organisation_id'', true), '''')::uuid';
BEGIN
    IF NOT privileges <@ ARRAY['select', 'insert', 'update', 'delete']
       OR NOT 'select' = ANY (privileges) THEN
        RAISE EXCEPTION 'the app role may select, and insert, update or delete; not %', privileges;
    END IF;
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY tenant_isolation ON %s USING (%s) WITH CHECK (%s)',
                   target, tenant, tenant);
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, leerruimte_app', target);
    EXECUTE format('GRANT %s ON %s TO leerruimte_app',
                   array_to_string(privileges, ', '), target);
    IF NOT privileges && ARRAY['update', 'delete'] THEN
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %s'
                       ' FOR EACH ROW EXECUTE FUNCTION public.leerruimte_refuse_change()', target);
    END IF;
END
$$
"""

REFUSE_CHANGE = """
CREATE FUNCTION leerruimte_refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: its rows are only ever added', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$
"""

TENANTS = """
CREATE TABLE tenants (
    organisation_id uuid NOT NULL,
    slug text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_tenants PRIMARY KEY (organisation_id),
    CONSTRAINT uq_tenants_slug UNIQUE (slug),
    CONSTRAINT ck_tenants_slug CHECK (slug ~ '^[a-z][a-z0-9-]{1,30}$')
)
"""

AUDIT_ENTRIES = """
CREATE TABLE audit_entries (
    organisation_id uuid NOT NULL,
    id uuid NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    recorded_in bigint NOT NULL DEFAULT (pg_current_xact_id()::text)::bigint,
    subject text NOT NULL,
    person_id uuid,
    roles text[] NOT NULL,
    action text NOT NULL,
    object_type text NOT NULL,
    object_id uuid NOT NULL,
    before jsonb,
    after jsonb,
    reason text,
    rule_ids text[] NOT NULL,
    policy_version_id uuid,
    request_id text NOT NULL,
    origin text,
    CONSTRAINT pk_audit_entries PRIMARY KEY (organisation_id, id)
)
"""

# All but the time and the transaction: those are the database's to say.
AUDIT_ENTRIES_GRANT = """
GRANT INSERT (
    organisation_id, id, subject, person_id, roles, action, object_type, object_id, before, after,
    reason, rule_ids, policy_version_id, request_id, origin
) ON audit_entries TO leerruimte_app
"""

AUDIT_LINKS = """
CREATE TABLE audit_links (
    organisation_id uuid NOT NULL,
    position bigint NOT NULL,
    entry_id uuid NOT NULL,
    entry_digest bytea NOT NULL,
    chain_digest bytea NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_audit_links PRIMARY KEY (organisation_id, position),
    CONSTRAINT uq_audit_links_organisation_id_entry_id UNIQUE (organisation_id, entry_id),
    CONSTRAINT fk_audit_links_organisation_id_entry_id FOREIGN KEY (organisation_id, entry_id)
        REFERENCES audit_entries (organisation_id, id) ON DELETE RESTRICT,
    CONSTRAINT ck_audit_links_position CHECK (position > 0),
    CONSTRAINT ck_audit_links_entry_digest CHECK (octet_length(entry_digest) = 32),
    CONSTRAINT ck_audit_links_chain_digest CHECK (octet_length(chain_digest) = 32)
)
"""

AUDIT_HEADS = """
CREATE TABLE audit_heads (
    organisation_id uuid NOT NULL,
    position bigint NOT NULL,
    chain_digest bytea NOT NULL,
    sealed_below bigint NOT NULL,
    sealed_at timestamptz NOT NULL,
    CONSTRAINT pk_audit_heads PRIMARY KEY (organisation_id)
)
"""

IDEMPOTENCY_KEYS = """
CREATE TABLE idempotency_keys (
    organisation_id uuid NOT NULL,
    client text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint,
    headers jsonb,
    body bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (organisation_id, client, key)
)
"""


def upgrade() -> None:
    """Make what every later migration and every area rests on."""
    op.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    op.execute("GRANT USAGE ON SCHEMA public TO leerruimte_app")
    # Readiness tells whether the schema is that of the release.
    op.execute("GRANT SELECT ON alembic_version TO leerruimte_app")
    op.execute(REFUSE_CHANGE)
    op.execute(SECURE_TABLE)
    op.execute("REVOKE EXECUTE ON FUNCTION leerruimte_secure_table(regclass, text[]) FROM PUBLIC")

    op.execute(TENANTS)
    op.execute("REVOKE ALL ON tenants FROM PUBLIC")
    op.execute("GRANT SELECT, INSERT ON tenants TO leerruimte_app")

    op.execute(AUDIT_ENTRIES)
    op.execute(
        "CREATE INDEX ix_audit_entries_sealing"
        " ON audit_entries (organisation_id, recorded_in, recorded_at, id)"
    )
    op.execute(
        "CREATE INDEX ix_audit_entries_object"
        " ON audit_entries (organisation_id, object_type, object_id)"
    )
    op.execute(
        "CREATE INDEX ix_audit_entries_organisation_id_recorded_at_id"
        " ON audit_entries (organisation_id, recorded_at, id)"
    )
    op.execute("SELECT leerruimte_secure_table('audit_entries', '{select}')")
    op.execute(AUDIT_ENTRIES_GRANT)

    op.execute(AUDIT_LINKS)
    op.execute("SELECT leerruimte_secure_table('audit_links', '{select,insert}')")

    op.execute(AUDIT_HEADS)
    op.execute("SELECT leerruimte_secure_table('audit_heads', '{select,insert,update}')")

    op.execute(IDEMPOTENCY_KEYS)
    op.execute(
        "CREATE INDEX ix_idempotency_keys_organisation_id_created_at"
        " ON idempotency_keys (organisation_id, created_at)"
    )
    op.execute(
        "SELECT leerruimte_secure_table('idempotency_keys', '{select,insert,update,delete}')"
    )


def downgrade() -> None:
    """Take all of it away again."""
    op.execute("DROP TABLE idempotency_keys")
    op.execute("DROP TABLE audit_heads")
    op.execute("DROP TABLE audit_links")
    op.execute("DROP TABLE audit_entries")
    op.execute("DROP TABLE tenants")
    op.execute("DROP FUNCTION leerruimte_secure_table(regclass, text[])")
    op.execute("DROP FUNCTION leerruimte_refuse_change()")
    op.execute("REVOKE USAGE ON SCHEMA public FROM leerruimte_app")
