"""An agreement's events as somebody may read them: words for others are withheld, delicate matters not shown.

Every path on which events leave the record goes through here: command line, exports, codec endpoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import JsonValue

from domain.agreement import Agreement
from domain.audiences import Audience, audience_of
from domain.events import Event
from domain.events.matters import BlockerRaised, BreachReported, ConcernRaised, MatterSettled, ProposalMade
from domain.events.progress import FeedbackGiven, PeerFeedbackRequested
from domain.model import Frozen, PersonId
from domain.obligations import LedgerChange
from domain.reading import read_event, to_new_event
from domain.recording import RecordedEvent
from domain.refusals import RefusalCode, Refused
from domain.terms.words import without_words
from domain.vocabulary import ObligationKind, Role

KNOWS_OF_DELICATE_MATTERS = frozenset({Role.HRBP, Role.PROGRAMME_OWNER, Role.OPERATOR})
"""Who knows of a concern or a breach, beside who raised it and who handles it. Never whom it is about."""


EVERYTHING = "everything"
"""In place of a field: all of them."""


class Reader(Frozen):
    """Who looks at an agreement, and in which roles."""

    person_id: PersonId | None
    """None for an operator whom nobody has named: they see structure, and nobody's words."""
    roles: frozenset[Role]
    opened: frozenset[str] = frozenset()
    """Fields as `<event type>/<field>` that two people opened for them; `EVERYTHING` for all."""


OPERATOR = Reader(person_id=None, roles=frozenset({Role.OPERATOR}))
"""Structure only."""


class _Delicate(NamedTuple):
    """A concern or a breach, and who is in it."""

    raised_by: PersonId
    about: PersonId | None
    handled_by: frozenset[PersonId]
    """Everybody who ever had to: roles change hands."""


def reader_of(
    agreement: Agreement, person_id: PersonId, *, at: datetime | None = None, operator: bool = False
) -> Reader:
    """A person as a reader of an agreement.

    Args:
        agreement: Which.
        person_id: Who looks.
        at: When, UTC; without, what was opened for a time stays closed.
        operator: Whether they look after agreements that they are no party to.

    Raises:
        Refused: If they are neither a party nor an operator.
    """
    opened = frozenset(
        request.only or EVERYTHING
        for request in agreement.break_glass.values()
        if at is not None and request.reader_id == person_id and request.is_open(at)
    )
    roles = agreement.roles_of(person_id)
    if operator or (opened and not roles):
        roles |= {Role.OPERATOR}
    if not roles:
        raise Refused(RefusalCode.NOT_A_PARTY, f"{person_id} is no party to {agreement.agreement_id}.")
    return Reader(person_id=person_id, roles=roles, opened=opened)


def as_read_by(rows: Sequence[RecordedEvent], reader: Reader) -> list[RecordedEvent]:
    """A stream as a reader may read it.

    Words that are not meant for them are withheld. Concerns and breaches that they may not know of are left
    out, with whatever tells of them, so versions may be missing; what the hashes say is of the whole stream.

    Args:
        rows: A stream from its beginning.
        reader: Who looks.
    """
    events = [read_event(row) for row in rows]
    view = Disclosure(reader, events)
    shown = ((row, view.shown(event, row.actor_id)) for row, event in zip(rows, events, strict=True))
    return [row.model_copy(update={"data": _data(event)}) for row, event in shown if event is not None]


class Disclosure:
    """Shows events of one agreement to one reader."""

    def __init__(self, reader: Reader, events: Iterable[Event]) -> None:
        """Looks through events for what decides who may read which of them.

        Args:
            reader: Who looks.
            events: Of the agreement, in order: all of them, or as many as are known.
        """
        self._reader = reader
        self._raised: dict[str, PersonId] = {}
        self._delicate: dict[str, _Delicate] = {}
        for event in events:
            self._look_at(event)
        self._hidden = self._what_is_hidden()

    @property
    def hides_any(self) -> bool:
        """Whether there is a matter that the reader may not know of."""
        return bool(self._hidden)

    def shown(self, event: Event, actor_id: PersonId) -> Event | None:
        """The event as the reader may read it; None where they may not know of it.

        Args:
            event: What happened.
            actor_id: Whose command led to it, which makes them its author.
        """
        if isinstance(event, ConcernRaised | BreachReported) and event.matter_id not in self._delicate:
            self._look_at(event)
            self._hidden = self._what_is_hidden()
        if _tells_of(event) & self._hidden:
            return None
        event = _without_obligations(event, self._hidden)
        if actor_id == self._reader.person_id:
            return event
        return self._withheld(event)

    def _look_at(self, event: Event) -> None:
        if isinstance(event, BlockerRaised | ConcernRaised | ProposalMade | BreachReported):
            self._raised[event.matter_id] = event.raised_by
        if isinstance(event, ConcernRaised | BreachReported):
            handlers = frozenset({event.handled_by.person_id})
            self._delicate[event.matter_id] = _Delicate(event.raised_by, event.about, handlers)
        for moved in event.ledger.moved:
            for name in _matters_of((moved.obligation_id,)) & self._delicate.keys():
                known = self._delicate[name]
                self._delicate[name] = known._replace(handled_by=known.handled_by | {moved.owner_id})

    def _what_is_hidden(self) -> frozenset[str]:
        return frozenset(name for name, each in self._delicate.items() if not self._may_know(each))

    def _may_know(self, matter: _Delicate) -> bool:
        if self._reader.person_id in {matter.raised_by, *matter.handled_by}:
            return True
        concerned = self._reader.person_id is not None and self._reader.person_id == matter.about
        return not concerned and not self._reader.roles.isdisjoint(KNOWS_OF_DELICATE_MATTERS)

    def _withheld(self, event: Event) -> Event:
        addressed = self._reader.person_id in self._addressees(event)
        open_to_them = {
            field: getattr(event, field)
            for field in type(event).model_fields
            if self._may_read(event, field, is_addressed=addressed)
        }
        return without_words(event).model_copy(update=open_to_them)

    def _may_read(self, event: Event, field: str, *, is_addressed: bool) -> bool:
        audience = audience_of(event, field)
        if audience is None:
            return False
        if not self._reader.opened.isdisjoint({EVERYTHING, f"{event.type}/{field}"}):
            return True
        return audience.is_open_to(self._reader.roles) or (audience is Audience.ADDRESSEE and is_addressed)

    def _addressees(self, event: Event) -> frozenset[PersonId]:
        match event:
            case FeedbackGiven():
                return frozenset({event.receiver_id})
            case PeerFeedbackRequested():
                return frozenset({event.peer.person_id})
            case ConcernRaised() | BreachReported():
                known = self._delicate.get(event.matter_id)
                return frozenset({event.handled_by.person_id}) if known is None else known.handled_by
            case ProposalMade():
                return frozenset(opened.owner_id for opened in event.ledger.opened)
            case MatterSettled():
                raised_by = self._raised.get(event.matter_id)
                return frozenset(() if raised_by is None else {raised_by})
            case _:
                return frozenset()


def _data(event: Event) -> dict[str, JsonValue]:
    return to_new_event(event, "").data


def _tells_of(event: Event) -> frozenset[str]:
    """The matters that an event is about, so that it cannot be shown without them."""
    if isinstance(event, ConcernRaised | BreachReported | MatterSettled):
        return frozenset({event.matter_id})
    obligation_id = getattr(event, "obligation_id", None)
    return frozenset() if obligation_id is None else _matters_of((obligation_id,))


def _matters_of(obligation_ids: Iterable[str]) -> frozenset[str]:
    """The matters that obligations of this id are owed for, such as `concern:c1` or a choice it forced."""
    delicate = {ObligationKind.CONCERN, ObligationKind.BREACH}
    parts = (
        obligation_id.removeprefix(f"{ObligationKind.FORCED_CHOICE}:") for obligation_id in obligation_ids
    )
    return frozenset(
        subject for kind, _, subject in (part.partition(":") for part in parts) if kind in delicate
    )


def _without_obligations(event: Event, matters: frozenset[str]) -> Event:
    """The event without what its ledger says of these matters."""
    if not matters:
        return event

    def stays(obligation_id: str) -> bool:
        return not _matters_of((obligation_id,)) & matters

    ledger = event.ledger
    kept = LedgerChange(
        settled=tuple(each for each in ledger.settled if stays(each.obligation_id)),
        opened=tuple(each for each in ledger.opened if stays(each.obligation_id)),
        moved=tuple(each for each in ledger.moved if stays(each.obligation_id)),
        escalated=tuple(each for each in ledger.escalated if stays(each.obligation_id)),
        silent_at=ledger.silent_at,
    )
    return event.model_copy(update={"ledger": kept})
