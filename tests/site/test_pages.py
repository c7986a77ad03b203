"""What stands in the built pages: headings, descriptions, pictures, links."""

import json
import re
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from markup import parse, parsed

from bookkit.manifest import chapters_of, read_manifest

ROOT = Path(__file__).resolve().parents[2]


def faults_of(page):
    """What one page lacks, by itself."""
    described = page.find("meta", attrs={"name": "description"})
    ids = [element["id"] for element in page.find_all(id=True)]
    faults = {
        "no language": not page.html.get("lang"),
        "no title": not (page.title and page.title.text.strip()),
        "no viewport": not page.find("meta", attrs={"name": "viewport"}),
        "no description": not (described and described["content"].strip()),
        "not one h1": len(page.find_all("h1")) != 1,
        "an id used twice": len(ids) != len(set(ids)),
        "a picture without alternative text": any(
            not image.get("alt", "").strip() for image in page.find_all("img")
        ),
        "a drawing without a label": any(
            not drawing.get("aria-label", "").strip()
            for drawing in page.select("article svg")
            if not drawing.find_parent(attrs={"role": "img", "aria-label": True})
            and not drawing.find_parent(attrs={"aria-hidden": "true"})
            and not drawing.find_parent(class_="related-pages")
        ),
        "a figure without a caption": any(
            not (figure.figcaption and figure.figcaption.text.strip())
            for figure in page.find_all("figure")
        ),
        "a role that is deprecated": bool(
            page.select("[role=doc-biblioentry], [role=doc-endnote], [role=directory]")
        ),
        "a resource of another host": any(
            (tag.get("src") or tag.get("href") or "").startswith(("http:", "https:", "//"))
            for tag in page.find_all(["link", "script", "img", "iframe"])
        ),
    }
    return [fault for fault, present in faults.items() if present]


def dead_links(folder):
    """Links between the folder's pages, and to their anchors, that lead nowhere."""
    pages = {path: parsed(path) for path in folder.rglob("*.html")}
    anchors = {path: {tag["id"] for tag in page.find_all(id=True)} for path, page in pages.items()}
    dead = []
    for path, page in pages.items():
        for tag in page.find_all(["a", "link", "script", "img"]):
            address = tag.get("href") or tag.get("src")
            if not address or ":" in address.split("/")[0] or address == "#":
                continue
            file, anchor = urldefrag(address.split("?")[0] if "?" in address else address)
            target = (path.parent / unquote(file)).resolve() if file else path.resolve()
            anchor = anchor.partition("&")[0]  # the state of a live figure
            lost = target.suffix == ".html" and anchor and anchor not in anchors.get(target, ())
            if not target.is_file() or lost:
                dead.append(f"{path.relative_to(folder)}: {address}")
    return dead


def test_every_page_is_complete(site):
    faults = {
        path.relative_to(site.resolve()).as_posix(): faults_of(parsed(path))
        for path in site.resolve().rglob("*.html")
    }
    assert not any(faults.values()), faults


def test_internal_links_lead_somewhere(site):
    assert dead_links(site.resolve()) == []


def test_every_chapter_is_listed_described_and_can_be_downloaded(site):
    title_page = site / "book/index.html"
    for chapter in chapters_of(read_manifest(ROOT)):
        page = parsed(site / f"{chapter.docname}.html")
        assert chapter.title in page.h1.text
        assert page.find("meta", attrs={"name": "description"})["content"] == chapter.summary
        assert f"../{chapter.docname}.html" in title_page.read_text(encoding="utf-8")
        listed = parsed(title_page).text.replace("’", "'")
        assert chapter.summary in listed
        links = [a["href"] for a in page.select(".chapter-facts a[download]")]
        notebook, text = (site / chapter.docname).parent / links[0], links[1]
        assert json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        assert text.endswith(".md")


def test_mathematics_is_typeset_and_numbered(site):
    page = parsed(site / "book/notation.html")
    assert page.select_one("div.math .eqno").text.startswith("(1)")
    assert page.select_one("p > a[href='#equation-eq-gradient-descent']").text == "(1)"
    formulas = page.select(".math")
    assert len(formulas) > 40
    for formula in formulas:  # one symbol says as much as its copy in MathML
        said = formula.select_one("math") or len(formula.text.strip()) == 1
        assert said, formula
        assert formula.select_one("svg, .base, .mord"), formula
    assert not page.find_all("script", src=lambda src: src and "math" in src.lower())


def test_glossary_has_enough_terms_in_both_languages(site):
    page = parsed(site / "book/glossary.html")
    terms, meanings = page.select("dl.glossary dt"), page.select("dl.glossary dd")
    assert len(terms) == len(meanings) >= 45
    assert all(meaning.select_one("span[lang|=zh]") for meaning in meanings)
    assert "均方差" not in page.text


def test_the_glossary_leads_back_to_the_chapters_that_use_a_term(site):
    page = parsed(site / "book/glossary.html")
    for chapter in chapters_of(read_manifest(ROOT)):
        own = (site / f"{chapter.docname}.html").read_text(encoding="utf-8")
        used = set(re.findall(r'href="[^"]*glossary\.html#(term-[^"]+)"', own))
        backs = page.select(f'.uses a[href$="{chapter.docname}.html"]')
        terms = {back.find_parent("dd").find_previous_sibling("dt")["id"] for back in backs}
        assert terms == used, chapter.docname
        assert {back.text for back in backs} <= {f"chapter {chapter.number}"}


def test_the_glossary_has_letters_that_lead_to_terms(site):
    page = parsed(site / "book/glossary.html")
    letters = page.select(".letters a")
    assert len(letters) > 15
    for letter in letters:
        term = page.find(id=letter["href"].removeprefix("#"))
        assert term.text.strip().upper().startswith(letter.text)


WHOLE = (
    "<html lang='en'><head><title>t</title><meta name='viewport' content='w'>"
    "<meta name='description' content='d'></head><body><h1>h</h1>{}</body></html>"
)


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        (WHOLE.replace(" lang='en'", ""), "no language"),
        (WHOLE.replace("<title>t</title>", ""), "no title"),
        (WHOLE.replace("name='viewport'", ""), "no viewport"),
        (WHOLE.replace("content='d'", "content=' '"), "no description"),
        (WHOLE.replace("<h1>h</h1>", ""), "not one h1"),
        (WHOLE.format("<h1>again</h1>"), "not one h1"),
        (WHOLE.format("<p id='a'><p id='a'>"), "an id used twice"),
        (WHOLE.format("<img src='x.svg'>"), "a picture without alternative text"),
        (
            WHOLE.format("<article><svg><path/></svg></article>"),
            "a drawing without a label",
        ),
        (WHOLE.format("<figure><figcaption> </figcaption></figure>"), "a figure without a caption"),
        (WHOLE.format("<script src='https://x.org/a.js'></script>"), "a resource of another host"),
    ],
)
def test_each_fault_is_found(html, fault):
    assert faults_of(parse(html)) == [fault]


def test_a_whole_page_has_no_fault():
    assert faults_of(parse(WHOLE)) == []


def test_dead_links_are_found(tmp_path):
    page = "<p id='here'><a href='#here'></a><a href='#gone'></a><a href='gone.html'></a>"
    (tmp_path / "a.html").write_text(page + "<a href='b.html#x'></a>", encoding="utf-8")
    (tmp_path / "b.html").write_text("<p id='y'>", encoding="utf-8")
    assert dead_links(tmp_path) == ["a.html: #gone", "a.html: gone.html", "a.html: b.html#x"]
