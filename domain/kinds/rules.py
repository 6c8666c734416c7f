"""What a kind of placement has to say for itself. Everything else is the same engine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from domain.agreement import Agreement, Party
from domain.draft import Draft
from domain.narratives import Synthesis
from domain.opening import Owed
from domain.terms import Terms
from domain.vocabulary import Kind, ObligationKind, Role


class KindRules(Protocol):
    """One kind's rules. A further kind is one more implementation beside its terms."""

    kind: Kind
    plan_kinds: frozenset[ObligationKind]
    """The obligations that follow from the terms by date, beside milestones and the end decision."""
    end_decider: Role
    """Who owes the end decision."""
    synthesis_signers: tuple[Role, ...]

    def parties(self, terms: Terms) -> tuple[Party, ...]:
        """The parties that only this kind has."""
        ...

    def signatories(self, agreement: Agreement) -> tuple[Party, ...]:
        """Whose signature concludes the agreement, in the order in which they are asked."""
        ...

    def owed_while_forming(self, agreement: Agreement) -> Iterable[Owed]:
        """What is owed beside the signatures from the proposal on."""
        ...

    def may_conclude(self, agreement: Agreement) -> bool:
        """Whether everything beside the signatures is there that the start needs."""
        ...

    def planned(self, agreement: Agreement) -> Iterable[Owed]:
        """What the terms still ask for by date, of the `plan_kinds`."""
        ...

    def on_start(self, draft: Draft) -> None:
        """Adds what happens of itself on the first day, beside the start."""
        ...

    def owed_at_end(self, agreement: Agreement) -> Iterable[Owed]:
        """What is owed after the last day, beside debriefs and feedback."""
        ...

    def synthesis_gaps(self, agreement: Agreement, synthesis: Synthesis) -> Iterable[str]:
        """What the synthesis lacks, a sentence each."""
        ...
