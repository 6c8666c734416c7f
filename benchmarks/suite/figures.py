"""What a benchmark found: figures with their spread, and ratios with their goals."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """One quantity of one way, over all its turns."""

    name: str
    way: str
    unit: str
    median: float
    least: float
    most: float
    turns: int


@dataclass(frozen=True)
class Ratio:
    """One way's figure over another's, turn by turn where there were turns, and what it is to be."""

    name: str
    value: float
    goal: float
    wanted: Literal["at most", "at least"]

    @property
    def met(self) -> bool:
        """Whether the goal is met."""
        return self.value <= self.goal if self.wanted == "at most" else self.value >= self.goal


@dataclass
class Section:
    """One part of the suite."""

    key: str
    title: str
    taken: str
    """How it was taken, in one paragraph."""
    figures: list[Figure] = field(default_factory=list[Figure])
    ratios: list[Ratio] = field(default_factory=list[Ratio])
    remarks: list[str] = field(default_factory=list[str])

    def add(self, name: str, way: str, unit: str, values: Sequence[float]) -> float:
        """Add a figure over its turns; return the median.

        Raises:
            ValueError: There is no value.
        """
        if not values:
            raise ValueError(f"{name} of {way} was never measured")
        median = statistics.median(values)
        self.figures.append(Figure(name, way, unit, median, min(values), max(values), len(values)))
        return median

    def compare(
        self,
        name: str,
        ours: Sequence[float],
        theirs: Sequence[float],
        wanted: Literal["at most", "at least"],
        goal: float,
    ) -> None:
        """Add the ratio of two ways, the median over pairs that were taken one right after the other."""
        pairs = [mine / other for mine, other in zip(ours, theirs, strict=True)]
        self.ratios.append(Ratio(name, statistics.median(pairs), goal, wanted))

    def as_data(self) -> dict[str, object]:
        """Return it for JSON."""
        return asdict(self)
