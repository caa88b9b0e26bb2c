"""The ledger: accounts, transfers, and the one function that records transfers."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# While a table is new and all its indexes look alike to the planner, it takes the one that was made
# last: that must be the one by id, for every transfer looks its accounts up by it.
ACCOUNTS = """
CREATE TABLE accounts (
    organisation_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    unit text NOT NULL,
    owner_type text NOT NULL,
    owner_id uuid NOT NULL,
    period_from date NOT NULL,
    period_until date,
    counted boolean NOT NULL,
    limited boolean NOT NULL,
    debits_pending bigint NOT NULL DEFAULT 0,
    debits_posted bigint NOT NULL DEFAULT 0,
    credits_pending bigint NOT NULL DEFAULT 0,
    credits_posted bigint NOT NULL DEFAULT 0,
    sequence bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_accounts PRIMARY KEY (organisation_id, id),
    CONSTRAINT uq_accounts_organisation_id_kind_owner_id_period_from
        UNIQUE (organisation_id, kind, owner_id, period_from),
    CONSTRAINT uq_accounts_organisation_id_id_unit UNIQUE (organisation_id, id, unit),
    CONSTRAINT ck_accounts_unit CHECK (unit IN ('minutes', 'cents', 'places')),
    CONSTRAINT ck_accounts_period CHECK (period_until > period_from),
    CONSTRAINT ck_accounts_limited_is_counted CHECK (counted OR NOT limited),
    CONSTRAINT ck_accounts_counters CHECK (
        debits_pending >= 0 AND debits_posted >= 0
        AND credits_pending >= 0 AND credits_posted >= 0 AND sequence >= 0
    ),
    CONSTRAINT ck_accounts_uncounted_at_zero CHECK (
        counted OR (
            debits_pending = 0 AND debits_posted = 0
            AND credits_pending = 0 AND credits_posted = 0 AND sequence = 0
        )
    ),
    CONSTRAINT ck_accounts_limit CHECK (
        NOT limited OR debits_pending + debits_posted <= credits_posted
    )
) WITH (fillfactor = 70)
"""

TRANSFERS = """
CREATE TABLE transfers (
    organisation_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    debit_account_id uuid NOT NULL,
    credit_account_id uuid NOT NULL,
    unit text NOT NULL,
    amount bigint NOT NULL,
    released bigint NOT NULL,
    pending_id uuid,
    reverses_id uuid,
    cause_type text NOT NULL,
    cause_id uuid NOT NULL,
    key text NOT NULL,
    activity_on date NOT NULL,
    recorded_at timestamptz NOT NULL,
    debit_sequence bigint,
    credit_sequence bigint,
    CONSTRAINT pk_transfers PRIMARY KEY (organisation_id, id),
    CONSTRAINT uq_transfers_organisation_id_key UNIQUE (organisation_id, key),
    CONSTRAINT uq_transfers_organisation_id_debit_account_id_debit_sequence
        UNIQUE (organisation_id, debit_account_id, debit_sequence),
    CONSTRAINT uq_transfers_organisation_id_credit_account_id_credit_sequence
        UNIQUE (organisation_id, credit_account_id, credit_sequence),
    CONSTRAINT fk_transfers_organisation_id_debit_account_id_unit
        FOREIGN KEY (organisation_id, debit_account_id, unit)
        REFERENCES accounts (organisation_id, id, unit) ON DELETE RESTRICT,
    CONSTRAINT fk_transfers_organisation_id_credit_account_id_unit
        FOREIGN KEY (organisation_id, credit_account_id, unit)
        REFERENCES accounts (organisation_id, id, unit) ON DELETE RESTRICT,
    CONSTRAINT fk_transfers_organisation_id_pending_id
        FOREIGN KEY (organisation_id, pending_id)
        REFERENCES transfers (organisation_id, id) ON DELETE RESTRICT,
    CONSTRAINT fk_transfers_organisation_id_reverses_id
        FOREIGN KEY (organisation_id, reverses_id)
        REFERENCES transfers (organisation_id, id) ON DELETE RESTRICT,
    CONSTRAINT ck_transfers_kind
        CHECK (kind IN ('pending', 'posted', 'post', 'void', 'reversal')),
    CONSTRAINT ck_transfers_sides CHECK (debit_account_id <> credit_account_id),
    CONSTRAINT ck_transfers_amount CHECK (amount > 0),
    CONSTRAINT ck_transfers_released CHECK (released >= 0 AND (released = 0 OR kind = 'post')),
    CONSTRAINT ck_transfers_pending CHECK ((kind IN ('post', 'void')) = (pending_id IS NOT NULL)),
    CONSTRAINT ck_transfers_reverses CHECK ((kind = 'reversal') = (reverses_id IS NOT NULL)),
    CONSTRAINT ck_transfers_key CHECK (length(key) BETWEEN 1 AND 200),
    CONSTRAINT ck_transfers_sequences CHECK (debit_sequence > 0 AND credit_sequence > 0)
)
"""

# Partial, so that the many transfers which resolve or reverse nothing are not in them.
INDEXES = (
    """
    CREATE UNIQUE INDEX uq_transfers_organisation_id_pending_id
        ON transfers (organisation_id, pending_id) WHERE pending_id IS NOT NULL
    """,
    """
    CREATE UNIQUE INDEX uq_transfers_organisation_id_reverses_id
        ON transfers (organisation_id, reverses_id) WHERE reverses_id IS NOT NULL
    """,
    """
    CREATE INDEX ix_transfers_organisation_id_cause_type_cause_id
        ON transfers (organisation_id, cause_type, cause_id)
    """,
)

# What adding only leaves open: the row trigger comes with ``leerruimte_secure_table``.
NO_TRUNCATE = """
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON transfers
    FOR EACH STATEMENT EXECUTE FUNCTION leerruimte_refuse_change()
"""

# An entry with what it points to looked up. A unit of NULL tells that its accounts or its target
# are not fit.
DRAFT = """
CREATE TYPE ledger_draft AS (
    n bigint,
    id uuid,
    kind text,
    debit_account_id uuid,
    credit_account_id uuid,
    unit text,
    amount bigint,
    released bigint,
    pending_id uuid,
    reverses_id uuid,
    cause_type text,
    cause_id uuid,
    key text,
    activity_on date
)
"""

# Plans are made once a connection: planned anew each call they cost more than they take to run.
# What is planned while the tables are small is kept when they have grown, so each statement goes
# from the entries, by LEFT or LATERAL, to rows found one by one: a scan, a hash or another order of
# the join would come to read all of the organisation's rows.
#
# READ COMMITTED gives each statement in here a new snapshot, which is what makes the second look,
# under the locks, see what others committed.
APPLY = """
CREATE FUNCTION ledger_apply(organisation uuid, entries jsonb) RETURNS SETOF transfers
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_material = off
AS $$
#variable_conflict use_column
DECLARE
    drafts ledger_draft[];
    fresh ledger_draft[];
    unfit boolean;
    pointing boolean;
    reused text;
    done bigint;
    flaw record;
    change record;
    recorded timestamptz;
BEGIN
    -- Read the entries and what they point to: all of it facts that never change.
    SELECT array_agg(ROW(
               e.n, e.id, e.kind,
               CASE WHEN e.target_id IS NULL THEN e.debit_account_id
                    WHEN e.kind = 'reversal' THEN t.credit_account_id
                    ELSE t.debit_account_id END,
               CASE WHEN e.target_id IS NULL THEN e.credit_account_id
                    WHEN e.kind = 'reversal' THEN t.debit_account_id
                    ELSE t.credit_account_id END,
               CASE WHEN e.target_id IS NULL AND d.unit = c.unit THEN d.unit
                    WHEN e.kind IN ('post', 'void') AND t.kind = 'pending' THEN t.unit
                    WHEN e.kind = 'reversal' AND t.kind IN ('posted', 'post') THEN t.unit END,
               coalesce(e.amount, t.amount),
               CASE WHEN e.kind = 'post' THEN t.amount - coalesce(e.amount, t.amount) ELSE 0 END,
               CASE WHEN e.kind IN ('post', 'void') THEN e.target_id END,
               CASE WHEN e.kind = 'reversal' THEN e.target_id END,
               e.cause_type, e.cause_id, e.key, e.activity_on
           )::ledger_draft ORDER BY e.n)
      INTO drafts
      FROM ROWS FROM (jsonb_to_recordset(entries) AS (
               id uuid, kind text, debit_account_id uuid, credit_account_id uuid, amount bigint,
               target_id uuid, cause_type text, cause_id uuid, key text, activity_on date
           )) WITH ORDINALITY AS e (
               id, kind, debit_account_id, credit_account_id, amount,
               target_id, cause_type, cause_id, key, activity_on, n
           )
      LEFT JOIN transfers t ON t.organisation_id = organisation AND t.id = e.target_id
      LEFT JOIN accounts d ON d.organisation_id = organisation AND d.id = e.debit_account_id
      LEFT JOIN accounts c ON c.organisation_id = organisation AND c.id = e.credit_account_id;

    -- Look for the keys twice: at once, so that a retry waits for nobody and is never judged by a
    -- balance it changed itself; and again under the locks, for what was recorded meanwhile.
    FOR look IN 1..2 LOOP
        IF look = 2 THEN
            PERFORM 1
               FROM (
                   SELECT d.debit_account_id AS id FROM unnest(drafts) AS d
                   UNION
                   SELECT d.credit_account_id FROM unnest(drafts) AS d
                   ORDER BY id
               ) AS s
              CROSS JOIN LATERAL (
                  SELECT FROM accounts a
                   WHERE a.organisation_id = organisation AND a.id = s.id AND a.counted
                     FOR NO KEY UPDATE
              ) AS l;
            recorded := clock_timestamp();
        END IF;

        SELECT array_agg(d ORDER BY d.n) FILTER (WHERE r.id IS NULL),
               min(d.key) FILTER (
                   WHERE r.id IS NOT NULL
                     AND (r.kind, r.debit_account_id, r.credit_account_id, r.amount, r.pending_id,
                          r.reverses_id, r.cause_type, r.cause_id, r.activity_on)
                         IS DISTINCT FROM
                         (d.kind, d.debit_account_id, d.credit_account_id, d.amount, d.pending_id,
                          d.reverses_id, d.cause_type, d.cause_id, d.activity_on)
               ),
               bool_or(d.unit IS NULL OR d.released < 0) FILTER (WHERE r.id IS NULL),
               bool_or(d.pending_id IS NOT NULL OR d.reverses_id IS NOT NULL)
                   FILTER (WHERE r.id IS NULL)
          INTO fresh, reused, unfit, pointing
          FROM unnest(drafts) AS d
          LEFT JOIN transfers r ON r.organisation_id = organisation AND r.key = d.key;

        IF reused IS NOT NULL THEN
            RAISE EXCEPTION 'key used for something else' USING
                ERRCODE = 'LR002', DETAIL = jsonb_build_object('key', reused);
        END IF;

        IF fresh IS NULL OR cardinality(fresh) < cardinality(drafts) THEN
            RETURN QUERY
                SELECT r.*
                  FROM unnest(drafts) AS d
                 CROSS JOIN LATERAL (
                     SELECT * FROM transfers r
                      WHERE r.organisation_id = organisation AND r.key = d.key
                      LIMIT 1
                 ) AS r;
        END IF;
        IF fresh IS NULL THEN
            RETURN;
        END IF;
        drafts := fresh;

        IF unfit THEN
            SELECT d.n, d.key, d.kind, d.debit_account_id, d.credit_account_id, d.amount,
                   d.released, coalesce(d.pending_id, d.reverses_id) AS target_id,
                   t.id AS found_id, t.kind AS target_kind, t.unit AS target_unit,
                   da.unit AS debit_unit, ca.unit AS credit_unit
              INTO flaw
              FROM unnest(drafts) AS d
              LEFT JOIN transfers t
                ON t.organisation_id = organisation
               AND t.id = coalesce(d.pending_id, d.reverses_id)
              LEFT JOIN accounts da
                ON da.organisation_id = organisation AND da.id = d.debit_account_id
              LEFT JOIN accounts ca
                ON ca.organisation_id = organisation AND ca.id = d.credit_account_id
             WHERE d.unit IS NULL OR d.released < 0
             ORDER BY d.n
             LIMIT 1;
            IF flaw.target_id IS NOT NULL AND flaw.found_id IS NULL THEN
                RAISE EXCEPTION 'no such transfer' USING
                    ERRCODE = 'LR006', DETAIL = jsonb_build_object('transfer_id', flaw.target_id);
            ELSIF flaw.target_id IS NOT NULL AND flaw.released < 0 THEN
                RAISE EXCEPTION 'more than is pending' USING
                    ERRCODE = 'LR005',
                    DETAIL = jsonb_build_object(
                        'pending_id', flaw.target_id, 'unit', flaw.target_unit,
                        'asked', flaw.amount, 'pending', flaw.amount + flaw.released
                    );
            ELSIF flaw.target_id IS NOT NULL THEN
                RAISE EXCEPTION 'target of the wrong kind' USING
                    ERRCODE = 'LR007',
                    DETAIL = jsonb_build_object(
                        'transfer_id', flaw.target_id, 'transfer_kind', flaw.target_kind
                    );
            ELSIF flaw.debit_unit IS NULL OR flaw.credit_unit IS NULL THEN
                RAISE EXCEPTION 'no such account' USING
                    ERRCODE = 'LR008',
                    DETAIL = jsonb_build_object(
                        'account_id', CASE WHEN flaw.debit_unit IS NULL
                                           THEN flaw.debit_account_id
                                           ELSE flaw.credit_account_id END
                    );
            ELSE
                RAISE EXCEPTION 'accounts of different units' USING
                    ERRCODE = 'LR009',
                    DETAIL = jsonb_build_object(
                        'debit_account_id', flaw.debit_account_id, 'debit_unit', flaw.debit_unit,
                        'credit_account_id', flaw.credit_account_id,
                        'credit_unit', flaw.credit_unit
                    );
            END IF;
        END IF;
    END LOOP;

    -- What is resolved or reversed, by another or twice in here, is so once and for all.
    IF pointing THEN
        SELECT d.pending_id, d.reverses_id,
               coalesce(p.id, r.id, (array_agg(d.id ORDER BY d.n))[1]) AS first_id
          INTO flaw
          FROM unnest(drafts) AS d
          LEFT JOIN transfers p
            ON p.organisation_id = organisation AND p.pending_id = d.pending_id
          LEFT JOIN transfers r
            ON r.organisation_id = organisation AND r.reverses_id = d.reverses_id
         WHERE d.pending_id IS NOT NULL OR d.reverses_id IS NOT NULL
         GROUP BY d.pending_id, d.reverses_id, p.id, r.id
        HAVING p.id IS NOT NULL OR r.id IS NOT NULL OR count(*) > 1
         ORDER BY min(d.n)
         LIMIT 1;
        IF flaw.pending_id IS NOT NULL THEN
            RAISE EXCEPTION 'pending already resolved' USING
                ERRCODE = 'LR003',
                DETAIL = jsonb_build_object(
                    'pending_id', flaw.pending_id, 'resolved_by', flaw.first_id
                );
        ELSIF flaw.reverses_id IS NOT NULL THEN
            RAISE EXCEPTION 'already reversed' USING
                ERRCODE = 'LR004',
                DETAIL = jsonb_build_object(
                    'transfer_id', flaw.reverses_id, 'reversed_by', flaw.first_id
                );
        END IF;
    END IF;

    -- Judge and move the counters, once per account: the locks keep what is read here. A reversal
    -- takes back from the counters that its target had raised.
    FOR change IN
        SELECT x.*, a.limited, a.unit,
               a.credits_posted - a.debits_pending - a.debits_posted AS room,
               x.debits_pending + x.debits_posted - x.credits_posted AS asked
          FROM (
              SELECT l.account_id, count(*) AS lines,
                     sum(l.debits_pending)::bigint AS debits_pending,
                     sum(l.debits_posted)::bigint AS debits_posted,
                     sum(l.credits_pending)::bigint AS credits_pending,
                     sum(l.credits_posted)::bigint AS credits_posted
                FROM unnest(drafts) AS d
               CROSS JOIN LATERAL (
                   SELECT CASE d.kind WHEN 'pending' THEN d.amount
                                      WHEN 'post' THEN -d.amount - d.released
                                      WHEN 'void' THEN -d.amount
                                      ELSE 0 END AS held,
                          CASE WHEN d.kind IN ('posted', 'post') THEN d.amount ELSE 0 END AS posted,
                          CASE WHEN d.kind = 'reversal' THEN -d.amount ELSE 0 END AS undone
               ) AS m
               CROSS JOIN LATERAL (
                   VALUES (d.debit_account_id, m.held, m.posted, 0, m.undone),
                          (d.credit_account_id, 0, m.undone, m.held, m.posted)
               ) AS l (account_id, debits_pending, debits_posted, credits_pending, credits_posted)
               GROUP BY l.account_id
          ) AS x
         CROSS JOIN LATERAL (
             SELECT * FROM accounts a
              WHERE a.organisation_id = organisation AND a.id = x.account_id AND a.counted
              LIMIT 1
         ) AS a
         ORDER BY x.account_id
    LOOP
        IF change.limited AND change.asked > change.room THEN
            RAISE EXCEPTION 'limit exceeded' USING
                ERRCODE = 'LR001',
                DETAIL = jsonb_build_object(
                    'account_id', change.account_id, 'unit', change.unit,
                    'room', change.room, 'asked', change.asked
                );
        END IF;
        UPDATE accounts a
           SET debits_pending = a.debits_pending + change.debits_pending,
               debits_posted = a.debits_posted + change.debits_posted,
               credits_pending = a.credits_pending + change.credits_pending,
               credits_posted = a.credits_posted + change.credits_posted,
               sequence = a.sequence + change.lines
         WHERE a.organisation_id = organisation AND a.id = change.account_id;
    END LOOP;

    -- Record. An account's lines are numbered on from where it stood, in the order of the entries.
    RETURN QUERY
        INSERT INTO transfers (
            organisation_id, id, kind, debit_account_id, credit_account_id, unit, amount, released,
            pending_id, reverses_id, cause_type, cause_id, key, activity_on, recorded_at,
            debit_sequence, credit_sequence
        )
        SELECT organisation, s.id, s.kind, s.debit_account_id, s.credit_account_id, s.unit,
               s.amount, s.released, s.pending_id, s.reverses_id, s.cause_type, s.cause_id, s.key,
               s.activity_on, recorded, s.debit_sequence, s.credit_sequence
          FROM (
              SELECT n.*, n.line_sequence AS debit_sequence,
                     lead(n.line_sequence) OVER (PARTITION BY n.n ORDER BY n.side)
                     AS credit_sequence
                FROM (
                    SELECT d.*, l.side,
                           a.sequence - count(*) OVER (PARTITION BY l.account_id)
                           + row_number() OVER (PARTITION BY l.account_id ORDER BY d.n)
                           AS line_sequence
                      FROM unnest(drafts) AS d
                     CROSS JOIN LATERAL (
                         VALUES (1, d.debit_account_id), (2, d.credit_account_id)
                     ) AS l (side, account_id)
                      LEFT JOIN LATERAL (
                          SELECT a.sequence FROM accounts a
                           WHERE a.organisation_id = organisation
                             AND a.id = l.account_id AND a.counted
                           LIMIT 1
                      ) AS a ON true
                ) AS n
          ) AS s
         WHERE s.side = 1
         ORDER BY s.n
        ON CONFLICT DO NOTHING
        RETURNING *;
    GET DIAGNOSTICS done = ROW_COUNT;

    -- Between uncounted accounts nobody waits for a lock: the same key, or the other resolution
    -- of the same pending, may have been recorded this very moment. Trying again finds it.
    IF done < cardinality(drafts) THEN
        RAISE EXCEPTION 'recorded by another at the same moment' USING ERRCODE = '40001';
    END IF;
END
$$
"""


# An account stays what it was opened as; only its limit and its counters move.
ACCOUNTS_GRANT = """
GRANT UPDATE (
    limited, debits_pending, debits_posted, credits_pending, credits_posted, sequence
) ON accounts TO leerruimte_app
"""


def upgrade() -> None:
    """Make the ledger's tables, and the function that records."""
    op.execute(ACCOUNTS)
    op.execute("SELECT leerruimte_secure_table('accounts', '{select,insert,update}')")
    op.execute("REVOKE UPDATE ON accounts FROM leerruimte_app")
    op.execute(ACCOUNTS_GRANT)

    op.execute(TRANSFERS)
    for index in INDEXES:
        op.execute(index)
    op.execute("SELECT leerruimte_secure_table('transfers', '{select,insert}')")
    op.execute(NO_TRUNCATE)

    op.execute(DRAFT)
    op.execute(APPLY)


def downgrade() -> None:
    """Take all of it away again."""
    op.execute("DROP FUNCTION ledger_apply(uuid, jsonb)")
    op.execute("DROP TYPE ledger_draft")
    op.execute("DROP TABLE transfers")
    op.execute("DROP TABLE accounts")
