"""What somebody may see of an agreement's payloads in Temporal, by the same rule as of everything else."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from activities.keys.envelopes import person_of
from activities.keys.subjects import Destroyed
from application.errors import NotPermittedError
from application.queries.agreements import AgreementSnapshot
from application.queries.viewer import UNNAMED_OPERATOR, Viewer
from domain.kernel.errors import Refused
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Role
from domain.privacy.disclosure import OPERATOR, Disclosure
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import fold_recorded

_LOOK_AFTER_IT = frozenset({Role.HRBP, Role.PROGRAMME_OWNER, Role.OPERATOR})
"""Who sees the structure of an agreement: what runs, what waits, who owes what."""


class Streams(Protocol):
    """Where agreements' events are read; the record is one."""

    async def stream(self, agreement_id: str, after_version: int = 0) -> Sequence[RecordedEvent]:
        """Return the events of an agreement after a version, in order; empty where there are none."""
        ...


class Erasures(Protocol):
    """Where it is known whose words are gone; people's keys are."""

    async def destroyed_in(self, agreement_id: str) -> Collection[Destroyed]:
        """Return every key of an agreement that was ever destroyed."""
        ...


class PayloadAccess(NamedTuple):
    """What somebody may see of the payloads of one agreement."""

    person_id: PersonId | None
    roles: frozenset[Role]
    disclosure: Disclosure
    sees_structure: bool
    """Whether they may see what no person wrote: summaries, receipts, who owes what. Operators and HR do,
    unless there is a matter in it that they may not know of."""
    erased: frozenset[PersonId] = frozenset()
    """Whose words in it were erased, or have expired: nobody is shown them, whatever history holds them."""


async def payload_access(
    viewer: Viewer, agreement_id: str | None, streams: Streams, erasures: Erasures
) -> PayloadAccess:
    """Return what a viewer may see of the payloads of an agreement.

    Args:
        viewer: Who looks.
        agreement_id: What a payload is bound to; None where it is bound to nothing.
        streams: Where the agreement's events are.
        erasures: Where it is known whose words in it are gone.

    Raises:
        NotPermittedError: They are neither a party nor an operator. The text names the agreement and nothing
            of it.
        AgreementNotFoundError: It is another tenant's.
    """
    if agreement_id is None or viewer.person_id is None:
        if not viewer.is_operator:
            raise NotPermittedError(f"{viewer.person_id} may read payloads of their own agreements only")
        return PayloadAccess(None, OPERATOR.roles, Disclosure(OPERATOR, ()), sees_structure=True)
    rows = list(await streams.stream(agreement_id))
    agreement = fold_recorded(rows)
    if agreement is None:
        return await payload_access(
            UNNAMED_OPERATOR if viewer.is_operator else viewer, None, streams, erasures
        )
    snapshot = AgreementSnapshot(agreement, max(datetime.now(UTC), rows[-1].occurred_at), rows)
    try:
        reader = viewer.reader(snapshot)
    except Refused as refused:
        raise NotPermittedError(refused.sentence) from None
    disclosure = viewer.disclosure(snapshot)
    return PayloadAccess(
        reader.person_id,
        reader.roles,
        disclosure,
        sees_structure=not reader.roles.isdisjoint(_LOOK_AFTER_IT) and not disclosure.hides_any,
        erased=frozenset(
            person_of(key.reference.subject_id) for key in await erasures.destroyed_in(agreement_id)
        ),
    )
