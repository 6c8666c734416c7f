-- migrate:up
-- Releases from migration 0012 on work with this one.

-- A closed agreement takes no commands any more, so who opened what is private in it stands beside what else was done
-- about the rights of its mentee and its mentor. Which types there are is for the code to say.
ALTER TABLE sojourn.rights_event DROP CONSTRAINT rights_event_type_check;
ALTER TABLE sojourn.rights_event ADD CONSTRAINT rights_event_type_check CHECK (type ~ '^[a-z_]+\.[a-z_]+$');
