"""Links that open a live figure in a state: each setting is one that the figure has, and keeps."""

import re

import pytest

bs4 = pytest.importorskip("bs4")

ADDRESS = re.compile(r"[./\w-]*\.html#(fig-[\w-]+)&(.+)")
READ = """async ([id, state]) => {
  const name = document.querySelector(`[data-replaces="${id}"]`).dataset.live;
  const { asked } = await import("live/figure");
  const figure = (await import(`live/${name}`)).build();
  const changes = asked(`#${id}&${state}`, id, figure.state);
  figure.set(structuredClone(changes));
  const kept = Object.fromEntries(Object.keys(changes).map((key) => [key, figure.state[key]]));
  return [Object.keys(figure.state), changes, kept];
}"""


def test_each_state_is_one_of_its_figure(site, watch):
    page = bs4.BeautifulSoup((site / "book/teaching.html").read_text("utf-8"), "html.parser")
    links = [link["href"] for link in page.select("article a[href*='#fig-']")]
    states = [link for link in links if ADDRESS.fullmatch(link)]
    assert len(states) >= 15
    for link in states:
        figure, state = ADDRESS.fullmatch(link).groups()
        shown = watch(f"{(site / 'book').as_uri()}/{link}")
        names, asked, kept = shown.evaluate(READ, [figure, state])
        named = [part.partition("=")[0] for part in state.split("&")]
        assert set(named) <= set(names), link
        assert list(asked) == named, link
        assert kept == asked, link
        values = {
            name: text for name, _, text in (part.partition("=") for part in state.split("&"))
        }
        for name, value in kept.items():
            assert _text(value) == values[name], link
        assert shown.faults == []
        shown.close()


def _text(value):
    """A value as addresses write it."""
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return value if isinstance(value, str) else f"{value:g}"
