"""How much of an agreement somebody who asks may see: their roles in it, as the record knows them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from activities.keys.envelopes import person_of
from activities.keys.subjects import Destroyed
from application.identity.tokens import Asker
from domain.kernel.errors import Refused
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Role
from domain.privacy.disclosure import OPERATOR, Disclosure, reader_of
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import fold_recorded, read_event

_LOOK_AFTER_IT = frozenset({Role.HRBP, Role.PROGRAMME_OWNER, Role.OPERATOR})
"""Who sees the structure of an agreement: what runs, what waits, who owes what."""


class Streams(Protocol):
    """Where agreements' events are read; the record is one."""

    async def stream(self, agreement_id: str, after_version: int = 0) -> Sequence[RecordedEvent]:
        """The events of an agreement after a version, in order; empty where there are none."""
        ...


class Erasures(Protocol):
    """Where it is known whose words are gone; people's keys are."""

    async def destroyed_in(self, agreement_id: str) -> Collection[Destroyed]:
        """Every key of an agreement that was ever destroyed."""
        ...


class NotForThemError(Exception):
    """Somebody asks for what they have no part in. The text names the agreement and nothing of it."""


class Viewer(NamedTuple):
    """Somebody who asks, at one agreement."""

    person_id: PersonId | None
    roles: frozenset[Role]
    disclosure: Disclosure
    sees_structure: bool
    """Whether they may see what no person wrote: summaries, receipts, who owes what. Operators and HR do,
    unless there is a matter in it that they may not know of."""
    erased: frozenset[PersonId] = frozenset()
    """Whose words in it were erased, or have expired: nobody is shown them, whatever history holds them."""


async def viewer_of(asker: Asker, agreement_id: str | None, streams: Streams, erasures: Erasures) -> Viewer:
    """Somebody as a viewer of an agreement.

    Args:
        asker: Who asks.
        agreement_id: What a payload is bound to; None where it is bound to nothing.
        streams: Where the agreement's events are.
        erasures: Where it is known whose words in it are gone.

    Raises:
        NotForThemError: They are neither a party nor an operator.
    """
    if agreement_id is None or asker.person_id is None:
        if not asker.is_operator:
            raise NotForThemError(f"{asker.person_id} may read payloads of their own agreements only")
        return Viewer(None, OPERATOR.roles, Disclosure(OPERATOR, ()), sees_structure=True)
    rows = await streams.stream(agreement_id)
    agreement = fold_recorded(rows)
    if agreement is None:
        return await viewer_of(asker, None, streams, erasures)
    try:
        reader = reader_of(
            agreement,
            asker.person_id,
            at=max(datetime.now(UTC), rows[-1].occurred_at),
            operator=asker.is_operator,
        )
    except Refused as refused:
        raise NotForThemError(refused.sentence) from None
    disclosure = Disclosure(reader, [read_event(row) for row in rows])
    return Viewer(
        reader.person_id,
        reader.roles,
        disclosure,
        sees_structure=not reader.roles.isdisjoint(_LOOK_AFTER_IT) and not disclosure.hides_any,
        erased=frozenset(
            person_of(key.reference.subject_id) for key in await erasures.destroyed_in(agreement_id)
        ),
    )
