-- migrate:up

-- Stalled, kept ready to be read. Whether an agreement is stalled at an instant follows from its ledger, and all
-- instants of a ledger are known once it is written: so each append also writes down from when to when the
-- agreement will count as stalled, why and on which rung, if nothing else happens. Time alone changes no row, and
-- the answer is true at now() while every worker is down.

CREATE TABLE sojourn.stall (
    agreement_id text COLLATE "C" NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    since timestamptz NOT NULL,
    lasts_days smallint NOT NULL,
    kind text NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    cohort text COLLATE "C",
    reason text NOT NULL,
    waiting_on_role text,
    waiting_on_id text COLLATE "C",
    obligation_id text COLLATE "C",
    level smallint,
    PRIMARY KEY (agreement_id, starts_at),
    CONSTRAINT since_then_starts_then_ends CHECK (since <= starts_at AND starts_at < ends_at)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);
COMMENT ON TABLE sojourn.stall IS
    'A read model: one row for each stretch, past or to come, over which an open agreement is stalled for one '
    'reason on one rung. Neighbouring stretches share an instant: it belongs to the later one.';
COMMENT ON COLUMN sojourn.stall.since IS
    'When the agreement became stalled, the same for every rung of one obligation: what lists are ordered by.';
COMMENT ON COLUMN sojourn.stall.lasts_days IS
    'At most so many times 24 hours lie between since and ends_at: a power of two, 0 for no limit. It bounds where '
    'in the order of since a stretch that has not ended can stand.';

-- Every index leads with one filter and goes on in the order of the list; the columns behind that order let other
-- filters be checked in the index, before any row is fetched.
CREATE INDEX stall_by_since ON sojourn.stall (
    lasts_days, since, agreement_id, starts_at, ends_at, kind, reason, waiting_on_role, level
);
CREATE INDEX stall_by_reason ON sojourn.stall (
    reason, lasts_days, since, agreement_id, starts_at, ends_at, kind, waiting_on_role, level
);
CREATE INDEX stall_by_role ON sojourn.stall (
    waiting_on_role, lasts_days, since, agreement_id, starts_at, ends_at, kind, level
);
CREATE INDEX stall_by_level ON sojourn.stall (level, lasts_days, since, agreement_id, starts_at, ends_at, kind);
CREATE INDEX stall_by_tenant ON sojourn.stall (tenant, lasts_days, since, agreement_id, starts_at, ends_at);
CREATE INDEX stall_by_cohort ON sojourn.stall (cohort, lasts_days, since) WHERE cohort IS NOT NULL;
CREATE INDEX stall_by_person ON sojourn.stall (waiting_on_id, lasts_days, since);

CREATE FUNCTION sojourn.stall_span_v1(since timestamptz, ends_at timestamptz) RETURNS smallint
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(min(days), 0)::smallint
    FROM unnest(ARRAY[1, 2, 4, 8, 16, 32, 64, 128, 256]) AS span (days)
    WHERE extract(epoch FROM ends_at) - extract(epoch FROM since) <= days * 86400
$$;

-- The one definition: what the table should hold. A rebuild of the read model inserts all of it.
CREATE VIEW sojourn.stall_planned AS
SELECT
    head.agreement_id, stretch.starts_at, stretch.ends_at, stretch.since,
    sojourn.stall_span_v1(stretch.since, stretch.ends_at) AS lasts_days, head.kind, head.tenant, head.cohort,
    stretch.reason, stretch.waiting_on_role, stretch.waiting_on_id, stretch.obligation_id, stretch.level
FROM sojourn.agreement AS head
LEFT JOIN LATERAL (
    SELECT held.obligation_id, held.stalled_at, held.reason, held.owner_role, held.owner_id, held.ladder
    FROM sojourn.obligation AS held
    WHERE held.agreement_id = head.agreement_id AND held.status = 'open'
    ORDER BY held.stalled_at, held.obligation_id
    LIMIT 1
) AS owed ON true
CROSS JOIN LATERAL (
    SELECT
        head.silent_at AS starts_at, coalesce(owed.stalled_at, 'infinity') AS ends_at, head.silent_at AS since,
        'silent' AS reason, answers.role AS waiting_on_role, answers.person_id AS waiting_on_id,
        NULL AS obligation_id, NULL::smallint AS level
    FROM (SELECT) AS silence
    LEFT JOIN LATERAL (
        SELECT party.role, party.person_id
        FROM sojourn.agreement_party AS party
        WHERE party.agreement_id = head.agreement_id AND party.role IN ('mentor', 'programme_owner')
        ORDER BY party.role, party.scope, party.person_id
        LIMIT 1
    ) AS answers ON true
    WHERE head.silent_at < coalesce(owed.stalled_at, 'infinity')
    UNION ALL
    SELECT
        turn.at, lead(turn.at, 1, 'infinity'::timestamptz) OVER (ORDER BY turn.at), owed.stalled_at, owed.reason,
        owed.owner_role, owed.owner_id, owed.obligation_id, climbed.level
    FROM (
        SELECT owed.stalled_at AS at
        UNION
        SELECT rung.at
        FROM jsonb_to_recordset(owed.ladder) AS rung (at timestamptz)
        WHERE rung.at > owed.stalled_at
    ) AS turn
    CROSS JOIN LATERAL (
        SELECT max(rung.level) AS level
        FROM jsonb_to_recordset(owed.ladder) AS rung (level smallint, at timestamptz)
        WHERE rung.at <= turn.at
    ) AS climbed
    WHERE turn.at IS NOT NULL
) AS stretch
WHERE head.phase <> 'closed' AND NOT head.held AND head.paused_until IS NULL;
COMMENT ON VIEW sojourn.stall_planned IS
    'When each agreement counts as stalled as its ledger stands: the obligation whose stall instant comes first, '
    'before that silence. The same as stalled_as_of_v1 says of each instant.';

CREATE TABLE sojourn.agreement_ahead (
    agreement_id text COLLATE "C" PRIMARY KEY,
    updated_at timestamptz NOT NULL
);
CREATE INDEX agreement_ahead_by_instant ON sojourn.agreement_ahead (updated_at);
COMMENT ON TABLE sojourn.agreement_ahead IS
    'Open agreements whose own time ran ahead of the server''s clock at their last event, as in a demonstration: '
    'who asks about now looks at them in their own time. Empty in a record of real placements.';

CREATE FUNCTION sojourn.plan_stall_v1() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- A trigger rather than a second append function: the release before this one keeps appending with its own while
-- both run. Deferred, because the head row is the first that an append writes and the ledger follows.
CREATE CONSTRAINT TRIGGER agreement_plans_its_stall AFTER INSERT OR UPDATE ON sojourn.agreement
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION sojourn.plan_stall_v1();

-- The trigger's lock holds appends back until this has ended, so that none falls between the two.
ANALYZE sojourn.agreement, sojourn.agreement_party, sojourn.obligation;
INSERT INTO sojourn.stall SELECT * FROM sojourn.stall_planned;
INSERT INTO sojourn.agreement_ahead
SELECT head.agreement_id, head.updated_at
FROM sojourn.agreement AS head
WHERE head.phase <> 'closed' AND head.updated_at > clock_timestamp();

-- ------------------------------------------------------------------------------------------------- reading it

CREATE FUNCTION sojourn.stall_spans_v1(
    p_as_of timestamptz, OUT lasts_days smallint, OUT earliest timestamptz
) RETURNS SETOF record
LANGUAGE sql IMMUTABLE ROWS 10 AS $$
    SELECT 0::smallint, '-infinity'::timestamptz
    UNION ALL
    SELECT days::smallint, p_as_of - make_interval(hours => days * 24)
    FROM unnest(ARRAY[1, 2, 4, 8, 16, 32, 64, 128, 256]) AS span (days)
$$;
COMMENT ON FUNCTION sojourn.stall_spans_v1 IS
    'Where to look for stretches that hold at an instant: for each value of lasts_days the earliest since. What '
    'begins in that range and is over is at most about as much again, however long the table remembers.';

CREATE FUNCTION sojourn.stalled_page_query_v1(p_filters jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
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
$$;
COMMENT ON FUNCTION sojourn.stalled_page_query_v1 IS
    'The query behind stalled_page_v1, of as-of instant, since, id and limit: also to be explained.';

CREATE FUNCTION sojourn.stalled_page_v1(
    p_as_of timestamptz, p_filters jsonb, p_after_since timestamptz, p_after_id text, p_limit integer
) RETURNS TABLE (
    agreement_id text, kind text, phase text, tenant text, cohort text, reason text, waiting_on_role text,
    waiting_on_id text, since timestamptz, obligation_id text, obligation_kind text, due_at timestamptz,
    level smallint, next_level smallint, next_at timestamptz
)
LANGUAGE plpgsql STABLE
-- Only an index gives rows in order, one by one; these two would read everything that matches and sort it.
SET enable_bitmapscan = off
SET enable_seqscan = off
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
COMMENT ON FUNCTION sojourn.stalled_page_v1 IS
    'The next agreements that are stalled at an instant, longest first, after (since, id): -infinity and an empty id '
    'for the first page. Filters: column to array of values. The rows are those of stalled_as_of_v1.';

CREATE FUNCTION sojourn.stalled_counts_v1(p_as_of timestamptz) RETURNS TABLE (
    kind text, reason text, waiting_on_role text, level smallint, agreements bigint, first_since timestamptz
)
LANGUAGE sql STABLE AS $$
    SELECT stall.kind, stall.reason, stall.waiting_on_role, stall.level, count(*), min(stall.since)
    FROM sojourn.stall_spans_v1(p_as_of) AS span
    JOIN sojourn.stall
        ON stall.lasts_days = span.lasts_days AND stall.since BETWEEN span.earliest AND p_as_of
            AND stall.starts_at <= p_as_of AND stall.ends_at > p_as_of
    GROUP BY stall.kind, stall.reason, stall.waiting_on_role, stall.level
$$;
COMMENT ON FUNCTION sojourn.stalled_counts_v1 IS
    'How many agreements are stalled at an instant and since when the first of them is, by kind, reason, role and rung.';
