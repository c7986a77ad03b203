"""Counts of what is verified: in any page {count}`claims` becomes their number in the book."""

from functools import cache

from docutils import nodes
from sphinx.util.docutils import SphinxRole

from bookkit.counts import counts

once = cache(counts)


class Count(SphinxRole):
    """The number of something that is verified, such as {count}`claims`."""

    def run(self):
        """Return the number, with a comma at the thousands."""
        self.env.note_reread()  # whatever is counted may have changed
        found = once()
        if self.text not in found:
            names = ", ".join(found)
            message = f"there is no count of {self.text!r}, but of {names}"
            fault = self.inliner.reporter.error(message, line=self.lineno)
            return [], [fault]
        return [nodes.Text(f"{found[self.text]:,}")], []


def setup(app):
    app.add_role("count", Count())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
