-- migrate:up

-- A notice that was given up is tried again because somebody asked for it: by the statement that writes the event,
-- so that what was accepted is queued whatever dies afterwards. The condition keeps every other event free of it.

CREATE FUNCTION sojourn.queue_resent_notices_v1() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE sojourn.notice
    SET state = 'queued'
    WHERE agreement_id = NEW.agreement_id AND state = 'failed'
        AND notice_id IN (SELECT json_array_elements_text(NEW.data->'notice_ids'));
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION sojourn.queue_resent_notices_v1 IS
    'Errors and attempts stay as they are: they tell what was tried before.';

CREATE TRIGGER event_queues_resent_notices AFTER INSERT ON sojourn.event
    FOR EACH ROW WHEN (NEW.type = 'notices.resent') EXECUTE FUNCTION sojourn.queue_resent_notices_v1();
