"""What callers of the workflows rely on: type names, ids, inputs, receipts, errors, task queue.

HR tooling in any language starts an agreement by these names; a test holds them still.

What a workflow trusts: whoever may talk to this Temporal namespace. Encryption keeps others from reading;
it does not keep them from sending, for a payload in clear is taken too, so access to Temporal has to be
kept to workers and to tooling that knows who is asking. Of the product that is `application` alone: it
established who the actor is and, before it sent `acting_as: operator`, that the directory has them as an
operator (`application.commands.authorization`). A workflow can look neither up, and nothing in a payload
could prove it. So no front door sends an update by itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, JsonValue

from domain.agreement.commands import Command
from domain.kernel.model import Frozen, is_none
from domain.kernel.vocabulary import Kind, Role
from domain.policy.policy_set import PolicySet
from domain.terms import Terms

TASK_QUEUE = "sojourn"
"""The task queue of workflows and activities, unless settings name another."""

WORKFLOW_TYPES: Mapping[Kind, str] = {
    Kind.SECONDMENT: "SecondmentWorkflow",
    Kind.SHADOWING: "ShadowingWorkflow",
    Kind.ROTATION: "RotationWorkflow",
}
"""Workflow type per kind of placement."""

STATUS_QUERY = "status"
"""Answers with a StatusView; with null while a run that has just begun reads the record, so ask again."""
OBLIGATIONS_QUERY = "obligations"
"""Answers with the open obligations, the one due first in front; with null as `status` does."""
CONFIRM_UPDATE = "confirm_placement"
"""Answers with a Receipt once the proposal is in the record."""
NUDGE_SIGNAL = "nudge"
"""Does nothing but wake the workflow, so that it notices a new worker version."""

REFUSED = "Refused"
"""Type of the error by which a command is refused. Its details are a code and a sentence."""
REQUEST_REFUSED = "RequestRefused"
"""Type of the error by which a workflow fails that cannot begin. Its details: a sentence for each field."""
NOT_RECORDED = "NotRecorded"
"""Type of the error about a command that the record will not take. Its details are a code and a sentence."""
CONTENDED = "Contended"
"""Type of the error about a command that other writers kept from being decided: send it again."""
HANDING_OVER = "HandingOver"
"""Type of the error about a command that came while one run hands over to the next: send it again."""


class AgreementInput(Frozen):
    """What a workflow is started with: a new request, or the id of an agreement to resume from its record."""

    schema_version: int = 1
    terms: dict[str, JsonValue] | None = None
    """The terms, people by id only. Checked by the workflow, which fails naming each field."""
    agreement_id: str | None = None
    """Set instead of terms to resume: the stream is loaded and folded."""
    policies: PolicySet | None = Field(default=None, exclude_if=is_none)
    """Beside terms: the policy set that they name, where it is none that comes with the product."""


class Receipt(Frozen):
    """What an accepted command led to."""

    agreement_id: str
    command_id: str
    version: int
    """The stream's version after the command."""
    event_types: tuple[str, ...]
    """In order; empty where the command changed nothing."""


def is_established_operator(command: Command) -> bool:
    """Tell whether the sender of an update has established that its actor is an operator.

    On its way to a workflow `acting_as: operator` is that statement: see above what a workflow trusts. Nobody
    else may read it so; about a command from anywhere else ask `application.commands.authorization`.
    """
    return command.acting_as is Role.OPERATOR


def agreement_id_of(terms: Terms) -> str:
    """Return the id of the agreement that a request leads to, which is its workflow id too.

    The tenant and the request's own id: the same request again is the same workflow, and another kind under
    the same request id is refused by Temporal itself.
    """
    return f"{terms.tenant}.{terms.request_id}"


def proposal_of(agreement_id: str) -> str:
    """Return the id of the command by which an agreement was proposed."""
    return f"propose/{agreement_id}"
