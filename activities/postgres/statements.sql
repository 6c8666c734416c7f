-- append --
-- One command's events with their read models and notices, or the reason why not.
SELECT verdict, stream_version, written_types
FROM sojourn.append_events_v2(
    $1, $2, $3, $4, $5, $6, $7, $8, $9::text[]::uuid[], $10::text[], $11::integer[], $12::text[], $13::text::jsonb,
    $14::text::jsonb
)

-- stream --
-- The events of one agreement after a version, in order.
SELECT
    event_id::text, agreement_id, version, type, schema_version, occurred_at, recorded_at, actor_id, actor_role,
    command_id, data::text, encode(previous_hash, 'hex') AS previous_hash, encode(hash, 'hex') AS hash
FROM sojourn.event
WHERE agreement_id = $1 AND version > $2
ORDER BY version

-- chain_head --
-- What the head row knows of the end of a stream.
SELECT version, encode(last_hash, 'hex') AS last_hash FROM sojourn.agreement WHERE agreement_id = $1

-- read_all --
-- The next page of the global order: only transactions older than every running one, so that no gap fills later.
-- The cluster-wide horizon says nothing about events restored from an earlier epoch; they are all settled.
-- `transaction_id` must not be named tx: ORDER BY would sort that text instead of the column.
SELECT
    event.epoch, event.tx::text AS transaction_id, event.position,
    event.event_id::text, event.agreement_id, event.version, event.type, event.schema_version, event.occurred_at,
    event.recorded_at, event.actor_id, event.actor_role, event.command_id, event.data::text,
    encode(event.previous_hash, 'hex') AS previous_hash, encode(event.hash, 'hex') AS hash
FROM sojourn.event
WHERE (event.epoch, event.tx, event.position) > ($1::smallint, $2::text::xid8, $3::bigint)
    AND (
        event.tx < pg_snapshot_xmin(pg_current_snapshot())
        OR event.epoch < (SELECT log_epoch.epoch FROM sojourn.log_epoch)
    )
ORDER BY event.epoch, event.tx, event.position
LIMIT $4

-- agreements --
-- Heads with their parties, filtered; in order of id, a page at a time.
SELECT
    head.agreement_id, head.version, head.kind, head.phase, head.outcome, head.tenant, head.request_id,
    head.request_digest, head.cohort, head.terms_version, head.starts_on, head.ends_on,
    head.mentor_hours_per_month, head.last_activity_at, head.silent_at, head.paused_until, head.held,
    head.next_instant, head.opened_at, head.updated_at, head.recorded_at, party.parties::text AS parties
FROM sojourn.agreement AS head
LEFT JOIN LATERAL (
    SELECT
        coalesce(
            jsonb_agg(
                jsonb_build_object('role', held.role, 'person_id', held.person_id, 'scope', held.scope)
                ORDER BY held.role, held.scope, held.person_id
            ),
            '[]'
        ) AS parties
    FROM sojourn.agreement_party AS held
    WHERE held.agreement_id = head.agreement_id
) AS party ON true
WHERE ($1::text[] IS NULL OR head.agreement_id = ANY ($1))
    AND ($2::text[] IS NULL OR head.kind = ANY ($2))
    AND ($3::text[] IS NULL OR head.phase = ANY ($3))
    AND ($4::text IS NULL OR head.tenant = $4)
    AND ($5::text IS NULL OR head.cohort = $5)
    AND ($6::text IS NULL OR EXISTS (
        SELECT FROM sojourn.agreement_party AS held
        WHERE held.agreement_id = head.agreement_id AND held.person_id = $6
    ))
    AND (NOT $7::boolean OR head.phase <> 'closed')
    AND head.agreement_id > $8
ORDER BY head.agreement_id
LIMIT $9

-- find_request --
-- Which agreement a request opened, and what the request is known by: where that is sealed, the head does not have it.
SELECT
    head.agreement_id, head.request_digest, head.version, first.event_id::text, first.type AS event_type,
    first.data->'request_digest'->>'$sealed' AS sealed_digest
FROM sojourn.agreement AS head
LEFT JOIN sojourn.event AS first ON first.agreement_id = head.agreement_id AND first.version = 1
WHERE head.tenant = $1 AND head.request_id = $2

-- overlapping_agreements --
-- Open agreements in which a person is the mentee on some day of a stretch, both ends included.
SELECT head.agreement_id
FROM sojourn.agreement_party AS party
JOIN sojourn.agreement AS head ON head.agreement_id = party.agreement_id
WHERE party.person_id = $1 AND party.role = 'mentee'
    AND head.phase <> 'closed'
    AND head.starts_on <= $3 AND head.ends_on >= $2
    AND head.agreement_id <> $4
GROUP BY head.agreement_id
ORDER BY head.agreement_id

-- mentor_hours --
-- Hours per month that a mentor has promised, over all open agreements, each counted once.
SELECT coalesce(sum(head.mentor_hours_per_month), 0)::double precision AS hours
FROM sojourn.agreement AS head
WHERE head.phase <> 'closed'
    AND head.agreement_id <> $2
    AND head.agreement_id IN (
        SELECT party.agreement_id
        FROM sojourn.agreement_party AS party
        WHERE party.person_id = $1 AND party.role = 'mentor'
    )

-- recent_commands --
-- The last commands of one agreement with the events they led to, oldest first: what a resumed workflow knows by heart.
SELECT command_id, digest, version, event_types
FROM (
    SELECT
        known.command_id, known.digest, known.last_version AS version,
        array_agg(written.type ORDER BY written.version) AS event_types
    FROM (
        SELECT * FROM sojourn.command WHERE agreement_id = $1 ORDER BY last_version DESC LIMIT $2
    ) AS known
    JOIN sojourn.event AS written
        ON written.agreement_id = $1 AND written.version BETWEEN known.first_version AND known.last_version
    GROUP BY known.command_id, known.digest, known.last_version
) AS recent
ORDER BY version

-- command_digest --
-- By what a command that is in the record is recognised.
SELECT digest FROM sojourn.command WHERE agreement_id = $1 AND command_id = $2

-- obligations --
-- The ledger of one agreement: the open obligations, or the settled ones as well.
SELECT
    obligation_id, kind, subject, owner_role, owner_id, opened_at, due_at, stalled_at, reason,
    ladder::text AS ladder, acts_by_itself_at, starts_at, sequence, reached, status, settled_at
FROM sojourn.obligation
WHERE agreement_id = $1 AND (NOT $2::boolean OR status = 'open')
ORDER BY due_at, obligation_id

-- stalled --
-- What is stalled at an instant if nothing else happens, one row per agreement, longest first.
SELECT
    agreement_id, kind, phase, cohort, reason, waiting_on_role, waiting_on_id, since, obligation_id,
    obligation_kind, due_at, level, next_level, next_at
FROM sojourn.stalled_as_of_v1($1)

-- stalled_page --
-- The next agreements that are stalled at an instant, longest first, after one of them.
SELECT
    agreement_id, kind, phase, tenant, cohort, reason, waiting_on_role, waiting_on_id, since, obligation_id,
    obligation_kind, due_at, level, next_level, next_at
FROM sojourn.stalled_page_v2($1, $2::text::jsonb, $3, $4, $5)

-- stalled_matters_about --
-- Agreements that a matter of some kind holds up first at an instant, and in which one of such a kind is or was about a
-- person. What holds up for other reasons is no such matter; whom one is about only its event says.
SELECT stall.agreement_id
FROM sojourn.stall
CROSS JOIN LATERAL (
    SELECT FROM sojourn.event AS told
    WHERE told.agreement_id = stall.agreement_id AND told.type = ANY ($4::text[]) AND told.data->>'about' = $5
    LIMIT 1
) AS raised
WHERE stall.reason = ANY ($1::text[]) AND stall.starts_at <= $2 AND stall.ends_at > $2 AND stall.obligation_id ~ $3

-- stalled_counts --
-- How many agreements are stalled at an instant, by kind, reason, role and rung, and since when the first is.
SELECT kind, reason, waiting_on_role, level, agreements, first_since
FROM sojourn.stalled_counts_v1($1)

-- stalled_tally --
-- The same numbers without their since, at a cost that does not grow with what is stalled.
SELECT kind, reason, waiting_on_role, level, agreements
FROM sojourn.stalled_tally_v1($1)

-- agreements_ahead --
-- Open agreements whose last event, in their own time, is later than an instant.
SELECT agreement_id FROM sojourn.agreement_ahead WHERE updated_at > $1

-- to_be_run --
-- What a workflow is for: open agreements, and closed ones with notices that were not sent; in order of id.
SELECT agreement_id FROM sojourn.agreement WHERE phase <> 'closed'
UNION
SELECT agreement_id FROM sojourn.notice WHERE state = 'queued'
ORDER BY agreement_id

-- known_values --
-- Every tenant and every cohort that any agreement is of, the first of them, for whoever mistyped one.
SELECT
    ARRAY(SELECT DISTINCT tenant FROM sojourn.agreement ORDER BY tenant LIMIT $1) AS tenants,
    ARRAY(
        SELECT DISTINCT cohort FROM sojourn.agreement WHERE cohort IS NOT NULL ORDER BY cohort LIMIT $1
    ) AS cohorts

-- overdue --
-- What has been due for longest in each agreement that is not stalled, and that neither a close, a pause nor a hold
-- suspends; longest first, so many.
SELECT
    longest.agreement_id, head.kind, head.phase, longest.obligation_id, longest.kind AS obligation_kind,
    longest.owner_role AS waiting_on_role, longest.owner_id AS waiting_on_id, longest.due_at, climbed.level,
    ahead.level AS next_level, ahead.at AS next_at
FROM (
    SELECT DISTINCT ON (owed.agreement_id) owed.*
    FROM sojourn.obligation AS owed
    WHERE owed.status = 'open' AND owed.due_at <= $1
    ORDER BY owed.agreement_id, owed.due_at, owed.obligation_id
) AS longest
JOIN sojourn.agreement AS head ON head.agreement_id = longest.agreement_id
LEFT JOIN LATERAL (
    SELECT max(rung.level) AS level
    FROM jsonb_to_recordset(longest.ladder) AS rung (level smallint, at timestamptz)
    WHERE rung.at <= $1
) AS climbed ON true
LEFT JOIN LATERAL (
    SELECT rung.level, rung.at
    FROM jsonb_to_recordset(longest.ladder) AS rung (level smallint, at timestamptz)
    WHERE rung.at > $1
    ORDER BY rung.at
    LIMIT 1
) AS ahead ON true
WHERE head.phase <> 'closed' AND NOT head.held AND head.paused_until IS NULL
    AND NOT EXISTS (
        SELECT FROM sojourn.stall
        WHERE stall.agreement_id = longest.agreement_id AND stall.starts_at <= $1 AND stall.ends_at > $1
    )
ORDER BY longest.due_at, longest.agreement_id
LIMIT $2

-- notices --
-- The outbox of one agreement: everything, or what still waits to be sent.
SELECT notice::text AS notice, state, attempts, last_error, reason, queued_at, sent_at, digest_id, next_try_at
FROM sojourn.notice
WHERE agreement_id = $1 AND (NOT $2::boolean OR state = 'queued')
ORDER BY not_before, notice_id

-- notices_by_id --
-- Particular notices and what became of them.
SELECT notice::text AS notice, state, attempts, last_error, reason, queued_at, sent_at, digest_id, next_try_at
FROM sojourn.notice
WHERE notice_id = ANY ($1::text[])
ORDER BY not_before, notice_id

-- failed_notices --
-- Notices that were given up, of some agreements or all, to some people or all.
SELECT notice::text AS notice, state, attempts, last_error, reason, queued_at, sent_at, digest_id, next_try_at
FROM sojourn.notice
WHERE state = 'failed'
    AND ($1::text[] IS NULL OR agreement_id = ANY ($1))
    AND ($2::text[] IS NULL OR recipient_id = ANY ($2))
ORDER BY agreement_id, not_before, notice_id

-- settle_notice --
-- What became of a notice. A notice that was sent or skipped stays so; a failed one may still be sent later.
UPDATE sojourn.notice
SET state = $2,
    attempts = attempts + CASE WHEN $2 = 'skipped' THEN 0 ELSE 1 END,
    last_error = coalesce($3, last_error),
    reason = $4,
    sent_at = CASE WHEN $2 = 'sent' THEN coalesce($5, clock_timestamp()) END,
    next_try_at = $6,
    taken_by = NULL,
    taken_at = NULL
WHERE notice_id = $1 AND state IN ('queued', 'failed')
RETURNING notice_id

-- take_notice --
-- What became of a notice, how often it was tried, and whether this delivery has it: none has while another is at it.
WITH taken AS (
    UPDATE sojourn.notice
    SET taken_by = $2, taken_at = clock_timestamp()
    WHERE notice_id = $1 AND state IN ('queued', 'failed')
        AND (taken_by IS NULL OR taken_by = $2 OR taken_at < clock_timestamp() - $3::interval)
    RETURNING attempts - attempts_before AS tries
)
SELECT known.state, taken.tries FROM sojourn.notice AS known LEFT JOIN taken ON true WHERE known.notice_id = $1

-- notice_state --
-- Whether a notice is known, and what became of it.
SELECT state FROM sojourn.notice WHERE notice_id = $1

-- notice_ground --
-- What a notice stands on now: its agreement, its obligation, and how often its recipient was nudged about it.
SELECT
    head.phase, head.held, head.paused_until IS NOT NULL AS paused,
    EXISTS (
        SELECT FROM sojourn.agreement_party AS party
        WHERE party.agreement_id = head.agreement_id AND party.person_id = $3
    ) AS takes_part,
    owed.status, owed.kind, owed.owner_id, owed.due_at,
    (
        SELECT count(*)
        FROM sojourn.notice AS told
        WHERE told.agreement_id = head.agreement_id AND told.obligation_id = $2 AND told.recipient_id = $3
            AND told.kind = ANY ($4::text[]) AND told.state = 'sent' AND told.version >= owed.opened_version
    ) AS nudges
FROM sojourn.agreement AS head
LEFT JOIN sojourn.obligation AS owed ON owed.agreement_id = head.agreement_id AND owed.obligation_id = $2
WHERE head.agreement_id = $1

-- defer_notice --
-- A notice is to wait longer than it was queued for. One that was settled meanwhile stays settled.
UPDATE sojourn.notice
SET state = 'queued', not_before = $2, notice = jsonb_set(notice, '{not_before}', to_jsonb($3::text)), reason = $4,
    next_try_at = NULL, taken_by = NULL, taken_at = NULL
WHERE notice_id = $1 AND state IN ('queued', 'failed')

-- claim_digest --
-- Who sends a reader's mail of the day: this notice's delivery, also where a dead one left its claim behind. One mail
-- to a reader is under way at a time: what waits would otherwise be gathered into the mails of two days.
WITH left_behind AS (
    DELETE FROM sojourn.digest
    WHERE reader_id = $1 AND sent_at IS NULL
        AND (claimed_by = $3 OR claimed_at < clock_timestamp() - $4::interval)
    RETURNING reader_id
),
claimed AS (
    INSERT INTO sojourn.digest (reader_id, local_day, claimed_by)
    -- Counted, so that what was left behind is gone before this is tried.
    SELECT $1, $2, $3 FROM (SELECT count(*) FROM left_behind) AS gone
    ON CONFLICT DO NOTHING
    RETURNING reader_id
)
SELECT CASE
    WHEN EXISTS (SELECT FROM claimed) THEN 'claimed'
    WHEN EXISTS (
        SELECT FROM sojourn.digest WHERE reader_id = $1 AND local_day = $2 AND sent_at IS NOT NULL
    ) THEN 'sent'
    ELSE 'under_way'
END AS verdict

-- release_digest --
-- The mail did not go out: whoever is next may send it.
DELETE FROM sojourn.digest WHERE reader_id = $1 AND local_day = $2 AND claimed_by = $3 AND sent_at IS NULL

-- gatherable_notices --
-- Nudges that may go out to these people at an instant, what has been due for longest first. An agreement can live
-- at a time of its own, as in a demonstration: one whose clock is elsewhere keeps its nudges to itself.
SELECT queued.notice::text AS notice
FROM sojourn.notice AS queued
JOIN sojourn.agreement AS head ON head.agreement_id = queued.agreement_id
WHERE queued.state = 'queued' AND queued.recipient_id = ANY ($1::text[]) AND queued.not_before <= $2
    AND queued.kind = ANY ($3::text[])
    AND (head.updated_at - head.recorded_at) - ($2 - clock_timestamp()) BETWEEN interval '-1 day' AND interval '1 day'
ORDER BY (queued.notice->>'due_at')::timestamptz, queued.agreement_id, queued.obligation_id, queued.version

-- settle_digest --
-- The mail of the day went out with these notices.
WITH told AS (
    UPDATE sojourn.notice
    SET state = 'sent', attempts = attempts + 1, last_error = coalesce($5, last_error), reason = NULL, sent_at = $4,
        digest_id = $6, next_try_at = NULL, taken_by = NULL, taken_at = NULL
    WHERE notice_id = ANY ($3::text[]) AND state IN ('queued', 'failed')
)
INSERT INTO sojourn.digest AS known (reader_id, local_day, claimed_by, sent_at)
VALUES ($1, $2, ($3::text[])[1], $4)
ON CONFLICT (reader_id, local_day) DO UPDATE SET sent_at = coalesce(known.sent_at, excluded.sent_at)

-- upsert_people --
-- Writes people as given; who is not named stays as they were. Where it is said by whom, it is noted whom they made an
-- operator, and whom one no longer: before the people are written, as whatever destroys takes these locks.
WITH given AS MATERIALIZED (
    SELECT *
    FROM jsonb_to_recordset($1::text::jsonb) AS given (
        person_id text, name text, email text, channels jsonb, time_zone text, holiday_calendar text,
        working_weekdays smallint[], opens time, closes time, leave jsonb, delegate_id text, locale text,
        employee_number text, assignment_id text, is_operator boolean, mentor_hours_per_month numeric, left_on date,
        working_time jsonb
    )
),
noted AS (
    INSERT INTO sojourn.rights_event (person_id, type, actor_id)
    SELECT given.person_id, CASE WHEN given.is_operator THEN 'operator.made' ELSE 'operator.unmade' END, $2
    FROM given
    LEFT JOIN sojourn.person AS held ON held.person_id = given.person_id COLLATE "C"
    WHERE $2::text IS NOT NULL AND given.is_operator <> coalesce(held.is_operator, false)
    ORDER BY given.person_id
    RETURNING position
)
INSERT INTO sojourn.person (
    person_id, name, email, channels, time_zone, holiday_calendar, working_weekdays, opens, closes, leave,
    delegate_id, locale, employee_number, assignment_id, is_operator, mentor_capacity_hours, left_on, working_time
)
SELECT
    person_id, name, email, channels, time_zone, holiday_calendar, working_weekdays, opens, closes, leave,
    delegate_id, locale, employee_number, assignment_id, is_operator, mentor_hours_per_month, left_on, working_time
FROM given
WHERE (SELECT count(*) FROM noted) >= 0
ORDER BY person_id
ON CONFLICT (person_id) DO UPDATE
SET (name, email, channels, time_zone, holiday_calendar, working_weekdays, opens, closes, leave, delegate_id,
     locale, employee_number, assignment_id, is_operator, mentor_capacity_hours, left_on, working_time, updated_at)
    = (excluded.name, excluded.email, excluded.channels, excluded.time_zone, excluded.holiday_calendar,
       excluded.working_weekdays, excluded.opens, excluded.closes, excluded.leave, excluded.delegate_id,
       excluded.locale, excluded.employee_number, excluded.assignment_id, excluded.is_operator,
       excluded.mentor_capacity_hours, excluded.left_on, excluded.working_time, clock_timestamp())

-- people --
-- The people with these ids.
SELECT
    person_id, name, email, channels::text AS channels, time_zone, holiday_calendar, working_weekdays, opens,
    closes, leave::text AS leave, delegate_id, locale, employee_number, assignment_id, is_operator,
    mentor_capacity_hours::double precision AS mentor_hours_per_month, left_on, working_time::text AS working_time
FROM sojourn.person
WHERE person_id = ANY ($1::text[])

-- organisation_calendars --
-- The version in force of each of these calendars of organisations.
SELECT DISTINCT ON (calendar_id) calendar_id, document::text AS document
FROM sojourn.organisation_calendar
WHERE calendar_id = ANY ($1::text[])
ORDER BY calendar_id, version DESC

-- organisation_calendar_versions --
-- Every version of the calendars of organisations, who put it in force and when; whose calendar it is now.
SELECT
    calendar_id, version, document::text AS document, applied_by, applied_at,
    (
        SELECT count(*) FROM sojourn.person WHERE working_time->>'organisation_calendar' = calendar_id
            AND working_time ? 'organisation_calendar'
    ) AS people
FROM sojourn.organisation_calendar
ORDER BY calendar_id, version

-- apply_organisation_calendar --
-- Puts a version of an organisation's calendar in force; nothing where that version, or a later one, is there.
INSERT INTO sojourn.organisation_calendar (calendar_id, version, document, applied_by)
SELECT $1, $2, $3::text::jsonb, $4
WHERE NOT EXISTS (
    SELECT FROM sojourn.organisation_calendar AS held WHERE held.calendar_id = $1 AND held.version >= $2
)
ON CONFLICT DO NOTHING
RETURNING version

-- people_of_organisation_calendar --
-- Everybody who works by an organisation's calendar.
SELECT person_id
FROM sojourn.person
WHERE working_time ? 'organisation_calendar' AND working_time->>'organisation_calendar' = $1
ORDER BY person_id

-- stood_in_for --
-- Everybody who names this person as their delegate, or names somebody who does, and so on.
WITH RECURSIVE stood_in_for AS (
    SELECT person_id, 1 AS steps FROM sojourn.person WHERE delegate_id = $1
    UNION
    SELECT further.person_id, nearer.steps + 1
    FROM stood_in_for AS nearer
    JOIN sojourn.person AS further ON further.delegate_id = nearer.person_id
    WHERE nearer.steps < $2
)
SELECT DISTINCT person_id FROM stood_in_for WHERE person_id <> $1 ORDER BY person_id

-- operators --
-- Who works the operators' queue and has not left by a day.
SELECT person_id FROM sojourn.person WHERE is_operator AND (left_on IS NULL OR left_on >= $1) ORDER BY person_id

-- person_leaves --
-- A person's last day.
UPDATE sojourn.person SET left_on = $2, updated_at = clock_timestamp() WHERE person_id = $1 RETURNING person_id

-- person_is_away --
-- Adds days of absence, once.
UPDATE sojourn.person
SET leave = CASE WHEN leave @> $2::text::jsonb THEN leave ELSE leave || $2::text::jsonb END,
    updated_at = clock_timestamp()
WHERE person_id = $1
RETURNING person_id

-- figures_stalled --
-- How many agreements are stalled now and for how long, by kind, reason, role and rung; none below the first rung.
SELECT
    kind, reason, coalesce(waiting_on_role, 'nobody') AS role, coalesce(level::text, 'none') AS level,
    agreements, extract(epoch FROM now() - first_since)::double precision AS oldest_seconds
FROM sojourn.stalled_counts_v1(now())
ORDER BY kind, reason, waiting_on_role, level

-- figures_obligations --
-- What is overdue and what falls due within a day, by kind, where neither a pause nor a hold suspends it.
SELECT
    owed.kind AS obligation_kind,
    count(*) FILTER (WHERE owed.due_at <= now()) AS overdue,
    count(*) FILTER (WHERE owed.due_at > now()) AS due_within_one_day
FROM sojourn.obligation AS owed
JOIN sojourn.agreement AS head ON head.agreement_id = owed.agreement_id
WHERE owed.status = 'open' AND owed.due_at <= now() + interval '24 hours'
    AND head.phase <> 'closed' AND NOT head.held AND head.paused_until IS NULL
GROUP BY owed.kind
ORDER BY owed.kind

-- figures_agreements --
-- All agreements by kind, phase and outcome, and how many of them are held or paused: a hold outweighs a pause.
SELECT
    kind, phase, outcome, count(*) AS agreements,
    count(*) FILTER (WHERE held AND phase <> 'closed') AS held,
    count(*) FILTER (WHERE NOT held AND paused_until IS NOT NULL AND phase <> 'closed') AS paused
FROM sojourn.agreement
GROUP BY kind, phase, outcome
ORDER BY kind, phase, outcome

-- figures_notices --
-- Notices that wait and notices given up, by kind, and for how long the first of them could have been sent.
-- Two selects, because each has a partial index of its own.
SELECT
    kind, 'queued' AS state, count(*) AS notices,
    extract(epoch FROM now() - min(greatest(not_before, queued_at)) FILTER (WHERE not_before <= now()))
        ::double precision AS oldest_seconds
FROM sojourn.notice
WHERE state = 'queued'
GROUP BY kind
UNION ALL
SELECT kind, 'failed', count(*), NULL
FROM sojourn.notice
WHERE state = 'failed'
GROUP BY kind
ORDER BY state, kind

-- figures_record --
-- How long ago the log was last written to, and how long its oldest event that readers of the global order cannot
-- see yet has waited for them. NULL where there is no such event.
SELECT
    extract(epoch FROM now() - (
        SELECT recorded_at FROM sojourn.event ORDER BY epoch DESC, tx DESC, position DESC LIMIT 1
    ))::double precision AS last_append_seconds,
    extract(epoch FROM now() - (
        SELECT event.recorded_at
        FROM sojourn.event
        WHERE event.epoch = (SELECT log_epoch.epoch FROM sojourn.log_epoch)
            AND event.tx >= pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY event.epoch, event.tx, event.position
        LIMIT 1
    ))::double precision AS order_lag_seconds

-- newest_keys --
-- The newest key of each of these people, destroyed or not; who never had one is not in it.
SELECT DISTINCT ON (subject_id) subject_id, version, key_id, wrapped, destroyed_at
FROM sojourn_keys.subject_key
WHERE subject_id = ANY ($1::text[])
ORDER BY subject_id, version DESC

-- subject_keys --
-- Particular keys, destroyed or not.
SELECT held.subject_id, held.version, held.key_id, held.wrapped, held.destroyed_at
FROM unnest($1::text[], $2::integer[]) AS wanted (subject_id, version)
JOIN sojourn_keys.subject_key AS held USING (subject_id, version)

-- keep_subject_keys --
-- Keeps new keys of people who have none in use; gives back those that were kept.
INSERT INTO sojourn_keys.subject_key (subject_id, version, key_id, wrapped)
SELECT made.subject_id, made.version, made.key_id, made.wrapped
FROM unnest($1::text[], $2::integer[], $3::text[], $4::bytea[]) AS made (subject_id, version, key_id, wrapped)
ORDER BY made.subject_id
ON CONFLICT DO NOTHING
RETURNING subject_id, version, key_id, wrapped, destroyed_at

-- destroy_keys --
-- Destroys the keys of a person or of an agreement and notes it, or gives back who is on legal hold.
SELECT subject_id, version, destroyed_at, held_id, held_reference
FROM sojourn.destroy_keys_v1($1, $2, $3, $4::text::jsonb)

-- destroyed_keys --
-- The keys of a person that were destroyed, whenever that was.
SELECT subject_id, version, destroyed_at
FROM sojourn_keys.subject_key
WHERE (subject_id = $1 OR (subject_id >= $1 || '@' AND subject_id < $1 || 'A')) AND destroyed_at IS NOT NULL
ORDER BY destroyed_at, subject_id, version

-- destroyed_agreement_keys --
-- The keys of an agreement that were destroyed, whenever that was.
SELECT subject_id, version, destroyed_at
FROM sojourn_keys.subject_key
WHERE split_part(subject_id, '@', 2) COLLATE "C" = $1 AND destroyed_at IS NOT NULL
ORDER BY destroyed_at, subject_id, version

-- agreement_keys_in_use --
-- The keys of an agreement that are not destroyed.
SELECT subject_id, version
FROM sojourn_keys.subject_key
WHERE split_part(subject_id, '@', 2) COLLATE "C" = $1 AND destroyed_at IS NULL
ORDER BY subject_id, version

-- destroyed_lately --
-- Whose keys were destroyed lately, for processes that hold keys in memory.
SELECT DISTINCT subject_id FROM sojourn_keys.subject_key WHERE destroyed_at > clock_timestamp() - $1::interval

-- subject_keys_under_others --
-- The next keys in use that are not wrapped under this key-encryption key.
SELECT subject_id, version, key_id, wrapped
FROM sojourn_keys.subject_key
WHERE destroyed_at IS NULL AND key_id <> $1
ORDER BY subject_id
LIMIT $2

-- rewrap_subject_keys --
-- Puts keys under another key-encryption key; one that was destroyed meanwhile stays so.
UPDATE sojourn_keys.subject_key AS held
SET key_id = anew.key_id, wrapped = anew.wrapped
FROM unnest($1::text[], $2::integer[], $3::text[], $4::bytea[]) AS anew (subject_id, version, key_id, wrapped)
WHERE held.subject_id = anew.subject_id AND held.version = anew.version AND held.destroyed_at IS NULL

-- subject_key_samples --
-- One key in use of each key-encryption key that wraps any, to see whether it is at hand.
SELECT DISTINCT ON (key_id) subject_id, version, key_id, wrapped
FROM sojourn_keys.subject_key
WHERE destroyed_at IS NULL
ORDER BY key_id

-- subject_keys_by_wrapping --
-- How many keys in use each key-encryption key wraps.
SELECT key_id, count(*) AS keys FROM sojourn_keys.subject_key WHERE destroyed_at IS NULL GROUP BY key_id ORDER BY key_id
-- count_agreements --
-- How many streams have a head.
SELECT count(*) FROM sojourn.agreement

-- last_of_page --
-- The id that ends a page of so many heads, from an id on; no row where fewer are left.
SELECT agreement_id FROM sojourn.agreement WHERE agreement_id >= $1 ORDER BY agreement_id OFFSET $2 - 1 LIMIT 1

-- kept_event --
-- Every event of a range of agreements as it is stored, with its place in the global order.
SELECT
    agreement_id, version, event_id::text, type, schema_version, data::text, occurred_at, recorded_at, actor_id,
    actor_role, command_id, encode(previous_hash, 'hex') AS previous_hash, encode(hash, 'hex') AS hash,
    epoch, tx::text AS transaction_id, position
FROM sojourn.event
WHERE agreement_id BETWEEN $1 AND $2
ORDER BY agreement_id, version

-- kept_agreement --
-- The heads of a range of agreements.
SELECT
    agreement_id, version, encode(last_hash, 'hex') AS last_hash, encode(last_command_hash, 'hex') AS last_command_hash,
    kind, phase, outcome, tenant, request_id, request_digest, cohort, terms_version, starts_on, ends_on,
    mentor_hours_per_month, last_activity_at, silent_at, paused_until, held, next_instant, opened_at, updated_at,
    recorded_at
FROM sojourn.agreement
WHERE agreement_id BETWEEN $1 AND $2
ORDER BY agreement_id

-- kept_agreement_party --
-- The parties of a range of agreements.
SELECT agreement_id, role, person_id, scope
FROM sojourn.agreement_party
WHERE agreement_id BETWEEN $1 AND $2
ORDER BY agreement_id

-- kept_obligation --
-- The obligations of a range of agreements, settled ones included.
SELECT
    agreement_id, obligation_id, kind, subject, owner_role, owner_id, opened_at, due_at, stalled_at, reason,
    ladder::text AS ladder, acts_by_itself_at, starts_at, sequence, reached, status, settled_at, opened_version,
    settled_version
FROM sojourn.obligation
WHERE agreement_id BETWEEN $1 AND $2
ORDER BY agreement_id

-- kept_command --
-- The accepted commands of a range of agreements.
SELECT
    agreement_id, command_id, type, digest, first_version, last_version, encode(notices_hash, 'hex') AS notices_hash,
    encode(hash, 'hex') AS hash
FROM sojourn.command
WHERE agreement_id BETWEEN $1 AND $2
ORDER BY agreement_id

-- kept_notice --
-- The notices of a range of agreements; `lasting` is what each says for good, as it was hashed.
SELECT
    agreement_id, notice_id, version, recipient_id, kind, obligation_id, not_before, notice::text AS notice,
    (notice - 'not_before')::text AS lasting
FROM sojourn.notice
WHERE agreement_id BETWEEN $1 AND $2
ORDER BY agreement_id, notice->>'notice_id' COLLATE "C"

-- kept_stall --
-- The stretches over which a range of agreements is stalled.
SELECT
    agreement_id, starts_at, ends_at, since, lasts_days, kind, tenant, cohort, reason, waiting_on_role,
    waiting_on_id, obligation_id, level, phase, obligation_kind, due_at, next_level, next_at
FROM sojourn.stall
WHERE agreement_id BETWEEN $1 AND $2
ORDER BY agreement_id

-- kept_stall_planned --
-- The same stretches as they follow from heads, parties and obligations.
SELECT
    agreement_id, starts_at, ends_at, since, lasts_days, kind, tenant, cohort, reason, waiting_on_role,
    waiting_on_id, obligation_id, level, phase, obligation_kind, due_at, next_level, next_at
FROM sojourn.stall_planned
WHERE agreement_id BETWEEN $1 AND $2
ORDER BY agreement_id

-- kept_agreement_ahead --
-- Which of a range of agreements run ahead of the clock.
SELECT agreement_id, updated_at
FROM sojourn.agreement_ahead
WHERE agreement_id BETWEEN $1 AND $2
ORDER BY agreement_id

-- tally_differences --
-- Where the tally at its mark is not what counting the stretches gives.
SELECT
    kind, reason, waiting_on_role, level, coalesce(tally.agreements, 0) AS tallied,
    coalesce(counted.agreements, 0) AS counted
FROM (
    SELECT kind, reason, coalesce(waiting_on_role, '-') AS waiting_on_role, coalesce(level, -1) AS level,
        sum(agreements)::bigint AS agreements
    FROM sojourn.stall_tally
    GROUP BY 1, 2, 3, 4
) AS tally
FULL JOIN (
    SELECT kind, reason, coalesce(waiting_on_role, '-') AS waiting_on_role, coalesce(level, -1) AS level, agreements
    FROM sojourn.stalled_counts_v1((SELECT as_of FROM sojourn.stall_mark))
) AS counted USING (kind, reason, waiting_on_role, level)
WHERE coalesce(tally.agreements, 0) <> coalesce(counted.agreements, 0)
ORDER BY kind, reason, waiting_on_role, level

-- rights_head --
-- Where the chain of what was done about people's rights ends.
SELECT position, encode(hash, 'hex') AS hash FROM sojourn.rights_head

-- kept_rights --
-- The next of what was done about people's rights, as it is stored.
SELECT position, person_id, type, at, actor_id, data::text AS data, encode(hash, 'hex') AS hash
FROM sojourn.rights_event
WHERE position > $1
ORDER BY position
LIMIT $2

-- epochs --
-- The epoch that new events get, and the last one of any event.
SELECT
    (SELECT log_epoch.epoch FROM sojourn.log_epoch) AS current,
    (SELECT event.epoch FROM sojourn.event ORDER BY epoch DESC, tx DESC, position DESC LIMIT 1) AS last

-- agreements_touched --
-- The agreements from one id to another in whose events a person appears: as actor, by id, or because something is
-- sealed for them.
SELECT
    agreement_id, count(*) AS events,
    count(*) FILTER (
        WHERE position('"1/' || $3 || '/' in data::text) > 0 OR position('"1/' || $3 || '@' in data::text) > 0
    ) AS sealed
FROM sojourn.event
WHERE agreement_id BETWEEN $1 AND $2
    AND (
        actor_id = $3
        OR position('"' || $3 || '"' in data::text) > 0
        OR position('"1/' || $3 || '/' in data::text) > 0
        OR position('"1/' || $3 || '@' in data::text) > 0
    )
GROUP BY agreement_id
ORDER BY agreement_id

-- clear_person --
-- Takes out of the directory who somebody was, or gives back that they are on legal hold.
SELECT cleared, held_id, held_reference FROM sojourn.clear_person_v1($1)

-- holds_on --
-- Which of these people are on legal hold, and under which reference.
SELECT person_id, data->>'reference' AS reference
FROM (
    SELECT DISTINCT ON (person_id) person_id, type, data
    FROM sojourn.rights_event
    WHERE person_id = ANY ($1::text[]) AND type IN ('hold.placed', 'hold.lifted')
    ORDER BY person_id, position DESC
) AS latest
WHERE type = 'hold.placed'
ORDER BY person_id

-- expiries_begun --
-- Whose words of which agreement were to expire, and are not told to have.
SELECT data->>'agreement_id' AS agreement_id, person_id
FROM sojourn.rights_event AS begun
WHERE type = 'expiry.begun' AND NOT EXISTS (
    SELECT FROM sojourn.rights_event AS done
    WHERE done.type = 'words.expired' AND done.data->>'agreement_id' = begun.data->>'agreement_id'
        AND done.person_id = begun.person_id
)
GROUP BY agreement_id, person_id
ORDER BY agreement_id, person_id

-- retained --
-- Closed agreements from one id to another that still hold keys, with every retention class that terms ever named.
SELECT
    head.agreement_id, head.updated_at AS closed_at,
    ARRAY(
        SELECT DISTINCT event.data->'terms'->>'retention_class'
        FROM sojourn.event
        WHERE event.agreement_id = head.agreement_id
            AND event.type IN ('agreement.proposed', 'terms.amended', 'pivot.proposed')
            AND event.data->'terms'->>'retention_class' IS NOT NULL
        ORDER BY 1
    ) AS classes
FROM sojourn.agreement AS head
WHERE head.agreement_id BETWEEN $1 AND $2 AND head.phase = 'closed' AND EXISTS (
    SELECT FROM sojourn_keys.subject_key AS held
    WHERE split_part(held.subject_id, '@', 2) COLLATE "C" = head.agreement_id AND held.destroyed_at IS NULL
)
ORDER BY head.agreement_id

-- returned_keys --
-- Keys in use that are noted to be destroyed: a backup of the keys from before brought them back.
SELECT DISTINCT held.subject_id, held.version
FROM sojourn.rights_event AS told
CROSS JOIN LATERAL jsonb_to_recordset(
    coalesce(told.data #> '{receipt,keys_destroyed}', told.data->'keys_destroyed')
) AS gone (person_id text, agreement_id text, version integer)
JOIN sojourn_keys.subject_key AS held
    ON held.subject_id = coalesce(gone.person_id, told.person_id) || coalesce('@' || gone.agreement_id, '')
    AND held.version = gone.version AND held.destroyed_at IS NULL
WHERE told.type IN ('keys.destroyed', 'person.erased', 'words.expired')
ORDER BY held.subject_id, held.version

-- unaccounted_keys --
-- The next keys, behind one of them, that are marked as destroyed and that nothing done about rights accounts for.
WITH page AS MATERIALIZED (
    SELECT subject_id, version, destroyed_at
    FROM sojourn_keys.subject_key
    WHERE destroyed_at IS NOT NULL AND (subject_id, version) > ($1, $2)
    ORDER BY subject_id, version
    LIMIT $3
)
SELECT page.subject_id, page.version, page.destroyed_at, NOT EXISTS (
    SELECT
    FROM sojourn.rights_event AS told
    CROSS JOIN LATERAL jsonb_to_recordset(
        coalesce(told.data #> '{receipt,keys_destroyed}', told.data->'keys_destroyed')
    ) AS gone (person_id text, agreement_id text, version integer)
    WHERE told.person_id = split_part(page.subject_id, '@', 1)
        AND told.type IN ('keys.destroyed', 'person.erased', 'words.expired')
        AND coalesce(gone.person_id, told.person_id) = split_part(page.subject_id, '@', 1)
        AND coalesce(gone.agreement_id, '') = split_part(page.subject_id, '@', 2)
        AND gone.version = page.version
) AS unaccounted
FROM page
ORDER BY page.subject_id, page.version

-- made_keys --
-- When each of some keys was made; none for what is not there.
SELECT held.subject_id, held.version, held.created_at
FROM unnest($1::text[], $2::integer[]) AS wanted (subject_id, version)
JOIN sojourn_keys.subject_key AS held USING (subject_id, version)

-- sealed_people --
-- The next people of the directory behind one of them, as they are stored.
SELECT person_id, name, email, channels::text AS channels, employee_number, updated_at
FROM sojourn.person
WHERE person_id > $1
ORDER BY person_id
LIMIT $2

-- sealed_rights --
-- The next of what was done about rights that holds something sealed, as noted.
SELECT position, person_id, at, data::text AS data
FROM sojourn.rights_event
WHERE position > $1 AND position('"$sealed"' in data::text) > 0
ORDER BY position
LIMIT $2

-- note_right --
-- Notes what was done about a person's rights.
INSERT INTO sojourn.rights_event (person_id, type, actor_id, data) VALUES ($1, $2, $3, $4::text::jsonb) RETURNING at

-- note_unless_held --
-- Notes of several people what is about to be removed, or gives back who is on legal hold.
SELECT held_id, held_reference FROM sojourn.note_unless_held_v1($1, $2, $3, $4, $5, $6::text::jsonb)

-- note_opening --
-- Notes for several people at once that something private of a closed agreement was asked for or opened, unless somebody
-- was quicker to note something of it.
SELECT sojourn.note_opening_v1($1::text[], $2, $3, $4, $5, $6::text::jsonb) AS noted

-- openings_of --
-- What was asked for and opened in a closed agreement, as noted for its mentee, in order.
SELECT at, actor_id, data::text AS data, encode(hash, 'hex') AS hash
FROM sojourn.rights_event
WHERE person_id = $1 AND type IN ('glass.requested', 'glass.approved') AND data->>'agreement_id' = $2
ORDER BY position

-- told_of_openings --
-- Whom of these people one tried to tell of openings of a closed agreement, in order.
SELECT person_id, data::text AS data
FROM sojourn.rights_event
WHERE person_id = ANY ($1::text[]) AND type = 'glass.told' AND data->>'agreement_id' = $2
ORDER BY position

-- rights_of --
-- What was done about a person's rights, in order.
SELECT type, at, actor_id, data::text AS data FROM sojourn.rights_event WHERE person_id = $1 ORDER BY position

-- keys_in_use --
-- The keys of a person that are not destroyed.
SELECT subject_id, version
FROM sojourn_keys.subject_key
WHERE (subject_id = $1 OR (subject_id >= $1 || '@' AND subject_id < $1 || 'A')) AND destroyed_at IS NULL
ORDER BY subject_id, version

-- lock_head --
-- Keeps appends of one agreement waiting until the transaction ends.
SELECT FROM sojourn.agreement WHERE agreement_id = $1 FOR UPDATE

-- rebuild_agreement_party --
-- One agreement's parties as they follow from its stream.
WITH expected AS MATERIALIZED (
    SELECT * FROM jsonb_populate_recordset(NULL::sojourn.agreement_party, $2::text::jsonb)
),
stray AS (
    DELETE FROM sojourn.agreement_party AS held
    WHERE held.agreement_id = $1 AND NOT EXISTS (
        SELECT FROM expected
        WHERE (expected.role, expected.scope, expected.person_id) = (held.role, held.scope, held.person_id)
    )
)
INSERT INTO sojourn.agreement_party SELECT * FROM expected ON CONFLICT DO NOTHING

-- rebuild_obligation --
-- One agreement's obligations as they follow from its stream.
WITH expected AS MATERIALIZED (
    SELECT * FROM jsonb_populate_recordset(NULL::sojourn.obligation, $2::text::jsonb)
),
stray AS (
    DELETE FROM sojourn.obligation AS held
    WHERE held.agreement_id = $1 AND held.obligation_id NOT IN (SELECT expected.obligation_id FROM expected)
)
INSERT INTO sojourn.obligation AS held
SELECT * FROM expected
ON CONFLICT (agreement_id, obligation_id) DO UPDATE
SET (kind, subject, owner_role, owner_id, opened_at, due_at, stalled_at, reason, ladder, acts_by_itself_at, starts_at,
     sequence, reached, status, settled_at, opened_version, settled_version)
    = (excluded.kind, excluded.subject, excluded.owner_role, excluded.owner_id, excluded.opened_at, excluded.due_at,
       excluded.stalled_at, excluded.reason, excluded.ladder, excluded.acts_by_itself_at, excluded.starts_at,
       excluded.sequence, excluded.reached, excluded.status, excluded.settled_at, excluded.opened_version,
       excluded.settled_version)

-- rebuild_agreement --
-- One agreement's head as it follows from its stream. Version and hash are those the chain ends at. What a head that
-- is there knows of the last command stays: where it differs, a command is missing, and that must not be covered up.
INSERT INTO sojourn.agreement AS head (
    agreement_id, version, last_hash, last_command_hash, kind, phase, outcome, tenant, request_id, request_digest,
    cohort, terms_version, starts_on, ends_on, mentor_hours_per_month, last_activity_at, silent_at, paused_until, held,
    next_instant, opened_at, updated_at, recorded_at
)
SELECT
    agreement_id, version, decode(last_hash, 'hex'),
    (
        SELECT accepted.hash
        FROM sojourn.command AS accepted
        WHERE accepted.agreement_id = expected.agreement_id AND accepted.hash IS NOT NULL
        ORDER BY accepted.last_version DESC
        LIMIT 1
    ),
    kind, phase, outcome, tenant, request_id, request_digest, cohort, terms_version, starts_on, ends_on,
    mentor_hours_per_month, last_activity_at, silent_at, paused_until, held, next_instant, opened_at, updated_at,
    recorded_at
FROM jsonb_to_recordset($1::text::jsonb) AS expected (
    agreement_id text, version integer, last_hash text, kind text, phase text, outcome text, tenant text,
    request_id text, request_digest text, cohort text, terms_version integer, starts_on date, ends_on date,
    mentor_hours_per_month double precision, last_activity_at timestamptz, silent_at timestamptz,
    paused_until timestamptz, held boolean, next_instant timestamptz, opened_at timestamptz, updated_at timestamptz,
    recorded_at timestamptz
)
ON CONFLICT (agreement_id) DO UPDATE
SET (version, last_hash, kind, phase, outcome, tenant, request_id, request_digest, cohort, terms_version, starts_on,
     ends_on, mentor_hours_per_month, last_activity_at, silent_at, paused_until, held, next_instant, opened_at,
     updated_at, recorded_at)
    = (excluded.version, excluded.last_hash, excluded.kind, excluded.phase, excluded.outcome, excluded.tenant,
       excluded.request_id, excluded.request_digest, excluded.cohort, excluded.terms_version, excluded.starts_on,
       excluded.ends_on, excluded.mentor_hours_per_month, excluded.last_activity_at, excluded.silent_at,
       excluded.paused_until, excluded.held, excluded.next_instant, excluded.opened_at, excluded.updated_at,
       excluded.recorded_at)

-- forget_stalls --
-- Stretches of an agreement that has no events.
DELETE FROM sojourn.stall WHERE agreement_id = $1

-- forget_ahead --
-- That an agreement without events is ahead of the clock.
DELETE FROM sojourn.agreement_ahead WHERE agreement_id = $1

-- lock_tally --
-- Keeps everybody away who counts stalls in or out, until the transaction ends.
SELECT pg_advisory_xact_lock(sojourn.stall_mark_lock_v1())

-- settle_mark --
-- The instant at which the tally holds, where somebody removed it.
INSERT INTO sojourn.stall_mark (as_of) VALUES (clock_timestamp()) ON CONFLICT DO NOTHING

-- forget_tally --
-- All numbers of the tally.
DELETE FROM sojourn.stall_tally

-- count_stalls_anew --
-- The tally at its mark, counted.
INSERT INTO sojourn.stall_tally
SELECT counted.kind, counted.reason, counted.waiting_on_role, counted.level, counted.agreements
FROM sojourn.stall_mark AS mark
CROSS JOIN LATERAL sojourn.stalled_counts_v1(mark.as_of) AS counted
