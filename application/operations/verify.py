"""Whether the record is as it was written, its read models as it has them, and every workflow where it is.

No keys are needed: hashes are taken over the text as it is stored, and states are folded without what people
wrote. That every key is there which something is sealed under is looked at as well, for a lost one must not
pass for an erasure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import asyncpg
from temporalio.client import Client

from activities.integrity.findings import Difference, StoredAgreement, differences_of
from activities.integrity.lost_keys import KeyUsage, unaccounted_keys
from activities.integrity.returned_keys import returned_keys
from activities.integrity.rights_chain import rights_differences
from activities.integrity.snapshots import (
    all_stored_agreements,
    epoch_differences,
    stored_agreements_of,
    tally_differences,
)
from application.operations.workflow_state import workflow_differences
from workflows.contract import TASK_QUEUE

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Looked = Callable[[StoredAgreement], object]
"""Told of each agreement that was looked at."""


def _nobody(_: StoredAgreement) -> None:
    """Keeps no count."""


async def verify(
    pool: Pool,
    client: Client | None = None,
    *,
    task_queue: str = TASK_QUEUE,
    agreement_ids: Sequence[str] | None = None,
    looked: Looked = _nobody,
) -> list[Difference]:
    """Every place where chains, read models, notices or workflows differ from what the log says.

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
