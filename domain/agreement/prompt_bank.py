"""Banks of prompts and questions: versioned, so that an answer can be read beside its question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.kernel.model import Frozen


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
"""The prompts of check-ins and reflective sessions."""


QUESTION_BANK = PromptBank(
    version="1",
    prompts={
        "where-it-waits": "Where does work wait here, and for whom?",
        "who-decides": "Who decides this, and who is asked before?",
        "what-is-routine": "What do you do every day without thinking about it?",
        "why-this-way": "Why is it done this way, and what was tried before?",
        "what-you-look-at": "What do you look at first, and what do you leave out?",
        "when-it-goes-wrong": "How do you notice that it goes wrong, and what do you do then?",
    },
)
"""What a guest can ask a host; an observation's log names those that were asked."""


def unknown_prompts(prompt_ids: Iterable[str], bank: PromptBank = PROMPT_BANK) -> tuple[str, ...]:
    """Return those of the ids that the bank does not have."""
    return tuple(prompt_id for prompt_id in prompt_ids if prompt_id not in bank.prompts)
