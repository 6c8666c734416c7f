-- migrate:up
-- Releases from migration 0009 on work with this one.

-- A page of the stalled list touches two blocks a row, not six: a stretch also carries what the list says of its
-- agreement's phase and obligation, and of the rung ahead. Measured with a million agreements: what made the first
-- page under two filters slow was neither the wrong index nor a sort, but some five hundred blocks that nobody had
-- looked at before, three hundred of them to complete fifty rows.
--
-- Adding the columns rewrites nothing and takes no time. A stretch is filled when its agreement is appended to, those
-- that hold now by fill_stalls_v1, which `migrate` calls once this is committed: in small steps, beside appends and
-- readers. Until then a page reads what it needs from where it always did.

ALTER TABLE sojourn.stall
    ADD COLUMN phase text,
    ADD COLUMN obligation_kind text,
    ADD COLUMN due_at timestamptz,
    ADD COLUMN next_level smallint,
    ADD COLUMN next_at timestamptz;
COMMENT ON COLUMN sojourn.stall.phase IS
    'With the columns behind it only there to be shown. NULL where the stretch was planned before there were any: '
    'they are in the head and the obligation then.';
COMMENT ON COLUMN sojourn.stall.next_level IS
    'The rung that comes next, at next_at. Stretches end at every rung, so it is the same all through one.';

CREATE OR REPLACE VIEW sojourn.stall_planned AS
SELECT
    head.agreement_id, stretch.starts_at, stretch.ends_at, stretch.since,
    sojourn.stall_span_v1(stretch.since, stretch.ends_at) AS lasts_days, head.kind, head.tenant, head.cohort,
    stretch.reason, stretch.waiting_on_role, stretch.waiting_on_id, stretch.obligation_id, stretch.level,
    head.phase, stretch.obligation_kind, stretch.due_at, stretch.next_level, stretch.next_at
FROM sojourn.agreement AS head
LEFT JOIN LATERAL (
    SELECT
        held.obligation_id, held.stalled_at, held.reason, held.owner_role, held.owner_id, held.ladder, held.kind,
        held.due_at
    FROM sojourn.obligation AS held
    WHERE held.agreement_id = head.agreement_id AND held.status = 'open'
    ORDER BY held.stalled_at, held.obligation_id
    LIMIT 1
) AS owed ON true
CROSS JOIN LATERAL (
    SELECT
        head.silent_at AS starts_at, coalesce(owed.stalled_at, 'infinity') AS ends_at, head.silent_at AS since,
        'silent' AS reason, answers.role AS waiting_on_role, answers.person_id AS waiting_on_id,
        NULL AS obligation_id, NULL::smallint AS level, NULL AS obligation_kind, NULL::timestamptz AS due_at,
        NULL::smallint AS next_level, NULL::timestamptz AS next_at
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
        owed.owner_role, owed.owner_id, owed.obligation_id, climbed.level, owed.kind, owed.due_at, ahead.level,
        ahead.at
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
    LEFT JOIN LATERAL (
        SELECT rung.level, rung.at
        FROM jsonb_to_recordset(owed.ladder) AS rung (level smallint, at timestamptz)
        WHERE rung.at > turn.at
        ORDER BY rung.at
        LIMIT 1
    ) AS ahead ON true
    WHERE turn.at IS NOT NULL
) AS stretch
WHERE head.phase <> 'closed' AND NOT head.held AND head.paused_until IS NULL;

-- What the tally counts by is still never updated; what is only shown may be.
DROP TRIGGER stall_is_never_updated ON sojourn.stall;
CREATE TRIGGER stall_is_never_updated
    BEFORE UPDATE OF
        agreement_id, starts_at, ends_at, since, lasts_days, kind, tenant, cohort, reason, waiting_on_role,
        waiting_on_id, obligation_id, level
    ON sojourn.stall
    FOR EACH STATEMENT EXECUTE FUNCTION sojourn.refuse_stall_update_v1();

CREATE PROCEDURE sojourn.fill_stalls_v1(p_at_once integer)
LANGUAGE plpgsql AS $$
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
COMMENT ON PROCEDURE sojourn.fill_stalls_v1 IS
    'Writes down what is only shown, for agreements that are stalled now and where it is missing, longest stalled '
    'first, so many at once. May be broken off and called again.';

-- ------------------------------------------------------------------------------------------------- reading it

CREATE FUNCTION sojourn.stalled_page_query_v2(p_filters jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
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
$$;
COMMENT ON FUNCTION sojourn.stalled_page_query_v2 IS
    'The query behind stalled_page_v2, of as-of instant, since, id and limit: also to be explained. Stretches without '
    'an end are looked at first: they are the longest stalled, and where they fill a page nothing that began later '
    'than its last row is read.';

CREATE FUNCTION sojourn.stalled_page_v2(
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
COMMENT ON FUNCTION sojourn.stalled_page_v2 IS
    'The next agreements that are stalled at an instant, longest first, after (since, id): -infinity and an empty id '
    'for the first page. Filters: column to array of values. The rows are those of stalled_as_of_v1.';
