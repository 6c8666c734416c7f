"""What a workflow cost Temporal: events, bytes and billable actions, read off its histories."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

ACTION_OF = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED: "starts",
    EventType.EVENT_TYPE_TIMER_STARTED: "timers",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: "signals",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: "updates",
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: "upserts",
}
"""Events that are billed one by one; a continue-as-new is the start of the next run."""


@dataclass(frozen=True)
class Cost:
    """What one workflow cost, over all its runs."""

    events: int
    """Without time skipping's own, which no life outside of a test has."""
    bytes: int
    actions: int
    """Billable in Temporal Cloud; all local activities of one workflow task together are one."""
    by_kind: dict[str, int]


async def cost_of(client: Client, workflow_id: str, first_run_id: str) -> Cost:
    """Read every run of a workflow, from its first to its last."""
    events = size = 0
    actions: Counter[str] = Counter()
    run: str | None = first_run_id
    while run:
        following = None
        tasks_with_local_activities: set[int] = set()
        history = client.get_workflow_handle(workflow_id, run_id=run).fetch_history_events()
        async for event in history:
            if "TIME_SKIPPING" in EventType.Name(event.event_type):
                continue
            events += 1
            size += event.ByteSize()
            if event.event_type in ACTION_OF:
                actions[ACTION_OF[event.event_type]] += 1
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
                # Written once an activity has ended, with the number of its last attempt; each is billed.
                actions["attempts at activities"] += event.activity_task_started_event_attributes.attempt
            if event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED:
                tasks_with_local_activities.add(
                    event.marker_recorded_event_attributes.workflow_task_completed_event_id
                )
            following = _next_run(event) or following
        actions["local activities"] += len(tasks_with_local_activities)
        run = following
    return Cost(events, size, sum(actions.values()), dict(actions))


def _next_run(event: HistoryEvent) -> str | None:
    if event.event_type != EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
        return None
    return event.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
