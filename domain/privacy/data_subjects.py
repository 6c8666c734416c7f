"""Whose data each piece of writing is: the person whose key seals it, and whose erasure takes it away.

The rule stands at the field (`Subject`); here the person is found by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pydantic import JsonValue

from domain.agreement.events import EVENTS
from domain.agreement.state import Party
from domain.kernel.classification import Subject, marks
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Role
from domain.stream.messages import PartyRow

SUBJECTS: Mapping[str, Mapping[str, Subject]] = {
    event_type: marks(event, Subject) for event_type, event in EVENTS.items()
}
"""By wire type and place, as in `terms/boundaries`: it holds for everything below that says nothing else."""

SUBJECTS_OF_TERMS: Mapping[str, Subject] = {
    place.removeprefix("terms/"): subject
    for place, subject in SUBJECTS["agreement.proposed"].items()
    if place.startswith("terms/")
}
"""By field of the terms of any kind, of every field that holds words."""

_WHERE_NAMED: Mapping[Subject, tuple[str, ...]] = {
    Subject.RECEIVER: ("receiver_id",),
    Subject.CONCERNED: ("about",),
    Subject.NAMED: ("person_id", "from_person"),
}


def holders_of(parties: Iterable[Party | PartyRow]) -> dict[Role, PersonId]:
    """Return who holds each role for the whole agreement."""
    return {party.role: party.person_id for party in parties if not party.scope}


def subjects_of(
    event_type: str,
    place: str,
    data: Mapping[str, JsonValue],
    *,
    author: PersonId,
    holders: Mapping[Role, PersonId],
) -> tuple[PersonId, ...]:
    """Return everybody whose words stand at a place of an event's data, or are known by what stands there.

    More than one only where what stands there cannot be divided. Its words go with the first key that goes.

    Raises:
        LookupError: As `subject_of`.
    """
    subject = subject_of(event_type, place, data, author=author, holders=holders)
    if _rule(event_type, place) is not Subject.EVERYBODY_IN_THE_TERMS:
        return (subject,)
    return tuple(dict.fromkeys((subject, holders.get(Role.MENTOR, subject))))


def subject_of(
    event_type: str,
    place: str,
    data: Mapping[str, JsonValue],
    *,
    author: PersonId,
    holders: Mapping[Role, PersonId],
) -> PersonId:
    """Return whose words stand at a place of an event's data; the mentee where they are several people's.

    Args:
        event_type: The wire type.
        place: Such as `/terms/objectives/0/statement`.
        data: The event's.
        author: Who acted.
        holders: As `holders_of`.

    Raises:
        LookupError: The field says nothing; nothing may be written before it does.
    """
    rule = _rule(event_type, place)
    mentee = holders.get(Role.MENTEE, author)
    if rule in (Subject.MENTEE, Subject.EVERYBODY_IN_THE_TERMS):
        return mentee
    if rule is Subject.MENTOR:
        return holders.get(Role.MENTOR, mentee)
    for name in _WHERE_NAMED.get(rule, ()):
        named = data.get(name)
        if isinstance(named, str):
            return named
    # What nobody in particular wrote is about whom the agreement is for.
    return mentee if author == Role.SYSTEM else author


def _rule(event_type: str, place: str) -> Subject:
    stated = SUBJECTS.get(event_type, {})
    rule = next((stated[each] for each in _inside_out(place) if each in stated), None)
    if rule is Subject.AS_IN_THE_TERMS:
        # Digests are taken of parts without words too: those may as well be the mentee's.
        _, _, part = place.removeprefix("/").partition("/")
        rule = SUBJECTS_OF_TERMS.get(part, Subject.MENTEE) if part else None
    if rule is None:
        raise LookupError(
            f"{event_type}{place}: the field does not say whose words these are; mark it with a Subject"
        )
    return rule


def _inside_out(place: str) -> Iterator[str]:
    """Yield the fields around a place, innermost first, without the indices of lists."""
    fields = [name for name in place.split("/") if name not in {"", "*"} and not name.isdigit()]
    return ("/".join(fields[:length]) for length in range(len(fields), 0, -1))
