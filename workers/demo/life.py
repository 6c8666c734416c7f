"""One placement lived by its cast: letters are answered when people would, and time passes between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from application.errors import UpdateRefusedError
from domain.agreement.commands import Command
from domain.agreement.state import Agreement
from domain.decisions.time_passing import next_instant
from domain.decisions.transitions import end_instant, start_instant
from domain.kernel.vocabulary import Kind, Phase
from domain.ledger.ledger import instants
from domain.ledger.obligation import Obligation
from domain.notifications.derive import TOLD_BY_THE_HEADS_UP
from domain.notifications.timing import first_slot
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import fold_recorded
from workers.demo.cast import answer
from workers.demo.response_times import answers_at
from workers.demo.scenes import Scene, scenes_in, silence_in

A_MOMENT = timedelta(seconds=20)
"""How far beyond an instant to go: time is skipped only once what came due at the instant is done."""
TOGETHER = timedelta(hours=3)
"""People who would act within so short a time act at once: each step of the clock costs the demonstration."""
A_DAY = timedelta(days=1)


class World(Protocol):
    """Where a placement is lived: the running agreement, its clock and its letters."""

    async def now(self) -> datetime:
        """The agreement's own time."""
        ...

    async def pass_time(self, until: datetime) -> None:
        """Lets the agreement's own time run to an instant."""
        ...

    async def give(self, command: Command) -> None:
        """Gives a command.

        Raises:
            UpdateRefusedError: A rule forbids it.
        """
        ...

    async def events_after(self, version: int) -> Sequence[RecordedEvent]:
        """What has happened since a version of the stream."""
        ...

    def asked_at(self, owed: Obligation, readers: Sequence[str]) -> datetime | None:
        """When one of these readers got a letter that asks for what is owed; None where none did."""
        ...

    async def until_asked(self, owed: Obligation, readers: Sequence[str]) -> bool:
        """Waits for a letter that is on its way; whether it came."""
        ...

    async def until_over(self) -> None:
        """Waits until a closed agreement has sent its last letters."""
        ...


class Watcher(Protocol):
    """Is told what happens in a life."""

    def at(self, life: Life) -> None:
        """Time has passed, or something has happened."""
        ...

    def happened(self, life: Life, event: RecordedEvent) -> None:
        """Something is in the record."""
        ...

    def refused(self, life: Life, command: Command, sentence: str) -> None:
        """A rule forbade what somebody tried."""
        ...

    def fell_silent(self, life: Life, person_id: str) -> None:
        """Somebody reads no letters any more."""
        ...

    async def looks_at_the_queue(self, life: Life) -> None:
        """An operator is about to act on what is stalled."""
        ...


class _Intention(NamedTuple):
    """Somebody is going to answer what they owe."""

    at: datetime
    owed: Obligation
    command: Command


class Life:
    """Plays one agreement from its proposal to its close.

    Args:
        agreement_id: The agreement; it has been placed.
        kind: What sort of placement it is.
        world: Where it is lived.
        watcher: Who looks on.
    """

    def __init__(self, agreement_id: str, kind: Kind, world: World, watcher: Watcher) -> None:
        self.agreement_id = agreement_id
        self.kind = kind
        self.now = datetime.now(UTC)
        """The agreement's own time when it was last looked at."""
        self.commands = 0
        """Commands that were accepted."""
        self.refusals: list[tuple[Command, str]] = []
        """What a rule was to forbid and did, with its sentence."""
        self.surprises: list[str] = []
        """What did not go as the cast expected."""
        self._world = world
        self._watcher = watcher
        self._agreement: Agreement | None = None
        self._scenes = list(scenes_in(self.kind))
        self._silence = silence_in(self.kind)
        self._silent: str | None = None
        self._postponed: dict[str, datetime] = {}
        self._lost_letters: set[tuple[str, datetime]] = set()

    @property
    def agreement(self) -> Agreement:
        """As the record has it.

        Raises:
            RuntimeError: It has not begun to play.
        """
        if self._agreement is None:
            raise RuntimeError(f"{self.agreement_id} has not begun")
        return self._agreement

    async def play(self) -> None:
        """Lives the placement until it is closed."""
        await self._catch_up()
        while not self.agreement.closed:
            await self._read_the_mail()
            if not await self._act():
                await self._world.pass_time(self._next_moment() + A_MOMENT)
            await self._catch_up()
        await self._world.until_over()

    async def _catch_up(self) -> None:
        version = 0 if self._agreement is None else self._agreement.version
        for event in await self._world.events_after(version):
            self._agreement = fold_recorded((event,), self._agreement)
            self._watcher.happened(self, event)
        self.now = await self._world.now()
        self._fall_silent()
        self._watcher.at(self)

    def _fall_silent(self) -> None:
        begins = None if self._silence is None else self._silence.begins(self.agreement)
        if self._silence is not None and self._silent is None and begins is not None and begins <= self.now:
            self._silent = self.agreement.holder(self._silence.role).person_id
            self._watcher.fell_silent(self, self._silent)

    # Letters.

    async def _read_the_mail(self) -> None:
        """Waits for letters that are to be answered now, and may still be on their way."""
        expected = [
            each.owed
            for each in self._intentions()
            if each.at <= self.now and self._asked_at(each.owed) is None
        ]
        arrived = await asyncio.gather(
            *(self._world.until_asked(owed, self._readers(owed)) for owed in expected)
        )
        self._lost_letters.update(
            (owed.obligation_id, owed.opened_at)
            for owed, came in zip(expected, arrived, strict=True)
            if not came
        )

    def _is_lost(self, owed: Obligation) -> bool:
        """Whether a letter was waited for in vain; another may follow, such as a reminder."""
        return self._asked_at(owed) is None and (owed.obligation_id, owed.opened_at) in self._lost_letters

    def _leaves_at(self, owed: Obligation) -> datetime:
        """An invite leaves at once, a heads-up some days before, any other letter in working hours."""
        if owed.starts_at is not None:
            return owed.opened_at
        if owed.kind in TOLD_BY_THE_HEADS_UP:
            at = min((rung.at for rung in owed.ladder), default=owed.due_at)
            return first_slot(self.agreement.calendar_of(owed.owner_id), at)
        return self.agreement.calendar_of(owed.owner_id).next_working_moment(owed.opened_at)

    def _owed(self) -> list[Obligation]:
        """What those who read their mail owe, the one due first in front; nothing while all rests."""
        if self.agreement.paused_until is not None:
            return []
        owed = (held for held in self.agreement.obligations.values() if held.owner_id != self._silent)
        return sorted(owed, key=lambda held: (held.due_at, held.obligation_id))

    def _readers(self, owed: Obligation) -> list[str]:
        """The owner, and the delegate, who passes on what arrives while the owner is away."""
        delegate = self.agreement.calendar_of(owed.owner_id).delegate_id
        return [owed.owner_id] if delegate is None else [owed.owner_id, delegate]

    def _asked_at(self, owed: Obligation) -> datetime | None:
        return self._world.asked_at(owed, self._readers(owed))

    # What people do.

    def _intentions(self) -> Iterator[_Intention]:
        """What people are going to answer, and when, those included who are yet to be asked."""
        agreement = self.agreement
        for owed in self._owed():
            # A letter that is not there yet will have arrived by the time at which it is answered.
            asked_at = self._asked_at(owed) or self._leaves_at(owed)
            command = answer(owed, agreement.terms, agreement.terms_version, agreement.synthesis_versions)
            if command is None or command.actor_id == self._silent or self._is_lost(owed):
                continue
            at = answers_at(owed, asked_at, command.actor_id, agreement)
            yield _Intention(max(at, self._postponed.get(owed.obligation_id, at)), owed, command)

    def _comes_at(self, scene: Scene) -> datetime | None:
        return None if self.agreement.paused_until is not None else scene.when(self.agreement)

    async def _act(self) -> bool:
        """Does what people do about now; whether anybody did anything."""
        answers = [each for each in self._intentions() if each.at <= self.now]
        await asyncio.gather(*(self._answer(each) for each in answers))
        if answers:
            return True
        for scene in self._scenes:
            at = self._comes_at(scene)
            if at is not None and at <= self.now:
                self._scenes.remove(scene)
                await self._play_scene(scene)
                return True
        return False

    async def _answer(self, intention: _Intention) -> None:
        try:
            await self._world.give(intention.command)
        except UpdateRefusedError as refused:
            self.surprises.append(f"{intention.command.type} by {intention.command.actor_id}: {refused}")
            calendar = self.agreement.calendar_of(intention.command.actor_id)
            later = calendar.next_working_moment(self.now + A_DAY)
            self._postponed[intention.owed.obligation_id] = later
        else:
            self.commands += 1

    async def _play_scene(self, scene: Scene) -> None:
        if scene.from_the_queue:
            await self._watcher.looks_at_the_queue(self)
        command = scene.command(self.agreement)
        try:
            await self._world.give(command)
        except UpdateRefusedError as refused:
            if scene.is_refused:
                self.refusals.append((command, refused.sentence))
                self._watcher.refused(self, command, refused.sentence)
            else:
                self.surprises.append(f"{command.type} by {command.actor_id}: {refused}")
        else:
            self.commands += 1
            if scene.is_refused:
                self.surprises.append(f"{command.type} by {command.actor_id} was accepted")

    # Time.

    def _next_moment(self) -> datetime:
        """When somebody next acts, a letter leaves, or the agreement changes by itself in a way that matters.

        People who would act within a short time of one another act together at the end of it.
        """
        acts = sorted(each.at for each in self._intentions())
        others = [at for at in self._moments() if at > self.now]
        first = min([*acts[:1], *others], default=None) or next_instant(self.agreement, self.now)
        if first is None:
            raise RuntimeError(f"{self.agreement_id} waits on nothing at {self.now:%Y-%m-%d %H:%M} UTC")
        latest = min([first + TOGETHER, *others])
        return max([first, *(at for at in acts if at <= latest)])

    def _moments(self) -> Iterator[datetime]:
        agreement = self.agreement
        if agreement.paused_until is not None:
            yield agreement.paused_until
            return
        if agreement.phase is Phase.AGREEMENT and agreement.concluded_at is not None:
            yield start_instant(agreement)
        if agreement.phase is Phase.ACTIVE:
            yield end_instant(agreement)
        for scene in self._scenes:
            if (at := scene.when(agreement)) is not None:
                yield at
        if self._silence is not None and self._silent is None and (begins := self._silence.begins(agreement)):
            yield begins
        for held in agreement.obligations.values():
            if held.owner_id == self._silent:
                yield from instants(held)
            elif self._is_lost(held):
                yield from (rung.at for rung in held.ladder)
