"""The rules by area of an agreement's life: one function per command."""

from __future__ import annotations

from domain.kernel.areas import import_areas

import_areas(__name__)
