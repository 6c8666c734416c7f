"""Commands about what people say of the work: feedback, self-assessments, wins, endorsements, notes."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from domain.agreement.commands.base import (
    ACTIVE,
    ACTIVE_OR_LOOKING_BACK,
    CLOSE_TO_THE_WORK,
    EVERYBODY,
    HR,
    PAIR,
    UNTIL_CLOSED,
    Command,
)
from domain.agreement.content import (
    Anchor,
    Confidence,
    Rating,
    Tone,
)
from domain.kernel.classification import Audience
from domain.kernel.model import PersonId, Words
from domain.kernel.vocabulary import Role
from domain.ledger.obligation import ObligationId
from domain.terms.parts import SkillUri


class GiveFeedback(Command):
    """Give feedback: behaviour, effect, next step, tied to a criterion or a skill.

    The mentee's feedback to the mentor goes the same way.
    """

    given_by: ClassVar = EVERYBODY
    phases: ClassVar = ACTIVE_OR_LOOKING_BACK
    example: ClassVar[dict[str, JsonValue]] = {
        "receiver_id": "P-1001",
        "behaviour": "You sent the agenda a day before the supplier call.",
        "effect": "The supplier came prepared, and we closed two points.",
        "next_step": "Do the same for the quarterly review.",
        "anchor": {"kind": "criterion", "reference": "c1"},
        "tone": "praise",
    }

    type: Literal["give_feedback"] = "give_feedback"
    receiver_id: PersonId
    about: ObligationId | None = None
    """The open feedback obligation that it fulfils; found by itself where the giver owes just one."""
    behaviour: Words
    effect: Words
    next_step: Words
    anchor: Anchor
    tone: Tone
    rating: Confidence | None = None
    """How far the criterion is met, beside the mentee's rating of themselves; only with such an anchor."""


class RequestPeerFeedback(Command):
    """Ask a colleague who saw the work what they saw. They owe an answer."""

    given_by: ClassVar = PAIR | HR
    phases: ClassVar = ACTIVE_OR_LOOKING_BACK
    example: ClassVar[dict[str, JsonValue]] = {
        "peer_id": "P-3001",
        "question": "What did you see in the supplier calls?",
    }

    type: Literal["request_peer_feedback"] = "request_peer_feedback"
    peer_id: PersonId
    question: Words


class RecordSelfAssessment(Command):
    """Rate oneself against the agreed criteria."""

    given_by: ClassVar = frozenset({Role.MENTEE})
    phases: ClassVar = ACTIVE_OR_LOOKING_BACK
    example: ClassVar[dict[str, JsonValue]] = {
        "ratings": [{"criterion_id": "c1", "rating": 3, "because": "Two calls led alone, one with help."}]
    }

    type: Literal["record_self_assessment"] = "record_self_assessment"
    ratings: tuple[Rating, ...] = Field(min_length=1)


class RecordWinOrSetback(Command):
    """Keep a win or a setback with its lesson, for the debrief."""

    given_by: ClassVar = CLOSE_TO_THE_WORK
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {
        "is_win": False,
        "what": "The first workshop had four of twelve guests.",
        "lesson": "Invite through the team leads.",
    }

    type: Literal["record_win_or_setback"] = "record_win_or_setback"
    is_win: bool
    what: Words
    lesson: Words


class GiveEndorsement(Command):
    """Vouch for the mentee, agreeing to be named. It can be revoked."""

    given_by: ClassVar = frozenset({Role.OBSERVER, Role.SPONSOR})
    phases: ClassVar = ACTIVE_OR_LOOKING_BACK
    example: ClassVar[dict[str, JsonValue]] = {
        "statement": "I saw the negotiation and would have them lead the next one.",
        "skill_uri": "urn:skill:negotiation",
        "consents_to_be_named": True,
    }

    type: Literal["give_endorsement"] = "give_endorsement"
    statement: Words
    skill_uri: SkillUri
    consents_to_be_named: Literal[True]


class RevokeEndorsement(Command):
    """Take one's endorsement back."""

    given_by: ClassVar = frozenset({Role.OBSERVER, Role.SPONSOR})
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {"reason": None}

    type: Literal["revoke_endorsement"] = "revoke_endorsement"
    reason: Words | None = None


class KeepNote(Command):
    """Keep a note. Nobody else reads it unless its author says so; it ends no silence."""

    given_by: ClassVar = EVERYBODY
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {"note": "I said yes too quickly in the supplier call."}

    type: Literal["keep_note"] = "keep_note"
    note: Words
    audience: Literal[Audience.AUTHOR, Audience.PAIR] = Audience.AUTHOR
