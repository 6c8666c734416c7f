"""Commands of the agreement phase."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from domain.agreement.commands.base import BEFORE_THE_END, FORMING, HR, MANAGERS, PAIR, Command
from domain.kernel.model import Slug, Words, is_none
from domain.kernel.vocabulary import Phase, Role
from domain.policy.policy_set import PolicySet
from domain.terms import Terms

SIGNATORIES = PAIR | MANAGERS | {Role.HOST_EXPERT, Role.HRBP, Role.PROGRAMME_OWNER, Role.SPONSOR}


class ProposeAgreement(Command):
    """Begin the agreement of an approved placement. Given once, by starting the workflow."""

    given_by: ClassVar = frozenset({Role.SYSTEM})
    phases: ClassVar[frozenset[Phase]] = frozenset()
    example: ClassVar[dict[str, JsonValue]] = {}

    type: Literal["propose_agreement"] = "propose_agreement"
    agreement_id: str
    terms: Terms
    policies: PolicySet | None = Field(default=None, exclude_if=is_none)
    """The set that the terms name, where it is none that comes with the product."""


class SignAgreement(Command):
    """Sign the version of the terms in force and acknowledge its compliance checklist."""

    given_by: ClassVar = SIGNATORIES
    phases: ClassVar = BEFORE_THE_END
    example: ClassVar[dict[str, JsonValue]] = {"terms_version": 1, "acknowledged": ["confidentiality"]}

    type: Literal["sign_agreement"] = "sign_agreement"
    terms_version: int
    """The version that was read; another one in force refuses the signature."""
    acknowledged: tuple[Slug, ...] = ()
    """Ids of the checklist items; all of them have to be there."""


class DeclineAgreement(Command):
    """Refuse the terms. The agreement is closed as declined."""

    given_by: ClassVar = SIGNATORIES
    phases: ClassVar = FORMING
    example: ClassVar[dict[str, JsonValue]] = {"reason": "The release cannot be covered this quarter."}

    type: Literal["decline_agreement"] = "decline_agreement"
    reason: Words


class RequestChanges(Command):
    """Ask for other terms; the programme owner owes an answer, by amending them or settling the request."""

    given_by: ClassVar = SIGNATORIES
    phases: ClassVar = BEFORE_THE_END
    example: ClassVar[dict[str, JsonValue]] = {
        "fields": ["milestones"],
        "what": "The second milestone falls into the audit week; please move it by a fortnight.",
    }

    type: Literal["request_changes"] = "request_changes"
    fields: tuple[str, ...]
    """Which fields of the terms it is about."""
    what: Words


class AmendTerms(Command):
    """Put a new version of the terms in force; only the parties that a change affects sign again."""

    given_by: ClassVar = HR | {Role.MENTOR}
    phases: ClassVar = BEFORE_THE_END
    example: ClassVar[dict[str, JsonValue]] = {
        "terms": {"...": "the complete terms, as in a placement request with person ids"},
        "reason": "Milestone two moved out of the audit week.",
    }

    type: Literal["amend_terms"] = "amend_terms"
    terms: Terms
    reason: Words


class WithdrawAgreement(Command):
    """Take the placement back before it started."""

    given_by: ClassVar = HR | {Role.MENTEE, Role.LINE_MANAGER}
    phases: ClassVar = FORMING
    example: ClassVar[dict[str, JsonValue]] = {"reason": "The post was filled permanently."}

    type: Literal["withdraw_agreement"] = "withdraw_agreement"
    reason: Words
