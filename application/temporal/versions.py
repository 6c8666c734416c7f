"""Which version of the code a worker is, and which version agreements begin on.

Workers are versioned: Temporal keeps a run on the version that began it, and an agreement moves to the
current version when it continues as new. There are no unversioned workers, and a new server needs no
preparation: the first worker of a deployment makes its own version the current one.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import re
from datetime import timedelta
from functools import cache
from pathlib import Path

from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.client import Client
from temporalio.common import WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode

import workflows
from application.settings import Settings
from application.temporal.replayed_code import digest_of_replayed_code

_DIGITS = 12
PATIENCE = timedelta(seconds=30)
"""How long a version may take to be known to Temporal, unless told otherwise."""

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
_PAUSE_SECONDS = 0.05
_NOT_YET = frozenset(
    {
        # Its pollers have not reached the server yet.
        RPCStatusCode.FAILED_PRECONDITION,
        RPCStatusCode.NOT_FOUND,
        # Somebody else is changing the same deployment.
        RPCStatusCode.ABORTED,
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.DEADLINE_EXCEEDED,
    }
)


class VersionNotMadeCurrentError(RuntimeError):
    """Temporal does not let new agreements begin on a version; the text says why and what to do."""


def version_of(settings: Settings) -> WorkerDeploymentVersion:
    """Return the version that workers with these settings are.

    Unless they are set, the deployment is called after the task queue, and the build is told by what is
    replayed: a release that changes nothing a history depends on is the same version.
    """
    deployment = settings.deployment_name or _NOT_IN_A_NAME.sub("-", settings.task_queue)
    return WorkerDeploymentVersion(deployment, settings.build_id or build_of_this_code())


@cache
def build_of_this_code() -> str:
    """Return the release's number and a digest of the code that histories are replayed by."""
    digest = digest_of_replayed_code(Path(workflows.__file__).parents[1])
    return f"{importlib.metadata.version('sojourn')}-{digest[:_DIGITS]}"


async def current_version(client: Client, deployment: str) -> WorkerDeploymentVersion | None:
    """Return the version of a deployment on which agreements begin; None where there is none yet.

    Raises:
        RPCError: Temporal cannot be asked.
    """
    current, _ = await _look_up(client, deployment)
    return current


async def make_current(
    client: Client, version: WorkerDeploymentVersion, *, instead: bool = True, patience: timedelta = PATIENCE
) -> bool:
    """Let agreements begin on a version from now on, and running ones move to it as they continue.

    Args:
        client: The way to Temporal.
        version: One that workers poll for, or are just beginning to.
        instead: Whether it takes the place of another version that is current.
        patience: How long to wait until Temporal knows a worker of it.

    Returns:
        Whether it is current now; False where another one stays.

    Raises:
        VersionNotMadeCurrentError: Temporal refuses it, or knows no worker of it.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience.total_seconds()
    while True:
        try:
            current, token = await _look_up(client, version.deployment_name)
            if current == version:
                return True
            if current is not None and not instead:
                return False
            await client.workflow_service.set_worker_deployment_current_version(
                SetWorkerDeploymentCurrentVersionRequest(
                    namespace=client.namespace,
                    deployment_name=version.deployment_name,
                    build_id=version.build_id,
                    conflict_token=token,
                    identity=client.identity,
                )
            )
        except RPCError as error:
            if error.status not in _NOT_YET or loop.time() > deadline:
                raise VersionNotMadeCurrentError(
                    f"{spelled(version)} did not become the current version: {error.message}. Start a worker "
                    "of it, or `sojourn settings` to see which one it is to be"
                ) from error
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            return True


def spelled(version: WorkerDeploymentVersion) -> str:
    """Spell a version as Temporal's search attributes and its UI do."""
    return f"{version.deployment_name}:{version.build_id}"


async def _look_up(client: Client, deployment: str) -> tuple[WorkerDeploymentVersion | None, bytes]:
    """Return the current version, and the token by which a change finds out that somebody was quicker."""
    request = DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=deployment)
    try:
        found = await client.workflow_service.describe_worker_deployment(request)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None, b""
        raise
    routing = found.worker_deployment_info.routing_config
    if not routing.HasField("current_deployment_version"):
        return None, found.conflict_token
    current = routing.current_deployment_version
    return WorkerDeploymentVersion(current.deployment_name, current.build_id), found.conflict_token
