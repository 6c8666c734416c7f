-- append --
-- One command's events with their read models and notices, or the reason why not.
SELECT verdict, stream_version, written_types
FROM sojourn.append_events_v1(
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
-- Which agreement a request opened.
SELECT agreement_id, request_digest, version FROM sojourn.agreement WHERE tenant = $1 AND request_id = $2

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

-- obligations --
-- The ledger of one agreement: the open obligations, or the settled ones as well.
SELECT
    obligation_id, kind, subject, owner_role, owner_id, opened_at, due_at, stalled_at, reason,
    ladder::text AS ladder, acts_by_itself_at, starts_at, sequence, reached, status, settled_at
FROM sojourn.obligation
WHERE agreement_id = $1 AND (NOT $2::boolean OR status = 'open')
ORDER BY due_at, obligation_id

-- obligation_is_open --
-- Looked at again before a notice is sent.
SELECT FROM sojourn.obligation WHERE agreement_id = $1 AND obligation_id = $2 AND status = 'open'

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
FROM sojourn.stalled_page_v1($1, $2::text::jsonb, $3, $4, $5)

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

-- overdue --
-- What has been due for longest in each agreement that neither a close, a pause nor a hold suspends; longest first.
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
ORDER BY longest.due_at, longest.agreement_id

-- notices --
-- The outbox of one agreement: everything, or what still waits to be sent.
SELECT notice::text AS notice, state, attempts, last_error, reason, queued_at, sent_at
FROM sojourn.notice
WHERE agreement_id = $1 AND (NOT $2::boolean OR state = 'queued')
ORDER BY not_before, notice_id

-- settle_notice --
-- What became of a notice. A notice that was sent or skipped stays so; a failed one may still be sent later.
UPDATE sojourn.notice
SET state = $2,
    attempts = attempts + CASE WHEN $2 = 'skipped' THEN 0 ELSE 1 END,
    last_error = coalesce($3, last_error),
    reason = $4,
    sent_at = CASE WHEN $2 = 'sent' THEN coalesce($5, clock_timestamp()) END
WHERE notice_id = $1 AND state IN ('queued', 'failed')
RETURNING notice_id

-- notice_state --
-- Whether a notice is known, and what became of it.
SELECT state FROM sojourn.notice WHERE notice_id = $1

-- upsert_people --
-- Writes people as given; who is not named stays as they were. A later row for the same person wins.
INSERT INTO sojourn.person (
    person_id, name, email, channels, time_zone, holiday_calendar, working_weekdays, opens, closes, leave,
    delegate_id, locale, employee_number, assignment_id, is_operator, mentor_capacity_hours, left_on
)
SELECT
    person_id, name, email, channels, time_zone, holiday_calendar, working_weekdays, opens, closes, leave,
    delegate_id, locale, employee_number, assignment_id, is_operator, mentor_hours_per_month, left_on
FROM jsonb_to_recordset($1::text::jsonb) AS given (
    person_id text, name text, email text, channels jsonb, time_zone text, holiday_calendar text,
    working_weekdays smallint[], opens time, closes time, leave jsonb, delegate_id text, locale text,
    employee_number text, assignment_id text, is_operator boolean, mentor_hours_per_month numeric, left_on date
)
ORDER BY person_id
ON CONFLICT (person_id) DO UPDATE
SET (name, email, channels, time_zone, holiday_calendar, working_weekdays, opens, closes, leave, delegate_id,
     locale, employee_number, assignment_id, is_operator, mentor_capacity_hours, left_on, updated_at)
    = (excluded.name, excluded.email, excluded.channels, excluded.time_zone, excluded.holiday_calendar,
       excluded.working_weekdays, excluded.opens, excluded.closes, excluded.leave, excluded.delegate_id,
       excluded.locale, excluded.employee_number, excluded.assignment_id, excluded.is_operator,
       excluded.mentor_capacity_hours, excluded.left_on, clock_timestamp())

-- people --
-- The people with these ids.
SELECT
    person_id, name, email, channels::text AS channels, time_zone, holiday_calendar, working_weekdays, opens,
    closes, leave::text AS leave, delegate_id, locale, employee_number, assignment_id, is_operator,
    mentor_capacity_hours::double precision AS mentor_hours_per_month, left_on
FROM sojourn.person
WHERE person_id = ANY ($1::text[])

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
    agreement_id, version, encode(last_hash, 'hex') AS last_hash, kind, phase, outcome, tenant, request_id,
    request_digest, cohort, terms_version, starts_on, ends_on, mentor_hours_per_month, last_activity_at, silent_at,
    paused_until, held, next_instant, opened_at, updated_at, recorded_at
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
SELECT agreement_id, command_id, type, digest, first_version, last_version
FROM sojourn.command
WHERE agreement_id BETWEEN $1 AND $2
ORDER BY agreement_id

-- kept_stall --
-- The stretches over which a range of agreements is stalled.
SELECT
    agreement_id, starts_at, ends_at, since, lasts_days, kind, tenant, cohort, reason, waiting_on_role,
    waiting_on_id, obligation_id, level
FROM sojourn.stall
WHERE agreement_id BETWEEN $1 AND $2
ORDER BY agreement_id

-- kept_stall_planned --
-- The same stretches as they follow from heads, parties and obligations.
SELECT
    agreement_id, starts_at, ends_at, since, lasts_days, kind, tenant, cohort, reason, waiting_on_role,
    waiting_on_id, obligation_id, level
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
