"""The questions that a kind of placement answers for itself. Everything else is the same engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import ClassVar, NamedTuple

from domain.agreement.commands import Command
from domain.agreement.content import Synthesis
from domain.agreement.events import Event
from domain.agreement.state import Agreement, Party
from domain.kernel.vocabulary import Kind, ObligationKind, Role
from domain.ledger.obligation import Obligation
from domain.scheduling.obligations import NewObligation
from domain.terms import Terms


class Progress(NamedTuple):
    """How many of something are there, of how many."""

    done: int
    total: int


class KindRules(ABC):
    """One kind's rules. What a kind does not answer is as for most kinds.

    A further kind is one more implementation beside its terms. Wherever code outside would ask which kind an
    agreement is, a question is missing here.
    """

    kind: ClassVar[Kind]
    own_commands: ClassVar[frozenset[type[Command]]] = frozenset()
    """The commands that are not for every kind, and that this one takes."""
    plan_kinds: ClassVar[frozenset[ObligationKind]] = frozenset()
    """The obligations that follow from the terms, beside milestones and the end decision."""
    end_decider: ClassVar[Role] = Role.LINE_MANAGER
    """Who owes the end decision."""
    synthesis_signers: ClassVar[tuple[Role, ...]] = (Role.MENTEE, Role.MENTOR, Role.LINE_MANAGER)
    """Whose signatures complete the agreement."""
    check_ins_name_skills: ClassVar[bool] = True
    """Whether a check-in has to name a transferable skill that was seen."""
    roles_affected: ClassVar[Mapping[str, frozenset[Role]]] = {}
    """Which roles a change of a field affects, of the fields that only terms of this kind have."""

    @abstractmethod
    def parties(self, terms: Terms, /) -> tuple[Party, ...]:
        """Return the parties that only this kind has."""

    @abstractmethod
    def signatories(self, agreement: Agreement, /) -> tuple[Party, ...]:
        """Return whose signature concludes the agreement, in the order in which they are asked."""

    @abstractmethod
    def latest_end(self, terms: Terms, /) -> date:
        """Return the last day that the placement can be extended to."""

    def may_conclude(self, _agreement: Agreement, /) -> bool:
        """Return whether everything beside the signatures is there that the start needs."""
        return True

    def planned(self, _agreement: Agreement, /) -> Iterable[NewObligation]:
        """Yield what the terms still ask for, of the `plan_kinds`; before the start, too."""
        return ()

    def start_events(self, _agreement: Agreement, _at: datetime, /) -> Iterable[Event]:
        """Yield what happens of itself on the first day, beside the start."""
        return ()

    def end_decided_on(self, _terms: Terms, /) -> date | None:
        """Return the day that the terms give the end decision; None leaves it to the policy."""
        return None

    def owed_at_end(self, _agreement: Agreement, /) -> Iterable[NewObligation]:
        """Yield what is owed after the last day, beside debriefs and feedback."""
        return ()

    def counted_from(self, _agreement: Agreement, owed: NewObligation, /) -> NewObligation:
        """Return what is owed beside the plan with the anchor and the allowance that the terms give it."""
        return owed

    def check_amendment(self, _agreement: Agreement, _terms: Terms, /) -> None:
        """Refuse terms that would take back what this kind has begun with.

        Raises:
            Refused: With the field of the terms.
        """
        return

    def attendees(self, agreement: Agreement, obligation: Obligation, /) -> tuple[Party, Party]:
        """Return who comes to a meeting: the mentee, and whoever owes that it takes place."""
        owner = Party(role=obligation.owner_role, person_id=obligation.owner_id)
        return agreement.holder(Role.MENTEE), owner

    def meeting_minutes(self, agreement: Agreement, obligation: Obligation, /) -> int:
        """Return how many minutes a meeting takes."""
        cadence = agreement.terms.cadence
        is_check_in = obligation.kind is ObligationKind.CHECK_IN
        return cadence.check_in_minutes if is_check_in else cadence.reflective_session_minutes

    def further_signatures(self, _agreement: Agreement, /) -> Progress:
        """Count the signatures beside those under the agreement itself."""
        return Progress(0, 0)

    def deliveries(self, _agreement: Agreement, /) -> Progress:
        """Count what is delivered beside milestones."""
        return Progress(0, 0)

    def focus_uncovered(self, _agreement: Agreement, /) -> tuple[str, ...]:
        """Return what the terms wanted to be looked at and nobody has seen so far."""
        return ()

    def synthesis_gaps(self, _agreement: Agreement, _synthesis: Synthesis, /) -> Iterable[str]:
        """Yield what the synthesis lacks, a sentence each."""
        return ()
