"""The README names the chapters of the manifest and the targets of the Makefile."""

import re
from pathlib import Path

from bookkit.manifest import chapters_of, read_manifest

README = Path("README.md").read_text(encoding="utf-8")


def test_the_list_of_chapters_is_the_manifest():
    between = README.split("<!-- chapters")[1].split("-->", 1)[1].split("<!-- end of chapters")[0]
    assert between.strip().splitlines() == [
        f"- {c.number} · [{c.title}](chapters/{c.path}.md): {c.summary}"
        for c in chapters_of(read_manifest())
    ]


def test_every_target_exists():
    targets = set(
        re.findall(r"^([a-z]+):", Path("Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    named = set(re.findall(r"`make ([a-z]+)`|^make ([a-z]+)", README, re.MULTILINE))
    assert len(named) >= 5
    assert {a or b for a, b in named} <= targets


def test_every_linked_file_exists():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(targets) >= 5
    for target in targets:
        assert Path(target).exists(), target
