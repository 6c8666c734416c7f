"""The picture of the architecture is the code's."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import grimp

from docs.draw_architecture import PICTURE, imports_between, layers_of, picture


def test_the_picture_is_as_the_code_has_it() -> None:
    """After a move or a new import: `python -m docs.draw_architecture`."""
    assert PICTURE.read_text() == picture(), "run: python -m docs.draw_architecture"


def test_the_picture_shows_every_layer_and_is_readable_on_dark_pages() -> None:
    """It is well-formed, and each package of the contracts has its box."""
    drawn = ET.fromstring(picture())  # noqa: S314  our own text
    texts = {element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")}
    for container in (None, "domain"):
        assert {package.rpartition(".")[2] for layer in layers_of(container) for package in layer} <= texts
    assert "prefers-color-scheme: dark" in picture()


def test_an_arrow_that_follows_from_others_is_left_out() -> None:
    """Of three packages in a row the first has one arrow, though it imports both others."""
    graph = grimp.ImportGraph()
    for package in ("top", "middle", "bottom"):
        graph.add_module(package)
        graph.add_module(f"{package}.inner")
    for importer, imported in (("top", "middle"), ("top", "bottom"), ("middle", "bottom")):
        graph.add_import(importer=f"{importer}.inner", imported=f"{imported}.inner")
    assert imports_between(("top", "middle", "bottom"), graph) == [("middle", "bottom"), ("top", "middle")]
