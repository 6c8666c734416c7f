"""Where the gateway and the local codec endpoint listen."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from deploy.embedded.processes import free_port
from gateway.serving import CannotListenError, listening


def test_a_port_that_was_chosen_is_nobody_elses_from_then_on() -> None:
    """Its address is handed to the Temporal UI long before the first request is answered."""
    with closing(listening("127.0.0.1", None)) as chosen:
        host, port = chosen.getsockname()
        with socket.create_connection((host, port), timeout=5):
            pass
        with pytest.raises(CannotListenError, match=f"127.0.0.1:{port}"):
            listening(host, port)


def test_a_fixed_port_can_be_taken_again_at_once() -> None:
    """A gateway that is started anew does not wait for what is left of the connections before."""
    port = free_port()
    with (
        closing(listening("127.0.0.1", port)) as first,
        socket.create_connection(("127.0.0.1", port), timeout=5),
    ):
        accepted, _ = first.accept()
        # Who closes first keeps the connection's remains.
        accepted.close()
    listening("127.0.0.1", port).close()
