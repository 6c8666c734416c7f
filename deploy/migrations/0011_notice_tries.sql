-- migrate:up
-- Releases from migration 0010 on work with this one.

-- The tries at a notice are counted over its whole life, however many runs of its workflow take part in them, and one
-- delivery at a time is at it. A release before this one leaves the new columns as they are: it counts per run.

ALTER TABLE sojourn.notice
    ADD COLUMN attempts_before integer NOT NULL DEFAULT 0,
    ADD COLUMN next_try_at timestamptz,
    ADD COLUMN taken_by text COLLATE "C",
    ADD COLUMN taken_at timestamptz;
COMMENT ON COLUMN sojourn.notice.attempts_before IS
    'How many of its attempts were made before somebody asked for it to be tried again: those count no longer.';
COMMENT ON COLUMN sojourn.notice.next_try_at IS
    'In the agreement''s own time, after a try that failed: the next run waits until then as the last one would have.';
COMMENT ON COLUMN sojourn.notice.taken_by IS
    'The delivery that is at it; NULL once it has said what became of it. Another one waits, or takes over.';
COMMENT ON COLUMN sojourn.notice.taken_at IS
    'By this server''s clock. A delivery that has been at it for longer than one try may take is dead.';

CREATE FUNCTION sojourn.queue_resent_notices_v2() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE sojourn.notice
    SET state = 'queued', attempts_before = attempts, next_try_at = NULL
    WHERE agreement_id = NEW.agreement_id AND state = 'failed'
        AND notice_id IN (SELECT json_array_elements_text(NEW.data->'notice_ids'));
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION sojourn.queue_resent_notices_v2 IS
    'Errors and attempts stay as they are: they tell what was tried before. The count of tries begins again.';

DROP TRIGGER event_queues_resent_notices ON sojourn.event;
CREATE TRIGGER event_queues_resent_notices AFTER INSERT ON sojourn.event
    FOR EACH ROW WHEN (NEW.type = 'notices.resent') EXECUTE FUNCTION sojourn.queue_resent_notices_v2();
DROP FUNCTION sojourn.queue_resent_notices_v1();
