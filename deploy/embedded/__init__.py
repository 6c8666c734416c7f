"""The embedded stack: the real Temporal server and the real PostgreSQL, without a container engine."""

from deploy.addresses import StackAddresses, find_running_stack
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.embedded.processes import EmbeddedServerError
from deploy.embedded.stack import Stack, StackAlreadyRunningError
from deploy.embedded.temporal import EmbeddedTemporal, attribute_types

__all__ = [
    "EmbeddedPostgres",
    "EmbeddedServerError",
    "EmbeddedTemporal",
    "Stack",
    "StackAddresses",
    "StackAlreadyRunningError",
    "attribute_types",
    "find_running_stack",
]
