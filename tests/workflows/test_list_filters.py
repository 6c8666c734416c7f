"""The lists of docs/temporal-ui.md: each filter parses on the real server and returns what its name says."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.worker import Worker

from domain.kernel.vocabulary import Health, Kind, Outcome, Phase, Role, StallReason
from tests.fixtures.paths import DOCS
from workflows.contract import WORKFLOW_TYPES
from workflows.search_attributes import ALL

PAGE = (DOCS / "temporal-ui.md").read_text()
LINKED = re.findall(r"^\| \[([^\]]+)\]\(([^)]+)\) \| `([^`]+)` \|", PAGE, re.MULTILINE)
FILTERS: Mapping[str, str] = {name: query for name, _, query in LINKED}
SYSTEM = {"System faults", "Lost by Temporal"}
A_DAY = datetime(2027, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)

DEFAULT_LIMITS = {
    "KEYWORD": 10,
    "BOOL": 3,
    "INT": 3,
    "DOUBLE": 3,
    "DATETIME": 3,
    "KEYWORD_LIST": 3,
    "TEXT": 3,
}
"""Search attributes per namespace in a self-hosted SQL visibility store, unless its operator raises them."""


@workflow.defn(name=WORKFLOW_TYPES[Kind.ROTATION], sandboxed=False)
class _Faulty:
    """A release with a defect."""

    @workflow.run
    async def run(self, _continue: bool) -> None:
        raise RuntimeError("a defect, not a failure of the workflow")


@workflow.defn(name=WORKFLOW_TYPES[Kind.SHADOWING], sandboxed=False)
class _LongLived:
    """Continues as new once, so that the list has an earlier run of it."""

    @workflow.run
    async def run(self, continues: bool) -> None:
        if continues:
            workflow.continue_as_new(False)
        await workflow.wait_condition(lambda: False)


@workflow.defn(name=WORKFLOW_TYPES[Kind.SECONDMENT], sandboxed=False)
class _Brief:
    """Ends at once."""

    @workflow.run
    async def run(self, _continue: bool) -> None:
        return


@dataclass(frozen=True)
class Row:
    """One workflow of the list: what it is started with, and what becomes of it."""

    name: str
    kind: Kind = Kind.SECONDMENT
    phase: Phase = Phase.ACTIVE
    health: Health = Health.ON_TRACK
    reason: StallReason | None = None
    role: Role = Role.MENTEE
    level: int | None = None
    since: datetime | None = None
    due: datetime | None = None
    outcome: Outcome | None = None
    cohort: str | None = None
    tenant: str = "halden-grid"
    people: tuple[str, ...] = ("P-1",)
    fate: str = "runs"
    """`runs`, `faulty`, `continued`, `completed` or `terminated`."""
    runs: bool = field(init=False)
    well: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "runs", self.fate in {"runs", "faulty", "continued"})
        object.__setattr__(self, "well", self.fate in {"runs", "continued"})

    @property
    def stalled(self) -> bool:
        """Whether it is somebody's turn, and has been for too long."""
        return self.well and self.health is Health.STALLED

    def attributes(self) -> TypedSearchAttributes:
        """As search attributes."""
        values: Mapping[str, object] = {
            "AgreementKind": self.kind.value,
            "AgreementPhase": self.phase.value,
            "AgreementHealth": self.health.value,
            "AgreementStallReason": None if self.reason is None else self.reason.value,
            "AgreementWaitingOnRole": self.role.value,
            "AgreementLadderLevel": self.level,
            "AgreementStalledSince": self.since,
            "AgreementNextDueAt": self.due,
            "AgreementOutcome": None if self.outcome is None else self.outcome.value,
            "AgreementCohort": self.cohort,
            "AgreementTenant": self.tenant,
            "AgreementPeople": list(self.people),
        }
        assert values.keys() == {key.name for key in ALL}
        return TypedSearchAttributes(
            [_pair(key, values[key.name]) for key in ALL if values[key.name] is not None]
        )


def _pair(key: SearchAttributeKey[Any], value: Any) -> SearchAttributePair[Any]:  # noqa: ANN401  of the key's type
    return SearchAttributePair(key, value)


ROWS = (
    Row("fine"),
    Row(
        "milestone",
        health=Health.STALLED,
        reason=StallReason.MILESTONE_OVERDUE,
        level=2,
        since=A_DAY - DAY,
        due=A_DAY - 9 * DAY,
        cohort="2027-spring",
        people=("P-1042", "P-1107"),
    ),
    Row(
        "unsigned",
        kind=Kind.ROTATION,
        phase=Phase.AGREEMENT,
        health=Health.STALLED,
        reason=StallReason.AGREEMENT_UNSIGNED,
        role=Role.LINE_MANAGER,
        level=4,
        since=A_DAY,
        due=A_DAY,
    ),
    Row(
        "silent",
        kind=Kind.SHADOWING,
        health=Health.STALLED,
        reason=StallReason.SILENT,
        role=Role.MENTOR,
        since=A_DAY + DAY,
        due=A_DAY + DAY,
        fate="continued",
    ),
    Row("gone", health=Health.STALLED, reason=StallReason.PARTY_LEFT, role=Role.HOST_MANAGER, level=6),
    Row("undecided", health=Health.STALLED, reason=StallReason.END_DATE_UNDECIDED, role=Role.LEG_MANAGER),
    Row("end-due", health=Health.END_DECISION_DUE, role=Role.LINE_MANAGER, cohort="2027-spring"),
    Row("late", health=Health.OVERDUE, due=A_DAY - DAY),
    Row("risky", health=Health.AT_RISK, role=Role.MENTOR, people=("P-1107",)),
    Row("paused", health=Health.PAUSED),
    Row("held", health=Health.EXTERNAL_HOLD, kind=Kind.ROTATION),
    Row("looking-back", phase=Phase.DEBRIEF),
    Row("signing-off", phase=Phase.SYNTHESIS),
    Row("elsewhere", kind=Kind.ROTATION, tenant="other"),
    Row(
        "faulty",
        kind=Kind.ROTATION,
        health=Health.STALLED,
        reason=StallReason.HANDOVER_MISSING,
        role=Role.LEG_MANAGER,
        level=6,
        since=A_DAY - DAY,
        due=A_DAY - DAY,
        cohort="2027-spring",
        fate="faulty",
    ),
    Row("ended", phase=Phase.CLOSED, health=Health.CLOSED, outcome=Outcome.COMPLETED, fate="completed"),
    Row(
        "incomplete",
        phase=Phase.CLOSED,
        health=Health.CLOSED,
        outcome=Outcome.CLOSED_INCOMPLETE,
        fate="completed",
        people=("P-1107",),
    ),
    Row(
        "killed",
        health=Health.STALLED,
        reason=StallReason.SILENT,
        role=Role.MENTOR,
        level=6,
        people=("P-1107",),
        fate="terminated",
    ),
)

CANNOT_BEGIN = {
    StallReason.AGREEMENT_UNSIGNED,
    StallReason.RELEASE_MISSING,
    StallReason.CRITERIA_UNASSESSABLE,
    StallReason.START_UNCONFIRMED,
}
MANAGERS = {Role.LINE_MANAGER, Role.HOST_MANAGER, Role.LEG_MANAGER}

BELONGS: Mapping[str, Callable[[Row], bool]] = {
    "Stalled": lambda row: row.stalled,
    "Operators' queue": lambda row: row.well and (row.level or 0) >= 4,
    "Programme owner has to choose": lambda row: row.well and (row.level or 0) >= 6,
    "Nobody acts": lambda row: row.stalled and row.reason is StallReason.SILENT,
    "Not signed": lambda row: row.stalled and row.reason in CANNOT_BEGIN,
    "Somebody is gone": lambda row: (
        row.stalled and row.reason in {StallReason.PARTY_LEFT, StallReason.PARTY_ON_LEAVE_UNCOVERED}
    ),
    "Waiting on managers": lambda row: row.stalled and row.role in MANAGERS,
    "Waiting on mentors": lambda row: row.stalled and row.role is Role.MENTOR,
    "End not decided": lambda row: (
        row.well and (row.health is Health.END_DECISION_DUE or row.reason is StallReason.END_DATE_UNDECIDED)
    ),
    "Overdue, not stalled": lambda row: (
        row.well and row.health in {Health.OVERDUE, Health.AT_RISK, Health.END_DECISION_DUE}
    ),
    "Resting": lambda row: row.well and row.health in {Health.PAUSED, Health.EXTERNAL_HOLD},
    "On the home stretch": lambda row: row.well and row.phase in {Phase.DEBRIEF, Phase.SYNTHESIS},
    "Closed without a synthesis": lambda row: row.outcome is Outcome.CLOSED_INCOMPLETE,
    "One person's": lambda row: row.runs and "P-1107" in row.people,
    "One cohort's, stalled": lambda row: row.stalled and row.cohort == "2027-spring",
    "One tenant's, of one kind": lambda row: (
        row.runs and row.tenant == "halden-grid" and row.kind is Kind.ROTATION
    ),
    "Stalled since before a day": lambda row: row.well and row.since is not None and row.since < A_DAY,
    "Stalled since one day": lambda row: (
        row.well and row.since is not None and A_DAY <= row.since < A_DAY + DAY
    ),
    "Due before a day": lambda row: row.well and row.due is not None and row.due < A_DAY,
    "System faults": lambda row: row.fate == "faulty",
    "Lost by Temporal": lambda row: row.fate == "terminated",
}


@pytest.fixture(scope="module")
async def listed(client: Client) -> AsyncGenerator[str]:
    """The rows as workflows of the real server; gives what all their ids begin with."""
    prefix = f"list-{uuid.uuid4().hex}"
    async with Worker(client, task_queue=prefix, workflows=[_Faulty, _LongLived, _Brief]):
        for row in ROWS:
            # Nobody serves the other queue: what stands there runs, and nothing becomes of it.
            served = row.fate in {"faulty", "continued", "completed"}
            handle = await client.start_workflow(
                WORKFLOW_TYPES[row.kind],
                row.fate == "continued",
                id=f"{prefix}/{row.name}",
                task_queue=prefix if served else f"{prefix}-unserved",
                task_timeout=timedelta(seconds=1),
                search_attributes=row.attributes(),
            )
            if row.fate == "terminated":
                await handle.terminate()
        await _until_it_shows(client, prefix)
        yield prefix


async def _until_it_shows(client: Client, prefix: str) -> None:
    """Waits for what the server writes down a little later: ends, new runs, reported problems."""
    expected = {
        WorkflowExecutionStatus.RUNNING: sum(row.runs for row in ROWS),
        WorkflowExecutionStatus.COMPLETED: sum(row.fate == "completed" for row in ROWS),
        WorkflowExecutionStatus.TERMINATED: 1,
        WorkflowExecutionStatus.CONTINUED_AS_NEW: 1,
    }
    all_of_them = f"WorkflowId STARTS_WITH '{prefix}/'"
    while True:
        statuses = Counter([each.status async for each in client.list_workflows(all_of_them)])
        faults = await client.count_workflows(f"{all_of_them} AND TemporalReportedProblems IS NOT NULL")
        if statuses == expected and faults.count == 1:
            return


@pytest.mark.parametrize("name", BELONGS)
async def test_a_list_holds_what_its_name_says(client: Client, listed: str, name: str) -> None:
    """Each filter returns exactly the agreements that it promises, one row for each."""
    query = f"({FILTERS[name]}) AND WorkflowId STARTS_WITH '{listed}/'"
    found = Counter([each.id.removeprefix(f"{listed}/") async for each in client.list_workflows(query)])
    wanted = Counter(row.name for row in ROWS if BELONGS[name](row))
    assert wanted, "the rows of this test tell nothing about the filter"
    assert found == wanted


def test_every_list_is_tried() -> None:
    """A filter that is added to the page gets a row here."""
    assert FILTERS.keys() == BELONGS.keys()
    assert len(LINKED) == len(FILTERS)


@pytest.mark.parametrize(("name", "link", "query"), LINKED)
def test_a_link_opens_and_keeps_its_list(name: str, link: str, query: str) -> None:
    """The UI reads the filter from `query` and keeps it among the saved views under `savedQuery`."""
    parts = urlsplit(link)
    assert (parts.netloc, parts.path) == ("127.0.0.1:8233", "/namespaces/default/workflows")
    assert parse_qs(parts.query) == {"query": [query], "savedQuery": [name]}


def test_system_faults_are_nobodys_fault() -> None:
    """A list of what people hold up leaves out what the system holds up, whatever it last said of people."""
    about_people = re.compile(r"Health|StallReason|LadderLevel|StalledSince")
    for name, query in FILTERS.items():
        if about_people.search(query):
            assert "TemporalReportedProblems IS NULL" in query, name
            assert "ExecutionStatus = 'Running'" in query, name
    for name in SYSTEM:
        assert not about_people.search(FILTERS[name])


def test_every_search_attribute_is_explained() -> None:
    """The page names each that there is and none that there is not."""
    assert set(re.findall(r"\bAgreement[A-Z]\w+", PAGE)) == {key.name for key in ALL}


def test_search_attributes_stay_inside_the_default_limits() -> None:
    """A self-hosted server registers all of them without its operator raising a limit."""
    used = Counter(key.indexed_value_type.name for key in ALL)
    for kind, number in used.items():
        assert number <= DEFAULT_LIMITS[kind], kind
