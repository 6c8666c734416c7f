"""Where Prometheus finds a process: right addresses are listened at, wrong ones name their setting."""

from __future__ import annotations

import asyncio
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from application.settings import SettingsError, load_settings
from deploy.embedded.processes import free_port
from workers.runtime.metrics_endpoints import sdk_runtime, serving_metrics


@pytest.fixture
def taken() -> Iterator[str]:
    """An address at which somebody else listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def get(address: str) -> str:
    """One scrape."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        return answer.read().decode()


async def test_figures_are_offered_while_they_are_served(database: str) -> None:
    """The address answers with the record's figures and the process's memory, and is free afterwards."""
    address = f"127.0.0.1:{free_port()}"
    settings = load_settings(database_url=database, metrics_address=address)
    for _ in range(2):
        with serving_metrics(settings):
            families = {
                family.name: family
                for family in text_string_to_metric_families(await asyncio.to_thread(get, address))
            }
        assert families["sojourn_record_up"].samples[0].value == 1
        assert families["process_resident_memory_bytes"].samples[0].value > 1_000_000
        with pytest.raises(urllib.error.URLError):
            await asyncio.to_thread(get, address)


async def test_a_worker_that_is_busy_answers_scrapes(database: str) -> None:
    """Figures come from a thread of their own: an event loop that is stuck cannot hide what is stalled."""
    address = f"127.0.0.1:{free_port()}"
    with serving_metrics(load_settings(database_url=database, metrics_address=address)):
        # Called in the event loop itself, which therefore runs nothing else meanwhile.
        assert "sojourn_record_up 1.0" in get(address)


def test_nothing_is_offered_unasked() -> None:
    """Without an address no port is opened, no database looked for, and the SDK measures nothing."""
    settings = load_settings()
    with serving_metrics(settings):
        pass
    assert sdk_runtime(settings) is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "0.0.0.0"])  # noqa: S104  a test of that
def test_the_sdk_is_given_addresses_that_it_understands(host: str) -> None:
    """It resolves no names itself; a host by name is as good as one by number."""
    port = free_port()
    runtime = sdk_runtime(load_settings(sdk_metrics_address=f"{host}:{port}"))
    assert runtime is not None
    assert get(f"127.0.0.1:{port}") is not None


def test_an_address_in_use_names_its_setting(taken: str) -> None:
    """Two workers on one machine: the second says which variable wants another port."""
    settings = load_settings(
        database_url="postgresql://db/sojourn", metrics_address=taken, sdk_metrics_address="localhost:1"
    )
    with (
        pytest.raises(SettingsError, match=rf"SOJOURN_METRICS_ADDRESS: .*{taken} .*in use.* a port"),
        serving_metrics(settings),
    ):
        pass
    with pytest.raises(SettingsError, match=rf"SOJOURN_SDK_METRICS_ADDRESS: .*{taken} .*in use.* a port"):
        sdk_runtime(load_settings(sdk_metrics_address=taken))


@pytest.mark.parametrize("address", ["nowhere.invalid:9464", "192.0.2.1:9464"])
def test_an_address_that_is_not_ours_is_refused(address: str) -> None:
    """A name that does not resolve, another machine's address: told at start."""
    settings = load_settings(
        database_url="postgresql://db/sojourn", metrics_address=address, sdk_metrics_address="localhost:1"
    )
    with pytest.raises(SettingsError, match="SOJOURN_METRICS_ADDRESS: metrics cannot be offered at"):
        serving_metrics(settings).__enter__()
    with pytest.raises(SettingsError, match="SOJOURN_SDK_METRICS_ADDRESS: metrics cannot be offered at"):
        sdk_runtime(load_settings(sdk_metrics_address=address))


def test_both_at_one_address_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are two servers: the settings say so before either starts."""
    monkeypatch.setenv("SOJOURN_METRICS_ADDRESS", "127.0.0.1:9464")
    monkeypatch.setenv("SOJOURN_SDK_METRICS_ADDRESS", "127.0.0.1:9464")
    with pytest.raises(SettingsError, match="are the same: give each a port of its own"):
        load_settings()
