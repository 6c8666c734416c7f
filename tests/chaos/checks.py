"""What has to hold after any run. Each check names what it found; a run passes where none finds anything."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from domain.ledger.notice import NoticeKind
from tests.chaos.notes import Fate, Sent
from tests.chaos.observation import LogRow, Observation
from tests.chaos.post import Letter
from tests.chaos.processes import Death
from tests.chaos.schedule import TARGETS, Fault, Target
from tests.chaos.striking import Struck
from workflows.contract import proposal_of

BETWEEN_LOOK_AND_HANDOVER = timedelta(seconds=3)
"""A letter whose sender looked at the ledger just before something was settled may cross with that."""

ALWAYS_TOLD = frozenset({NoticeKind.INVITE_CANCELLED, NoticeKind.ANNOUNCEMENT})
"""What people are told whether or not something is still owed."""
OF_THE_SYSTEM = "time/"
"""How the ids of what time brings begin: nobody sends those."""

Check = Callable[[Observation], Iterator[str]]


def acknowledged_once(seen: Observation) -> Iterator[str]:
    """An acknowledged command is in the log exactly once, as its receipt says."""
    written = _by_command(seen.log)
    for sent in seen.notes.commands.values():
        if sent.fate is not Fate.ACKNOWLEDGED:
            continue
        receipt = sent.receipts[0]
        rows = written.get((sent.agreement_id, sent.command_id), [])
        if not rows and receipt.event_types:
            yield f"lost: {_name(sent)} was acknowledged at version {receipt.version} and is not in the log"
        elif _appends(rows) > 1:
            yield f"doubled: {_name(sent)} was acknowledged and written {_appends(rows)} times"
        elif tuple(row.type for row in rows) != receipt.event_types or (
            rows and rows[-1].version != receipt.version
        ):
            types = ", ".join(row.type for row in rows)
            yield f"{_name(sent)}: the log has {types or 'nothing'}, its receipt {receipt.event_types}"
    for agreement_id in sorted(seen.notes.placed):
        times = _appends(written.get((agreement_id, proposal_of(agreement_id)), []))
        if times != 1:
            yield f"{'doubled' if times else 'lost'}: {agreement_id} was placed and proposed {times} times"


def unacknowledged_at_most_once(seen: Observation) -> Iterator[str]:
    """A command without an answer is in the log at most once, a refused one not at all."""
    written = _by_command(seen.log)
    for sent in seen.notes.commands.values():
        times = _appends(written.get((sent.agreement_id, sent.command_id), []))
        if sent.fate is Fate.REFUSED and times:
            yield f"{_name(sent)} was refused ({', '.join(sent.refusals)}) and is in the log"
        if sent.fate is Fate.UNKNOWN and times > 1:
            yield f"doubled: {_name(sent)} was never acknowledged and is in the log {times} times"


def nothing_of_nobody(seen: Observation) -> Iterator[str]:
    """Nothing is in the log that nobody sent."""
    known = seen.notes.commands.keys() | {(each, proposal_of(each)) for each in seen.courses}
    for agreement_id, command_id in sorted(_by_command(seen.log).keys() - known):
        if not command_id.startswith(OF_THE_SYSTEM):
            yield f"{agreement_id}: nobody sent {command_id}"


def same_answer(seen: Observation) -> Iterator[str]:
    """Whoever delivers a command again gets its first receipt again, and never a refusal or a fault."""
    for sent in seen.notes.commands.values():
        if len(set(sent.receipts)) > 1:
            yield f"{_name(sent)} has receipts that differ: {sent.receipts}"
        if sent.refused_after_receipt and sent.receipts[0].event_types:
            yield f"{_name(sent)} was acknowledged, then refused as {', '.join(sent.refused_after_receipt)}"
        yield from (f"{_name(sent)}: {fault}" for fault in sent.faults)


def record_is_whole(seen: Observation) -> Iterator[str]:
    """Chains hold, read models and workflows are as the log has them: `sojourn verify` finds nothing."""
    yield from seen.differences


def asked_only_for_what_is_owed(seen: Observation) -> Iterator[str]:
    """Nobody is reminded of, or asked for, what is settled, and nobody after the close."""
    for letter in seen.letters:
        late = lateness(letter, seen)
        if late is None or late <= BETWEEN_LOOK_AND_HANDOVER:
            continue
        if not _was_frozen(letter.connected_at - late, letter.connected_at, seen.struck):
            what = letter.obligation_id or "nothing owed"
            yield f"{letter.agreement_id}: {letter.kind} about {what} left {late} after it was over"


def told_once(seen: Observation) -> Iterator[str]:
    """Nobody gets a notice twice, unless its sender could not note the first copy; the same mail is the same.

    There are two such cases and no third: the mail server's answer never reached the sender, or the process
    that got it ended before the record was told. How long anything took does not matter.
    """
    copies: defaultdict[str, list[Letter]] = defaultdict(list)
    for letter in sorted(seen.letters, key=lambda each: each.arrived_at):
        copies[letter.notice_id].append(letter)
    for notice_id, letters in copies.items():
        # A mail of nudges that tells more than the one before is another message.
        if len({letter.message_id for letter in letters}) > len({letter.mail for letter in letters}):
            yield f"{notice_id} came under different Message-IDs in mails that tell the same"
        for letter, again in pairwise(letters):
            noted_at = seen.noted.get(notice_id)
            if noted_at is not None and noted_at <= again.connected_at:
                yield f"{notice_id} came again, though it had been noted as sent"
            elif letter.heard and not _died_with(letter, again.connected_at, seen.deaths):
                yield f"{notice_id} came again, though its sender knew that it was taken, and lived"


def sent_is_there(seen: Observation) -> Iterator[str]:
    """What the record calls sent has arrived, and nothing is forgotten in the outbox."""
    arrived = {letter.notice_id for letter in seen.letters}
    for notice in seen.notices:
        if notice.state == "sent" and notice.notice_id not in arrived:
            yield f"{notice.agreement_id}: {notice.notice_id} is sent and never arrived"
        elif notice.state == "queued":
            yield f"{notice.agreement_id}: {notice.notice_id} is still queued"
        elif notice.state == "failed" and not _mail_was_broken(seen.struck):
            yield f"{notice.agreement_id}: {notice.notice_id} was given up: {notice.last_error}"


def all_end(seen: Observation) -> Iterator[str]:
    """Every agreement that was placed is closed."""
    for agreement_id in sorted(seen.notes.placed | seen.courses.keys()):
        course = seen.courses.get(agreement_id)
        if course is None or course.closed_at is None:
            yield f"{agreement_id} is not closed"


def workflow_and_record_agree(seen: Observation) -> Iterator[str]:
    """A running workflow says of itself what its stream folds to; each one was asked."""
    for standing in seen.notes.standings:
        if standing.said != standing.folded:
            yield f"{standing.agreement_id} at {standing.version}: {standing.said} / {standing.folded}"
    asked = {standing.agreement_id for standing in seen.notes.standings}
    yield from (f"{agreement_id} was never asked" for agreement_id in sorted(seen.notes.placed - asked))


CHECKS: Mapping[str, Check] = {
    "acknowledged commands are in the log once": acknowledged_once,
    "others at most once, refused ones never": unacknowledged_at_most_once,
    "nothing is in the log that nobody sent": nothing_of_nobody,
    "the same command gets the same receipt": same_answer,
    "verify finds nothing": record_is_whole,
    "nobody is asked for what is settled": asked_only_for_what_is_owed,
    "nobody is told twice without cause": told_once,
    "what is sent has arrived": sent_is_there,
    "all agreements reach their end": all_end,
    "the workflow is as its record": workflow_and_record_agree,
}
"""All of them, by what has to hold."""


def lateness(letter: Letter, seen: Observation) -> timedelta | None:
    """How long after what it asks for was settled a letter's sender came to the door; None where in time."""
    if letter.kind in ALWAYS_TOLD:
        return None
    course = seen.courses[letter.agreement_id]
    late: list[timedelta] = []
    if course.closed_at is not None:
        late.append(letter.connected_at - course.closed_at)
    if letter.obligation_id is not None:
        spans = course.owed.get(letter.obligation_id, ())
        before = [span for span in spans if span.opened_at <= letter.connected_at]
        settled = before[-1].settled_at if before else None
        if settled is not None:
            late.append(letter.connected_at - settled)
    latest = max(late, default=timedelta())
    return latest if latest > timedelta() else None


def appends_of(seen: Observation, sent: Sent) -> int:
    """How many appends wrote a command."""
    return _appends(_by_command(seen.log).get((sent.agreement_id, sent.command_id), []))


def _by_command(log: Sequence[LogRow]) -> Mapping[tuple[str, str], list[LogRow]]:
    found: defaultdict[tuple[str, str], list[LogRow]] = defaultdict(list)
    for row in log:
        found[row.agreement_id, row.command_id].append(row)
    return found


def _appends(rows: Sequence[LogRow]) -> int:
    return len(Counter(row.transaction for row in rows))


def _name(sent: Sent) -> str:
    return f"{sent.agreement_id} {sent.type} {sent.command_id}"


def _died_with(letter: Letter, until: datetime, deaths: Sequence[Death]) -> bool:
    """Whether the process that knew of a letter took that to its grave."""
    return any(each.worker == letter.sender and letter.arrived_at <= each.at <= until for each in deaths)


def _was_frozen(since: datetime, until: datetime, struck: Sequence[Struck]) -> bool:
    """Whether a worker stood still between its look at the ledger and the mail server's door."""
    return any(
        each.fault is Fault.WORKER_FROZEN and each.began <= since <= each.ended <= until for each in struck
    )


def _mail_was_broken(struck: Sequence[Struck]) -> bool:
    return any(TARGETS[each.fault] is Target.MAIL for each in struck)
