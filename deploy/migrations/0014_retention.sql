-- migrate:up
-- Releases from migration 0013 on work with this one.

-- What people write in an agreement is sealed under a key of that person and that agreement, whose subject id is
-- `PERSON@AGREEMENT`: an agreement's words can expire while its people stay. What earlier releases sealed stays under
-- keys whose subject id is the person's alone.
CREATE INDEX subject_key_by_agreement ON sojourn_keys.subject_key (split_part(subject_id, '@', 2) COLLATE "C");
COMMENT ON COLUMN sojourn_keys.subject_key.subject_id IS
    'A person, for the directory; PERSON@AGREEMENT for what is written in an agreement and is theirs.';

CREATE INDEX rights_event_expiries ON sojourn.rights_event (type, (data->>'agreement_id'), person_id)
    WHERE type IN ('expiry.begun', 'words.expired');
COMMENT ON INDEX sojourn.rights_event_expiries IS 'Finds what was begun and is not told to be done.';
