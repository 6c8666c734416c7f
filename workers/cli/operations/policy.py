"""Show policy sets, check a new one, and replay the record under it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated

import typer
from pydantic import JsonValue

from application.config.policy_files import policy_set_as_yaml, read_policy_set
from application.config.policy_sets import KnownPolicies
from application.container import Container
from application.identity.principal import Principal
from application.operations.policy_replay import ReplayRequest, replay_policy
from application.settings import load_settings
from domain.kernel.vocabulary import Kind, ObligationKind
from domain.policy.documents import Difference, PolicyRefused, advice, differences, document_of
from domain.policy.policy_set import DEFAULT, PolicySet
from domain.policy.validation import asked_by
from domain.simulation.replay import FALSE_ALARM_DAYS
from domain.simulation.tally import Summary
from workers.cli.command_help import POLICY_LESSONS
from workers.cli.input import named, read_instant, read_text
from workers.cli.operations.replay_report import Report
from workers.cli.options import AsJson, Kinds, choices
from workers.cli.run import run
from workers.terminal.failures import ExitCode, Failure
from workers.terminal.output import NOTHING, console, counting, print_json, say, table, words

PolicyFile = Annotated[str, typer.Argument(metavar="FILE", help="YAML or JSON; - for stdin.")]


def show(
    *,
    name: Annotated[
        str, typer.Argument(metavar="[SET]", help="Its id, or id/version; the newest version without.")
    ] = DEFAULT.policy_set_id,
    as_yaml: Annotated[bool, typer.Option("--yaml", help="Print YAML to change and check.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a policy set: what is due and stalled after how many working days, and the ladder."""
    if as_yaml and as_json:
        raise Failure("Give --yaml or --json, not both.", ExitCode.USAGE)
    policies = _named(name, _known())
    if as_json:
        print_json(document_of(policies))
    elif as_yaml:
        typer.echo(policy_set_as_yaml(policies), nl=False)
    else:
        _print(policies)


def list_sets(as_json: AsJson = False) -> None:
    """List the policy sets that requests and `adopt_policy` may name, and where each comes from.

    One set comes with the product. Others are read from the files and folders that SOJOURN_POLICY_FILES
    names; an agreement carries the thresholds that it was placed under or moved to, whatever a file says
    later.
    """
    known = _known()
    if as_json:
        print_json(
            [
                {
                    "policy_set_id": each.policies.policy_set_id,
                    "version": each.policies.version,
                    "source": None if each.source is None else str(each.source),
                }
                for each in known
            ]
        )
        return
    rows = (
        (
            each.policies.policy_set_id,
            each.policies.version,
            "comes with the product" if each.source is None else each.source,
        )
        for each in known
    )
    console().print(table("Set", "Version", "From", rows=rows))


def check(file: PolicyFile, as_json: AsJson = False) -> None:
    """Check a policy set, and show how it differs from the one that agreements are placed under now.

    Nothing is written anywhere: agreements keep the policy they were proposed under.
    """
    policies = _read(file)
    known = _known()
    other = known.newest(policies.policy_set_id) or DEFAULT
    found = differences(other, policies)
    remarks = advice(policies, known.sets)
    if as_json:
        print_json(
            {
                "policy_set_id": policies.policy_set_id,
                "version": policies.version,
                "compared_with": {"policy_set_id": other.policy_set_id, "version": other.version},
                "differences": [each.model_dump(mode="json") for each in found],
                "warnings": [each.model_dump(mode="json") for each in remarks],
            }
        )
        return
    for remark in remarks:
        say(f"Warning: {remark}.")
    console().print(f"{policies.policy_set_id} version {policies.version} is in order.")
    _print_differences(other, found)


def replay(
    *,
    file: PolicyFile,
    since: Annotated[
        str, typer.Option("--since", metavar="DATE", help="What lasted past this day or instant.")
    ],
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="What came before it; now without.")
    ] = None,
    kinds: Kinds = None,
    false_alarm_days: Annotated[
        int,
        typer.Option(
            "--false-alarm-days",
            min=0,
            metavar="DAYS",
            help="A flag that resolves itself within so many days is a false alarm.",
        ),
    ] = FALSE_ALARM_DAYS,
    as_json: AsJson = False,
) -> None:
    """Replay the record under a proposed policy: which agreements it would have flagged, how much earlier.

    A flag is an obligation, or a silence, that came to its stall while it lasted and nothing rested. What
    people did, and when, stays as recorded. A false alarm is a flag after which somebody of the placement
    did what was owed within the days given, with no rung from level 3 on reached, and no operator at work on
    the agreement since it fell due. Nothing is written: no agreement changes its policy.
    """
    policies = _read(file)
    asked = ReplayRequest(
        policies=policies,
        since=_day_or_instant(since, "--since"),
        until=None if until is None else _day_or_instant(until, "--until"),
        kinds=choices(kinds, Kind, "--kind"),
        false_alarm_days=false_alarm_days,
    )
    if asked.until is not None and asked.until <= asked.since:
        raise Failure("--until must come after --since.", ExitCode.USAGE)
    report = Report(asked, as_json=as_json)

    async def look(container: Container) -> Summary:
        with counting("Replaying", total=None) as progress:
            return await replay_policy(
                container, Principal.machine(), asked, each=report.row, progress=progress
            )

    report.close(run(look))


policy = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
"""`sojourn policy`."""


@policy.callback()
def root() -> None:
    """Show policy sets, check a new one, and replay the record under it before anybody lives by it."""


for _name, _command in {"list": list_sets, "show": show, "check": check, "replay": replay}.items():
    _lesson = POLICY_LESSONS[_name]
    policy.command(name=_name, short_help=_lesson.in_short, epilog=_lesson.closing)(_command)


def _read(file: str) -> PolicySet:
    try:
        return read_policy_set(read_text(file))
    except PolicyRefused as refused:
        lines = [f"{problem.field or named(file)}: {problem.sentence}." for problem in refused.problems]
        raise Failure("\n".join([*lines, f"{named(file)} is no policy set yet."])) from refused


def _known() -> KnownPolicies:
    return KnownPolicies.read(load_settings().policy_files)


def _named(name: str, known: KnownPolicies) -> PolicySet:
    policy_set_id, _, version = name.partition("/")
    found = known.newest(policy_set_id)
    if version:
        found = known.find(policy_set_id, int(version)) if version.isdecimal() else None
    if found is None:
        there = ", ".join(f"{policies.policy_set_id}/{policies.version}" for policies in known.sets)
        raise Failure(f"There is no policy set {name}; there is {there}.")
    return found


def _day_or_instant(text: str, option: str) -> datetime:
    """Read a day, which begins at midnight UTC, or an instant."""
    try:
        return datetime.combine(date.fromisoformat(text), time(), tzinfo=UTC)
    except ValueError:
        return read_instant(text, option)


def _print(policies: PolicySet) -> None:
    out = console()
    out.print(f"{policies.policy_set_id} version {policies.version}", style="bold")
    out.print("Working days in the owner's calendar: due / stalled.")
    out.print()
    kinds = list(policies.kinds.values())
    allowances = [
        (words(name), *(_allowance(policies, kind, name) for kind in policies.kinds))
        for name in ObligationKind
    ]
    others = [
        ("first meeting after start", *(f"{k.first_meeting.due} / {k.first_meeting.stalled}" for k in kinds)),
        ("silence, at least / most", *(f"{k.silence.least} / {k.silence.most}" for k in kinds)),
        ("unsigned stalls before start", *(k.signature_before_start for k in kinds)),
        ("unsigned expires after", *(k.expires_unsigned_after for k in kinds)),
        ("check-in counts as missed after", *(k.missed_after for k in kinds)),
        ("missed running that stall", *(k.missed_running for k in kinds)),
        (
            "leave has a stand-in from",
            *(NOTHING if k.covered_from is None else k.covered_from for k in kinds),
        ),
    ]
    rungs = [
        (
            f"level {step.level} after due",
            *(k.ladder[index].working_days if index < len(k.ladder) else NOTHING for k in kinds),
        )
        for index, step in enumerate(max(kinds, key=lambda k: len(k.ladder)).ladder)
    ]
    out.print(table("", *policies.kinds, rows=[*allowances, *others, *rungs]))


def _allowance(policies: PolicySet, kind: Kind, obligation: ObligationKind) -> str:
    allowance = policies.kinds[kind].allowances.get(obligation)
    if allowance is None or obligation not in asked_by(kind):
        return NOTHING
    return f"{allowance.due} / {allowance.stalled}"


def _print_differences(other: PolicySet, found: list[Difference]) -> None:
    out = console()
    before = f"{other.policy_set_id} version {other.version}"
    if not found:
        out.print(f"It has the thresholds of {before}.")
        return
    many = "one threshold" if len(found) == 1 else f"{len(found)} thresholds"
    out.print(f"It differs from {before} in {many}:")
    rows = ((each.field.removeprefix("kinds."), _shown(each.before), _shown(each.after)) for each in found)
    out.print(table("Threshold", "Was", "Is", rows=rows))


def _shown(value: JsonValue) -> str:
    if isinstance(value, list):
        return " ".join(
            f"{step['level']}:{step['working_days']:+}" for step in value if isinstance(step, dict)
        )
    return NOTHING if value is None else str(value)
