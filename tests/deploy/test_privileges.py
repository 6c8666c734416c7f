"""The application may append and read; whatever else could touch the log or the schema is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

import asyncpg
import pytest

from deploy import privileges
from deploy.embedded import EmbeddedPostgres
from deploy.embedded.roles import LOGIN, OWNER
from deploy.migrate import MigrationRefusedError, check_schema, migrate

LOG = ("event", "command")
READ_MODELS = (
    "agreement",
    "agreement_party",
    "obligation",
    "stall",
    "agreement_ahead",
    "stall_tally",
    "stall_mark",
    "rights_head",
)
FORBIDDEN = [
    *(
        statement.format(table)
        for table in (*LOG, *READ_MODELS, "log_epoch", "migration", "inventory")
        for statement in (
            "DELETE FROM sojourn.{}",
            "TRUNCATE sojourn.{}",
            "INSERT INTO sojourn.{} DEFAULT VALUES",
            "ALTER TABLE sojourn.{} DISABLE TRIGGER ALL",
            "DROP TABLE sojourn.{}",
        )
    ),
    "UPDATE sojourn.event SET data = '{}'",
    "UPDATE sojourn.command SET digest = ''",
    "UPDATE sojourn.agreement SET version = 0",
    "UPDATE sojourn.obligation SET status = 'waived'",
    "UPDATE sojourn.log_epoch SET epoch = 9",
    "UPDATE sojourn.migration SET sha256 = ''",
    "UPDATE sojourn.notice SET recipient_id = 'somebody'",
    "DELETE FROM sojourn.notice",
    "TRUNCATE sojourn.person",
    "DELETE FROM sojourn_keys.subject_key",
    "TRUNCATE sojourn_keys.subject_key",
    "UPDATE sojourn_keys.subject_key SET key_id = NULL, wrapped = NULL, destroyed_at = clock_timestamp()",
    "UPDATE sojourn_keys.subject_key SET wrapped = ''",
    "UPDATE sojourn_keys.subject_key SET subject_id = subject_id || '-gone'",
    "INSERT INTO sojourn_keys.subject_key (subject_id, version, destroyed_at) VALUES ('p', 2, now())",
    "INSERT INTO sojourn_keys.subject_key (subject_id, version, created_at) VALUES ('p', 2, now())",
    "ALTER TABLE sojourn_keys.subject_key DROP COLUMN wrapped",
    "DROP TABLE sojourn_keys.subject_key",
    "DROP SCHEMA sojourn_keys CASCADE",
    "ALTER FUNCTION sojourn.destroy_keys_v1 SET search_path = mine",
    "ALTER TABLE sojourn.event DISABLE TRIGGER event_is_append_only",
    "DROP TRIGGER event_is_append_only ON sojourn.event",
    "SET session_replication_role = replica",
    "CREATE TABLE sojourn.mine ()",
    "CREATE TABLE public.mine ()",
    "CREATE SCHEMA mine",
    "CREATE OR REPLACE FUNCTION sojourn.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    "CREATE TRIGGER mine BEFORE INSERT ON sojourn.event EXECUTE FUNCTION sojourn.refuse_change()",
    "ALTER FUNCTION sojourn.append_events_v2 SECURITY INVOKER",
    "ALTER TABLE sojourn.event ADD COLUMN mine text",
    "DROP SCHEMA sojourn CASCADE",
    "GRANT DELETE ON sojourn.event TO PUBLIC",
    "SET ROLE sojourn_owner",
    "SELECT sojourn.begin_epoch_v1() FROM sojourn.log_epoch",
    "SELECT sojourn.move_stall_mark_v1(now())",
    "DO $$ BEGIN LOCK TABLE sojourn.event IN SHARE MODE; END $$",
    "VACUUM FULL sojourn.event",
]


@pytest.fixture
async def application(database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection as workers and commands have it."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def test_the_application_is_refused_everything_else(
    application: asyncpg.Connection, administrator: asyncpg.Connection
) -> None:
    """No way to the log but the function: not by rows, triggers, functions, schemas, roles or locks."""
    await administrator.execute("UPDATE sojourn.log_epoch SET system_identifier = system_identifier + 1")
    for statement in FORBIDDEN:
        refused = False
        try:
            await application.execute(statement)
        except asyncpg.InsufficientPrivilegeError:
            refused = True
        except asyncpg.GeneratedAlwaysError:
            pytest.fail(f"reached the table: {statement}")
        assert refused or await _came_to_nothing(application, statement), statement


async def _came_to_nothing(application: asyncpg.Connection, statement: str) -> bool:
    """Whether a statement that PostgreSQL answers with a warning only has done nothing."""
    if statement.startswith("GRANT"):
        return not await application.fetchval(
            "SELECT has_table_privilege('public', 'sojourn.event', 'DELETE')"
        )
    if statement.startswith("VACUUM"):
        # Skipped with a warning for whoever does not own the table.
        return not await application.fetchval("SELECT pg_has_role('sojourn_owner', 'MEMBER')")
    return False


async def test_the_owner_is_no_superuser(administrator: asyncpg.Connection) -> None:
    """Migrations need no superuser, and the functions that write the log run as none."""
    owners = await administrator.fetch(
        "SELECT DISTINCT rolname, rolsuper FROM pg_proc JOIN pg_roles ON pg_roles.oid = proowner "
        "WHERE pronamespace = 'sojourn'::regnamespace"
    )
    assert [tuple(row) for row in owners] == [(OWNER, False)]
    assert not await administrator.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = $1", LOGIN)


async def test_who_could_edit_the_log_is_told_apart(
    application: asyncpg.Connection, administrator: asyncpg.Connection, owner_database: str
) -> None:
    """A worker that connects as owner or superuser by mistake can be warned about."""
    owner = await asyncpg.connect(owner_database)
    try:
        assert not await privileges.may_edit_the_log(application)
        assert await privileges.may_edit_the_log(owner)
        assert await privileges.may_edit_the_log(administrator)
        for granted in ("DELETE ON sojourn.command", "UPDATE (actor_id) ON sojourn.rights_event"):
            await administrator.execute(f"GRANT {granted} TO sojourn_application")
            assert await privileges.may_edit_the_log(application), granted
            await administrator.execute(f"REVOKE {granted} FROM sojourn_application")
        assert not await privileges.may_edit_the_log(application)
    finally:
        await owner.close()


async def test_privileges_are_brought_back_by_migrating(
    application: asyncpg.Connection, administrator: asyncpg.Connection, owner_database: str
) -> None:
    """Whatever was granted by hand is taken back, and what is lacking is given."""
    await administrator.execute("GRANT DELETE ON sojourn.event TO sojourn_application")
    await administrator.execute("REVOKE SELECT ON sojourn.person FROM sojourn_application")
    assert await migrate(owner_database) == []
    assert not await application.fetchval("SELECT has_table_privilege('sojourn.event', 'DELETE')")
    assert await application.fetchval("SELECT has_table_privilege('sojourn.person', 'SELECT')")


async def test_reporting_reads_what_stands_where_and_neither_log_nor_people(
    administrator: asyncpg.Connection, owner_database: str
) -> None:
    """The views answer, functions and all; events with their ratings, names, notices and keys do not."""
    await migrate(owner_database)
    everything = await administrator.fetch(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind IN ('r', 'p', 'v') "
        "AND relnamespace::regnamespace::text = ANY ($1)",
        list(privileges.SCHEMAS),
    )
    allowed = {f"sojourn.{name}" for name in privileges.REPORTED}
    statements = {str(row["name"]): f"TABLE {row['name']}" for row in everything}
    assert allowed < statements.keys()
    statements["functions"] = "SELECT * FROM sojourn.stalled_page_v2(now(), '{}', NULL, NULL, 10)"
    await administrator.execute(f"SET ROLE {privileges.REPORTING}")
    try:
        readable: set[str] = set()
        for name, statement in statements.items():
            with suppress(asyncpg.InsufficientPrivilegeError):
                await administrator.fetch(statement)
                readable.add(name)
    finally:
        await administrator.execute("RESET ROLE")
    assert readable == {*allowed, "functions"}
    # What runs as the owner writes the log or destroys keys.
    assert not await administrator.fetch(
        "SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'sojourn'::regnamespace AND prosecdef "
        "AND prorettype <> 'trigger'::regtype AND has_function_privilege($1, oid, 'EXECUTE')",
        privileges.REPORTING,
    )


async def test_to_migrate_without_a_role_for_reporting_is_no_fault(
    administrator: asyncpg.Connection, owner_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there for whoever wants it; another's is left alone."""
    monkeypatch.setattr(privileges, "REPORTING", "sojourn_reporting_of_nobody")
    assert await migrate(owner_database) == []
    assert not await administrator.fetchval(
        "SELECT count(*) FROM pg_roles WHERE rolname = 'sojourn_reporting_of_nobody'"
    )


async def test_a_table_that_nobody_named_is_out_of_reach_of_writes(
    application: asyncpg.Connection, owner_database: str
) -> None:
    """A new table can be read and not written until the list of privileges names it."""
    owner = await asyncpg.connect(owner_database)
    await owner.execute("CREATE TABLE sojourn.later (number integer)")
    await migrate(owner)
    await owner.close()
    assert await application.fetch("SELECT * FROM sojourn.later") == []
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await application.execute("INSERT INTO sojourn.later VALUES (1)")


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("DROP TABLE sojourn.obligation CASCADE", "table sojourn.obligation"),
        ("ALTER TABLE sojourn.person DROP COLUMN email", "column sojourn.person.email"),
        ("DROP VIEW sojourn.stalled", "view sojourn.stalled"),
        ("DROP INDEX sojourn.event_global_order", "index sojourn.event_global_order"),
        ("ALTER TABLE sojourn.event DISABLE TRIGGER event_is_append_only", "trigger event_is_append_only"),
        ("DROP TRIGGER command_is_append_only ON sojourn.command", "trigger command_is_append_only"),
    ],
)
async def test_what_is_missing_is_named(
    application: asyncpg.Connection, administrator: asyncpg.Connection, damage: str, named: str
) -> None:
    """A dropped table or column, or a trigger switched off, is refused at once and not met by accident."""
    await administrator.execute(damage)
    with pytest.raises(MigrationRefusedError, match=f"lacks what its migrations made: .*{named}"):
        await check_schema(application)


async def test_without_the_right_to_create_roles_it_says_what_to_do(postgres: EmbeddedPostgres) -> None:
    """Where the role of the application is missing, whoever migrates is told what to ask for."""
    connection = await asyncpg.connect(postgres.dsn_of("postgres", OWNER))
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(privileges, "APPLICATION", "nobody_made_this")
            with pytest.raises(
                privileges.NoApplicationRoleError, match="CREATE ROLE nobody_made_this NOLOGIN"
            ):
                await privileges.grant(connection)
    finally:
        await connection.close()
