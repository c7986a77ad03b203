"""What a reader's browser does with each page: over http, from a file, light, dark, narrow."""

import gzip
from urllib.parse import urlsplit

import pytest
from browsing import new_context, watched_page

HEAVIEST = 500_000  # bytes that a page and all that it loads need on the way, compressed
ALREADY_COMPRESSED = {".woff2", ".png"}
FOCUSABLE = "a[href], button, input, summary, [tabindex='0']"
LISTEN = f"""() => {{
    const inSight = (e) => e.checkVisibility({{visibilityProperty: true}}) && e.tabIndex >= 0;
    // Of the choices of one question Tab reaches one, and the arrows the others.
    const first = (e) => e.type !== "radio" || document.getElementsByName(e.name)[0] === e;
    const all = [...document.querySelectorAll("{FOCUSABLE}")].filter(inSight).filter(first);
    window.missed = new Set(all);
    document.addEventListener("focusin", (event) => window.missed.delete(event.target));
    return all.length;
}}"""
AXE = {"resultTypes": ["violations"], "preload": False}
# Without the thousand parts of pictures and formulas, which no assistive technology meets, and
# with one word of code of each color.
BARE = """() => {
    document.querySelectorAll(".drawing > *, .katex-html > *").forEach((e) => e.remove());
    document.querySelectorAll("section").forEach((e) => (e.style.contentVisibility = "visible"));
    const seen = new Set();
    for (const word of document.querySelectorAll("pre span")) {
        const colors = getComputedStyle(word).color + getComputedStyle(word.closest("pre")).color;
        if (seen.has(colors)) word.replaceWith(word.textContent);
        seen.add(colors);
    }
}"""


def foreign(addresses, home):
    """The addresses that are not under `home`, apart from data in the page itself."""
    return [a for a in addresses if not a.startswith((home, "data:"))]


def serious_violations(page, rules=None):
    """axe's serious and critical violations, of all rules or these, as rule and place."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    options = AXE | ({"runOnly": {"type": "rule", "values": rules}} if rules else {})
    violations = axe.run(page, options=options).response["violations"]
    return [
        f"{violation['id']}: {node['target']} {node['html'][:120]}"
        for violation in violations
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def weight_on_the_way(path):
    """The bytes of a file as web servers send it: texts are compressed."""
    content = path.read_bytes()
    return len(content if path.suffix in ALREADY_COMPRESSED else gzip.compress(content, 6))


def overflow(page):
    """The elements that make a page wider than its window."""
    return page.evaluate("""() => {
        const width = document.documentElement.clientWidth;
        if (document.documentElement.scrollWidth <= width) return [];
        return [...document.querySelectorAll("article *")]
            .filter((e) => e.getBoundingClientRect().right > width + 1)
            .slice(0, 5).map((e) => e.outerHTML.slice(0, 120)).concat(["the page scrolls"]);
    }""")


def unreachable(page):
    """What can be operated and is in sight, but the Tab key does not reach."""
    for _ in range(page.evaluate(LISTEN) + 3):
        page.keyboard.press("Tab")
    # What scrolled a moment ago and now fits is no stop any more.
    return page.evaluate("""() => [...window.missed].filter((e) => e.tabIndex >= 0)
        .map((e) => e.outerHTML.slice(0, 120))""")


def hidden_scrollers(page):
    """Code, outputs and formulas that scroll sideways and that the keyboard cannot reach."""
    return page.evaluate("""() => [...document.querySelectorAll("article *")]
        .filter((e) => e.scrollWidth > e.clientWidth + 1 && e.tabIndex < 0 && e.checkVisibility()
            && ["auto", "scroll"].includes(getComputedStyle(e).overflowX))
        .map((e) => e.outerHTML.slice(0, 120))""")


def visit(context, address, home, rules):
    """Open one page and look at it in every way."""
    page = watched_page(context, address)
    report = {
        "faults": page.faults,
        "foreign": foreign(page.addresses, home),
        "addresses": page.addresses,
        "overflow": overflow(page),
        "scrollers": hidden_scrollers(page),
    }
    page.evaluate(BARE)
    report["axe"] = serious_violations(page, rules)
    page.close()
    return report


@pytest.fixture(scope="class")
def visits(request, site, serve, browser):
    """What each page showed in the setting of the test's class: a dict by page and check."""
    home, setting = serve(site), request.cls
    context = new_context(browser, setting.theme, setting.width)
    names = request.getfixturevalue(setting.pages)
    reports = {name: visit(context, f"{home}/{name}", home, setting.rules) for name in names}
    context.close()
    return reports


class EveryPage:
    """Each page over http in one setting; a class for each, which workers can share."""

    theme, width, pages = "light", 1280, "few_pages"
    rules = None  # those that the setting can break; all in the first

    @pytest.mark.parametrize("check", ["faults", "foreign", "axe", "overflow", "scrollers"])
    def test_nothing_is_found(self, visits, check):
        ailing = {name: report[check] for name, report in visits.items() if report[check]}
        assert ailing == {}


class TestLight(EveryPage):
    pages = "kinds_of_pages"

    def test_pages_weigh_little(self, visits, site):
        weights = {}
        for name, report in visits.items():
            paths = {urlsplit(a).path.strip("/") for a in report["addresses"] if "data:" not in a}
            weights[name] = sum(weight_on_the_way(site / path) for path in paths)
        assert max(weights.values()) <= HEAVIEST, weights


class TestDark(EveryPage):
    theme, width = "dark", 1400
    rules = ("color-contrast", "link-in-text-block")


class TestNarrow(EveryPage):
    width = 360
    rules = ("target-size", "button-name", "link-name", "aria-hidden-focus", "skip-link")


def test_pages_work_from_a_file(site, few_pages, browser):
    home = site.as_uri()
    context = new_context(browser, "dark", 1280)
    found = {}
    for name in few_pages:
        page = watched_page(context, f"{home}/{name}")
        found[name] = page.faults + foreign(page.addresses, home)
        page.close()
    context.close()
    assert not any(found.values()), found


@pytest.mark.parametrize(("width", "step"), [(1280, 3), (360, 6)])
def test_tab_reaches_everything(site, chapters, serve, open_page, width, step):
    home = serve(site)
    found = {
        name: unreachable(open_page(f"{home}/{name}", width=width))
        for name in ["book/index.html", "book/how-to-read.html", *chapters[::step]]
    }
    assert not any(found.values()), found


def test_theme_changes_by_keyboard(site, serve, open_page):
    page = open_page(f"{serve(site)}/book/index.html", theme="light")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator(".theme-toggle:visible").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    after = page.evaluate(
        "[document.body.dataset.theme, getComputedStyle(document.body).backgroundColor]"
    )
    assert after[0] != "light" or after[1] != before


def test_navigation_opens_by_keyboard_on_a_narrow_screen(site, serve, open_page):
    page = open_page(f"{serve(site)}/book/index.html", width=360)
    link = page.locator(".sidebar-drawer a", has_text="Glossary")
    assert not link.is_visible()
    page.keyboard.press("Tab")  # to the content
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    link.wait_for(state="visible", timeout=2000)


@pytest.mark.parametrize("over", ["http", "file"])
def test_search_finds_a_term(site, serve, open_page, over):
    home = serve(site) if over == "http" else site.as_uri()
    page = open_page(f"{home}/book/index.html")
    page.get_by_placeholder("Search").fill("saddle point")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results a[href*='glossary']", timeout=5000)
    assert "No results" not in page.content()
    assert not page.faults
    assert not foreign(page.addresses, home)


def test_root_leads_to_the_title_page(site, serve, open_page):
    page = open_page(f"{serve(site)}/")
    page.wait_for_url("**/book/index.html", timeout=5000)
    assert page.locator("h1").inner_text().startswith("Descent")


BROKEN = {
    "an axe violation": ("<p style='color:#ccc;background:#fff'>faint</p>", serious_violations),
    "a picture without text": ("<img src='data:,'>", serious_violations),
    "a wide table": ("<article><div style='width:700px'>wide</div></article>", overflow),
    "a link out of reach": (
        "<a href='#x'>a</a><a href='#y' id='y'>b</a>"
        "<script>onkeydown = (e) => e.preventDefault()</script>",
        unreachable,
    ),
    "code that only a mouse scrolls": (
        "<article><pre style='overflow-x:auto;width:50px'>one long line of code</pre></article>",
        hidden_scrollers,
    ),
    "a script error": ("<script>nothing()</script>", lambda page: page.faults),
    "a missing file": ("<img alt='x' src='gone.svg'>", lambda page: page.faults),
    "another host": (
        "<img alt='x' src='http://localhost:9/x.png'>",
        lambda page: foreign(page.addresses, "http://127.0.0.1"),
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_each_check_can_fail(tmp_path, serve, open_page, kind):
    body, check = BROKEN[kind]
    (tmp_path / "page.html").write_text(
        f"<!doctype html><html lang='en'><title>x</title><body><h1>x</h1>{body}", encoding="utf-8"
    )
    (tmp_path / "favicon.ico").touch()
    assert check(open_page(f"{serve(tmp_path)}/page.html", width=360))


# The frame of a page: first stop, contents, code that fits, cues for what scrolls.


def test_the_way_to_the_content_is_the_first_stop(site, serve, open_page):
    for width in (1280, 390):
        page = open_page(f"{serve(site)}/book/how-to-read.html", width=width)
        page.keyboard.press("Tab")
        skip = page.locator(".skip-first")
        assert skip.evaluate("(e) => e === document.activeElement")
        assert skip.bounding_box()["y"] >= 0
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#furo-main-content"


@pytest.mark.parametrize("width", [1009, 1150, 1312, 1313, 1600])
def test_the_contents_are_in_sight_beside_the_text(site, chapters, open_page, width):
    page = open_page(f"{site.as_uri()}/{chapters[0]}", width=width)
    contents, text = page.locator(".toc-drawer"), page.locator("article")
    assert contents.is_visible()
    box, own = contents.bounding_box(), text.bounding_box()
    assert box["x"] >= own["x"] + own["width"]
    assert box["x"] + box["width"] <= width
    assert own["width"] >= 500
    assert overflow(page) == []


def test_88_columns_fit(site, chapters, open_page):
    for width in (1300, 1440, 1920):
        page = open_page(f"{site.as_uri()}/{chapters[0]}", width=width)
        room = page.locator("div.cell_input pre").first.evaluate("""(pre) => {
            pre.closest("details")?.setAttribute("open", "");
            pre.textContent = "x".repeat(88);
            return pre.clientWidth - pre.scrollWidth;
        }""")
        assert room >= 0, width


def test_what_scrolls_shows_that_it_does(site, chapters, open_page):
    page = open_page(f"{site.as_uri()}/{chapters[0]}", width=360)
    for selector in ("div.cell_input pre", "div.math"):
        cue = page.locator(selector).first.evaluate("(e) => getComputedStyle(e).backgroundImage")
        assert cue.count("gradient") == 4, selector


def test_short_formulas_stay_whole(site, chapters, open_page):
    page = open_page(f"{site.as_uri()}/{chapters[0]}", width=360)
    page.add_style_tag(content="section { content-visibility: visible !important; }")
    broken = page.locator("span.math.whole .katex-html").evaluate_all(
        "(all) => all.filter((e) => new Set([...e.querySelectorAll(':scope > .base')].map("
        "(b) => Math.round(b.getBoundingClientRect().bottom / 8))).size > 2)"
        ".map((e) => e.textContent)"
    )
    assert broken == []


def test_copy_buttons_show_their_focus(site, chapters, open_page):
    page = open_page(f"{site.as_uri()}/{chapters[0]}")
    page.locator("details.fold").evaluate_all("(all) => all.forEach((e) => (e.open = true))")
    button = page.locator("button.copybtn").first
    button.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    page.wait_for_timeout(500)  # it appears by and by
    style = button.evaluate(
        "(e) => [getComputedStyle(e).outlineStyle, getComputedStyle(e).opacity]"
    )
    assert style == ["solid", "1"]
