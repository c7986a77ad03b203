"""The reader's edition in a real JupyterLab: figures, captions, numbers, closed code."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from bookkit import edition
from bookkit.manifest import chapters_of, read_manifest

DISABLED = ["jupyterlab-myst", "@jupyterlab/apputils-extension:announcements"]
CHAPTER = chapters_of(read_manifest())[1]


def free_port():
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return chosen.getsockname()[1]


def wait_for(address, process):
    for _ in range(240):
        if process.poll() is not None:
            pytest.fail("JupyterLab stopped before it answered")
        try:
            return urllib.request.urlopen(f"{address}/api", timeout=2)
        except OSError:
            time.sleep(0.5)
    return pytest.fail("JupyterLab did not answer")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab on the reader's edition, with settings of nobody."""
    folder = tmp_path_factory.mktemp("lab")
    settings = {f"JUPYTER_{n}_DIR": str(folder / n) for n in ("CONFIG", "DATA", "RUNTIME")}
    (folder / "CONFIG/labconfig").mkdir(parents=True)
    (folder / "CONFIG/labconfig/page_config.json").write_text(
        json.dumps({"disabledExtensions": dict.fromkeys(DISABLED, True)}),
        encoding="utf-8",
    )
    environment = os.environ | settings
    command = [sys.executable, "-m", "bookkit.edition", str(folder / "reading")]
    subprocess.run(command, check=True, env=environment, capture_output=True)
    port = free_port()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--ServerApp.port={port}", "--IdentityProvider.token="]
    command += [f"--ServerApp.root_dir={folder / 'reading'}"]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    wait_for(address, process)
    yield address
    process.terminate()
    process.wait(timeout=30)


@pytest.fixture(scope="module")
def page(lab, browser):
    page = browser.new_page(viewport={"width": 1300, "height": 6000})
    page.goto(f"{lab}/lab/tree/{CHAPTER.path}.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-MarkdownOutput h1", timeout=90_000)
    page.wait_for_selector(".jp-OutputArea-output img", timeout=60_000)
    yield page
    page.close()


def test_the_figures_are_shown_at_once(page):
    picture = page.locator(".jp-OutputArea-output img").first
    assert picture.bounding_box()["width"] > 300


def test_the_notebook_is_trusted(page):
    assert page.locator(".jp-StatusBar-Left, .jp-StatusBar-Right").count()
    assert page.get_by_title("Notebook trusted").count()


def test_captions_and_numbers_are_those_of_the_site(page):
    shown = page.locator(".jp-Notebook").inner_text()
    assert f"{CHAPTER.number} · {CHAPTER.title}" in shown
    assert f"Figure {CHAPTER.number}.1." in shown
    for left in ("{numref}", "{eq}", "{cite", "Figure %s", ":::"):
        assert left not in shown


def test_set_up_and_plots_are_closed_and_the_rest_is_open(page):
    notebook = edition.reading_notebook(CHAPTER)
    hidden = [c.metadata.get("jupyter", {}).get("source_hidden") for c in notebook.cells]
    closed = page.locator(".jp-CodeCell .jp-Placeholder")
    assert 0 < closed.count() <= sum(map(bool, hidden))
    assert page.locator(".jp-CodeCell .cm-content").count() > 0
