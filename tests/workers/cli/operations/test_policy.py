"""`sojourn policy`: sets are shown, new ones checked, and the record replayed under them, writing nothing."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from typer.testing import Result

from activities.event_store.event_store import EventStore
from application.config.policy_files import policy_set_as_yaml, read_policy_set
from application.operations.policy_replay import ReplayRequest, replay_agreements
from domain.agreement.state import Agreement
from domain.kernel.vocabulary import ObligationKind
from domain.ledger.obligation import Obligation
from domain.policy.documents import document_of
from domain.policy.policy_set import DEFAULT

Sojourn = Callable[..., Awaitable[Result]]
Lives = Callable[..., Awaitable[Agreement]]


def keep(name: str, text: str) -> str:
    """Writes a file where the command line runs; gives its name back."""
    Path(name).write_text(text)
    return name


STRICTER = (
    policy_set_as_yaml(DEFAULT)
    .replace("version: 1", "version: 2")
    .replace("milestone: {due: 5, stalled: 15}", "milestone: {due: 5, stalled: 8}")
)


def printed(result: Result) -> Any:  # noqa: ANN401  any JSON
    """What a successful command printed, parsed."""
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def nothing(_: Obligation) -> bool:
    """Nobody does anything."""
    return False


def all_but_milestones(owed: Obligation) -> bool:
    """Everybody does what they owe, but no milestone is reached."""
    return owed.kind is not ObligationKind.MILESTONE


async def test_a_set_is_shown_in_every_form(sojourn: Sojourn) -> None:
    """People read a table, programs JSON, and whoever wants to change it gets YAML that is in order."""
    assert printed(await sojourn("policy", "show", "--json")) == document_of(DEFAULT)
    text = (await sojourn("policy", "show")).stdout
    assert "default version 1" in text
    assert "5 / 15" in text
    yaml = (await sojourn("policy", "show", "default/1", "--yaml")).stdout
    checked = await sojourn("policy", "check", "-", given=yaml)
    assert checked.exit_code == 0
    assert "has the thresholds of default version 1" in checked.stdout


async def test_an_unknown_set_names_those_there_are(sojourn: Sojourn) -> None:
    """A mistyped set or version is answered with the valid ones."""
    for name in ("defaults", "default/7", "default/x"):
        result = await sojourn("policy", "show", name)
        assert result.exit_code == 1
        assert "there is default/1" in result.stderr
    assert (await sojourn("policy", "show", "--yaml", "--json")).exit_code == 2


async def test_check_shows_what_changes(sojourn: Sojourn) -> None:
    """A set in order is compared with the one in force, threshold by threshold."""
    keep("stricter.yaml", STRICTER)
    found = printed(await sojourn("policy", "check", "stricter.yaml", "--json"))
    assert found["differences"] == [
        {"field": "kinds.secondment.allowances.milestone.stalled", "before": 15, "after": 8}
    ]
    text = (await sojourn("policy", "check", "stricter.yaml")).stdout
    assert "differs from default version 1 in one threshold" in " ".join(text.split())
    same_version = STRICTER.replace("version: 2", "version: 1")
    warned = await sojourn("policy", "check", "-", given=same_version)
    assert warned.exit_code == 0
    assert "call these version 2" in warned.stderr


async def test_check_refuses_with_every_problem(sojourn: Sojourn) -> None:
    """A set that is not in order ends with 1 and a sentence per problem, each with its line."""
    keep("bad.yaml", STRICTER.replace("feedback: {due: 5", "feedbak: {due: 5", 1))
    result = await sojourn("policy", "check", "bad.yaml")
    assert result.exit_code == 1
    assert "did you mean feedback?" in result.stderr
    assert "line " in result.stderr
    assert result.stdout == ""
    absent = await sojourn("policy", "check", "nowhere.yaml")
    assert absent.exit_code == 2
    assert "nowhere.yaml cannot be read" in absent.stderr


async def test_replay_says_which_flags_come_when(
    sojourn: Sojourn, live: Lives, event_store: EventStore
) -> None:
    """A stricter milestone is flagged working days earlier; the record stays as it is."""
    agreement = await live("secondment", days=260, answers=all_but_milestones)
    await live("shadowing", days=20)
    before = await event_store.stream(agreement.agreement_id)
    keep("stricter.yaml", STRICTER)
    replayed = printed(await sojourn("policy", "replay", "stricter.yaml", "--since", "2026-01-01", "--json"))
    assert (replayed["policy_set_id"], replayed["version"]) == ("default", 2)
    rows = {row["agreement_id"]: row["comparisons"] for row in replayed["agreements"]}
    milestones = [each for each in rows[agreement.agreement_id] if each["reason"] == "milestone_overdue"]
    assert milestones
    assert {(each["change"], each["working_days"]) for each in milestones} == {
        ("earlier", -7),
        ("gained", None),
    }
    line = next(each for each in replayed["summary"]["lines"] if each["reason"] == "milestone_overdue")
    assert (line["kind"], line["earlier"] + line["gained"]) == ("secondment", len(milestones))
    assert line["median_working_days"] == -7
    assert replayed["summary"]["estimated"] == 0
    assert await event_store.stream(agreement.agreement_id) == before


async def test_replay_of_the_policy_in_force_finds_no_change(sojourn: Sojourn, live: Lives) -> None:
    """Over lives with people's real calendars and holidays, the same policy gives the same flags."""
    for kind, days in (("secondment", 150), ("shadowing", 40), ("rotation", 200)):
        await live(kind, days=days, answers=all_but_milestones)
    replayed = printed(
        await sojourn(
            "policy", "replay", "-", "--since", "2026-01-01", "--json", given=policy_set_as_yaml(DEFAULT)
        )
    )
    summary = replayed["summary"]
    assert summary["agreements"] == 3
    assert summary["flagged_recorded"] == summary["flagged_proposed"] > 0
    assert all(line["recorded"] == line["proposed"] for line in summary["lines"])
    assert {each["change"] for row in replayed["agreements"] for each in row["comparisons"]} == {"same"}
    assert (summary["estimated"], summary["newly_flagged_count"]) == (0, 0)


async def test_replay_reaches_every_agreement_once(sojourn: Sojourn, live: Lives) -> None:
    """Streams are read a few at a time; none is left out at the end of a batch, rows come in order of id."""
    placed = [
        (await live("shadowing", days=30, answers=nothing, request_id=f"R-{number}")).agreement_id
        for number in range(11)
    ]
    asked = ("policy", "replay", "-", "--since", "2026-01-01", "--json")
    replayed = printed(await sojourn(*asked, given=policy_set_as_yaml(DEFAULT)))
    assert [row["agreement_id"] for row in replayed["agreements"]] == sorted(placed)
    assert replayed["summary"]["agreements"] == len(placed)


async def test_other_processes_judge_alike(live: Lives, event_store: EventStore) -> None:
    """Beyond the first few, lives are judged elsewhere: the same answers, in the same order, each counted."""
    for number in range(20):
        await live("shadowing", days=30, answers=nothing, request_id=f"R-{number:02}")
    asked = ReplayRequest(read_policy_set(STRICTER), datetime(2026, 1, 1, tzinfo=UTC), None, [], 3)
    here = [each async for each in replay_agreements(event_store, asked)]
    counted: list[None] = []
    elsewhere = replay_agreements(
        event_store, asked, lambda: counted.append(None), here_at_most=8, processes=2
    )
    assert [each async for each in elsewhere] == here
    assert len(counted) == len(here) == 20


async def test_replay_reads_in_a_narrow_window(sojourn: Sojourn, live: Lives) -> None:
    """People get sums by kind and reason, and a row for each flag that comes at another time."""
    agreement = await live("secondment", days=260, answers=all_but_milestones)
    result = await sojourn("policy", "replay", "-", "--since", "2026-01-01", given=STRICTER)
    assert result.exit_code == 0, result.stderr
    assert agreement.agreement_id in result.stdout
    words = " ".join(result.stdout.split())
    assert "Agreements flagged, of 1: 1 as it was, 1 under this policy" in words
    assert "milestone overdue" in words
    assert max(map(len, result.stdout.splitlines())) <= 80


async def test_replay_keeps_to_its_window_and_kinds(sojourn: Sojourn, live: Lives) -> None:
    """What lies outside the days or kinds asked about is not counted; an empty answer is valid JSON."""
    await live("secondment", days=100, answers=all_but_milestones)
    for narrowed in (("--kind", "rotation"), ("--until", "2026-02-01")):
        asked = ("policy", "replay", "-", "--since", "2026-01-01", *narrowed)
        replayed = printed(await sojourn(*asked, "--json", given=STRICTER))
        assert replayed["agreements"] == []
        assert replayed["summary"]["agreements"] == 0
        text = await sojourn(*asked, given=STRICTER)
        assert "Nothing that could stall" in text.stdout


async def test_replay_refuses_what_it_cannot_read(sojourn: Sojourn) -> None:
    """A wrong day, kind, stretch or file is answered with what to give instead."""
    for given, part in (
        (("--since", "last week"), "2027-03-01T09:00:00Z"),
        (("--since", "2026-01-01", "--kind", "stint"), "secondment, shadowing, rotation"),
        (("--since", "2026-01-01", "--until", "2025-01-01"), "after --since"),
    ):
        result = await sojourn("policy", "replay", "-", *given, given=STRICTER)
        assert result.exit_code == 2
        assert part in result.stderr
    refused = await sojourn("policy", "replay", "-", "--since", "2026-01-01", given="{}")
    assert refused.exit_code == 1
    assert "lacks kinds, policy_set_id and version" in refused.stderr
