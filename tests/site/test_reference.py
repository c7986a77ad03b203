"""The reference: every public name, with its formula set, its source and its chapters."""

import importlib
import tomllib
from pathlib import Path

import pytest

bs4 = pytest.importorskip("bs4")

pytestmark = pytest.mark.xdist_group("site")

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sorted(p.parent.name for p in (ROOT / "lib/descent").glob("*/__init__.py"))


@pytest.fixture(scope="module")
def parsed(site):
    """A function that returns a parsed page of the reference."""
    return lambda name: bs4.BeautifulSoup(
        (site / "book/reference" / f"{name}.html").read_text(encoding="utf-8"), "html.parser"
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_there_with_its_source(parsed, site, package):
    page = parsed(package)
    for name in importlib.import_module(f"descent.{package}").__all__:
        entry = page.find(id=f"descent.{package}.{name}")
        assert entry, name
        if isinstance(getattr(importlib.import_module(f"descent.{package}"), name), dict | tuple):
            continue
        link = entry.find(class_="viewcode-link").find_parent("a")["href"]
        path, _, anchor = link.partition("#")
        code = (site / "book/reference" / path).resolve().read_text(encoding="utf-8")
        assert f'id="{anchor}"' in code, name


def test_a_function_leads_to_the_chapters_that_use_it(parsed):
    meaning = parsed("losses").find(id="descent.losses.triplet").find_next_sibling("dd")
    users = {link["href"].rpartition("/")[2] for link in meaning.select("a[href*='chapters/']")}
    assert "likeness.html" in users
    assert "momentum.html" not in users


def test_the_table_has_every_deviation(parsed):
    table = tomllib.loads((ROOT / "tests/descent/signatures.toml").read_text(encoding="utf-8"))
    everywhere = len(table.pop("everywhere"))
    rows = [row for package in table.values() for row in package.values()]
    deviations = sum(len(set(row) - {"pytorch", "alone"}) for row in rows)
    assert len(parsed("pytorch").select("tbody tr")) == everywhere + deviations
