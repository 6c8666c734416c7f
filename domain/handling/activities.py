"""The activities: what carrying an agreement through time asks of the world, each named and typed once.

Workflows call them by these signatures, and a worker hosts an implementation of every one of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Final

from domain.handling.loaded import CalendarsWanted, Deferral, Deliveries, Delivery, LoadedAgreement, SettledAs
from domain.kernel.calendar import Calendar
from domain.kernel.model import PersonId
from domain.stream.messages import Append, Appended

REFUSED_BY_DATABASE: Final = "DatabaseRefusedError"
"""The error type of what the database will not take, now or later: a defect, never bad luck."""
UNKNOWN_PERSON: Final = "UnknownPerson"
"""The error type of somebody whom the directory lacks, or whose calendar cannot be resolved."""


class AgreementActivities(ABC):
    """The signatures: each method is an activity, and its name is the activity's name."""

    @abstractmethod
    async def append_events(self, append: Append) -> Appended:
        """Write a command's events, read models and notices in one statement; idempotent."""

    @abstractmethod
    async def load_agreement(self, agreement_id: str) -> LoadedAgreement:
        """Fold an agreement's stream, with what its workflow still has to deliver."""

    @abstractmethod
    async def resolve_calendars(self, wanted: CalendarsWanted) -> Mapping[PersonId, Calendar]:
        """Take a snapshot of people's working time, and of that of whoever may stand in for them."""

    @abstractmethod
    async def deliver_notices(self, deliveries: Deliveries) -> tuple[SettledAs, ...]:
        """Look at each obligation again and send what is due, until every notice is settled."""

    @abstractmethod
    async def deliver_notice(self, delivery: Delivery) -> str | Deferral:
        """Do so for one notice, as runs of earlier releases ask: `sent`, `skipped`, `failed`, or to wait."""


ACTIVITY_NAMES: Final = tuple(sorted(AgreementActivities.__abstractmethods__))
"""All of them: a worker hosts these and no others."""
