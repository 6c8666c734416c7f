"""What is broken when: drawn from a seed, so that a run that found something can be had again."""

from __future__ import annotations

import random
from enum import StrEnum
from typing import NamedTuple


class Fault(StrEnum):
    """A way in which something breaks."""

    WORKER_KILLED = "worker killed"
    """SIGKILL to one of the workers, whatever it is doing."""
    EVERY_WORKER_KILLED = "every worker killed"
    WORKER_FROZEN = "worker frozen"
    """SIGSTOP to one of them: it goes on later as if no time had passed, with what others did meanwhile."""
    POSTGRES_STOPPED = "PostgreSQL stopped"
    POSTGRES_CRASHED = "PostgreSQL crashed"
    TEMPORAL_STOPPED = "Temporal stopped"
    TEMPORAL_CRASHED = "Temporal crashed"
    TEMPORAL_LOST = "Temporal lost"
    """Its file is gone for good: every agreement is started again from the record."""
    NEW_RELEASE = "new release"
    """No fault, but as hard: the workers change their version one by one, and every agreement does."""
    MAIL_REFUSES = "mail refused"
    """Nothing listens at the mail server's address."""
    MAIL_SILENT = "mail server silent"
    """It accepts the connection and never says a word."""
    MAIL_SWALLOWS = "mail taken, no answer"
    """It takes the whole message and never says so."""


class Target(StrEnum):
    """What a fault hits; faults of the same target wait for one another."""

    WORKERS = "workers"
    POSTGRES = "postgres"
    TEMPORAL = "temporal"
    MAIL = "mail"


TARGETS = {
    Fault.WORKER_KILLED: Target.WORKERS,
    Fault.EVERY_WORKER_KILLED: Target.WORKERS,
    Fault.WORKER_FROZEN: Target.WORKERS,
    Fault.POSTGRES_STOPPED: Target.POSTGRES,
    Fault.POSTGRES_CRASHED: Target.POSTGRES,
    Fault.TEMPORAL_STOPPED: Target.TEMPORAL,
    Fault.TEMPORAL_CRASHED: Target.TEMPORAL,
    Fault.TEMPORAL_LOST: Target.TEMPORAL,
    Fault.NEW_RELEASE: Target.TEMPORAL,
    Fault.MAIL_REFUSES: Target.MAIL,
    Fault.MAIL_SILENT: Target.MAIL,
    Fault.MAIL_SWALLOWS: Target.MAIL,
}
"""What each fault hits."""


class Plan(NamedTuple):
    """The measures of a run."""

    seed: int
    """What is broken when, and what people do beyond their duty, is drawn from it."""
    seconds: float
    """How long faults are struck; what is open then is played to its end with all mended."""
    pause: float = 4.0
    """Seconds between two strokes on average."""
    longest: float = 3.0
    """Seconds that a server is away at the most; frozen workers and broken mail up to twice as long."""
    haste: float = 0.05
    """How often people let weeks pass at once, of all the times they let time pass."""


class Stroke(NamedTuple):
    """One fault to be."""

    at: float
    """Seconds after the start."""
    fault: Fault
    lasts: float
    """Seconds until it is mended."""


def schedule(plan: Plan) -> list[Stroke]:
    """The strokes of a run: every fault once, in whatever order, before any comes again."""
    dice = random.Random(f"strokes of {plan.seed}")
    strokes: list[Stroke] = []
    deck: list[Fault] = []
    at = dice.uniform(0.2, 1.0) * plan.pause
    while at < plan.seconds:
        if not deck:
            deck = list(Fault)
            dice.shuffle(deck)
        fault = deck.pop()
        strokes.append(Stroke(round(at, 3), fault, round(dice.uniform(*_lasts(fault, plan.longest)), 3)))
        at += dice.uniform(0.4, 1.6) * plan.pause
    return strokes


def _lasts(fault: Fault, longest: float) -> tuple[float, float]:
    """Seconds until it is mended, at the least and at the most."""
    match TARGETS[fault]:
        case Target.WORKERS if fault is Fault.WORKER_FROZEN:
            return longest / 2, longest * 2
        case Target.WORKERS:
            return 0.0, longest / 2
        case Target.POSTGRES | Target.TEMPORAL:
            return longest / 15, longest
        case Target.MAIL:
            return longest / 2, longest * 2
