"""An agreement's events as somebody may read them: words for others are withheld, delicate matters not shown.

Every path on which events leave the record goes through here: command line, exports, codec endpoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from pydantic import JsonValue

from domain.agreement.events import Event
from domain.agreement.events.break_glass import BreakGlassApproved, BreakGlassRequested
from domain.agreement.events.feedback import FeedbackGiven, PeerFeedbackRequested
from domain.agreement.events.matters import BreachReported, ConcernRaised, MatterSettled, ProposalMade
from domain.agreement.state import Agreement
from domain.kernel.classification import KNOWN_TO, Audience
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.model import WITHHELD, Frozen, PersonId
from domain.kernel.vocabulary import Role
from domain.privacy.audiences import WITHHELD_AS_A_WHOLE, audience_of, is_for_few
from domain.privacy.confidentiality import (
    Matters,
    matters_of,
    raises,
    tells_of,
    without_matters,
    without_obligations,
)
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import read_event, to_new_event
from domain.terms.words import without_words

OF_DELICATE_MATTERS = frozenset({"concern.raised", "breach.reported", "matter.settled"})
"""Events whose very type tells that there is such a matter."""
_MAY_KNOW_OF_SOME = frozenset[Role]().union(*KNOWN_TO.values())

EVERYTHING = "everything"
"""In place of a field: all of them."""

_BY_ITSELF: Mapping[str, object] = {
    "actor_id": str(Role.SYSTEM),
    "actor_role": Role.SYSTEM,
    "command_id": WITHHELD,
}
"""Of an event that came along with one that is not shown: it followed from the rules, whoever acted."""


class Reader(Frozen):
    """Who looks at an agreement, and in which roles."""

    person_id: PersonId | None
    """None for an operator whom nobody has named: they see structure, nobody's words, and of a concern or a
    breach only that somebody owes an answer to it."""
    roles: frozenset[Role]
    opened: frozenset[str] = frozenset()
    """Fields as `<event type>/<field>` that two people opened for them; `EVERYTHING` for all."""

    @property
    def is_unnamed(self) -> bool:
        """Return whether it is not known who looks."""
        return self.person_id is None


OPERATOR = Reader(person_id=None, roles=frozenset({Role.OPERATOR}))
"""Structure only."""


def reader_of(
    agreement: Agreement, person_id: PersonId, *, at: datetime | None = None, operator: bool = False
) -> Reader:
    """Return a person as a reader of an agreement.

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
    """Return a stream as a reader may read it.

    Words that are not meant for them are withheld. Concerns and breaches that they may not know of are left
    out, with whatever tells of them, so versions may be missing; what the hashes say is of the whole stream.

    Args:
        rows: A stream from its beginning.
        reader: Who looks.
    """
    events = [read_event(row) for row in rows]
    view = Disclosure(reader, events)
    untold = view.commands_untold(rows, events)
    shown = ((row, view.data(event, row.actor_id)) for row, event in zip(rows, events, strict=True))
    return [
        row.model_copy(update={"data": data, **(_BY_ITSELF if row.command_id in untold else {})})
        for row, data in shown
        if data is not None
    ]


class Disclosure:
    """Shows events of one agreement, and what they lead to, to one reader."""

    def __init__(self, reader: Reader, events: Iterable[Event]) -> None:
        """Look through events for what decides who may read which of them.

        Args:
            reader: Who looks.
            events: Of the agreement, in order: all of them, or as many as are known.
        """
        self._reader = reader
        self._matters = Matters(events)
        self._hidden = self._matters.unknown_to(reader.person_id, reader.roles)

    @property
    def hides_any(self) -> bool:
        """Return whether there is a matter that the reader may not know of."""
        return bool(self._hidden)

    def data(self, event: Event, actor_id: PersonId) -> dict[str, JsonValue] | None:
        """Return what a row of the event holds for the reader; None where they may not know of it.

        Args:
            event: What happened.
            actor_id: Whose command led to it, which makes them its author.
        """
        shown = self.shown(event, actor_id)
        if shown is None:
            return None
        data = to_new_event(shown, "").data
        if actor_id == self._reader.person_id:
            return data
        addressed = self._reader.person_id in self._addressees(event)
        closed = (
            place
            for place in WITHHELD_AS_A_WHOLE.get(event.type, {})
            if not self._may_read(event, place, is_addressed=addressed)
        )
        return withheld_at(data, [*closed, *self._of_a_matter(event)])

    def _of_a_matter(self, event: Event) -> Iterable[str]:
        """Return the place that says what was opened, where the reader may not see that.

        Nor is the name of any other field that is for its author or addressee alone: if a concern's were the
        only ones withheld, withholding them would tell.
        """
        if not isinstance(event, BreakGlassRequested | BreakGlassApproved) or event.only is None:
            return ()
        withheld = is_for_few(event.only) and self._reader.roles.isdisjoint(_MAY_KNOW_OF_SOME)
        return ("only",) if withheld else ()

    def shown(self, event: Event, actor_id: PersonId) -> Event | None:
        """Return the event with the words that the reader may read; None where they may not know of it.

        Args:
            event: What happened.
            actor_id: Whose command led to it, which makes them its author.
        """
        if isinstance(event, ConcernRaised | BreachReported) and self._matters.raised(event) is None:
            self._matters.look_at(event)
            self._hidden = self._matters.unknown_to(self._reader.person_id, self._reader.roles)
        if not self.may_know_who(event):
            return None
        event = without_obligations(event, self._hidden)
        if actor_id == self._reader.person_id:
            return event
        return self._withheld(event)

    def may_know_of(self, event: Event) -> bool:
        """Return whether the reader may know that an event happened.

        HR read which field was opened: whom a concern is about would read there that it is one.
        """
        if isinstance(event, BreakGlassRequested | BreakGlassApproved):
            took_part = {event.reader_id, getattr(event, "approved_by", None)}
            knows = not self._hidden or self._reader.roles.isdisjoint(_MAY_KNOW_OF_SOME)
            return knows or not _is_of_a_matter(event.only) or self._reader.person_id in took_part
        return not tells_of(event) & self._hidden

    def may_know_who(self, event: Event) -> bool:
        """Return whether the reader may know who did what happened, and whom it is about.

        What raised a concern or a breach says by and about whom, so it is shown only to somebody with a name:
        nobody knows that an operator without one is not the person concerned.
        """
        return self.may_know_of(event) and not (raises(event) and self._reader.is_unnamed)

    def commands_untold(self, rows: Iterable[RecordedEvent], events: Iterable[Event]) -> frozenset[str]:
        """Return ids of commands that led to something which the reader may not know of, or by whom.

        What else they led to is shown: whose command it was, and its id, would tell of the rest.

        Args:
            rows: A stream from its beginning.
            events: The same, as they are read.
        """
        return frozenset(
            row.command_id
            for row, event in zip(rows, events, strict=True)
            if row.actor_role is not Role.SYSTEM and not self.may_know_who(event)
        )

    def may_know_what_is_owed(self, obligation_id: str) -> bool:
        """Return whether the reader may know that somebody owes this."""
        return not matters_of(obligation_id) & self._hidden

    def agreement(self, agreement: Agreement) -> Agreement:
        """Return the agreement that the events fold to, as the reader may know it."""
        return without_matters(agreement, self._hidden)

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
                known = self._matters.raised(event)
                return frozenset({event.handled_by.person_id}) if known is None else known.handled_by
            case ProposalMade():
                return frozenset(opened.owner_id for opened in event.ledger.opened)
            case MatterSettled():
                raised_by = self._matters.raised_by.get(event.matter_id)
                return frozenset(() if raised_by is None else {raised_by})
            case _:
                return frozenset()


def _is_of_a_matter(place: str | None) -> bool:
    return place is not None and place.partition("/")[0] in OF_DELICATE_MATTERS


def withheld_at(data: Mapping[str, JsonValue], places: Iterable[str]) -> dict[str, JsonValue]:
    """Return the data with `WITHHELD` in such of these places as there are."""
    changed = dict(data)
    for place in places:
        name, _, rest = place.partition("/")
        inner = changed.get(name)
        if rest and isinstance(inner, dict):
            changed[name] = withheld_at(inner, (rest,))
        elif not rest and inner is not None:
            changed[name] = WITHHELD
    return changed
