"""Living by a policy set of one's own: placed under it or moved to it, alone or in bulk, on real servers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client
from typer.testing import Result

from activities.event_store.event_store import EventStore
from application.config.policy_files import policy_set_as_yaml
from application.settings import load_settings
from domain.agreement.state import Agreement
from domain.kernel.vocabulary import ObligationKind
from domain.policy.policy_set import DEFAULT
from domain.stream.serialization import fold_recorded
from workers.runtime.worker import replayer

Sojourn = Callable[..., Awaitable[Result]]
Requests = Callable[..., dict[str, Any]]

OPERATOR = ("--as", "P-9001")
FIRST = policy_set_as_yaml(DEFAULT).replace("policy_set_id: default", "policy_set_id: patient")
SECOND = FIRST.replace("version: 1", "version: 2").replace("due: 10, stalled: 20", "due: 12, stalled: 24")


def printed(result: Result, code: int = 0) -> Any:  # noqa: ANN401  any JSON
    """What a command printed, parsed, if it ended as expected."""
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


@pytest.fixture
def policy_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the settings name, with one set in two versions."""
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "first.yaml").write_text(FIRST)
    (folder / "second.yaml").write_text(SECOND)
    monkeypatch.setenv("SOJOURN_POLICY_FILES", str(folder))
    return folder


async def fold(event_store: EventStore, agreement_id: str) -> Agreement:
    """The agreement as its stream folds."""
    agreement = fold_recorded(await event_store.stream(agreement_id))
    assert agreement is not None
    return agreement


def under(version: int) -> dict[str, Any]:
    """The reference of a request."""
    return {"policy_set": {"policy_set_id": "patient", "version": version}}


@pytest.mark.usefixtures("worker", "known", "policy_folder")
async def test_an_agreement_lives_by_the_set_that_its_request_names(
    sojourn: Sojourn, request_of: Requests, event_store: EventStore, client: Client
) -> None:
    """The thresholds are in its first event, its history replays without any file, and the file may go."""
    request = request_of("secondment", **under(2))
    [placed] = printed(await sojourn("place", "-", "--json", given=json.dumps(request)))["placements"]
    agreement = await fold(event_store, placed["agreement_id"])
    assert (agreement.policy.policy_set_id, agreement.policy.version) == ("patient", 2)
    assert agreement.policy.allowances[ObligationKind.SIGNATURE].due == 12
    history = await client.get_workflow_handle(agreement.agreement_id).fetch_history()
    await replayer(load_settings()).replay_workflow(history)
    again = printed(await sojourn("place", "-", "--json", given=json.dumps(request)))
    assert again["placements"][0]["outcome"] == "already_placed"


@pytest.mark.usefixtures("worker", "known")
async def test_an_unknown_set_names_the_known_ones_before_anything_starts(
    sojourn: Sojourn, request_of: Requests, event_store: EventStore, policy_folder: Path
) -> None:
    """A request under a set that is not there is refused as a whole; so is a file that is not in order."""
    request = request_of("rotation", **under(7))
    refused = await sojourn("place", "-", given=json.dumps(request))
    assert refused.exit_code == 1
    assert (
        "policy_set: names patient version 7, which is not known; there is default version 1, "
        "patient version 1, patient version 2" in refused.stderr
    )
    (policy_folder / "third.yaml").write_text(SECOND.replace("due: 12", "due: 11"))
    broken = await sojourn("place", "-", given=json.dumps(request))
    assert broken.exit_code == 2
    assert "third.yaml: patient version 2 is in" in broken.stderr
    assert await event_store.read_models.agreements(tenant=request["tenant"]) == []


@pytest.mark.usefixtures("worker", "known", "policy_folder")
async def test_agreements_move_to_another_version_one_by_one_and_in_bulk(
    sojourn: Sojourn, request_of: Requests, event_store: EventStore
) -> None:
    """Each kind gets its own thresholds of the set, once however often it is asked, and never goes back."""
    requests = [request_of("secondment", **under(1)), request_of("rotation"), request_of("shadowing")]
    placed = printed(await sojourn("place", "-", "--json", given=json.dumps(requests)))["placements"]
    ids = {each["kind"]: each["agreement_id"] for each in placed}
    data = json.dumps({"policy_set_id": "patient", "version": 2, "reason": "Decided on Monday."})
    act = ("act", ids["rotation"], "adopt_policy", *OPERATOR, "--role", "operator", "--data", data)
    before = await fold(event_store, ids["rotation"])
    tried = printed(await sojourn(*act, "--dry-run", "--json"))
    assert tried["event_types"] == ["policy.adopted"]
    assert tried["moved"]
    assert await fold(event_store, ids["rotation"]) == before
    assert printed(await sojourn(*act, "--json"))["event_types"] == ["policy.adopted"]
    moved = (await fold(event_store, ids["rotation"])).obligations
    assert any(held.due_at > before.obligations[key].due_at for key, held in moved.items())

    bulk = ("operate", "adopt_policy", *OPERATOR, "--tenant", requests[0]["tenant"], "--json", "--data")
    tried = printed(await sojourn(*bulk, data, "--dry-run"), 1)
    assert [each["outcome"] for each in tried["items"]].count("would_be_accepted") == 2
    items = printed(await sojourn(*bulk, data, "--yes"), 1)["items"]
    outcomes = {each["agreement_id"]: each for each in items}
    assert outcomes[ids["secondment"]]["outcome"] == outcomes[ids["shadowing"]]["outcome"] == "accepted"
    assert outcomes[ids["rotation"]]["code"] == "no_change"
    for kind, agreement_id in ids.items():
        policy = (await fold(event_store, agreement_id)).policy
        assert (policy.policy_set_id, policy.version) == ("patient", 2)
        assert policy.missed_after == DEFAULT.kinds[kind].missed_after
    again = printed(await sojourn(*bulk, data, "--yes"), 1)["items"]
    assert again == items

    back = data.replace('"version": 2', '"version": 1')
    refused = await sojourn(*act[:-1], back)
    assert refused.exit_code == 1
    assert "Refused (version_mismatch)" in refused.stderr
    assert "a set never goes back" in refused.stderr
    unknown = await sojourn(*bulk, data.replace('"version": 2', '"version": 9'), "--yes")
    assert unknown.exit_code == 1
    assert "there is default version 1, patient version 1, patient version 2" in unknown.stderr


@pytest.mark.usefixtures("policy_folder")
async def test_sets_of_files_are_listed_shown_and_compared(sojourn: Sojourn) -> None:
    """`policy` knows them as well: where each comes from, the newest by its id, and what a draft changes."""
    listed = printed(await sojourn("policy", "list", "--json"))
    assert [(each["policy_set_id"], each["version"]) for each in listed] == [
        ("default", 1),
        ("patient", 1),
        ("patient", 2),
    ]
    assert listed[0]["source"] is None
    assert listed[2]["source"].endswith("second.yaml")
    assert "comes with the product" in (await sojourn("policy", "list")).stdout
    assert printed(await sojourn("policy", "show", "patient", "--json"))["version"] == 2
    third = SECOND.replace("version: 2", "version: 3").replace("due: 12", "due: 13")
    found = printed(await sojourn("policy", "check", "-", "--json", given=third))
    assert found["compared_with"] == {"policy_set_id": "patient", "version": 2}
    assert {each["before"] for each in found["differences"]} == {12}
    assert found["warnings"] == []
