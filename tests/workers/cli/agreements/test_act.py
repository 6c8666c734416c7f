"""Placing and acting on the real Temporal and PostgreSQL: checked first, done once, told in a sentence."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowFailureError
from typer.testing import Result

from activities.directory.people import Directory
from activities.event_store.event_store import EventStore
from application.settings import Settings
from workers.runtime.worker import hosting
from workflows.contract import AgreementInput

Sojourn = Callable[..., Awaitable[Result]]
Example = Callable[[str], dict[str, Any]]
Listen = Callable[[], Any]


def printed(result: Result) -> Any:  # noqa: ANN401  any JSON
    """What a successful command printed, parsed."""
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.usefixtures("worker", "known")
async def test_placing_twice_starts_once(
    sojourn: Sojourn, request_of: Callable[..., dict[str, Any]], event_store: EventStore, tmp_path: Path
) -> None:
    """All kinds from one file of lines are placed; the same file again starts nothing and says so."""
    requests = [request_of(kind) for kind in ("secondment", "shadowing", "rotation")]
    file = tmp_path / "requests.jsonl"
    file.write_text("\n".join(map(json.dumps, requests)))
    first = printed(await sojourn("place", str(file), "--json"))
    assert [each["outcome"] for each in first["placements"]] == ["placed"] * 3
    for each, request in zip(first["placements"], requests, strict=True):
        assert each["agreement_id"] == f"{request['tenant']}.{request['request_id']}"
        stream = await event_store.stream(each["agreement_id"])
        assert stream[0].type == "agreement.proposed"
    again = await sojourn("place", str(file), "--json")
    assert [each["outcome"] for each in printed(again)["placements"]] == ["already_placed"] * 3
    assert "3 requests placed before: nothing was started for" in again.stderr
    for each in first["placements"]:
        assert len([row for row in await event_store.stream(each["agreement_id"]) if row.version == 1]) == 1


@pytest.mark.usefixtures("worker", "known")
async def test_several_files_are_placed_together_or_not_at_all(
    sojourn: Sojourn, request_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """A problem names its file and keeps the other files' requests from being placed; then all are."""
    one, lines = tmp_path / "one.json", tmp_path / "more.jsonl"
    good, other = request_of("secondment"), request_of("rotation")
    one.write_text(json.dumps(good))
    lines.write_text(json.dumps(request_of("shadowing")) + "\n" + json.dumps({**other, "starts_on": "soon"}))
    refused = await sojourn("place", str(one), str(lines))
    assert refused.exit_code == 1
    assert f"{lines} line 2: starts_on" in refused.stderr
    assert "Nothing was placed" in refused.stderr
    lines.write_text(json.dumps(other))
    placed = printed(await sojourn("place", str(one), str(lines), "--json"))["placements"]
    assert [each["outcome"] for each in placed] == ["placed"] * 2


@pytest.mark.usefixtures("worker", "known")
async def test_same_id_with_other_content_is_refused(
    sojourn: Sojourn, request_of: Callable[..., dict[str, Any]], event_store: EventStore
) -> None:
    """A changed request under a known id is refused and leaves no trace; also within one file."""
    request = request_of("secondment")
    changed = {**request, "cohort": "another"}
    both = await sojourn("place", "-", given=json.dumps([request, changed]))
    assert both.exit_code == 1
    assert "entry 2: request_id: is HG-SEC-2026-0117, as in entry 1, with other content" in both.stderr
    assert "Nothing was placed" in both.stderr
    twice = await sojourn("place", "-", "--json", given=json.dumps([request, request]))
    [placed] = printed(twice)["placements"]
    assert "entry 2: is the same request as entry 1; it is placed once" in twice.stderr
    refused = await sojourn("place", "-", given=json.dumps(changed))
    assert refused.exit_code == 1
    assert f"which opened {placed['agreement_id']} with other content" in refused.stderr
    assert len(await event_store.read_models.agreements(tenant=request["tenant"])) == 1


@pytest.mark.usefixtures("worker", "known")
async def test_nothing_starts_unless_all_are_in_order(
    sojourn: Sojourn, request_of: Callable[..., dict[str, Any]], event_store: EventStore, directory: Directory
) -> None:
    """Every problem of every request is told by line and field, and the good ones wait as well."""
    good = request_of("secondment")
    backwards = request_of("shadowing", planned_end="2020-01-01", request_id="backwards")
    stranger = request_of("rotation", mentor="P-nobody", request_id="stranger")
    nowhere = request_of("shadowing", request_id="nowhere")
    nowhere["mentee"] = {**nowhere["mentee"], "time_zone": "Mars/Olympus", "person_id": "P-mars"}
    lines = "\n".join(map(json.dumps, [good, backwards, stranger, nowhere, "no object"]))
    refused = await sojourn("place", "-", "--json", given=lines)
    assert refused.exit_code == 1
    problems = json.loads(refused.stdout)["problems"]
    told = {(each["where"], each["field"]) for each in problems}
    assert {("line 2", "planned_end"), ("line 3", "mentor"), ("line 4", "mentee"), ("line 5", "")} <= told
    assert "line 3: mentor: names P-nobody, who is not in the directory" in refused.stderr
    assert "line 4: mentee: P-mars: time_zone 'Mars/Olympus' is not an IANA time zone" in refused.stderr
    assert not any(each["where"] == "line 1" for each in problems)
    assert await event_store.read_models.agreements(tenant=good["tenant"]) == []
    assert await directory.get(["P-mars"]) == {}
    checked = await sojourn("place", "-", "--check", given=json.dumps(good))
    assert checked.exit_code == 0
    assert await event_store.read_models.agreements(tenant=good["tenant"]) == []


@pytest.mark.usefixtures("worker", "known")
async def test_inline_people_reach_the_directory_and_never_temporal(
    sojourn: Sojourn, request_of: Callable[..., dict[str, Any]], directory: Directory, client: Client
) -> None:
    """Who is described in a request is in the directory, and no payload of the workflow names them."""
    request = request_of("secondment")
    request["mentee"] = {**request["mentee"], "person_id": "P-inline", "name": "Zebulon Quux"}
    [placed] = printed(await sojourn("place", "-", "--json", given=json.dumps(request)))["placements"]
    assert (await directory.get(["P-inline"]))["P-inline"].name == "Zebulon Quux"
    history = await client.get_workflow_handle(placed["agreement_id"]).fetch_history()
    given = history.events[0].workflow_execution_started_event_attributes.input.payloads
    (opened,) = await client.data_converter.decode(given)
    assert opened["terms"]["mentee"] == "P-inline"
    assert "Zebulon" not in json.dumps(opened)
    for event in history.events:
        assert b"Quux" not in event.SerializeToString()
    described = await client.get_workflow_handle(placed["agreement_id"]).describe()
    assert "secondment" in (await described.static_summary() or "")
    assert "Quux" not in (await described.static_details() or "")


@pytest.mark.usefixtures("worker", "known")
async def test_overlap_and_overload_are_refused_by_name(
    sojourn: Sojourn, request_of: Callable[..., dict[str, Any]]
) -> None:
    """One mentee twice and one mentor too much are refused with the agreements named, unless allowed."""
    first = request_of("secondment", request_id="first")
    second = request_of("secondment", request_id="second")
    [placed] = printed(await sojourn("place", "-", "--json", given=json.dumps(first)))["placements"]
    refused = await sojourn("place", "-", given=json.dumps(second))
    assert refused.exit_code == 1
    assert f"mentee: P-1042 is in {placed['agreement_id']} during these dates" in refused.stderr
    greedy = request_of("shadowing", request_id="greedy", mentor=first["mentor"])
    greedy["mentor_commitment"] = {**greedy["mentor_commitment"], "hours_per_month": 7.5}
    overloaded = await sojourn("place", "-", given=json.dumps(greedy))
    assert overloaded.exit_code == 1
    assert "asks 7.5 hours a month of P-1107, who can give 8 and" in overloaded.stderr
    assert f"are promised in {placed['agreement_id']}" in overloaded.stderr
    allowed = await sojourn("place", "-", "--allow-overlap", given=json.dumps([second, greedy]))
    assert allowed.exit_code == 0, allowed.stderr
    assert "Warning: entry 1: mentee: P-1042 is in" in allowed.stderr


@pytest.mark.usefixtures("worker", "known")
async def test_acting_is_recorded_once_and_refused_with_the_rule(
    sojourn: Sojourn, request_of: Callable[..., dict[str, Any]], event_store: EventStore
) -> None:
    """A command is in the record when `act` returns, once per id; a refusal only names its rule."""
    request = request_of("secondment")
    [placed] = printed(await sojourn("place", "-", "--json", given=json.dumps(request)))["placements"]
    agreement = placed["agreement_id"]
    acknowledged = [item["item_id"] for item in request["compliance"]]
    data = json.dumps({"terms_version": 1, "acknowledged": acknowledged})
    sign = ("act", agreement, "sign_agreement", "--as", "P-1042", "--data", data, "--id", "c-1", "--json")
    receipt = printed(await sojourn(*sign))
    assert (receipt["agreement_id"], receipt["command_id"]) == (agreement, "c-1")
    assert receipt["event_types"][0] == "agreement.signed"
    assert printed(await sojourn(*sign)) == receipt
    rows = await event_store.stream(agreement)
    assert [row.type for row in rows].count("agreement.signed") == 1
    assert len(rows) == receipt["version"]

    refused = await sojourn("act", agreement, "sign-agreement", "--as", "P-1042", "--data", data)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Refused (already_done): ")
    stranger = await sojourn("act", agreement, "sign_agreement", "--as", "P-9001", "--data", data)
    assert "Refused (not_a_party): P-9001" in stranger.stderr
    reused = await sojourn(
        "act", agreement, "decline_agreement", "--as", "P-1042", "--id", "c-1", "--data", '{"reason": "No."}'
    )
    assert reused.exit_code == 1
    assert "Refused (command_reused): command_id c-1" in reused.stderr
    assert len(await event_store.stream(agreement)) == receipt["version"]


@pytest.mark.usefixtures("worker", "known")
async def test_only_operators_act_as_such(
    sojourn: Sojourn, request_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """The directory says who works the operators' queue; whoever does may act without being a party."""
    request = request_of("shadowing")
    [placed] = printed(await sojourn("place", "-", "--json", given=json.dumps(request)))["placements"]
    reason = tmp_path / "reason.json"
    reason.write_text('{"reason": "Placed by mistake."}')
    withdraw = (
        "act",
        placed["agreement_id"],
        "withdraw_agreement",
        "--role",
        "operator",
        "--data",
        f"@{reason}",
    )
    refused = await sojourn(*withdraw, "--as", "P-4300")
    assert refused.exit_code == 1
    assert "P-4300 is no operator" in refused.stderr
    done = await sojourn(*withdraw, "--as", "P-9001")
    assert done.exit_code == 0, done.stderr
    late = await sojourn(*withdraw, "--as", "P-9001")
    assert late.exit_code == 1
    assert "Refused (agreement_closed)" in late.stderr


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("sign_agrement", "--as", "P-1"), 2, "did you mean sign_agreement"),
        (("sign_agreement", "--as", "P-1"), 1, "terms_version: is required"),
        (
            ("sign_agreement", "--as", "P 1", "--data", '{"terms_version": 1}'),
            1,
            "--as: must be 1 to 64 letters",
        ),
        (("sign_agreement", "--as", "P-1", "--data", '{"terms_version": "1"}'), 1, "must be a whole number"),
        (
            ("sign_agreement", "--as", "P-1", "--data", '{"terms_version": 1, "x": 2}'),
            1,
            "not a field of this command",
        ),
        (
            ("sign_agreement", "--as", "P-1", "--data", '{"terms_version": 1, "actor_id": "P-2"}'),
            1,
            "given by --as",
        ),
        (("sign_agreement", "--as", "P-1", "--role", "boss"), 2, "'boss' is none of mentee"),
        (("sign_agreement", "--as", "P-1", "--data", "{"), 2, "--data is not JSON"),
        (("sign_agreement", "--as", "P-1", "--data", "[1]"), 2, "--data must be a JSON object"),
        (("sign_agreement", "--as", "P-1", "--data", "@absent.json"), 2, "absent.json cannot be read"),
        (("sign_agreement",), 2, "--as"),
        (
            ("sign_agreement", "--as", "P-1", "--data", '{"terms_version": 1}'),
            1,
            "The record has no agreement no.such; `sojourn list`",
        ),
    ],
)
async def test_wrong_commands_are_told_before_anything_is_sent(
    sojourn: Sojourn, arguments: tuple[str, ...], code: int, says: str
) -> None:
    """What can be seen to be wrong is said in words, by option and field, without a traceback."""
    result = await sojourn("act", "no.such", *arguments)
    assert result.exit_code == code, result.output
    assert says in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.usefixtures("known")
async def test_without_a_worker_the_outcome_is_unknown_and_the_repeat_is_safe(
    sojourn: Sojourn,
    request_of: Callable[..., dict[str, Any]],
    settings: Settings,
    client: Client,
    event_store: EventStore,
) -> None:
    """Nobody answers: exit 4 and what to repeat; once a worker is there the repeat starts nothing anew."""
    request = json.dumps(request_of("secondment"))
    waiting = await sojourn("place", "-", "--wait", "1", "--json", given=request)
    assert waiting.exit_code == 4
    [started] = json.loads(waiting.stdout)["placements"]
    assert started["outcome"] == "unconfirmed"
    assert "The same call again starts nothing twice" in waiting.stderr
    changed = json.dumps({**json.loads(request), "cohort": "another"})
    refused = await sojourn("place", "-", given=changed)
    assert refused.exit_code == 1
    assert f"which opened {started['agreement_id']} with other content" in refused.stderr

    sign = (
        "act",
        started["agreement_id"],
        "sign_agreement",
        "--as",
        "P-1042",
        "--data",
        '{"terms_version": 1}',
    )
    unanswered = await sojourn(*sign, "--wait", "1", "--id", "c-7")
    assert unanswered.exit_code == 4
    assert "it may still accept what was asked" in unanswered.stderr
    assert "--id c-7" in unanswered.stderr
    async with hosting(settings, client):
        [placed] = printed(await sojourn("place", "-", "--json", given=request))["placements"]
    assert placed["outcome"] == "already_placed"
    assert placed["version"] >= 1
    proposed = [
        row for row in await event_store.stream(started["agreement_id"]) if row.type == "agreement.proposed"
    ]
    assert len(proposed) == 1


async def test_temporal_away_is_said(
    sojourn: Sojourn, example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Temporal nothing is placed, and the sentence says how to name or start one."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    result = await sojourn("place", "-", given=json.dumps(example("secondment")))
    assert result.exit_code == 3
    assert "Temporal does not answer at 127.0.0.1:1" in result.stderr


@pytest.mark.usefixtures("settings")
async def test_migrating_again_does_nothing(sojourn: Sojourn) -> None:
    """`migrate` may run as often as one likes; what is there already is left alone."""
    assert printed(await sojourn("migrate", "--json")) == {"migrations": [], "search_attributes": []}
    assert printed(await sojourn("migrate", "--database-only", "--json"))["migrations"] == []


@pytest.mark.usefixtures("worker", "known")
async def test_a_failed_start_does_not_block_its_request(
    sojourn: Sojourn, request_of: Callable[..., dict[str, Any]], client: Client, settings: Settings
) -> None:
    """What some other tooling started wrongly recorded nothing, so the right request can still be placed."""
    request = request_of("secondment")
    agreement_id = f"{request['tenant']}.{request['request_id']}"
    wrong = await client.start_workflow(
        "SecondmentWorkflow", AgreementInput(terms={}), id=agreement_id, task_queue=settings.task_queue
    )
    with pytest.raises(WorkflowFailureError):
        await wrong.result()
    [placed] = printed(await sojourn("place", "-", "--json", given=json.dumps(request)))["placements"]
    assert (placed["agreement_id"], placed["outcome"]) == (agreement_id, "placed")
