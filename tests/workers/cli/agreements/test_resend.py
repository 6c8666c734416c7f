"""`sojourn resend`: notices that were given up, tried again in bulk, on the real Temporal and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from typer.testing import Result

from activities.event_store.event_store import EventStore

Sojourn = Callable[..., Awaitable[Result]]
Requests = Callable[..., dict[str, Any]]

RESEND = ("resend", "--as", "P-9001", "--reason", "The mail server is back.", "--json")


def printed(result: Result, code: int = 0) -> Any:  # noqa: ANN401  any JSON
    """What a command printed, parsed, if it ended as expected."""
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


@pytest.mark.usefixtures("worker", "known")
async def test_what_was_given_up_is_tried_again_once(
    sojourn: Sojourn, request_of: Requests, event_store: EventStore
) -> None:
    """A dry run changes nothing; the call says what became of each agreement; nothing is left for another."""
    requests = [request_of("secondment"), request_of("shadowing")]
    answer = printed(await sojourn("place", "-", "--allow-overlap", "--json", given=json.dumps(requests)))
    placed = [each["agreement_id"] for each in answer["placements"]]
    for agreement_id in placed:
        notice, *_ = await event_store.notices.of(agreement_id)
        await event_store.notices.settle(notice.notice.notice_id, "failed", error="550 no such mailbox")

    tried = printed(await sojourn(*RESEND, "--all", "--dry-run"))
    assert [each["outcome"] for each in tried["items"]] == ["would_be_accepted"] * 2
    assert len(await event_store.notices.failed(placed)) == 2

    only = printed(await sojourn(*RESEND, "--agreement", placed[0], "--yes"))
    assert [(each["agreement_id"], each["event_types"]) for each in only["items"]] == [
        (placed[0], ["notices.resent"])
    ]
    [left] = await event_store.notices.failed(placed)
    assert left.notice.agreement_id == placed[1]
    [event] = [row for row in await event_store.stream(placed[0]) if row.type == "notices.resent"]
    assert (event.actor_id, event.actor_role) == ("P-9001", "operator")

    to_them = printed(await sojourn(*RESEND, "--to", left.notice.recipient_id, "--yes"))
    assert [each["outcome"] for each in to_them["items"]] == ["accepted"]
    assert await event_store.notices.failed(placed) == []
    nothing = await sojourn(*RESEND, "--all", "--yes")
    assert nothing.exit_code == 5
    assert "No such notice was given up; nothing was done." in nothing.stderr


@pytest.mark.parametrize("which", [(), ("--all", "--to", "P-1042")])
async def test_which_notices_has_to_be_said(sojourn: Sojourn, which: tuple[str, ...]) -> None:
    """Neither nothing nor everything by accident."""
    result = await sojourn(*RESEND, *which)
    assert result.exit_code == 2
    assert "Say which notices" in result.stderr
