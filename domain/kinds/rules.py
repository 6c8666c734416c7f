"""What a kind of placement has to say for itself. Everything else is the same engine."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Protocol

from domain.agreement.content import Synthesis
from domain.agreement.events import Event
from domain.agreement.state import Agreement, Party
from domain.kernel.vocabulary import Kind, ObligationKind, Role
from domain.scheduling.obligations import Owed
from domain.terms import Terms


class KindRules(Protocol):
    """One kind's rules. A further kind is one more implementation beside its terms."""

    @property
    def kind(self) -> Kind:
        """Whose rules these are."""
        ...

    @property
    def plan_kinds(self) -> frozenset[ObligationKind]:
        """The obligations that follow from the terms, beside milestones and the end decision."""
        ...

    @property
    def end_decider(self) -> Role:
        """Who owes the end decision."""
        ...

    @property
    def synthesis_signers(self) -> tuple[Role, ...]:
        """Whose signatures complete the agreement."""
        ...

    def parties(self, terms: Terms, /) -> tuple[Party, ...]:
        """The parties that only this kind has."""
        ...

    def signatories(self, agreement: Agreement, /) -> tuple[Party, ...]:
        """Whose signature concludes the agreement, in the order in which they are asked."""
        ...

    def may_conclude(self, agreement: Agreement, /) -> bool:
        """Whether everything beside the signatures is there that the start needs."""
        ...

    def planned(self, agreement: Agreement, /) -> Iterable[Owed]:
        """What the terms still ask for, of the `plan_kinds`; before the start, too."""
        ...

    def begun(self, agreement: Agreement, at: datetime, /) -> Iterable[Event]:
        """What happens of itself on the first day, beside the start."""
        ...

    def end_decided_on(self, terms: Terms, /) -> date | None:
        """The day that the terms give the end decision; None leaves it to the policy."""
        ...

    def owed_at_end(self, agreement: Agreement, /) -> Iterable[Owed]:
        """What is owed after the last day, beside debriefs and feedback."""
        ...

    def synthesis_gaps(self, agreement: Agreement, synthesis: Synthesis, /) -> Iterable[str]:
        """What the synthesis lacks, a sentence each."""
        ...
