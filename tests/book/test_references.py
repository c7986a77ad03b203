"""Every source can be found: by its DOI, on arXiv, or at its address."""

import re
from pathlib import Path

import pytest
from pybtex.database import parse_file

ENTRIES = parse_file(Path("book/references.bib")).entries
FOUND_IN_LIBRARIES = {  # books, theses, proceedings and lectures without a lasting address
    "alpaydin1998",
    "bishop2006",
    "brier1950",
    "bromley1993",
    "elkan2001",
    "gauss1809",
    "hochreiter1991",
    "krogh1991",
    "laplace1774",
    "maas2013",
    "nair2010",
    "solla1988",
    "stigler1986",
    "tieleman2012",
    "weston1999",
}
FORMS = {
    "doi": r"10\.\d{4,9}/\S+",
    "eprint": r"\d{4}\.\d{4,5}|[a-z-]+(\.[A-Z]{2})?/\d{7}",
    "url": r"https?://\S+",
}


@pytest.mark.parametrize("key", ENTRIES)
def test_a_source_leads_somewhere(key):
    fields = ENTRIES[key].fields
    links = {name: fields[name] for name in FORMS if name in fields}
    assert bool(links) != (key in FOUND_IN_LIBRARIES)
    assert all(re.fullmatch(FORMS[name], link) for name, link in links.items()), links
    assert ("eprint" in links) == (fields.get("archiveprefix") == "arXiv")


def test_every_source_is_cited_somewhere():
    pages = [*Path("chapters").glob("*/*.md"), *Path("book").glob("*.md")]
    text = "".join(path.read_text(encoding="utf-8") for path in pages)
    cited = set(re.split(r"[,\s]+", ",".join(re.findall(r"\{cite:?\w*\}`([^`]*)`", text))))
    assert set(ENTRIES) - cited == set()
