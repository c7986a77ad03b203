"""The reference: every public name, with its formula set, its source and its chapters."""

import importlib
import tomllib
from pathlib import Path

import pytest
from markup import parsed

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sorted(p.parent.name for p in (ROOT / "lib/descent").glob("*/__init__.py"))


@pytest.fixture(scope="module")
def reference(site):
    """The parsed pages of the reference, by their names."""
    home = site / "book/reference"
    return {
        path.relative_to(home).with_suffix("").as_posix(): parsed(path)
        for path in home.rglob("*.html")
    }


@pytest.fixture(scope="module")
def entry_of(reference):
    """A function that returns the one page on which a name is explained, and its entry there."""

    def find(name):
        found = [
            (page, e) for page, soup in reference.items() for e in soup.find_all("dt", id=name)
        ]
        assert len(found) == 1, f"{name} stands on {[page for page, _ in found]}"
        return found[0]

    return find


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_there_with_its_source(entry_of, site, package):
    for name in importlib.import_module(f"descent.{package}").__all__:
        page, entry = entry_of(f"descent.{package}.{name}")
        assert page.partition("/")[0] == package
        if isinstance(getattr(importlib.import_module(f"descent.{package}"), name), dict | tuple):
            continue
        link = entry.find(class_="viewcode-link").find_parent("a")["href"]
        path, _, anchor = link.partition("#")
        code = (
            ((site / "book/reference" / page).parent / path).resolve().read_text(encoding="utf-8")
        )
        assert f'id="{anchor}"' in code, name


@pytest.mark.parametrize("package", ["losses", "optimizers", "layers"])
def test_a_package_of_several_pages_lists_all_its_names(reference, entry_of, package):
    """Each with a line, and a link to the page on which it is explained."""
    rows = reference[package].select("table.autosummary tr")
    names = importlib.import_module(f"descent.{package}").__all__
    assert [row.code.text for row in rows] == sorted(names, key=str.lower)
    for row in rows:
        page, _ = entry_of(f"descent.{package}.{row.code.text}")
        assert row.a["href"] == f"{page}.html#descent.{package}.{row.code.text}"
        assert row.find_all("td")[1].text.strip().endswith(".")


def test_methods_are_explained_with_their_class(entry_of):
    page, _ = entry_of("descent.optimizers.Optimizer.step")
    assert page == "optimizers/descent"


def test_a_function_leads_to_the_chapters_that_use_it(entry_of):
    meaning = entry_of("descent.losses.triplet")[1].find_next_sibling("dd")
    users = {link["href"].rpartition("/")[2] for link in meaning.select("a[href*='chapters/']")}
    assert "likeness.html" in users
    assert "momentum.html" not in users


def test_the_table_has_every_deviation(reference):
    table = tomllib.loads((ROOT / "tests/descent/signatures.toml").read_text(encoding="utf-8"))
    everywhere = len(table.pop("everywhere"))
    rows = [row for package in table.values() for row in package.values()]
    deviations = sum(len(set(row) - {"pytorch", "alone"}) for row in rows)
    assert len(reference["pytorch"].select("tbody tr")) == everywhere + deviations
