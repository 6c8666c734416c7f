"""Operators' commands over many agreements, and people who move, on the real Temporal and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from typer.testing import Result

from activities.directory.people import Directory
from activities.event_store.event_store import EventStore
from domain.agreement.state import Agreement
from domain.kernel.person import Person
from domain.kernel.vocabulary import ObligationKind, StallReason
from domain.ledger.obligation import Obligation
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import fold_recorded

Sojourn = Callable[..., Awaitable[Result]]
Requests = Callable[..., dict[str, Any]]
Lives = Callable[..., Awaitable[Agreement]]

OPERATOR = ("--as", "P-9001")
NUDGE = ("operate", "nudge_obligation", *OPERATOR, "--json", "--data")


def printed(result: Result, code: int = 0) -> Any:  # noqa: ANN401  any JSON
    """What a command printed, parsed, if it ended as expected."""
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


async def _place(sojourn: Sojourn, *requests: dict[str, Any]) -> list[str]:
    answer = printed(
        await sojourn("place", "-", "--allow-overlap", "--json", given=json.dumps(list(requests)))
    )
    return [each["agreement_id"] for each in answer["placements"]]


def _given(rows: list[RecordedEvent], event_type: str) -> int:
    return [row.type for row in rows].count(event_type)


async def _fold(event_store: EventStore, agreement_id: str) -> Agreement:
    agreement = fold_recorded(await event_store.stream(agreement_id))
    assert agreement is not None
    return agreement


def _signature_of(agreement: Agreement, person_id: str) -> str:
    return next(held.obligation_id for held in agreement.obligations.values() if held.owner_id == person_id)


@pytest.mark.usefixtures("worker", "known")
async def test_a_dry_run_shows_what_would_follow_and_writes_nothing(
    sojourn: Sojourn, request_of: Requests, event_store: EventStore
) -> None:
    """Events, what moves with old and new due instants, and who would be told; the record stays as it is."""
    [agreement_id] = await _place(sojourn, request_of("secondment"))
    before = await event_store.stream(agreement_id)
    data = {"role": "mentor", "from_person": "P-1107", "to_person": "P-4300", "reason": "On to another post."}
    reassign = ("act", agreement_id, "reassign_role", *OPERATOR, "--role", "operator", "--dry-run", "--data")
    shown = printed(await sojourn(*reassign, json.dumps(data), "--json"))
    assert shown["event_types"] == ["calendars.snapshotted", "role.reassigned"]
    assert [each["obligation_id"] for each in shown["settled"]] == ["signature:mentor:P-1107:v1"]
    assert [(each["owner_id"], bool(each["due_at"])) for each in shown["opened"]] == [("P-4300", True)]
    assert "P-4300" in {each["person_id"] for each in shown["told"]}
    told = await sojourn(*reassign, json.dumps(data))
    assert "settles  signature:mentor:P-1107:v1" in told.stdout
    assert "Nothing was sent and nothing was written." in told.stdout
    refused = await sojourn(*reassign, json.dumps({**data, "role": "mentee", "from_person": "P-1042"}))
    assert refused.exit_code == 1
    assert "Would be refused (not_allowed_for_role)" in refused.stderr
    unknown = await sojourn("act", "no.such", "reassign_role", *OPERATOR, *reassign[5:], json.dumps(data))
    assert unknown.exit_code == 1
    assert await event_store.stream(agreement_id) == before


@pytest.mark.usefixtures("worker", "known")
async def test_a_batch_takes_effect_once_and_tells_of_each(
    sojourn: Sojourn, request_of: Requests, event_store: EventStore
) -> None:
    """Each agreement has its own answer with version; the same call again is the same commands."""
    requests = [request_of("secondment"), request_of("shadowing")]
    placed = await _place(sojourn, *requests)
    waits = {"obligation_id": _signature_of(await _fold(event_store, placed[0]), "P-1042")}
    call = (*NUDGE, json.dumps(waits), "--tenant", requests[0]["tenant"])
    tried = printed(await sojourn(*call, "--dry-run"), 1)
    assert {each["outcome"] for each in tried["items"]} == {"would_be_accepted", "refused"}
    assert _given(await event_store.stream(placed[0]), "obligation.nudged") == 0

    first = printed(await sojourn(*call, "--yes"), 1)
    outcomes = {each["agreement_id"]: each for each in first["items"]}
    accepted, refused = outcomes[placed[0]], outcomes[placed[1]]
    assert (accepted["outcome"], accepted["event_types"]) == ("accepted", ["obligation.nudged"])
    assert accepted["version"] == len(await event_store.stream(placed[0]))
    assert (refused["outcome"], refused["code"]) == ("refused", "not_open")
    assert "is not open" in refused["sentence"]

    again = printed(await sojourn(*call, "--yes"), 1)
    assert again == first
    assert _given(await event_store.stream(placed[0]), "obligation.nudged") == 1
    other = printed(await sojourn(*call, "--yes", "--batch", "second-round", "--kind", "secondment"))
    assert other["items"][0]["command_id"] == f"second-round/{placed[0]}"
    assert _given(await event_store.stream(placed[0]), "obligation.nudged") == 2


@pytest.mark.usefixtures("worker", "known")
async def test_nothing_matched_is_its_own_ending_and_unknown_values_name_the_valid_ones(
    sojourn: Sojourn, request_of: Requests
) -> None:
    """A script can tell nobody from everybody, and a mistyped filter reaches nobody."""
    await _place(sojourn, request_of("secondment"))
    data = '{"obligation_id": "{oldest}"}'
    nobody = await sojourn(*NUDGE, data, "--yes", "--cohort", "nobody")
    assert nobody.exit_code == 5
    assert "No open agreement matches" in nobody.stderr
    for option, value, valid in (
        ("--reason", "lazy", StallReason.SILENT),
        ("--waiting-on", "boss", "mentor"),
        ("--kind", "holiday", "rotation"),
        ("--phase", "later", "active"),
    ):
        wrong = await sojourn(*NUDGE, data, "--yes", option, value)
        assert wrong.exit_code == 2
        assert f"{option}: {value!r} is none of" in wrong.stderr
        assert valid in wrong.stderr
    assert (await sojourn(*NUDGE, data, "--yes")).exit_code == 2
    assert (await sojourn(*NUDGE, data, "--kind", "secondment")).exit_code == 2
    ghost = printed(await sojourn(*NUDGE, data, "--yes", "--agreement", "no.such"), 1)
    assert ghost["items"][0]["code"] == "unknown_reference"


def _signatures(owed: Obligation) -> bool:
    return owed.kind in {ObligationKind.SIGNATURE, ObligationKind.ANNEX_SIGNATURE}


@pytest.mark.usefixtures("settings", "known")
async def test_the_oldest_overdue_obligation_is_each_agreements_own(sojourn: Sojourn, live: Lives) -> None:
    """`{oldest}` is found per agreement; where no workflow runs, the item says so and ends as unreachable."""
    stalled = await live("secondment", days=150, answers=_signatures)
    call = (*NUDGE, '{"obligation_id": "{oldest}"}', "--stalled")
    [item] = printed(await sojourn(*call, "--dry-run"))["items"]
    oldest = min(stalled.obligations.values(), key=lambda held: (held.due_at, held.obligation_id))
    assert [each["obligation_id"] for each in item["preview"]["told"]] == [oldest.obligation_id]
    [gone] = printed(await sojourn(*call, "--yes", "--wait", "1"), 3)["items"]
    assert gone["outcome"] == "unreachable"


@pytest.mark.usefixtures("worker", "known")
async def test_leave_moves_what_is_owed_in_every_agreement_once(
    sojourn: Sojourn, request_of: Requests, event_store: EventStore, directory: Directory
) -> None:
    """One call enters the leave and the delegate and reads the calendar again wherever the person is in."""
    [agreement_id] = await _place(sojourn, request_of("secondment"))
    held = next(
        each
        for each in (await _fold(event_store, agreement_id)).obligations.values()
        if each.owner_id == "P-1042"
    )
    day = str(held.due_at.date())
    call = ("leave", "P-1042", "--first", day, "--last", day, "--delegate", "P-4300", *OPERATOR, "--json")
    [tried] = printed(await sojourn(*call, "--dry-run"))["items"]
    [move] = [each for each in tried["preview"]["moved"] if each["obligation_id"] == held.obligation_id]
    assert move["due_after"] > move["due_before"]
    before = (await directory.get(["P-1042"]))["P-1042"]
    assert before.delegate_id != "P-4300"
    first = printed(await sojourn(*call))
    assert [each["outcome"] for each in first["items"]] == ["accepted"]
    known = (await directory.get(["P-1042"]))["P-1042"]
    assert (len(known.leave), known.delegate_id) == (len(before.leave) + 1, "P-4300")
    moved = (await _fold(event_store, agreement_id)).obligations[held.obligation_id]
    assert moved.due_at.isoformat().replace("+00:00", "Z") == move["due_after"]
    assert printed(await sojourn(*call)) == first
    assert (await directory.get(["P-1042"]))["P-1042"] == known
    swapped = await sojourn("leave", "P-1042", "--first", "2027-02-02", "--last", "2027-02-01", *OPERATOR)
    assert swapped.exit_code == 2


@pytest.mark.usefixtures("worker", "known")
async def test_a_leaver_is_flagged_or_succeeded_everywhere(
    sojourn: Sojourn, request_of: Requests, event_store: EventStore, directory: Directory
) -> None:
    """Without a successor one is owed and the delegate proposed; with one every role goes to them."""
    [agreement_id] = await _place(sojourn, request_of("secondment"))
    people = await directory.get(["P-1107"])
    leaver = Person.model_validate({**people["P-1107"].model_dump(), "delegate_id": "P-4300"})
    await directory.upsert([leaver])
    gone = ("departed", "P-1107", "--on", "2026-11-20", "--reason", "Left.", *OPERATOR, "--json")
    tried = printed(await sojourn(*gone, "--dry-run"))
    assert [each["outcome"] for each in tried["items"]] == ["would_be_accepted"]
    assert (await directory.get(["P-1107"]))["P-1107"].left_on is None
    flagged = printed(await sojourn(*gone))
    assert [each["event_types"] for each in flagged["items"]] == [["party.left"]]
    assert printed(await sojourn(*gone)) == flagged
    assert str((await directory.get(["P-1107"]))["P-1107"].left_on) == "2026-11-20"
    agreement = await _fold(event_store, agreement_id)
    assert "successor:P-1107" in agreement.obligations
    theirs = [held for held in agreement.obligations.values() if held.owner_id == "P-1107"]
    assert {held.reason for held in theirs} == {StallReason.PARTY_LEFT}
    left = next(row for row in await event_store.stream(agreement_id) if row.type == "party.left")
    assert left.data["proposed_successor"] == "P-4300"

    succeeded = printed(await sojourn(*gone, "--successor", "P-4300"))
    assert [each["command"] for each in succeeded["items"]] == ["reassign_role"]
    agreement = await _fold(event_store, agreement_id)
    assert "successor:P-1107" not in agreement.obligations
    assert not agreement.roles_of("P-1107")
    nothing = await sojourn(*gone, "--successor", "P-4300")
    assert nothing.exit_code == 0
    assert "P-1107 is in no open agreement any more" in nothing.stderr


@pytest.mark.usefixtures("worker", "known")
async def test_a_new_line_manager_takes_over_everywhere(
    sojourn: Sojourn, request_of: Requests, event_store: EventStore
) -> None:
    """Every open agreement of the mentee has the new line manager, once; a stranger is refused by name."""
    request = request_of("secondment")
    [agreement_id] = await _place(sojourn, request)
    call = ("manager", "P-1042", "--to", "P-4300", "--reason", "New team.", *OPERATOR, "--json")
    assert printed(await sojourn(*call, "--dry-run"))["items"][0]["outcome"] == "would_be_accepted"
    [item] = printed(await sojourn(*call))["items"]
    assert item["outcome"] == "accepted"
    assert "line_manager" in (await _fold(event_store, agreement_id)).roles_of("P-4300")
    again = await sojourn(*call)
    assert (again.exit_code, json.loads(again.stdout)["items"]) == (0, [])
    stranger = await sojourn("manager", "P-1042", "--to", "P-nobody", "--reason", "x", *OPERATOR)
    assert stranger.exit_code == 1
    assert "--to: P-nobody is not in the directory" in stranger.stderr
    no_operator = await sojourn("manager", "P-1042", "--to", "P-4300", "--reason", "x", "--as", "P-1042")
    assert "P-1042 is no operator" in no_operator.stderr
