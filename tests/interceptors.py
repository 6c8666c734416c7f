"""What goes wrong between a worker and its activities, as interceptors of the SDK."""

from __future__ import annotations

import asyncio
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor


class LosesAnswers(Interceptor):
    """Lets the first append inside a workflow task happen, and never says so."""

    def __init__(self) -> None:
        self.lost = 0

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  as it is called
        """Put it before every activity; called by the SDK."""
        return _LosingOne(next, self)


class _LosingOne(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, loses: LosesAnswers) -> None:  # noqa: A002  as above
        super().__init__(next)
        self._loses = loses

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401  as above
        answer = await super().execute_activity(input)
        info = activity.info()
        if info.activity_type == "append_events" and info.is_local and not self._loses.lost:
            self._loses.lost += 1
            await asyncio.Event().wait()
        return answer
