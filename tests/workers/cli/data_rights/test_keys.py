"""Keys from the command line: made, rotated and shown without ever being shown."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from typer.testing import Result

from activities.directory.people import Directory
from activities.keys.ring import KeysError
from application.config.keys import checked_encryption_of, encryption_of
from application.settings import load_settings
from domain.kernel.person import Person
from workers.terminal.failures import ExitCode

Sojourn = Callable[..., Awaitable[Result]]
ADA = Person(person_id="p-ada", name="Ada Lovelace", time_zone="UTC", holiday_calendar="GB")


@pytest.fixture
def key_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file in which this test's keys are to be, instead of the keys of all tests."""
    monkeypatch.delenv("SOJOURN_KEYS")
    path = tmp_path / "keys.json"
    monkeypatch.setenv("SOJOURN_KEY_FILE", str(path))
    return path


async def test_keys_are_made_rotated_and_rewrapped(
    sojourn: Sojourn, pool: asyncpg.Pool[asyncpg.Record], key_file: Path
) -> None:
    """After rotation and rewrap the old key wraps nothing, what it sealed is still read, no key was shown."""
    created = await sojourn("keys", "create", str(key_file), "--id", "first")
    assert created.exit_code == ExitCode.OK, created.stderr
    assert _mode(key_file) == 0o600
    await Directory(pool, encryption_of(load_settings(), pool)).upsert([ADA])
    rotated = await sojourn("keys", "rotate", "--id", "second", "--json")
    assert json.loads(rotated.stdout)["others"] == ["first"]
    rewrapped = await sojourn("keys", "rewrap", "--json")
    assert json.loads(rewrapped.stdout) == {"primary": "second", "rewrapped": 1}
    shown = await sojourn("keys", "show", "--json")
    assert [(key["id"], key["state"], key["wraps"]) for key in json.loads(shown.stdout)] == [
        ("second", "primary", 1),
        ("first", "old", 0),
    ]
    assert await Directory(pool, encryption_of(load_settings(), pool)).get(["p-ada"]) == {"p-ada": ADA}
    said = (
        created.output
        + rotated.output
        + rewrapped.output
        + shown.output
        + (await sojourn("keys", "show")).output
    )
    assert [each for each in _materials(key_file) if each in said] == []


async def test_a_second_create_destroys_nothing(sojourn: Sojourn, key_file: Path) -> None:
    """The command refuses to write over keys that somebody's words are under."""
    await sojourn("keys", "create", str(key_file))
    before = _materials(key_file)
    again = await sojourn("keys", "create", str(key_file))
    assert again.exit_code == ExitCode.USAGE
    assert "sojourn keys rotate" in again.stderr
    assert _materials(key_file) == before


async def test_a_missing_key_is_listed_and_no_process_starts_to_write_beside_it(
    sojourn: Sojourn,
    pool: asyncpg.Pool[asyncpg.Record],
    key_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Which key an operator has to look for is told by name, before anything else goes wrong."""
    await sojourn("keys", "create", str(key_file), "--id", "lost")
    await Directory(pool, encryption_of(load_settings(), pool)).upsert([ADA])
    other = tmp_path / "other.json"
    await sojourn("keys", "create", str(other), "--id", "other")
    monkeypatch.setenv("SOJOURN_KEY_FILE", str(other))
    shown = await sojourn("keys", "show")
    assert shown.exit_code == ExitCode.REFUSED
    assert "missing" in shown.stdout
    assert "The database needs lost" in shown.stderr
    with pytest.raises(KeysError, match="lost"):
        await checked_encryption_of(load_settings(), pool)


async def test_another_key_of_the_same_name_is_told_from_the_right_one(
    sojourn: Sojourn, monkeypatch: pytest.MonkeyPatch, pool: asyncpg.Pool[asyncpg.Record]
) -> None:
    """A ring that has the id and not the key is called wrong, says what to do, and that nothing is erased."""
    await Directory(pool, encryption_of(load_settings(), pool)).upsert([ADA])
    assert (await sojourn("keys", "show")).exit_code == ExitCode.OK
    monkeypatch.setenv("SOJOURN_KEYS", f"of-the-tests:{base64.b64encode(bytes(32)).decode()}")
    shown = await sojourn("keys", "show", "--json")
    assert shown.exit_code == ExitCode.REFUSED
    assert [each["state"] for each in json.loads(shown.stdout)] == ["wrong"]
    assert "Nothing was erased: put the right key back" in shown.stderr


async def test_a_worker_without_keys_says_how_to_get_some(
    sojourn: Sojourn, monkeypatch: pytest.MonkeyPatch, pool: asyncpg.Pool[asyncpg.Record]
) -> None:
    """Running in clear is a choice that somebody makes, and none on a database that holds sealed words."""
    await Directory(pool, encryption_of(load_settings(), pool)).upsert([ADA])
    monkeypatch.delenv("SOJOURN_KEYS")
    assert (await sojourn("keys", "show")).exit_code == ExitCode.USAGE
    rotated = await sojourn("keys", "rotate")
    assert rotated.exit_code == ExitCode.USAGE
    assert "SOJOURN_KEY_FILE" in rotated.stderr
    monkeypatch.setenv("SOJOURN_WITHOUT_KEYS", "true")
    with pytest.raises(KeysError, match="holds sealed words"):
        await checked_encryption_of(load_settings(), pool)


async def test_people_are_never_written_in_clear_for_want_of_a_setting(
    sojourn: Sojourn, monkeypatch: pytest.MonkeyPatch, pool: asyncpg.Pool[asyncpg.Record]
) -> None:
    """A command that would write names refuses, and says what to set."""
    monkeypatch.delenv("SOJOURN_KEYS")
    refused = await sojourn("people", "-", given=ADA.model_dump_json())
    assert refused.exit_code == ExitCode.USAGE
    assert "sojourn keys create" in refused.stderr
    assert await pool.fetchval("SELECT count(*) FROM sojourn.person") == 0


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _materials(path: Path) -> list[str]:
    return [key["material"] for key in json.loads(path.read_text())["keys"]]
