"""The bank of reflective prompts: versioned, so that an answer can be read beside its question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.model import Frozen


class PromptBank(Frozen):
    """Prompts by id."""

    version: str
    prompts: Mapping[str, str]


PROMPT_BANK = PromptBank(
    version="1",
    prompts={
        "what-changed": "What do you do differently since we last spoke?",
        "limiting-assumption": "Which assumption held you back, and how would you test it?",
        "hardest-decision": "Which decision was hardest, and what did you weigh?",
        "help-wanted": "Where do you want help, and where do you want to be left alone?",
        "surprise": "What surprised you about the people or the work?",
        "next-experiment": "What will you try next, and how will you see whether it works?",
        "mentoring": "What of our mentoring helps, and what should we drop?",
    },
)
"""The prompts in use."""


def unknown_prompts(prompt_ids: Iterable[str]) -> tuple[str, ...]:
    """Those of the ids that the bank does not have."""
    return tuple(prompt_id for prompt_id in prompt_ids if prompt_id not in PROMPT_BANK.prompts)
