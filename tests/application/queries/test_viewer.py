"""Every command that reads shows somebody what they may know: concerns go round whom they are about."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

import asyncpg
import pytest
from typer.testing import Result

from activities.directory.people import Directory
from activities.event_store.event_store import EventStore
from activities.postgres.rows import StalledFilters
from application.errors import AgreementNotFoundError, NotPermittedError
from application.identity.principal import Principal, Proof, Scope
from application.queries import stalled_for as listing
from application.queries.agreements import AgreementSnapshot, load_snapshot
from application.queries.stalled_for import stalled_for
from application.queries.viewer import UNNAMED_OPERATOR, Viewer, viewer_of
from domain.agreement.state import Agreement
from domain.kernel.person import Person
from domain.kernel.vocabulary import Role
from workers.board.rows import read_board
from workers.terminal.failures import ExitCode

Sojourn = Callable[..., Awaitable[Result]]
Lives = Callable[..., Awaitable[Agreement]]
Gives = Callable[..., Awaitable[Agreement]]

NAME = "matter-71"
OPERATOR = "P-9001"


@pytest.fixture
async def agreement(
    live: Lives, give: Gives, directory: Directory, people: Mapping[str, Person]
) -> Agreement:
    """A secondment under way in which the mentee raised a concern about the mentor, an operator, too."""
    found = await live("secondment", days=70)
    both = [people[each].model_copy(update={"is_operator": True}) for each in (found.terms.mentor, OPERATOR)]
    await directory.upsert([*people.values(), *both])
    return await give(
        found,
        "raise_concern",
        found.terms.mentee,
        matter_id=NAME,
        about=found.terms.mentor,
        what="Three meetings were cancelled.",
    )


@pytest.fixture
def stalled_at(agreement: Agreement) -> datetime:
    """When the concern has stalled, and nothing else has."""
    at = agreement.obligations[f"concern:{NAME}"].stalled_at + timedelta(minutes=1)
    others = [held for held in agreement.obligations.values() if held.obligation_id != f"concern:{NAME}"]
    assert all(held.stalled_at > at for held in others)
    return at


def _uninvolved(agreement: Agreement) -> str:
    """A party who neither raised the concern nor handles it nor is HR."""
    return agreement.holder(Role.HOST_MANAGER).person_id


def _printed(result: Result) -> Any:  # noqa: ANN401  any JSON
    assert result.exit_code == ExitCode.OK, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("command", ["show", "explain", "events", "notices"])
async def test_one_agreement_is_shown_without_what_its_reader_may_not_know(
    sojourn: Sojourn, agreement: Agreement, stalled_at: datetime, command: str
) -> None:
    """To the person concerned, operator though they are, and to the uninvolved: not a trace of it."""
    terms = agreement.terms
    when = ("--as-of", stalled_at.isoformat()) if command in {"show", "explain"} else ()

    async def text(*as_whom: str) -> str:
        return json.dumps(_printed(await sojourn(command, agreement.agreement_id, *when, *as_whom, "--json")))

    for unknowing in (terms.mentor, _uninvolved(agreement)):
        assert NAME not in await text("--as", unknowing)
    for knowing in (terms.mentee, terms.line_manager, terms.hrbp, OPERATOR):
        assert NAME in await text("--as", knowing)
    unnamed = await text()
    # Operators need ids to act on; the event itself would say who raised it, and about whom.
    assert (NAME in unnamed) is (command != "events")


async def test_strangers_are_refused_by_every_reading_command(sojourn: Sojourn, agreement: Agreement) -> None:
    """With a sentence and exit code 1, as by `events`."""
    for command in ("show", "explain", "events", "notices", "mine"):
        refused = await sojourn(command, agreement.agreement_id, "--as", "P-0000")
        assert refused.exit_code == ExitCode.REFUSED
        assert refused.stderr.startswith("Refused (not_a_party): P-0000 is no party")


async def test_the_list_of_what_is_stalled_keeps_to_it(
    sojourn: Sojourn, agreement: Agreement, stalled_at: datetime
) -> None:
    """Who may know reads that it waits for an answer; to everybody else the agreement is not stalled."""
    terms = agreement.terms

    async def listed(*as_whom: str) -> list[str | None]:
        rows = _printed(await sojourn("stalled", "--as-of", stalled_at.isoformat(), *as_whom, "--json"))
        return [row["obligation_id"] for row in rows]

    assert await listed() == await listed("--as", OPERATOR) == [f"concern:{NAME}"]
    assert await listed("--as", terms.line_manager) == [f"concern:{NAME}"]
    assert await listed("--as", terms.mentor) == await listed("--as", _uninvolved(agreement)) == []
    assert await listed("--as", "P-0000") == []


async def test_an_operator_reads_what_else_holds_an_agreement_up(
    event_store: EventStore, agreement: Agreement
) -> None:
    """Where a concern about themselves is what stalls it first, the next reason is theirs to see."""
    late = max(held.stalled_at for held in agreement.obligations.values()) + timedelta(days=1)
    rows, _ = await stalled_for(event_store, UNNAMED_OPERATOR, late)
    assert [row.obligation_id for row in rows] == [f"concern:{NAME}"]
    concerned = Viewer(person_id=agreement.terms.mentor, is_operator=True)
    [row], more = await stalled_for(event_store, concerned, late, limit=1)
    assert row.obligation_id not in {None, f"concern:{NAME}"}
    assert more is not None
    assert more.since == row.since, "a place before it would say that something else has stood there"
    assert await stalled_for(event_store, concerned, late, after=more, limit=1) == ([], None)
    for filters in ({"reason": [row.reason]}, {"waiting_on_id": [row.waiting_on.person_id]}):
        found, _ = await stalled_for(event_store, concerned, late, cast("StalledFilters", filters))
        assert [each.obligation_id for each in found] == [row.obligation_id], "as without a filter"
        assert await stalled_for(event_store, UNNAMED_OPERATOR, late, cast("StalledFilters", filters)) == (
            [],
            None,
        )


async def test_only_what_may_be_hidden_is_folded(
    event_store: EventStore, agreement: Agreement, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page is as cheap for an operator with a name as for one without: no matter of others is looked at."""
    late = max(held.stalled_at for held in agreement.obligations.values()) + timedelta(days=1)
    folded: list[str] = []

    async def counted(
        event_store: EventStore, agreement_id: str, as_of: datetime | None = None
    ) -> AgreementSnapshot | None:
        folded.append(agreement_id)
        return await load_snapshot(event_store, agreement_id, as_of)

    monkeypatch.setattr(listing, "load_snapshot", counted)
    rows, _ = await stalled_for(event_store, Viewer(person_id=OPERATOR, is_operator=True), late)
    assert [row.obligation_id for row in rows] == [f"concern:{NAME}"]
    assert folded == []
    await stalled_for(event_store, Viewer(person_id=agreement.terms.mentor, is_operator=True), late)
    assert folded == [agreement.agreement_id]


async def test_the_board_keeps_to_it(
    event_store: EventStore, agreement: Agreement, stalled_at: datetime
) -> None:
    """Stalled or overdue, a row about a concern is not on the board of whom it is about."""
    concerned = Viewer(person_id=agreement.terms.mentor, is_operator=True)
    overdue_at = agreement.obligations[f"concern:{NAME}"].due_at + timedelta(minutes=1)
    for at in (overdue_at, stalled_at):
        assert [row.obligation_id for row in (await read_board(event_store, at)).rows] == [f"concern:{NAME}"]
        theirs = (await read_board(event_store, at, concerned)).rows
        assert all(NAME not in row.model_dump_json() for row in theirs)


async def test_what_sql_shows_of_a_concern_is_who_has_to_act(
    pool: asyncpg.Pool[asyncpg.Record], agreement: Agreement, stalled_at: datetime
) -> None:
    """The ledger and the list of what is stalled name it by id and owner, not by or about whom it is."""
    shown = [
        *await pool.fetch(
            "SELECT to_jsonb(owed)::text AS text FROM sojourn.obligation AS owed WHERE obligation_id = $1",
            f"concern:{NAME}",
        ),
        *await pool.fetch(
            "SELECT to_jsonb(row)::text AS text FROM sojourn.stalled_as_of_v1($1) AS row", stalled_at
        ),
    ]
    terms = agreement.terms
    assert len(shown) == 2
    for row in shown:
        assert NAME in row["text"]
        assert terms.line_manager in row["text"]
        assert terms.mentee not in row["text"]
        assert terms.mentor not in row["text"]


async def test_an_export_keeps_to_it(
    sojourn: Sojourn, event_store: EventStore, agreement: Agreement, give: Gives
) -> None:
    """Everything held about a person does not hold the concerns about them, also once they have left."""
    mentor = agreement.terms.mentor

    async def export() -> str:
        done = await sojourn("export", mentor, "--as", OPERATOR, "--out", "held.json")
        assert done.exit_code == ExitCode.OK, done.stderr
        with open("held.json", encoding="utf-8") as file:  # noqa: PTH123, ASYNC230  in this test's own folder
            return file.read()

    assert NAME not in await export()
    await give(
        agreement,
        "reassign_role",
        OPERATOR,
        acting_as="operator",
        role="mentor",
        from_person=mentor,
        to_person="P-4300",
        reason="Moved on.",
    )
    snapshot = await load_snapshot(event_store, agreement.agreement_id)
    assert snapshot is not None
    assert not snapshot.agreement.roles_of(mentor)
    assert NAME not in await export()


async def test_a_dry_run_tells_no_more_than_its_actor_may_know(
    sojourn: Sojourn, agreement: Agreement
) -> None:
    """What would move, settle or be told is shown without a concern about whoever asks."""
    data = {"role": "line_manager", "from_person": agreement.terms.line_manager, "to_person": "P-4300"}

    async def tried(operator: str) -> str:
        call = ("act", agreement.agreement_id, "reassign_role", "--as", operator, "--role", "operator")
        given = json.dumps({**data, "reason": "New team."})
        return json.dumps(_printed(await sojourn(*call, "--data", given, "--dry-run", "--json")))

    assert NAME in await tried(OPERATOR)
    assert NAME not in await tried(agreement.terms.mentor)


async def test_only_operators_look_at_what_they_are_no_party_to(
    directory: Directory, agreement: Agreement
) -> None:
    """The directory says who is one; without a name it is an operator who looks."""
    assert await viewer_of(directory, Principal.machine()) == UNNAMED_OPERATOR
    assert (await viewer_of(directory, Principal.person(OPERATOR, Proof.TOKEN))).is_operator
    claims_it = Principal.person(agreement.terms.mentee, Proof.TOKEN, claims_operator=True)
    assert not (await viewer_of(directory, claims_it)).is_operator


async def test_a_service_sees_its_tenants_alone(
    event_store: EventStore, directory: Directory, agreement: Agreement, stalled_at: datetime
) -> None:
    """Structure of these; of any other it is told what it would be told of none."""
    tenant, reading = agreement.terms.tenant, frozenset({Scope.READ})
    snapshot = await load_snapshot(event_store, agreement.agreement_id)
    assert snapshot is not None
    theirs = await viewer_of(directory, Principal.service("hr", tenants=frozenset({tenant}), scopes=reading))
    assert theirs.reader(snapshot).is_unnamed
    rows, _ = await stalled_for(event_store, theirs, stalled_at)
    assert [row.agreement_id for row in rows] == [agreement.agreement_id]
    others = await viewer_of(
        directory, Principal.service("hr", tenants=frozenset({"elsewhere"}), scopes=reading)
    )
    with pytest.raises(AgreementNotFoundError):
        others.reader(snapshot)
    assert await stalled_for(event_store, others, stalled_at) == ([], None)
    asked_for = cast("StalledFilters", {"tenant": [tenant]})
    assert await stalled_for(event_store, others, stalled_at, asked_for) == ([], None)
    with pytest.raises(NotPermittedError, match="scope read"):
        await viewer_of(directory, Principal.service("hr", tenants=frozenset({tenant}), scopes=frozenset()))
