-- migrate:up
-- Releases from migration 0010 on work with this one.

-- A pair of hours for every weekday cannot say a part-time week, a night, a roster: what is richer stands here, as the
-- directory's JSON has it. An older release leaves it as it is and goes by the columns beside it.
ALTER TABLE sojourn.person ADD COLUMN working_time jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN sojourn.person.working_time IS
    'Hours that differ by day, days with hours of their own, the organisation''s calendar, the hour one likes to meet at.';

CREATE INDEX person_by_organisation_calendar ON sojourn.person ((working_time->>'organisation_calendar'))
    WHERE working_time ? 'organisation_calendar';

CREATE TABLE sojourn.organisation_calendar (
    calendar_id text COLLATE "C" NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    document jsonb NOT NULL,
    applied_by text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (calendar_id, version)
);
COMMENT ON TABLE sojourn.organisation_calendar IS
    'Closing days, bridge days and half-holidays of organisations, every version that was ever in force; the highest is.';
