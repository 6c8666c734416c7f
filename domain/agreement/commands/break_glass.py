"""Commands by which two people together open what is private, for one of them and for a time."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue

from domain.agreement.commands.base import HR, UNTIL_CLOSED, Command
from domain.kernel.model import Slug, Words


class RequestBreakGlass(Command):
    """Ask to read what is not for one's eyes here, with a reason. Nothing opens until another approves."""

    given_by: ClassVar = HR
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {
        "request_id": "g1",
        "only": "check_in.held/answers",
        "hours": 4,
        "reason": "The works council and the mentee ask for an inquiry into the first month.",
    }

    type: Literal["request_break_glass"] = "request_break_glass"
    request_id: Slug
    only: str | None = None
    """One field, as `<event type>/<field>`; left out for everything that people wrote in this agreement."""
    hours: Annotated[int, Field(ge=1, le=72)] = 24
    """For how long it opens once it is approved."""
    reason: Words


class ApproveBreakGlass(Command):
    """Approve another's request to read what is private. Mentee and mentor are told."""

    given_by: ClassVar = HR
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {"request_id": "g1"}

    type: Literal["approve_break_glass"] = "approve_break_glass"
    request_id: Slug
