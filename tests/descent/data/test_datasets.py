import gzip
import hashlib
import io
import os
import tarfile
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from descent.data import cifar10, fashion_mnist, mnist
from descent.data.download import checksum, local_file

mnist_module = import_module("descent.data.mnist")
cifar_module = import_module("descent.data.cifar")

LOADERS = [(mnist, "mnist"), (fashion_mnist, "fashion-mnist")]
TRAIN_IMAGES = "train-images-idx3-ubyte"
REAL = Path(os.environ.get("DESCENT_DATA", ""), "mnist")


@pytest.fixture(autouse=True)
def _no_data_of_this_machine(monkeypatch):
    monkeypatch.delenv("DESCENT_DATA", raising=False)


@pytest.fixture
def offline(monkeypatch):
    """Downloads come from a dict of files by name; returns it, and the addresses asked."""
    files, asked = {}, []

    def download(_, url, target, __):
        asked.append(url)
        target.write_bytes(files[url.rsplit("/", 1)[1]])

    monkeypatch.setattr("pooch.HTTPDownloader.__call__", download)
    return files, asked


@pytest.mark.parametrize("loader", [mnist, fashion_mnist])
def test_mnist_from_a_folder(mnist_folder, mnist_files, loader):
    train, test = loader(mnist_folder)
    assert train.images.shape == (5, 1, 28, 28)
    assert test.images.shape == (3, 1, 28, 28)
    assert train.images.dtype == np.float64
    assert train.labels.dtype == np.int64
    assert train.labels.tolist() == [5, 6, 7, 8, 9]
    assert test.labels.tolist() == [7, 8, 9]
    pixels = np.frombuffer(mnist_files[TRAIN_IMAGES][16:], np.uint8)
    assert np.array_equal(train.images.ravel(), pixels / 255)
    assert (train.images.min(), train.images.max()) == (0, 1)
    train, _ = loader(str(mnist_folder), dtype=np.float32, flat=True)
    assert train.images.shape == (5, 784)
    assert train.images.dtype == np.float32


@pytest.mark.parametrize(("loader", "name"), LOADERS)
def test_the_environment_names_a_folder(mnist_folder, monkeypatch, loader, name):
    mnist_folder.rename(mnist_folder.parent / name)
    monkeypatch.setenv("DESCENT_DATA", str(mnist_folder.parent))
    assert len(loader()[0]) == 5


@pytest.mark.parametrize(("loader", "name"), LOADERS)
def test_mnist_is_downloaded_once(tmp_path, mnist_files, monkeypatch, offline, loader, name):
    files, asked = offline
    unzipped = loader is mnist
    md5s = {}
    for file, content in mnist_files.items():
        files[f"{file}.gz"] = gzip.compress(content)
        checked = content if unzipped else files[f"{file}.gz"]
        md5s[f"{file}.gz"] = hashlib.md5(checked).hexdigest()
    published = "MNIST_MD5" if unzipped else "FASHION_MNIST_MD5"
    assert list(getattr(mnist_module, published)) == list(md5s)
    monkeypatch.setattr(mnist_module, published, md5s)
    options = {"mirrors": ["http://mirror/a/"], "cache": tmp_path, "progress": False}
    for _ in range(2):
        train, test = loader(**options, flat=True, dtype=np.float32)
        assert train.images.shape == (5, 784)
        assert test.images.dtype == np.float32
    assert asked == [f"http://mirror/a/{file}" for file in md5s]
    assert sorted(os.listdir(tmp_path / name)) == sorted(md5s)
    loader(cache=tmp_path / "other", progress=False)
    assert asked[4:] == [getattr(mnist_module, published[:-3] + "MIRRORS")[0] + f for f in md5s]


@pytest.mark.parametrize("progress", [True, False])
@pytest.mark.parametrize(
    ("loader", "module"),
    [(mnist, mnist_module), (fashion_mnist, mnist_module), (cifar10, cifar_module)],
)
def test_whether_progress_is_shown_is_handed_on(tmp_path, monkeypatch, loader, module, progress):
    asked = []

    def fetch(*_, progress, **__):
        asked.append(progress)
        raise OSError("no network")

    monkeypatch.setattr(module, "fetch", fetch)
    with pytest.raises(OSError, match="no network"):
        loader(cache=tmp_path, progress=progress)
    assert asked == [progress]


def test_mirrors_are_addresses_of_folders():
    for mirrors in (
        mnist_module.MNIST_MIRRORS,
        mnist_module.FASHION_MNIST_MIRRORS,
        cifar_module.CIFAR10_MIRRORS,
    ):
        assert all(m.startswith("http") and m.endswith("/") for m in mirrors)


def spoil(name, content):
    return lambda folder: (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (
            lambda folder: (folder / "t10k-labels-idx1-ubyte").unlink(),
            FileNotFoundError,
            "lacks t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz",
        ),
        (
            spoil("train-labels-idx1-ubyte", b"\0\0\x08\1\0\0\0\2\1\2"),
            ValueError,
            "train-labels-idx1-ubyte has 2 labels, but .*train-images-idx3-ubyte.gz has 5 images",
        ),
        (
            spoil("train-labels-idx1-ubyte", b"\0\0\x08\1\0\0\0\5\1\2\3\4\x0a"),
            ValueError,
            "train-labels-idx1-ubyte holds the label 10, expected 0 … 9",
        ),
        (
            spoil("t10k-labels-idx1-ubyte", b"\0\0\x08\3" + b"\0\0\0\1" * 3 + b"\1"),
            ValueError,
            r"t10k-labels-idx1-ubyte has 3 axes, expected 1: \(N\)",
        ),
        (
            spoil(TRAIN_IMAGES, b"\0\0\x08\3" + b"\0\0\0\1" * 3 + b"\1"),
            ValueError,
            r"train-images-idx3-ubyte has shape \(1, 1, 1\), expected \(N, 28, 28\)",
        ),
    ],
)
def test_damaged_folders(mnist_folder, damage, error, message):
    damage(mnist_folder)
    with pytest.raises(error, match=message):
        mnist(mnist_folder)


def test_only_floating_dtypes(mnist_folder):
    with pytest.raises(TypeError, match=r"dtype must be np.float32 or np.float64, got .*uint8"):
        mnist(mnist_folder, dtype=np.uint8)


@pytest.mark.skipif(not REAL.is_dir(), reason="DESCENT_DATA names no folder that holds mnist/")
def test_the_real_mnist(monkeypatch):
    for name, md5 in mnist_module.MNIST_MD5.items():
        assert checksum(local_file(REAL, name, name[:-3]), unzipped=True) == md5
    monkeypatch.setenv("DESCENT_DATA", str(REAL.parent))
    train, test = mnist(dtype=np.float32)
    for data, count, zeros, mean in ((train, 60_000, 5923, 33.3184), (test, 10_000, 980, 33.7912)):
        assert data.images.shape == (count, 1, 28, 28)
        assert (data.labels == 0).sum() == zeros
        assert set(data.labels) == set(range(10))
        assert abs(data.images.mean(dtype=np.float64) * 255 - mean) < 1e-3


def records(labels):
    return b"".join(bytes([label]) + bytes([label * 20]) * 3072 for label in labels)


@pytest.fixture
def cifar_files():
    files = {f"data_batch_{i}.bin": records([i, 9 - i]) for i in range(1, 6)}
    return {**files, "test_batch.bin": records([0, 9, 7])}


@pytest.fixture
def cifar_archive(cifar_files, monkeypatch):
    """The bytes of an archive whose checksum is the expected one."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in {"readme.html": b"<html>", **cifar_files}.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    content = buffer.getvalue()
    assert cifar_module.CIFAR10_MD5 == "c32a1d4ab5d03f1284b67883e8d87530"
    monkeypatch.setattr(cifar_module, "CIFAR10_MD5", hashlib.md5(content).hexdigest())
    return content


def check_cifar(train, test, dtype=np.float64):
    assert train.images.shape == (10, 3, 32, 32)
    assert test.images.shape == (3, 3, 32, 32)
    assert train.labels.tolist() == [1, 8, 2, 7, 3, 6, 4, 5, 5, 4]
    assert test.labels.tolist() == [0, 9, 7]
    assert train.images.dtype == dtype
    assert train.labels.dtype == np.int64
    expected = (test.labels * 20 / 255).astype(dtype)
    assert np.allclose(test.images, expected[:, None, None, None], rtol=1e-6)


@pytest.mark.parametrize("inner", ["", "cifar-10-batches-bin"])
def test_cifar_from_a_folder(tmp_path, monkeypatch, cifar_files, inner):
    folder = tmp_path / "cifar-10"
    (folder / inner).mkdir(parents=True)
    for name, content in cifar_files.items():
        (folder / inner / name).write_bytes(content)
    check_cifar(*cifar10(folder))
    check_cifar(*cifar10(str(folder), dtype=np.float32), dtype=np.float32)
    assert cifar10(folder, flat=True)[0].images.shape == (10, 3072)
    monkeypatch.setenv("DESCENT_DATA", str(tmp_path))
    check_cifar(*cifar10())
    (folder / inner / "data_batch_3.bin").write_bytes(b"short")
    with pytest.raises(ValueError, match=r"data_batch_3\.bin is no file of CIFAR-10's binary"):
        cifar10(folder)


def test_cifar_from_an_archive(tmp_path, cifar_archive):
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(cifar_archive)
    check_cifar(*cifar10(tmp_path))


def test_an_archive_is_not_opened_unless_it_is_the_right_one(tmp_path):
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(b"anything")
    with pytest.raises(
        ValueError, match=r"cifar-10-binary\.tar\.gz has the MD5 f0e166d.*, expected c32a1d4"
    ):
        cifar10(tmp_path)


def test_cifar_is_downloaded_once(tmp_path, cifar_archive, offline):
    files, asked = offline
    files["cifar-10-binary.tar.gz"] = cifar_archive
    for _ in range(2):
        check_cifar(*cifar10(cache=tmp_path, progress=False))
    assert asked == ["https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"]
    cifar10(mirrors=["http://mirror/a"], cache=tmp_path / "other", progress=False)
    assert asked[1:] == ["http://mirror/a/cifar-10-binary.tar.gz"]
    assert os.listdir(tmp_path / "cifar-10") == ["cifar-10-binary.tar.gz"]
