"""What the instants of an obligation were counted from: its anchor day, its allowance and its bounds.

An obligation carries instants and not where they came from. Both can be told again from the agreement as the
event left it, which is what an explanation names and what a policy replay counts anew.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property

from domain.agreement.events import Event
from domain.agreement.events.ending import PlacementEnded
from domain.agreement.events.meetings import MeetingRescheduled
from domain.agreement.events.operations import PlacementHeld, PolicyAdopted
from domain.agreement.events.people import CalendarReadAgain, PartyCameBack, PartyWentOnLeave, RoleReassigned
from domain.agreement.state import Agreement, Party
from domain.decisions.planning import cadence_days, days_agreed, planned
from domain.kernel.calendar import Calendar
from domain.kernel.vocabulary import ObligationKind, Phase
from domain.kinds import KINDS
from domain.ledger.obligation import MEETING_KINDS, Obligation, ObligationId
from domain.policy.policy_set import Allowance
from domain.scheduling.obligations import NewObligation, inherent_reason, open_obligation, reopen_obligation
from domain.scheduling.under_policy import basis_under, recalculate_obligation

COUNTED_FROM_THE_LAST_DAY = frozenset({ObligationKind.DEBRIEF, ObligationKind.SYNTHESIS})
"""What is owed about the placement as a whole, however late it is asked for."""

BEGIN_AGAIN = (RoleReassigned, CalendarReadAgain, PartyWentOnLeave, PartyCameBack)
"""Events by which an obligation begins again where it stood, in whosever calendar it is then."""


def _owner(obligation: Obligation) -> Party:
    return Party(role=obligation.owner_role, person_id=obligation.principal_id)


class Grounds:
    """What one event's obligations were counted from.

    Args:
        before: The agreement before the event; None for the proposal.
        after: The agreement after it.
        event: What happened.
    """

    def __init__(self, before: Agreement | None, after: Agreement, event: Event) -> None:
        self._before = before
        self._after = after
        self._event = event

    def counted(self, obligation: Obligation) -> Obligation:
        """The obligation with its instants counted again from its grounds, under the policy of `after`.

        The same instants as it carries, where its grounds are what they are taken to be.
        """
        previous = None if self._before is None else self._before.obligations.get(obligation.obligation_id)
        if isinstance(self._event, BEGIN_AGAIN) and previous is not None:
            previous = previous.model_copy(update={"owner_role": obligation.owner_role})
            return reopen_obligation(self._after, previous, obligation.principal_id, self._event.at)
        if isinstance(self._event, PolicyAdopted) and self._before is not None and previous is not None:
            return recalculate_obligation(
                self._before.policy,
                self._after,
                previous,
                self._event.at,
                keeps_its_day=previous.obligation_id in days_agreed(self._before),
            )
        counted = open_obligation(self._after, self.of(obligation), self._event.at)
        if isinstance(self._event, MeetingRescheduled):
            late = max(counted.due_at, self._event.starts_at)
            return counted.model_copy(update={"due_at": late})
        return counted

    def of(self, obligation: Obligation) -> NewObligation:
        """The anchor, allowance and bounds that an obligation was opened or moved with."""
        before, key = self._before, obligation.obligation_id
        if isinstance(self._event, PolicyAdopted) and before is not None and key in before.obligations:
            return basis_under(
                before.policy,
                self._after,
                before.obligations[key],
                keeps_its_day=key in days_agreed(before),
            )
        asked = self._asked.get(key)
        if asked is not None:
            return asked.model_copy(update={"owner": _owner(obligation)})
        return self._beside_the_plan(obligation)

    def are_known_of(self, obligation: Obligation) -> bool:
        """Whether counting from its grounds gives the instants that it carries.

        Not where it was begun again (by a successor or a stand-in, or after a rest): its dates then rest on
        those before.
        """
        again = self._before is not None and obligation.obligation_id in self._before.obligations
        if isinstance(self._event, BEGIN_AGAIN) and again:
            return False
        counted = self.counted(obligation)
        return (counted.due_at, counted.stalled_at) == (obligation.due_at, obligation.stalled_at)

    @cached_property
    def _asked(self) -> dict[ObligationId, NewObligation]:
        """What the plan asks for after the event, or what it asks for at the end."""
        asked = list(planned(self._after))
        if isinstance(self._event, PlacementEnded) and self._before is not None:
            asked += KINDS[self._after.kind].owed_at_end(self._before)
        return {owed.obligation_id: owed for owed in asked}

    def _beside_the_plan(self, obligation: Obligation) -> NewObligation:
        agreement = self._after
        owed = NewObligation(
            kind=obligation.kind,
            subject=obligation.subject,
            owner=_owner(obligation),
            reason=inherent_reason(obligation),
            starts_at=obligation.starts_at,
        )
        changes: dict[str, object] = {}
        if obligation.kind in MEETING_KINDS:
            changes = self._meeting(obligation)
        elif obligation.kind is ObligationKind.SIGNATURE and agreement.phase is Phase.AGREEMENT:
            calendar = agreement.calendar_of(obligation.owner_id)
            before_start = agreement.policy.signature_before_start
            changes = {"stalls_by": calendar.working_day_from(agreement.starts_on, -before_start)}
        elif isinstance(self._event, PlacementHeld) and obligation.kind is ObligationKind.HOLD_REVIEW:
            changes = {"anchor": self._event.review_on}
        elif obligation.kind in COUNTED_FROM_THE_LAST_DAY:
            changes = {"anchor": agreement.ends_on}
        return KINDS[agreement.kind].counted_from(agreement, owed.model_copy(update=changes))

    def _meeting(self, obligation: Obligation) -> dict[str, object]:
        """A meeting is anchored to its own day; the first check-in to the start."""
        agreement, policy = self._after, self._after.policy
        calendar = agreement.calendar_of(obligation.owner_id)
        by_itself = obligation.acts_by_itself_at is not None
        changes: dict[str, object] = {"missed_after": policy.missed_after if by_itself else None}
        if isinstance(self._event, MeetingRescheduled):
            return {**changes, "anchor": calendar.local_date(self._event.starts_at)}
        if obligation.is_first_check_in:
            first = policy.first_meeting
            allowance = Allowance(due=0, stalled=first.stalled - first.due)
            day = self._first_day(calendar, first)
            return {**changes, "anchor": day, "allowance": allowance}
        allowance = Allowance(due=0, stalled=policy.allowance_for(obligation.kind).stalled)
        return {**changes, "anchor": calendar.local_date(obligation.due_at), "allowance": allowance}

    def _first_day(self, calendar: Calendar, first: Allowance) -> date:
        agreement = self._after
        cadence = timedelta(days=cadence_days(agreement, ObligationKind.CHECK_IN))
        day = min(agreement.starts_on + cadence, calendar.working_day_from(agreement.starts_on, first.due))
        return max(
            calendar.working_day_from(day, 0),
            calendar.working_day_from(calendar.local_date(self._event.at), 1),
        )
