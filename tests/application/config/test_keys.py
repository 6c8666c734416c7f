"""Which keys a process uses: those set, those of its embedded stack, or none by an explicit choice only."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from activities.keys.ring import KeysError
from activities.keys.sources import create_key_file
from application.config.keys import key_file_of, key_ring, keyed_digest, with_keys_of_its_own
from application.settings import SettingsError, load_settings
from deploy.embedded import Stack
from domain.kernel.digests import digest_of


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes away the keys that all other tests are given."""
    monkeypatch.delenv("SOJOURN_KEYS")


def test_no_keys_is_never_a_silent_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key source a process says how to get keys; to do without is a setting of its own."""
    with pytest.raises(SettingsError, match=r"sojourn keys create FILE.*SOJOURN_WITHOUT_KEYS=true"):
        key_ring(load_settings())
    monkeypatch.setenv("SOJOURN_WITHOUT_KEYS", "true")
    assert key_ring(load_settings()) is None


def test_the_file_that_is_set_is_used(tmp_path: Path) -> None:
    """And one that is not there is an error, not an invitation to do without."""
    path = tmp_path / "keys.json"
    created = create_key_file(path)
    ring = key_ring(load_settings(key_file=path))
    assert ring is not None
    assert ring.primary_id == created.primary
    with pytest.raises(KeysError, match="cannot be read"):
        key_ring(load_settings(key_file=tmp_path / "nowhere.json"))


@pytest.mark.parametrize("given", [{"key_file": "a"}, {"without_keys": True}])
def test_two_answers_to_which_keys_are_refused(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, object]
) -> None:
    """A file beside a text, or keys beside the choice to do without: one of them is a mistake."""
    monkeypatch.setenv("SOJOURN_KEYS", "a:b")
    with pytest.raises(SettingsError, match=r"not both|take one of them away"):
        load_settings(**given)


def test_what_is_written_is_recognised_by_nothing_that_a_guess_would_confirm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ids that Temporal shows follow from the content for whoever has the keys, and for nobody else."""
    monkeypatch.setenv("SOJOURN_KEYS", f"a:{base64.b64encode(bytes(32)).decode()}")
    known = keyed_digest({"reason": "Parental leave."})
    assert known == keyed_digest({"reason": "Parental leave."}) != keyed_digest({"reason": "Holiday."})
    assert known != digest_of({"reason": "Parental leave."})
    monkeypatch.setenv("SOJOURN_KEYS", f"a:{base64.b64encode(bytes([1] * 32)).decode()}")
    assert known != keyed_digest({"reason": "Parental leave."})


async def test_a_stack_makes_its_keys_and_others_find_them(data_folder: Path) -> None:
    """An embedded stack needs no key management; a process on another database is not given its keys."""
    async with Stack(data_folder, headless=True, durable=False) as _:
        settings = load_settings(data=data_folder)
        own = key_ring(with_keys_of_its_own(settings, data_folder))
        found = key_ring(settings)
        assert own is not None
        assert found is not None
        assert found.fingerprint(found.primary_id) == own.fingerprint(own.primary_id)
        assert stat.S_IMODE(key_file_of(data_folder).stat().st_mode) == 0o600
        with pytest.raises(SettingsError):
            key_ring(load_settings(data=data_folder, database_url="postgresql://elsewhere/sojourn"))
