"""Random lives of every kind: whatever people do and however time jumps, what was promised holds."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from activities.event_store.event_store import EventStore
from activities.postgres.pool import open_pool
from activities.postgres.rows import StalledRow
from domain.agreement.commands import COMMANDS, Command
from domain.agreement.commands.time import LetTimePass
from domain.agreement.evolve import evolve
from domain.agreement.state import Agreement
from domain.decisions.decide import decide, newcomers
from domain.decisions.time_passing import next_instant
from domain.handling.loaded import head_of
from domain.kernel import vocabulary
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.vocabulary import Health, ObligationKind, Outcome, Role
from domain.ledger.ladder import OUTSIDE_THE_LADDER
from domain.stream.messages import Append, RecordedEvent
from domain.stream.serialization import fold_recorded, read_event, to_new_event
from domain.terms import RotationTerms, SecondmentTerms, ShadowingTerms, Terms
from domain.views.health import assess
from domain.views.status import status_view
from workers.demo.cast import answer

REPRODUCIBLE = settings(
    derandomize=True,
    deadline=None,
    max_examples=30,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class _Step(NamedTuple):
    """Something that somebody tries, or a jump in time; the numbers choose who, what and when."""

    name: str
    first: int
    second: int


Fields = dict[str, Any]


def _pick(options: Any, number: int) -> Any:  # noqa: ANN401  any sequence
    several = list(options)
    return several[number % len(several)] if several else None


class _RandomLife:
    """A placement to which anything may happen."""

    def __init__(self, life: Any) -> None:  # noqa: ANN401  the life of the shared fixtures
        self.life = life
        self.document: Terms = life.terms
        self.silent_commands = 0

    @property
    def agreement(self) -> Agreement:
        """As it stands."""
        return self.life.agreement

    def take(self, step: _Step) -> None:
        """Tries the step; a refusal is an answer too, but must change nothing."""
        if not self.agreement.closed:
            getattr(self, step.name)(step.first, step.second)
            self.check_settled_down()

    def give(self, name: str, actor_id: str, **fields: Any) -> bool:  # noqa: ANN401  as a command has them
        """Gives a command and holds its outcome to what was promised; says whether it was accepted."""
        self.silent_commands += 1
        raw = {"command_id": f"c{self.silent_commands}", "actor_id": actor_id, **fields}
        return self.give_command(COMMANDS[name].model_validate(raw))

    def give_command(self, command: Command) -> bool:
        """Gives a command as it is; refused or not, it is held to what was promised."""
        return self._refusal_of(command) is None

    def _refusal_of(self, command: Command) -> Refused | None:
        before = self.agreement
        calendars = self.life.calendars_of(newcomers(before, command))
        try:
            decide(before, command, self.life.now, calendars, is_operator=command.actor_id == "OP-1")
        except Refused as refused:
            return refused
        self.life.take(command)
        self.check(before, command)
        return None

    def operator(self, name: str, **fields: Any) -> bool:  # noqa: ANN401  as a command has them
        return self.give(name, "OP-1", acting_as="operator", **fields)

    # What may happen.

    def wait(self, first: int, _second: int) -> None:
        """Time passes to the next instant, some times over."""
        for _ in range(first % 6 + 1):
            upcoming = next_instant(self.agreement, self.life.now)
            if upcoming is None:
                return
            self.life.now = upcoming
            self.give_command(LetTimePass(command_id="t", actor_id="system"))

    def leap(self, first: int, second: int) -> None:
        """Time passes by days at once, as after an outage."""
        self.life.now += timedelta(days=first % 80, hours=second % 24)
        self.give_command(LetTimePass(command_id="t", actor_id="system"))

    def answer_one(self, first: int, _second: int) -> None:
        owed = _pick(sorted(self.agreement.obligations), first)
        if owed is not None:
            self._answer(owed)

    def answer_all(self, first: int, _second: int) -> None:
        """Everybody does what they owe, some times over."""
        for _ in range(first % 3 + 1):
            for owed in sorted(self.agreement.obligations):
                if owed in self.agreement.obligations:
                    self._answer(owed)

    def live(self, first: int, _second: int) -> None:
        """A stretch of a life as it should be."""
        for _ in range(first % 6 + 1):
            self.answer_all(0, 0)
            self.wait(0, 0)

    def _answer(self, obligation_id: str) -> None:
        """Whoever owes something can give it, unless its time has not come or others come first."""
        agreement = self.agreement
        held = agreement.obligations[obligation_id]
        command = answer(held, agreement.terms, agreement.terms_version, max(1, agreement.synthesis_versions))
        refused = None if command is None else self._refusal_of(command)
        if refused is None or refused.code is RefusalCode.OUT_OF_ORDER:
            return
        kinds = {each.kind for each in agreement.obligations.values()}
        waits_for_an_annex = held.kind is ObligationKind.LEG_START and ObligationKind.ANNEX_SIGNATURE in kinds
        waits_for_feedback = held.kind is ObligationKind.SYNTHESIS
        assert refused.code is RefusalCode.INCOMPLETE, f"{obligation_id}: {refused.sentence}"
        assert waits_for_an_annex or waits_for_feedback, f"{obligation_id}: {refused.sentence}"

    def pause(self, first: int, second: int) -> None:
        until = self.agreement.local_date(self.life.now) + timedelta(days=first % 60)
        self.operator("pause_placement", until=until, shifts_dates=bool(second % 2), reason="Parental leave.")

    def resume(self, _first: int, _second: int) -> None:
        self.operator("resume_placement")

    def reassign(self, first: int, second: int) -> None:
        party = _pick(self.agreement.parties, first)
        others = [other.person_id for other in self.agreement.parties]
        self.operator(
            "reassign_role",
            role=party.role,
            from_person=party.person_id,
            to_person=_pick([*others, "N-1", "N-2", "N-3"] if second % 2 else ["N-1", "N-2", "N-3"], second),
            reason="On to another post.",
        )

    def move_end(self, first: int, second: int) -> None:
        name = _pick(("extend_placement", "shorten_placement"), second)
        ends_on = self.agreement.ends_on + timedelta(days=first % 120 - 60)
        self.operator(name, ends_on=ends_on, reason="The launch moved.")

    def end_early(self, first: int, _second: int) -> None:
        self.operator("end_early", by=_pick(("home", "host", "mentee"), first), reason="Two people left.")

    def decide_end(self, first: int, _second: int) -> None:
        decision = _pick(("return", "convert", "next_role", "end"), first)
        self.operator("decide_end", decision=decision, reason="As everybody wants it.")

    def move_meeting(self, first: int, second: int) -> None:
        meeting = _pick(("check_in", "reflective_session"), first)
        mentee = self.agreement.mentee_id
        if second % 3 == 0:
            self.give("excuse_meeting", mentee, meeting=meeting, reason="Both at the audit.")
        else:
            starts_at = self.life.now + timedelta(days=second % 15, hours=first % 9)
            self.give(
                "reschedule_meeting",
                mentee,
                meeting=meeting,
                starts_at=starts_at,
                reason="The mentor travels.",
            )

    def replan(self, first: int, second: int) -> None:
        milestone = _pick(self.agreement.terms.milestones, first)
        if milestone is not None:
            due_on = self.agreement.local_date(self.life.now) + timedelta(days=second % 50)
            milestone_id = milestone.milestone_id
            self.operator(
                "replan_milestone", milestone_id=milestone_id, due_on=due_on, reason="Access was late."
            )

    def send_back(self, first: int, second: int) -> None:
        """Evidence or a synthesis that does not do yet."""
        if second % 2:
            signers = [party.person_id for party in self.agreement.parties]
            version = self.agreement.synthesis_versions
            self.give("return_synthesis", _pick(signers, first), synthesis_version=version, what="Too short.")
        else:
            milestone_id = _pick([each.milestone_id for each in self.agreement.terms.milestones], first)
            if milestone_id is not None:
                self.operator("return_milestone", milestone_id=milestone_id, missing="Three owners.")

    def raise_matter(self, first: int, second: int) -> None:
        actor = _pick(self.agreement.parties, second).person_id
        about = _pick([None, *(party.person_id for party in self.agreement.parties)], second)
        matter_id = f"m{first % 4}"
        match first % 5:
            case 0:
                self.give(
                    "raise_blocker",
                    actor,
                    matter_id=matter_id,
                    category="access",
                    what="No account.",
                    needed="One.",
                )
            case 1:
                self.give(
                    "raise_concern", actor, matter_id=matter_id, about=about, what="Cancelled on the day."
                )
            case 2:
                mentee = self.agreement.mentee_id
                self.give(
                    "make_proposal", mentee, matter_id=matter_id, what="Let me lead.", expected="One review."
                )
            case _:
                breaches = _pick(("boundary", "ethics"), first)
                self.give(
                    "report_breach",
                    actor,
                    matter_id=matter_id,
                    breaches=breaches,
                    about=about,
                    what="Overstepped.",
                )

    def settle(self, first: int, _second: int) -> None:
        matter_id = _pick(sorted(self.agreement.matters), first)
        if matter_id is not None:
            self.operator("settle_matter", matter_id=matter_id, accepted=True, resolution="Talked over.")

    def waive(self, first: int, _second: int) -> None:
        obligation_id = _pick(sorted(self.agreement.obligations), first)
        if obligation_id is not None:
            self.operator("waive_obligation", obligation_id=obligation_id, reason="Given in person.")

    def hold_up(self, first: int, second: int) -> None:
        """Somebody reminds, promises or puts off."""
        obligation_id = _pick(sorted(self.agreement.obligations), first)
        if obligation_id is None:
            return
        owner = self.agreement.obligations[obligation_id].owner_id
        match second % 3:
            case 0:
                self.operator("nudge_obligation", obligation_id=obligation_id)
            case 1:
                self.give("acknowledge_obligation", owner, obligation_id=obligation_id, plan="On Friday.")
            case _:
                days = second % 4
                if days:
                    self.give(
                        "snooze_obligation",
                        owner,
                        obligation_id=obligation_id,
                        working_days=days,
                        reason="Audit.",
                    )

    def hold(self, first: int, second: int) -> None:
        if second % 3:
            self.operator("release_placement", reason="They agreed.")
        else:
            review_on = self.agreement.local_date(self.life.now) + timedelta(days=first % 30)
            self.operator("hold_placement", waits_for="The works council.", review_on=review_on)

    def leave_for_good(self, first: int, second: int) -> None:
        leaver = _pick(self.agreement.parties, first).person_id
        successor = _pick([None, "N-1"], second)
        self.operator("report_departure", person_id=leaver, proposed_successor=successor, reason="Left.")

    def read_calendar(self, first: int, second: int) -> None:
        """Somebody's leave is entered, long or short, with a delegate or without, who may be away as well."""
        people = [party.person_id for party in self.agreement.parties]
        person, delegate = _pick(people, first), _pick([None, "N-1", "N-2", _pick(people, second)], second)
        if delegate == "N-2":
            self.life.knows_of_leave("N-2", days=30, after=first % 30, delegate=_pick(people, second))
        if delegate == person:
            delegate = None
        self.life.knows_of_leave(person, days=second % 30 + 1, after=first % 12, delegate=delegate)
        self.operator("read_calendar_again", person_id=person, reason="Leave.")

    def adopt(self, _first: int, second: int) -> None:
        name = _pick(("brisk", "default"), second)
        self.operator("adopt_policy", policy_set_id=name, version=1, reason="As the programme does.")

    def correct(self, first: int, second: int) -> None:
        """Takes back what was entered."""
        entry = _pick(("milestone.verified", "deliverable.accepted", "end.decided", "return.planned"), second)
        entered = sorted(self.agreement.milestones_verified | self.agreement.deliverables_accepted)
        subject = _pick(entered, first) or "placement"
        self.operator("correct_entry", entry=entry, subject=subject, explanation="By mistake.")

    def request_changes(self, first: int, _second: int) -> None:
        party = _pick(self.agreement.parties, first)
        self.give("request_changes", party.person_id, fields=["milestones"], what="Not in the audit week.")

    def amend(self, first: int, second: int) -> None:
        changed = self.document.model_copy(update=_changes(self.document, first, second))
        if self.operator("amend_terms", terms=changed, reason="As agreed."):
            self.document = changed

    def pivot(self, first: int, second: int) -> None:
        changed = self.document.model_copy(update=_changes(self.document, first, second))
        if self.operator("propose_pivot", pivot_id="v1", option="re_scope", reason="Budget.", terms=changed):
            self.document = changed

    def refuse_pivot(self, first: int, _second: int) -> None:
        party = _pick(self.agreement.parties, first)
        self.give("refuse_pivot", party.person_id, pivot_id="v1", reason="No.")

    def ask_a_peer(self, first: int, _second: int) -> None:
        self.give(
            "request_peer_feedback", self.agreement.mentee_id, peer_id=f"N-{first % 4}", question="What?"
        )

    def close(self, first: int, second: int) -> None:
        """Rarely, it is given up."""
        if first % 10 == 0:
            name = _pick(("close_incomplete", "withdraw_agreement"), second)
            self.operator(name, reason="The mentee left.")
        elif first % 10 == 1:
            party = _pick(self.agreement.parties, second)
            self.give("decline_agreement", party.person_id, reason="No cover.")

    def anything(self, first: int, second: int) -> None:
        """Any command as its example has it, by anybody: mostly refused."""
        name = _pick(sorted(COMMANDS), first)
        example = COMMANDS[name].example
        if "terms" in example:
            return
        actor = _pick(self.agreement.parties, second).person_id
        self.give(name, actor, **example)

    # What is promised.

    def check(self, before: Agreement, command: Command) -> None:
        agreement, now = self.agreement, self.life.now
        acting = {(party.role, party.person_id) for party in agreement.acting}
        for held in agreement.obligations.values():
            assert (held.owner_role, held.owner_id) in acting, f"{held.obligation_id} is owed by a stranger"
            assert held.opened_at < held.due_at <= held.stalled_at, held
            assert [rung.level for rung in held.ladder] == sorted({rung.level for rung in held.ladder}), held
        ahead = next_instant(agreement, now)
        assert ahead is None or ahead > now
        if agreement.closed:
            assert not agreement.obligations
            assert not agreement.matters
            assert ahead is None
        else:
            assert agreement.obligations or ahead is not None, "it waits on nothing"
        if agreement.outcome in {Outcome.COMPLETED, Outcome.ENDED_EARLY} and not before.closed:
            assert not isinstance(command, LetTimePass), "a date alone completes nothing"
            assert {party.role for party in agreement.debriefs} == {Role.MENTEE, Role.MENTOR}
            assert agreement.synthesis_versions > 0
            assert agreement.synthesis_signatures

    def check_settled_down(self) -> None:
        """What costs more to look at, once a step is over."""
        agreement, time_passes = self.agreement, LetTimePass(command_id="t", actor_id="system")
        self.check_stalled()
        assert Agreement.model_validate_json(agreement.model_dump_json()) == agreement
        decide(agreement, time_passes, self.life.now)
        self.give_command(time_passes)
        assert decide(self.agreement, time_passes, self.life.now) == [], "time that has passed passes once"

    def check_stalled(self) -> None:
        agreement, now = self.agreement, self.life.now
        assessment = assess(agreement, now)
        status_view(agreement, now)
        rests = agreement.held or agreement.paused_until is not None
        assert (assessment.health is Health.STALLED) == (assessment.stall is not None)
        if assessment.stall is not None:
            assert not rests
            past = [held for held in agreement.obligations.values() if held.stalled_at <= now]
            silent = agreement.silent_at is not None and agreement.silent_at <= now
            assert past or silent
            assert assessment.stall.since <= now


def _changes(terms: Terms, first: int, second: int) -> Fields:
    """Some of the fields of a document, otherwise."""
    options: list[Fields] = [
        {"cadence": terms.cadence.model_copy(update={"check_in_days": 7 + second % 20})},
        {"development_plan_ref": f"DP-{second}"},
        {"planned_end": terms.planned_end + timedelta(days=second % 40 - 20)},
        {"milestones": terms.milestones[:-1]},
        {
            "milestones": tuple(
                each.model_copy(update={"due_on": each.due_on + timedelta(days=second % 9 - 4)})
                for each in terms.milestones
            )
        },
        {"minimum_feedback_sources": second % 4 + 1},
    ]
    if isinstance(terms, ShadowingTerms):
        options += [{"sessions": terms.sessions[:-1]}, {"focus_tags": (*terms.focus_tags, f"f{second % 9}")}]
    if isinstance(terms, SecondmentTerms):
        options += [{"return_plan": None}, {"end_decision_on": None}]
    if isinstance(terms, RotationTerms):
        options += [{"legs": _with_other_leg(terms, first, second)} for _ in range(4)]
    return options[first % len(options)]


def _with_other_leg(terms: RotationTerms, first: int, second: int) -> tuple[Any, ...]:
    index = first % len(terms.legs)
    leg = terms.legs[index]
    match second % 4:
        case 0:
            extra = leg.deliverables[0].model_copy(update={"deliverable_id": f"d{second}"})
            leg = leg.model_copy(update={"deliverables": (*leg.deliverables, extra)})
        case 1:
            leg = leg.model_copy(update={"deliverables": leg.deliverables[1:]})
        case 2:
            leg = leg.model_copy(update={"ends_on": leg.ends_on - timedelta(days=second % 4)})
        case _:
            return terms.legs[:-1]
    return (*terms.legs[:index], leg, *terms.legs[index + 1 :])


OFTEN = ("wait", "wait", "answer_one", "answer_all", "live")
SELDOM = (
    "leap",
    "pause",
    "resume",
    "reassign",
    "move_end",
    "end_early",
    "decide_end",
    "move_meeting",
    "replan",
    "send_back",
    "raise_matter",
    "settle",
    "waive",
    "hold_up",
    "hold",
    "leave_for_good",
    "read_calendar",
    "adopt",
    "correct",
    "request_changes",
    "amend",
    "pivot",
    "refuse_pivot",
    "ask_a_peer",
    "close",
    "anything",
)
NUMBERS = st.integers(min_value=0, max_value=999)
STEPS = st.lists(
    st.builds(_Step, name=st.sampled_from(OFTEN * 2 + SELDOM), first=NUMBERS, second=NUMBERS),
    min_size=20,
    max_size=60,
)


@pytest.mark.usefixtures("brisk")
@pytest.mark.parametrize("kind", list(vocabulary.Kind))
@REPRODUCIBLE
@given(steps=STEPS)
def test_whatever_happens_the_promises_hold(
    kind: str, begun: Callable[[str], Any], steps: list[_Step]
) -> None:
    """Nothing waits on nothing, nobody unknown owes anything, and nothing completes by a date or unsigned."""
    story = _RandomLife(begun(kind))
    for step in steps:
        story.take(step)
    refolded = fold_recorded(story.life.rows)
    assert refolded == story.agreement, "the stream folds to what the running workflow holds"


@pytest.mark.usefixtures("brisk")
@pytest.mark.parametrize("kind", list(vocabulary.Kind))
@settings(REPRODUCIBLE, max_examples=5)
@given(steps=STEPS)
def test_every_prefix_of_every_stream_folds(
    kind: str, begun: Callable[[str], Any], steps: list[_Step]
) -> None:
    """A reader may stop at any version, and events come back from JSON as they went in."""
    story = _RandomLife(begun(kind))
    for step in steps:
        story.take(step)
    agreement: Agreement | None = None
    for row in story.life.rows:
        event = read_event(row)
        agreement = evolve(agreement, event)
        assert agreement.version == row.version
        assert to_new_event(event, row.event_id).data == row.data


CHECKED_EVERY = 12
"""After so many steps of a life the record is asked."""


@pytest.mark.parametrize("kind", list(vocabulary.Kind))
@settings(REPRODUCIBLE, max_examples=12)
@given(steps=STEPS, hours=st.lists(st.integers(min_value=0, max_value=24 * 500), min_size=4, max_size=4))
async def test_the_record_calls_stalled_what_the_fold_calls_stalled(
    kind: str, begun: Callable[[str], Any], database: str, steps: list[_Step], hours: list[int]
) -> None:
    """At the turns of a ledger and at any instant around them, SQL and domain give one stall, or none."""
    story = _RandomLife(begun(kind))
    agreement_id = f"test.{uuid.uuid4()}"
    pool = await open_pool(database, largest=1)
    try:
        event_store, written, agreement = EventStore(pool), 0, None
        for number, step in enumerate(steps):
            story.take(step)
            if number % CHECKED_EVERY and number < len(steps) - 1:
                continue
            rows = story.life.rows[written:]
            if rows:
                agreement = fold_recorded(story.life.rows)
                assert agreement is not None
                await event_store.append(
                    _written_at_once(agreement_id, agreement, written, rows, story.life.now)
                )
                written += len(rows)
            assert agreement is not None
            began = agreement.terms.approved_at
            around = [began + timedelta(hours=each) for each in hours]
            for instant in {story.life.now, *around, *_turns(agreement)}:
                said = {row.agreement_id: row for row in await event_store.read_models.stalled(instant)}
                _is_the_same_stall(said.get(agreement_id), agreement, instant)
    finally:
        await pool.close()


def _written_at_once(
    agreement_id: str, agreement: Agreement, version: int, rows: list[RecordedEvent], now: datetime
) -> Append:
    """Several commands' events as if one command had brought them: the ledger follows from them alike."""
    return Append(
        agreement_id=agreement_id,
        expected_version=version,
        command_id=f"c{version}",
        command_type="several",
        command_digest=str(version),
        actor_id="test",
        actor_role=Role.SYSTEM,
        occurred_at=now,
        events=tuple(
            to_new_event(read_event(row), str(uuid.uuid5(uuid.NAMESPACE_OID, row.event_id))) for row in rows
        ),
        head=head_of(agreement, now).model_copy(update={"request_id": agreement_id}),
        notices=(),
    )


def _turns(agreement: Agreement) -> Iterator[datetime]:
    """The instants at which the answer can change, and the last ones before."""
    turns = [agreement.silent_at] if agreement.silent_at is not None else []
    for owed in agreement.obligations.values():
        turns.extend((owed.stalled_at, *(rung.at for rung in owed.ladder)))
    for turn in sorted(set(turns))[:6]:
        yield from (turn, turn - timedelta(microseconds=1))


def _is_the_same_stall(said: StalledRow | None, agreement: Agreement, instant: datetime) -> None:
    stall = assess(agreement, instant).stall
    if stall is None or said is None:
        assert stall is None, f"at {instant} SQL knows nothing of {stall}"
        assert said is None, f"at {instant} only SQL says {said}"
        return
    assert (said.kind, said.phase, said.reason, said.since) == (
        agreement.kind,
        agreement.phase,
        stall.reason,
        stall.since,
    )
    waits_on = (said.waiting_on_role, said.waiting_on_id)
    assert waits_on == (stall.waiting_on.role, stall.waiting_on.person_id)
    owed = (said.obligation_id, said.obligation_kind, said.due_at, said.level)
    assert owed == (stall.obligation_id, stall.obligation_kind, stall.due_at, stall.level)
    if said.next_at is not None and stall.obligation_kind not in OUTSIDE_THE_LADDER:
        assert stall.next.startswith(f"On {said.next_at:%Y-%m-%d} (level {said.next_level}):")
