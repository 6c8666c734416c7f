-- migrate:up
-- Releases from migration 0015 on work with this one. What they do by an UPDATE of sojourn_keys.subject_key is refused
-- from here on, to which the privileges see: `keys rewrap` is for the owner of the schema.

-- The only way to destroy a key. Under the name that the release before calls it by: what it may be called for is less.
CREATE OR REPLACE FUNCTION sojourn.destroy_keys_v1(p_person_id text, p_agreement_id text, p_actor_id text, p_data jsonb)
RETURNS TABLE (subject_id text, version integer, destroyed_at timestamptz, held_id text, held_reference text)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- The subject of a key is no person: a hold on the person would not be found by it. And of no agreement are all keys
    -- of the directory.
    IF position('@' in coalesce(p_person_id, '')) > 0 OR p_person_id = '' OR p_agreement_id = '' THEN
        RAISE EXCEPTION 'keys are destroyed of a person or of an agreement, by its id' USING ERRCODE = 'SJ001';
    END IF;
    RETURN QUERY
    SELECT NULL::text, NULL::integer, NULL::timestamptz, hold.person_id, hold.reference
    FROM sojourn.holds_v1(p_person_id, p_agreement_id) AS hold;
    IF FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH gone AS (
        UPDATE sojourn_keys.subject_key AS held
        SET key_id = NULL, wrapped = NULL, destroyed_at = clock_timestamp()
        WHERE held.destroyed_at IS NULL AND (
            held.subject_id = p_person_id
            OR (held.subject_id >= p_person_id || '@' AND held.subject_id < p_person_id || 'A')
            OR split_part(held.subject_id, '@', 2) COLLATE "C" = p_agreement_id
        )
        RETURNING held.subject_id, held.version, held.destroyed_at
    ),
    noted AS (
        INSERT INTO sojourn.rights_event (person_id, type, actor_id, data)
        SELECT
            split_part(gone.subject_id, '@', 1), 'keys.destroyed', p_actor_id,
            p_data || jsonb_build_object('keys_destroyed', jsonb_agg(jsonb_build_object(
                'person_id', split_part(gone.subject_id, '@', 1),
                'agreement_id', nullif(split_part(gone.subject_id, '@', 2), ''),
                'version', gone.version
            ) ORDER BY gone.subject_id, gone.version))
        FROM gone
        GROUP BY split_part(gone.subject_id, '@', 1)
    )
    SELECT gone.subject_id, gone.version, gone.destroyed_at, NULL::text, NULL::text
    FROM gone
    ORDER BY gone.subject_id, gone.version;
END
$$;

-- Two who approve at once would both have been noted: whoever decides says what they know, under the lock that puts those
-- who note something into one order.
CREATE FUNCTION sojourn.note_opening_v1(
    p_people text[], p_agreement_id text, p_known integer, p_type text, p_actor_id text, p_data jsonb
) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM sojourn.rights_head FOR UPDATE;
    IF p_known <> (
        SELECT count(*)
        FROM sojourn.rights_event AS noted
        WHERE noted.person_id = p_people[1] AND noted.type IN ('glass.requested', 'glass.approved')
            AND noted.data->>'agreement_id' = p_agreement_id
    ) THEN
        RETURN false;
    END IF;
    INSERT INTO sojourn.rights_event (person_id, type, actor_id, data)
    SELECT concerned.person_id, p_type, p_actor_id, p_data FROM unnest(p_people) AS concerned (person_id);
    RETURN true;
END
$$;
COMMENT ON FUNCTION sojourn.note_opening_v1 IS
    'Notes for several people, the mentee first, that something private of a closed agreement was asked for or opened; '
    'false and nothing where more or less was noted of the mentee in it than whoever decides knows.';
