"""The people of one agreement: they play it from request to close, whatever is broken at the moment."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from application.config.policy_sets import KnownPolicies
from application.placements.intake import Intake, Placed, Submission
from application.temporal.starter import Starter
from application.temporal.status_query import query_workflow
from domain.agreement.commands import COMMANDS, Command
from domain.agreement.state import Agreement
from domain.decisions.time_passing import next_instant
from domain.decisions.transitions import end_instant, start_instant
from domain.kernel.vocabulary import Kind, ObligationKind, Phase
from domain.ledger.obligation import Obligation
from domain.stream.serialization import fold_recorded
from domain.terms import Terms
from domain.views.status import StatusView, status_view
from tests.chaos.courier import PATIENCE, Courier
from tests.chaos.notes import Fate, Notes, Standing
from tests.chaos.schedule import Plan
from tests.chaos.surroundings import TASK_QUEUE, NotYetError, Surroundings, patiently
from workers.demo.cast import answer
from workers.demo.examples import read_request
from workflows.contract import STATUS_QUERY

JUST_BEFORE_DUE = timedelta(hours=30)
"""How long before a due instant people do what takes time; the rest they do once they are asked."""
DONE_WHEN_ASKED = frozenset(
    {
        ObligationKind.SIGNATURE,
        ObligationKind.ANNEX_SIGNATURE,
        ObligationKind.MILESTONE_VERIFICATION,
        ObligationKind.FEEDBACK,
        ObligationKind.SESSION_DEBRIEF,
    }
)
LATER = timedelta(hours=20)
"""When somebody who was refused tries again."""
A_CROWD = 10
"""Updates in flight on one agreement: as many as Temporal allows."""
A_MOMENT = timedelta(minutes=1)
"""Clocks of one machine are not further apart."""
MOST_STEPS = 2000
"""Beyond any life: an agreement that does not move is said to, instead of being waited for."""
UNTIL_LETTERS_ARE_GIVEN_UP = timedelta(days=4)


class Actors:
    """Plays one agreement.

    Args:
        around: Where it is played.
        kind: What sort of placement.
        request_id: Of a request of its own.
        plan: What they do beyond their duty is drawn from its seed.
        notes: Where answers and observations are noted.
    """

    def __init__(self, around: Surroundings, kind: Kind, request_id: str, plan: Plan, notes: Notes) -> None:
        self._around = around
        self._request = {**read_request(kind, datetime.now(UTC).date()), "request_id": request_id}
        self._dice = random.Random(f"{request_id} of {plan.seed}")
        self._notes = notes
        self._agreement: Agreement | None = None
        self._not_before: dict[str, datetime] = {}
        self._attempts: dict[str, int] = {}
        self._open_questions: dict[str, Command] = {}
        self._delivered: list[Command] = []
        self._made = 0
        self._haste = plan.haste
        self._crowds_to_come = 1 + self._dice.randrange(2)
        self._latest = datetime.now(UTC)
        self.agreement_id = ""

    async def play(self) -> None:
        """From the request to the end of the workflow.

        Raises:
            AssertionError: The agreement does not move.
            TimeoutError: Nobody answers for minutes.
        """
        self.agreement_id = await self._place()
        self._courier = Courier(self._around.client, self.agreement_id, self._notes)
        for _ in range(MOST_STEPS):
            agreement = await self._fold()
            if agreement.closed:
                break
            if self._dice.random() < 0.1:
                await self._compare()
            if await self._answer_what_is_owed(agreement):
                continue
            await self._do_what_nobody_asked_for(agreement)
            await self._pass_time(agreement)
        else:
            raise AssertionError(f"{self.agreement_id} is not closed after {MOST_STEPS} steps")
        await self._until_over()
        await self._compare()

    # The request.

    async def _place(self) -> str:
        intake = Intake(
            self._around.event_store,
            self._around.directory,
            Starter(self._around.client, TASK_QUEUE),
            KnownPolicies.built_in(),
        )

        async def once() -> Placed:
            checked = await intake.check([Submission("", self._request)], allow_overlap=True)
            if checked.problems:
                raise AssertionError("; ".join(str(problem) for problem in checked.problems))
            (placed,) = await intake.place(checked, patience=PATIENCE)
            return placed

        while True:
            # The request arrives twice, as over a connection that breaks before the answer.
            placed = await asyncio.gather(patiently(once), patiently(once))
            confirmed = [each for each in placed if each.outcome != "unconfirmed"]
            if confirmed:
                self._notes.placed.add(confirmed[0].agreement_id)
                return confirmed[0].agreement_id

    # What is owed.

    async def _fold(self) -> Agreement:
        known = 0 if self._agreement is None else self._agreement.version
        rows = await patiently(lambda: self._around.event_store.stream(self.agreement_id, known))
        folded = fold_recorded(rows, self._agreement)
        assert folded is not None, f"{self.agreement_id} was confirmed and is not in the record"
        self._agreement = folded
        return folded

    async def _answer_what_is_owed(self, agreement: Agreement) -> bool:
        """Everybody answers at once, in no order; whether anything came of it."""
        now = await self._now()
        commands = [
            command
            for owed in _owed(agreement, now)
            if (command := self._command(owed, agreement, now)) is not None
        ]
        self._dice.shuffle(commands)
        fates = await asyncio.gather(*(self._send(command) for command in commands))
        return Fate.ACKNOWLEDGED in fates

    def _command(self, owed: Obligation, agreement: Agreement, now: datetime) -> Command | None:
        if self._not_before.get(owed.obligation_id, now) > now:
            return None
        unanswered = self._open_questions.pop(owed.obligation_id, None)
        if unanswered is not None and self._dice.random() < 0.5:
            return unanswered
        command = answer(owed, agreement.terms, agreement.terms_version, agreement.synthesis_versions)
        if command is None:
            return None
        # A command that was refused is done with: another attempt is another command.
        attempt = self._attempts[owed.obligation_id] = self._attempts.get(owed.obligation_id, 0) + 1
        command = command.model_copy(update={"command_id": f"{command.command_id}/{attempt}"})
        self._open_questions[owed.obligation_id] = command
        self._not_before[owed.obligation_id] = now + LATER
        return command

    async def _send(self, command: Command) -> Fate:
        await asyncio.sleep(self._dice.uniform(0, 0.1))
        self._delivered.append(command)
        chance = self._dice.random()
        if chance < 0.15:
            return await self._courier.deliver(command, hangs_up_after=self._dice.uniform(0, 0.2))
        if chance < 0.55:
            return await self._courier.deliver_twice(command)
        return await self._courier.deliver(command)

    # What happens besides.

    async def _do_what_nobody_asked_for(self, agreement: Agreement) -> None:
        await self._deliver_again(self._dice.sample(self._delivered, min(3, len(self._delivered))))
        if agreement.phase is not Phase.ACTIVE or agreement.paused_until is not None:
            return
        if self._crowds_to_come and self._dice.random() < 0.3:
            self._crowds_to_come -= 1
            self._notes.crowds += 1
            await asyncio.gather(*(self._send_once(self._feedback(agreement.terms)) for _ in range(A_CROWD)))
        if self._dice.random() < 0.1:
            await self._courier.deliver_twice(self._feedback(agreement.terms, actor_id="P-stranger"))
        if self._dice.random() < 0.1:
            feedback = self._feedback(agreement.terms)
            if await self._send_once(feedback) is Fate.ACKNOWLEDGED:
                await self._courier.deliver_altered(feedback.model_copy(update={"effect": "Another."}))

    async def _deliver_again(self, commands: Sequence[Command]) -> None:
        """Deliveries that come late and out of their order."""
        await asyncio.gather(
            *(self._courier.deliver(each, as_another=self._dice.random() < 0.7) for each in commands)
        )

    async def _send_once(self, command: Command) -> Fate:
        self._delivered.append(command)
        return await self._courier.deliver(command)

    def _feedback(self, terms: Terms, actor_id: str | None = None) -> Command:
        self._made += 1
        return COMMANDS["give_feedback"].model_validate(
            {
                "command_id": f"feedback/{self._made}",
                "actor_id": actor_id or terms.mentor,
                "receiver_id": terms.mentee,
                "behaviour": "You opened with the open decisions.",
                "effect": "We settled two of them.",
                "next_step": "Send them round a day before.",
                "anchor": {"kind": "criterion", "reference": terms.success_criteria[0].criterion_id},
                "tone": "praise",
            }
        )

    # Time.

    async def _now(self) -> datetime:
        """Where its workflow is in time. One that began again from its record is brought to where it was."""
        handle = self._around.client.get_workflow_handle(self.agreement_id)
        now = await patiently(lambda: self._around.skipper.get_current_time(handle))
        if now < self._latest - A_MOMENT and await self._fast_forward(self._latest):
            now = await patiently(lambda: self._around.skipper.get_current_time(handle))
        self._latest = max(self._latest, now)
        return now

    async def _pass_time(self, agreement: Agreement) -> None:
        now = await self._now()
        until = min((at for at in self._moments(agreement) if at > now), default=next_instant(agreement, now))
        if until is None:
            await self._wait_for_what_has_come(agreement, now)
            return
        if agreement.phase is Phase.ACTIVE and self._dice.random() < self._haste:
            self._notes.leaps += 1
            until = max(until, now + timedelta(days=self._dice.randrange(15, 45)))
        await self._fast_forward(until + timedelta(seconds=1))

    async def _wait_for_what_has_come(self, agreement: Agreement, now: datetime) -> None:
        """Waits for what time has brought and nobody could write down yet."""

        async def moved() -> bool:
            if await self._around.event_store.stream(self.agreement_id, agreement.version):
                return True
            raise NotYetError(f"{self.agreement_id} waits on nothing at {now}")

        await patiently(moved)

    def _moments(self, agreement: Agreement) -> Iterable[datetime]:
        """When somebody acts again, or the phase changes by its date."""
        if agreement.paused_until is not None:
            yield agreement.paused_until
        if agreement.phase is Phase.AGREEMENT and agreement.concluded_at is not None:
            yield start_instant(agreement)
        if agreement.phase is Phase.ACTIVE:
            yield end_instant(agreement)
        for owed in agreement.obligations.values():
            ready = owed.opened_at if owed.kind in DONE_WHEN_ASKED else owed.due_at - JUST_BEFORE_DUE
            yield max(ready, self._not_before.get(owed.obligation_id, ready))

    async def _fast_forward(self, until: datetime) -> bool:
        """Lets the agreement's own time run; whether its workflow still runs then."""
        handle = self._around.client.get_workflow_handle(self.agreement_id)

        async def once() -> bool:
            try:
                left = until - await self._around.skipper.get_current_time(handle)
                if left <= timedelta() or await self._around.skipper.fast_forward(handle, left):
                    return True
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
            except RuntimeError as error:
                # The run that was to be brought forward is gone, and another one knows nothing of it.
                raise NotYetError(str(error)) from error
            if await self._is_over():
                return False
            raise NotYetError(f"{self.agreement_id} has no workflow, and is to have one")

        return await patiently(once)

    async def _until_over(self) -> None:
        """Lets the last letters leave, however often they have to be tried."""
        handle = self._around.client.get_workflow_handle(self.agreement_id)
        while await self._fast_forward(await self._now() + UNTIL_LETTERS_ARE_GIVEN_UP):
            pass
        if self._around.lost_temporal and await self._is_over():
            # A Temporal that forgot everything knows of no workflow that had ended before.
            return
        described = await patiently(handle.describe)
        assert described.status is WorkflowExecutionStatus.COMPLETED, (
            f"{self.agreement_id}: {described.status}"
        )

    async def _is_over(self) -> bool:
        """Whether, by the record, there is nothing left for its workflow to do."""
        agreement = await self._fold()
        return agreement.closed and not await patiently(
            lambda: self._around.event_store.notices.undelivered(self.agreement_id)
        )

    async def _compare(self) -> None:
        """Notes what the workflow says of itself, beside what its stream says."""
        if self._around.lost_temporal and await self._is_over():
            return
        said = await patiently(
            lambda: query_workflow(self._around.client, self.agreement_id, STATUS_QUERY, StatusView)
        )
        rows = await patiently(lambda: self._around.event_store.stream(self.agreement_id))
        folded = fold_recorded(rows[: said.version])
        told = "" if folded is None else status_view(folded, said.as_of).model_dump_json()
        self._notes.standings.append(Standing(self.agreement_id, said.version, said.model_dump_json(), told))


def _owed(agreement: Agreement, now: datetime) -> list[Obligation]:
    """What people answer about now."""
    if agreement.paused_until is not None:
        return []
    return [
        owed
        for owed in agreement.obligations.values()
        if owed.kind in DONE_WHEN_ASKED or owed.due_at - now <= JUST_BEFORE_DUE
    ]
