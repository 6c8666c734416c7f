"""A ledger as it would stand under another policy, event by event beside the recorded one.

What people did, and when, stays as the record has it; only what follows from the policy is counted anew. Each
recorded instant is first counted again under the policy of the time: where that gives the instant in the
record, its grounds are known and the other policy is applied to them. Where it does not (the stream was
written by other rules, or the policy bears on more than an allowance), the recorded days are moved by what
the two policies differ in, and the obligation is marked as estimated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from domain.agreement.events import Event
from domain.agreement.events.course import PlacementResumed
from domain.agreement.events.operations import ObligationAcknowledged, ObligationSnoozed, PolicyAdopted
from domain.agreement.events.people import PartyLeft, PartyWentOnLeave
from domain.agreement.state import Agreement, Party
from domain.decisions.draft import Draft, silent_at
from domain.decisions.suspension import after_hold, resume
from domain.kernel.model import Frozen, Instant
from domain.kernel.vocabulary import ObligationKind, Role, StallReason
from domain.ledger.ladder import OUTSIDE_THE_LADDER
from domain.ledger.obligation import MEETING_KINDS, Obligation, ObligationChanges, ObligationId, Rung
from domain.policy.policy_set import KindPolicy
from domain.scheduling.obligations import postpone_reminders
from domain.views.basis import Grounds


class Restated(Frozen):
    """An obligation under another policy."""

    obligation: Obligation
    estimated: bool
    """Moved by what the policies differ in, because its grounds could not be told from the record."""


class Restatement:
    """One agreement's open obligations and silence under another policy."""

    def __init__(self, policy: KindPolicy) -> None:
        self._policy = policy
        self.open: dict[ObligationId, Restated] = {}
        self.silent_at: Instant | None = None

    def follow(self, before: Agreement | None, after: Agreement, event: Event) -> None:
        """Takes one more event of the stream.

        Args:
            before: The recorded agreement before it; None for the proposal.
            after: The recorded agreement after it.
            event: What happened.
        """
        arranged, known = self._arranged(before, after, event)
        for settlement in event.ledger.settled:
            self.open.pop(settlement.obligation_id, None)
        counted = (*event.ledger.opened, *event.ledger.moved)
        fresh = self._restated(
            before, after, event, [each for each in counted if each.obligation_id not in arranged]
        )
        self.open.update({key: restated for key, restated in known.items() if key in after.obligations})
        self.open.update(fresh)
        if event.ledger.silent_at is not None:
            self.silent_at = self._silence(after, event, event.ledger.silent_at)

    def _arranged(
        self, before: Agreement | None, after: Agreement, event: Event
    ) -> tuple[frozenset[ObligationId], Mapping[ObligationId, Restated]]:
        """What needs no counting anew of what an event moves, and how it stands here after it.

        Another policy that is adopted moves nothing: here the same one has counted from the first day on.
        """
        moved = frozenset(each.obligation_id for each in event.ledger.moved)
        if before is None:
            return frozenset(), {}
        if isinstance(event, PolicyAdopted):
            return moved, {}
        rested = self._begun_again(before, after, event)
        if rested is not None:
            return moved, rested
        reminded = dict(self._reminded_otherwise(before, after, event))
        return moved & reminded.keys(), reminded

    def _reminded_otherwise(
        self, before: Agreement, after: Agreement, event: Event
    ) -> Iterator[tuple[ObligationId, Restated]]:
        """What keeps its days, and of which its owner is reminded later or not at all."""
        for moved in event.ledger.moved:
            key = moved.obligation_id
            if key not in self.open or not _keeps_its_days(before.obligations[key], moved, event):
                continue
            here = self.open[key].obligation
            reminded = (
                postpone_reminders(after, here, event.working_days, event.at)
                if isinstance(event, ObligationSnoozed)
                else here.climbing_no_further(event.at)
            )
            whose: ObligationChanges = {
                "owner_id": moved.owner_id,
                "stands_in_for": moved.stands_in_for,
                "reason": moved.reason,
            }
            yield (
                key,
                Restated(obligation=reminded.model_copy(update=whose), estimated=self.open[key].estimated),
            )

    def _other(self, agreement: Agreement) -> Agreement:
        """The agreement as it would be under the other policy."""
        ledger = {
            key: self.open[key].obligation if key in self.open else held
            for key, held in agreement.obligations.items()
        }
        return agreement.model_copy(update={"policy": self._policy, "obligations": ledger})

    def _restated(
        self, before: Agreement | None, after: Agreement, event: Event, obligations: Sequence[Obligation]
    ) -> Mapping[ObligationId, Restated]:
        if not obligations:
            return {}
        recorded = Grounds(before, after, event)
        other = Grounds(None if before is None else self._other(before), self._other(after), event)
        return {each.obligation_id: self._one(each, after, recorded, other) for each in obligations}

    def _one(self, held: Obligation, after: Agreement, recorded: Grounds, other: Grounds) -> Restated:
        if held.kind is ObligationKind.FORCED_CHOICE:
            return Restated(obligation=held, estimated=False)
        if not _same(recorded.counted(held), held):
            return Restated(obligation=self._moved(after, held), estimated=True)
        return Restated(obligation=_with_instants_of(held, other.counted(held)), estimated=False)

    def _begun_again(
        self, before: Agreement, after: Agreement, event: Event
    ) -> Mapping[ObligationId, Restated] | None:
        """What the end of a pause or a hold moves: under another policy, other obligations fell due in it.

        None where the event ends neither, or moved something else than today's rules would.
        """
        if not isinstance(event, PlacementResumed) and (after.held or not before.held):
            return None
        ledger = {key: before.obligations.get(key, held) for key, held in after.obligations.items()}
        unmoved = after.model_copy(update={"obligations": ledger})
        counted = {again.obligation_id: again for again in _after_a_rest(before, unmoved, event)}
        recorded = {moved.obligation_id: moved for moved in event.ledger.moved}
        if counted.keys() != recorded.keys() or any(
            not _same(again, recorded[key]) for key, again in counted.items()
        ):
            return None
        return {
            again.obligation_id: Restated(obligation=again, estimated=self._is_estimated(again.obligation_id))
            for again in _after_a_rest(self._other(before), self._other(unmoved), event)
        }

    def _is_estimated(self, key: ObligationId) -> bool:
        return key in self.open and self.open[key].estimated

    def _moved(self, agreement: Agreement, recorded: Obligation) -> Obligation:
        """The recorded days moved by what the allowances differ in, and the other policy's ladder."""
        calendar = agreement.calendar_of(recorded.owner_id)
        was, now = agreement.policy.allowance_of(recorded), self._policy.allowance_of(recorded)
        by_cadence = recorded.kind in MEETING_KINDS and not recorded.is_first_check_in
        later_due = 0 if by_cadence else now.due - was.due
        later_stalled = now.stalled - was.stalled
        due_at, stalled_at, ladder = recorded.due_at, recorded.stalled_at, recorded.ladder
        due_day = calendar.local_date(due_at)
        if later_due:
            due_day = calendar.working_day_from(due_day, later_due)
            due_at = calendar.closing_of(due_day)
        if later_stalled:
            day = calendar.working_day_from(calendar.local_date(stalled_at), later_stalled)
            stalled_at = calendar.closing_of(max(day, calendar.working_day_from(due_day, 1)))
        changed = later_due or self._policy.ladder != agreement.policy.ladder
        if changed and recorded.kind not in OUTSIDE_THE_LADDER:
            rungs = (
                Rung(
                    level=step.level,
                    at=calendar.opening_of(calendar.working_day_from(due_day, step.working_days)),
                )
                for step in self._policy.ladder
            )
            ladder = tuple(rung for rung in rungs if rung.at > recorded.opened_at)
        return recorded.model_copy(update={"due_at": due_at, "stalled_at": stalled_at, "ladder": ladder})

    def _silence(self, after: Agreement, event: Event, recorded: Instant) -> Instant:
        other = silent_at(self._other(after), event.at)
        as_recorded = silent_at(after, event.at)
        # Under other rules at the time: the record holds, moved by what the limits differ in.
        return other if as_recorded == recorded else recorded + (other - as_recorded)


def _keeps_its_days(before: Obligation, moved: Obligation, event: Event) -> bool:
    if isinstance(event, PartyWentOnLeave):
        flagged = moved.reason is StallReason.PARTY_ON_LEAVE_UNCOVERED
        return flagged and moved.owner_id == before.owner_id
    return isinstance(event, (PartyLeft, ObligationAcknowledged, ObligationSnoozed))


def _after_a_rest(before: Agreement, after: Agreement, event: Event) -> Iterable[Obligation]:
    if isinstance(event, PlacementResumed):
        draft = Draft(before, event.at, Party(role=Role.SYSTEM, person_id=before.mentee_id))
        resume(draft)
        return draft.events[0].ledger.moved
    return after_hold(before, after, event.at)


def _same(one: Obligation, other: Obligation) -> bool:
    return (one.due_at, one.stalled_at, one.ladder) == (other.due_at, other.stalled_at, other.ladder)


def _with_instants_of(recorded: Obligation, counted: Obligation) -> Obligation:
    instants: ObligationChanges = {
        "due_at": counted.due_at,
        "stalled_at": counted.stalled_at,
        "ladder": counted.ladder,
        "acts_by_itself_at": counted.acts_by_itself_at,
    }
    return recorded.model_copy(update=instants)
