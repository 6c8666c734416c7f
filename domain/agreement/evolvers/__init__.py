"""How each event changes the state, by area; its effect on the ledger is the same for all."""

from __future__ import annotations

from domain.agreement.evolvers.registry import changes
from domain.kernel.areas import import_areas

import_areas(__name__)

__all__ = ["changes"]
