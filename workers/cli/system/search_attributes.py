"""Search attributes: making sure that a Temporal namespace knows the ones that agreements carry."""

from __future__ import annotations

from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError

from workers.terminal.failures import ExitCode, Failure
from workflows.search_attributes import ALL

_TIMEOUT = timedelta(seconds=10)


async def register_search_attributes(client: Client) -> list[str]:
    """Registers those that the namespace lacks.

    Returns:
        The names of those registered now.

    Raises:
        Failure: Temporal does not let us, or knows one under another type; the text says what to do by hand.
    """
    wanted = {key.name: IndexedValueType.ValueType(key.indexed_value_type.value) for key in ALL}
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace), timeout=_TIMEOUT
        )
        others = [
            f"{name} ({IndexedValueType.Name(known.custom_attributes[name])})"
            for name, kind in wanted.items()
            if name in known.custom_attributes and known.custom_attributes[name] != kind
        ]
        if others:
            raise Failure(
                f"Namespace {client.namespace} has search attributes of another type: {', '.join(others)}. "
                "Rename them there (`temporal operator search-attribute`), or use another namespace."
            )
        missing = {name: kind for name, kind in wanted.items() if name not in known.custom_attributes}
        if missing:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing),
                timeout=_TIMEOUT,
            )
    except RPCError as error:
        by_hand = "; ".join(
            f"{key.name} {key.indexed_value_type.name.title().replace('_', '')}" for key in ALL
        )
        raise Failure(
            f"Temporal does not register search attributes in namespace {client.namespace} "
            f"({error.message}). Create them by hand: {by_hand}.",
            ExitCode.UNREACHABLE,
        ) from error
    return sorted(missing)
