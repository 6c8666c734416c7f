-- migrate:up

-- What was done about a person's rights: holds placed and lifted, erasures with their receipts, exports. It names
-- ids, dates and references only, and outlives the person's key.
CREATE TABLE sojourn.rights_event (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id text COLLATE "C" NOT NULL,
    type text NOT NULL CHECK (type IN ('hold.placed', 'hold.lifted', 'person.erased', 'person.exported')),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor_id text COLLATE "C" NOT NULL,
    data jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE sojourn.rights_event IS
    'Append-only. A person is on hold while the last of hold.placed and hold.lifted is the first of the two.';

CREATE INDEX rights_event_by_person ON sojourn.rights_event (person_id, position);

CREATE TRIGGER rights_event_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sojourn.rights_event
    FOR EACH STATEMENT EXECUTE FUNCTION sojourn.refuse_change();
ALTER TABLE sojourn.rights_event ENABLE ALWAYS TRIGGER rights_event_is_append_only;
