import gzip
import struct
import tracemalloc

import numpy as np
import pytest

from descent.data import idx as idx_module
from descent.data import read_cifar10, read_idx

ENTRIES = np.arange(12, dtype=np.uint8).reshape(2, 3, 2) * 20
SHAPE = ("N", 3, 2)
HEADER = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2, 3, 2)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gz"])
def test_idx_by_hand(tmp_path, pack):
    path = tmp_path / "entries"
    path.write_bytes(pack(HEADER + ENTRIES.tobytes()))
    for where in (path, str(path)):
        came = read_idx(where, SHAPE)
        assert came.dtype == np.uint8
        assert np.array_equal(came, ENTRIES)
    assert np.array_equal(read_idx(path, (2, 3, 2)), ENTRIES)


BAD_IDX = [
    (b"", "is no IDX file: it begins with nothing"),
    (b"\0\0\x08", "is no IDX file: it begins with 00 00 08"),
    (b"<html>", "is no IDX file: it begins with 3c 68 74 6d"),
    (b"\0\1\x08\3", "is no IDX file: it begins with 00 01 08 03"),
    (b"\x80\4\x95\0", "is no IDX file: it begins with 80 04 95 00"),
    (b"\0\0\x09\3", r"holds int8, expected unsigned bytes \(0x08\)"),
    (b"\0\0\x0b\3", "holds int16"),
    (b"\0\0\x0c\3", "holds int32"),
    (b"\0\0\x0d\3", "holds float32"),
    (b"\0\0\x0e\3", "holds float64"),
    (b"\0\0\x0a\3", "holds the unknown type 0x0a"),
    (b"\0\0\x08\0", r"has 0 axes, expected 3: \(N, 3, 2\)"),
    (b"\0\0\x08\1\0\0\0\2\7\7", r"has 1 axes, expected 3: \(N, 3, 2\)"),
    (b"\0\0\x08\xff" + b"\0\0\0\1" * 255, "has 255 axes, expected 3"),
    (HEADER[:15], "[ :]is cut off inside its header$"),
    (b"\0\0\x08\3" + struct.pack(">3I", 0, 3, 2), r"has shape \(0, 3, 2\), expected \(N, 3, 2\)"),
    (b"\0\0\x08\3" + struct.pack(">3I", 2, 2, 3), r"has shape \(2, 2, 3\), expected \(N, 3, 2\)"),
    (b"\0\0\x08\3" + struct.pack(">3i", -1, 3, 2), r"promises 25769803770 entries, .* at most"),
    (HEADER, "is cut off: 0 of 12 entries"),
    (HEADER + b"\7" * 11, "is cut off: 11 of 12 entries"),
    (HEADER + b"\7" * 13, "has more than the 12 entries that it promises"),
]


@pytest.mark.parametrize(("content", "message"), BAD_IDX)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gz"])
def test_idx_refuses(tmp_path, pack, content, message):
    path = tmp_path / "entries"
    path.write_bytes(pack(content))
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path, SHAPE)
    assert str(caught.value).startswith(f"{path} ")


@pytest.mark.parametrize(
    "damage",
    [
        lambda zipped: zipped[:-9],
        lambda zipped: zipped[:-1],
        lambda zipped: zipped[:-8] + b"\0\0\0\0" + zipped[-4:],
        lambda zipped: zipped[:12] + b"\xff" * 6 + zipped[18:],
        lambda zipped: zipped + b"more",
        lambda zipped: zipped[:2] + b"\xff" + zipped[3:],
    ],
    ids=["data cut", "trailer cut", "checksum", "stream", "trailing bytes", "method"],
)
def test_idx_refuses_damaged_gzip(tmp_path, damage):
    path = tmp_path / "entries.gz"
    path.write_bytes(damage(gzip.compress(HEADER + ENTRIES.tobytes())))
    with pytest.raises(ValueError, match=r"entries\.gz is corrupt: "):
        read_idx(path, SHAPE)


def test_a_decompression_bomb_is_read_only_as_far_as_its_header_promises(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(HEADER + bytes(100_000_000)))
    tracemalloc.start()
    with pytest.raises(ValueError, match="has more than the 12 entries"):
        read_idx(path, SHAPE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_a_header_may_promise_what_the_file_can_hold_and_no_more(tmp_path):
    path = tmp_path / "entries"
    for count in (1032 * 8, 1032 * 8 + 1):
        path.write_bytes(bytes([0, 0, 8, 1]) + struct.pack(">I", count))
        message = "is cut off" if count == 1032 * 8 else "can hold at most 8256"
        with pytest.raises(ValueError, match=message):
            read_idx(path, ("N",))


def test_there_is_a_limit_for_honest_files_too(tmp_path, monkeypatch):
    assert idx_module.LARGEST == 1_073_741_824
    path = tmp_path / "entries"
    path.write_bytes(HEADER + ENTRIES.tobytes())
    monkeypatch.setattr(idx_module, "LARGEST", 12)
    assert np.array_equal(read_idx(path, SHAPE), ENTRIES)
    monkeypatch.setattr(idx_module, "LARGEST", 11)
    with pytest.raises(ValueError, match="promises 12 entries, but can hold at most 11"):
        read_idx(path, SHAPE)


@pytest.mark.parametrize("read", [lambda path: read_idx(path, SHAPE), read_cifar10])
def test_a_missing_file_is_no_bad_file(tmp_path, read):
    with pytest.raises(FileNotFoundError, match="nothing-here"):
        read(tmp_path / "nothing-here")


def test_cifar_by_hand(tmp_path):
    path = tmp_path / "batch.bin"
    red, green, blue = (np.arange(1024) % 256).astype(np.uint8), bytes(1024), b"\xff" * 1024
    path.write_bytes(bytes([9]) + red.tobytes() + green + blue + bytes([4]) + bytes(3072))
    pixels, labels = read_cifar10(str(path))
    assert pixels.shape == (2, 3, 32, 32)
    assert pixels.dtype == labels.dtype == np.uint8
    assert labels.tolist() == [9, 4]
    assert pixels[0, 0, 1, :3].tolist() == [32, 33, 34]
    assert (pixels[0, 1] == 0).all()
    assert (pixels[0, 2] == 255).all()
    assert (pixels[1] == 0).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected 1 to 10000 records of 3073 bytes, got 0 bytes"),
        (bytes(3072), "got 3072 bytes"),
        (bytes(3074), "got 3074 bytes"),
        (b"\x80\4\x95" + bytes(3070), "record 0 has the class 128, expected 0 … 9"),
        (bytes(3073) + b"\x0a" + bytes(3072), "record 1 has the class 10, expected 0 … 9"),
        (bytes(3073 * 10_000 + 1), "got more bytes"),
        (bytes(3073 * 10_001), "got more bytes"),
    ],
    ids=["empty", "short", "long", "pickle", "class", "a byte too much", "a record too much"],
)
def test_cifar_refuses(tmp_path, content, message):
    path = tmp_path / "batch.bin"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_cifar10(path)
    assert str(caught.value).startswith(f"{path} is no file of CIFAR-10's binary version: ")


def test_cifar_takes_ten_thousand_records(tmp_path):
    path = tmp_path / "batch.bin"
    path.write_bytes(bytes(3073 * 10_000))
    assert read_cifar10(path)[0].shape == (10_000, 3, 32, 32)


def flip(data, rng):
    for place in rng.integers(len(data), size=rng.integers(1, 4)):
        data[place] ^= 1 << int(rng.integers(8))


def truncate(data, rng):
    del data[int(rng.integers(len(data))) :]


def extend(data, rng):
    data += rng.bytes(int(rng.integers(1, 40)))


def rewrite_header(data, rng):
    hostile = [0, 1, 2, 28, 2**16, 2**31 - 1, 2**31, 2**32 - 1]
    start = int(rng.choice([0, 4, 8, 12]))
    data[start : start + 4] = struct.pack(">I", int(rng.choice(hostile)))


def overwrite(data, rng):
    start = int(rng.integers(len(data)))
    data[start : start + 4] = rng.bytes(4)


def test_ten_thousand_damaged_files(tmp_path, idx_bytes):
    """Nothing but ValueError with the file's name comes out, and memory stays bounded."""
    plain = HEADER + ENTRIES.tobytes()
    labels = idx_bytes(np.arange(5))
    valid = [
        (lambda path: read_idx(path, SHAPE), plain),
        (lambda path: read_idx(path, SHAPE), gzip.compress(plain)),
        (lambda path: read_idx(path, ("N",)), labels),
        (lambda path: read_idx(path, ("N",)), gzip.compress(labels)),
        (read_cifar10, bytes([3]) + bytes(3072)),
    ]
    mutations = [flip, truncate, extend, rewrite_header, overwrite]
    rng = np.random.default_rng(0)
    path = tmp_path / "damaged"
    refused = accepted = 0
    tracemalloc.start()
    writer = path.open("wb", buffering=0)  # opened once: to empty a file is slow on some systems
    for turn in range(10_500):
        read, content = valid[turn % len(valid)]
        data = bytearray(content)
        mutations[int(rng.integers(len(mutations)))](data, rng)
        if turn % 3 == 0 and data:
            mutations[int(rng.integers(len(mutations)))](data, rng)
        writer.seek(0)
        writer.write(data)
        writer.truncate()
        try:
            read(path)
            accepted += 1
        except ValueError as error:
            assert str(error).startswith(f"{path} ")  # noqa: PT017 - ten thousand cases in one
            refused += 1
    writer.close()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused + accepted == 10_500
    assert refused > 7_000
    assert accepted > 500  # flipped pixels are no damage that a reader can see
    assert peak < 40_000_000  # one full file of CIFAR-10
