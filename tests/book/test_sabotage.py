"""The regression run bites: a wrong sign in the library turns a notebook and a test red."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from bookkit import sabotage
from bookkit.manifest import chapters_of, read_manifest
from bookkit.sabotage import (
    LIBRARY,
    Fault,
    chapters_in,
    copy_book,
    found_by,
    likeliest_first,
    parts,
    read_faults,
    run_pytest,
)

WRONG_SIGN = Fault(
    "cross_entropy: wrong sign",
    "losses/classification.py",
    "p[rows, y] -= w_y",
    "p[rows, y] += w_y",
)
UNIT_TESTS = "tests/descent/losses/test_cross_entropy.py"


@pytest.fixture
def copy_of_the_book(tmp_path):
    copy_book(tmp_path)
    return tmp_path


def test_a_wrong_sign_turns_a_notebook_red(copy_of_the_book):
    WRONG_SIGN.plant(copy_of_the_book)
    run = run_pytest(copy_of_the_book, "--nbval", "chapters/prelude/ten-minutes.ipynb")
    assert run.returncode == 1, run.stdout
    assert "FAILED chapters/prelude/ten-minutes.ipynb::Cell" in run.stdout
    assert "Claim 0.3 ✗" in run.stdout


def test_a_wrong_sign_turns_a_unit_test_red(copy_of_the_book):
    before = run_pytest(copy_of_the_book, UNIT_TESTS)
    assert before.returncode == 0, before.stdout
    WRONG_SIGN.plant(copy_of_the_book)
    after = run_pytest(copy_of_the_book, UNIT_TESTS)
    assert after.returncode == 1, after.stdout
    assert f"FAILED {UNIT_TESTS}::test_agrees_with_pytorch" in after.stdout


@pytest.mark.parametrize("part", parts())
def test_every_fault_still_fits_the_library(tmp_path, part):
    faults = read_faults(part)
    assert len(faults) >= (30 if part == "closing" else 40)
    assert len({fault.what for fault in faults}) == len(faults)
    for fault in faults:
        source, target = LIBRARY / fault.file, tmp_path / LIBRARY / fault.file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
        fault.plant(tmp_path)
        compile(target.read_text(encoding="utf-8"), target, "exec")


@pytest.mark.parametrize("part", parts())
def test_faults_are_planted_for_chapters_that_are_there(part):
    assert chapters_in(part)


def test_a_fault_that_does_not_fit_is_refused(copy_of_the_book):
    fault = Fault("nothing", "losses/regression.py", "no such line", "")
    with pytest.raises(ValueError, match="occurs 0 times"):
        fault.plant(copy_of_the_book)


def test_a_broken_book_is_no_found_fault():
    class Gone:
        path = "losses/gone"

    with pytest.raises(RuntimeError, match="pytest stopped"):
        found_by(
            Fault("none", "losses/regression.py", "loss = error**2", "loss = error**2"), [Gone]
        )


@pytest.mark.parametrize(
    ("printed", "place"),
    [
        ("x\nFAILED chapters/two.ipynb::Cell 12\n", "two, cell 12"),
        ("the collection failed", "two, cell ?"),
    ],
)
def test_the_first_red_cell_is_named(monkeypatch, printed, place):
    def run(folder, *arguments):
        red = arguments[-1] == "chapters/two.ipynb"
        planted = WRONG_SIGN.new in (folder / LIBRARY / WRONG_SIGN.file).read_text("utf-8")
        return SimpleNamespace(returncode=int(red and planted), stdout=printed)

    monkeypatch.setattr(sabotage, "run_pytest", run)
    chapters = [SimpleNamespace(path=path) for path in ("one", "two", "three")]
    assert found_by(WRONG_SIGN, chapters) == place
    assert found_by(WRONG_SIGN, chapters[:1]) is None
    assert found_by(None, chapters) is None


def test_a_book_that_is_red_already_proves_nothing(monkeypatch):
    monkeypatch.setattr(sabotage, "found_by", lambda fault, _: None if fault else "one, cell 3")
    with pytest.raises(SystemExit, match="one, cell 3 is red without any fault"):
        sabotage.main([])


@pytest.mark.parametrize(("lived", "enough"), [(4, True), (5, False)])
def test_a_part_must_find_the_share_that_its_file_names(monkeypatch, lived, enough):
    faults = read_faults("losses")
    assert 4 / len(faults) <= 0.05 < 5 / len(faults)
    living = faults[:lived]
    monkeypatch.setattr(
        sabotage,
        "found_by",
        lambda fault, _: "one, cell 3" if fault and fault not in living else None,
    )
    assert sabotage.try_part("losses") is enough


def test_a_part_without_faults_is_refused():
    with pytest.raises(SystemExit, match=r"no faults for \['poetry'\]; there are for \[.*'losses'"):
        sabotage.main(["losses", "poetry"])


def test_without_a_fault_a_chapter_is_green():
    shortest = chapters_of(read_manifest())[-1]  # in seconds
    assert found_by(None, [shortest]) is None


def test_the_chapter_that_names_the_functions_most_often_is_asked_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = {"one": "mse", "two": "", "three": "kl_div, mae and kl_div", "four": "kl_div mae"}
    Path("chapters").mkdir()
    for name, text in texts.items():
        Path(f"chapters/{name}.md").write_text(text, encoding="utf-8")
    fault = Fault("kl_div, mae: the other direction, as in mse", "losses/divergence.py", "", "")
    asked = likeliest_first(fault, [SimpleNamespace(path=name) for name in texts])
    assert [chapter.path for chapter in asked] == ["three", "four", "one", "two"]
