"""Legal holds as whatever destroys meets them: refused in the very transaction that would have destroyed."""

from __future__ import annotations

from collections.abc import Iterable

import asyncpg

from domain.kernel.model import PersonId


class OnHoldError(Exception):
    """Somebody concerned is on legal hold, so nothing was destroyed, removed or noted by this call.

    Attributes:
        holds: Who is, by reference of the hold.
    """

    def __init__(self, holds: dict[PersonId, str]) -> None:
        named = ", ".join(f"{person_id} ({reference})" for person_id, reference in sorted(holds.items()))
        lifting = ", ".join(f"`sojourn hold {person_id} --lift`" for person_id in sorted(holds))
        super().__init__(f"On legal hold: {named}. Lift it first with {lifting}.")
        self.holds = holds


def refuse_held(rows: Iterable[asyncpg.Record]) -> None:
    """Refuse where a function that destroys answers that somebody is on hold.

    Raises:
        OnHoldError: It gave back who is on hold instead of what it did.
    """
    holds = {row["held_id"]: row["held_reference"] for row in rows if row["held_id"] is not None}
    if holds:
        raise OnHoldError(holds)
