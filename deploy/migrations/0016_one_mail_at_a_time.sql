-- migrate:up
-- Releases from migration 0010 on work with this one.

-- What waits for a reader goes into one mail, also where two deliveries live on two of the reader's days, as those of
-- agreements with clocks of their own, or around a midnight at which somebody works: one mail at a time is put together.
-- A release before this one claims by day only; where that meets another day's claim, its delivery is tried again.

DELETE FROM sojourn.digest AS older
USING sojourn.digest AS newer
WHERE older.sent_at IS NULL AND newer.sent_at IS NULL AND older.reader_id = newer.reader_id
    AND (older.claimed_at, older.local_day) < (newer.claimed_at, newer.local_day);

CREATE UNIQUE INDEX digest_under_way ON sojourn.digest (reader_id) WHERE sent_at IS NULL;
