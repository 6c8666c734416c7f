"""A dry run of an operator's action writes nothing: not in the record, not in the outbox, not in Temporal."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from temporalio.client import Client
from typer.testing import Result

from application.config.policy_files import policy_set_as_yaml
from application.settings import Settings
from domain.agreement.commands import COMMANDS
from domain.agreement.state import Agreement
from domain.kernel.vocabulary import ObligationKind, Role
from domain.ledger.obligation import Obligation
from domain.policy.policy_set import DEFAULT
from workers.runtime.worker import hosting

Sojourn = Callable[..., Awaitable[Result]]
Requests = Callable[..., dict[str, Any]]
Lives = Callable[..., Awaitable[Agreement]]

OPERATOR = ("--as", "P-9001")
BY_OPERATORS = [name for name, command in COMMANDS.items() if Role.OPERATOR in command.given_by]
ACTED_ON_IN_BULK = {
    "nudge_obligation",
    "pause_placement",
    "hold_placement",
    "reassign_role",
    "end_early",
    "close_incomplete",
    "adopt_policy",
}
"""Of what operators can do, what at least one of the agreements here would take."""
FITTING: Mapping[str, Mapping[str, object]] = {
    "nudge_obligation": {"obligation_id": "{oldest}"},
    "waive_obligation": {"obligation_id": "{oldest}"},
    "reassign_role": {"role": "mentor", "from_person": "P-1107", "to_person": "P-4300"},
    "pause_placement": {"until": "2027-05-03"},
    "hold_placement": {"review_on": "2027-05-03"},
    "adopt_policy": {"policy_set_id": "patient", "version": 1},
}
"""What an example has to say for that; a life's own time is 2027."""


def all_but_check_ins(owed: Obligation) -> bool:
    """Everybody does what they owe, but nobody meets."""
    return owed.kind is not ObligationKind.CHECK_IN


@pytest.fixture
def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy set to move to."""
    file = tmp_path / "patient.yaml"
    file.write_text(policy_set_as_yaml(DEFAULT).replace("policy_set_id: default", "policy_set_id: patient"))
    monkeypatch.setenv("SOJOURN_POLICY_FILES", str(file))


async def everything(pool: asyncpg.Pool[asyncpg.Record]) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    tables = await pool.fetch(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'sojourn'"
    )
    return {
        row["name"]: [
            each["row"]
            for each in await pool.fetch(f"SELECT t::text AS row FROM {row['name']} AS t ORDER BY 1")  # noqa: S608
        ]
        for row in tables
    }


def printed(result: Result, *codes: int) -> Any:  # noqa: ANN401  any JSON
    """What a command printed, parsed, if it ended as expected."""
    assert result.exit_code in codes, result.output
    return json.loads(result.stdout)


async def _placed(sojourn: Sojourn, request: dict[str, Any]) -> str:
    [found] = printed(await sojourn("place", "-", "--json", given=json.dumps(request)), 0)["placements"]
    return str(found["agreement_id"])


@pytest.mark.usefixtures("known", "patient")
async def test_no_operators_action_writes_anything_in_a_dry_run(  # noqa: PLR0917  each is a place to look at
    sojourn: Sojourn,
    request_of: Requests,
    live: Lives,
    settings: Settings,
    client: Client,
    pool: asyncpg.Pool[asyncpg.Record],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each action, over agreements that take and that refuse it; Temporal is not even reached."""
    async with hosting(settings, client):
        agreement = await _placed(sojourn, request_of("secondment"))
    await live("secondment", days=120, answers=all_but_check_ins, request_id="under-way")
    await live("rotation", days=150, answers=all_but_check_ins, request_id="in-turn")
    handle = client.get_workflow_handle(agreement)
    history, event_store = json.loads((await handle.fetch_history()).to_json()), await everything(pool)
    assert event_store["sojourn.notice"]
    assert event_store["sojourn.person"]
    # Whoever tried to reach Temporal now would end with 3.
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    taken: set[str] = set()
    for name in BY_OPERATORS:
        data = json.dumps({**COMMANDS[name].example, **FITTING.get(name, {})})
        call = ("operate", name, *OPERATOR, "--all", "--dry-run", "--json", "--data", data)
        answered = await sojourn(*call)
        if answered.exit_code == 1 and not answered.stdout:
            continue
        items = printed(answered, 0, 1)["items"]
        assert {each["outcome"] for each in items} <= {"would_be_accepted", "refused"}
        taken.update(each["command"] for each in items if each["outcome"] == "would_be_accepted")
    for call in (
        ("leave", "P-1042", "--first", "2027-02-01", "--last", "2027-02-12"),
        ("departed", "P-1107", "--on", "2027-02-01", "--reason", "Left."),
        ("departed", "P-1107", "--on", "2027-02-01", "--successor", "P-4300", "--reason", "Takes over."),
        ("manager", "P-1042", "--to", "P-1016", "--reason", "New team."),
    ):
        printed(await sojourn(*call, *OPERATOR, "--dry-run", "--json"), 0, 1)
    assert taken >= ACTED_ON_IN_BULK
    assert await everything(pool) == event_store
    assert json.loads((await handle.fetch_history()).to_json()) == history
