import pytest

from bookkit.source import show_source
from descent.layers import Linear
from descent.losses import cross_entropy


@pytest.fixture
def shown(displayed):
    """A function that returns the texts that `show_source` displays."""

    def show(*things):
        show_source(*things)
        return [output["text/markdown"] for output in displayed]

    return show


def test_a_method_stands_at_the_margin_with_its_place(shown):
    (text,) = shown(Linear.backward)
    lines = text.split("\n")
    assert lines[0] == "```python"
    assert lines[1].startswith("# lib/descent/layers/linear.py, line ")
    assert lines[2].startswith("def backward(self, gradient")
    assert lines[-1] == "```"


def test_docstrings_are_left_out_and_code_is_not(shown):
    function, layer = shown(cross_entropy, Linear)
    for text in (function, layer):
        assert '"""' not in text
        assert "References" not in text
    assert "return value, gradient" in function
    assert "def forward(self, x):" in layer
