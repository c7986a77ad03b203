"""What the chapters need to be a book: claims, checked exercises, figures, shown source."""

from bookkit.checked import checked
from bookkit.claims import ClaimError, claim
from bookkit.exercises import check
from bookkit.figures import use_style
from bookkit.source import show_source

__all__ = ["ClaimError", "check", "checked", "claim", "show_source", "use_style"]
