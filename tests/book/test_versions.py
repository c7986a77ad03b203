"""The three places that name versions agree: the package's ranges, the lock, and conda's file."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

PROJECT = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = dict(
    line.split("==")
    for line in Path("requirements/lock.txt").read_text(encoding="utf-8").splitlines()
    if line
)
CONDA = yaml.safe_load(Path("environment.yml").read_text(encoding="utf-8"))["dependencies"]


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_lock_is_within_the_ranges():
    locked = {normal(name): version for name, version in LOCK.items()}
    extras = PROJECT["optional-dependencies"].values()
    for text in PROJECT["dependencies"] + [text for extra in extras for text in extra]:
        requirement = Requirement(text)
        assert locked[normal(requirement.name)] in requirement.specifier, text


def test_torch_is_the_locked_version_without_cuda():
    lines = Path("requirements/torch.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line.startswith("torch")]
    assert {str(pin.specifier) for pin in pins} == {f"=={LOCK['torch']}", f"=={LOCK['torch']}+cpu"}
    for platform in ("linux", "darwin", "win32"):
        (pin,) = [p for p in pins if p.marker.evaluate({"sys_platform": platform})]
        assert str(pin.specifier).endswith("+cpu") == (platform == "linux")


def test_conda_takes_python_from_the_range_and_the_rest_from_the_lock():
    (python,) = [d for d in CONDA if isinstance(d, str) and d.startswith("python=")]
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.removeprefix("python="))
    (pip,) = [d["pip"] for d in CONDA if isinstance(d, dict)]
    assert pip == [
        "-r requirements/torch.txt",
        "-c requirements/lock.txt",
        "-e .[chapters,scale,site,test]",
    ]


def test_the_citation_names_the_version():
    """CITATION.cff, the page that tells how to cite, and the package agree."""
    citation = yaml.safe_load(Path("CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["version"]
    page = Path("book/cite.md").read_text(encoding="utf-8")
    assert f"version = {{{PROJECT['version']}}}" in page
    assert f"**{PROJECT['version']} (" in page
    assert citation["title"] in page
    assert f'version = "{PROJECT["version"]}"' in Path("book/conf.py").read_text(encoding="utf-8")
