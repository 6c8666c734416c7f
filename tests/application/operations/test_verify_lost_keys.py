"""A key lost by accident does not look like an erasure: verify names it, with whose it was and what to do."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import asyncpg
import pytest
from pydantic import JsonValue
from typer.testing import Result

from activities.data_rights.log import RightsLog
from activities.encryption.encrypt import FieldEncryption
from activities.integrity import lost_keys as lost
from activities.integrity.findings import Difference
from activities.keys.envelopes import subject_in
from application.operations.verify import verify
from domain.agreement.state import Agreement
from workers.terminal.failures import ExitCode

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Sojourn = Callable[..., Awaitable[Result]]
Lives = Callable[..., Awaitable[Agreement]]

OPERATOR = ("--as", "P-9001", "--reference", "DSR-1")
LOSE = "DELETE FROM sojourn_keys.subject_key WHERE subject_id = $1"
LAY_ASIDE = "CREATE TABLE public.aside AS SELECT * FROM sojourn_keys.subject_key"
PUT_BACK = "INSERT INTO sojourn_keys.subject_key SELECT * FROM public.aside ON CONFLICT DO NOTHING"
BY_HAND = """
    UPDATE sojourn_keys.subject_key SET key_id = NULL, wrapped = NULL, destroyed_at = clock_timestamp()
    WHERE subject_id = $1
"""


@pytest.fixture
async def lived(
    known: None,  # noqa: ARG001  the directory knows everybody first
    live: Lives,
) -> Agreement:
    """A shadowing stint that is over, and whose people wrote a lot."""
    agreement = await live("shadowing", days=400)
    assert agreement.closed
    return agreement


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there are several pages of everything."""
    monkeypatch.setattr(lost, "PAGE", 2)


async def test_a_lost_key_is_named_with_what_is_sealed_under_it_until_it_is_back(
    sojourn: Sojourn, administrator: asyncpg.Connection, lived: Agreement
) -> None:
    """One key is lost: each version under it is named, and nothing else; put back, all is well."""
    subject = subject_in(lived.mentee_id, lived.agreement_id)
    await administrator.execute(LAY_ASIDE)
    await administrator.execute(LOSE, subject)
    told = await sojourn("verify", "--record-only", "--json")
    assert told.exit_code == ExitCode.REFUSED
    [found] = [Difference.model_validate(each) for each in json.loads(told.stdout)]
    assert (found.agreement_id, found.part) == (lived.agreement_id, "subject_key")
    assert found.where == f"{lived.mentee_id} in {lived.agreement_id} (version 1)"
    written = await administrator.fetch(
        "SELECT version FROM sojourn.event "
        "WHERE position('1/' || $1 || '/' in data::text) > 0 ORDER BY version",
        subject,
    )
    assert len(written) > 2
    versions = ", ".join(f"version {row['version']}" for row in written)
    assert found.problem.startswith("is missing, and ")
    assert found.problem.endswith(f"texts are sealed ({versions}) under it")
    assert "restore the schema sojourn_keys" in found.remedy
    alone = await sojourn("verify", "--record-only", "--agreement", lived.agreement_id)
    assert alone.exit_code == ExitCode.REFUSED
    await administrator.execute(PUT_BACK)
    assert (await sojourn("verify", "--record-only")).exit_code == ExitCode.OK


async def test_a_lost_key_of_the_directory_is_named(
    pool: Pool, administrator: asyncpg.Connection, lived: Agreement
) -> None:
    """Name and address of one person, by their id alone."""
    await administrator.execute(LOSE, lived.mentee_id)
    [found] = await verify(pool)
    assert (found.agreement_id, found.part, found.where) == (
        None,
        "subject_key",
        f"{lived.mentee_id} (version 1)",
    )
    assert f"directory {lived.mentee_id}" in found.problem


async def test_a_lost_key_of_a_reason_beside_the_stream_is_named(
    sojourn: Sojourn, pool: Pool, administrator: asyncpg.Connection, lived: Agreement
) -> None:
    """Why a closed agreement was opened is sealed in the log of rights, which is looked at too."""
    hr = lived.terms.hrbp
    asked = json.dumps({"request_id": "g1", "reason": "An inquiry."})
    opened = await sojourn("act", lived.agreement_id, "request_break_glass", "--as", hr, "--data", asked)
    assert opened.exit_code == ExitCode.OK, opened.stderr
    await administrator.execute(LOSE, subject_in(hr, lived.agreement_id))
    found = await verify(pool)
    assert {each.where for each in found} == {f"{hr} in {lived.agreement_id} (version 1)"}
    assert any("rights_event position 1" in each.problem for each in found)


async def test_a_key_that_was_made_anew_over_a_lost_one_is_named(
    pool: Pool, administrator: asyncpg.Connection, encryption: FieldEncryption, lived: Agreement
) -> None:
    """Whoever writes next for the same person makes a key of the same name, which opens nothing of before."""
    subject = subject_in(lived.mentee_id, lived.agreement_id)
    await administrator.execute(LOSE, subject)
    assert encryption.keys is not None
    await encryption.keys.for_encryption(["another"])
    await administrator.execute(
        "INSERT INTO sojourn_keys.subject_key (subject_id, version, key_id, wrapped, created_at) "
        "SELECT $1, 1, key_id, wrapped, clock_timestamp() + $2::interval "
        "FROM sojourn_keys.subject_key WHERE subject_id = 'another'",
        subject,
        timedelta(hours=1),
    )
    [found] = await verify(pool)
    assert found.where == f"{lived.mentee_id} in {lived.agreement_id} (version 1)"
    assert "was made anew at" in found.problem
    assert "Keep both" in found.remedy


async def test_a_key_that_somebody_marked_as_destroyed_by_hand_is_named(
    pool: Pool, administrator: asyncpg.Connection, lived: Agreement
) -> None:
    """It reads as an erasure everywhere else, and nothing noted accounts for it."""
    await administrator.execute(BY_HAND, lived.mentee_id)
    await administrator.execute(BY_HAND, subject_in(lived.mentee_id, lived.agreement_id))
    found = await verify(pool)
    assert [each.where for each in found] == [
        f"{lived.mentee_id} (version 1)",
        f"{lived.mentee_id} in {lived.agreement_id} (version 1)",
    ]
    for each in found:
        assert "no erasure and no expiry is noted that did it" in each.problem
        assert "restore the schema sojourn_keys" in each.remedy


@pytest.mark.usefixtures("settings")
async def test_an_erasure_that_was_cut_off_accounts_for_what_it_destroyed(
    pool: Pool,
    lived: Agreement,
    killed_at: Callable[..., Awaitable[None]],
    tmp_path: Path,
) -> None:
    """Killed right behind the destruction, before any receipt: what is gone is noted all the same."""
    run = ("erase", lived.mentee_id, *OPERATOR, "--yes", "--receipt", str(tmp_path / "receipt.json"))
    await killed_at("activities.data_rights.log:RightsLog.clear_directory", *run)
    assert [each.type for each in await RightsLog(pool).events(lived.mentee_id)] == ["keys.destroyed"]
    assert await verify(pool) == []


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize("names_whose", [True, False])
async def test_a_receipt_of_an_earlier_release_accounts_for_its_keys(
    pool: Pool, administrator: asyncpg.Connection, lived: Agreement, names_whose: bool
) -> None:
    """Receipts that earlier releases noted, with and without the person beside each key, are believed."""
    person = lived.mentee_id
    await administrator.execute(BY_HAND, person)
    whose: dict[str, JsonValue] = {"person_id": person, "agreement_id": None} if names_whose else {}
    receipt: JsonValue = {"person_id": person, "keys_destroyed": [{**whose, "version": 1}]}
    await RightsLog(pool).note(person, "person.erased", "P-9001", {"receipt": receipt})
    assert await verify(pool) == []
    await administrator.execute(BY_HAND, subject_in(person, lived.agreement_id))
    [found] = await verify(pool)
    assert found.where == f"{person} in {lived.agreement_id} (version 1)"
