"""Finding data: a local folder first, a verified download otherwise."""

import hashlib
import os
import tempfile
import zlib
from pathlib import Path

from descent.checks import integer
from descent.data.idx import open_maybe_gzipped


def local_folder(name, folder=None):
    """The folder where the data of this name lies, or None if it must be downloaded.

    A folder that is given is used as it is; else ``$DESCENT_DATA/name``, if it exists.

    Raises
    ------
    FileNotFoundError
        A folder that is given but does not exist.
    """
    if folder is not None:
        if not Path(folder).is_dir():
            raise FileNotFoundError(f"folder {folder} does not exist")
        return Path(folder)
    root = os.environ.get("DESCENT_DATA")
    return Path(root, name) if root and Path(root, name).is_dir() else None


def local_file(folder, *names):
    """The first file of these names in a folder.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{folder} lacks {' or '.join(names)}")


def cache_folder(name, cache=None):
    """Where downloads of this name are kept: in `cache`, or in pooch's folder for this system."""
    import pooch  # only a download needs it

    return Path(pooch.os_cache("descent") if cache is None else cache) / name


def fetch(name, md5, mirrors, folder, *, unzipped=False, attempts=2, progress=True):
    """Download a file once, and verify it every time.

    The mirrors are tried in turn, then all of them again. A file enters the folder in one move
    and only with the right checksum; whatever fails leaves the folder as it was.

    Parameters
    ----------
    name : str
        The file's name, in the folder and behind each mirror's address.
    md5 : str
    mirrors : list of str
        Addresses of folders.
    folder : Path
    unzipped : bool
        The checksum is of the decompressed bytes, so mirrors may compress as they like.
    attempts : int
        Rounds through the mirrors.
    progress : bool
        A progress bar.

    Returns
    -------
    path : Path

    Raises
    ------
    OSError
        If no mirror gave the file, with each one's reason and where to put the file by hand.
    TypeError
        Mirrors that are one string.
    """
    attempts = integer("attempts", attempts, at_least=1)
    if isinstance(mirrors, str):
        raise TypeError(f"mirrors must be a list of addresses, got the string {mirrors!r}")
    path = folder / name
    if path.is_file() and checksum(path, unzipped=unzipped) == md5:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    failures = {}
    for address in [*mirrors] * attempts:
        try:
            _download(f"{address.rstrip('/')}/{name}", path, md5, unzipped, progress)
        except (OSError, ValueError) as error:
            failures[address] = str(error)
        else:
            return path
    reasons = "; ".join(f"{address}: {reason}" for address, reason in failures.items())
    raise OSError(
        f"{name} could not be downloaded; put it into {folder} by hand, "
        f"or set DESCENT_DATA to a folder that has {folder.name}/{name} ({reasons})"
    )


def _download(url, path, md5, unzipped, progress):
    import pooch

    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as workplace:
        arrived = Path(workplace, path.name)
        pooch.HTTPDownloader(progressbar=progress)(url, arrived, None)
        came = checksum(arrived, unzipped=unzipped)
        if came != md5:
            raise ValueError(f"what came has the MD5 {came}, expected {md5}")
        os.replace(arrived, path)  # atomic: both lie in one folder's file system


def checksum(path, *, unzipped=False):
    """MD5 of a file's bytes, or of its bytes after gunzip; "unreadable" if gunzip fails."""
    try:
        with open_maybe_gzipped(path) if unzipped else path.open("rb") as file:
            return hashlib.file_digest(file, _md5).hexdigest()
    except (EOFError, zlib.error, OSError):
        return "unreadable"


def _md5():
    return hashlib.md5(usedforsecurity=False)
