"""Asking a running agreement for something, patiently: the same update id until there is an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.encryption.payload_codec import EncryptingCodec
from application.errors import NoAnswerError, NotRunningError, UpdateRefusedError
from domain.agreement.commands import Command
from domain.kernel.digests import digest_of_model
from workflows.contract import CONTENDED, HANDING_OVER, REFUSED, Receipt

PATIENCE = timedelta(seconds=60)
"""How long to keep asking before giving up, unless told otherwise."""

_ATTEMPT = timedelta(seconds=10)
_SHORTEST_ATTEMPT = timedelta(seconds=1)
_PAUSE = timedelta(seconds=0.5)
_TRY_AGAIN = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.ABORTED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.INTERNAL,
        RPCStatusCode.UNKNOWN,
        # The task that would have taken it failed, as one does that hands over just as news comes in.
        RPCStatusCode.FAILED_PRECONDITION,
    }
)
_ASK_AGAIN = frozenset(
    {
        # The run ended between accepting the update and finishing it; its successor knows what was recorded.
        "AcceptedUpdateCompletedWorkflow",
        HANDING_OVER,
        CONTENDED,
    }
)

Waiting = Callable[[timedelta], None]
"""Told, after each attempt without an answer, how long has been waited altogether."""


def update_id_of(client: Client, command: Command) -> str:
    """Return the id under which a command is sent.

    The server answers a known update id with its first answer, whatever the second one asks. With a digest
    of the content in it, the same command is still the same update, and another command under the same
    command id reaches the workflow, which refuses it. Temporal keeps these ids in clear, so the digest is
    taken under a key where there are keys.
    """
    digest, codec = digest_of_model(command), client.data_converter.payload_codec
    if isinstance(codec, EncryptingCodec):
        digest = codec.keys.recognised(digest)
    return f"{command.command_id}:{digest[:16]}"


async def send_update(
    client: Client,
    agreement_id: str,
    update: str,
    command: Command | None = None,
    *,
    update_id: str,
    patience: timedelta = PATIENCE,
    waiting: Waiting | None = None,
) -> Receipt:
    """Send an update until it is answered, always under the same id, so that it takes effect once.

    Args:
        client: The way to Temporal.
        agreement_id: Which workflow.
        update: Its name: that of a command, or `confirm_placement`.
        command: Its argument, where it has one.
        update_id: The same on every repeat; `update_id_of` a command.
        patience: How long to keep asking; at least one attempt is made.
        waiting: Told of attempts without an answer.

    Raises:
        UpdateRefusedError: A rule or the state of the agreement forbids it.
        NotRunningError: There is no such workflow, or it has ended.
        NoAnswerError: Nobody answered in time.
        RPCError: Temporal refuses the call itself, such as for want of permission.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    workflow = client.get_workflow_handle(agreement_id)

    async def send() -> Receipt:
        return await workflow.execute_update(  # pyright: ignore[reportUnknownMemberType]  one overload of theirs
            update,
            args=[] if command is None else [command],
            id=update_id,
            result_type=Receipt,
            rpc_timeout=_ATTEMPT,
        )

    while True:
        left = patience - timedelta(seconds=loop.time() - began)
        try:
            receipt = await _answer(send, agreement_id, max(min(_ATTEMPT, left), _SHORTEST_ATTEMPT))
        except NotRunningError:
            # What a run was asked before another was started in its place is told as if none were there.
            if not await _runs(workflow):
                raise
            receipt = None
        if receipt is not None:
            return receipt
        waited = timedelta(seconds=loop.time() - began)
        if waited + _PAUSE >= patience:
            raise NoAnswerError(
                f"{agreement_id} did not answer within {patience.total_seconds():g} seconds; it may still "
                "accept what was asked"
            )
        if waiting is not None:
            waiting(waited)
        await asyncio.sleep(_PAUSE.total_seconds())


async def _runs(workflow: WorkflowHandle[Any, Any]) -> bool:
    try:
        return (await workflow.describe()).status is WorkflowExecutionStatus.RUNNING
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise


async def _answer(
    send: Callable[[], Awaitable[Receipt]], agreement_id: str, limit: timedelta
) -> Receipt | None:
    """Return the answer to one attempt; None where there is none and another attempt may bring it."""
    try:
        # The SDK goes on polling for an outcome whatever its own timeout says, so the limit is ours.
        async with asyncio.timeout(limit.total_seconds()):
            return await send()
    except WorkflowUpdateFailedError as failed:
        _raise_unless_passing(failed)
    except RPCTimeoutOrCancelledError:
        raise_if_cancelled()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise NotRunningError(f"No workflow {agreement_id} is running.") from error
        if error.status not in _TRY_AGAIN:
            raise
    except TimeoutError:
        return None
    return None


def raise_if_cancelled() -> None:
    """Tell our being cancelled (Ctrl-C) from the SDK's own timeout, which it reports by the same error.

    Raises:
        asyncio.CancelledError: We are.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError from None


def _raise_unless_passing(failed: WorkflowUpdateFailedError) -> None:
    cause: BaseException | None = failed.cause
    if isinstance(cause, ActivityError):
        cause = cause.cause
    if not isinstance(cause, ApplicationError):
        raise UpdateRefusedError("failed", f"The workflow could not do it: {cause}") from failed
    if cause.type in _ASK_AGAIN:
        return
    if cause.type == REFUSED and cause.details:
        code, *sentences = (str(detail) for detail in cause.details)
        raise UpdateRefusedError(code, sentences[0] if sentences else cause.message) from failed
    raise UpdateRefusedError(cause.type or "failed", cause.message) from failed
