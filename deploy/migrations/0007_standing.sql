-- migrate:up

-- Agreements by kind, phase and outcome, and how many are held or paused, are counted from this index alone: a
-- fiftieth of what the table holds. None of its columns changes with every append, so appends still update a head
-- in place. Building it holds appends up for about a second per million agreements; they wait and are not refused.
CREATE INDEX agreement_by_standing ON sojourn.agreement (kind, phase, outcome, held, paused_until);
COMMENT ON INDEX sojourn.agreement_by_standing IS 'Counted, not searched: see figures_agreements.';
