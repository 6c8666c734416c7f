"""Which version a worker is, and on which one agreements begin."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.common import WorkerDeploymentVersion

from application.settings import Settings, SettingsError, load_settings
from application.temporal.versions import (
    VersionNotMadeCurrentError,
    build_of_this_code,
    current_version,
    make_current,
    version_of,
)
from workers.runtime.worker import hosting


@pytest.fixture
def settings(database: str) -> Settings:
    """A worker's settings, in a deployment that no other test uses."""
    return load_settings(database_url=database, task_queue=f"versions.{uuid.uuid4().hex[:8]}", build_id="one")


def test_a_version_is_told_by_the_task_queue_and_the_code_unless_it_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without settings it has a name that Temporal takes; with the usual variables it has theirs."""
    told = version_of(load_settings(task_queue="acme.placements"))
    assert told == WorkerDeploymentVersion("acme-placements", build_of_this_code())
    assert re.fullmatch(r"\d+\.\d+\.\d+-[0-9a-f]{12}", told.build_id)
    monkeypatch.setenv("TEMPORAL_DEPLOYMENT_NAME", "placements")
    monkeypatch.setenv("TEMPORAL_WORKER_BUILD_ID", "2026.47")
    assert version_of(load_settings()) == WorkerDeploymentVersion("placements", "2026.47")
    assert version_of(load_settings(build_id="given")).build_id == "given"


def test_a_name_that_temporal_refuses_is_refused_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the variable under which it is set."""
    monkeypatch.setenv("TEMPORAL_DEPLOYMENT_NAME", "acme.placements")
    with pytest.raises(SettingsError, match=r"TEMPORAL_DEPLOYMENT_NAME: .*TEMPORAL_DEPLOYMENT_NAME=sojourn"):
        load_settings()


async def test_the_first_version_is_current_and_a_later_one_when_it_is_told_to(
    client: Client, settings: Settings
) -> None:
    """A new server needs no preparation, and a second version takes nothing over by being started."""
    first = version_of(settings)
    assert await current_version(client, first.deployment_name) is None
    later = settings.model_copy(update={"build_id": "two"})
    async with hosting(settings, client):
        assert await current_version(client, first.deployment_name) == first
        async with hosting(later, client):
            assert await current_version(client, first.deployment_name) == first
        async with hosting(later, client, takes_over=True):
            assert await current_version(client, first.deployment_name) == version_of(later)


async def test_a_version_without_workers_does_not_become_current(client: Client, settings: Settings) -> None:
    """Agreements are not sent where nobody serves them; the sentence says what to do."""
    async with hosting(settings, client):
        nobodys = WorkerDeploymentVersion(version_of(settings).deployment_name, "nobodys")
        with pytest.raises(VersionNotMadeCurrentError, match="Start a worker of it"):
            await make_current(client, nobodys, patience=timedelta(0))
        assert await current_version(client, nobodys.deployment_name) == version_of(settings)
