"""The search: what readers look for leads to the place, in words, over http and from a file."""

import importlib.util
from pathlib import Path

import pytest
from markup import parse

ROOT = Path(__file__).resolve().parents[2]
# What is typed, and the end of the address of one of the first three places.
QUERIES = {
    "saddle point": "glossary#term-saddle-point",
    "Saddle Points": "glossary#term-saddle-point",
    "crossentropy": "glossary#term-cross-entropy",
    "cross entropy": "glossary#term-cross-entropy",
    "BCEWithLogitsLoss": "glossary#term-binary-cross-entropy",
    "perplexity": "glossary#term-cross-entropy",
    "SGD": "glossary#term-gradient-descent",
    "step size": "glossary#term-learning-rate",
    "clip_grad_norm_": "reference/optimizers/around#descent.optimizers.clip_grad_norm_",
    "CosineAnnealingLR": "reference/optimizers/schedules#descent.optimizers.CosineAnnealingLR",
    "descent.layers.Conv2d": "reference/layers/convolution#descent.layers.Conv2d",
    "label smoothing": "glossary#term-label-smoothing",
    "momentun": "glossary#term-momentum",
    "学习率": "glossary#term-learning-rate",
    "交叉熵": "glossary#term-cross-entropy",
    "鞍点": "glossary#term-saddle-point",
    "动量": "glossary#term-momentum",
    "Dollár": "bibliography#",
    "dollar": "bibliography#",
    "nielsen 2015": "bibliography#",
    "Claim 1.1": "#claim-1.1",
    "claim 0.1": "#claim-0.1",
    "Exercise 1.1": "#exercise-1.1",
    "Figure 0.1": "chapters/prelude/ten-minutes#fig-",
    "how to read a claim": "how-to-read#how-to-read-a-claim",
    "creative commons": "colophon#licenses",
}


@pytest.fixture(scope="module", params=["http", "file"])
def find(request, site, serve, browser):
    """A function that looks for something: the first three addresses."""
    home = serve(site) if request.param == "http" else site.as_uri()
    page = browser.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{home}/search.html")
    page.wait_for_function("window.findInBook !== undefined")
    yield lambda query: page.evaluate(
        "async (q) => (await findInBook(q)).slice(0, 3).map((e) => `${e.page}#${e.anchor}`)", query
    )
    page.close()
    assert faults == []


@pytest.mark.parametrize("query", QUERIES)
def test_queries_of_readers(find, query):
    found = find(query)
    assert any(QUERIES[query] in address for address in found), found


def test_what_has_a_name_comes_first(find):
    for query in ("cross-entropy", "学习率", "momentum", "SGD"):
        assert "glossary#term-" in find(query)[0]
    for query in ("cross-entropy", "cross entropy", "Cross-Entropy"):
        assert find(query)[0].endswith("#term-cross-entropy")
    assert find("学习率")[0].endswith("#term-learning-rate")


def test_nonsense_is_not_found(find):
    assert find("xyzzyplugh") == []


def test_results_are_shown_with_words_and_spoken(site, open_page):
    page = open_page(f"{site.as_uri()}/book/index.html")
    page.get_by_placeholder("Search").fill("BCEWithLogitsLoss")
    page.keyboard.press("Enter")
    first = page.locator("#search-results li").first
    first.wait_for()
    assert first.locator("a").inner_text() == "binary cross-entropy"
    assert first.locator("mark").first.is_visible()
    status = page.locator("#search-status")
    assert status.get_attribute("aria-live") == "polite"
    assert "for “BCEWithLogitsLoss”" in status.inner_text()
    page.get_by_label("What are you looking for").fill("xyzzyplugh")
    assert status.inner_text().startswith("Nothing was found")
    first = page.locator("#search-results li")
    page.get_by_label("What are you looking for").fill("Claim 1.1")
    assert first.count() == 1
    assert page.faults == []


@pytest.fixture(scope="module")
def extension():
    spec = importlib.util.spec_from_file_location("find", ROOT / "book/_ext/find.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_lists_do_not_repeat_what_chapters_say(site, extension):
    for name in ("cards", "exercises", "ledger"):
        html = (site / f"book/{name}.html").read_text(encoding="utf-8")
        assert len(list(extension.entries_of(html, f"book/{name}"))) == 1


def test_formulas_are_in_words(extension):
    html = (
        '<p>The <span class="katex"><span class="mord">p</span><span class="mrel">=</span>'
        '<span class="mop">lo<span>g</span></span><span class="mord">q</span></span>.</p>'
    )
    part = parse(html)
    assert extension.words(part) == "The p = log q."


PAGE = """<article><section id="top"><h1>Title<a class="headerlink">#</a></h1><p>First words.</p>
<section id="one"><h2>One</h2><p>The <span class="math"><span class="katex"><span
class="katex-mathml">again x</span><span class="katex-html">x</span></span></span> is seen.</p>
<details class="fold"><summary>Show</summary><div class="cell_input">code()</div></details>
<div class="claim" id="claim-7.2"><span class="claim-id">Claim 7.2 ✓</span> It is so: 3</div>
<figure id="fig-x"><svg><text>axis</text></svg><figcaption><span class="caption-number">Figure 7.1
</span><span>What to see.</span></figcaption></figure>
<section id="exercise-7.1"><h3>Exercise 7.1. Try</h3><p>A task.</p></section>
</section></section></article>"""


def test_a_page_is_divided_into_its_parts(extension):
    found = {entry["title"]: entry for entry in extension.entries_of(PAGE, "chapters/x")}
    assert list(found) == ["Claim 7.2", "Figure 7.1", "Exercise 7.1. Try", "One", "Title"]
    assert found["One"]["text"] == "The x is seen."
    assert found["Title"]["text"] == "First words."
    assert found["Title"]["anchor"] == ""
    assert found["Exercise 7.1. Try"]["anchor"] == "exercise-7.1"
    assert found["Claim 7.2"]["label"] == "claim 7.2"
    assert found["Figure 7.1"]["text"] == "What to see."
    assert {entry["chapter"] for entry in found.values()} == {"Title"}


def test_excerpts_hold_no_code_and_no_formula_twice(site, extension):
    for path in (site / "chapters").rglob("*.html"):
        for entry in extension.entries_of(path.read_text(encoding="utf-8"), "x"):
            assert "import numpy" not in entry["text"]
            assert "\\frac" not in entry["text"]


def test_other_names_lead_to_terms_of_the_glossary(extension):
    glossary = (ROOT / "book/glossary.md").read_text(encoding="utf-8").splitlines()
    for term in extension.read_aliases().values():
        assert term in glossary, f"aliases.toml names {term!r}, which is no term"


def test_the_index_has_sections_and_other_names(site):
    index = (site / "genindex.html").read_text(encoding="utf-8")
    assert ">BCEWithLogitsLoss</a>" in index
    assert "chapters/losses/" in index
    assert ">Notes and sources</a>" not in index
