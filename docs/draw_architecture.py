"""Draw the picture of the architecture from the code: `python -m docs.draw_architecture`.

Rows are the layers that the import contracts in pyproject.toml name, sentences are the packages' own, arrows
are imports that the code has. An arrow that follows from others (A to C, where A to B and B to C are drawn)
is left out.
"""

from __future__ import annotations

import textwrap
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.sax.saxutils import escape

import grimp

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs/pictures/architecture.svg"

WIDTH, MARGIN, GAP, LINE, LETTERS = 1000, 20, 32, 17, 124
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #59636e }
.name { font-weight: 600; font-size: 15px; fill: #1f2328 }
rect { fill: #f6f8fa; stroke: #818b98 }
.inner { fill: #ffffff }
path { stroke: #59636e; fill: #59636e; stroke-width: 1.4 }
@media (prefers-color-scheme: dark) {
text { fill: #9198a1 }
.name { fill: #f0f6fc }
rect { fill: #151b23; stroke: #656c76 }
.inner { fill: #0d1117 }
path { stroke: #9198a1; fill: #9198a1 }
}
"""


@dataclass(frozen=True)
class Box:
    """A package in the picture; lengths are in pixels."""

    package: str
    left: float
    top: float
    width: float
    height: float
    lines: Sequence[str]

    def drawn(self) -> str:
        """Return the box as SVG, its name and its lines centred at the top."""
        _, _, name = self.package.rpartition(".")
        middle, inner = self.left + self.width / 2, ' class="inner"' if "." in self.package else ""
        place = f'x="{self.left:g}" y="{self.top:g}" width="{self.width:g}" height="{self.height:g}"'
        texts = [f'<rect{inner} {place} rx="6"/>']
        texts += [f'<text class="name" x="{middle:g}" y="{self.top + 22:g}">{name}</text>']
        for number, line in enumerate(self.lines, 1):
            texts.append(f'<text x="{middle:g}" y="{self.top + 22 + LINE * number:g}">{escape(line)}</text>')
        return "\n".join(texts)


def layers_of(container: str | None) -> list[list[str]]:
    """Return the packages of a layers contract, from the top down: of one package, or of the top level."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    for contract in contracts:
        if contract["type"] == "layers" and contract.get("containers", [None]) == [container]:
            prefix = f"{container}." if container else ""
            return [[prefix + name.strip() for name in layer.split("|")] for layer in contract["layers"]]
    raise LookupError(f"no contract about the layers of {container or 'the top level'}")


def imports_between(packages: Iterable[str], graph: grimp.ImportGraph) -> list[tuple[str, str]]:
    """Return who imports whom among these packages, without what follows from the rest."""
    home = {module: package for package in packages for module in {package, *graph.find_descendants(package)}}
    imports: dict[str, set[str]] = {package: set() for package in packages}
    for module, package in home.items():
        imported = graph.find_modules_directly_imported_by(module)
        imports[package] |= {home[each] for each in imported if each in home} - {package}
    return sorted(
        (package, other)
        for package, others in imports.items()
        for other in others
        if not any(other in _reached(between, imports) for between in others - {other})
    )


def _reached(package: str, imports: Mapping[str, set[str]]) -> set[str]:
    """Return everything that a package imports, through others too; imports form no circle."""
    return imports[package].union(*(_reached(other, imports) for other in imports[package]))


def _arrow(above: Box, below: Box) -> str:
    """Return an arrow between the edges of two boxes, upright where one is as wide as several others."""
    start, end = above.left + above.width / 2, below.left + below.width / 2
    if below.width > above.width:
        end = start
    elif above.width > below.width:
        start = end
    top, tip = above.top + above.height, below.top - 1
    head = f"L{end - 5:g} {tip - 9:g} L{end + 5:g} {tip - 9:g} L{end:g} {tip:g}"
    return f'<path d="M{start:g} {top:g} L{end:g} {tip:g} {head}"/>'


def _rows(layers: Iterable[Sequence[str]], top: float, margin: float, graph: grimp.ImportGraph) -> list[Box]:
    """Return a box for each package: layers below each other, the packages of one side by side."""
    boxes: list[Box] = []
    for layer in layers:
        width = (WIDTH - 2 * margin - GAP * (len(layer) - 1)) / len(layer)
        lines = [_described(package, LETTERS // len(layer), graph) for package in layer]
        height = 34 + LINE * max(map(len, lines))
        boxes += [
            Box(package, margin + number * (width + GAP), top, width, height, lines[number])
            for number, package in enumerate(layer)
        ]
        top += height + GAP
    return boxes


def _described(package: str, letters: int, graph: grimp.ImportGraph) -> list[str]:
    """Return the first sentence of a package and the names of those in it, in lines of so many letters."""
    sentence = (ROOT / package.replace(".", "/") / "__init__.py").read_text().splitlines()[0].strip('"')
    inside = [child for child in sorted(graph.find_children(package)) if graph.find_children(child)]
    names = "" if package == "domain" else " · ".join(child.rpartition(".")[2] for child in inside)
    return textwrap.wrap(sentence, letters) + textwrap.wrap(names, letters)


def picture() -> str:
    """Return the picture as SVG; readable on light and on dark pages."""
    layers, inner_layers = layers_of(None), layers_of("domain")
    graph = grimp.build_graph(*(package for layer in layers for package in layer), cache_dir=None)
    *others, domain = _rows(layers, MARGIN, MARGIN, graph)
    within = _rows(inner_layers, domain.top + domain.height + 6, 3 * MARGIN, graph)
    bottom = within[-1].top + within[-1].height + MARGIN
    outside = [*others, replace(domain, height=bottom - domain.top)]
    drawn: list[str] = []
    for boxes in (outside, within):
        named = {box.package: box for box in boxes}
        drawn += [box.drawn() for box in boxes]
        drawn += [_arrow(named[above], named[below]) for above, below in imports_between(named, graph)]
    size = f'viewBox="0 0 {WIDTH} {bottom + MARGIN:g}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} text-anchor="middle">\n<style>{STYLE}</style>'
    title = "<title>The packages of Sojourn and who imports whom</title>"
    return "\n".join((head, title, *drawn, "</svg>\n"))


if __name__ == "__main__":
    PICTURE.write_text(picture())
