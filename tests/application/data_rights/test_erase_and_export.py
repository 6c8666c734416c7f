"""People's rights: what is erased is gone for every command, what is exported is theirs alone."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from typer.testing import Result

from activities.data_rights.log import RightsLog
from activities.event_store.event_store import EventStore
from application.container import Container
from domain.agreement.state import Agreement
from domain.stream.serialization import fold_recorded
from workers.terminal.failures import ExitCode

Sojourn = Callable[..., Awaitable[Result]]
Lives = Callable[..., Awaitable[Agreement]]

OPERATOR = ("--as", "P-9001", "--reference", "DSR-1")


@pytest.mark.usefixtures("settings")
async def test_what_is_erased_is_gone_for_every_command_and_the_agreement_still_folds(
    sojourn: Sojourn, closed: Agreement, event_store: EventStore, tmp_path: Path
) -> None:
    """Words of the erased are in no answer, others' are; the chain is whole; the receipt is genuine."""
    mentee, mentor = closed.mentee_id, closed.terms.mentor
    folded = fold_recorded(await event_store.stream(closed.agreement_id))
    before = json.loads((await sojourn("events", closed.agreement_id, "--as", mentee, "--json")).stdout)
    receipt = tmp_path / "receipt.json"
    done = await sojourn("erase", mentee, *OPERATOR, "--yes", "--receipt", str(receipt))
    assert done.exit_code == ExitCode.OK, done.output
    after = json.loads((await sojourn("events", closed.agreement_id, "--as", mentee, "--json")).stdout)
    rationale, erased = (rows[0]["data"]["terms"]["rationale"] for rows in (before, after))
    assert erased == "(erased)"
    for arguments in (
        ("events", closed.agreement_id, "--as", mentor, "--json"),
        ("events", closed.agreement_id, "--json"),
        ("mine", closed.agreement_id, "--as", mentee, "--json"),
        ("show", closed.agreement_id, "--json"),
    ):
        said = (await sojourn(*arguments)).output
        assert rationale not in said, arguments
    focus = after[0]["data"]["terms"]["mentor_commitment"]["feedback_focus"]
    assert focus == before[0]["data"]["terms"]["mentor_commitment"]["feedback_focus"]
    assert await event_store.verify_chain(closed.agreement_id) is None
    assert fold_recorded(await event_store.stream(closed.agreement_id)) == folded
    genuine = await sojourn("receipt", str(receipt))
    assert genuine.exit_code == ExitCode.OK, genuine.output
    again = await sojourn("erase", mentee, *OPERATOR, "--yes", "--receipt", str(receipt))
    assert again.exit_code == ExitCode.OK, again.output


@pytest.mark.usefixtures("known")
async def test_nothing_is_erased_without_yes_or_on_hold_or_while_a_role_is_held(
    sojourn: Sojourn, live: Lives, pool: asyncpg.Pool[asyncpg.Record], tmp_path: Path
) -> None:
    """The dry run, a legal hold and an open role each leave every key where it is."""
    agreement = await live("shadowing", days=2)
    person = agreement.mentee_id
    keys = "SELECT count(*) FROM sojourn_keys.subject_key WHERE destroyed_at IS NULL"
    before = await pool.fetchval(keys)
    yes = ("--yes", "--receipt", str(tmp_path / "receipt.json"))
    held = await sojourn("erase", person, *OPERATOR, *yes)
    assert held.exit_code == ExitCode.REFUSED
    assert "sojourn departed" in held.stderr
    await pool.execute("UPDATE sojourn.person SET left_on = '2026-01-01' WHERE person_id = $1", person)
    planned = await sojourn("erase", person, *OPERATOR, "--json")
    assert planned.exit_code == ExitCode.OK, planned.output
    assert json.loads(planned.stdout)["agreements"][0]["sealed_events"] > 0
    assert (await sojourn("hold", person, *OPERATOR)).exit_code == ExitCode.OK
    on_hold = await sojourn("erase", person, *OPERATOR, *yes)
    assert on_hold.exit_code == ExitCode.REFUSED
    assert "legal hold (DSR-1)" in on_hold.stderr
    assert (await sojourn("hold", person, *OPERATOR, "--lift")).exit_code == ExitCode.OK
    assert [each.type for each in await RightsLog(pool).events(person)] == ["hold.placed", "hold.lifted"]
    assert await pool.fetchval(keys) == before
    stranger = await sojourn("erase", person, "--as", person, "--reference", "x")
    assert stranger.exit_code == ExitCode.REFUSED
    assert "no operator" in stranger.stderr


@pytest.mark.usefixtures("known")
async def test_nobody_is_put_on_hold_or_erased_by_a_slip(
    sojourn: Sojourn, pool: asyncpg.Pool[asyncpg.Record], tmp_path: Path
) -> None:
    """A mistyped id protects nobody and is refused; a receipt that cannot be written is said before."""
    mistyped = await sojourn("hold", "P-1O42", *OPERATOR)
    assert mistyped.exit_code == ExitCode.NOTHING_MATCHED
    assert "has the id P-1O42" in mistyped.stderr
    nowhere = await sojourn(
        "erase", "P-1042", *OPERATOR, "--yes", "--receipt", str(tmp_path / "nowhere" / "receipt.json")
    )
    assert nowhere.exit_code == ExitCode.USAGE
    assert "--receipt: there is no folder" in nowhere.stderr
    assert await pool.fetchval("SELECT count(*) FROM sojourn.rights_event") == 0


@pytest.mark.usefixtures("settings")
async def test_a_hold_that_is_placed_behind_the_plan_forbids_what_was_planned(
    sojourn: Sojourn, closed: Agreement, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Placed while the erasure already runs, it is named, and every word stays; lifted, all goes."""
    person, connect = closed.mentee_id, Container.temporal
    receipt = tmp_path / "receipt.json"

    async def temporal(container: Container) -> Client:
        # Reached between the plan and the destruction.
        await RightsLog(await container.pool()).note(
            person, "hold.placed", "P-9001", {"reference": "CASE-17"}
        )
        return await connect(container)

    with monkeypatch.context() as patch:
        patch.setattr(Container, "temporal", temporal)
        held = await sojourn("erase", person, *OPERATOR, "--yes", "--receipt", str(receipt))
    assert held.exit_code == ExitCode.REFUSED
    assert f"{person} (CASE-17)" in held.stderr
    assert not receipt.exists()
    read = json.loads((await sojourn("events", closed.agreement_id, "--as", person, "--json")).stdout)
    assert "(erased)" not in json.dumps(read)
    assert (await sojourn("hold", person, *OPERATOR, "--lift")).exit_code == ExitCode.OK
    done = await sojourn("erase", person, *OPERATOR, "--yes", "--receipt", str(receipt))
    assert done.exit_code == ExitCode.OK, done.output
    late = await sojourn("hold", person, *OPERATOR)
    assert "Keys of theirs were destroyed before" in late.stderr


@pytest.mark.usefixtures("worker", "known")
async def test_the_run_of_before_is_ended_and_the_agreement_runs_on(
    sojourn: Sojourn, client: Client, request_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """The run that held payloads is ended; the workflow goes on from the record under a new one."""
    request = request_of("shadowing")
    placed = await sojourn("place", "-", "--json", given=json.dumps(request))
    assert placed.exit_code == ExitCode.OK, placed.output
    agreement_id = json.loads(placed.stdout)["placements"][0]["agreement_id"]
    handle = client.get_workflow_handle(agreement_id)
    before = (await handle.describe()).run_id
    person = request["mentee"]["person_id"]
    left = await sojourn("departed", person, "--on", "2026-01-01", "--reason", "Left.", "--as", "P-9001")
    assert left.exit_code == ExitCode.OK, left.output
    file = str(tmp_path / "receipt.json")
    done = await sojourn("erase", person, *OPERATOR, "--yes", "--receipt", file, "--json")
    assert done.exit_code == ExitCode.OK, done.output
    assert json.loads(done.stdout)["receipt"]["temporal_histories_deleted_on_request"] == {agreement_id: 1}
    now = await handle.describe()
    assert (now.status, now.run_id != before) == (WorkflowExecutionStatus.RUNNING, True)
    shown = await sojourn("show", agreement_id)
    assert shown.exit_code == ExitCode.OK, shown.output


@pytest.mark.usefixtures("worker", "known")
async def test_the_receipt_tells_of_all_that_was_erased_however_often_it_was_cut_off(  # noqa: PLR0917  fixtures
    sojourn: Sojourn,
    client: Client,
    pool: asyncpg.Pool[asyncpg.Record],
    request_of: Callable[..., dict[str, Any]],
    killed_at: Callable[..., Awaitable[None]],
    tmp_path: Path,
) -> None:
    """Killed at each seam in turn; the run that gets through tells of every key and history."""
    request = request_of("shadowing")
    placed = await sojourn("place", "-", "--json", given=json.dumps(request))
    assert placed.exit_code == ExitCode.OK, placed.output
    agreement_id = json.loads(placed.stdout)["placements"][0]["agreement_id"]
    person = request["mentee"]["person_id"]
    left = await sojourn("departed", person, "--on", "2026-01-01", "--reason", "Left.", "--as", "P-9001")
    assert left.exit_code == ExitCode.OK, left.output
    file = tmp_path / "receipt.json"
    run = ("erase", person, *OPERATOR, "--yes", "--receipt", str(file))
    for seam in (
        "activities.keys.subjects:SubjectKeys.destroy",
        "activities.data_rights.log:RightsLog.clear_directory",
        "application.data_rights.temporal_histories:HistoryRemoval._terminate",
        "application.data_rights.temporal_histories:HistoryRemoval._delete",
        "application.temporal.starter:Starter.resume",
        "application.data_rights.erase:sign_receipt",
        "workers.cli.data_rights.rights:write_private",
        "activities.data_rights.log:RightsLog.note=person.erased",
    ):
        await killed_at(seam, *run)
    done = await sojourn(*run, "--json")
    assert done.exit_code == ExitCode.OK, done.output
    told = json.loads(done.stdout)["receipt"]
    keys = await pool.fetch(
        "SELECT subject_id, destroyed_at FROM sojourn_keys.subject_key WHERE subject_id LIKE $1 || '%'",
        person,
    )
    assert None not in [key["destroyed_at"] for key in keys]
    assert {(each["person_id"], each["agreement_id"]) for each in told["keys_destroyed"]} >= {
        (person, None),
        (person, agreement_id),
    }
    assert len(told["keys_destroyed"]) == len(keys)
    # The first run's, and each that an attempt started and the next one ended.
    assert told["temporal_histories_deleted_on_request"][agreement_id] > 1
    now = await client.get_workflow_handle(agreement_id).describe()
    assert now.status is WorkflowExecutionStatus.RUNNING
    assert [each.type for each in await RightsLog(pool).events(person)].count("person.erased") == 1


@pytest.mark.usefixtures("settings")
async def test_keys_that_a_backup_brought_back_are_found_by_their_receipts(
    sojourn: Sojourn, closed: Agreement, administrator: asyncpg.Connection, tmp_path: Path
) -> None:
    """`verify` finds them where the record has the receipt, `receipt --in-record` where only a file does."""
    keys = await administrator.fetch("SELECT * FROM sojourn_keys.subject_key WHERE wrapped IS NOT NULL")
    file = str(tmp_path / "receipt.json")
    erase = ("erase", closed.mentee_id, *OPERATOR, "--yes", "--receipt", file)
    assert (await sojourn(*erase)).exit_code == ExitCode.OK
    assert (await sojourn("verify", "--record-only")).exit_code == ExitCode.OK
    assert (await sojourn("receipt", file, "--in-record")).exit_code == ExitCode.OK
    await administrator.executemany(
        "UPDATE sojourn_keys.subject_key SET key_id = $3, wrapped = $4, destroyed_at = NULL "
        "WHERE subject_id = $1 AND version = $2",
        [(key["subject_id"], key["version"], key["key_id"], key["wrapped"]) for key in keys],
    )
    verified = await sojourn("verify", "--record-only")
    assert verified.exit_code == ExitCode.REFUSED
    assert f"{closed.mentee_id} in {closed.agreement_id} (version 1): is in use" in verified.stdout
    checked = await sojourn("receipt", file, "--in-record", "--json")
    assert checked.exit_code == ExitCode.REFUSED
    (told,) = json.loads(checked.stdout)
    back = {f"{closed.mentee_id}@{closed.agreement_id}", closed.mentee_id}
    assert (told["genuine"], {each["subject_id"] for each in told["returned"]}) == (True, back)
    assert f"sojourn erase {closed.mentee_id}" in checked.stderr
    assert (await sojourn(*erase)).exit_code == ExitCode.OK
    assert (await sojourn("verify", "--record-only")).exit_code == ExitCode.OK


@pytest.mark.usefixtures("settings", "known")
async def test_a_receipt_that_was_altered_is_told(sojourn: Sojourn, tmp_path: Path) -> None:
    """Nobody makes an erasure look earlier, or another person's, by editing the file."""
    file = tmp_path / "receipt.json"
    done = await sojourn("erase", "P-9002", *OPERATOR, "--yes", "--receipt", str(file))
    assert done.exit_code == ExitCode.OK, done.output
    _forge(file)
    forged = await sojourn("receipt", str(file))
    assert forged.exit_code == ExitCode.REFUSED
    assert "not as it was signed" in forged.stderr


async def test_an_export_holds_the_persons_own_words_and_nobody_elses_id(
    sojourn: Sojourn, closed: Agreement, tmp_path: Path
) -> None:
    """Their terms and debrief are in it; the mentor's are not, and others are named by role."""
    out = tmp_path / "export.json"
    done = await sojourn("export", closed.mentee_id, "--as", "P-9001", "--out", str(out))
    assert done.exit_code == ExitCode.OK, done.output
    text = _read(out)
    mentee = json.loads(
        (await sojourn("events", closed.agreement_id, "--as", closed.mentee_id, "--json")).stdout
    )
    assert json.dumps(mentee[0]["data"]["terms"]["rationale"], ensure_ascii=False) in text
    events = json.loads(text)["agreements"][0]["events"]
    debriefs = [each["data"] for each in events if each["type"] == "debrief.submitted"]
    own = next(each for each in debriefs if each["party"]["person_id"] == closed.mentee_id)
    assert "withheld" not in json.dumps(own["reflection"])
    others = {party.person_id for party in closed.parties} - {closed.mentee_id}
    assert [each for each in others if f'"{each}"' in text] == []
    focus = events[0]["data"]["terms"]["mentor_commitment"]["feedback_focus"]
    assert set(focus) == {"(withheld: somebody else's)"}
    assert "rationale" in _read(out.with_suffix(".txt"))


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _forge(path: Path) -> None:
    told = json.loads(path.read_text())
    told["receipt"]["erased_at"] = "2020-01-01T00:00:00+00:00"
    path.write_text(json.dumps(told))
