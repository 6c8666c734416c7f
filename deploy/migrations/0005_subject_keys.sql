-- migrate:up

-- People's keys, in a schema of their own: leave it out of backups that live longer than the right to be
-- forgotten may wait, and keep its own backups short. Without it everything but words can be restored.
CREATE SCHEMA sojourn_keys;

CREATE TABLE sojourn_keys.subject_key (
    subject_id text COLLATE "C" NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    key_id text COLLATE "C",
    wrapped bytea,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    destroyed_at timestamptz,
    PRIMARY KEY (subject_id, version),
    CONSTRAINT there_or_destroyed CHECK (
        (wrapped IS NULL) = (destroyed_at IS NOT NULL) AND (key_id IS NULL) = (destroyed_at IS NOT NULL)
    )
);
COMMENT ON TABLE sojourn_keys.subject_key IS
    'The data key of each person, wrapped by a key-encryption key that the database never sees. Destroying it '
    'erases what it sealed everywhere; the row stays, so that an erasure can be told from a loss.';
COMMENT ON COLUMN sojourn_keys.subject_key.key_id IS 'Which key-encryption key it is wrapped under.';

CREATE UNIQUE INDEX subject_key_in_use ON sojourn_keys.subject_key (subject_id) WHERE destroyed_at IS NULL;
CREATE INDEX subject_key_destroyed ON sojourn_keys.subject_key (destroyed_at) WHERE destroyed_at IS NOT NULL;
CREATE INDEX subject_key_by_wrapping ON sojourn_keys.subject_key (key_id) WHERE destroyed_at IS NULL;
