"""Rewrite read models that are not as the log has them, while everybody goes on working."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from activities.integrity.rebuild import Rebuilt, rebuild_read_models
from activities.integrity.snapshots import count_agreements
from application.container import Container
from application.identity.principal import Principal, require_machine
from application.progress import NO_PROGRESS, Progress


async def rebuild(
    container: Container,
    principal: Principal,
    agreement_ids: Sequence[str] = (),
    *,
    after: str = "",
    progress: Progress = NO_PROGRESS,
) -> AsyncGenerator[Rebuilt]:
    """Rebuild agreement by agreement, each in its own transaction, and yield what became of each.

    Args:
        container: What it takes; as the role that owns the schema.
        principal: Whoever has a machine of the installation.
        agreement_ids: Only these; empty for all.
        after: Only agreements behind this id: where one was broken off.
        progress: Told of each agreement that was looked at.

    Raises:
        NotPermittedError: The principal has no machine of the installation.
        UnknownAgreementError: The record has nothing about one of these ids.
    """
    require_machine(principal)
    pool = await container.owner_pool()
    progress.start(len(agreement_ids) or await count_agreements(pool))
    async for each in rebuild_read_models(pool, agreement_ids=list(agreement_ids) or None, after=after):
        progress.advance()
        yield each
