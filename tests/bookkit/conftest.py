import sys

import pytest
from IPython.display import Markdown

from bookkit import claims, source
from bookkit.exercises import engine


@pytest.fixture
def displayed(monkeypatch):
    """What claims, checks and shown sources display, as a list of dicts by MIME type."""
    outputs = []

    def display(thing, raw=False):
        assert raw == isinstance(thing, dict)
        outputs.append({"text/markdown": thing.data} if isinstance(thing, Markdown) else thing)

    # The package's `checked` is the function, which hides the module of that name.
    for module in (claims, source, engine, sys.modules["bookkit.checked"]):
        monkeypatch.setattr(module, "display", display)
    return outputs
