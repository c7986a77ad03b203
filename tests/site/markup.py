"""Built pages, each parsed once by a worker; nobody may change what is returned."""

import functools

import pytest

bs4 = pytest.importorskip("bs4")


@functools.cache
def parsed(path):
    """The parsed page in a file."""
    return parse(path.read_text(encoding="utf-8"))


def parse(html):
    """The parsed page of a text."""
    return bs4.BeautifulSoup(html, "html.parser")
