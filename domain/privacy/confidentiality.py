"""Who may know that a concern or a breach exists: it goes round the person concerned.

The audience table names the roles; here is what follows from it for one agreement.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from domain.agreement.events import Event
from domain.agreement.events.ending import AgreementClosedIncomplete, AgreementCompleted, PlacementEnded
from domain.agreement.events.matters import (
    BlockerRaised,
    BreachReported,
    ConcernRaised,
    MatterSettled,
    ProposalMade,
)
from domain.agreement.events.operations import NoticesResent
from domain.agreement.state import Agreement
from domain.kernel.classification import KNOWN_TO
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import ObligationKind, Role, StallReason
from domain.ledger.obligation import OF_WHO_IS_NOT_THERE, LedgerChange, Obligation, ObligationId

STALLED_FOR: Final = (StallReason.BLOCKER_AGING, *sorted(OF_WHO_IS_NOT_THERE))
"""The reasons for which a concern or a breach holds an agreement up."""

OWED_FOR_ONE: Final = f"^({ObligationKind.FORCED_CHOICE}:)?({'|'.join(sorted(KNOWN_TO))}):"
"""The regular expression of the obligations of which `matters_of` names a matter."""

RAISED_BY: Final = tuple(str(each.model_fields["type"].default) for each in (ConcernRaised, BreachReported))
"""The wire types of the events that raise one; `about` is whom it is about."""


class Delicate(NamedTuple):
    """A concern or a breach, and who is in it."""

    kind: ObligationKind
    raised_by: PersonId
    about: PersonId | None
    handled_by: frozenset[PersonId]
    """Everybody who ever had to: roles change hands."""

    def is_known_to(self, person_id: PersonId | None, roles: Iterable[Role]) -> bool:
        """Return whether somebody may know that it exists.

        Args:
            person_id: Who; None for an operator whom nobody has named.
            roles: In which they look.
        """
        if person_id in {self.raised_by, *self.handled_by}:
            return True
        concerned = person_id is not None and person_id == self.about
        return not concerned and not KNOWN_TO[self.kind].isdisjoint(roles)


class Matters:
    """The matters of one agreement, settled ones included, as its events tell of them."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        """Look through the events of an agreement, in order."""
        self.raised_by: dict[str, PersonId] = {}
        self._delicate: dict[str, list[Delicate]] = {}
        for event in events:
            self.look_at(event)

    def look_at(self, event: Event) -> None:
        """Take note of what one more event tells."""
        if isinstance(event, BlockerRaised | ConcernRaised | ProposalMade | BreachReported):
            self.raised_by[event.matter_id] = event.raised_by
        if isinstance(event, ConcernRaised | BreachReported):
            kind = ObligationKind.CONCERN if isinstance(event, ConcernRaised) else ObligationKind.BREACH
            handlers = frozenset({event.handled_by.person_id})
            raised = Delicate(kind, event.raised_by, event.about, handlers)
            # Once a matter is settled, another may be raised under its id.
            self._delicate.setdefault(event.matter_id, []).append(raised)
        for moved in event.ledger.moved:
            for name in matters_of(moved.obligation_id) & self._delicate.keys():
                *before, last = self._delicate[name]
                handlers = last.handled_by | {moved.owner_id}
                self._delicate[name] = [*before, last._replace(handled_by=handlers)]

    def raised(self, event: ConcernRaised | BreachReported) -> Delicate | None:
        """Return the matter that an event raised; None where it was not looked at."""
        for each in self._delicate.get(event.matter_id, ()):
            same = (each.raised_by, each.about) == (event.raised_by, event.about)
            if same and event.handled_by.person_id in each.handled_by:
                return each
        return None

    def unknown_to(self, person_id: PersonId | None, roles: frozenset[Role]) -> frozenset[str]:
        """Return the ids of every matter, past ones included, that somebody may not know of."""
        return frozenset(
            name
            for name, found in self._delicate.items()
            if not all(each.is_known_to(person_id, roles) for each in found)
        )


def matters_of(obligation_id: str) -> frozenset[str]:
    """Return the matter that an obligation of this id is owed for, if it is a confidential one."""
    kind, _, subject = obligation_id.removeprefix(f"{ObligationKind.FORCED_CHOICE}:").partition(":")
    return frozenset({subject}) if kind in KNOWN_TO else frozenset()


def raises(event: Event) -> bool:
    """Return whether an event says who raised a concern or a breach, and about whom."""
    return isinstance(event, ConcernRaised | BreachReported)


def tells_of(event: Event) -> frozenset[str]:
    """Return the matters that an event is about, so that it cannot be shown without them."""
    if isinstance(event, ConcernRaised | BreachReported | MatterSettled):
        return frozenset({event.matter_id})
    obligation_id = getattr(event, "obligation_id", None)
    return frozenset() if obligation_id is None else matters_of(obligation_id)


def without_obligations(event: Event, matters: frozenset[str]) -> Event:
    """Return the event without what its ledger and lists say of these matters."""
    if not matters:
        return event

    def stays(obligation_id: str) -> bool:
        return not matters_of(obligation_id) & matters

    ledger = event.ledger
    kept = LedgerChange(
        settled=tuple(each for each in ledger.settled if stays(each.obligation_id)),
        opened=tuple(each for each in ledger.opened if stays(each.obligation_id)),
        moved=tuple(each for each in ledger.moved if stays(each.obligation_id)),
        escalated=tuple(each for each in ledger.escalated if stays(each.obligation_id)),
        silent_at=ledger.silent_at,
    )
    changed: dict[str, object] = {"ledger": kept}
    match event:
        case PlacementEnded() | AgreementCompleted():
            changed["unfinished"] = tuple(each for each in event.unfinished if stays(each))
        case AgreementClosedIncomplete():
            changed["missing"] = tuple(each for each in event.missing if stays(each))
        case NoticesResent():
            # A notice's id holds that of its obligation.
            told = tuple(f":{kind}:{name}:" for kind in KNOWN_TO for name in matters)
            changed["notice_ids"] = tuple(
                each for each in event.notice_ids if not any(part in each for part in told)
            )
        case _:
            pass
    return event.model_copy(update=changed)


def without_matters(agreement: Agreement, matters: frozenset[str]) -> Agreement:
    """Return the agreement as it looks to somebody who may not know of these matters.

    That it rests is not hidden, for nobody is reminded of anything meanwhile; why is.
    """
    if not matters:
        return agreement
    return agreement.model_copy(
        update={
            "held_externally": agreement.held,
            "matters": {name: each for name, each in agreement.matters.items() if name not in matters},
            "obligations": {
                key: held for key, held in agreement.obligations.items() if not matters_of(key) & matters
            },
        }
    )


def may_know(
    agreement: Agreement, obligation: Obligation, person_id: PersonId, roles: Iterable[Role]
) -> bool:
    """Return whether somebody may know of an open obligation: of most things everybody may.

    Args:
        agreement: As it stands.
        obligation: One of its own.
        person_id: Who.
        roles: In which they act.
    """
    handlers = frozenset({obligation.owner_id, obligation.principal_id})
    for name in matters_of(obligation.obligation_id):
        matter = agreement.matters.get(name)
        if matter is not None:
            delicate = Delicate(matter.kind, matter.raised_by, matter.about, handlers)
            return delicate.is_known_to(person_id, roles)
    return True


def obligations_known_to(
    agreement: Agreement, person_id: PersonId, roles: Collection[Role]
) -> dict[ObligationId, Obligation]:
    """Return the open obligations that somebody may know of, by id."""
    return {
        key: held
        for key, held in agreement.obligations.items()
        if may_know(agreement, held, person_id, roles)
    }
