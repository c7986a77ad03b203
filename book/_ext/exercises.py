"""Exercises in the site: a box and a link of its own for each, and a list of them all.

A heading `### Exercise 7.1. Title` is an exercise. `[Exercise 7.1](#exercise-7.1)` in any page
leads to it. In a page `<!-- exercises -->` becomes the list.
"""

import json
import re
from pathlib import Path

from docutils import nodes

from bookkit.manifest import chapters_of
from bookkit.tasks import tasks_of

MARKER = "<!-- exercises -->"
TITLE = re.compile(r"Exercise (\d+\.\d+)( \(to write up\))?\. ")


def listing(chapters):
    """Return the MyST source of the list: a heading for each chapter, and its exercises.

    `chapters` are pairs of a chapter and its tasks.
    """
    count = sum(len(tasks) for _, tasks in chapters)
    written = sum(task.written for _, tasks in chapters for task in tasks)
    total = f"{count} exercises: {count - written} are checked, {written} are to be written up."
    return "\n\n".join([total, *(_chapter(*chapter) for chapter in chapters if chapter[1])])


def _chapter(chapter, tasks):
    minutes = f" · {chapter.exercise_minutes} minutes" if chapter.exercise_minutes else ""
    head = f"## {chapter.number} · {chapter.title}\n\n{len(tasks)} exercises{minutes}"
    items = (
        f"- [{task.number} {task.title}](#exercise-{task.number})"
        + (" [to write up]{.to-write}" if task.written else "")
        for task in tasks
    )
    return "\n".join([f"{head}\n\n{{.exercises}}", *items])


def fill_in(app, docname, source):
    """Replace the marker in a page by the list."""
    if MARKER in source[0]:
        chapters = []
        app.env.note_dependency("chapters/manifest.toml", docname=docname)
        for chapter in chapters_of(app.env.book_parts):
            path = Path(app.srcdir) / f"{chapter.docname}.ipynb"
            app.env.note_dependency(f"{chapter.docname}.ipynb", docname=docname)
            chapters.append((chapter, tasks_of(json.loads(path.read_text(encoding="utf-8")))))
        source[0] = source[0].replace(MARKER, listing(chapters))


def mark(app, doctree):
    """Give each exercise of a chapter its class, its id and a label."""
    docname = app.env.current_document.docname
    if docname not in {chapter.docname for chapter in chapters_of(app.env.book_parts)}:
        return
    domain = app.env.domains.standard_domain
    for section in doctree.findall(nodes.section):
        title = section.next_node(nodes.title)
        found = TITLE.match(title.astext()) if title is not None else None
        if found and title.parent is section:
            target = f"exercise-{found[1]}"
            section["classes"] += ["exercise", *(["written"] if found[2] else [])]
            section["ids"].insert(0, target)
            domain.anonlabels[target] = docname, target
            domain.labels[target] = docname, target, f"Exercise {found[1]}"


def setup(app):
    app.connect("source-read", fill_in)
    app.connect("doctree-read", mark, priority=400)  # before the contents are gathered
    return {"parallel_read_safe": True, "parallel_write_safe": True}
