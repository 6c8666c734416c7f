"""Placements to decide about: an example request, and a life that is lived command by command."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import count
from typing import Any

import pytest

from domain.agreement.commands import COMMANDS, Command, ProposeAgreement
from domain.agreement.commands.time import LetTimePass
from domain.agreement.evolve import fold
from domain.agreement.state import Agreement
from domain.decisions.areas.forming import parties_of
from domain.decisions.decide import acting_role, decide, newcomers
from domain.decisions.time_passing import next_instant
from domain.kernel.calendar import Calendar, Leave, UtcOffset
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.vocabulary import Kind, Phase, Role
from domain.ledger.obligation import Obligation
from domain.policy import choice as policy_choice
from domain.policy.policy_set import DEFAULT, Allowance, PolicySet
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import to_new_event
from domain.terms import Terms
from domain.terms.requests import split
from domain.views.health import oldest_first
from tests.fixtures.paths import EXAMPLES, SCRIPTS
from workers.demo.cast import answer

EVERY_WEEKDAY = Calendar(
    time_zone="UTC",
    utc_offsets=(UtcOffset(since=datetime(2000, 1, 1, tzinfo=UTC), seconds=0),),
    working_weekdays=(1, 2, 3, 4, 5),
    opens=time(9),
    closes=time(17),
    holiday_calendar="none",
    holidays=(),
    covers_until=date(2100, 1, 1),
    source="test",
)


class Life:
    """One agreement, its stream as the record would hold it, and the present."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.now = terms.approved_at + timedelta(hours=1)
        self.rows: list[RecordedEvent] = []
        self.accepted: set[str] = set()
        self.operators = {"OP-1"}
        """Who is established to be one, whatever a command says."""
        self.known: dict[str, Calendar] = {}
        """Calendars that are read from here on; everybody else works every weekday."""
        self._state: Agreement | None = None
        self._ids = count(1)
        self.propose(self.calendars_of(party.person_id for party in parties_of(terms)))

    def propose(self, calendars: Mapping[str, Calendar]) -> None:
        """Begins, or begins again, with these calendars."""
        self.rows, self._state = [], None
        self.take(
            ProposeAgreement(
                command_id="propose",
                actor_id=self.terms.approved_by,
                agreement_id=f"{self.terms.tenant}.{self.terms.request_id}",
                terms=self.terms,
            ),
            calendars,
        )

    @property
    def agreement(self) -> Agreement:
        """As it stands."""
        assert self._state is not None
        return self._state

    def give(self, name: str, actor_id: str, **fields: Any) -> list[str]:  # noqa: ANN401  as a command has them
        """Gives a command now, as JSON would; answers with the types of the events."""
        raw = {"command_id": f"c{next(self._ids)}", "actor_id": actor_id, **fields}
        return self.take(COMMANDS[name].model_validate_json(json.dumps(raw)))

    def by(self, who: str, name: str, **fields: Any) -> list[str]:  # noqa: ANN401  as a command has them
        """Gives a command by whoever holds a role first, by `operator`, or by a person's id."""
        if who == "operator":
            return self.give(name, "OP-1", acting_as="operator", **fields)
        actor = self.agreement.holding(Role(who))[0].person_id if who in set(Role) else who
        return self.give(name, actor, **fields)

    def refusal(self, who: str, name: str, **fields: Any) -> Refused:  # noqa: ANN401  as a command has them
        """The refusal of a command that must not be accepted."""
        with pytest.raises(Refused) as refused:
            self.by(who, name, **fields)
        return refused.value

    def wait(self, *, until: datetime | None = None, days: int = 0) -> None:
        """Lets time pass with nobody doing anything, waking at each instant as a workflow does."""
        end = until or self.now + timedelta(days=days)
        while (upcoming := next_instant(self.agreement, self.now)) is not None and upcoming <= end:
            self.now = upcoming
            self.take(LetTimePass(command_id=f"t{next(self._ids)}", actor_id="system"))
        self.now = end

    def play(self, script: list[dict[str, Any]]) -> None:
        """Lives by a script: what people do, stretches lived as a cast would, days on which nobody acts."""
        for step in script:
            fields = dict(step)
            match fields:
                case {"live": phase}:
                    self.live(lambda agreement, phase=phase: agreement.phase == phase, patient=True)
                case {"away": person, "for": days}:
                    self.away(person, days, delegate=fields.get("delegate"))
                case {"days": days}:
                    self.wait(days=days)
                case {"answer": obligation_id}:
                    self.answer(obligation_id)
                case _:
                    if "terms" in fields:
                        fields["terms"] = {**self.terms.model_dump(mode="json"), **fields["terms"]}
                    self.by(fields.pop("who"), fields.pop("give"), **fields)

    def away(self, person: str, days: int, *, after: int = 0, delegate: str | None = None) -> list[str]:
        """Enters a leave of so many days that begins in so many, and reads the calendar again."""
        self.knows_of_leave(person, days=days, after=after, delegate=delegate)
        return self.by("operator", "read_calendar_again", person_id=person, reason="On leave.")

    def knows_of_leave(self, person: str, *, days: int, after: int = 0, delegate: str | None = None) -> None:
        """Enters a leave in the directory, where the agreement has not read it yet."""
        first = self.agreement.local_date(self.now) + timedelta(days=after)
        leave = Leave(first=first, last=first + timedelta(days=days - 1))
        self.known[person] = EVERY_WEEKDAY.model_copy(update={"leave": (leave,), "delegate_id": delegate})

    def calendars_of(self, people: Iterable[str]) -> dict[str, Calendar]:
        """As the directory gives them: with everybody who may stand in."""
        found: dict[str, Calendar] = {}
        asked = list(people)
        while asked:
            person = asked.pop()
            found[person] = self.known.get(person, EVERY_WEEKDAY)
            delegate = found[person].delegate_id
            if delegate is not None and delegate not in found:
                asked.append(delegate)
        return found

    def _try(self, command: Command, *, patient: bool) -> None:
        try:
            self.take(command)
        except Refused as refused:
            if not patient or refused.code is not RefusalCode.OUT_OF_ORDER:
                raise

    def answer(self, obligation_id: str) -> None:
        """Whoever owes this gives it now."""
        command = self._answer_to(self.agreement.obligations[obligation_id])
        assert command is not None
        self.take(command)

    def _answer_to(self, owed: Obligation) -> Command | None:
        agreement = self.agreement
        return answer(owed, agreement.terms, agreement.terms_version, max(1, agreement.synthesis_versions))

    def live(
        self,
        until: Callable[[Agreement], bool],
        answers: Callable[[Obligation], bool] = lambda _: True,
        *,
        patient: bool = False,
    ) -> None:
        """Answers what is owed as a believable cast would, and lets time pass, until something is so.

        A patient cast tries again later where something else has to come first.
        """
        while not until(self.agreement):
            for owed in filter(answers, oldest_first(self.agreement)):
                if until(self.agreement) or owed.obligation_id not in self.agreement.obligations:
                    continue
                command = self._answer_to(owed)
                if command is not None and self._is_time_for(owed):
                    self._try(command, patient=patient)
            if until(self.agreement):
                return
            upcoming = next_instant(self.agreement, self.now)
            assert upcoming is not None, "nothing more will happen by itself"
            self.now = upcoming
            self.take(LetTimePass(command_id=f"t{next(self._ids)}", actor_id="system"))

    def _is_time_for(self, owed: Obligation) -> bool:
        if owed.starts_at is not None:
            return owed.starts_at <= self.now
        legs = {leg.leg_id: leg for leg in getattr(self.agreement.terms, "legs", ())}
        leg = legs.get(owed.subject) if owed.kind == "leg_start" else None
        return leg is None or self.agreement.local_date(self.now) >= leg.starts_on

    def take(self, command: Command, calendars: Mapping[str, Calendar] | None = None) -> list[str]:
        """Decides about a command now and appends what follows; answers with the types of the events."""
        before = self._state
        brought_in = newcomers(before, command) if before is not None else ()
        is_operator = command.actor_id in self.operators
        known = calendars or self.calendars_of(brought_in)
        events = decide(before, command, self.now, known, is_operator=is_operator)
        self.accepted.add(command.type)
        role = acting_role(before, command, is_operator=is_operator)
        for event in events:
            new = to_new_event(event, f"e{len(self.rows) + 1}")
            self.rows.append(
                RecordedEvent(
                    **new.model_dump(),
                    agreement_id=f"{self.terms.tenant}.{self.terms.request_id}",
                    version=len(self.rows) + 1,
                    occurred_at=event.at,
                    recorded_at=event.at,
                    actor_id=command.actor_id,
                    actor_role=role,
                    command_id=command.command_id,
                    previous_hash="",
                    hash="",
                )
            )
        self._state = fold(events, before)
        return [event.type for event in events]


@pytest.fixture
def begun() -> Callable[[str], Life]:
    """Gives a placement of a kind whose agreement was just proposed."""
    return lambda kind: Life(_terms(kind))


@cache
def _terms(kind: str) -> Terms:
    return split(json.loads((EXAMPLES / f"{kind}.json").read_text())).terms


@pytest.fixture
def active(begun: Callable[[str], Life]) -> Callable[[str], Life]:
    """Gives a placement of a kind on its first day."""

    def started(kind: str) -> Life:
        life = begun(kind)
        life.live(lambda agreement: agreement.phase is Phase.ACTIVE)
        return life

    return started


@pytest.fixture(scope="session")
def scripted() -> Mapping[str, Life]:
    """Whole lives by the scripts, in which everything that can happen happens once."""
    lives: dict[str, Life] = {}
    with brisk_policy():
        _live_the_scripts(lives)
    return lives


def _live_the_scripts(lives: dict[str, Life]) -> None:
    for script in sorted(SCRIPTS.glob("*.json")):
        kind = script.stem if script.stem in set(Kind) else Kind.SECONDMENT
        lives[script.stem] = Life(_terms(kind))
        lives[script.stem].play(json.loads(script.read_text()))


@contextmanager
def brisk_policy() -> Generator[None]:
    """While it lasts there is a policy set `brisk`, version 1, in which everything is due sooner."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(policy_choice, "POLICY_SETS", {**policy_choice.POLICY_SETS, ("brisk", 1): _brisk()})
        yield


def _brisk() -> PolicySet:
    def sooner(days: Allowance) -> Allowance:
        grace = max(1, (days.stalled - days.due) // 2)
        due = days.due // 2 if days.due > 0 else days.due
        return Allowance(due=due, stalled=due + grace)

    kinds = {
        kind: policy.model_copy(
            update={
                "policy_set_id": "brisk",
                "allowances": {each: sooner(days) for each, days in policy.allowances.items()},
            }
        )
        for kind, policy in DEFAULT.kinds.items()
    }
    return PolicySet(policy_set_id="brisk", version=1, kinds=kinds)


@pytest.fixture
def brisk() -> Generator[None]:
    """A second policy set to move to."""
    with brisk_policy():
        yield
