"""The chain of accepted commands: what events do not repeat of them, and the notices that they queued.

The database computes it while it appends (`sojourn.command_hash_v1`); this module computes the same from what
was read. The hash of a command is SHA-256 over, fields framed as those of an event:

    "sojourn.command.v1" | hash of the command before it | hash of its last event | hash of its notices |
    agreement id | command id | type | digest | first version | last version

The three hashes are 32 raw bytes each, zeros where there is none. Commands that a release without this chain
accepted have no hash and are left out of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal

from activities.hashing.framing import GENESIS, framed
from domain.agreement.commands import COMMANDS, ProposeAgreement
from domain.agreement.commands.time import LetTimePass
from domain.kernel.model import Frozen

_SCHEME = "sojourn.command.v1"
_NOTICES_SCHEME = "sojourn.notices.v1"

TYPES = (*COMMANDS, *(str(kind.model_fields["type"].default) for kind in (ProposeAgreement, LetTimePass)))
"""Every type that a command may have: tried out where a stored one was altered."""


class CommandFault(Frozen):
    """Where accepted commands, or the notices that they queued, are not as they were written."""

    part: Literal["command", "notice"]
    where: str
    problem: str


@dataclass(frozen=True)
class Accepted:
    """One accepted command, from the rows that the record keeps of it."""

    agreement_id: str
    command_id: str
    first_version: int
    last_version: int
    event_hash: str
    """Of its last event. This and the versions are those of the stream, which is checked before."""
    type: str
    digest: str
    notices_hash: str | None
    hash: str
    queued: str | None
    """The hash of the notices that are there; None where none are."""


def notices_hash(lasting: Sequence[str]) -> str | None:
    """Return the hash of the notices that one command queued; None where there are none.

    Args:
        lasting: What each says for good, as PostgreSQL writes it, in order of id.
    """
    if not lasting:
        return None
    return hashlib.sha256(framed(_NOTICES_SCHEME) + b"".join(framed(each) for each in lasting)).hexdigest()


def command_hash(
    command: Accepted,
    previous: str,
    *,
    type: str | None = None,  # noqa: A002  the column's name
    notices: str | None = None,
) -> str:
    """Return what a command's hash must be after this previous hash.

    Args:
        command: As it is stored.
        previous: The hash of the command before it; `GENESIS` for the first.
        type: To be taken in the place of the stored one.
        notices: Likewise, for the hash of its notices.
    """
    digest = hashlib.sha256(framed(_SCHEME))
    for each in (previous, command.event_hash, notices or command.notices_hash or GENESIS):
        digest.update(bytes.fromhex(each))
    for field in (
        command.agreement_id,
        command.command_id,
        type or command.type,
        command.digest,
        str(command.first_version),
        str(command.last_version),
    ):
        digest.update(framed(field))
    return digest.hexdigest()


def accepted_commands(
    stored: Iterable[Mapping[str, Any]],
    commands: Mapping[str, Mapping[str, Any]],
    queued: Mapping[int, Sequence[str]],
) -> list[Accepted]:
    """Return the commands of a stream that have a hash, in order.

    Args:
        stored: The rows of the stream, whose own chain is whole.
        commands: The row of each command by its id; one may be missing.
        queued: What the notices that are there say for good, in order of id, by the version they came with.
    """
    firsts: dict[str, int] = {}
    lasts: dict[str, Mapping[str, Any]] = {}
    for event in stored:
        firsts.setdefault(event["command_id"], event["version"])
        lasts[event["command_id"]] = event
    return [
        Accepted(
            agreement_id=last["agreement_id"],
            command_id=command_id,
            first_version=firsts[command_id],
            last_version=last["version"],
            event_hash=last["hash"],
            type=row["type"],
            digest=row["digest"],
            notices_hash=row["notices_hash"],
            hash=row["hash"],
            queued=notices_hash(queued.get(last["version"], ())),
        )
        for command_id, last in lasts.items()
        if (row := commands.get(command_id)) is not None and row["hash"] is not None
    ]


def command_faults(commands: Sequence[Accepted], last_hash: str | None) -> Iterator[CommandFault]:
    """Yield where commands and their notices depart from the chain.

    Args:
        commands: Those with a hash, in order.
        last_hash: The last one's as the head row knows it; None where it knows none.
    """
    previous = GENESIS
    for command, following in zip_longest(commands, commands[1:]):
        expected = command_hash(command, previous)
        if command.hash == expected:
            previous = expected
        elif (
            expected == last_hash
            if following is None
            else following.hash == command_hash(following, expected)
        ):
            yield _fault(command, "hash", "is not the one that the chain goes on from")
            previous = expected
        else:
            yield _altered(command, previous)
            previous = command.hash
        if command.queued != command.notices_hash:
            yield CommandFault(
                part="notice",
                where=f"version {command.last_version}",
                problem="the notices that this version queued were altered, removed or added to",
            )


def _altered(command: Accepted, previous: str) -> CommandFault:
    """Tell which column it was, by trying what else could have stood there."""
    for each in TYPES:
        if command.hash == command_hash(command, previous, type=each):
            return _fault(command, "type", f"is {command.type} and should be {each}")
    if command.hash == command_hash(command, previous, notices=command.queued or GENESIS):
        return _fault(command, "notices_hash", "is not that of the notices that it queued")
    if command.queued == command.notices_hash:
        return _fault(command, "digest", "is not the one that it was accepted with")
    return _fault(command, "", "it is not as it was accepted")


def _fault(command: Accepted, column: str, problem: str) -> CommandFault:
    where = " ".join(each for each in (command.command_id, column) if each)
    return CommandFault(part="command", where=where, problem=problem)
