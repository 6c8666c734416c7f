"""What the fields of a model mean: the docstrings below them, read once somebody asks.

pydantic can read them itself, for every model there is whenever a process starts, which takes longer than
all else that importing the domain does. Only JSON Schemas and the list of commands want them.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise

from pydantic import BaseModel


def field_meanings(model: type[BaseModel]) -> Mapping[str, str]:
    """Return the docstring of each field that has one, also of those inherited.

    A field that a subclass declares anew means what is said there. Where the source is not at hand, nothing
    is known.
    """
    meanings: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if not issubclass(owner, BaseModel) or owner is BaseModel:
            continue
        said = _of_module(owner.__module__).get(owner.__qualname__, {})
        for field in inspect.get_annotations(owner):
            meanings.pop(field, None)
            if field in said and field in model.model_fields:
                meanings[field] = said[field]
    return meanings


@cache
def _of_module(name: str) -> Mapping[str, Mapping[str, str]]:
    """Return the docstrings of a module's attributes, by the qualified name of each class."""
    module = sys.modules.get(name)
    try:
        tree = None if module is None else ast.parse(inspect.getsource(module))
    except OSError:
        tree = None
    return {} if tree is None else dict(_of_classes(tree.body))


def _of_classes(body: Sequence[ast.stmt], inside: str = "") -> Iterator[tuple[str, Mapping[str, str]]]:
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield inside + statement.name, dict(_of_attributes(statement.body))
            yield from _of_classes(statement.body, f"{inside}{statement.name}.")


def _of_attributes(body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    for declaration, next_to_it in pairwise(body):
        match declaration, next_to_it:
            case (
                ast.AnnAssign(target=ast.Name(id=attribute)),
                ast.Expr(value=ast.Constant(value=str(meaning))),
            ):
                yield attribute, inspect.cleandoc(meaning)
            case _:
                pass
