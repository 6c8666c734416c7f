"""What each event changes in the folded state, by area; its effect on the ledger is the same for all."""

from __future__ import annotations

from domain.agreement.evolvers import (
    break_glass,
    course,
    ending,
    forming,
    matters,
    operations,
    progress,
    rotation,
    shadowing,
)
from domain.agreement.evolvers.registry import Changes, changes

AREAS = (forming, progress, matters, shadowing, rotation, course, operations, break_glass, ending)
"""Importing an area registers what its events change."""

__all__ = ["AREAS", "Changes", "changes"]
