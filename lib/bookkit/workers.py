"""Where the runs of an experiment go: processes of this machine, or Dask's workers anywhere."""

from contextlib import contextmanager

MISSING = "Dask is missing: pip install -c requirements/lock.txt -e '.[scale]'"


def add_arguments(parser, count=1):
    """Give a program the options ``--workers N`` and ``--scheduler ADDRESS``, one or the other.

    `count` is how many processes there are if neither is given.
    """
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, default=count, help="processes of this machine")
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="of Dask, such as tcp://10.0.0.1:8786"
    )


@contextmanager
def workers(count=1, scheduler=None):
    """Give what `descent.experiments.grid` takes as its workers.

    Parameters
    ----------
    count : int ≥ 1
        Processes of this machine.
    scheduler : str or distributed.LocalCluster, optional
        A Dask scheduler to use instead. Its workers need this book installed, and one BLAS thread
        each. If one of them dies, Dask gives its run to another.

    Raises
    ------
    ModuleNotFoundError
        A scheduler is given, but Dask is not installed.
    OSError
        Nobody answers at that address.
    """
    if scheduler is None:
        yield count
        return
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(MISSING) from error
    with Client(scheduler) as client:
        yield client.get_executor()
