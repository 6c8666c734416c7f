"""Who may read which field of which event, as the fields say.

Private by default: words in a field that says nothing are for their author alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.agreement.events import EVENTS, Event
from domain.kernel.classification import Audience, ChosenIn, WithheldAsAWhole, marks
from domain.privacy.free_text import places_of_words

_STATED: Mapping[str, Mapping[str, Audience]] = {
    event_type: stated for event_type, event in EVENTS.items() if (stated := marks(event, Audience))
}


def _of_words(event_type: str) -> dict[str, Audience]:
    with_words = {place.split("/")[1] for place in places_of_words(EVENTS[event_type])}
    return {field: audience for field, audience in _STATED[event_type].items() if field in with_words}


def _of_wholes(event_type: str) -> dict[str, Audience]:
    in_part = AUDIENCES[event_type].keys() - marks(EVENTS[event_type], WithheldAsAWhole).keys()
    return {place: audience for place, audience in _STATED[event_type].items() if place not in in_part}


AUDIENCES: Mapping[str, Mapping[str, Audience]] = {each: _of_words(each) for each in _STATED}
"""By wire type and field, of every field that holds words: those are withheld, the rest of it is shown."""

WITHHELD_AS_A_WHOLE: Mapping[str, Mapping[str, Audience]] = {each: _of_wholes(each) for each in _STATED}
"""By wire type and place, for what is no word and tells of a person all the same: how sure they are, how they
are rated, that they need an accommodation, when they are away. Withheld as a whole where it is not for the
reader. Everything else that is no word is progress: what was done, when, by whom, and what follows."""

_CHOSEN_IN: Mapping[str, Mapping[str, ChosenIn]] = {
    event_type: marks(event, ChosenIn) for event_type, event in EVENTS.items()
}


def has_audience(event_type: str, place: str) -> bool:
    """Return whether something in events of a type is not for everybody."""
    return place in _STATED.get(event_type, {})


def is_for_few(place: str) -> bool:
    """Return whether a field, as in `feedback.given/behaviour`, is for its author or addressee alone."""
    event_type, _, field = place.partition("/")
    return _STATED.get(event_type, {}).get(field) in {Audience.AUTHOR, Audience.ADDRESSEE}


def audience_of(event: Event, place: str) -> Audience | None:
    """Return for whom a place of an event is; None where it is for everybody who sees the event."""
    chosen = _CHOSEN_IN.get(event.type, {}).get(place)
    if chosen is not None:
        return Audience(getattr(event, chosen.field))
    return _STATED.get(event.type, {}).get(place)
