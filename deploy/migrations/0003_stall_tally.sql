-- migrate:up

-- How many agreements are stalled, without counting them. A tally holds at one instant, the mark. From there to
-- another instant only those stretches matter that start or end in between, and they are found by index: so counts
-- cost what has happened since the mark, in a record of any size.

CREATE TABLE sojourn.stall_mark (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    as_of timestamptz NOT NULL
);
COMMENT ON TABLE sojourn.stall_mark IS 'The instant at which the tally holds. It moves on with appends, a minute at a time.';

CREATE TABLE sojourn.stall_tally (
    kind text NOT NULL,
    reason text NOT NULL,
    waiting_on_role text,
    level smallint,
    agreements bigint NOT NULL
);
COMMENT ON TABLE sojourn.stall_tally IS
    'Numbers to be added up: appends insert what they change, so that none waits for another, and whoever moves the '
    'mark puts one row in the place of many.';

CREATE INDEX stall_by_start ON sojourn.stall (starts_at, kind, reason, waiting_on_role, level);
CREATE INDEX stall_by_end ON sojourn.stall (ends_at, kind, reason, waiting_on_role, level) WHERE ends_at < 'infinity';

CREATE FUNCTION sojourn.stalled_tally_v1(p_as_of timestamptz) RETURNS TABLE (
    kind text, reason text, waiting_on_role text, level smallint, agreements bigint
)
LANGUAGE sql STABLE AS $$
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
COMMENT ON FUNCTION sojourn.stalled_tally_v1 IS
    'How many agreements are stalled at an instant, by kind, reason, role and rung: the numbers of stalled_counts_v1. '
    'Quick near the mark, which is at most a minute old while anybody appends.';

-- Numbers of the advisory lock of whoever reads the mark in order to write: shared by appends, alone to move it.
CREATE FUNCTION sojourn.stall_mark_lock_v1() RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT x'7374616c6c'::bigint $$;

CREATE FUNCTION sojourn.move_stall_mark_v1(p_as_of timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
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
COMMENT ON FUNCTION sojourn.move_stall_mark_v1 IS
    'Needs READ COMMITTED: what it counts must be what it finds once nobody else reads the mark.';

CREATE FUNCTION sojourn.tally_stall_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
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

CREATE FUNCTION sojourn.refuse_stall_update_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of sojourn.stall are not updated: the tally would not notice'
        USING ERRCODE = 'SJ003', HINT = 'Delete and insert them.';
END
$$;

-- Triggers on the list itself, so that whatever changes it is counted.
CREATE TRIGGER stall_is_tallied_in AFTER INSERT ON sojourn.stall
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sojourn.tally_stall_v1();
CREATE TRIGGER stall_is_tallied_out AFTER DELETE ON sojourn.stall
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sojourn.tally_stall_v1();
CREATE TRIGGER stall_is_tallied_anew AFTER TRUNCATE ON sojourn.stall
    FOR EACH STATEMENT EXECUTE FUNCTION sojourn.tally_stall_v1();
CREATE TRIGGER stall_is_never_updated BEFORE UPDATE ON sojourn.stall
    FOR EACH STATEMENT EXECUTE FUNCTION sojourn.refuse_stall_update_v1();

INSERT INTO sojourn.stall_mark (as_of) VALUES (clock_timestamp());
INSERT INTO sojourn.stall_tally
SELECT counted.kind, counted.reason, counted.waiting_on_role, counted.level, counted.agreements
FROM sojourn.stall_mark AS mark
CROSS JOIN LATERAL sojourn.stalled_counts_v1(mark.as_of) AS counted;
