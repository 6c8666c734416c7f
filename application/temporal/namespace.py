"""Whether agreements can live in a Temporal namespace: it has to know the search attributes they carry."""

from __future__ import annotations

from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from workflows.search_attributes import ALL

_TIMEOUT = timedelta(seconds=10)
_NOT_FOR_US = frozenset({RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED})
"""Temporal Cloud and locked-down servers do not let a worker look."""


class NamespaceNotReadyError(RuntimeError):
    """The namespace lacks search attributes; the text says which and what to do."""


async def check_search_attributes(client: Client) -> None:
    """Refuses a namespace without our search attributes: every agreement in it would fail its first task.

    Raises:
        NamespaceNotReadyError: Some are missing, or of another type.
        RPCError: Temporal does not answer.
    """
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace), timeout=_TIMEOUT
        )
    except RPCError as error:
        if error.status in _NOT_FOR_US:
            return
        raise
    wanted = {key.name: IndexedValueType.ValueType(key.indexed_value_type.value) for key in ALL}
    lacking = sorted(name for name, kind in wanted.items() if known.custom_attributes.get(name) != kind)
    if lacking:
        raise NamespaceNotReadyError(
            f"Temporal's namespace {client.namespace} lacks search attributes that agreements carry: "
            f"{', '.join(lacking)}. Run `sojourn migrate`, which registers them."
        )
