"""What is broken when: drawn from a seed, so that a run that found something can be had again."""

from __future__ import annotations

import random
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple


class Fault(StrEnum):
    """A way in which something breaks."""

    WORKER_KILLED = "worker killed"
    """SIGKILL to one of the workers, whatever it is doing."""
    EVERY_WORKER_KILLED = "every worker killed"
    POSTGRES_STOPPED = "PostgreSQL stopped"
    POSTGRES_CRASHED = "PostgreSQL crashed"
    TEMPORAL_STOPPED = "Temporal stopped"
    TEMPORAL_CRASHED = "Temporal crashed"
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
    Fault.POSTGRES_STOPPED: Target.POSTGRES,
    Fault.POSTGRES_CRASHED: Target.POSTGRES,
    Fault.TEMPORAL_STOPPED: Target.TEMPORAL,
    Fault.TEMPORAL_CRASHED: Target.TEMPORAL,
    Fault.MAIL_REFUSES: Target.MAIL,
    Fault.MAIL_SILENT: Target.MAIL,
    Fault.MAIL_SWALLOWS: Target.MAIL,
}
"""What each fault hits."""

_LASTS = {
    Target.WORKERS: (0.0, 1.5),
    Target.POSTGRES: (0.2, 3.0),
    Target.TEMPORAL: (0.2, 3.0),
    Target.MAIL: (2.0, 6.0),
}
"""Seconds until it is mended, at the least and at the most."""


class Stroke(NamedTuple):
    """One fault to be."""

    at: float
    """Seconds after the start."""
    fault: Fault
    lasts: float
    """Seconds until it is mended."""


def schedule(
    seed: int, seconds: float, *, pause: float = 4.0, faults: Sequence[Fault] = tuple(Fault)
) -> list[Stroke]:
    """The strokes of a run: every fault once, in an order of its own, before any comes again.

    Args:
        seed: The same seed and length give the same strokes.
        seconds: How long faults are struck.
        pause: Seconds between two strokes on average.
        faults: Which ones.
    """
    dice = random.Random(f"strokes of {seed}")
    strokes: list[Stroke] = []
    deck: list[Fault] = []
    at = dice.uniform(0.2, 1.0) * pause
    while at < seconds:
        if not deck:
            deck = list(faults)
            dice.shuffle(deck)
        fault = deck.pop()
        strokes.append(Stroke(round(at, 3), fault, round(dice.uniform(*_LASTS[TARGETS[fault]]), 3)))
        at += dice.uniform(0.4, 1.6) * pause
    return strokes
