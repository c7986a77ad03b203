"""Practice notebooks: the chapters with their solutions blanked out."""

import ast
from pathlib import Path

import jupytext

from bookkit.edition import edit, publish
from bookkit.references import read_references


def blank(code):
    """Blank a solution: every function keeps its head and docstring, other values become ``...``.

    Raises
    ------
    ValueError
        A statement that is neither a function, an import, nor an assignment.
    """
    tree = ast.parse(code)
    lines = code.rstrip().split("\n")
    kept, at = [], 0
    for node in tree.body:
        kept += lines[at : node.lineno - 1]
        kept += _blanked(node, lines)
        at = node.end_lineno
    return "\n".join(kept + lines[at:])


def _blanked(node, lines):
    source = lines[node.lineno - 1 : node.end_lineno]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return source
    if isinstance(node, ast.Assign):
        targets = " = ".join(ast.unparse(target) for target in node.targets)
        return [f"{targets} = ...  # your answer"]
    if isinstance(node, ast.FunctionDef):
        first = node.body[0]
        docstring = ast.get_docstring(node) is not None
        end = first.end_lineno if docstring else first.lineno - 1
        head = lines[node.lineno - 1 : end]
        return [*head, f'    raise NotImplementedError("{node.name} is yours to write")']
    raise ValueError(f"a solution may define functions and values, not {ast.unparse(node)!r}")


def practice_notebook(path):
    """The notebook of a chapter's text source with blanks where its solutions stand."""
    notebook = jupytext.read(path)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "solution" in tags:
            cell.source = blank(cell.source)
            cell.metadata["tags"] = [t for t in tags if t not in ("solution", "hide-input")]
    return notebook


def practice_chapter(chapter):
    """The practice notebook of a chapter, with references resolved as in the reader's edition."""
    notebook = practice_notebook(Path("chapters") / f"{chapter.path}.md")
    return edit(notebook, read_references(), chapter)


def main():
    """Write a practice notebook for each chapter; those that hold a reader's work are kept."""
    print("\n".join(publish("practice", practice_chapter)))


if __name__ == "__main__":
    main()
