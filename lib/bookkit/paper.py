"""The book in one PDF: the pages of the built site in reading order, printed by Chromium."""

import argparse
import os
import shutil
import sys
from pathlib import Path, PurePosixPath
from urllib.parse import urldefrag

from bs4 import BeautifulSoup
from playwright.sync_api import sync_playwright

from bookkit.manifest import chapters_of, read_manifest

BEFORE = ["book/index", "book/how-to-read", "book/notation"]
AFTER = ["book/cards", "book/exercises", "book/ledger", "book/glossary", "book/bibliography"]
LAST = ["book/cite", "book/colophon"]
NOT_ON_PAPER = ".headerlink, .live-figure, .progress, .chapter-facts a, script, .copybtn"
FOOTER = (
    '<div style="font-size: 8px; width: 100%; text-align: center; color: #555">'
    '<span class="pageNumber"></span></div>'
)
STYLE = "@media print { article + article { break-before: page; } }"
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-sync"]


def pages(site):
    """Return the names of the site's pages in the order of the book."""
    chapters = [chapter.docname for chapter in chapters_of(read_manifest())]
    notes = sorted(p.relative_to(site).with_suffix("") for p in site.glob("book/teaching/*.html"))
    teaching = ["book/teaching", *(note.as_posix() for note in notes)]
    wanted = [*BEFORE, *chapters, *AFTER, *teaching, *LAST]
    return [name for name in wanted if (site / f"{name}.html").is_file()]


def combine(site):
    """Return one HTML page with the articles of all pages; links between them stay inside it."""
    names = pages(site)
    order = {name: f"page-{i}" for i, name in enumerate(names)}
    whole, articles = None, []
    for name in names:
        soup = BeautifulSoup((site / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
        whole = whole or soup
        article = soup.select_one("article")
        for part in article.select(NOT_ON_PAPER):
            part.decompose()
        _gather(article, name, order)
        articles.append(article.extract())
    head = "".join(str(tag) for tag in whole.head.find_all(["meta", "link", "style"]))
    body = "".join(map(str, articles)).replace("viewbox=", "viewBox=")
    formulas = '<link rel="stylesheet" href="../_static/katex/katex.min.css">'
    return (
        f'<!doctype html><html lang="en"><head>{head}{formulas}<title>Descent</title>'
        f"<style>{STYLE}</style></head>"
        f'<body data-theme="light">{body}</body></html>'
    )


def _gather(article, name, order):
    """Give an article's ids a prefix of its page, and lead its links to them."""
    own = order[name]
    article["id"] = own
    for tag in article.find_all(id=True):
        if not tag.find_parent("svg"):
            tag["id"] = f"{own}-{tag['id']}"
    for tag in article.find_all("a", href=True):
        address, anchor = urldefrag(tag["href"])
        if ":" in address.split("/")[0]:
            continue
        path = PurePosixPath(name).parent / address
        target = os.path.normpath(path).removesuffix(".html") if address else name
        if target in order:
            anchor = anchor.partition("&")[0]  # the state of a live figure, which paper has not
            tag["href"] = f"#{order[target]}{f'-{anchor}' if anchor else ''}"
        else:
            del tag["href"]


def find_chromium():
    """Return the path of a Chromium, or None: the variable CHROMIUM, or what is installed.

    The headless shell is the same engine without windows, and three times as fast.
    """
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def print_pdf(site, target):
    """Print the combined page into a PDF with an outline, page numbers and working links."""
    site, target, chromium = Path(site).resolve(), Path(target), find_chromium()
    if chromium is None:
        sys.exit("The PDF is printed by Chromium: install it, or set CHROMIUM to its path.")
    page_file = site / "book" / "whole.html"
    page_file.write_text(combine(site), encoding="utf-8")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            page = browser.new_page(color_scheme="light")
            page.goto(page_file.as_uri())
            page.evaluate("document.fonts.ready")
            page.pdf(
                path=target,
                format="A4",
                margin=dict.fromkeys(("top", "right", "bottom", "left"), "2cm"),
                outline=True,
                tagged=True,
                display_header_footer=True,
                header_template="<span></span>",
                footer_template=FOOTER,
            )
            browser.close()
    finally:
        page_file.unlink()


def main():
    """Print the site that was built into one PDF."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("site", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    print_pdf(arguments.site, arguments.target)
    print(f"The book is printed: {arguments.target}")


if __name__ == "__main__":
    main()
