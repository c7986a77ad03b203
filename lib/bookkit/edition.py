"""The reader's edition: the chapters as notebooks that JupyterLab shows well.

References have the site's numbers, captions stand under their figures, set-up and plotting code
is closed, citations are names and years, and the notebooks are trusted, so that their figures are
shown. What a reader has changed is never written over.
"""

import argparse
import hashlib
import json
import re
from pathlib import Path

import nbformat
from nbformat.sign import NotebookNotary

from bookkit.manifest import chapters_of, read_manifest
from bookkit.references import cited, read_references

FOLDER = Path("reading")
RECORD = ".written.json"
CODE_SPAN = re.compile(r"(```.*?```|``.*?``|`[^`\n]*`)", re.DOTALL)
ROLE = re.compile(r"(?<!`)\{([a-z:]+)\}`([^`]+)`")
TARGET = re.compile(r"^\([\w-]+\)=\n+", re.MULTILINE)
EQUATION = re.compile(r"^\$\$\n(?P<body>.*?)\n\$\$ \((?P<label>[\w-]+)\)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(
    r"^(?P<fence>:{3,})\{(?P<kind>\w+)\}(?P<title>[^\n]*)\n(?P<body>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
OPTION = re.compile(r"^:([\w-]+): ?(.*)\n", re.MULTILINE)
DEFINITION = re.compile(r"^(?P<term>[^\n:>|-][^\n]*)\n: +(?P<meaning>[^\n]+)", re.MULTILINE)
LINK = re.compile(r"\[(?P<text>[^\]\[]*)\]\((?P<target>[^)\s]+)\)")
SPAN = re.compile(r"\[(?P<text>[^\]\[]*)\]\{[.#][^}]*\}")
LIVE = re.compile(r'<div class="live-figure"[^>]*></div>')
JOINED_HINTS = re.compile(r"</details>\n(?=<details>)")
FOLDED = {"hide-input", "hide-cell"}


def readable(text, references, chapter=None):
    """Return Markdown without MyST's own syntax, its references resolved.

    Parameters
    ----------
    text : str
    references : bookkit.references.References
    chapter : bookkit.manifest.Chapter, optional
        Links to other chapters become relative to this one.
    """
    text = JOINED_HINTS.sub("</details>\n\n", TARGET.sub("", text))
    text = BLOCK.sub(_block, text)
    text = EQUATION.sub(lambda m: _equation(m, references), text)
    text = DEFINITION.sub(lambda m: f"- **{m['term']}** {m['meaning']}", text)
    text = LIVE.sub("*On the book's site this figure can be operated.*", text)
    text = ROLE.sub(lambda m: _role(m[1], m[2], references), text)
    parts = CODE_SPAN.split(text)
    parts[::2] = [_links(part, references, chapter) for part in parts[::2]]
    return "".join(parts)


def _block(found):
    options = dict(OPTION.findall(_options_of(found["body"])))
    content = found["body"][len(_options_of(found["body"])) :].strip("\n")
    title = found["title"].strip() or found["kind"].capitalize()
    if found["kind"] == "predict":
        return _question(title, options, content)
    return _quoted(f"**{title}**\n\n{content}")


def _options_of(body):
    """The lines of options that a directive's body begins with."""
    return re.match(r"(?::[\w-]+:[^\n]*\n)*", body)[0]


def _question(question, options, explanation):
    asked = f"**Predict, then look.** {question}"
    if "choices" in options:
        choices = (choice.strip() for choice in options["choices"].split("|"))
        asked += "\n\n" + "\n".join(f"- {choice}" for choice in choices)
    unit = f" {options['unit']}" if "unit" in options else ""
    answer = f"**{options['answer']}{unit}** (claim {options['claim']}). {explanation}"
    return f"{_quoted(asked)}\n\n<details>\n<summary>The answer</summary>\n\n{answer}\n\n</details>"


def _quoted(text):
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def _equation(found, references):
    number = references.equations[found["label"]]
    return f"$$\n{found['body']}\n\\tag{{{number}}}\n$$"


def _role(role, content, references):
    words, _, label = content.partition("<")
    label, words = label.rstrip(">").strip() or content, words.strip()
    if role == "numref":
        number = references.figures[label]
        return words.replace("%s", number) if "%s" in words else f"Figure {number}"
    if role == "eq":
        return f"({references.equations[label]})"
    if role in ("cite:t", "cite:p"):
        textual = role == "cite:t"
        all_cited = [cited(references.sources, k.strip(), textual) for k in content.split(",")]
        return ", ".join(all_cited) if textual else f"({'; '.join(all_cited)})"
    if role == "ref":
        return words if "<" in content else references.titles.get(label, label)
    if role in ("term", "kbd"):
        return words
    raise ValueError(f"the reader's edition does not know the role {role!r}")


def _links(text, references, chapter):
    return LINK.sub(lambda m: _link(m, references, chapter), SPAN.sub(r"\g<text>", text))


def _link(found, references, chapter):
    text, target = found["text"], found["target"]
    if ":" in target.split("/")[0]:
        return found[0]
    if target.startswith("#"):
        title = references.titles.get(target[1:])
        text = text or title or ""
        return text
    path, _, _ = target.partition("#")
    if not path.endswith((".ipynb", ".md")):
        return found[0]
    if "book/" in path:
        return text
    if path.startswith("/chapters/"):
        up = "../" * (chapter.path.count("/") if chapter else 0)
        path = up + path.removeprefix("/chapters/")
    return f"[{text}]({path.removesuffix('.md').removesuffix('.ipynb')}.ipynb)"


def _caption(cell, references, chapter):
    """The caption of a cell's figure as a Markdown cell of its own, or None."""
    figure = cell.metadata.get("mystnb", {}).get("figure", {})
    if "caption" not in figure:
        return None
    number = references.figures.get(figure.get("name"))
    words = readable(" ".join(figure["caption"].split()), references, chapter)
    label = f"**Figure {number}.** " if number else ""
    return nbformat.v4.new_markdown_cell(label + words, id=f"caption-{cell['id']}"[:64])


def edit(notebook, references, chapter):
    """Turn a chapter's notebook into the reader's: in place, and returned."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "markdown":
            cell.source = readable(cell.source, references, chapter)
            continue
        if FOLDED & set(cell.metadata.get("tags", [])):
            cell.metadata["jupyter"] = {"source_hidden": True}
        if cell.source.lstrip().startswith("check("):
            cell.outputs, cell.execution_count = [], None
        if caption := _caption(cell, references, chapter):
            cells.append(caption)
    notebook.cells = cells
    heading = next((c for c in cells if c.source.startswith("# ")), None)
    if heading is not None:
        heading.source = f"# {chapter.number} · {heading.source[2:]}"
    return notebook


def write(notebook, target, record, name):
    """Write a trusted notebook unless a reader has changed what is there; say what was done.

    `record` maps names to the digest of what was written last.
    """
    text = nbformat.writes(notebook)
    there = target.read_bytes() if target.exists() else None
    if there is not None and _digest(there) != record.get(name):
        return f"kept     {target}: it holds changes of yours (rename it to get the book's again)"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    record[name] = _digest(target.read_bytes())
    NotebookNotary().sign(nbformat.read(target, as_version=4))
    return f"{'written' if there is None else 'renewed'}  {target}"


def _digest(content):
    return hashlib.sha256(content).hexdigest()


def publish(folder, make):
    """Write a notebook for each chapter into a folder; `make` takes a chapter and returns it.

    Returns the sentences that say what was done.
    """
    folder = Path(folder)
    known = folder / RECORD
    record = json.loads(known.read_text(encoding="utf-8")) if known.exists() else {}
    said = [
        write(make(chapter), folder / f"{chapter.path}.ipynb", record, chapter.path)
        for chapter in chapters_of(read_manifest())
    ]
    folder.mkdir(parents=True, exist_ok=True)
    known.write_text(json.dumps(record, indent=1), encoding="utf-8")
    return said


def reading_notebook(chapter):
    """A chapter with its stored outputs, as the reader's edition has it."""
    stored = nbformat.read(Path("chapters") / f"{chapter.path}.ipynb", as_version=4)
    return edit(stored, read_references(), chapter)


def main():
    """Write the reader's edition of all chapters into the folder `reading`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", nargs="?", default=FOLDER, type=Path)
    print("\n".join(publish(parser.parse_args().folder, reading_notebook)))


if __name__ == "__main__":
    main()
