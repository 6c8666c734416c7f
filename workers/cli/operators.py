"""What every command about people's rights asks for first: an operator, and the keys."""

from __future__ import annotations

from activities.keys.ring import KeyRing
from application.config.keys import key_ring
from workers.cli.reach import Reach
from workers.terminal.failures import Failure


def ring_in_use(reach: Reach) -> KeyRing:
    """The key ring.

    Raises:
        Failure: Nothing is sealed here.
    """
    ring = key_ring(reach.settings)
    if ring is None:
        raise Failure("SOJOURN_WITHOUT_KEYS is set: nothing is sealed, so nothing can be erased or opened.")
    return ring


async def require_operator(reach: Reach, operator: str) -> None:
    """Lets nobody act as an operator who is none.

    Raises:
        Failure: The directory does not have them as an operator.
    """
    known = await (await reach.directory()).get([operator])
    if operator not in known or not known[operator].is_operator:
        raise Failure(f'--as: {operator} is no operator ("is_operator": true in the directory).')
