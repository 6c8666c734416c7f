"""`sojourn explain`: one paragraph from the record alone, the same as `stalled` says."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from typer.testing import Result

from activities.event_store.event_store import EventStore
from domain.agreement.state import Agreement
from domain.kernel.vocabulary import ObligationKind
from domain.ledger.obligation import Obligation

Sojourn = Callable[..., Awaitable[Result]]
Lives = Callable[..., Awaitable[Agreement]]


def all_but_milestones(owed: Obligation) -> bool:
    """Everybody does what they owe, but no milestone is reached."""
    return owed.kind is not ObligationKind.MILESTONE


def printed(result: Result) -> Any:  # noqa: ANN401  any JSON
    """What a successful command printed, parsed."""
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


async def test_explain_says_the_same_as_stalled_with_the_event(
    sojourn: Sojourn, live: Lives, event_store: EventStore
) -> None:
    """Reason, owner, since, level and next are those of `stalled`; the event is the one in the record."""
    agreement = await live("secondment", days=180, answers=all_but_milestones)
    moment = ("--as-of", agreement.last_activity_at.isoformat())
    [row] = printed(await sojourn("stalled", *moment, "--json"))
    found = printed(await sojourn("explain", agreement.agreement_id, *moment, "--json"))
    assert found["health"] == "stalled"
    for field in (
        "reason",
        "waiting_on",
        "since",
        "obligation_id",
        "obligation_kind",
        "due_at",
        "level",
        "next",
    ):
        assert found["stall"][field] == row[field], field
    stream = await event_store.stream(agreement.agreement_id)
    version: int = found["cause"]["version"]
    cause = stream[version - 1]
    assert (cause.event_id, cause.type) == (found["cause"]["event_id"], found["cause"]["type"])
    for part in (row["obligation_id"], row["waiting_on"]["person_id"], cause.event_id, row["next"]):
        assert part in found["paragraph"]


async def test_explain_reads_as_one_paragraph(sojourn: Sojourn, live: Lives) -> None:
    """People get prose within their window, and nothing else."""
    agreement = await live("shadowing", days=20)
    result = await sojourn("explain", agreement.agreement_id)
    assert result.exit_code == 0
    assert "\n\n" not in result.stdout.strip()
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert agreement.agreement_id in result.stdout


async def test_explain_looks_at_any_instant(sojourn: Sojourn, live: Lives) -> None:
    """A past instant knows only what had happened by then; one before the beginning is refused."""
    agreement = await live("secondment", days=180, answers=all_but_milestones)
    early = agreement.proposed_at + timedelta(hours=1)
    then = printed(await sojourn("explain", agreement.agreement_id, "--as-of", early.isoformat(), "--json"))
    assert (then["phase"], then["health"]) == ("agreement", "too_early")
    assert then["next"][0]["what"] == "it starts"
    before = await sojourn("explain", agreement.agreement_id, "--as-of", "2020-01-01T00:00:00Z")
    assert before.exit_code == 1
    assert "had not begun" in before.stderr


async def test_explain_of_an_unknown_agreement_says_how_to_find_one(sojourn: Sojourn) -> None:
    """A mistyped id is answered with where ids are listed."""
    result = await sojourn("explain", "halden-grid.NOBODY")
    assert result.exit_code == 1
    assert "sojourn list" in result.stderr
