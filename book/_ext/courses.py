"""The teacher's page: `<!-- courses -->` becomes the courses, `<!-- class -->` what to do in class.

Both come from chapters/courses.toml and the manifest. In any page {live}`words <fig-bowl&eta=2>`
opens a live figure in a state; where there are no scripts it leads to the static figure.
"""

from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import ReferenceRole

from bookkit.courses import read_courses

COURSES, CLASS = "<!-- courses -->", "<!-- class -->"
LIST = "chapters/courses.toml"


def course(entry):
    """Return the MyST source of a course: a heading, its hours, and a list of its weeks."""
    reading, exercises = (f"{minutes / 60:.0f} hours" for minutes in entry.minutes)
    total = f"{len(entry.chapters)} chapters, {reading} of reading, {exercises} of exercises."
    weeks = (week(number, each) for number, each in enumerate(entry.weeks, 1))
    return "\n\n".join([f"### {entry.title}", f"{total} {entry.about}", *weeks])


def week(number, entry):
    """Return the MyST source of a week: what is read, for how long, and what is marked."""
    read = ", ".join(f"[{c.number} · {c.title}](/{c.docname}.ipynb)" for c in entry.chapters)
    reading, exercises = entry.minutes
    marked = ", ".join(
        f"[{task.number} {task.title}](#exercise-{task.number}) ({outline(task)})"
        for task in entry.mark
    )
    return (
        f"Week {number}: {read}\n"
        f": Reading {reading} min, exercises {exercises} min. To mark: {marked}."
    )


def outline(task):
    """Return the link to the note with the outline of a task's solution."""
    return f"[outline](/book/teaching/chapter-{int(task.number.split('.')[0]):02d}.md)"


def in_class(ideas):
    """Return the MyST source of what to do in class, chapter by chapter."""
    return "\n\n".join(
        f"[{c.number} · {c.title}](/{c.docname}.ipynb)\n: {words}" for c, words in ideas.items()
    )


def fill_in(app, docname, source):
    """Replace the markers in a page; a book without a list of courses has none."""
    if COURSES not in source[0] and CLASS not in source[0]:
        return
    for name in ("chapters/manifest.toml", LIST):
        app.env.note_dependency(name, docname=docname)
    there = (Path(app.srcdir) / LIST).exists()
    courses, ideas = read_courses(app.srcdir) if there else ((), {})
    source[0] = source[0].replace(COURSES, "\n\n".join(map(course, courses)))
    source[0] = source[0].replace(CLASS, in_class(ideas))


class Live(ReferenceRole):
    """A link to a live figure in a state, {live}`words <fig-bowl&eta=2>`."""

    def run(self):
        """Return a reference that `resolve` completes when all figures are known."""
        words = nodes.inline(self.rawtext, self.title)
        link = addnodes.pending_xref(
            self.rawtext, words, reftype="live", reftarget=self.target, refwarn=True
        )
        link["refdoc"] = self.env.docname
        return [link], []


def resolve(app, env, node, words):
    """Lead a link to its figure: with the state where scripts run, without it elsewhere."""
    if node["reftype"] != "live":
        return None
    figure, _, state = node["reftarget"].partition("&")
    docname, anchor, _ = env.domains.standard_domain.labels.get(figure, ("", "", ""))
    if not docname:
        return None
    page = app.builder.get_relative_uri(node["refdoc"], docname)
    kept = f"&{state}" if state and app.builder.name == "html" else ""
    return nodes.reference("", "", words, refuri=f"{page}#{anchor}{kept}", internal=True)


def setup(app):
    app.add_role("live", Live())
    app.connect("source-read", fill_in)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
