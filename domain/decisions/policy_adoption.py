"""Which policy an agreement may move to: one that is known, is another one, and does not go back."""

from __future__ import annotations

from domain.agreement.commands.operations import AdoptPolicy
from domain.agreement.state import Agreement
from domain.kernel.errors import RefusalCode, Refused
from domain.policy.choice import chosen
from domain.policy.policy_set import KindPolicy


def policy_to_adopt(agreement: Agreement, command: AdoptPolicy) -> KindPolicy:
    """Return the policy that an agreement is to move to.

    Raises:
        Refused: There is none such, or the agreement has it, or it would change what a version means.
    """
    policy = chosen(
        command.policy_set_id,
        command.version,
        command.policies,
        agreement.kind,
        code=RefusalCode.UNKNOWN_REFERENCE,
        field="policy_set_id",
    )
    carried = agreement.policy
    if policy == carried:
        raise Refused(
            RefusalCode.NO_CHANGE, f"It follows {command.policy_set_id} version {command.version} already."
        )
    if policy.policy_set_id == carried.policy_set_id and policy.version <= carried.version:
        held = f"{carried.policy_set_id} version {carried.version}"
        why = (
            f"the agreement carries {held} with other thresholds"
            if policy.version == carried.version
            else f"the agreement follows {held}, and a set never goes back"
        )
        raise Refused(
            RefusalCode.VERSION_MISMATCH,
            f"version: {why}; give these thresholds version {carried.version + 1} or higher.",
        )
    return policy
