"""The pages under docs/ say what is so: their tables are held to the code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from application.operations.rehydrate import Outcome as Rehydrated
from application.settings import describe_settings, load_settings
from domain.agreement.commands import COMMANDS
from domain.agreement.events import EVENTS
from domain.agreement.prompt_bank import PROMPT_BANK, QUESTION_BANK
from domain.kernel.errors import RefusalCode
from domain.kernel.vocabulary import Health, Kind, ObligationKind, Outcome, Phase, Role, StallReason
from domain.kinds import kinds_taking
from domain.policy.policy_set import DEFAULT
from tests.fixtures.cli_commands import every_command
from tests.fixtures.paths import DOCS
from workflows.contract import WORKFLOW_TYPES
from workflows.search_attributes import ALL

PAGES = sorted([*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")])
LONGEST_PAGE = 280
NOT_OF_THIS_KIND = "\N{EN DASH}"

GROUPS: Mapping[str, frozenset[str]] = {
    "everybody": frozenset(set(Role) - {Role.SYSTEM}),
    "pair": frozenset({Role.MENTEE, Role.MENTOR}),
    "managers": frozenset({Role.LINE_MANAGER, Role.HOST_MANAGER, Role.LEG_MANAGER}),
    "HR": frozenset({Role.HRBP, Role.PROGRAMME_OWNER, Role.OPERATOR}),
    "until closed": frozenset(set(Phase) - {Phase.CLOSED}),
    "all": frozenset(Kind),
}

KINDS = (Kind.SECONDMENT, Kind.SHADOWING, Kind.ROTATION)


def _page(name: str) -> str:
    return (DOCS / name).read_text()


def _table(page: str, heading: str) -> list[list[str]]:
    """The rows below a line that begins with this heading, as cells without backticks."""
    lines = iter(_page(page).splitlines())
    for line in lines:
        if line.startswith(heading):
            break
    rows: list[list[str]] = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.replace("`", "").strip("|").split(" | ")])
    assert rows[0][0].startswith("---"), heading
    return rows[1:]


def _expanded(cell: str) -> set[str]:
    found: set[str] = set()
    for part in cell.split(", "):
        found |= GROUPS.get(part, {part})
    return found


def _named(page: str, names: Iterable[str]) -> set[str]:
    """Which of these names the page does not show as code."""
    text = _page(page)
    return {name for name in names if f"`{name}`" not in text}


def test_every_command_is_told_with_who_may_give_it_when() -> None:
    """The table of commands is the catalogue of commands."""
    rows = _table("integrators.md", "| Command |")
    told = {
        name: (_expanded(given), _expanded(phases), _expanded(kinds))
        for name, _, given, phases, kinds in rows
    }
    assert told == {
        name: (set(command.given_by), set(command.phases), set(kinds_taking(command)))
        for name, command in COMMANDS.items()
    }


def test_every_event_type_is_told() -> None:
    """The table of events is the catalogue of events, and says which end a silence."""
    rows = _table("integrators.md", "| Event |")
    assert {name: ends for name, _, ends in rows} == {
        name: "yes" if event.meaningful else "no" for name, event in EVENTS.items()
    }


def test_every_refusal_prompt_and_type_is_told() -> None:
    """An integrator finds every code, every id of both banks and every workflow type."""
    names = [*RefusalCode, *PROMPT_BANK.prompts, *QUESTION_BANK.prompts, *WORKFLOW_TYPES.values()]
    assert _named("integrators.md", names) == set()


def test_every_setting_is_told_with_its_default() -> None:
    """The table of settings is what `sojourn settings` lists."""
    rows = _table("operators.md", "| Variable |")
    told = {name: default for name, *_, default in rows}
    assert told == {row.variable: row.default for row in describe_settings(load_settings())}


def test_every_phase_health_outcome_and_reason_is_told() -> None:
    """Operators find whatever a filter or a row can show them."""
    assert {row[0] for row in _table("operators.md", "| Health |")} == set(Health)
    assert {row[0] for row in _table("operators.md", "| Phase |")} == set(Phase)
    assert {row[0] for row in _table("operators.md", "| Reason |")} == set(StallReason)
    assert _named("operators.md", Outcome) == set()


def test_every_outcome_of_a_rehydration_is_told() -> None:
    """What a script may find in the JSON is on the page about recovery."""
    assert {row[0] for row in _table("deploys.md", "| Outcome |")} == set(Rehydrated)


def test_the_ladder_is_the_policys() -> None:
    """Each level with its working days."""
    told = {
        int(level): (int(longer), int(shadowing))
        for level, longer, shadowing, _ in _table("policies.md", "| Level |")
    }
    steps = {kind: {step.level: step.working_days for step in DEFAULT.kinds[kind].ladder} for kind in KINDS}
    assert steps[Kind.SECONDMENT] == steps[Kind.ROTATION]
    assert told == {
        level: (days, steps[Kind.SHADOWING][level]) for level, days in steps[Kind.SECONDMENT].items()
    }


def test_the_thresholds_are_the_policys() -> None:
    """Each obligation's due and stalled days for each kind that has it, and every other limit."""
    rows = {row[0]: row[2:] for row in _table("policies.md", "| Obligation |")}
    for obligation in ObligationKind:
        told = rows.pop(obligation)
        for kind, cell in zip(KINDS, told, strict=True):
            allowance = DEFAULT.kinds[kind].allowances[obligation]
            assert cell in {NOT_OF_THIS_KIND, f"{allowance.due} / {allowance.stalled}"}, (obligation, kind)
    policies = [DEFAULT.kinds[kind] for kind in KINDS]
    assert list(rows.values()) == [
        [f"{policy.first_meeting.due} / {policy.first_meeting.stalled}" for policy in policies],
        [f"{policy.silence.least} to {policy.silence.most}" for policy in policies],
        [str(policy.signature_before_start) for policy in policies],
        [str(policy.expires_unsigned_after) for policy in policies],
        [str(policy.missed_after) for policy in policies],
        [str(policy.missed_running) for policy in policies],
        [str(policy.covered_from) for policy in policies],
    ]


def test_filters_name_search_attributes_and_their_values() -> None:
    """What can be pasted into the Temporal UI is about attributes and values that exist."""
    known = {key.name for key in ALL}
    values = {*Health, *Phase, *Kind, *StallReason, *Role, *Outcome}
    for _, query in _table("operators.md", "| To see |"):
        for name, value in re.findall(r"(Agreement\w+) (?:[<>=]+) '?([\w-]+)", query):
            assert name in known
            opaque = {"AgreementCohort", "AgreementTenant", "AgreementPeople", "AgreementLadderLevel"}
            assert value in values or name in opaque or value.startswith("2027-")


def test_commands_that_operators_are_sent_to_exist() -> None:
    """What to do about a stall names commands that can be given."""
    for row in _table("operators.md", "| Reason |"):
        named = set(re.findall(r"\b[a-z]+_[a-z_]+\b", row[2]))
        assert named <= {*COMMANDS, "delegate_id"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS.parent)))
def test_a_page_is_short_and_leads_nowhere_wrong(page: Path) -> None:
    """Pages can be read in one go; their links and `sojourn` commands exist."""
    text = page.read_text()
    assert len(text.splitlines()) <= LONGEST_PAGE
    known = {name for name, _ in every_command()}
    groups = {name.partition(" ")[0] for name in known if " " in name}
    for name, within in re.findall(r"(?:`|^    )sojourn ([a-z]+)(?: ([a-z]+))?", text, re.MULTILINE):
        assert name in known | groups, name
        assert not within or name not in groups or f"{name} {within}" in known, f"{name} {within}"
    # What leads to a running server is tried where its lists are.
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        file, _, anchor = target.partition("#")
        if file and not file.endswith(".md"):
            assert (page.parent / file).exists(), target
            continue
        linked = (page.parent / file).read_text() if file else text
        anchors = {
            re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.+)$", linked, re.MULTILINE)
        }
        assert not anchor or anchor in anchors, target
