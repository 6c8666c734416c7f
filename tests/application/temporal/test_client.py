"""The way to Temporal is found, or the error says how to show it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from application.settings import load_settings
from application.temporal.client import NoTemporalError, connect, data_converter
from deploy.embedded import EmbeddedTemporal, Stack
from deploy.embedded.processes import free_port


class _Note(BaseModel):
    text: str


async def test_environment_names_the_server(
    temporal: EmbeddedTemporal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE are obeyed."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal.address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "elsewhere")
    client = await connect(load_settings())
    assert client.service_client.config.target_host == temporal.address
    assert client.namespace == "elsewhere"


async def test_profile_names_the_server(
    temporal: EmbeddedTemporal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A temporal.toml is obeyed."""
    profile = tmp_path / "temporal.toml"
    profile.write_text(f'[profile.default]\naddress = "{temporal.address}"\nnamespace = "filed"\n')
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(profile))
    client = await connect(load_settings())
    assert client.namespace == "filed"


async def test_running_stack_is_used(data_folder: Path) -> None:
    """Without any setting, commands connect to the running embedded stack."""
    async with Stack(data_folder, headless=True, durable=False) as stack:
        client = await connect(load_settings())
        assert client.service_client.config.target_host == stack.temporal.address


async def test_who_asks_is_not_told_by_the_name_of_their_machine(
    temporal: EmbeddedTemporal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Temporal keeps in clear which client gave a command: of it we say that it is ours, and nothing else."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal.address)
    one, other = await connect(load_settings()), await connect(load_settings())
    assert re.fullmatch(r"sojourn-[0-9a-f]{16}", one.identity)
    assert one.identity != other.identity


async def test_nothing_known_says_what_to_do(tmp_path: Path) -> None:
    """Without settings and stack, the error offers both ways."""
    with pytest.raises(NoTemporalError, match=r"sojourn up.*TEMPORAL_ADDRESS="):
        await connect(load_settings(data=tmp_path))


async def test_silent_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address at which nothing answers is in the error, with what to do."""
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("TEMPORAL_ADDRESS", address)
    with pytest.raises(NoTemporalError, match=rf"does not answer at {address}.*sojourn up"):
        await connect(load_settings())


async def test_failures_are_encoded_like_values() -> None:
    """What an error says travels as a payload, which a codec can encrypt, and comes back."""
    converter = data_converter(load_settings())
    failure = Failure()
    await converter.encode_failure(ApplicationError("what a person wrote", type="refused"), failure)
    assert b"what a person wrote" not in failure.message.encode()
    assert not failure.stack_trace
    decoded = await converter.decode_failure(failure)
    assert isinstance(decoded, ApplicationError)
    assert decoded.message == "what a person wrote"


async def test_models_travel_as_json() -> None:
    """Pydantic models go to Temporal and come back as themselves."""
    converter = data_converter(load_settings())
    payloads = await converter.encode([_Note(text="hello")])
    assert await converter.decode(payloads, [_Note]) == [_Note(text="hello")]
