-- migrate:up
-- Releases from migration 0009 on work with this one.

-- What the log says besides its events is chained too: what type each accepted command had, what it said and which
-- notices it queued, and what was done about people's rights. Events keep their hashes and their scheme, so that the
-- release before this one goes on appending and verifying beside it; commands that it appends, and those that were
-- accepted before, have no hash and are checked as they were. No new column of the two large tables has a CHECK: to
-- add one reads the whole table, and keeps everybody out meanwhile.

-- -------------------------------------------------------------------------------------------------- commands

ALTER TABLE sojourn.command
    ADD COLUMN notices_hash bytea,
    ADD COLUMN hash bytea;
ALTER TABLE sojourn.agreement ADD COLUMN last_command_hash bytea;
COMMENT ON COLUMN sojourn.command.notices_hash IS 'Of the notices that it queued; NULL where it queued none.';
COMMENT ON COLUMN sojourn.command.hash IS
    'Of this row, its last event and the command before it that has a hash; NULL where an earlier release wrote it.';

CREATE FUNCTION sojourn.notices_hash_v1(notices jsonb[]) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(
        sojourn.framed_v1('sojourn.notices.v1')
        || string_agg(
            sojourn.framed_v1((queued.notice - 'not_before')::text), ''::bytea
            ORDER BY queued.notice->>'notice_id' COLLATE "C"
        )
    )
    FROM unnest(notices) AS queued (notice)
$$;
COMMENT ON FUNCTION sojourn.notices_hash_v1 IS
    'Of what a notice says for good, in order of id: when it may be sent is put off into working time. NULL for none.';

CREATE FUNCTION sojourn.command_hash_v1(
    previous bytea, event_hash bytea, notices_hash bytea, agreement_id text, command_id text, type text, digest text,
    first_version integer, last_version integer
) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(
        sojourn.framed_v1('sojourn.command.v1')
        || coalesce(previous, decode(repeat('00', 32), 'hex'))
        || event_hash
        || coalesce(notices_hash, decode(repeat('00', 32), 'hex'))
        || sojourn.framed_v1(agreement_id)
        || sojourn.framed_v1(command_id)
        || sojourn.framed_v1(type)
        || sojourn.framed_v1(digest)
        || sojourn.framed_v1(first_version::text)
        || sojourn.framed_v1(last_version::text)
    )
$$;
COMMENT ON FUNCTION sojourn.command_hash_v1 IS
    'SHA-256 over framed fields; the hashes of the command before, of the last event and of the notices are 32 raw '
    'bytes each, zeros where there is none. activities/command_chain.py computes the same.';

-- As append_events_v1, which the release before this one keeps calling, and chains the command.

CREATE FUNCTION sojourn.append_events_v2(
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
    v_notices_hash bytea;
    v_command_hash bytea;
BEGIN
    -- A transaction id drawn earlier could sort this append before its own predecessor in the global order; an
    -- older snapshot could take a retry for a conflict.
    IF pg_current_xact_id_if_assigned() IS NOT NULL OR current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append_events_v2 must be the first write of a READ COMMITTED transaction'
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
        SELECT head.last_hash, head.last_command_hash INTO v_previous, v_command_hash
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
    SELECT sojourn.notices_hash_v1(array_agg(sent.notice)) INTO v_notices_hash
    FROM jsonb_array_elements(p_notices) AS sent (notice)
    WHERE NOT EXISTS (SELECT FROM sojourn.notice AS queued WHERE queued.notice_id = sent.notice->>'notice_id');
    v_command_hash := sojourn.command_hash_v1(
        v_command_hash, v_previous, v_notices_hash, p_agreement_id, p_command_id, p_command_type, p_command_digest,
        p_expected_version + 1, stream_version
    );
    IF p_expected_version = 0 THEN
        INSERT INTO sojourn.agreement (
            agreement_id, version, last_hash, last_command_hash, kind, phase, outcome, tenant, request_id,
            request_digest, cohort, terms_version, starts_on, ends_on, mentor_hours_per_month, last_activity_at,
            silent_at, paused_until, held, next_instant, opened_at, updated_at, recorded_at
        )
        SELECT
            p_agreement_id, stream_version, v_previous, v_command_hash, head.kind, head.phase, head.outcome,
            head.tenant, head.request_id, head.request_digest, head.cohort, head.terms_version, head.starts_on, head.ends_on,
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
        SET version = append_events_v2.stream_version, last_hash = v_previous,
            last_command_hash = v_command_hash, phase = head.phase, outcome = head.outcome, cohort = head.cohort,
            terms_version = head.terms_version,
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
    INSERT INTO sojourn.command (
        agreement_id, command_id, type, digest, first_version, last_version, notices_hash, hash
    )
    VALUES (
        p_agreement_id, p_command_id, p_command_type, p_command_digest, p_expected_version + 1, stream_version,
        v_notices_hash, v_command_hash
    );

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
        sent.notice->>'notice_id', p_agreement_id, append_events_v2.stream_version, sent.notice->>'recipient_id',
        sent.notice->>'kind', sent.notice->>'obligation_id', (sent.notice->>'not_before')::timestamptz, sent.notice
    FROM jsonb_array_elements(p_notices) AS sent (notice)
    ON CONFLICT (notice_id) DO NOTHING;

    verdict := 'appended';
    written_types := p_event_types;
END
$$;
COMMENT ON FUNCTION sojourn.append_events_v2 IS
    'One command''s events, their read models and notices, in one round trip, or nothing at all. verdict: appended, '
    'duplicate (success: they are there already), conflict (another version), different_content (a known command '
    'id or request id with other content).';

-- ---------------------------------------------------------------------------------------------------- rights

CREATE TABLE sojourn.rights_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);
COMMENT ON TABLE sojourn.rights_head IS
    'Where the chain of rights_event ends: its lock puts those who note something into one order.';

ALTER TABLE sojourn.rights_event ADD COLUMN hash bytea CHECK (octet_length(hash) = 32);

CREATE FUNCTION sojourn.rights_hash_v1(
    previous bytea, "position" bigint, person_id text, type text, at timestamptz, actor_id text, data text
) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT sha256(
        sojourn.framed_v1('sojourn.rights.v1')
        || previous
        || sojourn.framed_v1("position"::text)
        || sojourn.framed_v1(person_id)
        || sojourn.framed_v1(type)
        || sojourn.framed_v1((extract(epoch FROM at) * 1000000)::bigint::text)
        || sojourn.framed_v1(actor_id)
        || sojourn.framed_v1(data)
    )
$$;
COMMENT ON FUNCTION sojourn.rights_hash_v1 IS
    'SHA-256 over framed fields, the 32 raw bytes of the previous hash second, zeros before the first. '
    'activities/rights_chain.py computes the same.';

CREATE FUNCTION sojourn.chain_rights_v1() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_head sojourn.rights_head;
BEGIN
    SELECT head.* INTO STRICT v_head FROM sojourn.rights_head AS head FOR UPDATE;
    NEW.position := v_head.position + 1;
    NEW.hash := sojourn.rights_hash_v1(
        v_head.hash, NEW.position, NEW.person_id, NEW.type, NEW.at, NEW.actor_id, NEW.data::text
    );
    UPDATE sojourn.rights_head AS head SET position = NEW.position, hash = NEW.hash;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION sojourn.chain_rights_v1 IS 'A trigger, so that the release before this one chains as well.';

-- What was noted before is chained as it is found.
ALTER TABLE sojourn.rights_event DISABLE TRIGGER rights_event_is_append_only;
DO $$
DECLARE
    v_noted sojourn.rights_event;
    v_position bigint := 0;
    v_hash bytea := decode(repeat('00', 32), 'hex');
BEGIN
    FOR v_noted IN SELECT noted.* FROM sojourn.rights_event AS noted ORDER BY noted.position LOOP
        v_position := v_noted.position;
        v_hash := sojourn.rights_hash_v1(
            v_hash, v_position, v_noted.person_id, v_noted.type, v_noted.at, v_noted.actor_id, v_noted.data::text
        );
        UPDATE sojourn.rights_event AS noted SET hash = v_hash WHERE noted.position = v_position;
    END LOOP;
    INSERT INTO sojourn.rights_head (position, hash) VALUES (v_position, v_hash);
END
$$;
ALTER TABLE sojourn.rights_event ENABLE ALWAYS TRIGGER rights_event_is_append_only;

CREATE TRIGGER rights_event_is_chained BEFORE INSERT ON sojourn.rights_event
    FOR EACH ROW EXECUTE FUNCTION sojourn.chain_rights_v1();
ALTER TABLE sojourn.rights_event ENABLE ALWAYS TRIGGER rights_event_is_chained;
