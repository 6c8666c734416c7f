"""The code that histories are replayed by, and a digest of it that no changed wording changes.

A run of a workflow is replayed by the modules of `workflows` and by what they import of `domain`, however
indirectly. Of these modules only what the interpreter runs counts: no comment, no docstring, no layout.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from domain.kernel.areas import AREAS, import_areas

_REPLAYED = "workflows"
_IMPORTED = ("workflows", "domain")

SHOWN_ONLY = frozenset({"workflows.user_metadata"})
"""Modules of texts for the Temporal UI: Temporal compares none of them with a history."""


def digest_of_replayed_code(root: Path) -> str:
    """Return a digest of the code that histories are replayed by.

    Args:
        root: The folder that holds the packages `workflows` and `domain`.

    Returns:
        SHA-256, in hexadecimal.
    """
    digest = sha256()
    for name, tree in sorted(replayed_modules(root).items()):
        digest.update(f"{name}\n{_canonical(tree)}\n".encode())
    return digest.hexdigest()


def replayed_modules(root: Path) -> Mapping[str, ast.Module]:
    """Return the modules that histories are replayed by, by dotted name.

    Args:
        root: The folder that holds the packages `workflows` and `domain`.
    """
    found: dict[str, ast.Module] = {}
    wanted = [_name_of(source, root) for source in (root / _REPLAYED).rglob("*.py")]
    while wanted:
        name = wanted.pop()
        source = _source_of(name, root)
        if name in found or name in SHOWN_ONLY or source is None:
            continue
        found[name] = ast.parse(source.read_bytes())
        wanted += _imports_of(name, found[name])
    return found


def _name_of(source: Path, root: Path) -> str:
    parts = source.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _source_of(name: str, root: Path) -> Path | None:
    """Return the file of a module; None for what is no module of ours, such as a name within one."""
    if name.partition(".")[0] not in _IMPORTED:
        return None
    path = root.joinpath(*name.split("."))
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def _imports_of(name: str, tree: ast.Module) -> Iterator[str]:
    """Yield whatever a module may import, with the packages that Python runs before the module itself."""
    parts = name.split(".")
    yield from (".".join(parts[:length]) for length in range(1, len(parts)))
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield module
                yield from (f"{module}.{each.name}" for each in names)
            case ast.Call(func=ast.Name(id=import_areas.__name__)):
                # The one import by a computed name: a package that brings in its module of every area.
                yield from (f"{name}.{area}" for area in AREAS)
            case _:
                pass


def _canonical(node: object) -> str:
    """Return a text of a syntax tree that does not depend on the release of Python.

    What is empty is left out, as later releases have more fields, and so are strings that stand alone: the
    docstrings of modules, classes, functions and attributes.
    """
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if value is not None and value != [])
        inner = ",".join(f"{name}={_canonical(value)}" for name, value in fields)
        return f"{type(node).__name__}({inner})"
    if isinstance(node, list):
        return f"[{','.join(_canonical(each) for each in node if not _is_docstring(each))}]"  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  a field of a tree
    return repr(node)


def _is_docstring(node: object) -> bool:
    """Tell whether a statement is nothing but a string, which the interpreter throws away."""
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
        case _:
            return False
