"""Verify that the record is as it was written, its read models as it has them, every workflow where it is.

No keys are needed: hashes are taken over the text as it is stored, and states are folded without what people
wrote. That every key is there which something is sealed under is looked at as well, for a lost one must not
pass for an erasure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import asyncpg
from temporalio.client import Client

from activities.integrity.findings import Difference, StoredAgreement, differences_of
from activities.integrity.lost_keys import KeyUsage, unaccounted_keys
from activities.integrity.returned_keys import returned_keys
from activities.integrity.rights_chain import rights_differences
from activities.integrity.snapshots import (
    all_stored_agreements,
    count_agreements,
    epoch_differences,
    stored_agreements_of,
    tally_differences,
)
from activities.postgres.pool import translated_errors
from application.container import Container
from application.identity.principal import Principal, require_machine
from application.operations.workflow_state import workflow_differences
from application.progress import NO_PROGRESS, Progress
from deploy.privileges import may_edit_the_log
from workflows.contract import TASK_QUEUE

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Looked = Callable[[StoredAgreement], object]
"""Told of each agreement that was looked at."""


def _nobody(_: StoredAgreement) -> None:
    """Keep no count."""


class Verified(NamedTuple):
    """What a verification found."""

    differences: list[Difference]
    """Each with what to do about it; empty where there is none."""
    agreements: int
    """How many were looked at."""
    role_may_edit_the_log: bool
    """Whether the database role that looked could change what is written once."""


async def verify_installation(
    container: Container,
    principal: Principal,
    agreement_ids: Sequence[str] = (),
    *,
    record_only: bool = False,
    progress: Progress = NO_PROGRESS,
) -> Verified:
    """Recompute every hash chain, fold every stream, and compare read models and running workflows.

    Args:
        container: What it takes.
        principal: Whoever has a machine of the installation.
        agreement_ids: Only these; empty for all.
        record_only: Leave workflows out.
        progress: Told of each agreement that was looked at.

    Raises:
        NotPermittedError: The principal has no machine of the installation.
        UnknownAgreementError: As `verify`; DatabaseUnavailableError, DatabaseRefusedError, RPCError likewise.
    """
    require_machine(principal)
    pool = await container.pool()
    with translated_errors("may_edit_the_log"):
        async with pool.acquire() as connection:
            could_edit = await may_edit_the_log(connection)
    client = None if record_only else await container.temporal()
    total = len(agreement_ids) or await count_agreements(pool)
    progress.start(total)
    found = await verify(
        pool,
        client,
        task_queue=container.settings.task_queue,
        agreement_ids=list(agreement_ids) or None,
        looked=lambda _: progress.advance(),
    )
    return Verified(found, total, could_edit)


async def verify(
    pool: Pool,
    client: Client | None = None,
    *,
    task_queue: str = TASK_QUEUE,
    agreement_ids: Sequence[str] | None = None,
    looked: Looked = _nobody,
) -> list[Difference]:
    """Return every place where chains, read models, notices or workflows differ from what the log says.

    Args:
        pool: Connections to the record.
        client: The way to Temporal; None leaves workflows out.
        task_queue: The one whose workflows belong to this record.
        agreement_ids: Only these; None for all.
        looked: Called for each agreement in the record.

    Returns:
        Each difference with what to do about it; empty where there is none.

    Raises:
        UnknownAgreementError: The record has nothing about one of these ids.
        DatabaseUnavailableError: PostgreSQL went away.
        DatabaseRefusedError: It refuses to be read.
        RPCError: Temporal refuses to be asked.
    """
    found: list[Difference] = []
    sealed = KeyUsage(pool)
    several = (
        all_stored_agreements(pool) if agreement_ids is None else stored_agreements_of(pool, agreement_ids)
    )
    async for kept in several:
        found.extend(differences_of(kept))
        found.extend(await sealed.look(kept))
        looked(kept)
    found.extend(await sealed.rest())
    if agreement_ids is None:
        found.extend(await tally_differences(pool))
        found.extend(await epoch_differences(pool))
        found.extend(await rights_differences(pool))
        found.extend(await returned_keys(pool))
        found.extend([each async for each in sealed.look_beside()])
        found.extend([each async for each in unaccounted_keys(pool)])
    if client is not None:
        about_workflows = workflow_differences(pool, client, task_queue, agreement_ids)
        found.extend([each async for each in about_workflows])
    return found
