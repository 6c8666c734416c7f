-- The schema after all migrations, for reading. Generated: change deploy/migrations/ and run `make schema`.

-- Name: sojourn; Type: SCHEMA; Schema: -; Owner: -

CREATE SCHEMA sojourn;

-- Name: sojourn_keys; Type: SCHEMA; Schema: -; Owner: -

CREATE SCHEMA sojourn_keys;

-- Name: append_events_v1(text, integer, text, text, text, text, text, timestamp with time zone, uuid[], text[], integer[], text[], jsonb, jsonb); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.append_events_v1(p_agreement_id text, p_expected_version integer, p_command_id text, p_command_type text, p_command_digest text, p_actor_id text, p_actor_role text, p_occurred_at timestamp with time zone, p_event_ids uuid[], p_event_types text[], p_schema_versions integer[], p_data text[], p_head jsonb, p_notices jsonb, OUT verdict text, OUT stream_version integer, OUT written_types text[]) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

-- Name: FUNCTION append_events_v1(p_agreement_id text, p_expected_version integer, p_command_id text, p_command_type text, p_command_digest text, p_actor_id text, p_actor_role text, p_occurred_at timestamp with time zone, p_event_ids uuid[], p_event_types text[], p_schema_versions integer[], p_data text[], p_head jsonb, p_notices jsonb, OUT verdict text, OUT stream_version integer, OUT written_types text[]); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.append_events_v1(p_agreement_id text, p_expected_version integer, p_command_id text, p_command_type text, p_command_digest text, p_actor_id text, p_actor_role text, p_occurred_at timestamp with time zone, p_event_ids uuid[], p_event_types text[], p_schema_versions integer[], p_data text[], p_head jsonb, p_notices jsonb, OUT verdict text, OUT stream_version integer, OUT written_types text[]) IS 'One command''s events, their read models and notices, in one round trip, or nothing at all. verdict: appended, duplicate (success: they are there already), conflict (another version), different_content (a known command id or request id with other content).';

-- Name: append_events_v2(text, integer, text, text, text, text, text, timestamp with time zone, uuid[], text[], integer[], text[], jsonb, jsonb); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.append_events_v2(p_agreement_id text, p_expected_version integer, p_command_id text, p_command_type text, p_command_digest text, p_actor_id text, p_actor_role text, p_occurred_at timestamp with time zone, p_event_ids uuid[], p_event_types text[], p_schema_versions integer[], p_data text[], p_head jsonb, p_notices jsonb, OUT verdict text, OUT stream_version integer, OUT written_types text[]) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

-- Name: FUNCTION append_events_v2(p_agreement_id text, p_expected_version integer, p_command_id text, p_command_type text, p_command_digest text, p_actor_id text, p_actor_role text, p_occurred_at timestamp with time zone, p_event_ids uuid[], p_event_types text[], p_schema_versions integer[], p_data text[], p_head jsonb, p_notices jsonb, OUT verdict text, OUT stream_version integer, OUT written_types text[]); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.append_events_v2(p_agreement_id text, p_expected_version integer, p_command_id text, p_command_type text, p_command_digest text, p_actor_id text, p_actor_role text, p_occurred_at timestamp with time zone, p_event_ids uuid[], p_event_types text[], p_schema_versions integer[], p_data text[], p_head jsonb, p_notices jsonb, OUT verdict text, OUT stream_version integer, OUT written_types text[]) IS 'One command''s events, their read models and notices, in one round trip, or nothing at all. verdict: appended, duplicate (success: they are there already), conflict (another version), different_content (a known command id or request id with other content).';

-- Name: apply_ledger_v1(text, integer, timestamp with time zone, jsonb); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.apply_ledger_v1(p_agreement_id text, p_version integer, p_occurred_at timestamp with time zone, p_ledger jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

-- Name: FUNCTION apply_ledger_v1(p_agreement_id text, p_version integer, p_occurred_at timestamp with time zone, p_ledger jsonb); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.apply_ledger_v1(p_agreement_id text, p_version integer, p_occurred_at timestamp with time zone, p_ledger jsonb) IS 'One event''s LedgerChange on the obligations: settled, opened, moved, escalated, in this order. Also what a rebuild of the read model runs over the log.';

-- Name: begin_epoch_v1(); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.begin_epoch_v1() RETURNS void
    LANGUAGE sql
    AS $$
    UPDATE sojourn.log_epoch AS known
    SET epoch = known.epoch + 1, system_identifier = cluster.system_identifier
    FROM pg_control_system() AS cluster
    WHERE known.system_identifier <> cluster.system_identifier
$$;

-- Name: FUNCTION begin_epoch_v1(); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.begin_epoch_v1() IS 'Raises the epoch if this database has moved to another cluster. Run by every migration, a no-op otherwise.';

-- Name: chain_hash_v1(bytea, text, integer, uuid, text, integer, timestamp with time zone, timestamp with time zone, text, text, text, text); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.chain_hash_v1(previous bytea, agreement_id text, version integer, event_id uuid, type text, schema_version integer, occurred_at timestamp with time zone, recorded_at timestamp with time zone, actor_id text, actor_role text, command_id text, data text) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT
    AS $$
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

-- Name: FUNCTION chain_hash_v1(previous bytea, agreement_id text, version integer, event_id uuid, type text, schema_version integer, occurred_at timestamp with time zone, recorded_at timestamp with time zone, actor_id text, actor_role text, command_id text, data text); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.chain_hash_v1(previous bytea, agreement_id text, version integer, event_id uuid, type text, schema_version integer, occurred_at timestamp with time zone, recorded_at timestamp with time zone, actor_id text, actor_role text, command_id text, data text) IS 'The hash of an event: SHA-256 over framed fields, the 32 raw bytes of the previous hash second (zeros for the first event). Instants count microseconds since 1970 in UTC, numbers are decimal text. Position, tx and epoch are left out: they belong to the cluster, not to what happened. activities/chain.py computes the same.';

-- Name: chain_rights_v1(); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.chain_rights_v1() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

-- Name: FUNCTION chain_rights_v1(); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.chain_rights_v1() IS 'A trigger, so that the release before this one chains as well.';

-- Name: clear_person_v1(text); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.clear_person_v1(p_person_id text) RETURNS TABLE(cleared boolean, held_id text, held_reference text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    RETURN QUERY
    SELECT false, hold.person_id, hold.reference FROM sojourn.holds_v1(p_person_id, NULL) AS hold;
    IF FOUND THEN
        RETURN;
    END IF;
    UPDATE sojourn.person AS held
    SET name = '(erased)', email = NULL, channels = '[]', employee_number = NULL, assignment_id = NULL, leave = '[]',
        delegate_id = NULL, is_operator = false, left_on = coalesce(held.left_on, current_date),
        updated_at = clock_timestamp()
    WHERE held.person_id = p_person_id;
    RETURN QUERY SELECT FOUND, NULL::text, NULL::text;
END
$$;

-- Name: FUNCTION clear_person_v1(p_person_id text); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.clear_person_v1(p_person_id text) IS 'Takes out of the directory who somebody was; working time stays, for due instants are computed from it. Nothing where they are on legal hold, which is given back instead.';

-- Name: command_hash_v1(bytea, bytea, bytea, text, text, text, text, integer, integer); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.command_hash_v1(previous bytea, event_hash bytea, notices_hash bytea, agreement_id text, command_id text, type text, digest text, first_version integer, last_version integer) RETURNS bytea
    LANGUAGE sql IMMUTABLE
    AS $$
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

-- Name: FUNCTION command_hash_v1(previous bytea, event_hash bytea, notices_hash bytea, agreement_id text, command_id text, type text, digest text, first_version integer, last_version integer); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.command_hash_v1(previous bytea, event_hash bytea, notices_hash bytea, agreement_id text, command_id text, type text, digest text, first_version integer, last_version integer) IS 'SHA-256 over framed fields; the hashes of the command before, of the last event and of the notices are 32 raw bytes each, zeros where there is none. activities/command_chain.py computes the same.';

-- Name: destroy_keys_v1(text, text, text, jsonb); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.destroy_keys_v1(p_person_id text, p_agreement_id text, p_actor_id text, p_data jsonb) RETURNS TABLE(subject_id text, version integer, destroyed_at timestamp with time zone, held_id text, held_reference text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    -- The subject of a key is no person: a hold on the person would not be found by it. And of no agreement are all keys
    -- of the directory.
    IF position('@' in coalesce(p_person_id, '')) > 0 OR p_person_id = '' OR p_agreement_id = '' THEN
        RAISE EXCEPTION 'keys are destroyed of a person or of an agreement, by its id' USING ERRCODE = 'SJ001';
    END IF;
    RETURN QUERY
    SELECT NULL::text, NULL::integer, NULL::timestamptz, hold.person_id, hold.reference
    FROM sojourn.holds_v1(p_person_id, p_agreement_id) AS hold;
    IF FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH gone AS (
        UPDATE sojourn_keys.subject_key AS held
        SET key_id = NULL, wrapped = NULL, destroyed_at = clock_timestamp()
        WHERE held.destroyed_at IS NULL AND (
            held.subject_id = p_person_id
            OR (held.subject_id >= p_person_id || '@' AND held.subject_id < p_person_id || 'A')
            OR split_part(held.subject_id, '@', 2) COLLATE "C" = p_agreement_id
        )
        RETURNING held.subject_id, held.version, held.destroyed_at
    ),
    noted AS (
        INSERT INTO sojourn.rights_event (person_id, type, actor_id, data)
        SELECT
            split_part(gone.subject_id, '@', 1), 'keys.destroyed', p_actor_id,
            p_data || jsonb_build_object('keys_destroyed', jsonb_agg(jsonb_build_object(
                'person_id', split_part(gone.subject_id, '@', 1),
                'agreement_id', nullif(split_part(gone.subject_id, '@', 2), ''),
                'version', gone.version
            ) ORDER BY gone.subject_id, gone.version))
        FROM gone
        GROUP BY split_part(gone.subject_id, '@', 1)
    )
    SELECT gone.subject_id, gone.version, gone.destroyed_at, NULL::text, NULL::text
    FROM gone
    ORDER BY gone.subject_id, gone.version;
END
$$;

-- Name: FUNCTION destroy_keys_v1(p_person_id text, p_agreement_id text, p_actor_id text, p_data jsonb); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.destroy_keys_v1(p_person_id text, p_agreement_id text, p_actor_id text, p_data jsonb) IS 'Destroys every key of a person, or every key of an agreement, and notes each in the log of rights; nothing at all where somebody concerned is on legal hold, who is given back instead.';

-- Name: fill_stalls_v1(integer); Type: PROCEDURE; Schema: sojourn; Owner: -

CREATE PROCEDURE sojourn.fill_stalls_v1(IN p_at_once integer)
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_now CONSTANT timestamptz := clock_timestamp();
    v_ids CONSTANT text[] := ARRAY(
        SELECT stall.agreement_id
        FROM sojourn.stall_spans_v1(v_now) AS span
        JOIN sojourn.stall
            ON stall.lasts_days = span.lasts_days AND stall.since BETWEEN span.earliest AND v_now
                AND stall.starts_at <= v_now AND stall.ends_at > v_now
        ORDER BY stall.since
    );
BEGIN
    FOR v_first IN 1 .. cardinality(v_ids) BY p_at_once LOOP
        UPDATE sojourn.stall AS held
        SET phase = planned.phase, obligation_kind = planned.obligation_kind, due_at = planned.due_at,
            next_level = planned.next_level, next_at = planned.next_at
        FROM unnest(v_ids[v_first : v_first + p_at_once - 1]) AS stalled (agreement_id)
        CROSS JOIN LATERAL (
            SELECT * FROM sojourn.stall_planned AS each WHERE each.agreement_id = stalled.agreement_id OFFSET 0
        ) AS planned
        WHERE held.agreement_id = planned.agreement_id AND held.starts_at = planned.starts_at AND held.phase IS NULL
            AND held.starts_at <= v_now AND held.ends_at > v_now;
        COMMIT;
    END LOOP;
END
$$;

-- Name: PROCEDURE fill_stalls_v1(IN p_at_once integer); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON PROCEDURE sojourn.fill_stalls_v1(IN p_at_once integer) IS 'Writes down what is only shown, for agreements that are stalled now and where it is missing, longest stalled first, so many at once. May be broken off and called again.';

-- Name: framed_v1(text); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.framed_v1(field text) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT
    AS $$
    SELECT int4send(octet_length(convert_to(field, 'UTF8'))) || convert_to(field, 'UTF8')
$$;

-- Name: FUNCTION framed_v1(field text); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.framed_v1(field text) IS 'Four bytes of length, big-endian, then the text in UTF-8: no two lists of fields frame to the same bytes.';

-- Name: holds_v1(text, text); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.holds_v1(p_person_id text, p_agreement_id text) RETURNS TABLE(person_id text, reference text)
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM FROM sojourn.rights_head FOR UPDATE;
    RETURN QUERY
    WITH concerned AS (
        SELECT p_person_id COLLATE "C" AS person_id WHERE p_person_id IS NOT NULL
        UNION
        SELECT party.person_id FROM sojourn.agreement_party AS party WHERE party.agreement_id = p_agreement_id
        UNION
        SELECT split_part(held.subject_id, '@', 1)
        FROM sojourn_keys.subject_key AS held
        WHERE split_part(held.subject_id, '@', 2) COLLATE "C" = p_agreement_id
    )
    SELECT latest.person_id, coalesce(latest.data->>'reference', '')
    FROM concerned
    CROSS JOIN LATERAL (
        SELECT noted.person_id, noted.type, noted.data
        FROM sojourn.rights_event AS noted
        WHERE noted.person_id = concerned.person_id AND noted.type IN ('hold.placed', 'hold.lifted')
        ORDER BY noted.position DESC
        LIMIT 1
    ) AS latest
    WHERE latest.type = 'hold.placed'
    ORDER BY latest.person_id;
END
$$;

-- Name: FUNCTION holds_v1(p_person_id text, p_agreement_id text); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.holds_v1(p_person_id text, p_agreement_id text) IS 'The legal holds on a person, or on anybody in an agreement; until the transaction ends, none is placed or lifted.';

-- Name: known_command_v1(text, text, text); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.known_command_v1(p_agreement_id text, p_command_id text, p_command_digest text, OUT verdict text, OUT stream_version integer, OUT written_types text[]) RETURNS SETOF record
    LANGUAGE sql STABLE
    AS $$
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

-- Name: FUNCTION known_command_v1(p_agreement_id text, p_command_id text, p_command_digest text, OUT verdict text, OUT stream_version integer, OUT written_types text[]); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.known_command_v1(p_agreement_id text, p_command_id text, p_command_digest text, OUT verdict text, OUT stream_version integer, OUT written_types text[]) IS 'No row while the command is unknown.';

-- Name: move_stall_mark_v1(timestamp with time zone); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.move_stall_mark_v1(p_as_of timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(sojourn.stall_mark_lock_v1());
    WITH moved AS MATERIALIZED (
        SELECT * FROM sojourn.stalled_tally_v1(p_as_of)
    ),
    replaced AS (
        DELETE FROM sojourn.stall_tally
    )
    INSERT INTO sojourn.stall_tally SELECT * FROM moved;
    UPDATE sojourn.stall_mark SET as_of = p_as_of;
END
$$;

-- Name: FUNCTION move_stall_mark_v1(p_as_of timestamp with time zone); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.move_stall_mark_v1(p_as_of timestamp with time zone) IS 'Needs READ COMMITTED: what it counts must be what it finds once nobody else reads the mark.';

-- Name: note_opening_v1(text[], text, integer, text, text, jsonb); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.note_opening_v1(p_people text[], p_agreement_id text, p_known integer, p_type text, p_actor_id text, p_data jsonb) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM sojourn.rights_head FOR UPDATE;
    IF p_known <> (
        SELECT count(*)
        FROM sojourn.rights_event AS noted
        WHERE noted.person_id = p_people[1] AND noted.type IN ('glass.requested', 'glass.approved')
            AND noted.data->>'agreement_id' = p_agreement_id
    ) THEN
        RETURN false;
    END IF;
    INSERT INTO sojourn.rights_event (person_id, type, actor_id, data)
    SELECT concerned.person_id, p_type, p_actor_id, p_data FROM unnest(p_people) AS concerned (person_id);
    RETURN true;
END
$$;

-- Name: FUNCTION note_opening_v1(p_people text[], p_agreement_id text, p_known integer, p_type text, p_actor_id text, p_data jsonb); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.note_opening_v1(p_people text[], p_agreement_id text, p_known integer, p_type text, p_actor_id text, p_data jsonb) IS 'Notes for several people, the mentee first, that something private of a closed agreement was asked for or opened; false and nothing where more or less was noted of the mentee in it than whoever decides knows.';

-- Name: note_unless_held_v1(text, text, text[], text, text, jsonb); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.note_unless_held_v1(p_person_id text, p_agreement_id text, p_people text[], p_type text, p_actor_id text, p_data jsonb) RETURNS TABLE(held_id text, held_reference text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    RETURN QUERY SELECT hold.person_id, hold.reference FROM sojourn.holds_v1(p_person_id, p_agreement_id) AS hold;
    IF FOUND THEN
        RETURN;
    END IF;
    INSERT INTO sojourn.rights_event (person_id, type, actor_id, data)
    SELECT about.person_id, p_type, p_actor_id, p_data FROM unnest(p_people) AS about (person_id);
END
$$;

-- Name: FUNCTION note_unless_held_v1(p_person_id text, p_agreement_id text, p_people text[], p_type text, p_actor_id text, p_data jsonb); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.note_unless_held_v1(p_person_id text, p_agreement_id text, p_people text[], p_type text, p_actor_id text, p_data jsonb) IS 'Notes of several people what is about to be removed on account of a person or an agreement; nothing where somebody concerned is on legal hold, who is given back instead.';

-- Name: notices_hash_v1(jsonb[]); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.notices_hash_v1(notices jsonb[]) RETURNS bytea
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT sha256(
        sojourn.framed_v1('sojourn.notices.v1')
        || string_agg(
            sojourn.framed_v1((queued.notice - 'not_before')::text), ''::bytea
            ORDER BY queued.notice->>'notice_id' COLLATE "C"
        )
    )
    FROM unnest(notices) AS queued (notice)
$$;

-- Name: FUNCTION notices_hash_v1(notices jsonb[]); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.notices_hash_v1(notices jsonb[]) IS 'Of what a notice says for good, in order of id: when it may be sent is put off into working time. NULL for none.';

-- Name: plan_stall_v1(); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.plan_stall_v1() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_known CONSTANT sojourn.stall[] := ARRAY(
        SELECT stall FROM sojourn.stall WHERE stall.agreement_id = NEW.agreement_id ORDER BY stall.starts_at
    );
    v_planned CONSTANT sojourn.stall[] := ARRAY(
        SELECT ROW(planned.*)::sojourn.stall
        FROM sojourn.stall_planned AS planned
        WHERE planned.agreement_id = NEW.agreement_id
        ORDER BY planned.starts_at
    );
BEGIN
    IF v_known IS DISTINCT FROM v_planned THEN
        DELETE FROM sojourn.stall WHERE stall.agreement_id = NEW.agreement_id;
        INSERT INTO sojourn.stall SELECT * FROM unnest(v_planned);
    END IF;

    IF NEW.phase <> 'closed' AND NEW.updated_at > clock_timestamp() THEN
        INSERT INTO sojourn.agreement_ahead VALUES (NEW.agreement_id, NEW.updated_at)
        ON CONFLICT (agreement_id) DO UPDATE SET updated_at = excluded.updated_at;
    ELSE
        DELETE FROM sojourn.agreement_ahead AS ahead WHERE ahead.agreement_id = NEW.agreement_id;
    END IF;
    RETURN NULL;
END
$$;

-- Name: queue_resent_notices_v2(); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.queue_resent_notices_v2() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE sojourn.notice
    SET state = 'queued', attempts_before = attempts, next_try_at = NULL
    WHERE agreement_id = NEW.agreement_id AND state = 'failed'
        AND notice_id IN (SELECT json_array_elements_text(NEW.data->'notice_ids'));
    RETURN NULL;
END
$$;

-- Name: FUNCTION queue_resent_notices_v2(); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.queue_resent_notices_v2() IS 'Errors and attempts stay as they are: they tell what was tried before. The count of tries begins again.';

-- Name: refuse_change(); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: the log is append-only', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'SJ003',
              HINT = 'Correct a mistake with a compensating event; erase a person by destroying their key.';
END
$$;

-- Name: refuse_stall_update_v1(); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.refuse_stall_update_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'rows of sojourn.stall are not updated: the tally would not notice'
        USING ERRCODE = 'SJ003', HINT = 'Delete and insert them.';
END
$$;

-- Name: refused_append_v1(text, integer, text, text, jsonb); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.refused_append_v1(p_agreement_id text, p_expected_version integer, p_command_id text, p_command_digest text, p_head jsonb, OUT verdict text, OUT stream_version integer, OUT written_types text[]) RETURNS record
    LANGUAGE plpgsql STABLE
    AS $$
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

-- Name: FUNCTION refused_append_v1(p_agreement_id text, p_expected_version integer, p_command_id text, p_command_digest text, p_head jsonb, OUT verdict text, OUT stream_version integer, OUT written_types text[]); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.refused_append_v1(p_agreement_id text, p_expected_version integer, p_command_id text, p_command_digest text, p_head jsonb, OUT verdict text, OUT stream_version integer, OUT written_types text[]) IS 'Why the head row was not ours. A request id that belongs to another agreement is different content even if the request reads the same: one request opens one agreement.';

-- Name: require_all_v1(text, text, integer, integer, integer); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.require_all_v1(p_verb text, p_agreement_id text, p_version integer, p_expected integer, p_touched integer) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

-- Name: rights_hash_v1(bytea, bigint, text, text, timestamp with time zone, text, text); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.rights_hash_v1(previous bytea, "position" bigint, person_id text, type text, at timestamp with time zone, actor_id text, data text) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT
    AS $$
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

-- Name: FUNCTION rights_hash_v1(previous bytea, "position" bigint, person_id text, type text, at timestamp with time zone, actor_id text, data text); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.rights_hash_v1(previous bytea, "position" bigint, person_id text, type text, at timestamp with time zone, actor_id text, data text) IS 'SHA-256 over framed fields, the 32 raw bytes of the previous hash second, zeros before the first. activities/rights_chain.py computes the same.';

-- Name: stall_mark_lock_v1(); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.stall_mark_lock_v1() RETURNS bigint
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT x'7374616c6c'::bigint $$;

-- Name: stall_span_v1(timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.stall_span_v1(since timestamp with time zone, ends_at timestamp with time zone) RETURNS smallint
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT coalesce(min(days), 0)::smallint
    FROM unnest(ARRAY[1, 2, 4, 8, 16, 32, 64, 128, 256]) AS span (days)
    WHERE extract(epoch FROM ends_at) - extract(epoch FROM since) <= days * 86400
$$;

-- Name: stall_spans_v1(timestamp with time zone); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.stall_spans_v1(p_as_of timestamp with time zone, OUT lasts_days smallint, OUT earliest timestamp with time zone) RETURNS SETOF record
    LANGUAGE sql IMMUTABLE ROWS 10
    AS $$
    SELECT 0::smallint, '-infinity'::timestamptz
    UNION ALL
    SELECT days::smallint, p_as_of - make_interval(hours => days * 24)
    FROM unnest(ARRAY[1, 2, 4, 8, 16, 32, 64, 128, 256]) AS span (days)
$$;

-- Name: FUNCTION stall_spans_v1(p_as_of timestamp with time zone, OUT lasts_days smallint, OUT earliest timestamp with time zone); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.stall_spans_v1(p_as_of timestamp with time zone, OUT lasts_days smallint, OUT earliest timestamp with time zone) IS 'Where to look for stretches that hold at an instant: for each value of lasts_days the earliest since. What begins in that range and is over is at most about as much again, however long the table remembers.';

-- Name: stalled_as_of_v1(timestamp with time zone); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.stalled_as_of_v1(as_of timestamp with time zone) RETURNS TABLE(agreement_id text, kind text, phase text, cohort text, reason text, waiting_on_role text, waiting_on_id text, since timestamp with time zone, obligation_id text, obligation_kind text, due_at timestamp with time zone, level smallint, next_level smallint, next_at timestamp with time zone)
    LANGUAGE sql STABLE
    AS $$
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

-- Name: FUNCTION stalled_as_of_v1(as_of timestamp with time zone); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.stalled_as_of_v1(as_of timestamp with time zone) IS 'One row per agreement that is stalled at an instant, past or future, if nothing else happens: the obligation stalled for longest, or silence, which waits on the mentor. The same as the domain says of the folded stream.';

-- Name: stalled_counts_v1(timestamp with time zone); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.stalled_counts_v1(p_as_of timestamp with time zone) RETURNS TABLE(kind text, reason text, waiting_on_role text, level smallint, agreements bigint, first_since timestamp with time zone)
    LANGUAGE sql STABLE
    AS $$
    SELECT stall.kind, stall.reason, stall.waiting_on_role, stall.level, count(*), min(stall.since)
    FROM sojourn.stall_spans_v1(p_as_of) AS span
    JOIN sojourn.stall
        ON stall.lasts_days = span.lasts_days AND stall.since BETWEEN span.earliest AND p_as_of
            AND stall.starts_at <= p_as_of AND stall.ends_at > p_as_of
    GROUP BY stall.kind, stall.reason, stall.waiting_on_role, stall.level
$$;

-- Name: FUNCTION stalled_counts_v1(p_as_of timestamp with time zone); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.stalled_counts_v1(p_as_of timestamp with time zone) IS 'How many agreements are stalled at an instant and since when the first of them is, by kind, reason, role and rung.';

-- Name: stalled_page_query_v1(jsonb); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.stalled_page_query_v1(p_filters jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    AS $_$
DECLARE
    v_condition text := '';
    v_column text;
    v_values text[];
BEGIN
    FOR v_column, v_values IN
        SELECT filter.key, ARRAY(SELECT jsonb_array_elements_text(filter.value)) FROM jsonb_each(p_filters) AS filter
    LOOP
        IF v_column NOT IN ('kind', 'reason', 'waiting_on_role', 'waiting_on_id', 'level', 'tenant', 'cohort') THEN
            RAISE EXCEPTION 'stalled agreements cannot be filtered by %', v_column USING ERRCODE = 'SJ004',
                HINT = 'Filter by kind, reason, waiting_on_role, waiting_on_id, level, tenant or cohort.';
        END IF;
        -- Values, not parameters: the plan depends on how common a value is.
        v_condition := v_condition || CASE
            WHEN cardinality(v_values) = 1 THEN format(' AND stall.%I = %L', v_column, v_values[1])
            ELSE format(' AND stall.%I = ANY (%L)', v_column, v_values)
        END;
    END LOOP;
    RETURN format(
        $query$
        SELECT array_agg(page.agreement_id), array_agg(page.starts_at)
        FROM (
            SELECT found.agreement_id, found.starts_at
            FROM sojourn.stall_spans_v1($1) AS span
            CROSS JOIN LATERAL (
                SELECT stall.agreement_id, stall.starts_at, stall.since
                FROM sojourn.stall
                WHERE stall.lasts_days = span.lasts_days
                    AND stall.since BETWEEN greatest(span.earliest, $2) AND $1
                    AND stall.starts_at <= $1 AND stall.ends_at > $1
                    AND NOT (stall.since = $2 AND stall.agreement_id <= $3)
                    %s
                ORDER BY stall.since, stall.agreement_id
                LIMIT $4
            ) AS found
            ORDER BY found.since, found.agreement_id
            LIMIT $4
        ) AS page
        $query$,
        v_condition
    );
END
$_$;

-- Name: FUNCTION stalled_page_query_v1(p_filters jsonb); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.stalled_page_query_v1(p_filters jsonb) IS 'The query behind stalled_page_v1, of as-of instant, since, id and limit: also to be explained.';

-- Name: stalled_page_query_v2(jsonb); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.stalled_page_query_v2(p_filters jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    AS $_$
DECLARE
    v_condition text := '';
    v_column text;
    v_values text[];
    v_found text;
BEGIN
    FOR v_column, v_values IN
        SELECT filter.key, ARRAY(SELECT jsonb_array_elements_text(filter.value)) FROM jsonb_each(p_filters) AS filter
    LOOP
        IF v_column NOT IN ('kind', 'reason', 'waiting_on_role', 'waiting_on_id', 'level', 'tenant', 'cohort') THEN
            RAISE EXCEPTION 'stalled agreements cannot be filtered by %', v_column USING ERRCODE = 'SJ004',
                HINT = 'Filter by kind, reason, waiting_on_role, waiting_on_id, level, tenant or cohort.';
        END IF;
        -- Values, not parameters: the plan depends on how common a value is.
        v_condition := v_condition || CASE
            WHEN cardinality(v_values) = 1 THEN format(' AND stall.%I = %L', v_column, v_values[1])
            ELSE format(' AND stall.%I = ANY (%L)', v_column, v_values)
        END;
    END LOOP;
    v_found := $found$
                SELECT stall.agreement_id, stall.starts_at, stall.since
                FROM sojourn.stall
                WHERE stall.lasts_days = %1$s
                    AND stall.since BETWEEN greatest(%2$s, $2) AND %3$s
                    AND stall.starts_at <= $1 AND stall.ends_at > $1
                    AND NOT (stall.since = $2 AND stall.agreement_id <= $3)
                    %4$s
                ORDER BY stall.since, stall.agreement_id
                LIMIT $4
    $found$;
    RETURN format(
        $query$
        WITH unending AS MATERIALIZED (%s),
        reach AS MATERIALIZED (
            SELECT CASE WHEN count(*) = $4 THEN max(unending.since) ELSE $1 END AS latest FROM unending
        )
        SELECT array_agg(page.agreement_id), array_agg(page.starts_at)
        FROM (
            SELECT * FROM unending
            UNION ALL
            SELECT found.agreement_id, found.starts_at, found.since
            FROM reach
            CROSS JOIN sojourn.stall_spans_v1($1) AS span
            CROSS JOIN LATERAL (%s) AS found
            WHERE span.lasts_days > 0
            ORDER BY since, agreement_id
            LIMIT $4
        ) AS page
        $query$,
        format(v_found, '0', '''-infinity''::timestamptz', '$1', v_condition),
        format(v_found, 'span.lasts_days', 'span.earliest', 'reach.latest', v_condition)
    );
END
$_$;

-- Name: FUNCTION stalled_page_query_v2(p_filters jsonb); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.stalled_page_query_v2(p_filters jsonb) IS 'The query behind stalled_page_v2, of as-of instant, since, id and limit: also to be explained. Stretches without an end are looked at first: they are the longest stalled, and where they fill a page nothing that began later than its last row is read.';

-- Name: stalled_page_v1(timestamp with time zone, jsonb, timestamp with time zone, text, integer); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.stalled_page_v1(p_as_of timestamp with time zone, p_filters jsonb, p_after_since timestamp with time zone, p_after_id text, p_limit integer) RETURNS TABLE(agreement_id text, kind text, phase text, tenant text, cohort text, reason text, waiting_on_role text, waiting_on_id text, since timestamp with time zone, obligation_id text, obligation_kind text, due_at timestamp with time zone, level smallint, next_level smallint, next_at timestamp with time zone)
    LANGUAGE plpgsql STABLE
    SET enable_bitmapscan TO 'off'
    SET enable_seqscan TO 'off'
    AS $$
DECLARE
    v_ids text[];
    v_starts timestamptz[];
BEGIN
    EXECUTE sojourn.stalled_page_query_v1(p_filters)
    INTO v_ids, v_starts USING p_as_of, p_after_since, p_after_id, p_limit;

    RETURN QUERY
    SELECT
        page.agreement_id, page.kind, head.phase, page.tenant, page.cohort, page.reason, page.waiting_on_role,
        page.waiting_on_id, page.since, page.obligation_id, owed.kind, owed.due_at, page.level, ahead.level, ahead.at
    FROM unnest(v_ids, v_starts) AS chosen (agreement_id, starts_at)
    JOIN sojourn.stall AS page ON page.agreement_id = chosen.agreement_id AND page.starts_at = chosen.starts_at
    JOIN sojourn.agreement AS head ON head.agreement_id = page.agreement_id
    LEFT JOIN sojourn.obligation AS owed
        ON owed.agreement_id = page.agreement_id AND owed.obligation_id = page.obligation_id
    LEFT JOIN LATERAL (
        SELECT rung.level, rung.at
        FROM jsonb_to_recordset(owed.ladder) AS rung (level smallint, at timestamptz)
        WHERE rung.at > p_as_of
        ORDER BY rung.at
        LIMIT 1
    ) AS ahead ON true
    ORDER BY page.since, page.agreement_id;
END
$$;

-- Name: FUNCTION stalled_page_v1(p_as_of timestamp with time zone, p_filters jsonb, p_after_since timestamp with time zone, p_after_id text, p_limit integer); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.stalled_page_v1(p_as_of timestamp with time zone, p_filters jsonb, p_after_since timestamp with time zone, p_after_id text, p_limit integer) IS 'The next agreements that are stalled at an instant, longest first, after (since, id): -infinity and an empty id for the first page. Filters: column to array of values. The rows are those of stalled_as_of_v1.';

-- Name: stalled_page_v2(timestamp with time zone, jsonb, timestamp with time zone, text, integer); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.stalled_page_v2(p_as_of timestamp with time zone, p_filters jsonb, p_after_since timestamp with time zone, p_after_id text, p_limit integer) RETURNS TABLE(agreement_id text, kind text, phase text, tenant text, cohort text, reason text, waiting_on_role text, waiting_on_id text, since timestamp with time zone, obligation_id text, obligation_kind text, due_at timestamp with time zone, level smallint, next_level smallint, next_at timestamp with time zone)
    LANGUAGE plpgsql STABLE
    SET enable_bitmapscan TO 'off'
    SET enable_seqscan TO 'off'
    AS $$
DECLARE
    v_ids text[];
    v_starts timestamptz[];
BEGIN
    EXECUTE sojourn.stalled_page_query_v2(p_filters)
    INTO v_ids, v_starts USING p_as_of, p_after_since, p_after_id, p_limit;

    RETURN QUERY
    SELECT
        page.agreement_id, page.kind, coalesce(page.phase, head.phase), page.tenant, page.cohort, page.reason,
        page.waiting_on_role, page.waiting_on_id, page.since, page.obligation_id,
        coalesce(page.obligation_kind, owed.kind), coalesce(page.due_at, owed.due_at), page.level,
        coalesce(page.next_level, ahead.level), coalesce(page.next_at, ahead.at)
    FROM unnest(v_ids, v_starts) AS chosen (agreement_id, starts_at)
    JOIN sojourn.stall AS page ON page.agreement_id = chosen.agreement_id AND page.starts_at = chosen.starts_at
    -- An index is not looked into for NULL: what a stretch carries itself is not read elsewhere.
    LEFT JOIN sojourn.agreement AS head
        ON head.agreement_id = CASE WHEN page.phase IS NULL THEN page.agreement_id END
    LEFT JOIN sojourn.obligation AS owed
        ON owed.agreement_id = head.agreement_id AND owed.obligation_id = page.obligation_id
    LEFT JOIN LATERAL (
        SELECT rung.level, rung.at
        FROM jsonb_to_recordset(owed.ladder) AS rung (level smallint, at timestamptz)
        WHERE rung.at > p_as_of
        ORDER BY rung.at
        LIMIT 1
    ) AS ahead ON true
    ORDER BY page.since, page.agreement_id;
END
$$;

-- Name: FUNCTION stalled_page_v2(p_as_of timestamp with time zone, p_filters jsonb, p_after_since timestamp with time zone, p_after_id text, p_limit integer); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.stalled_page_v2(p_as_of timestamp with time zone, p_filters jsonb, p_after_since timestamp with time zone, p_after_id text, p_limit integer) IS 'The next agreements that are stalled at an instant, longest first, after (since, id): -infinity and an empty id for the first page. Filters: column to array of values. The rows are those of stalled_as_of_v1.';

-- Name: stalled_tally_v1(timestamp with time zone); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.stalled_tally_v1(p_as_of timestamp with time zone) RETURNS TABLE(kind text, reason text, waiting_on_role text, level smallint, agreements bigint)
    LANGUAGE sql STABLE
    AS $$
    SELECT change.kind, change.reason, change.waiting_on_role, change.level, sum(change.agreements)::bigint
    FROM (
        SELECT tally.kind, tally.reason, tally.waiting_on_role, tally.level, tally.agreements
        FROM sojourn.stall_tally AS tally
        UNION ALL
        SELECT
            begun.kind, begun.reason, begun.waiting_on_role, begun.level,
            CASE WHEN begun.starts_at <= p_as_of THEN 1 ELSE -1 END
        FROM sojourn.stall AS begun
        WHERE begun.starts_at > (SELECT least(mark.as_of, p_as_of) FROM sojourn.stall_mark AS mark)
            AND begun.starts_at <= (SELECT greatest(mark.as_of, p_as_of) FROM sojourn.stall_mark AS mark)
        UNION ALL
        SELECT
            ended.kind, ended.reason, ended.waiting_on_role, ended.level,
            CASE WHEN ended.ends_at <= p_as_of THEN -1 ELSE 1 END
        FROM sojourn.stall AS ended
        WHERE ended.ends_at > (SELECT least(mark.as_of, p_as_of) FROM sojourn.stall_mark AS mark)
            AND ended.ends_at <= (SELECT greatest(mark.as_of, p_as_of) FROM sojourn.stall_mark AS mark)
            AND ended.ends_at < 'infinity'
    ) AS change
    GROUP BY change.kind, change.reason, change.waiting_on_role, change.level
    HAVING sum(change.agreements) <> 0
$$;

-- Name: FUNCTION stalled_tally_v1(p_as_of timestamp with time zone); Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON FUNCTION sojourn.stalled_tally_v1(p_as_of timestamp with time zone) IS 'How many agreements are stalled at an instant, by kind, reason, role and rung: the numbers of stalled_counts_v1. Quick near the mark, which is at most a minute old while anybody appends.';

-- Name: tally_stall_v1(); Type: FUNCTION; Schema: sojourn; Owner: -

CREATE FUNCTION sojourn.tally_stall_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_mark timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(sojourn.stall_mark_lock_v1());
    SELECT mark.as_of INTO v_mark FROM sojourn.stall_mark AS mark;
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM sojourn.stall_tally;
        RETURN NULL;
    END IF;
    INSERT INTO sojourn.stall_tally
    SELECT
        changed.kind, changed.reason, changed.waiting_on_role, changed.level,
        count(*) * CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END
    FROM changed
    WHERE changed.starts_at <= v_mark AND changed.ends_at > v_mark
    GROUP BY changed.kind, changed.reason, changed.waiting_on_role, changed.level;

    -- Moved in passing, and only where nobody is in the way: no append ever waits to move it.
    IF clock_timestamp() > v_mark + interval '1 minute'
        AND current_setting('transaction_isolation') = 'read committed'
        AND pg_try_advisory_xact_lock(sojourn.stall_mark_lock_v1()) THEN
        PERFORM sojourn.move_stall_mark_v1(clock_timestamp());
    END IF;
    RETURN NULL;
END
$$;

-- Name: agreement; Type: TABLE; Schema: sojourn; Owner: -

CREATE TABLE sojourn.agreement (
    agreement_id text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    last_hash bytea NOT NULL,
    kind text NOT NULL,
    phase text NOT NULL,
    outcome text,
    tenant text NOT NULL COLLATE pg_catalog."C",
    request_id text NOT NULL COLLATE pg_catalog."C",
    request_digest text NOT NULL COLLATE pg_catalog."C",
    cohort text COLLATE pg_catalog."C",
    terms_version integer NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    mentor_hours_per_month double precision NOT NULL,
    last_activity_at timestamp with time zone NOT NULL,
    silent_at timestamp with time zone,
    paused_until timestamp with time zone,
    held boolean NOT NULL,
    next_instant timestamp with time zone,
    opened_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    last_command_hash bytea
)
WITH (fillfactor='75');

-- Name: TABLE agreement; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON TABLE sojourn.agreement IS 'The head of each stream and what operators filter by, in one row: its lock is the conflict check. fillfactor leaves room to update it in place, since every append does.';

-- Name: COLUMN agreement.opened_at; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.agreement.opened_at IS 'occurred_at of the first event.';

-- Name: COLUMN agreement.updated_at; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.agreement.updated_at IS 'occurred_at of the last event.';

-- Name: agreement_ahead; Type: TABLE; Schema: sojourn; Owner: -

CREATE TABLE sojourn.agreement_ahead (
    agreement_id text NOT NULL COLLATE pg_catalog."C",
    updated_at timestamp with time zone NOT NULL
);

-- Name: TABLE agreement_ahead; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON TABLE sojourn.agreement_ahead IS 'Open agreements whose own time ran ahead of the server''s clock at their last event, as in a demonstration: who asks about now looks at them in their own time. Empty in a record of real placements.';

-- Name: agreement_party; Type: TABLE; Schema: sojourn; Owner: -

CREATE TABLE sojourn.agreement_party (
    agreement_id text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    person_id text NOT NULL COLLATE pg_catalog."C",
    scope text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C"
);

-- Name: command; Type: TABLE; Schema: sojourn; Owner: -

CREATE TABLE sojourn.command (
    agreement_id text NOT NULL COLLATE pg_catalog."C",
    command_id text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL,
    digest text NOT NULL COLLATE pg_catalog."C",
    first_version integer NOT NULL,
    last_version integer NOT NULL,
    notices_hash bytea,
    hash bytea,
    CONSTRAINT command_check CHECK ((last_version >= first_version))
);

-- Name: TABLE command; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON TABLE sojourn.command IS 'Every accepted command, once: what makes a retry an answer instead of an error.';

-- Name: COLUMN command.notices_hash; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.command.notices_hash IS 'Of the notices that it queued; NULL where it queued none.';

-- Name: COLUMN command.hash; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.command.hash IS 'Of this row, its last event and the command before it that has a hash; NULL where an earlier release wrote it.';

-- Name: digest; Type: TABLE; Schema: sojourn; Owner: -

CREATE TABLE sojourn.digest (
    reader_id text NOT NULL COLLATE pg_catalog."C",
    local_day date NOT NULL,
    claimed_by text NOT NULL COLLATE pg_catalog."C",
    claimed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    sent_at timestamp with time zone
);

-- Name: COLUMN digest.reader_id; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.digest.reader_id IS 'Who got it: a delegate has one mail a day too, whoever they stand in for.';

-- Name: COLUMN digest.local_day; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.digest.local_day IS 'The date on the reader''s wall.';

-- Name: COLUMN digest.claimed_by; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.digest.claimed_by IS 'The notice whose delivery sends it: the next attempt at the same notice goes on where the last one broke off.';

-- Name: COLUMN digest.claimed_at; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.digest.claimed_at IS 'By this server''s clock. A claim of long ago whose mail did not go out was left behind by a dead worker.';

-- Name: COLUMN digest.sent_at; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.digest.sent_at IS 'In the agreements'' own time; NULL until the mail server has taken it.';

-- Name: event; Type: TABLE; Schema: sojourn; Owner: -

CREATE TABLE sojourn.event (
    agreement_id text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    schema_version integer NOT NULL,
    data json NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    actor_id text NOT NULL COLLATE pg_catalog."C",
    actor_role text NOT NULL,
    command_id text NOT NULL COLLATE pg_catalog."C",
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL,
    tx xid8 DEFAULT pg_current_xact_id() NOT NULL,
    "position" bigint NOT NULL,
    epoch smallint NOT NULL,
    CONSTRAINT event_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT event_previous_hash_check CHECK ((octet_length(previous_hash) = 32)),
    CONSTRAINT event_version_check CHECK ((version > 0))
)
WITH (autovacuum_vacuum_insert_scale_factor='0.0', autovacuum_vacuum_insert_threshold='500000', autovacuum_freeze_min_age='0', autovacuum_analyze_scale_factor='0.01');

-- Name: TABLE event; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON TABLE sojourn.event IS 'One stream per agreement. No foreign key to agreement: that is a read model, to be dropped and rebuilt.';

-- Name: COLUMN event.event_id; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.event.event_id IS 'Needs no index: stream and version identify an event, and one workflow at a time writes a stream.';

-- Name: COLUMN event.data; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.event.data IS 'json, not jsonb: the text is kept as it was hashed. Canonical: sorted keys, no spaces, not ASCII-escaped.';

-- Name: COLUMN event.occurred_at; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.event.occurred_at IS 'When it happened, in the agreement''s own time.';

-- Name: COLUMN event.recorded_at; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.event.recorded_at IS 'When this server wrote it.';

-- Name: COLUMN event.tx; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.event.tx IS 'The writing transaction. Events of transactions older than every running one can be read in order, without gaps.';

-- Name: event_position_seq; Type: SEQUENCE; Schema: sojourn; Owner: -

ALTER TABLE sojourn.event ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sojourn.event_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: inventory; Type: TABLE; Schema: sojourn; Owner: -

CREATE TABLE sojourn.inventory (
    only_row boolean DEFAULT true NOT NULL,
    objects text[] NOT NULL,
    CONSTRAINT inventory_only_row_check CHECK (only_row)
);

-- Name: log_epoch; Type: TABLE; Schema: sojourn; Owner: -

CREATE TABLE sojourn.log_epoch (
    only_row boolean DEFAULT true NOT NULL,
    epoch smallint NOT NULL,
    system_identifier bigint NOT NULL,
    CONSTRAINT log_epoch_only_row_check CHECK (only_row)
);

-- Name: TABLE log_epoch; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON TABLE sojourn.log_epoch IS 'Transaction ids start again when the log is restored into another cluster. The epoch is the first part of the global order, so that events written after a restore still sort after every cursor handed out before it.';

-- Name: migration; Type: TABLE; Schema: sojourn; Owner: -

CREATE TABLE sojourn.migration (
    number integer NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    works_from integer
);

-- Name: notice; Type: TABLE; Schema: sojourn; Owner: -

CREATE TABLE sojourn.notice (
    notice_id text NOT NULL COLLATE pg_catalog."C",
    agreement_id text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    recipient_id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    obligation_id text COLLATE pg_catalog."C",
    not_before timestamp with time zone NOT NULL,
    notice jsonb NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    last_error text,
    reason text,
    queued_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    sent_at timestamp with time zone,
    digest_id text COLLATE pg_catalog."C",
    attempts_before integer DEFAULT 0 NOT NULL,
    next_try_at timestamp with time zone,
    taken_by text COLLATE pg_catalog."C",
    taken_at timestamp with time zone,
    CONSTRAINT failed_with_an_error CHECK (((state <> 'failed'::text) OR (last_error IS NOT NULL))),
    CONSTRAINT notice_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'sent'::text, 'skipped'::text, 'failed'::text]))),
    CONSTRAINT sent_or_not CHECK (((state = 'sent'::text) = (sent_at IS NOT NULL))),
    CONSTRAINT skipped_for_a_reason CHECK (((state <> 'skipped'::text) OR (reason IS NOT NULL)))
)
WITH (fillfactor='85');

-- Name: TABLE notice; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON TABLE sojourn.notice IS 'The outbox: queued by the statement that wrote the event, settled when it was sent, skipped or given up.';

-- Name: COLUMN notice.digest_id; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.notice.digest_id IS 'Reader and day of the mail that it went out with; NULL where by itself.';

-- Name: COLUMN notice.attempts_before; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.notice.attempts_before IS 'How many of its attempts were made before somebody asked for it to be tried again: those count no longer.';

-- Name: COLUMN notice.next_try_at; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.notice.next_try_at IS 'In the agreement''s own time, after a try that failed: the next run waits until then as the last one would have.';

-- Name: COLUMN notice.taken_by; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.notice.taken_by IS 'The delivery that is at it; NULL once it has said what became of it. Another one waits, or takes over.';

-- Name: COLUMN notice.taken_at; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.notice.taken_at IS 'By this server''s clock. A delivery that has been at it for longer than one try may take is dead.';

-- Name: obligation; Type: TABLE; Schema: sojourn; Owner: -

CREATE TABLE sojourn.obligation (
    agreement_id text NOT NULL COLLATE pg_catalog."C",
    obligation_id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    subject text NOT NULL,
    owner_role text NOT NULL,
    owner_id text NOT NULL COLLATE pg_catalog."C",
    opened_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    stalled_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    ladder jsonb NOT NULL,
    acts_by_itself_at timestamp with time zone,
    starts_at timestamp with time zone,
    sequence integer NOT NULL,
    reached smallint,
    status text NOT NULL,
    settled_at timestamp with time zone,
    opened_version integer NOT NULL,
    settled_version integer,
    CONSTRAINT obligation_status_check CHECK ((status = ANY (ARRAY['open'::text, 'fulfilled'::text, 'waived'::text, 'superseded'::text]))),
    CONSTRAINT settled_or_open CHECK (((status = 'open'::text) = (settled_at IS NULL)))
)
WITH (fillfactor='85');

-- Name: TABLE obligation; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON TABLE sojourn.obligation IS 'Every obligation of every agreement, settled ones included: the ledger as the events left it.';

-- Name: organisation_calendar; Type: TABLE; Schema: sojourn; Owner: -

CREATE TABLE sojourn.organisation_calendar (
    calendar_id text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    document jsonb NOT NULL,
    applied_by text NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT organisation_calendar_version_check CHECK ((version > 0))
);

-- Name: TABLE organisation_calendar; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON TABLE sojourn.organisation_calendar IS 'Closing days, bridge days and half-holidays of organisations, every version that was ever in force; the highest is.';

-- Name: person; Type: TABLE; Schema: sojourn; Owner: -

CREATE TABLE sojourn.person (
    person_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    email text,
    channels jsonb DEFAULT '[]'::jsonb NOT NULL,
    time_zone text NOT NULL,
    holiday_calendar text NOT NULL,
    working_weekdays smallint[] NOT NULL,
    opens time without time zone NOT NULL,
    closes time without time zone NOT NULL,
    leave jsonb DEFAULT '[]'::jsonb NOT NULL,
    delegate_id text COLLATE pg_catalog."C",
    locale text NOT NULL,
    employee_number text,
    assignment_id text,
    is_operator boolean DEFAULT false NOT NULL,
    mentor_capacity_hours numeric,
    left_on date,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    working_time jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT opens_before_it_closes CHECK ((opens < closes))
);

-- Name: TABLE person; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON TABLE sojourn.person IS 'The only place where an opaque person id meets a name and an address. Read when a notice is sent.';

-- Name: COLUMN person.channels; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.person.channels IS 'Apprise URLs, which may carry secrets: never logged.';

-- Name: COLUMN person.mentor_capacity_hours; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.person.mentor_capacity_hours IS 'Hours per month over all mentees; NULL: no limit stated.';

-- Name: COLUMN person.working_time; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.person.working_time IS 'Hours that differ by day, days with hours of their own, the organisation''s calendar, the hour one likes to meet at.';

-- Name: rights_event; Type: TABLE; Schema: sojourn; Owner: -

CREATE TABLE sojourn.rights_event (
    "position" bigint NOT NULL,
    person_id text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    actor_id text NOT NULL COLLATE pg_catalog."C",
    data jsonb DEFAULT '{}'::jsonb NOT NULL,
    hash bytea,
    CONSTRAINT rights_event_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT rights_event_type_check CHECK ((type ~ '^[a-z_]+\.[a-z_]+$'::text))
);

-- Name: TABLE rights_event; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON TABLE sojourn.rights_event IS 'Append-only. A person is on hold while the last of hold.placed and hold.lifted is the first of the two.';

-- Name: rights_event_position_seq; Type: SEQUENCE; Schema: sojourn; Owner: -

ALTER TABLE sojourn.rights_event ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sojourn.rights_event_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: rights_head; Type: TABLE; Schema: sojourn; Owner: -

CREATE TABLE sojourn.rights_head (
    only_row boolean DEFAULT true NOT NULL,
    "position" bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT rights_head_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT rights_head_only_row_check CHECK (only_row)
);

-- Name: TABLE rights_head; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON TABLE sojourn.rights_head IS 'Where the chain of rights_event ends: its lock puts those who note something into one order.';

-- Name: stall; Type: TABLE; Schema: sojourn; Owner: -

CREATE TABLE sojourn.stall (
    agreement_id text NOT NULL COLLATE pg_catalog."C",
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    since timestamp with time zone NOT NULL,
    lasts_days smallint NOT NULL,
    kind text NOT NULL,
    tenant text NOT NULL COLLATE pg_catalog."C",
    cohort text COLLATE pg_catalog."C",
    reason text NOT NULL,
    waiting_on_role text,
    waiting_on_id text COLLATE pg_catalog."C",
    obligation_id text COLLATE pg_catalog."C",
    level smallint,
    phase text,
    obligation_kind text,
    due_at timestamp with time zone,
    next_level smallint,
    next_at timestamp with time zone,
    CONSTRAINT since_then_starts_then_ends CHECK (((since <= starts_at) AND (starts_at < ends_at)))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.02');

-- Name: TABLE stall; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON TABLE sojourn.stall IS 'A read model: one row for each stretch, past or to come, over which an open agreement is stalled for one reason on one rung. Neighbouring stretches share an instant: it belongs to the later one.';

-- Name: COLUMN stall.since; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.stall.since IS 'When the agreement became stalled, the same for every rung of one obligation: what lists are ordered by.';

-- Name: COLUMN stall.lasts_days; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.stall.lasts_days IS 'At most so many times 24 hours lie between since and ends_at: a power of two, 0 for no limit. It bounds where in the order of since a stretch that has not ended can stand.';

-- Name: COLUMN stall.phase; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.stall.phase IS 'With the columns behind it only there to be shown. NULL where the stretch was planned before there were any: they are in the head and the obligation then.';

-- Name: COLUMN stall.next_level; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON COLUMN sojourn.stall.next_level IS 'The rung that comes next, at next_at. Stretches end at every rung, so it is the same all through one.';

-- Name: stall_mark; Type: TABLE; Schema: sojourn; Owner: -

CREATE TABLE sojourn.stall_mark (
    only_row boolean DEFAULT true NOT NULL,
    as_of timestamp with time zone NOT NULL,
    CONSTRAINT stall_mark_only_row_check CHECK (only_row)
);

-- Name: TABLE stall_mark; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON TABLE sojourn.stall_mark IS 'The instant at which the tally holds. It moves on with appends, a minute at a time.';

-- Name: stall_planned; Type: VIEW; Schema: sojourn; Owner: -

CREATE VIEW sojourn.stall_planned AS
 SELECT head.agreement_id,
    stretch.starts_at,
    stretch.ends_at,
    stretch.since,
    sojourn.stall_span_v1(stretch.since, stretch.ends_at) AS lasts_days,
    head.kind,
    head.tenant,
    head.cohort,
    stretch.reason,
    stretch.waiting_on_role,
    stretch.waiting_on_id,
    stretch.obligation_id,
    stretch.level,
    head.phase,
    stretch.obligation_kind,
    stretch.due_at,
    stretch.next_level,
    stretch.next_at
   FROM ((sojourn.agreement head
     LEFT JOIN LATERAL ( SELECT held.obligation_id,
            held.stalled_at,
            held.reason,
            held.owner_role,
            held.owner_id,
            held.ladder,
            held.kind,
            held.due_at
           FROM sojourn.obligation held
          WHERE ((held.agreement_id = head.agreement_id) AND (held.status = 'open'::text))
          ORDER BY held.stalled_at, held.obligation_id
         LIMIT 1) owed ON (true))
     CROSS JOIN LATERAL ( SELECT head.silent_at AS starts_at,
            COALESCE(owed.stalled_at, 'infinity'::timestamp with time zone) AS ends_at,
            head.silent_at AS since,
            'silent'::text AS reason,
            answers.role AS waiting_on_role,
            answers.person_id AS waiting_on_id,
            NULL::text AS obligation_id,
            NULL::smallint AS level,
            NULL::text AS obligation_kind,
            NULL::timestamp with time zone AS due_at,
            NULL::smallint AS next_level,
            NULL::timestamp with time zone AS next_at
           FROM (( SELECT) silence
             LEFT JOIN LATERAL ( SELECT party.role,
                    party.person_id
                   FROM sojourn.agreement_party party
                  WHERE ((party.agreement_id = head.agreement_id) AND (party.role = ANY (ARRAY['mentor'::text, 'programme_owner'::text])))
                  ORDER BY party.role, party.scope, party.person_id
                 LIMIT 1) answers ON (true))
          WHERE (head.silent_at < COALESCE(owed.stalled_at, 'infinity'::timestamp with time zone))
        UNION ALL
         SELECT turn.at,
            lead(turn.at, 1, 'infinity'::timestamp with time zone) OVER (ORDER BY turn.at) AS lead,
            owed.stalled_at,
            owed.reason,
            owed.owner_role,
            owed.owner_id,
            owed.obligation_id,
            climbed.level,
            owed.kind,
            owed.due_at,
            ahead.level,
            ahead.at
           FROM ((( SELECT owed.stalled_at AS at
                UNION
                 SELECT rung.at
                   FROM jsonb_to_recordset(owed.ladder) rung(at timestamp with time zone)
                  WHERE (rung.at > owed.stalled_at)) turn
             CROSS JOIN LATERAL ( SELECT max(rung.level) AS level
                   FROM jsonb_to_recordset(owed.ladder) rung(level smallint, at timestamp with time zone)
                  WHERE (rung.at <= turn.at)) climbed)
             LEFT JOIN LATERAL ( SELECT rung.level,
                    rung.at
                   FROM jsonb_to_recordset(owed.ladder) rung(level smallint, at timestamp with time zone)
                  WHERE (rung.at > turn.at)
                  ORDER BY rung.at
                 LIMIT 1) ahead ON (true))
          WHERE (turn.at IS NOT NULL)) stretch)
  WHERE ((head.phase <> 'closed'::text) AND (NOT head.held) AND (head.paused_until IS NULL));

-- Name: VIEW stall_planned; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON VIEW sojourn.stall_planned IS 'When each agreement counts as stalled as its ledger stands: the obligation whose stall instant comes first, before that silence. The same as stalled_as_of_v1 says of each instant.';

-- Name: stall_tally; Type: TABLE; Schema: sojourn; Owner: -

CREATE TABLE sojourn.stall_tally (
    kind text NOT NULL,
    reason text NOT NULL,
    waiting_on_role text,
    level smallint,
    agreements bigint NOT NULL
);

-- Name: TABLE stall_tally; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON TABLE sojourn.stall_tally IS 'Numbers to be added up: appends insert what they change, so that none waits for another, and whoever moves the mark puts one row in the place of many.';

-- Name: stalled; Type: VIEW; Schema: sojourn; Owner: -

CREATE VIEW sojourn.stalled AS
 SELECT agreement_id,
    kind,
    phase,
    cohort,
    reason,
    waiting_on_role,
    waiting_on_id,
    since,
    obligation_id,
    obligation_kind,
    due_at,
    level,
    next_level,
    next_at
   FROM sojourn.stalled_as_of_v1(clock_timestamp()) stalled_as_of_v1(agreement_id, kind, phase, cohort, reason, waiting_on_role, waiting_on_id, since, obligation_id, obligation_kind, due_at, level, next_level, next_at);

-- Name: VIEW stalled; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON VIEW sojourn.stalled IS 'Which agreements are stalled now, since when, on whom and why.';

-- Name: subject_key; Type: TABLE; Schema: sojourn_keys; Owner: -

CREATE TABLE sojourn_keys.subject_key (
    subject_id text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    key_id text COLLATE pg_catalog."C",
    wrapped bytea,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    destroyed_at timestamp with time zone,
    CONSTRAINT subject_key_version_check CHECK ((version > 0)),
    CONSTRAINT there_or_destroyed CHECK ((((wrapped IS NULL) = (destroyed_at IS NOT NULL)) AND ((key_id IS NULL) = (destroyed_at IS NOT NULL))))
);

-- Name: TABLE subject_key; Type: COMMENT; Schema: sojourn_keys; Owner: -

COMMENT ON TABLE sojourn_keys.subject_key IS 'The data key of each person, wrapped by a key-encryption key that the database never sees. Destroying it erases what it sealed everywhere; the row stays, so that an erasure can be told from a loss.';

-- Name: COLUMN subject_key.subject_id; Type: COMMENT; Schema: sojourn_keys; Owner: -

COMMENT ON COLUMN sojourn_keys.subject_key.subject_id IS 'A person, for the directory; PERSON@AGREEMENT for what is written in an agreement and is theirs.';

-- Name: COLUMN subject_key.key_id; Type: COMMENT; Schema: sojourn_keys; Owner: -

COMMENT ON COLUMN sojourn_keys.subject_key.key_id IS 'Which key-encryption key it is wrapped under.';

-- Name: agreement_ahead agreement_ahead_pkey; Type: CONSTRAINT; Schema: sojourn; Owner: -

ALTER TABLE ONLY sojourn.agreement_ahead
    ADD CONSTRAINT agreement_ahead_pkey PRIMARY KEY (agreement_id);

-- Name: agreement_party agreement_party_pkey; Type: CONSTRAINT; Schema: sojourn; Owner: -

ALTER TABLE ONLY sojourn.agreement_party
    ADD CONSTRAINT agreement_party_pkey PRIMARY KEY (agreement_id, role, scope, person_id);

-- Name: agreement agreement_pkey; Type: CONSTRAINT; Schema: sojourn; Owner: -

ALTER TABLE ONLY sojourn.agreement
    ADD CONSTRAINT agreement_pkey PRIMARY KEY (agreement_id);

-- Name: agreement agreement_request; Type: CONSTRAINT; Schema: sojourn; Owner: -

ALTER TABLE ONLY sojourn.agreement
    ADD CONSTRAINT agreement_request UNIQUE (tenant, request_id);

-- Name: command command_pkey; Type: CONSTRAINT; Schema: sojourn; Owner: -

ALTER TABLE ONLY sojourn.command
    ADD CONSTRAINT command_pkey PRIMARY KEY (agreement_id, command_id);

-- Name: digest digest_pkey; Type: CONSTRAINT; Schema: sojourn; Owner: -

ALTER TABLE ONLY sojourn.digest
    ADD CONSTRAINT digest_pkey PRIMARY KEY (reader_id, local_day);

-- Name: event event_pkey; Type: CONSTRAINT; Schema: sojourn; Owner: -

ALTER TABLE ONLY sojourn.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (agreement_id, version);

-- Name: inventory inventory_pkey; Type: CONSTRAINT; Schema: sojourn; Owner: -

ALTER TABLE ONLY sojourn.inventory
    ADD CONSTRAINT inventory_pkey PRIMARY KEY (only_row);

-- Name: log_epoch log_epoch_pkey; Type: CONSTRAINT; Schema: sojourn; Owner: -

ALTER TABLE ONLY sojourn.log_epoch
    ADD CONSTRAINT log_epoch_pkey PRIMARY KEY (only_row);

-- Name: migration migration_pkey; Type: CONSTRAINT; Schema: sojourn; Owner: -

ALTER TABLE ONLY sojourn.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (number);

-- Name: notice notice_pkey; Type: CONSTRAINT; Schema: sojourn; Owner: -

ALTER TABLE ONLY sojourn.notice
    ADD CONSTRAINT notice_pkey PRIMARY KEY (notice_id);

-- Name: obligation obligation_pkey; Type: CONSTRAINT; Schema: sojourn; Owner: -

ALTER TABLE ONLY sojourn.obligation
    ADD CONSTRAINT obligation_pkey PRIMARY KEY (agreement_id, obligation_id);

-- Name: organisation_calendar organisation_calendar_pkey; Type: CONSTRAINT; Schema: sojourn; Owner: -

ALTER TABLE ONLY sojourn.organisation_calendar
    ADD CONSTRAINT organisation_calendar_pkey PRIMARY KEY (calendar_id, version);

-- Name: person person_pkey; Type: CONSTRAINT; Schema: sojourn; Owner: -

ALTER TABLE ONLY sojourn.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (person_id);

-- Name: rights_event rights_event_pkey; Type: CONSTRAINT; Schema: sojourn; Owner: -

ALTER TABLE ONLY sojourn.rights_event
    ADD CONSTRAINT rights_event_pkey PRIMARY KEY ("position");

-- Name: rights_head rights_head_pkey; Type: CONSTRAINT; Schema: sojourn; Owner: -

ALTER TABLE ONLY sojourn.rights_head
    ADD CONSTRAINT rights_head_pkey PRIMARY KEY (only_row);

-- Name: stall_mark stall_mark_pkey; Type: CONSTRAINT; Schema: sojourn; Owner: -

ALTER TABLE ONLY sojourn.stall_mark
    ADD CONSTRAINT stall_mark_pkey PRIMARY KEY (only_row);

-- Name: stall stall_pkey; Type: CONSTRAINT; Schema: sojourn; Owner: -

ALTER TABLE ONLY sojourn.stall
    ADD CONSTRAINT stall_pkey PRIMARY KEY (agreement_id, starts_at);

-- Name: subject_key subject_key_pkey; Type: CONSTRAINT; Schema: sojourn_keys; Owner: -

ALTER TABLE ONLY sojourn_keys.subject_key
    ADD CONSTRAINT subject_key_pkey PRIMARY KEY (subject_id, version);

-- Name: agreement_ahead_by_instant; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX agreement_ahead_by_instant ON sojourn.agreement_ahead USING btree (updated_at);

-- Name: agreement_by_cohort; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX agreement_by_cohort ON sojourn.agreement USING btree (cohort) WHERE (cohort IS NOT NULL);

-- Name: agreement_by_standing; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX agreement_by_standing ON sojourn.agreement USING btree (kind, phase, outcome, held, paused_until);

-- Name: INDEX agreement_by_standing; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON INDEX sojourn.agreement_by_standing IS 'Counted, not searched: see figures_agreements.';

-- Name: agreement_open_by_silence; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX agreement_open_by_silence ON sojourn.agreement USING btree (silent_at) WHERE (phase <> 'closed'::text);

-- Name: agreement_party_by_person; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX agreement_party_by_person ON sojourn.agreement_party USING btree (person_id, role);

-- Name: digest_under_way; Type: INDEX; Schema: sojourn; Owner: -

CREATE UNIQUE INDEX digest_under_way ON sojourn.digest USING btree (reader_id) WHERE (sent_at IS NULL);

-- Name: event_global_order; Type: INDEX; Schema: sojourn; Owner: -

CREATE UNIQUE INDEX event_global_order ON sojourn.event USING btree (epoch, tx, "position");

-- Name: notice_by_agreement; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX notice_by_agreement ON sojourn.notice USING btree (agreement_id, not_before);

-- Name: notice_failed; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX notice_failed ON sojourn.notice USING btree (agreement_id) WHERE (state = 'failed'::text);

-- Name: notice_queued; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX notice_queued ON sojourn.notice USING btree (not_before) WHERE (state = 'queued'::text);

-- Name: notice_queued_by_recipient; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX notice_queued_by_recipient ON sojourn.notice USING btree (recipient_id, not_before) WHERE (state = 'queued'::text);

-- Name: obligation_open_by_due; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX obligation_open_by_due ON sojourn.obligation USING btree (due_at) WHERE (status = 'open'::text);

-- Name: obligation_open_by_owner; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX obligation_open_by_owner ON sojourn.obligation USING btree (owner_id, due_at) WHERE (status = 'open'::text);

-- Name: obligation_open_by_stall; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX obligation_open_by_stall ON sojourn.obligation USING btree (stalled_at) WHERE (status = 'open'::text);

-- Name: person_by_delegate; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX person_by_delegate ON sojourn.person USING btree (delegate_id) WHERE (delegate_id IS NOT NULL);

-- Name: person_by_organisation_calendar; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX person_by_organisation_calendar ON sojourn.person USING btree (((working_time ->> 'organisation_calendar'::text))) WHERE (working_time ? 'organisation_calendar'::text);

-- Name: person_operators; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX person_operators ON sojourn.person USING btree (person_id) WHERE is_operator;

-- Name: rights_event_by_person; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX rights_event_by_person ON sojourn.rights_event USING btree (person_id, "position");

-- Name: rights_event_destroyed; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX rights_event_destroyed ON sojourn.rights_event USING btree (person_id) WHERE (type = ANY (ARRAY['keys.destroyed'::text, 'person.erased'::text, 'words.expired'::text]));

-- Name: INDEX rights_event_destroyed; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON INDEX sojourn.rights_event_destroyed IS 'Finds what accounts for a key that is gone.';

-- Name: rights_event_expiries; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX rights_event_expiries ON sojourn.rights_event USING btree (type, ((data ->> 'agreement_id'::text)), person_id) WHERE (type = ANY (ARRAY['expiry.begun'::text, 'words.expired'::text]));

-- Name: INDEX rights_event_expiries; Type: COMMENT; Schema: sojourn; Owner: -

COMMENT ON INDEX sojourn.rights_event_expiries IS 'Finds what was begun and is not told to be done.';

-- Name: stall_by_cohort; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX stall_by_cohort ON sojourn.stall USING btree (cohort, lasts_days, since, agreement_id, starts_at, ends_at) INCLUDE (kind, reason, waiting_on_role, level, tenant, waiting_on_id) WHERE (cohort IS NOT NULL);

-- Name: stall_by_end; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX stall_by_end ON sojourn.stall USING btree (ends_at, kind, reason, waiting_on_role, level) WHERE (ends_at < 'infinity'::timestamp with time zone);

-- Name: stall_by_kind; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX stall_by_kind ON sojourn.stall USING btree (kind, lasts_days, since, agreement_id, starts_at, ends_at) INCLUDE (reason, waiting_on_role, level, tenant, cohort, waiting_on_id);

-- Name: stall_by_level; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX stall_by_level ON sojourn.stall USING btree (level, lasts_days, since, agreement_id, starts_at, ends_at) INCLUDE (kind, reason, waiting_on_role, tenant, cohort, waiting_on_id);

-- Name: stall_by_person; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX stall_by_person ON sojourn.stall USING btree (waiting_on_id, lasts_days, since, agreement_id, starts_at, ends_at) INCLUDE (kind, reason, waiting_on_role, level, tenant, cohort);

-- Name: stall_by_reason; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX stall_by_reason ON sojourn.stall USING btree (reason, lasts_days, since, agreement_id, starts_at, ends_at) INCLUDE (kind, waiting_on_role, level, tenant, cohort, waiting_on_id);

-- Name: stall_by_role; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX stall_by_role ON sojourn.stall USING btree (waiting_on_role, lasts_days, since, agreement_id, starts_at, ends_at) INCLUDE (kind, reason, level, tenant, cohort, waiting_on_id);

-- Name: stall_by_since; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX stall_by_since ON sojourn.stall USING btree (lasts_days, since, agreement_id, starts_at, ends_at) INCLUDE (kind, reason, waiting_on_role, level, tenant, cohort, waiting_on_id);

-- Name: stall_by_start; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX stall_by_start ON sojourn.stall USING btree (starts_at, kind, reason, waiting_on_role, level);

-- Name: stall_by_tenant; Type: INDEX; Schema: sojourn; Owner: -

CREATE INDEX stall_by_tenant ON sojourn.stall USING btree (tenant, lasts_days, since, agreement_id, starts_at, ends_at) INCLUDE (kind, reason, waiting_on_role, level, cohort, waiting_on_id);

-- Name: subject_key_by_agreement; Type: INDEX; Schema: sojourn_keys; Owner: -

CREATE INDEX subject_key_by_agreement ON sojourn_keys.subject_key USING btree (split_part(subject_id, '@'::text, 2));

-- Name: subject_key_by_wrapping; Type: INDEX; Schema: sojourn_keys; Owner: -

CREATE INDEX subject_key_by_wrapping ON sojourn_keys.subject_key USING btree (key_id) WHERE (destroyed_at IS NULL);

-- Name: subject_key_destroyed; Type: INDEX; Schema: sojourn_keys; Owner: -

CREATE INDEX subject_key_destroyed ON sojourn_keys.subject_key USING btree (destroyed_at) WHERE (destroyed_at IS NOT NULL);

-- Name: subject_key_in_use; Type: INDEX; Schema: sojourn_keys; Owner: -

CREATE UNIQUE INDEX subject_key_in_use ON sojourn_keys.subject_key USING btree (subject_id) WHERE (destroyed_at IS NULL);

-- Name: agreement agreement_plans_its_stall; Type: TRIGGER; Schema: sojourn; Owner: -

CREATE CONSTRAINT TRIGGER agreement_plans_its_stall AFTER INSERT OR UPDATE ON sojourn.agreement DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sojourn.plan_stall_v1();

-- Name: command command_is_append_only; Type: TRIGGER; Schema: sojourn; Owner: -

CREATE TRIGGER command_is_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON sojourn.command FOR EACH STATEMENT EXECUTE FUNCTION sojourn.refuse_change();

ALTER TABLE sojourn.command ENABLE ALWAYS TRIGGER command_is_append_only;

-- Name: event event_is_append_only; Type: TRIGGER; Schema: sojourn; Owner: -

CREATE TRIGGER event_is_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON sojourn.event FOR EACH STATEMENT EXECUTE FUNCTION sojourn.refuse_change();

ALTER TABLE sojourn.event ENABLE ALWAYS TRIGGER event_is_append_only;

-- Name: event event_queues_resent_notices; Type: TRIGGER; Schema: sojourn; Owner: -

CREATE TRIGGER event_queues_resent_notices AFTER INSERT ON sojourn.event FOR EACH ROW WHEN ((new.type = 'notices.resent'::text)) EXECUTE FUNCTION sojourn.queue_resent_notices_v2();

-- Name: rights_event rights_event_is_append_only; Type: TRIGGER; Schema: sojourn; Owner: -

CREATE TRIGGER rights_event_is_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON sojourn.rights_event FOR EACH STATEMENT EXECUTE FUNCTION sojourn.refuse_change();

ALTER TABLE sojourn.rights_event ENABLE ALWAYS TRIGGER rights_event_is_append_only;

-- Name: rights_event rights_event_is_chained; Type: TRIGGER; Schema: sojourn; Owner: -

CREATE TRIGGER rights_event_is_chained BEFORE INSERT ON sojourn.rights_event FOR EACH ROW EXECUTE FUNCTION sojourn.chain_rights_v1();

ALTER TABLE sojourn.rights_event ENABLE ALWAYS TRIGGER rights_event_is_chained;

-- Name: stall stall_is_never_updated; Type: TRIGGER; Schema: sojourn; Owner: -

CREATE TRIGGER stall_is_never_updated BEFORE UPDATE OF agreement_id, starts_at, ends_at, since, lasts_days, kind, tenant, cohort, reason, waiting_on_role, waiting_on_id, obligation_id, level ON sojourn.stall FOR EACH STATEMENT EXECUTE FUNCTION sojourn.refuse_stall_update_v1();

-- Name: stall stall_is_tallied_anew; Type: TRIGGER; Schema: sojourn; Owner: -

CREATE TRIGGER stall_is_tallied_anew AFTER TRUNCATE ON sojourn.stall FOR EACH STATEMENT EXECUTE FUNCTION sojourn.tally_stall_v1();

-- Name: stall stall_is_tallied_in; Type: TRIGGER; Schema: sojourn; Owner: -

CREATE TRIGGER stall_is_tallied_in AFTER INSERT ON sojourn.stall REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sojourn.tally_stall_v1();

-- Name: stall stall_is_tallied_out; Type: TRIGGER; Schema: sojourn; Owner: -

CREATE TRIGGER stall_is_tallied_out AFTER DELETE ON sojourn.stall REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sojourn.tally_stall_v1();

-- Name: SCHEMA sojourn; Type: ACL; Schema: -; Owner: -

GRANT USAGE ON SCHEMA sojourn TO sojourn_application;
GRANT USAGE ON SCHEMA sojourn TO sojourn_reporting;

-- Name: SCHEMA sojourn_keys; Type: ACL; Schema: -; Owner: -

GRANT USAGE ON SCHEMA sojourn_keys TO sojourn_application;

-- Name: FUNCTION append_events_v1(p_agreement_id text, p_expected_version integer, p_command_id text, p_command_type text, p_command_digest text, p_actor_id text, p_actor_role text, p_occurred_at timestamp with time zone, p_event_ids uuid[], p_event_types text[], p_schema_versions integer[], p_data text[], p_head jsonb, p_notices jsonb, OUT verdict text, OUT stream_version integer, OUT written_types text[]); Type: ACL; Schema: sojourn; Owner: -

REVOKE ALL ON FUNCTION sojourn.append_events_v1(p_agreement_id text, p_expected_version integer, p_command_id text, p_command_type text, p_command_digest text, p_actor_id text, p_actor_role text, p_occurred_at timestamp with time zone, p_event_ids uuid[], p_event_types text[], p_schema_versions integer[], p_data text[], p_head jsonb, p_notices jsonb, OUT verdict text, OUT stream_version integer, OUT written_types text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sojourn.append_events_v1(p_agreement_id text, p_expected_version integer, p_command_id text, p_command_type text, p_command_digest text, p_actor_id text, p_actor_role text, p_occurred_at timestamp with time zone, p_event_ids uuid[], p_event_types text[], p_schema_versions integer[], p_data text[], p_head jsonb, p_notices jsonb, OUT verdict text, OUT stream_version integer, OUT written_types text[]) TO sojourn_application;

-- Name: FUNCTION append_events_v2(p_agreement_id text, p_expected_version integer, p_command_id text, p_command_type text, p_command_digest text, p_actor_id text, p_actor_role text, p_occurred_at timestamp with time zone, p_event_ids uuid[], p_event_types text[], p_schema_versions integer[], p_data text[], p_head jsonb, p_notices jsonb, OUT verdict text, OUT stream_version integer, OUT written_types text[]); Type: ACL; Schema: sojourn; Owner: -

REVOKE ALL ON FUNCTION sojourn.append_events_v2(p_agreement_id text, p_expected_version integer, p_command_id text, p_command_type text, p_command_digest text, p_actor_id text, p_actor_role text, p_occurred_at timestamp with time zone, p_event_ids uuid[], p_event_types text[], p_schema_versions integer[], p_data text[], p_head jsonb, p_notices jsonb, OUT verdict text, OUT stream_version integer, OUT written_types text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sojourn.append_events_v2(p_agreement_id text, p_expected_version integer, p_command_id text, p_command_type text, p_command_digest text, p_actor_id text, p_actor_role text, p_occurred_at timestamp with time zone, p_event_ids uuid[], p_event_types text[], p_schema_versions integer[], p_data text[], p_head jsonb, p_notices jsonb, OUT verdict text, OUT stream_version integer, OUT written_types text[]) TO sojourn_application;

-- Name: FUNCTION clear_person_v1(p_person_id text); Type: ACL; Schema: sojourn; Owner: -

REVOKE ALL ON FUNCTION sojourn.clear_person_v1(p_person_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION sojourn.clear_person_v1(p_person_id text) TO sojourn_application;

-- Name: FUNCTION destroy_keys_v1(p_person_id text, p_agreement_id text, p_actor_id text, p_data jsonb); Type: ACL; Schema: sojourn; Owner: -

REVOKE ALL ON FUNCTION sojourn.destroy_keys_v1(p_person_id text, p_agreement_id text, p_actor_id text, p_data jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION sojourn.destroy_keys_v1(p_person_id text, p_agreement_id text, p_actor_id text, p_data jsonb) TO sojourn_application;

-- Name: FUNCTION note_opening_v1(p_people text[], p_agreement_id text, p_known integer, p_type text, p_actor_id text, p_data jsonb); Type: ACL; Schema: sojourn; Owner: -

REVOKE ALL ON FUNCTION sojourn.note_opening_v1(p_people text[], p_agreement_id text, p_known integer, p_type text, p_actor_id text, p_data jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION sojourn.note_opening_v1(p_people text[], p_agreement_id text, p_known integer, p_type text, p_actor_id text, p_data jsonb) TO sojourn_application;

-- Name: FUNCTION note_unless_held_v1(p_person_id text, p_agreement_id text, p_people text[], p_type text, p_actor_id text, p_data jsonb); Type: ACL; Schema: sojourn; Owner: -

REVOKE ALL ON FUNCTION sojourn.note_unless_held_v1(p_person_id text, p_agreement_id text, p_people text[], p_type text, p_actor_id text, p_data jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION sojourn.note_unless_held_v1(p_person_id text, p_agreement_id text, p_people text[], p_type text, p_actor_id text, p_data jsonb) TO sojourn_application;

-- Name: TABLE agreement; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT ON TABLE sojourn.agreement TO sojourn_application;
GRANT SELECT ON TABLE sojourn.agreement TO sojourn_reporting;

-- Name: TABLE agreement_ahead; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT ON TABLE sojourn.agreement_ahead TO sojourn_application;
GRANT SELECT ON TABLE sojourn.agreement_ahead TO sojourn_reporting;

-- Name: TABLE agreement_party; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT ON TABLE sojourn.agreement_party TO sojourn_application;
GRANT SELECT ON TABLE sojourn.agreement_party TO sojourn_reporting;

-- Name: TABLE command; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT ON TABLE sojourn.command TO sojourn_application;

-- Name: TABLE digest; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sojourn.digest TO sojourn_application;

-- Name: TABLE event; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT ON TABLE sojourn.event TO sojourn_application;

-- Name: TABLE inventory; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT ON TABLE sojourn.inventory TO sojourn_application;

-- Name: TABLE log_epoch; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT ON TABLE sojourn.log_epoch TO sojourn_application;

-- Name: TABLE migration; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT ON TABLE sojourn.migration TO sojourn_application;

-- Name: TABLE notice; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT ON TABLE sojourn.notice TO sojourn_application;

-- Name: COLUMN notice.not_before; Type: ACL; Schema: sojourn; Owner: -

GRANT UPDATE(not_before) ON TABLE sojourn.notice TO sojourn_application;

-- Name: COLUMN notice.notice; Type: ACL; Schema: sojourn; Owner: -

GRANT UPDATE(notice) ON TABLE sojourn.notice TO sojourn_application;

-- Name: COLUMN notice.state; Type: ACL; Schema: sojourn; Owner: -

GRANT UPDATE(state) ON TABLE sojourn.notice TO sojourn_application;

-- Name: COLUMN notice.attempts; Type: ACL; Schema: sojourn; Owner: -

GRANT UPDATE(attempts) ON TABLE sojourn.notice TO sojourn_application;

-- Name: COLUMN notice.last_error; Type: ACL; Schema: sojourn; Owner: -

GRANT UPDATE(last_error) ON TABLE sojourn.notice TO sojourn_application;

-- Name: COLUMN notice.reason; Type: ACL; Schema: sojourn; Owner: -

GRANT UPDATE(reason) ON TABLE sojourn.notice TO sojourn_application;

-- Name: COLUMN notice.sent_at; Type: ACL; Schema: sojourn; Owner: -

GRANT UPDATE(sent_at) ON TABLE sojourn.notice TO sojourn_application;

-- Name: COLUMN notice.digest_id; Type: ACL; Schema: sojourn; Owner: -

GRANT UPDATE(digest_id) ON TABLE sojourn.notice TO sojourn_application;

-- Name: COLUMN notice.next_try_at; Type: ACL; Schema: sojourn; Owner: -

GRANT UPDATE(next_try_at) ON TABLE sojourn.notice TO sojourn_application;

-- Name: COLUMN notice.taken_by; Type: ACL; Schema: sojourn; Owner: -

GRANT UPDATE(taken_by) ON TABLE sojourn.notice TO sojourn_application;

-- Name: COLUMN notice.taken_at; Type: ACL; Schema: sojourn; Owner: -

GRANT UPDATE(taken_at) ON TABLE sojourn.notice TO sojourn_application;

-- Name: TABLE obligation; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT ON TABLE sojourn.obligation TO sojourn_application;
GRANT SELECT ON TABLE sojourn.obligation TO sojourn_reporting;

-- Name: TABLE organisation_calendar; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT,INSERT ON TABLE sojourn.organisation_calendar TO sojourn_application;

-- Name: TABLE person; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE sojourn.person TO sojourn_application;

-- Name: TABLE rights_event; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT,INSERT ON TABLE sojourn.rights_event TO sojourn_application;

-- Name: TABLE rights_head; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT ON TABLE sojourn.rights_head TO sojourn_application;

-- Name: TABLE stall; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT ON TABLE sojourn.stall TO sojourn_application;
GRANT SELECT ON TABLE sojourn.stall TO sojourn_reporting;

-- Name: TABLE stall_mark; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT ON TABLE sojourn.stall_mark TO sojourn_application;
GRANT SELECT ON TABLE sojourn.stall_mark TO sojourn_reporting;

-- Name: TABLE stall_planned; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT ON TABLE sojourn.stall_planned TO sojourn_application;
GRANT SELECT ON TABLE sojourn.stall_planned TO sojourn_reporting;

-- Name: TABLE stall_tally; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT ON TABLE sojourn.stall_tally TO sojourn_application;
GRANT SELECT ON TABLE sojourn.stall_tally TO sojourn_reporting;

-- Name: TABLE stalled; Type: ACL; Schema: sojourn; Owner: -

GRANT SELECT ON TABLE sojourn.stalled TO sojourn_application;
GRANT SELECT ON TABLE sojourn.stalled TO sojourn_reporting;

-- Name: TABLE subject_key; Type: ACL; Schema: sojourn_keys; Owner: -

GRANT SELECT ON TABLE sojourn_keys.subject_key TO sojourn_application;

-- Name: COLUMN subject_key.subject_id; Type: ACL; Schema: sojourn_keys; Owner: -

GRANT INSERT(subject_id) ON TABLE sojourn_keys.subject_key TO sojourn_application;

-- Name: COLUMN subject_key.version; Type: ACL; Schema: sojourn_keys; Owner: -

GRANT INSERT(version) ON TABLE sojourn_keys.subject_key TO sojourn_application;

-- Name: COLUMN subject_key.key_id; Type: ACL; Schema: sojourn_keys; Owner: -

GRANT INSERT(key_id) ON TABLE sojourn_keys.subject_key TO sojourn_application;

-- Name: COLUMN subject_key.wrapped; Type: ACL; Schema: sojourn_keys; Owner: -

GRANT INSERT(wrapped) ON TABLE sojourn_keys.subject_key TO sojourn_application;
