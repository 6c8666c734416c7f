"""How a workflow says no: application errors whose type and details callers can rely on.

Any other error in workflow code is a defect. It fails the workflow task, which Temporal tries again until a
release mends it: nothing is lost and nothing ends, and the operators' view of task failures shows it.
"""

from __future__ import annotations

from collections.abc import Sequence

from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from domain.kernel.errors import RefusalCode, Refused
from workflows.contract import NOT_RECORDED, REFUSED, REQUEST_REFUSED


def refusal(refused: Refused) -> ApplicationError:
    """Return the error that refuses a command: its details are the rule's code and a sentence."""
    return ApplicationError(
        refused.sentence, str(refused.code), refused.sentence, type=REFUSED, non_retryable=True
    )


def reused(command_id: str) -> ApplicationError:
    """Return the refusal of a command whose id is known with other content."""
    return refusal(
        Refused(
            RefusalCode.COMMAND_REUSED,
            f"command_id {command_id} is known with other content; give the new command an id of its own.",
        )
    )


def request_refused(sentences: Sequence[str]) -> ApplicationError:
    """Return the error about a request that cannot become an agreement: each sentence names a field."""
    return ApplicationError("; ".join(sentences), *sentences, type=REQUEST_REFUSED, non_retryable=True)


def as_request_refused(error: ApplicationError) -> ApplicationError:
    """Say about the request what became of its proposal; other failures stay as they are."""
    if error.type != REFUSED:
        return error
    if error.details[0] == RefusalCode.COMMAND_REUSED:
        return request_refused(
            ["request_id: is known with other terms; give the new request an id of its own"]
        )
    return request_refused([f"the request: {error.message}"])


def not_recorded(command_id: str, reason: str) -> ApplicationError:
    """Return the error about a command that the record will not take, now or later."""
    sentence = f"{command_id} cannot be recorded: {reason}"
    return ApplicationError(sentence, "not_recorded", sentence, type=NOT_RECORDED, non_retryable=True)


def reason_of(error: ActivityError) -> str:
    """Return what went wrong in an activity, in its own words."""
    cause = error.cause
    return cause.message if isinstance(cause, FailureError) else str(cause or error)
