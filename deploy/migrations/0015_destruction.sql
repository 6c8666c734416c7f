-- migrate:up
-- Releases from migration 0013 on work with this one.

-- What a legal hold forbids and what destroys are put into one order by the lock of rights_head, which whoever places a
-- hold takes as well: a hold is seen by every destruction behind it, and no destruction is begun on a look of before.
-- And a key is destroyed in the transaction that notes so: one that is gone without a note was not erased by anybody.

CREATE FUNCTION sojourn.holds_v1(p_person_id text, p_agreement_id text)
RETURNS TABLE (person_id text, reference text)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM sojourn.rights_head FOR UPDATE;
    RETURN QUERY
    WITH concerned AS (
        SELECT p_person_id COLLATE "C" AS person_id WHERE p_person_id IS NOT NULL
        UNION
        SELECT party.person_id FROM sojourn.agreement_party AS party WHERE party.agreement_id = p_agreement_id
        UNION
        SELECT split_part(held.subject_id, '@', 1)
        FROM sojourn_keys.subject_key AS held
        WHERE split_part(held.subject_id, '@', 2) COLLATE "C" = p_agreement_id
    )
    SELECT latest.person_id, coalesce(latest.data->>'reference', '')
    FROM concerned
    CROSS JOIN LATERAL (
        SELECT noted.person_id, noted.type, noted.data
        FROM sojourn.rights_event AS noted
        WHERE noted.person_id = concerned.person_id AND noted.type IN ('hold.placed', 'hold.lifted')
        ORDER BY noted.position DESC
        LIMIT 1
    ) AS latest
    WHERE latest.type = 'hold.placed'
    ORDER BY latest.person_id;
END
$$;
COMMENT ON FUNCTION sojourn.holds_v1 IS
    'The legal holds on a person, or on anybody in an agreement; until the transaction ends, none is placed or lifted.';

CREATE FUNCTION sojourn.destroy_keys_v1(p_person_id text, p_agreement_id text, p_actor_id text, p_data jsonb)
RETURNS TABLE (subject_id text, version integer, destroyed_at timestamptz, held_id text, held_reference text)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
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
COMMENT ON FUNCTION sojourn.destroy_keys_v1 IS
    'Destroys every key of a person, or every key of an agreement, and notes each in the log of rights; nothing at all '
    'where somebody concerned is on legal hold, who is given back instead.';

CREATE FUNCTION sojourn.note_unless_held_v1(
    p_person_id text, p_agreement_id text, p_people text[], p_type text, p_actor_id text, p_data jsonb
) RETURNS TABLE (held_id text, held_reference text)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT hold.person_id, hold.reference FROM sojourn.holds_v1(p_person_id, p_agreement_id) AS hold;
    IF FOUND THEN
        RETURN;
    END IF;
    INSERT INTO sojourn.rights_event (person_id, type, actor_id, data)
    SELECT about.person_id, p_type, p_actor_id, p_data FROM unnest(p_people) AS about (person_id);
END
$$;
COMMENT ON FUNCTION sojourn.note_unless_held_v1 IS
    'Notes of several people what is about to be removed on account of a person or an agreement; nothing where somebody '
    'concerned is on legal hold, who is given back instead.';

CREATE FUNCTION sojourn.clear_person_v1(p_person_id text)
RETURNS TABLE (cleared boolean, held_id text, held_reference text)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT false, hold.person_id, hold.reference FROM sojourn.holds_v1(p_person_id, NULL) AS hold;
    IF FOUND THEN
        RETURN;
    END IF;
    UPDATE sojourn.person AS held
    SET name = '(erased)', email = NULL, channels = '[]', employee_number = NULL, assignment_id = NULL, leave = '[]',
        delegate_id = NULL, is_operator = false, left_on = coalesce(held.left_on, current_date),
        updated_at = clock_timestamp()
    WHERE held.person_id = p_person_id;
    RETURN QUERY SELECT FOUND, NULL::text, NULL::text;
END
$$;
COMMENT ON FUNCTION sojourn.clear_person_v1 IS
    'Takes out of the directory who somebody was; working time stays, for due instants are computed from it. Nothing '
    'where they are on legal hold, which is given back instead.';

CREATE INDEX rights_event_destroyed ON sojourn.rights_event (person_id)
    WHERE type IN ('keys.destroyed', 'person.erased', 'words.expired');
COMMENT ON INDEX sojourn.rights_event_destroyed IS 'Finds what accounts for a key that is gone.';
