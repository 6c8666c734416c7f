"""Words expire on their date: those of one agreement, once, unless a hold keeps them, and nobody else's."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import Result

from activities.data_rights.log import RightsLog
from activities.event_store.event_store import EventStore
from domain.agreement.state import Agreement
from domain.stream.serialization import fold_recorded
from workers.cli.data_rights import retention
from workers.terminal.failures import ExitCode

Sojourn = Callable[..., Awaitable[Result]]
Lives = Callable[..., Awaitable[Agreement]]

BY = ("--as", "P-9001")


@pytest.fixture
async def closed(
    known: None,  # noqa: ARG001  the directory knows everybody first
    live: Lives,
) -> Agreement:
    """A shadowing stint, kept for three years after its close."""
    agreement = await live("shadowing", days=400)
    assert agreement.closed
    assert agreement.terms.retention_class == "placement-3y"
    return agreement


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten years after."""
    monkeypatch.setattr(retention, "today", lambda: date(2037, 1, 1))


@pytest.fixture
def receipts(tmp_path: Path) -> Path:
    """A folder for receipts."""
    folder = tmp_path / "receipts"
    folder.mkdir()
    return folder


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def _words(sojourn: Sojourn, agreement: Agreement, person: str) -> list[str]:
    told = await sojourn("events", agreement.agreement_id, "--as", person, "--json")
    assert told.exit_code == ExitCode.OK, told.output
    rows: list[dict[str, Any]] = json.loads(told.stdout)
    terms = rows[0]["data"]["terms"]
    return [terms["objectives"][0]["statement"], *terms["mentor_commitment"]["feedback_focus"]]


@pytest.mark.usefixtures("settings")
async def test_it_is_listed_before_and_nothing_changes_without_yes(
    sojourn: Sojourn, closed: Agreement, receipts: Path
) -> None:
    """Until its date nothing is due; what will be due by a day is shown; a date to come is no order."""
    none = await sojourn("retention", *BY, "--json")
    assert (none.exit_code, json.loads(none.stdout)) == (ExitCode.OK, [])
    listed = await sojourn("retention", *BY, "--until", "2037-01-01", "--json")
    assert listed.exit_code == ExitCode.OK, listed.output
    (due,) = json.loads(listed.stdout)
    closed_on = date.fromisoformat(due["closed_on"])
    assert due["due_on"] == closed_on.replace(year=closed_on.year + 3).isoformat()
    assert (due["agreement_id"], due["state"], due["erased"]) == (closed.agreement_id, "due", False)
    assert {closed.mentee_id, closed.terms.mentor} <= set(due["people"])
    early = await sojourn("retention", *BY, "--until", "2037-01-01", "--yes", "--receipts", str(receipts))
    assert early.exit_code == ExitCode.USAGE
    assert "(erased)" not in await _words(sojourn, closed, closed.mentee_id)


@pytest.mark.usefixtures("settings", "later")
async def test_what_is_due_is_unreadable_afterwards_and_all_else_stays(
    sojourn: Sojourn, closed: Agreement, live: Lives, event_store: EventStore, receipts: Path
) -> None:
    """Everybody's words of this agreement are gone, with a receipt; the same people's elsewhere are not."""
    folded = fold_recorded(await event_store.stream(closed.agreement_id))
    other = await live("shadowing", days=400, request_id="SHD-STAYS", retention_class="placement-30y")
    done = await sojourn("retention", *BY, "--yes", "--receipts", str(receipts))
    assert done.exit_code == ExitCode.OK, done.output
    for person in (closed.mentee_id, closed.terms.mentor):
        assert set(await _words(sojourn, closed, person)) == {"(erased)"}
        assert "(erased)" not in await _words(sojourn, other, person)
    assert await event_store.verify_chain(closed.agreement_id) is None
    assert fold_recorded(await event_store.stream(closed.agreement_id)) == folded
    (file,) = _files(receipts)
    assert file.stat().st_mode & 0o777 == 0o600
    told = json.loads(file.read_text())["receipt"]
    assert {each["agreement_id"] for each in told["keys_destroyed"]} == {closed.agreement_id}
    assert len(told["keys_destroyed"]) >= len(told["people"])
    genuine = await sojourn("receipt", str(file))
    assert genuine.exit_code == ExitCode.OK, genuine.output
    again = await sojourn("retention", *BY, "--yes", "--receipts", str(receipts))
    assert again.exit_code == ExitCode.OK, again.output
    assert "Nothing is due" in again.stderr


@pytest.mark.usefixtures("settings", "later")
async def test_a_legal_hold_on_anybody_in_it_keeps_all_of_it(
    sojourn: Sojourn, closed: Agreement, receipts: Path
) -> None:
    """The mentor is on hold: the mentee's words stay, too, and go once the hold is lifted."""
    held = (closed.terms.mentor, *BY, "--reference", "CASE-17")
    assert (await sojourn("hold", *held)).exit_code == ExitCode.OK
    kept = await sojourn("retention", *BY, "--yes", "--receipts", str(receipts), "--json")
    assert kept.exit_code == ExitCode.OK, kept.output
    (due,) = json.loads(kept.stdout)
    assert (due["state"], due["holds"], due["erased"]) == ("on_hold", {closed.terms.mentor: "CASE-17"}, False)
    assert "(erased)" not in await _words(sojourn, closed, closed.mentee_id)
    assert (await sojourn("hold", *held, "--lift")).exit_code == ExitCode.OK
    done = await sojourn("retention", *BY, "--yes", "--receipts", str(receipts), "--json")
    assert json.loads(done.stdout)[0]["erased"] is True


@pytest.mark.usefixtures("settings", "later")
async def test_a_hold_that_is_placed_behind_the_list_keeps_what_was_listed(
    sojourn: Sojourn, closed: Agreement, receipts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Placed once the run has begun to erase, it is told like any other; lifted, the next run finishes."""
    mentor, look = closed.terms.mentor, RightsLog.expiries_begun
    looks: list[int] = []

    async def expiries_begun(rights: RightsLog) -> dict[str, list[str]]:
        looks.append(1)
        # The first look is the list's, the second that of the erasure itself.
        if len(looks) == 2:
            await rights.note(mentor, "hold.placed", "P-9001", {"reference": "CASE-17"})
        return await look(rights)

    run = ("retention", *BY, "--yes", "--receipts", str(receipts), "--json")
    with monkeypatch.context() as patch:
        patch.setattr(RightsLog, "expiries_begun", expiries_begun)
        kept = await sojourn(*run)
    assert kept.exit_code == ExitCode.OK, kept.output
    [due] = json.loads(kept.stdout)
    assert (due["state"], due["holds"], due["erased"]) == ("on_hold", {mentor: "CASE-17"}, False)
    assert _files(receipts) == []
    assert "(erased)" not in await _words(sojourn, closed, closed.mentee_id)
    lifted = await sojourn("hold", mentor, *BY, "--reference", "CASE-17", "--lift")
    assert lifted.exit_code == ExitCode.OK
    assert json.loads((await sojourn(*run)).stdout)[0]["erased"] is True


@pytest.mark.usefixtures("settings", "later", "known")
async def test_a_class_of_which_nobody_said_how_long_is_named_and_kept(
    sojourn: Sojourn, live: Lives, receipts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is erased on a guess; the sentence says which setting wants a period, and with it, it goes."""
    agreement = await live("shadowing", days=400, retention_class="research")
    run = ("retention", *BY, "--yes", "--receipts", str(receipts))
    kept = await sojourn(*run)
    assert kept.exit_code == ExitCode.REFUSED
    assert "SOJOURN_RETENTION_PERIODS=research=7y" in kept.stderr
    assert "(erased)" not in await _words(sojourn, agreement, agreement.mentee_id)
    monkeypatch.setenv("SOJOURN_RETENTION_PERIODS", "research=90d,other=3y")
    assert (await sojourn(*run)).exit_code == ExitCode.OK
    assert "(erased)" in await _words(sojourn, agreement, agreement.mentee_id)
    monkeypatch.setenv("SOJOURN_RETENTION_PERIODS", "research=soon")
    wrong = await sojourn(*run)
    assert wrong.exit_code == ExitCode.USAGE
    assert "SOJOURN_RETENTION_PERIODS" in wrong.stderr


@pytest.mark.usefixtures("settings", "later")
async def test_what_was_cut_off_is_finished_by_the_next_run_and_told_in_full(
    sojourn: Sojourn,
    closed: Agreement,
    pool: asyncpg.Pool[asyncpg.Record],
    receipts: Path,
    killed_at: Callable[..., Awaitable[None]],
) -> None:
    """Killed at each seam in turn; then one receipt tells of every key, and each person is told of once."""
    run = ("retention", *BY, "--yes", "--receipts", str(receipts))
    for seam in (
        "activities.keys.subjects:SubjectKeys.destroy_in",
        "application.data_rights.temporal_histories:HistoryRemoval.remove",
        "application.data_rights.expire:destroyed_keys",
        "workers.cli.data_rights.retention:write_private",
        "activities.data_rights.log:RightsLog.note=words.expired",
    ):
        await killed_at(seam, *run, today=date(2037, 1, 1))
    done = await sojourn(*run, "--json")
    assert done.exit_code == ExitCode.OK, done.output
    (due,) = json.loads(done.stdout)
    (file,) = _files(receipts)
    told = json.loads(file.read_text())
    assert due["receipt"] == told
    keys = "SELECT count(*) FROM sojourn_keys.subject_key WHERE subject_id LIKE '%@' || $1"
    assert len(told["receipt"]["keys_destroyed"]) == await pool.fetchval(keys, closed.agreement_id)
    for person in told["receipt"]["people"]:
        noted = [each.type for each in await RightsLog(pool).events(person)]
        assert noted == ["expiry.begun", "keys.destroyed", "words.expired"]
    assert await RightsLog(pool).expiries_begun() == {}
