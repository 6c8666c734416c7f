"""The stalled list as the command line pages through it: the same as folding every agreement."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import Result

from activities.event_store.event_store import EventStore
from activities.postgres.rows import StalledFilters, StalledPlace
from application.queries.agreements import StalledAgreement, stalled
from application.queries.stalled import stalled_list
from domain.agreement.state import Agreement
from domain.kernel.vocabulary import Kind, ObligationKind, Role
from domain.ledger.obligation import Obligation

Lives = Callable[..., Awaitable[Agreement]]
Sojourn = Callable[..., Awaitable[Result]]

LATER = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
async def four(live: Lives) -> list[Agreement]:
    """Four agreements that stall at different times, for different reasons."""
    return [
        await live("secondment", days=5, answers=_nothing, request_id="s1"),
        await live("secondment", days=60, answers=_signatures, request_id="s2"),
        await live("rotation", days=300, answers=_signatures, request_id="r1"),
        await live("shadowing", days=3, answers=_nothing, request_id="w1"),
    ]


async def test_the_list_is_what_folding_says(event_store: EventStore, four: list[Agreement]) -> None:
    """Past, present in their own time or to come: the two never differ in any field but the clock's."""
    first = min(agreement.proposed_at for agreement in four)
    instants = [None, *(first + days * timedelta(days=7) for days in range(0, 60, 3)), LATER]
    seen = 0
    for at in instants:
        told = [_without_clock(row) for row in await stalled_list(event_store, at)]
        assert told == [_without_clock(row) for row in await stalled(event_store, at)]
        seen += len(told)
    assert seen > len(four)


async def test_pages_follow_one_another(event_store: EventStore, four: list[Agreement]) -> None:
    """However few at a time, each agreement is on exactly one page, in one order."""
    everything = await stalled_list(event_store, LATER)
    assert {row.agreement_id for row in everything} == {agreement.agreement_id for agreement in four}
    for at in (LATER, None, everything[-1].since):
        whole = await stalled_list(event_store, at)
        for size in (1, 2, 3):
            paged: list[StalledAgreement] = []
            while page := await stalled_list(event_store, at, after=_place(paged), limit=size):
                assert len(page) <= size
                paged.extend(page)
            assert [_without_clock(row) for row in paged] == [_without_clock(row) for row in whole]


@pytest.mark.parametrize(
    "filters",
    [
        {"kind": [Kind.SECONDMENT]},
        {"waiting_on_role": [Role.LINE_MANAGER]},
        {"level": [6], "kind": [Kind.ROTATION, Kind.SECONDMENT]},
        {"tenant": ["halden-grid"]},
        {"tenant": ["nobody"]},
    ],
)
async def test_filters_leave_the_same_rows(
    event_store: EventStore, four: list[Agreement], filters: StalledFilters
) -> None:
    """A filter means the same to the database and to what is folded, here agreements ahead of the clock."""
    assert four
    narrowed = [row.agreement_id for row in await stalled_list(event_store, LATER, filters)]
    before_the_last_event = [row.agreement_id for row in await stalled_list(event_store, None, filters)]
    everything = [_flat(row) for row in await stalled(event_store, LATER)]
    assert narrowed == [
        row["agreement_id"]
        for row in everything
        if all(row[name] in values for name, values in filters.items())  # pyright: ignore[reportOperatorIssue]
    ]
    assert set(before_the_last_event) <= {row["agreement_id"] for row in everything}


async def test_the_command_pages_and_says_how_to_go_on(sojourn: Sojourn, four: list[Agreement]) -> None:
    """`stalled --limit` ends with the --after of the next page; rows of both make the whole."""
    then = ("stalled", "--as-of", "2030-01-01T00:00:00Z")
    whole = _printed(await sojourn(*then, "--json"))
    assert len(whole) == len(four)
    shown = (await sojourn(*then, "--limit", "2")).stdout
    place = shown.split("--after ", 1)[1].strip()
    rest = _printed(await sojourn(*then, "--after", place, "--json"))
    assert rest == whole[2:]
    last = f"{whole[-1]['since']},{whole[-1]['agreement_id']}"
    assert "Nothing more is stalled." in (await sojourn(*then, "--after", last)).stdout
    assert _printed(await sojourn(*then, "--level", "0", "--json")) == []
    levels = {row["level"] for row in whole}
    assert _printed(await sojourn(*then, *_each("--level", levels), "--json")) == whole


@pytest.mark.parametrize("place", ["a1", "2030-01-01T00:00:00Z,", "soon,a1"])
async def test_a_place_that_is_none_is_said(sojourn: Sojourn, place: str) -> None:
    """A mistyped --after is a usage error with what it should be, not the first page again."""
    result = await sojourn("stalled", "--after", place)
    assert result.exit_code == 2
    assert "--after must be" in result.stderr


def _nothing(_: Obligation) -> bool:
    return False


def _signatures(owed: Obligation) -> bool:
    return owed.kind in {ObligationKind.SIGNATURE, ObligationKind.ANNEX_SIGNATURE}


def _place(rows: list[StalledAgreement]) -> StalledPlace | None:
    return StalledPlace(since=rows[-1].since, agreement_id=rows[-1].agreement_id) if rows else None


def _without_clock(row: StalledAgreement) -> dict[str, object]:
    return row.model_dump(exclude={"as_of"})


def _flat(row: StalledAgreement) -> dict[str, object]:
    waiting_on = {"waiting_on_role": row.waiting_on.role, "waiting_on_id": row.waiting_on.person_id}
    return {**row.model_dump(exclude={"waiting_on"}), **waiting_on}


def _each(option: str, values: set[Any]) -> list[str]:
    return [part for value in values for part in (option, str(value))]


def _printed(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)
