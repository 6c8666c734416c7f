"""The policy sets that requests and commands may name: those of the product and those of operators' files.

A set is found here, at the edge, and sent along as data: no workflow ever reads a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from application.config.policy_files import read_policy_set
from application.errors import UpdateRefusedError
from application.settings import SettingsError
from domain.agreement.commands import Command
from domain.agreement.commands.operations import AdoptPolicy
from domain.kernel.errors import RefusalCode
from domain.policy.documents import PolicyRefused, differences
from domain.policy.policy_set import POLICY_SETS, PolicySet

VARIABLE = "SOJOURN_POLICY_FILES"
SUFFIXES = frozenset({".yaml", ".yml", ".json"})
"""Of the files that are read in a folder."""

Named = tuple[str, int]
"""A set's id and version."""


class KnownSet(NamedTuple):
    """A set, and where it comes from."""

    policies: PolicySet
    source: Path | None
    """None: it comes with the product."""


class KnownPolicies:
    """Sets by id and version."""

    def __init__(self, sets: Mapping[Named, KnownSet]) -> None:
        self._sets = dict(sorted(sets.items()))

    @classmethod
    def built_in(cls) -> Self:
        """Return those that come with the product."""
        return cls(_built_in())

    @classmethod
    def read(cls, paths: Sequence[Path]) -> Self:
        """Return those of the product and of files.

        Args:
            paths: Files, and folders whose `.yaml`, `.yml` and `.json` files are read.

        Raises:
            SettingsError: A file cannot be read, is not in order, or defines a known version otherwise. The
                text names every problem and the sets that are in order.
        """
        known = _built_in()
        problems: list[str] = []
        for file in _files(paths, problems):
            try:
                found = read_policy_set(file.read_text(encoding="utf-8-sig"))
            except OSError as error:
                problems.append(f"{file} cannot be read: {error.strerror or error}")
            except UnicodeDecodeError as error:
                problems.append(f"{file} is not UTF-8 text (byte {error.start}): save it as UTF-8")
            except PolicyRefused as refused:
                problems += [f"{file}: {problem}" for problem in refused.problems]
            else:
                name = (found.policy_set_id, found.version)
                first = known.setdefault(name, KnownSet(found, file))
                if differences(first.policies, found):
                    problems.append(_otherwise(name, file, first, known))
        if problems:
            in_order = ", ".join(_words(*name) for name in sorted(known))
            listed = "\n".join(f"- {problem}." for problem in problems)
            raise SettingsError(f"{VARIABLE}:\n{listed}\nIn order are {in_order}.")
        return cls(known)

    def __iter__(self) -> Iterator[KnownSet]:
        return iter(self._sets.values())

    @property
    def sets(self) -> tuple[PolicySet, ...]:
        """All sets, by id and version."""
        return tuple(known.policies for known in self)

    def find(self, policy_set_id: str, version: int) -> PolicySet | None:
        """Return a set; None where there is none such."""
        known = self._sets.get((policy_set_id, version))
        return None if known is None else known.policies

    def newest(self, policy_set_id: str) -> PolicySet | None:
        """Return the highest version of a set; None where there is none."""
        versions = [policies for policies in self.sets if policies.policy_set_id == policy_set_id]
        return max(versions, key=lambda policies: policies.version, default=None)

    def to_send(self, policy_set_id: str, version: int) -> PolicySet | None:
        """Return what has to go along with a request or a command; None for what every workflow knows."""
        return None if (policy_set_id, version) in POLICY_SETS else self.find(policy_set_id, version)

    def missing(self, policy_set_id: str, version: int) -> str:
        """Say of a set that it is not known, and which are."""
        there = ", ".join(_words(*name) for name in self._sets)
        return (
            f"names {_words(policy_set_id, version)}, which is not known; there is {there}. More are read "
            f"from the files that {VARIABLE} names"
        )

    def along_with(self, command: Command) -> Command:
        """Return a command with the set that it names, where not every workflow knows that.

        Raises:
            UpdateRefusedError: It names a set that is not known here.
        """
        if not isinstance(command, AdoptPolicy) or command.policies is not None:
            return command
        if self.find(command.policy_set_id, command.version) is None:
            sentence = f"policy_set_id: {self.missing(command.policy_set_id, command.version)}."
            raise UpdateRefusedError(RefusalCode.UNKNOWN_REFERENCE, sentence)
        return command.model_copy(update={"policies": self.to_send(command.policy_set_id, command.version)})


def _built_in() -> dict[Named, KnownSet]:
    return {name: KnownSet(policies, None) for name, policies in POLICY_SETS.items()}


def _files(paths: Sequence[Path], problems: list[str]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(each for each in path.iterdir() if each.suffix.lower() in SUFFIXES)
        elif path.exists():
            yield path
        else:
            problems.append(f"{path} is not there")


def _otherwise(name: Named, file: Path, first: KnownSet, known: Mapping[Named, KnownSet]) -> str:
    policy_set_id, _ = name
    free = max(version for each, version in known if each == policy_set_id) + 1
    where = "comes with the product" if first.source is None else f"is in {first.source}"
    return (
        f"{file}: {_words(*name)} {where} with other thresholds, by which agreements may live; call these "
        f"version {free}"
    )


def _words(policy_set_id: str, version: int) -> str:
    return f"{policy_set_id} version {version}"
