"""The manifest of the book: which chapters there are, in which order, and where they lie."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Chapter:
    """One chapter. `path` is relative to chapters/ and has no suffix; `needs` are numbers."""

    number: int
    path: str
    title: str
    summary: str
    minutes: int
    exercise_minutes: int
    deeper_minutes: int
    needs: tuple[int, ...]
    part: str

    @property
    def docname(self):
        """The chapter's name in the site: "chapters/prelude/ten-minutes"."""
        return f"chapters/{self.path}"


@dataclass(frozen=True)
class Part:
    """A part of the book and its chapters in reading order."""

    title: str
    chapters: tuple[Chapter, ...]


def read_manifest(root=ROOT):
    """Return the book's parts from chapters/manifest.toml under `root`.

    Raises
    ------
    FileNotFoundError
        No manifest, or a chapter that is listed but lacks its .md or its .ipynb.
    ValueError
        A manifest that is not TOML, a key that is missing, unknown or of the wrong kind, a number
        or path that is used twice, a chapter's file that is not listed, or a chapter that
        another needs although it does not come before it or follows from the others.
    """
    folder = Path(root) / "chapters"
    parts = tuple(_part(entry) for entry in _load(folder / "manifest.toml"))
    chapters = chapters_of(parts)
    _no_repetition(chapters)
    _needs_agree(chapters)
    _files_agree(chapters, folder)
    return parts


def chapters_of(parts):
    """Return the chapters of all parts, in reading order."""
    return tuple(chapter for part in parts for chapter in part.chapters)


def closure(chapters, numbers):
    """Return those of the chapters that have these numbers, and all that they need, in order."""
    wanted = set(numbers)
    for chapter in reversed(chapters):  # what a chapter needs comes before it
        if chapter.number in wanted:
            wanted.update(chapter.needs)
    return tuple(chapter for chapter in chapters if chapter.number in wanted)


def _load(path):
    if not path.is_file():
        raise FileNotFoundError(f"the list of chapters is missing: {path}")
    try:
        manifest = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"chapters/manifest.toml cannot be read: {error}") from error
    _keys_agree("the manifest", manifest, {"part": list})
    return manifest["part"]


def _part(entry):
    name = f"the part {entry.get('title', '(without a title)')!r}"
    _keys_agree(name, entry, {"title": str, "chapter": list})
    return Part(entry["title"], tuple(_chapter(c, entry["title"]) for c in entry["chapter"]))


def _chapter(entry, part):
    kinds = {name: kind for name, kind in Chapter.__annotations__.items() if name != "part"}
    kinds["needs"] = list
    name = f"the chapter {entry.get('path', entry.get('title', '(without a path)'))!r}"
    _keys_agree(name, entry, kinds)
    return Chapter(**{**entry, "needs": tuple(entry["needs"])}, part=part)


def _keys_agree(name, entry, kinds):
    for key, kind in kinds.items():
        if key not in entry:
            raise ValueError(f"chapters/manifest.toml: {name} lacks the key {key!r}")
        if type(entry[key]) is not kind:
            raise ValueError(
                f"chapters/manifest.toml: {key!r} of {name} must be of type {kind.__name__}, "
                f"got {entry[key]!r}"
            )
    unknown = set(entry) - set(kinds)
    if unknown:
        raise ValueError(f"chapters/manifest.toml: {name} has the unknown key {min(unknown)!r}")


def _no_repetition(chapters):
    for key in ("number", "path"):
        seen = set()
        for chapter in chapters:
            value = getattr(chapter, key)
            if value in seen:
                raise ValueError(f"chapters/manifest.toml: the {key} {value!r} is used twice")
            seen.add(value)


def _needs_agree(chapters):
    earlier = []
    for chapter in chapters:
        for need in chapter.needs:
            name = f"chapters/manifest.toml: the chapter {chapter.path!r} needs {need!r}"
            if need not in [other.number for other in earlier]:
                raise ValueError(f"{name}, which is no chapter before it")
            others = [other for other in chapter.needs if other != need]
            implied = need in [other.number for other in closure(earlier, others)]
            if implied or chapter.needs.count(need) > 1:
                raise ValueError(f"{name}, which follows from the others that it needs")
        earlier.append(chapter)


def _files_agree(chapters, folder):
    listed = {f"{chapter.path}{suffix}" for chapter in chapters for suffix in (".md", ".ipynb")}
    found = {
        path.relative_to(folder).as_posix()
        for suffix in (".md", ".ipynb")
        for path in folder.rglob(f"*{suffix}")
        if not any(name.startswith(".") for name in path.relative_to(folder).parts)
    }
    if listed - found:
        raise FileNotFoundError(
            f"chapters/manifest.toml lists a chapter whose file chapters/{min(listed - found)} "
            "does not exist"
        )
    if found - listed:
        raise ValueError(f"chapters/{min(found - listed)} is not listed in chapters/manifest.toml")
