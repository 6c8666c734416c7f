"""Commands by which what is held up is dealt with."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue

from domain.agreement.commands.base import ACTIVE, EVERYBODY, HR, UNTIL_CLOSED, Command
from domain.kernel.model import Slug, Words, is_none
from domain.kernel.vocabulary import Role
from domain.ledger.notice import MOST_NOTICES_AT_ONCE, NoticeId
from domain.ledger.obligation import ObligationId
from domain.policy.policy_set import PolicySet


class WaiveObligation(Command):
    """Give up what somebody owes, with a reason."""

    given_by: ClassVar = HR
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {
        "obligation_id": "feedback:milestone:supplier-map",
        "reason": "Given in person; the verifier is on sick leave.",
    }

    type: Literal["waive_obligation"] = "waive_obligation"
    obligation_id: ObligationId
    reason: Words


class NudgeObligation(Command):
    """Remind the owner of an open obligation now. An obligation is nudged four times at most."""

    given_by: ClassVar = HR | {Role.MENTOR}
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {"obligation_id": "milestone:supplier-map"}

    type: Literal["nudge_obligation"] = "nudge_obligation"
    obligation_id: ObligationId


class ResendNotices(Command):
    """Try notices again that were given up. What became needless meanwhile is still not sent."""

    given_by: ClassVar = HR
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {
        "notice_ids": [
            "01a3be71-6710-78e0-96a8-2b5b0e2f8afe:reminder:milestone:supplier-map:P-1042",
        ],
        "reason": "The mail server takes mail again.",
    }

    type: Literal["resend_notices"] = "resend_notices"
    notice_ids: Annotated[tuple[NoticeId, ...], Field(min_length=1, max_length=MOST_NOTICES_AT_ONCE)]
    """As `sojourn notices --failed` gives them; those that were not given up stay as they are."""
    reason: Words


class AcknowledgeObligation(Command):
    """Say that one knows what one owes, and by when it comes. The climb stops; the clock does not."""

    given_by: ClassVar = EVERYBODY
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {
        "obligation_id": "milestone:supplier-map",
        "plan": "The last three suppliers answer on Thursday; it comes on Friday.",
    }

    type: Literal["acknowledge_obligation"] = "acknowledge_obligation"
    obligation_id: ObligationId
    plan: Words


class SnoozeObligation(Command):
    """Put off the reminders of an obligation by up to three working days, with a reason."""

    given_by: ClassVar = EVERYBODY
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {
        "obligation_id": "milestone:supplier-map",
        "working_days": 2,
        "reason": "The plant audit takes both of us until Wednesday.",
    }

    type: Literal["snooze_obligation"] = "snooze_obligation"
    obligation_id: ObligationId
    working_days: Annotated[int, Field(ge=1, le=3)]
    reason: Words


class HoldPlacement(Command):
    """Hold the placement while it waits for somebody outside. Nobody is nudged or late meanwhile."""

    given_by: ClassVar = HR
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {
        "waits_for": "The works council decides on the transfer in the week of 12 April.",
        "review_on": "2027-04-19",
    }

    type: Literal["hold_placement"] = "hold_placement"
    waits_for: Words
    review_on: date
    """The day by which HR looks whether the hold can end."""


class ReleasePlacement(Command):
    """End a hold. What fell due meanwhile gets its allowance anew."""

    given_by: ClassVar = HR
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {"reason": "The works council agreed."}

    type: Literal["release_placement"] = "release_placement"
    reason: Words


class AdoptPolicy(Command):
    """Move the agreement to another policy set or version; open obligations are counted anew under it."""

    given_by: ClassVar = HR
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {
        "policy_set_id": "default",
        "version": 1,
        "reason": "The programme moved to the tighter ladder.",
    }

    type: Literal["adopt_policy"] = "adopt_policy"
    policy_set_id: Slug
    version: Annotated[int, Field(ge=1)]
    reason: Words
    policies: PolicySet | None = Field(default=None, exclude_if=is_none)
    """The set itself, where it is none that comes with the product. The command line fills it in."""


class CorrectEntry(Command):
    """Take back an entry that was made by mistake. The entry stays in the record; a later one corrects it."""

    given_by: ClassVar = HR
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {
        "entry": "milestone.verified",
        "subject": "supplier-map",
        "explanation": "Verified under the wrong agreement.",
    }

    type: Literal["correct_entry"] = "correct_entry"
    entry: Literal["milestone.verified", "deliverable.accepted", "end.decided", "return.planned"]
    subject: str = "placement"
    """The milestone, or `<leg id>/<deliverable id>`; left out for the end and the return."""
    explanation: Words
