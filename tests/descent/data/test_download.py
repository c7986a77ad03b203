import gzip
import hashlib
import http.server
import threading
from functools import partial

import pytest

from descent.data import download
from descent.data.download import cache_folder, checksum, fetch, local_file, local_folder

CONTENT = bytes(range(256)) * 40
MD5 = hashlib.md5(CONTENT).hexdigest()
NAME = "numbers.gz"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; below /flaky/ the first request for each file fails."""

    def do_GET(self):
        self.server.seen.append(self.path)
        if self.path.startswith("/flaky/") and self.server.seen.count(self.path) == 1:
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """A server on this machine, with good, broken, wrong and flaky mirrors."""
    root = tmp_path / "served"
    zipped = gzip.compress(CONTENT)
    files = {
        "good": zipped,
        "other": gzip.compress(CONTENT, 1),
        "plain": CONTENT,
        "flaky": zipped,
        "wrong": gzip.compress(b"something else"),
        "broken": zipped[:-20],
        "empty": b"",
    }
    for mirror, content in files.items():
        (root / mirror).mkdir(parents=True)
        (root / mirror / NAME).write_bytes(content)
    handler = partial(Handler, directory=root)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        served.seen = []
        served.address = f"http://127.0.0.1:{served.server_port}"
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        served.shutdown()
        thread.join()


def get(server, folder, *mirrors, **options):
    addresses = [f"{server.address}/{mirror}/" for mirror in mirrors]
    return fetch(NAME, MD5, addresses, folder, **{"unzipped": True, "progress": False, **options})


@pytest.mark.parametrize(
    ("mirrors", "requests"),
    [
        (["good"], ["good"]),
        (["other"], ["other"]),
        (["plain"], ["plain"]),
        (["missing", "good"], ["missing", "good"]),
        (["wrong", "broken", "empty", "good"], ["wrong", "broken", "empty", "good"]),
        (["flaky"], ["flaky", "flaky"]),
        (["flaky", "missing"], ["flaky", "missing", "flaky"]),
        (["flaky", "good"], ["flaky", "good"]),
    ],
)
def test_mirrors_are_tried_in_turn(server, tmp_path, mirrors, requests):
    folder = tmp_path / "cache" / "numbers"
    path = get(server, folder, *mirrors)
    assert path == folder / NAME
    assert checksum(path, unzipped=True) == MD5
    assert [place.name for place in folder.iterdir()] == [NAME]
    assert server.seen == [f"/{mirror}/{NAME}" for mirror in requests]


def test_a_verified_file_is_not_downloaded_again(server, tmp_path):
    get(server, tmp_path, "good")
    get(server, tmp_path, "good")
    assert len(server.seen) == 1


def test_a_damaged_file_in_the_cache_is_replaced(server, tmp_path):
    (tmp_path / NAME).write_bytes(b"\x1f\x8bdamaged")
    assert gzip.decompress(get(server, tmp_path, "good").read_bytes()) == CONTENT


@pytest.mark.parametrize("mirror", ["missing", "wrong", "broken", "empty"])
@pytest.mark.parametrize("before", [None, b"what was there before"])
def test_failure_leaves_the_cache_as_it_was(server, tmp_path, mirror, before):
    folder = tmp_path / "cache"
    folder.mkdir()
    if before:
        (folder / NAME).write_bytes(before)
    with pytest.raises(OSError, match=r"numbers\.gz could not be downloaded; put it into .*cache"):
        get(server, folder, mirror)
    assert [place.read_bytes() for place in folder.iterdir()] == ([before] if before else [])
    assert len(server.seen) == 2


def test_the_message_tells_what_happened_and_what_to_do(server, tmp_path):
    wrong = hashlib.md5(b"something else").hexdigest()
    with pytest.raises(OSError, match="put it into") as caught:
        get(server, tmp_path / "numbers", "missing", "wrong", "broken", attempts=1)
    message = str(caught.value)
    assert f"put it into {tmp_path / 'numbers'} by hand" in message
    assert f"set DESCENT_DATA to a folder that has numbers/{NAME} (" in message
    assert f"{server.address}/missing/: 404 Client Error" in message
    assert f"{server.address}/wrong/: what came has the MD5 {wrong}, expected {MD5}" in message
    assert f"{server.address}/broken/: what came has the MD5 unreadable" in message
    assert len(server.seen) == 3


def test_no_server_at_all(tmp_path):
    with pytest.raises(OSError, match="could not be downloaded"):
        fetch(NAME, MD5, ["http://127.0.0.1:1"], tmp_path, progress=False)


def test_checksum_of_the_file_itself(server, tmp_path):
    zipped = (tmp_path / "served" / "good" / NAME).read_bytes()
    md5 = hashlib.md5(zipped).hexdigest()
    address = f"{server.address}/good"  # a slash is added
    path = fetch(NAME, md5, [address], tmp_path / "cache", progress=False)
    assert path.read_bytes() == zipped
    with pytest.raises(OSError, match=f"expected {MD5}"):
        fetch(NAME, MD5, [address], tmp_path / "other", progress=False)


@pytest.mark.parametrize(("options", "shown"), [({}, True), ({"progress": False}, False)])
def test_progress_is_shown_unless_told_otherwise(tmp_path, monkeypatch, options, shown):
    asked = []

    def downloader(progressbar):
        asked.append(progressbar)
        return lambda url, target, pooch: target.write_bytes(CONTENT)

    monkeypatch.setattr("pooch.HTTPDownloader", downloader)
    fetch(NAME, MD5, ["http://a/"], tmp_path, **options)
    assert asked == [shown]


def test_a_download_arrives_in_a_hidden_folder_beside_its_place(tmp_path, monkeypatch):
    """Moving it into its place is then one step, on one file system."""
    arrived = []

    def downloader(progressbar):
        return lambda url, target, pooch: (arrived.append(target), target.write_bytes(CONTENT))

    monkeypatch.setattr("pooch.HTTPDownloader", downloader)
    path = fetch(NAME, MD5, ["http://a/"], tmp_path / "cache")
    (target,) = arrived
    assert target.name == NAME
    assert target.parent.name.startswith(".")
    assert target.parent.parent == tmp_path / "cache"
    assert list((tmp_path / "cache").iterdir()) == [path]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"mirrors": "http://a/"}, TypeError, "mirrors must be a list of addresses, got .* 'http"),
        ({"attempts": 0}, ValueError, "attempts must be finite and ≥ 1, got 0"),
    ],
)
def test_bad_options(tmp_path, options, error, message):
    arguments = {"mirrors": ["http://a/"], "folder": tmp_path / "cache", **options}
    with pytest.raises(error, match=message):
        fetch(NAME, MD5, **arguments)
    assert not (tmp_path / "cache").exists()


def test_local_folder(tmp_path, monkeypatch):
    (tmp_path / "numbers").mkdir()
    monkeypatch.delenv("DESCENT_DATA", raising=False)
    assert local_folder("numbers") is None
    assert local_folder("numbers", str(tmp_path)) == tmp_path
    monkeypatch.setenv("DESCENT_DATA", "")
    assert local_folder("numbers") is None
    monkeypatch.setenv("DESCENT_DATA", str(tmp_path))
    assert local_folder("numbers") == tmp_path / "numbers"
    assert local_folder("letters") is None
    assert local_folder("numbers", tmp_path) == tmp_path
    with pytest.raises(FileNotFoundError, match=r"folder .*letters does not exist"):
        local_folder("numbers", tmp_path / "letters")


def test_local_file(tmp_path):
    (tmp_path / "b").write_bytes(b"")
    (tmp_path / "d").mkdir()
    assert local_file(tmp_path, "a", "b") == tmp_path / "b"
    (tmp_path / "a").write_bytes(b"")
    assert local_file(tmp_path, "a", "b") == tmp_path / "a"
    with pytest.raises(FileNotFoundError, match=r"lacks c or d$"):
        local_file(tmp_path, "c", "d")


def test_cache_folder(tmp_path, monkeypatch):
    assert cache_folder("numbers", str(tmp_path)) == tmp_path / "numbers"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder("numbers").parts[-2:] == ("descent", "numbers")


def test_checksum(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"")
    assert checksum(path) == checksum(path, unzipped=True) == "d41d8cd98f00b204e9800998ecf8427e"
    path.write_bytes(gzip.compress(b""))
    assert checksum(path, unzipped=True) == "d41d8cd98f00b204e9800998ecf8427e"
    assert checksum(path) != "d41d8cd98f00b204e9800998ecf8427e"


def test_interruption_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "checksum", interrupted)
    monkeypatch.setattr("pooch.HTTPDownloader.__call__", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        fetch(NAME, MD5, ["http://a/"], tmp_path, progress=False)
    assert list(tmp_path.iterdir()) == []
