"""Running a reader's function: whatever it does, the reader gets a sentence."""

import inspect
import sys
import sysconfig
import threading
import traceback
from contextlib import contextmanager, nullcontext
from pathlib import Path
from unittest.mock import patch

from IPython import get_ipython

from bookkit.exercises.words import shorten, show

SLOW = 5.0  # seconds
_LIBRARIES = [
    *{sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")},
    str(Path(__file__).parents[2]),
]


def misfit(answer, arguments):
    """Say why an answer cannot be called with these arguments; None if it can."""
    if answer is ...:
        return "The answer is still blank."
    if not callable(answer):
        return f"A function is wanted here, this is {show(answer)}."
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):  # some functions of C have none
        return None
    try:
        signature.bind(*arguments)
    except TypeError:
        return f"Your function should take ({', '.join(arguments)}); it takes {signature}."
    return None


def run(answer, case):
    """Call an answer. Return what it returned and None, or None and a sentence on what stopped it.

    An interruption and a call of `exit()` stop the answer, not the notebook.
    """
    try:
        with _exit_raises():
            came = answer(*case)
    except BaseException as error:
        return None, _stopped(error, answer)
    if inspect.iscoroutine(came):
        came.close()
        return None, "your function is a coroutine. Write def, not async def."
    if inspect.isgenerator(came):
        return None, "your function is a generator. Write return, not yield."
    return came, None


@contextmanager
def saying_when_slow(number, seconds=SLOW):
    """Print a line if what happens within takes longer than some seconds."""
    line = (
        f"Exercise {number}: your function has been running for {seconds:g} seconds. "
        "To stop it, interrupt the kernel (■)."
    )
    timer = threading.Timer(seconds, print, [line], {"flush": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _exit_raises():
    """Let `exit()` raise SystemExit in IPython too, where it ends the kernel after the cell."""
    shell = get_ipython()
    with patch.object(shell, "ask_exit", sys.exit) if shell else nullcontext():
        yield


def _stopped(error, answer):
    frame = _readers_frame(error)
    if isinstance(error, SystemExit):
        return "your function calls exit(). Return the result instead."
    place = f" in line {frame.lineno} ({shorten(frame.line)})" if frame and frame.line else ""
    if isinstance(error, KeyboardInterrupt):
        return f"your function was interrupted{place}. Does it need so long, or never end?"
    if isinstance(error, NotImplementedError):
        own = frame is None or frame.name == getattr(answer, "__name__", None)
        name = "the function" if own else f"the function {frame.name}, which it calls,"
        return f"{name} is still blank."
    said = _said(error)
    if "ellipsis" in said:
        return f"your function stops{place}, for a value there is still the blank ...."
    text = f": {shorten(said)}" if said else ""
    return f"your function stops{place} with {type(error).__name__}{text}"


def _said(error):
    try:
        return str(error)
    except Exception:  # an error of the reader's whose text is wrong
        return ""


def _readers_frame(error):
    """The innermost frame of code that belongs to no library."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith(("<frozen", *_LIBRARIES)):
            return frame
    return None
