"""The parts that chapters are made of: folds, claims, exercises, cards, questions, notes."""

import importlib.util
from pathlib import Path

import pytest
from markup import parsed

ROOT = Path(__file__).resolve().parents[2]
QUESTION = """\
:::{predict} After how many steps is $a$ below one half?
:answer: 232
:low: 1
:high: 1000
:scale: log
:unit: steps
:claim: 0.2

It waits for a long time.
:::"""
CHOICE = """\
:::{predict} Which one is it?
:answer: b
:choices: a | b | c
:claim: 0.1

Because it is.
:::"""
CARD = """\
## The card

:::{admonition} The card of this chapter
:class: card

Formula
: $a + b$
:::"""
EXERCISES = """\
## Exercises

(ex-add)=
### Exercise 0.1. Add *numbers*

Write `add(a, b)`.

<details>
<summary>Hint 1</summary>

Use a plus.

</details>

<details>
<summary>Hint 2</summary>

Between them.

</details>"""
WRITTEN = "### Exercise 0.2 (to write up). A proof\n\nProve it. See [Exercise 0.1](#exercise-0.1)."
WORDS = "Words.\n\n" * 60
VERDICT = '<div class="exercise-right">Exercise 0.1 ✓ Right in all 6 cases.</div>'
CHECKED = (
    '<table class="checked"><caption>Checked as well</caption>'
    '<tr><th scope="row">a</th><td>✓ true</td></tr></table>'
)


def claim(number, measured):
    """The outputs of a claim."""
    html = (
        f'<div class="claim" id="claim-{number}"><span class="claim-id">Claim {number} ✓</span> '
        f'It is so: <span class="claim-evidence">{measured} (required ≥ 1)</span></div>'
    )
    record = {"number": number, "statement": "It is so", "measured": measured, "required": "≥ 1"}
    return {
        "text/plain": f"Claim {number}",
        "text/html": html,
        "application/vnd.descent.claim+json": record,
    }


def cells(small_book):
    """A chapter that holds each part once."""
    code, markdown, figure = small_book.code, small_book.markdown, small_book.figure
    folded = ("hide-input",)
    return [
        markdown("# The parts\n\nWords."),
        code("import numpy", tags=("setup", *folded)),
        markdown(f"{QUESTION}\n\n{CHOICE}\n\n## A section\n\n{WORDS}"),
        figure("fig-alone"),
        figure("fig-claimed", claim("0.1", "17")),
        code("claim()", claim("0.2", "232, 17"), tags=folded),
        code("claim(); claim()", claim("0.3", "3"), claim("0.4", "4"), tags=folded),
        code("x = 1", tags=folded),
        code("y = 1", tags=folded, code_prompt_show="Show the trick"),
        markdown(f"{CARD}\n\n{EXERCISES}"),
        code("def add(a, b):\n    return a + b", tags=("solution", *folded)),
        code('check("0.1", add)', {"text/plain": "Exercise 0.1 ✓", "text/html": VERDICT}),
        markdown(f"{WRITTEN}\n\n## Checked as well"),
        code(
            "checked()",
            {"text/plain": "Checked", "text/html": CHECKED},
            tags=("checked", *folded),
        ),
    ]


@pytest.fixture(scope="module")
def parts(tmp_path_factory, build, small_book):
    """The site of a book with one such chapter, and the pages that gather its parts."""
    root = tmp_path_factory.mktemp("parts")
    small_book.write(
        root, {"parts": cells(small_book)}, pages=("index", "cards", "exercises", "teaching")
    )
    notes = root / "book/teaching"
    notes.mkdir()
    (notes / "chapter-00.md").write_text(
        "# Teacher's note to chapter 0: The parts\n\n## Exercise 0.2\n\n"
        "[Exercise 0.2](#exercise-0.2) wants a proof.\n",
        encoding="utf-8",
    )
    finished = build(root, root / "_build/site")
    assert finished.returncode == 0, finished.stderr
    return root / "_build/site"


@pytest.fixture(scope="module")
def chapter(parts):
    return parsed(parts / "chapters/one/parts.html")


def test_a_fold_says_what_it_holds(chapter):
    summaries = chapter.select("details.fold > summary")
    assert [summary.text for summary in summaries] == [
        "ShowHide the set-up",
        "ShowHide the code of Figure 0.1",
        "ShowHide the code of Figure 0.2 and of claim 0.1",
        "How claim 0.2 is measured",
        "How claims 0.3 and 0.4 are measured",
        "ShowHide the code",
        "ShowHide the trick",
        "ShowHide the solution",
        "How these are checked",
    ]
    assert not any(summary.get("aria-label") for summary in summaries)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (["2.3"], "2.3"),
        (["2.3", "2.4"], "2.3 and 2.4"),
        (["2.3", "2.4", "2.5"], "2.3 to 2.5"),
        (["2.9", "2.10", "2.11"], "2.9 to 2.11"),
        (["2.3", "2.4", "2.6"], "2.3, 2.4 and 2.6"),
    ],
)
def test_numbers_in_a_row(extension, numbers, words):
    assert extension("folds").in_a_row(numbers) == words


def test_claims_of_one_cell_are_one_list(chapter):
    (listed,) = chapter.select("ul.claims")
    assert [item["id"] for item in listed.find_all("li")] == ["claim-0.3", "claim-0.4"]
    alone = chapter.select("div.claim")
    assert [item["id"] for item in alone] == ["claim-0.1", "claim-0.2"]


def test_a_caption_belongs_to_the_picture_alone(chapter):
    (figure,) = (f for f in chapter.find_all("figure") if f.get("id") == "fig-claimed")
    assert figure.svg
    assert not figure.select(".claim")
    assert chapter.find(id="claim-0.1").find_parent(class_="cell") == figure.find_parent(
        class_="cell"
    )


def test_no_verdict_before_the_reader_has_tried(chapter):
    assert "Right in all" not in chapter.text
    (call,) = (pre for pre in chapter.select("div.cell pre") if "check(" in pre.text)
    assert not call.find_parent(class_="cell").select(".cell_output")


def test_an_exercise_is_a_box_with_a_link_and_stands_in_the_contents(chapter):
    one, two = chapter.select("section.exercise")
    assert one["id"] == "exercise-0.1"
    assert two["id"] == "exercise-0.2"
    assert "written" in two["class"]
    assert one.h3.select_one("a.headerlink")["href"] == "#exercise-0.1"
    assert chapter.select_one(".toc-tree a[href='#exercise-0.1']")
    assert two.p.a["href"] == "#exercise-0.1"
    assert one.find(id="ex-add")
    assert len(one.select("details:not(.fold)")) == 2


def test_all_exercises_are_listed(parts):
    page = parsed(parts / "book/exercises.html")
    items = page.select("ul.exercises li")
    assert [item.a["href"] for item in items] == [
        "../chapters/one/parts.html#exercise-0.1",
        "../chapters/one/parts.html#exercise-0.2",
    ]
    assert items[0].text.strip() == "0.1 Add numbers"
    assert items[1].text.strip() == "0.2 A proof to write up"
    assert "2 exercises: 1 are checked, 1 are to be written up." in page.text


def test_all_cards_are_on_one_page(parts):
    page = parsed(parts / "book/cards.html")
    (card,) = page.select(".admonition.card")
    assert card.select_one("dd .math")
    assert page.h2.a["href"] == "../chapters/one/parts.html"


def test_teaching_notes_are_pages(parts):
    page = parsed(parts / "book/teaching/chapter-00.html")
    assert page.select_one("p a[href='../../chapters/one/parts.html#exercise-0.2']")
    listed = parsed(parts / "book/teaching.html")
    assert listed.select_one("article a[href='teaching/chapter-00.html']")


def test_a_book_without_notes_is_built(tmp_path, build, small_book):
    root = small_book.write(
        tmp_path, {"x": [small_book.markdown("# X")]}, pages=("index", "teaching")
    )
    text = (root / "book/teaching.md").read_text(encoding="utf-8").replace("exercises.md", "")
    (root / "book/teaching.md").write_text(text, encoding="utf-8")
    finished = build(root, root / "_build/site")
    assert finished.returncode == 0, finished.stderr


# Predict, then look.


def test_without_scripts_the_answer_is_a_fold(chapter):
    ranged, chosen = chapter.select(".predict")
    assert ranged["data-answer"] == "232"
    assert ranged["data-scale"] == "log"
    fold = ranged.select_one("details.predict-answer")
    assert "Measured: 232 steps (claim 0.2)." in fold.text
    assert "It waits for a long time." in fold.text
    assert fold.a["href"] == "#claim-0.2"
    assert not fold.has_attr("open")
    assert [li.text for li in chosen.select("li")] == ["a", "b", "c"]


@pytest.fixture(scope="module")
def extension():
    """A function that loads an extension of the site by name."""

    def load(name):
        spec = importlib.util.spec_from_file_location(name, ROOT / f"book/_ext/{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


WHOLE = {"answer": "232", "claim": "2.4", "low": 1.0, "high": 1000.0}
PICKED = {"answer": "17 steps", "claim": "2.4", "choices": "17 steps | 232 steps"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (WHOLE, None),
        (PICKED, None),
        ({**WHOLE, "answer": "−1.5", "low": -2.0}, None),
        ({**PICKED, "answer": "the mean", "choices": "the mean | the median"}, None),
        (
            {**WHOLE, "answer": "233"},
            "its answer 233 is not what claim 2.4 measured: 232, 17, −1.50",
        ),
        ({**WHOLE, "answer": "23"}, "its answer 23 is not what"),
        ({**PICKED, "answer": "18 steps"}, "its answer 18 steps is not what"),
        ({**WHOLE, "claim": "2.5"}, "its :claim: 2.5 is not measured on this page"),
        ({"claim": "2.4", "low": 1.0, "high": 2.0}, "it has no :answer:"),
        ({"answer": "232", "claim": "2.4"}, "it needs :low: and :high:, or else :choices:"),
        ({**WHOLE, "choices": "232 | 17"}, "it needs :low: and :high:, or else :choices:"),
        ({**WHOLE, "high": 231.0}, "its answer 232 does not lie between 1 and 231"),
        ({**WHOLE, "low": 0.0, "scale": "log"}, "a logarithmic scale cannot begin at 0"),
        ({**WHOLE, "answer": "232, 17"}, "its answer '232, 17' is not one number"),
        ({**PICKED, "answer": "17"}, "its answer '17' is none of its choices"),
    ],
)
def test_a_question_is_answered_by_its_claim(extension, options, message):
    entry = type("Entry", (), {"measured": "232, 17, −1.50"})
    found = list(extension("predict").faults(options, {"2.4": entry}))
    assert found == [] if message is None else any(message in fault for fault in found)


def test_a_wrong_answer_stops_the_build(tmp_path, build, small_book):
    chapter = cells(small_book)
    chapter[2].source = chapter[2].source.replace(":answer: 232", ":answer: 233")
    root = small_book.write(tmp_path, {"parts": chapter})
    finished = build(root, root / "_build/site")
    assert finished.returncode != 0
    assert "its answer 233 is not what claim 0.2 measured: 232, 17" in finished.stderr
    assert "chapters/one/parts.ipynb" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_numbers_of_a_text(extension):
    numbers = extension("predict").numbers
    assert numbers("232, −1.50 and 1,000; 3e-5.") == [232, -1.5, 1000, 3e-5]


# In a browser.


@pytest.fixture
def reader(browser, parts):
    """A function that opens a page as one reader does, who keeps what the browser remembers."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")

    def visit(name):
        page = context.new_page()
        page.faults = []
        page.on("console", lambda m: m.type == "error" and page.faults.append(m.text))
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.goto(f"{parts.as_uri()}/{name}")
        return page

    yield visit
    context.close()


def test_a_number_is_predicted_by_keyboard(reader):
    page = reader("chapters/one/parts.html")
    box = page.locator(".predict").first
    fold = box.locator("details")
    assert not fold.is_visible()
    slider = box.get_by_label("Your prediction")
    assert slider.get_attribute("aria-valuetext") == "32 steps"
    slider.press("End")
    assert box.locator(".predict-value").inner_text() == "1,000 steps"
    slider.press("Tab")
    page.keyboard.press("Enter")
    verdict = box.get_by_role("status")
    assert verdict.inner_text() == "You said 1,000 steps; measured: 232 steps."
    assert verdict.get_attribute("aria-live") == "polite"
    assert fold.is_visible()
    assert box.get_by_text("It waits").is_visible()
    again = reader("chapters/one/parts.html").locator(".predict").first
    assert again.get_by_role("status").inner_text().startswith("You said 1,000 steps")
    assert page.faults == []


def test_a_choice_is_predicted_by_keyboard(reader):
    page = reader("chapters/one/parts.html")
    box = page.locator(".predict").nth(1)
    look = box.get_by_role("button")
    look.press("Enter")
    assert box.get_by_role("status").inner_text() == "Choose one first."
    box.get_by_label("a", exact=True).press("Space")
    look.press("Space")
    assert box.get_by_role("status").inner_text() == "You chose: a. Measured: b."
    box.get_by_label("a", exact=True).press("ArrowDown")
    look.press("Enter")
    assert box.get_by_role("status").inner_text() == "You chose: b. So it is."
    assert page.faults == []


def test_what_was_read_and_solved_is_remembered_and_forgotten(reader):
    title = reader("book/index.html")
    assert title.locator(".progress").inner_text() == ""
    page = reader("chapters/one/parts.html")
    mark = page.locator("[id='exercise-0.1']").get_by_role("button", name="solved")
    assert mark.get_attribute("aria-pressed") == "false"
    mark.press("Enter")
    assert mark.get_attribute("aria-pressed") == "true"
    assert "Exercise 0.1 is marked as solved." in page.locator(".spoken").inner_text()
    page.locator("h2", has_text="A section").evaluate("e => e.scrollIntoView()")
    page.wait_for_function("localStorage.descent.includes('a-section')", timeout=5000)

    title = reader("book/index.html")
    link = title.get_by_role("link", name="Go on where you stopped")
    assert link.inner_text() == "Go on where you stopped: Chapter 0, A section"
    assert link.get_attribute("href") == "../chapters/one/parts.html#a-section"
    assert "of 4 sections read" in title.locator("article dt").inner_text()
    assert "✓ solved" in reader("book/exercises.html").locator(".exercises li").first.inner_text()

    title.get_by_role("button", name="Forget").press("Enter")
    assert title.evaluate("localStorage.descent ?? null") is None
    assert "Forgotten" in title.locator(".progress").inner_text()
    assert title.evaluate("document.activeElement.className") == "progress"
    page = reader("chapters/one/parts.html")
    mark = page.locator("[id='exercise-0.1']").get_by_role("button", name="solved")
    assert mark.get_attribute("aria-pressed") == "false"
    assert title.faults == page.faults == []


def test_an_exercise_is_marked_without_a_store(browser, parts):
    context = browser.new_context()
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('none'); }})"
    )
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(error.stack))
    page.goto(f"{parts.as_uri()}/chapters/one/parts.html")
    box = page.locator(".predict").first
    box.get_by_role("button").press("Enter")
    assert "measured: 232" in box.get_by_role("status").inner_text()
    context.close()
    assert not [fault for fault in faults if "memory.js" in fault]
