-- migrate:up

-- One mail of nudges per person and day, over all agreements that they are in. Whoever inserts the row of a reader's
-- day sends that mail; everybody else waits for what becomes of it.

CREATE TABLE sojourn.digest (
    reader_id text COLLATE "C" NOT NULL,
    local_day date NOT NULL,
    claimed_by text COLLATE "C" NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sent_at timestamptz,
    PRIMARY KEY (reader_id, local_day)
);
COMMENT ON COLUMN sojourn.digest.reader_id IS 'Who got it: a delegate has one mail a day too, whoever they stand in for.';
COMMENT ON COLUMN sojourn.digest.local_day IS 'The date on the reader''s wall.';
COMMENT ON COLUMN sojourn.digest.claimed_by IS
    'The notice whose delivery sends it: the next attempt at the same notice goes on where the last one broke off.';
COMMENT ON COLUMN sojourn.digest.claimed_at IS
    'By this server''s clock. A claim of long ago whose mail did not go out was left behind by a dead worker.';
COMMENT ON COLUMN sojourn.digest.sent_at IS 'In the agreements'' own time; NULL until the mail server has taken it.';

ALTER TABLE sojourn.notice ADD COLUMN digest_id text COLLATE "C";
COMMENT ON COLUMN sojourn.notice.digest_id IS 'Reader and day of the mail that it went out with; NULL where by itself.';

CREATE INDEX notice_queued_by_recipient ON sojourn.notice (recipient_id, not_before) WHERE state = 'queued';
CREATE INDEX person_by_delegate ON sojourn.person (delegate_id) WHERE delegate_id IS NOT NULL;
