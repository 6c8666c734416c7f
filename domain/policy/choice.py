"""Which policy set a request or a command means: one that the product knows, or one sent along as data.

A workflow reads no files. Whoever sends a request or a command under a set of their own sends the set with
it, and from then on the agreement carries its thresholds.
"""

from __future__ import annotations

from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.vocabulary import Kind, ObligationKind
from domain.policy.policy_set import DEFAULT, POLICY_SETS, KindPolicy, PolicySet
from domain.policy.validation import senseless_for


def chosen(
    policy_set_id: str, version: int, sent: PolicySet | None, kind: Kind, *, code: RefusalCode, field: str
) -> KindPolicy:
    """Return the thresholds of one kind under the set that is meant.

    Args:
        policy_set_id: The set that is named.
        version: Its version.
        sent: The set as data, where it came along.
        kind: Of placement.
        code: With which to refuse.
        field: What the refusal is about: where the set is named.

    Raises:
        Refused: There is no such set, or what was sent is another one, or none that can be lived by.
    """
    named = f"{policy_set_id} version {version}"
    if sent is None:
        found = POLICY_SETS.get((policy_set_id, version))
        if found is None:
            known = ", ".join(f"{name} version {number}" for name, number in POLICY_SETS)
            raise Refused(
                code,
                f"{field}: there is no {named}; there is {known}. A set of your own has to be sent along as "
                "`policies`, as `sojourn` does for those that SOJOURN_POLICY_FILES names.",
            )
        return found.kinds[kind]
    if (sent.policy_set_id, sent.version) != (policy_set_id, version):
        raise Refused(
            code, f"policies: is {sent.policy_set_id} version {sent.version}, and {field} names {named}."
        )
    if (policy_set_id, version) == (DEFAULT.policy_set_id, DEFAULT.version) and sent != DEFAULT:
        raise Refused(code, f"policies: {named} is fixed; give other thresholds a version of their own.")
    policy = sent.kinds.get(kind)
    if policy is None or ObligationKind.FORCED_CHOICE not in policy.allowances:
        raise Refused(code, f"policies: lacks thresholds of a {kind}; `sojourn policy check` says which.")
    if (policy.policy_set_id, policy.version) != (policy_set_id, version):
        raise Refused(code, f"policies: what it has for a {kind} is not of {named}.")
    problem = next(senseless_for(kind, policy), None)
    if problem is not None:
        raise Refused(code, f"policies.{problem.field}: {problem.sentence}.")
    return policy
