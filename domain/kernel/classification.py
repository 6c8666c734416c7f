"""Data classification: who may read a field and whose data it is, said at the field.

    reason: Annotated[Words, Audience.IN_CONFIDENCE, Subject.MENTEE]

What a field says holds for everything below it, unless a field further down says otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, get_args

from pydantic import BaseModel

from domain.kernel.vocabulary import ObligationKind, Role


class Audience(StrEnum):
    """For whose eyes something is, beside its author's."""

    AUTHOR = "author"
    """Nobody else's."""
    PAIR = "pair"
    """Mentee and mentor."""
    PAIR_AND_HOST_EXPERTS = "pair_and_host_experts"
    ADDRESSEE = "addressee"
    """Whom it is for: the receiver of feedback, whoever handles a concern or raised it, the peer asked."""
    CLOSE_TO_THE_WORK = "close_to_the_work"
    """Mentee, mentor, and the managers and experts at home and at the host."""
    IN_CONFIDENCE = "in_confidence"
    """Mentee, mentor, home manager and HR: reasons that may touch somebody's life."""
    EVERY_SIDE = "every_side"
    """Every party but observers and peers."""

    def is_open_to(self, roles: Collection[Role]) -> bool:
        """Return whether holding one of these roles is enough. Authors and addressees need no role."""
        return not ROLES[self].isdisjoint(roles)


ROLES: Mapping[Audience, frozenset[Role]] = {
    Audience.AUTHOR: frozenset(),
    Audience.PAIR: frozenset({Role.MENTEE, Role.MENTOR}),
    Audience.PAIR_AND_HOST_EXPERTS: frozenset({Role.MENTEE, Role.MENTOR, Role.HOST_EXPERT}),
    Audience.ADDRESSEE: frozenset(),
    Audience.CLOSE_TO_THE_WORK: frozenset(
        {Role.MENTEE, Role.MENTOR, Role.LINE_MANAGER, Role.HOST_MANAGER, Role.HOST_EXPERT, Role.LEG_MANAGER}
    ),
    Audience.IN_CONFIDENCE: frozenset(
        {Role.MENTEE, Role.MENTOR, Role.LINE_MANAGER, Role.HRBP, Role.PROGRAMME_OWNER}
    ),
    Audience.EVERY_SIDE: frozenset(Role) - {Role.OBSERVER, Role.PEER, Role.OPERATOR, Role.SYSTEM},
}
"""The roles that each audience is made of."""

KNOWN_TO: Mapping[ObligationKind, frozenset[Role]] = {
    ObligationKind.CONCERN: frozenset({Role.HRBP, Role.PROGRAMME_OWNER, Role.OPERATOR}),
    ObligationKind.BREACH: frozenset({Role.HRBP, Role.PROGRAMME_OWNER, Role.OPERATOR}),
}
"""Who may know that such a matter is open, beside who raised it and whoever has to handle it: never whom it
is about, in whatever role. What is not listed every party may know of."""


class Subject(StrEnum):
    """By which rule the person is found whose data it is: whose key seals it, whose erasure takes it away.

    Words are those of the person they are about. Where they are about nobody in particular, such as
    somebody's reflection or the reason for their own decision, they are their author's.
    """

    AUTHOR = "author"
    MENTEE = "mentee"
    MENTOR = "mentor"
    RECEIVER = "receiver"
    """Of feedback."""
    CONCERNED = "concerned"
    """Whom a concern or a breach is about; its author where it names nobody."""
    NAMED = "named"
    """The person of whom the event tells that they left, were away or gave up a role."""
    AS_IN_THE_TERMS = "as_in_the_terms"
    """Of a mapping by field of the terms: whoever the field of that name is about."""
    EVERYBODY_IN_THE_TERMS = "everybody_in_the_terms"
    """Everybody whom a part of the terms is about: of what is known by the terms as a whole."""


@dataclass(frozen=True)
class ChosenIn:
    """The author chose the audience: it stands in another field of the event."""

    field: str


class WithheldAsAWhole:
    """Marks a field that holds words and ratings alike: not even its shape is for other eyes."""


_MARKS = (Audience, Subject, ChosenIn, WithheldAsAWhole)
Mark = TypeVar("Mark", Audience, Subject, ChosenIn, WithheldAsAWhole)


def marks(model: type[BaseModel], sort: type[Mark]) -> dict[str, Mark]:
    """Return what the fields of a model, and of the models below them, are marked with.

    Args:
        model: The outermost model.
        sort: The class of mark, such as `Audience`.

    Returns:
        By place, as in `terms/boundaries`: lists and mappings add nothing to it.
    """
    return {place: mark for place, mark in _classified(model) if isinstance(mark, sort)}


@cache
def _classified(model: type[BaseModel]) -> tuple[tuple[str, object], ...]:
    found: list[tuple[str, object]] = []
    for name, info in model.model_fields.items():
        found += ((name, mark) for mark in info.metadata if isinstance(mark, _MARKS))
        for inner in _models_in(info.annotation):
            found += ((f"{name}/{place}", mark) for place, mark in _classified(inner))
    return tuple(found)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401  an annotation can be any object
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
