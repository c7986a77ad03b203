"""Writing files so that an interruption cannot harm them."""

import os
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path):
    """Give a file to write bytes to; when all is written it takes the place of `path`.

    It is written beside its place and then moved there, so that an interruption leaves either
    the old file or the new one.
    """
    path = Path(path)
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with open(beside, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
