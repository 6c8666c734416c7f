-- migrate:up

-- The record: the append-only event log, the read models written by the same statement, the outbox of notices
-- and the directory of people.
--
-- Conventions. Ids compare byte by byte (COLLATE "C"): an index on them survives a change of the operating
-- system's collations and compares faster. Vocabulary columns (kind, phase, role, type ...) carry no CHECK, so
-- that a fourth kind of placement needs no migration; columns that the SQL itself branches on carry one.
-- Functions carry a version suffix: two releases run side by side during a rollout.

CREATE SCHEMA IF NOT EXISTS sojourn;

-- ---------------------------------------------------------------------------------------------- global order

CREATE TABLE sojourn.log_epoch (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch smallint NOT NULL,
    system_identifier bigint NOT NULL
);
COMMENT ON TABLE sojourn.log_epoch IS
    'Transaction ids start again when the log is restored into another cluster. The epoch is the first part of '
    'the global order, so that events written after a restore still sort after every cursor handed out before it.';

INSERT INTO sojourn.log_epoch (epoch, system_identifier)
SELECT 1, system_identifier FROM pg_control_system();

CREATE FUNCTION sojourn.begin_epoch_v1() RETURNS void
LANGUAGE sql AS $$
    UPDATE sojourn.log_epoch AS known
    SET epoch = known.epoch + 1, system_identifier = cluster.system_identifier
    FROM pg_control_system() AS cluster
    WHERE known.system_identifier <> cluster.system_identifier
$$;
COMMENT ON FUNCTION sojourn.begin_epoch_v1() IS
    'Raises the epoch if this database has moved to another cluster. Run by every migration, a no-op otherwise.';

-- ------------------------------------------------------------------------------------------------- event log

-- Not partitioned, on purpose, for 100 million events (some 60 GB):
--   * Nothing is ever deleted, so there is no partition to drop; a person is erased by destroying a key.
--   * Streams are read by primary key: at 100 million rows the tree is four levels deep, at a million three.
--   * Hash partitions by agreement would make every page of the global order a merge over all partitions, and a
--     unique (epoch, tx, position) could no longer be declared at all.
--   * What hurts a large insert-only table is one late anti-wraparound vacuum over all of it. The storage
--     parameters below freeze in small steps instead.
-- Should one machine's disk become the limit, cut by epoch or tx range: old ranges never change.
CREATE TABLE sojourn.event (
    agreement_id text COLLATE "C" NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    event_id uuid NOT NULL,
    type text NOT NULL,
    schema_version integer NOT NULL,
    data json NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    actor_id text COLLATE "C" NOT NULL,
    actor_role text NOT NULL,
    command_id text COLLATE "C" NOT NULL,
    previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
    position bigint GENERATED ALWAYS AS IDENTITY,
    epoch smallint NOT NULL,
    PRIMARY KEY (agreement_id, version)
) WITH (
    autovacuum_vacuum_insert_scale_factor = 0.0,
    autovacuum_vacuum_insert_threshold = 500000,
    autovacuum_freeze_min_age = 0,
    autovacuum_analyze_scale_factor = 0.01
);
COMMENT ON COLUMN sojourn.event.data IS
    'json, not jsonb: the text is kept as it was hashed. Canonical: sorted keys, no spaces, not ASCII-escaped.';
COMMENT ON COLUMN sojourn.event.event_id IS
    'Needs no index: stream and version identify an event, and one workflow at a time writes a stream.';
COMMENT ON COLUMN sojourn.event.occurred_at IS 'When it happened, in the agreement''s own time.';
COMMENT ON COLUMN sojourn.event.recorded_at IS 'When this server wrote it.';
COMMENT ON COLUMN sojourn.event.tx IS
    'The writing transaction. Events of transactions older than every running one can be read in order, without gaps.';
COMMENT ON TABLE sojourn.event IS
    'One stream per agreement. No foreign key to agreement: that is a read model, to be dropped and rebuilt.';

CREATE UNIQUE INDEX event_global_order ON sojourn.event (epoch, tx, position);

-- Finds a command's events by version range, so that the log needs no third index: one entry here per command
-- instead of one there per event.
CREATE TABLE sojourn.command (
    agreement_id text COLLATE "C" NOT NULL,
    command_id text COLLATE "C" NOT NULL,
    type text NOT NULL,
    digest text COLLATE "C" NOT NULL,
    first_version integer NOT NULL,
    last_version integer NOT NULL CHECK (last_version >= first_version),
    PRIMARY KEY (agreement_id, command_id)
);
COMMENT ON TABLE sojourn.command IS 'Every accepted command, once: what makes a retry an answer instead of an error.';

CREATE FUNCTION sojourn.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: the log is append-only', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'SJ003',
              HINT = 'Correct a mistake with a compensating event; erase a person by destroying their key.';
END
$$;

-- One trigger per statement costs nothing per row. ALWAYS: also in a session that replays another server's log.
CREATE TRIGGER event_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sojourn.event
    FOR EACH STATEMENT EXECUTE FUNCTION sojourn.refuse_change();
ALTER TABLE sojourn.event ENABLE ALWAYS TRIGGER event_is_append_only;

CREATE TRIGGER command_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sojourn.command
    FOR EACH STATEMENT EXECUTE FUNCTION sojourn.refuse_change();
ALTER TABLE sojourn.command ENABLE ALWAYS TRIGGER command_is_append_only;

-- ----------------------------------------------------------------------------------------------- read models

CREATE TABLE sojourn.agreement (
    agreement_id text COLLATE "C" PRIMARY KEY,
    version integer NOT NULL,
    last_hash bytea NOT NULL,
    kind text NOT NULL,
    phase text NOT NULL,
    outcome text,
    tenant text COLLATE "C" NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    request_digest text COLLATE "C" NOT NULL,
    cohort text COLLATE "C",
    terms_version integer NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    mentor_hours_per_month double precision NOT NULL,
    last_activity_at timestamptz NOT NULL,
    silent_at timestamptz,
    paused_until timestamptz,
    held boolean NOT NULL,
    next_instant timestamptz,
    opened_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT agreement_request UNIQUE (tenant, request_id)
) WITH (fillfactor = 75);
COMMENT ON TABLE sojourn.agreement IS
    'The head of each stream and what operators filter by, in one row: its lock is the conflict check. '
    'fillfactor leaves room to update it in place, since every append does.';
COMMENT ON COLUMN sojourn.agreement.opened_at IS 'occurred_at of the first event.';
COMMENT ON COLUMN sojourn.agreement.updated_at IS 'occurred_at of the last event.';

CREATE INDEX agreement_open_by_silence ON sojourn.agreement (silent_at) WHERE phase <> 'closed';
CREATE INDEX agreement_by_cohort ON sojourn.agreement (cohort) WHERE cohort IS NOT NULL;

CREATE TABLE sojourn.agreement_party (
    agreement_id text COLLATE "C" NOT NULL,
    role text COLLATE "C" NOT NULL,
    person_id text COLLATE "C" NOT NULL,
    scope text COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (agreement_id, role, scope, person_id)
);
CREATE INDEX agreement_party_by_person ON sojourn.agreement_party (person_id, role);

CREATE TABLE sojourn.obligation (
    agreement_id text COLLATE "C" NOT NULL,
    obligation_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    owner_role text NOT NULL,
    owner_id text COLLATE "C" NOT NULL,
    opened_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    stalled_at timestamptz NOT NULL,
    reason text NOT NULL,
    ladder jsonb NOT NULL,
    acts_by_itself_at timestamptz,
    starts_at timestamptz,
    sequence integer NOT NULL,
    reached smallint,
    status text NOT NULL CHECK (status IN ('open', 'fulfilled', 'waived', 'superseded')),
    settled_at timestamptz,
    opened_version integer NOT NULL,
    settled_version integer,
    PRIMARY KEY (agreement_id, obligation_id),
    CONSTRAINT settled_or_open CHECK ((status = 'open') = (settled_at IS NULL))
) WITH (fillfactor = 85);
COMMENT ON TABLE sojourn.obligation IS
    'Every obligation of every agreement, settled ones included: the ledger as the events left it.';

CREATE INDEX obligation_open_by_stall ON sojourn.obligation (stalled_at) WHERE status = 'open';
CREATE INDEX obligation_open_by_due ON sojourn.obligation (due_at) WHERE status = 'open';
CREATE INDEX obligation_open_by_owner ON sojourn.obligation (owner_id, due_at) WHERE status = 'open';

CREATE TABLE sojourn.notice (
    notice_id text COLLATE "C" PRIMARY KEY,
    agreement_id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    recipient_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    obligation_id text COLLATE "C",
    not_before timestamptz NOT NULL,
    notice jsonb NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'skipped', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    reason text,
    queued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sent_at timestamptz,
    CONSTRAINT sent_or_not CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
    CONSTRAINT skipped_for_a_reason CHECK (state <> 'skipped' OR reason IS NOT NULL),
    CONSTRAINT failed_with_an_error CHECK (state <> 'failed' OR last_error IS NOT NULL)
) WITH (fillfactor = 85);
COMMENT ON TABLE sojourn.notice IS
    'The outbox: queued by the statement that wrote the event, settled when it was sent, skipped or given up.';

CREATE INDEX notice_by_agreement ON sojourn.notice (agreement_id, not_before);
CREATE INDEX notice_queued ON sojourn.notice (not_before) WHERE state = 'queued';
CREATE INDEX notice_failed ON sojourn.notice (agreement_id) WHERE state = 'failed';

-- ------------------------------------------------------------------------------------------------- directory

CREATE TABLE sojourn.person (
    person_id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    email text,
    channels jsonb NOT NULL DEFAULT '[]',
    time_zone text NOT NULL,
    holiday_calendar text NOT NULL,
    working_weekdays smallint[] NOT NULL,
    opens time NOT NULL,
    closes time NOT NULL,
    leave jsonb NOT NULL DEFAULT '[]',
    delegate_id text COLLATE "C",
    locale text NOT NULL,
    employee_number text,
    assignment_id text,
    is_operator boolean NOT NULL DEFAULT false,
    mentor_capacity_hours numeric,
    left_on date,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT opens_before_it_closes CHECK (opens < closes)
);
COMMENT ON TABLE sojourn.person IS
    'The only place where an opaque person id meets a name and an address. Read when a notice is sent.';
COMMENT ON COLUMN sojourn.person.channels IS 'Apprise URLs, which may carry secrets: never logged.';
COMMENT ON COLUMN sojourn.person.mentor_capacity_hours IS 'Hours per month over all mentees; NULL: no limit stated.';

CREATE INDEX person_operators ON sojourn.person (person_id) WHERE is_operator;

-- ------------------------------------------------------------------------------------------------ hash chain

CREATE FUNCTION sojourn.framed_v1(field text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT int4send(octet_length(convert_to(field, 'UTF8'))) || convert_to(field, 'UTF8')
$$;
COMMENT ON FUNCTION sojourn.framed_v1(text) IS
    'Four bytes of length, big-endian, then the text in UTF-8: no two lists of fields frame to the same bytes.';

CREATE FUNCTION sojourn.chain_hash_v1(
    previous bytea, agreement_id text, version integer, event_id uuid, type text, schema_version integer,
    occurred_at timestamptz, recorded_at timestamptz, actor_id text, actor_role text, command_id text, data text
) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT sha256(
        sojourn.framed_v1('sojourn.event.v1')
        || previous
        || sojourn.framed_v1(agreement_id)
        || sojourn.framed_v1(version::text)
        || sojourn.framed_v1(event_id::text)
        || sojourn.framed_v1(type)
        || sojourn.framed_v1(schema_version::text)
        || sojourn.framed_v1((extract(epoch FROM occurred_at) * 1000000)::bigint::text)
        || sojourn.framed_v1((extract(epoch FROM recorded_at) * 1000000)::bigint::text)
        || sojourn.framed_v1(actor_id)
        || sojourn.framed_v1(actor_role)
        || sojourn.framed_v1(command_id)
        || sojourn.framed_v1(data)
    )
$$;
COMMENT ON FUNCTION sojourn.chain_hash_v1 IS
    'The hash of an event: SHA-256 over framed fields, the 32 raw bytes of the previous hash second (zeros for the '
    'first event). Instants count microseconds since 1970 in UTC, numbers are decimal text. Position, tx and epoch '
    'are left out: they belong to the cluster, not to what happened. activities/chain.py computes the same.';

-- ---------------------------------------------------------------------------------------------------- append

CREATE FUNCTION sojourn.apply_ledger_v1(
    p_agreement_id text, p_version integer, p_occurred_at timestamptz, p_ledger jsonb
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_expected integer;
    v_touched integer;
BEGIN
    v_expected := jsonb_array_length(coalesce(p_ledger->'settled', '[]'));
    IF v_expected > 0 THEN
        UPDATE sojourn.obligation AS held
        SET status = change.status, settled_at = p_occurred_at, settled_version = p_version
        FROM jsonb_to_recordset(p_ledger->'settled') AS change (obligation_id text, status text)
        WHERE held.agreement_id = p_agreement_id AND held.obligation_id = change.obligation_id
            AND held.status = 'open';
        GET DIAGNOSTICS v_touched = ROW_COUNT;
        PERFORM sojourn.require_all_v1('settles', p_agreement_id, p_version, v_expected, v_touched);
    END IF;

    v_expected := jsonb_array_length(coalesce(p_ledger->'opened', '[]'));
    IF v_expected > 0 THEN
        -- An id that was settled may open again: the row then tells of its latest life, the log of all.
        INSERT INTO sojourn.obligation AS held (
            agreement_id, obligation_id, kind, subject, owner_role, owner_id, opened_at, due_at, stalled_at,
            reason, ladder, acts_by_itself_at, starts_at, sequence, reached, status, opened_version
        )
        SELECT
            p_agreement_id, opened.obligation_id, opened.kind, opened.subject, opened.owner_role, opened.owner_id,
            opened.opened_at, opened.due_at, opened.stalled_at, opened.reason, coalesce(opened.ladder, '[]'),
            opened.acts_by_itself_at, opened.starts_at, coalesce(opened.sequence, 0), opened.reached,
            'open', p_version
        FROM jsonb_to_recordset(p_ledger->'opened') AS opened (
            obligation_id text, kind text, subject text, owner_role text, owner_id text, opened_at timestamptz,
            due_at timestamptz, stalled_at timestamptz, reason text, ladder jsonb, acts_by_itself_at timestamptz,
            starts_at timestamptz, sequence integer, reached smallint
        )
        ON CONFLICT (agreement_id, obligation_id) DO UPDATE
        SET (kind, subject, owner_role, owner_id, opened_at, due_at, stalled_at, reason, ladder, acts_by_itself_at,
             starts_at, sequence, reached, status, settled_at, opened_version, settled_version)
            = (excluded.kind, excluded.subject, excluded.owner_role, excluded.owner_id, excluded.opened_at,
               excluded.due_at, excluded.stalled_at, excluded.reason, excluded.ladder, excluded.acts_by_itself_at,
               excluded.starts_at, excluded.sequence, excluded.reached, 'open', NULL, excluded.opened_version, NULL)
        WHERE held.status <> 'open';
        GET DIAGNOSTICS v_touched = ROW_COUNT;
        PERFORM sojourn.require_all_v1('opens', p_agreement_id, p_version, v_expected, v_touched);
    END IF;

    v_expected := jsonb_array_length(coalesce(p_ledger->'moved', '[]'));
    IF v_expected > 0 THEN
        UPDATE sojourn.obligation AS held
        SET kind = moved.kind, subject = moved.subject, owner_role = moved.owner_role, owner_id = moved.owner_id,
            opened_at = moved.opened_at, due_at = moved.due_at, stalled_at = moved.stalled_at,
            reason = moved.reason, ladder = coalesce(moved.ladder, '[]'),
            acts_by_itself_at = moved.acts_by_itself_at, starts_at = moved.starts_at,
            sequence = coalesce(moved.sequence, 0), reached = moved.reached
        FROM jsonb_to_recordset(p_ledger->'moved') AS moved (
            obligation_id text, kind text, subject text, owner_role text, owner_id text, opened_at timestamptz,
            due_at timestamptz, stalled_at timestamptz, reason text, ladder jsonb, acts_by_itself_at timestamptz,
            starts_at timestamptz, sequence integer, reached smallint
        )
        WHERE held.agreement_id = p_agreement_id AND held.obligation_id = moved.obligation_id
            AND held.status = 'open';
        GET DIAGNOSTICS v_touched = ROW_COUNT;
        PERFORM sojourn.require_all_v1('moves', p_agreement_id, p_version, v_expected, v_touched);
    END IF;

    -- One obligation may pass two rungs in one event; the highest counts.
    IF jsonb_array_length(coalesce(p_ledger->'escalated', '[]')) > 0 THEN
        SELECT count(DISTINCT escalated.obligation_id) INTO v_expected
        FROM jsonb_to_recordset(p_ledger->'escalated') AS escalated (obligation_id text);
        UPDATE sojourn.obligation AS held
        SET reached = climbed.level
        FROM (
            SELECT escalated.obligation_id, max(escalated.level) AS level
            FROM jsonb_to_recordset(p_ledger->'escalated') AS escalated (obligation_id text, level smallint)
            GROUP BY escalated.obligation_id
        ) AS climbed
        WHERE held.agreement_id = p_agreement_id AND held.obligation_id = climbed.obligation_id
            AND held.status = 'open';
        GET DIAGNOSTICS v_touched = ROW_COUNT;
        PERFORM sojourn.require_all_v1('escalates', p_agreement_id, p_version, v_expected, v_touched);
    END IF;
END
$$;
COMMENT ON FUNCTION sojourn.apply_ledger_v1 IS
    'One event''s LedgerChange on the obligations: settled, opened, moved, escalated, in this order. Also what a '
    'rebuild of the read model runs over the log.';

CREATE FUNCTION sojourn.require_all_v1(
    p_verb text, p_agreement_id text, p_version integer, p_expected integer, p_touched integer
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF p_touched <> p_expected THEN
        RAISE EXCEPTION 'version % of agreement % % % obligations, but only % of them stand in the ledger as that needs',
            p_version, p_agreement_id, p_verb, p_expected, p_touched
            USING ERRCODE = 'SJ002',
                  HINT = 'An obligation opens once, and only an open one is settled, moved or escalated: '
                         'the events do not follow from the stream. Fold it again and decide again.';
    END IF;
END
$$;

CREATE FUNCTION sojourn.known_command_v1(
    p_agreement_id text, p_command_id text, p_command_digest text,
    OUT verdict text, OUT stream_version integer, OUT written_types text[]
) RETURNS SETOF record
LANGUAGE sql STABLE AS $$
    SELECT
        CASE WHEN known.digest = p_command_digest THEN 'duplicate' ELSE 'different_content' END,
        known.last_version,
        CASE WHEN known.digest = p_command_digest THEN (
            SELECT array_agg(event.type ORDER BY event.version)
            FROM sojourn.event
            WHERE event.agreement_id = known.agreement_id
                AND event.version BETWEEN known.first_version AND known.last_version
        ) ELSE '{}' END
    FROM sojourn.command AS known
    WHERE known.agreement_id = p_agreement_id AND known.command_id = p_command_id
$$;
COMMENT ON FUNCTION sojourn.known_command_v1 IS 'No row while the command is unknown.';

CREATE FUNCTION sojourn.refused_append_v1(
    p_agreement_id text, p_expected_version integer, p_command_id text, p_command_digest text, p_head jsonb,
    OUT verdict text, OUT stream_version integer, OUT written_types text[]
) RETURNS record
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_request_digest text;
BEGIN
    -- Whoever won the race for the head row may have been this very command, from an attempt thought dead.
    SELECT known.verdict, known.stream_version, known.written_types
    INTO verdict, stream_version, written_types
    FROM sojourn.known_command_v1(p_agreement_id, p_command_id, p_command_digest) AS known;
    IF FOUND THEN
        RETURN;
    END IF;

    written_types := '{}';
    SELECT head.version, head.request_digest INTO stream_version, v_request_digest
    FROM sojourn.agreement AS head WHERE head.agreement_id = p_agreement_id;
    IF FOUND THEN
        verdict := CASE
            WHEN p_expected_version = 0 AND v_request_digest <> p_head->>'request_digest' THEN 'different_content'
            ELSE 'conflict'
        END;
        RETURN;
    END IF;

    stream_version := 0;
    verdict := CASE
        WHEN p_expected_version = 0 AND EXISTS (
            SELECT FROM sojourn.agreement AS head
            WHERE head.tenant = p_head->>'tenant' AND head.request_id = p_head->>'request_id'
        ) THEN 'different_content'
        ELSE 'conflict'
    END;
END
$$;
COMMENT ON FUNCTION sojourn.refused_append_v1 IS
    'Why the head row was not ours. A request id that belongs to another agreement is different content even if '
    'the request reads the same: one request opens one agreement.';

CREATE FUNCTION sojourn.append_events_v1(
    p_agreement_id text,
    p_expected_version integer,
    p_command_id text,
    p_command_type text,
    p_command_digest text,
    p_actor_id text,
    p_actor_role text,
    p_occurred_at timestamptz,
    p_event_ids uuid[],
    p_event_types text[],
    p_schema_versions integer[],
    p_data text[],
    p_head jsonb,
    p_notices jsonb,
    OUT verdict text,
    OUT stream_version integer,
    OUT written_types text[]
) RETURNS record
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_count CONSTANT integer := cardinality(p_event_ids);
    v_recorded_at CONSTANT timestamptz := clock_timestamp();
    v_hashes bytea[] := '{}';
    v_previous bytea;
    v_first bytea;
    v_ledger jsonb;
BEGIN
    -- A transaction id drawn earlier could sort this append before its own predecessor in the global order; an
    -- older snapshot could take a retry for a conflict.
    IF pg_current_xact_id_if_assigned() IS NOT NULL OR current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append_events_v1 must be the first write of a READ COMMITTED transaction'
            USING ERRCODE = 'SJ001', HINT = 'Call it on its own, outside any transaction block.';
    END IF;
    IF v_count = 0 OR p_expected_version < 0
        OR (cardinality(p_event_types), cardinality(p_schema_versions), cardinality(p_data))
            IS DISTINCT FROM (v_count, v_count, v_count) THEN
        RAISE EXCEPTION 'an append needs at least one event, arrays of one length and a version of 0 or more'
            USING ERRCODE = 'SJ001';
    END IF;

    -- A retry is the common case of a refusal and is answered without a write.
    SELECT known.verdict, known.stream_version, known.written_types
    INTO verdict, stream_version, written_types
    FROM sojourn.known_command_v1(p_agreement_id, p_command_id, p_command_digest) AS known;
    IF FOUND THEN
        RETURN;
    END IF;

    -- Read without a lock, so that the head row is written once: it can only be this hash while the version is
    -- the expected one, which the write below makes sure of.
    IF p_expected_version = 0 THEN
        v_previous := decode(repeat('00', 32), 'hex');
    ELSE
        SELECT head.last_hash INTO v_previous
        FROM sojourn.agreement AS head
        WHERE head.agreement_id = p_agreement_id AND head.version = p_expected_version;
        IF NOT FOUND THEN
            SELECT refused.* INTO verdict, stream_version, written_types
            FROM sojourn.refused_append_v1(
                p_agreement_id, p_expected_version, p_command_id, p_command_digest, p_head
            ) AS refused;
            RETURN;
        END IF;
    END IF;

    v_first := v_previous;
    FOR i IN 1..v_count LOOP
        v_previous := sojourn.chain_hash_v1(
            v_previous, p_agreement_id, p_expected_version + i, p_event_ids[i], p_event_types[i],
            p_schema_versions[i], p_occurred_at, v_recorded_at, p_actor_id, p_actor_role, p_command_id, p_data[i]
        );
        IF v_previous IS NULL THEN
            RAISE EXCEPTION 'event % of the append lacks a field', i USING ERRCODE = 'SJ001';
        END IF;
        v_hashes := v_hashes || v_previous;
    END LOOP;

    stream_version := p_expected_version + v_count;
    IF p_expected_version = 0 THEN
        INSERT INTO sojourn.agreement (
            agreement_id, version, last_hash, kind, phase, outcome, tenant, request_id, request_digest, cohort,
            terms_version, starts_on, ends_on, mentor_hours_per_month, last_activity_at, silent_at, paused_until,
            held, next_instant, opened_at, updated_at, recorded_at
        )
        SELECT
            p_agreement_id, stream_version, v_previous, head.kind, head.phase, head.outcome, head.tenant,
            head.request_id, head.request_digest, head.cohort, head.terms_version, head.starts_on, head.ends_on,
            head.mentor_hours_per_month, head.last_activity_at, head.silent_at, head.paused_until, head.held,
            head.next_instant, p_occurred_at, p_occurred_at, v_recorded_at
        FROM jsonb_to_record(p_head) AS head (
            kind text, phase text, outcome text, tenant text, request_id text, request_digest text, cohort text,
            terms_version integer, starts_on date, ends_on date, mentor_hours_per_month double precision,
            last_activity_at timestamptz, silent_at timestamptz, paused_until timestamptz, held boolean,
            next_instant timestamptz
        )
        ON CONFLICT DO NOTHING;
    ELSE
        -- Kind, tenant and request are what the agreement is: fixed by its first append.
        UPDATE sojourn.agreement AS stored
        SET version = append_events_v1.stream_version, last_hash = v_previous, phase = head.phase,
            outcome = head.outcome, cohort = head.cohort, terms_version = head.terms_version,
            starts_on = head.starts_on, ends_on = head.ends_on,
            mentor_hours_per_month = head.mentor_hours_per_month, last_activity_at = head.last_activity_at,
            silent_at = head.silent_at, paused_until = head.paused_until, held = head.held,
            next_instant = head.next_instant, updated_at = p_occurred_at, recorded_at = v_recorded_at
        FROM jsonb_to_record(p_head) AS head (
            phase text, outcome text, cohort text, terms_version integer, starts_on date, ends_on date,
            mentor_hours_per_month double precision, last_activity_at timestamptz, silent_at timestamptz,
            paused_until timestamptz, held boolean, next_instant timestamptz
        )
        WHERE stored.agreement_id = p_agreement_id AND stored.version = p_expected_version;
    END IF;
    IF NOT FOUND THEN
        SELECT refused.* INTO verdict, stream_version, written_types
        FROM sojourn.refused_append_v1(
            p_agreement_id, p_expected_version, p_command_id, p_command_digest, p_head
        ) AS refused;
        RETURN;
    END IF;

    -- From here on the head row is locked: this transaction alone writes the stream.
    INSERT INTO sojourn.command (agreement_id, command_id, type, digest, first_version, last_version)
    VALUES (p_agreement_id, p_command_id, p_command_type, p_command_digest, p_expected_version + 1, stream_version);

    INSERT INTO sojourn.event (
        agreement_id, version, event_id, type, schema_version, data, occurred_at, recorded_at, actor_id,
        actor_role, command_id, previous_hash, hash, epoch
    )
    SELECT
        p_agreement_id, p_expected_version + sent.number, sent.event_id, sent.type, sent.schema_version,
        sent.data::json, p_occurred_at, v_recorded_at, p_actor_id, p_actor_role, p_command_id,
        CASE WHEN sent.number = 1 THEN v_first ELSE v_hashes[sent.number - 1] END, v_hashes[sent.number],
        (SELECT log_epoch.epoch FROM sojourn.log_epoch)
    FROM unnest(p_event_ids, p_event_types, p_schema_versions, p_data)
        WITH ORDINALITY AS sent (event_id, type, schema_version, data, number)
    ORDER BY sent.number;

    FOR i IN 1..v_count LOOP
        v_ledger := p_data[i]::jsonb->'ledger';
        IF jsonb_typeof(v_ledger) = 'object' THEN
            PERFORM sojourn.apply_ledger_v1(p_agreement_id, p_expected_version + i, p_occurred_at, v_ledger);
        END IF;
    END LOOP;

    DELETE FROM sojourn.agreement_party AS stored
    WHERE stored.agreement_id = p_agreement_id AND NOT EXISTS (
        SELECT FROM jsonb_to_recordset(p_head->'parties') AS sent (role text, person_id text, scope text)
        WHERE (sent.role, sent.person_id, coalesce(sent.scope, '')) = (stored.role, stored.person_id, stored.scope)
    );
    INSERT INTO sojourn.agreement_party (agreement_id, role, person_id, scope)
    SELECT p_agreement_id, sent.role, sent.person_id, coalesce(sent.scope, '')
    FROM jsonb_to_recordset(p_head->'parties') AS sent (role text, person_id text, scope text)
    ON CONFLICT DO NOTHING;

    INSERT INTO sojourn.notice (
        notice_id, agreement_id, version, recipient_id, kind, obligation_id, not_before, notice
    )
    SELECT
        sent.notice->>'notice_id', p_agreement_id, append_events_v1.stream_version, sent.notice->>'recipient_id',
        sent.notice->>'kind', sent.notice->>'obligation_id', (sent.notice->>'not_before')::timestamptz, sent.notice
    FROM jsonb_array_elements(p_notices) AS sent (notice)
    ON CONFLICT (notice_id) DO NOTHING;

    verdict := 'appended';
    written_types := p_event_types;
END
$$;
COMMENT ON FUNCTION sojourn.append_events_v1 IS
    'One command''s events, their read models and notices, in one round trip, or nothing at all. verdict: appended, '
    'duplicate (success: they are there already), conflict (another version), different_content (a known command '
    'id or request id with other content).';

-- Whoever may append may do so only through the function; its owner alone reaches the tables.
REVOKE ALL ON FUNCTION sojourn.append_events_v1 FROM PUBLIC;

-- --------------------------------------------------------------------------------------------------- stalled

CREATE FUNCTION sojourn.stalled_as_of_v1(as_of timestamptz) RETURNS TABLE (
    agreement_id text, kind text, phase text, cohort text, reason text, waiting_on_role text,
    waiting_on_id text, since timestamptz, obligation_id text, obligation_kind text, due_at timestamptz,
    level smallint, next_level smallint, next_at timestamptz
)
LANGUAGE sql STABLE AS $$
    WITH longest_stalled AS (
        SELECT DISTINCT ON (owed.agreement_id) owed.*
        FROM sojourn.obligation AS owed
        WHERE owed.status = 'open' AND owed.stalled_at <= as_of
        ORDER BY owed.agreement_id, owed.stalled_at, owed.obligation_id
    ),
    counted AS (
        SELECT
            head.agreement_id, owed.reason, owed.stalled_at AS since, owed.obligation_id, owed.owner_role AS role,
            owed.owner_id AS person_id
        FROM longest_stalled AS owed
        JOIN sojourn.agreement AS head ON head.agreement_id = owed.agreement_id
        WHERE head.phase <> 'closed' AND NOT head.held AND head.paused_until IS NULL
        UNION ALL
        SELECT head.agreement_id, 'silent', head.silent_at, NULL, answers.role, answers.person_id
        FROM sojourn.agreement AS head
        LEFT JOIN LATERAL (
            SELECT party.role, party.person_id
            FROM sojourn.agreement_party AS party
            WHERE party.agreement_id = head.agreement_id AND party.role IN ('mentor', 'programme_owner')
            ORDER BY party.role, party.scope, party.person_id
            LIMIT 1
        ) AS answers ON true
        WHERE head.phase <> 'closed' AND NOT head.held AND head.paused_until IS NULL AND head.silent_at <= as_of
            AND NOT EXISTS (SELECT FROM longest_stalled AS owed WHERE owed.agreement_id = head.agreement_id)
    )
    SELECT
        head.agreement_id, head.kind, head.phase, head.cohort, counted.reason, counted.role, counted.person_id,
        counted.since, owed.obligation_id, owed.kind, owed.due_at, climbed.level, ahead.level, ahead.at
    FROM counted
    JOIN sojourn.agreement AS head ON head.agreement_id = counted.agreement_id
    LEFT JOIN sojourn.obligation AS owed
        ON owed.agreement_id = counted.agreement_id AND owed.obligation_id = counted.obligation_id
    LEFT JOIN LATERAL (
        SELECT max(rung.level) AS level
        FROM jsonb_to_recordset(owed.ladder) AS rung (level smallint, at timestamptz)
        WHERE rung.at <= as_of
    ) AS climbed ON true
    LEFT JOIN LATERAL (
        SELECT rung.level, rung.at
        FROM jsonb_to_recordset(owed.ladder) AS rung (level smallint, at timestamptz)
        WHERE rung.at > as_of
        ORDER BY rung.at
        LIMIT 1
    ) AS ahead ON true
    ORDER BY counted.since, head.agreement_id
$$;
COMMENT ON FUNCTION sojourn.stalled_as_of_v1 IS
    'One row per agreement that is stalled at an instant, past or future, if nothing else happens: the obligation '
    'stalled for longest, or silence, which waits on the mentor. The same as the domain says of the folded stream.';

CREATE VIEW sojourn.stalled AS SELECT * FROM sojourn.stalled_as_of_v1(clock_timestamp());
COMMENT ON VIEW sojourn.stalled IS 'Which agreements are stalled now, since when, on whom and why.';
