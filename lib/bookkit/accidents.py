"""An accident on purpose: a run whose process dies, as when a machine is switched off."""

import os
from pathlib import Path


class DiesOnce:
    """A run that ends its process the first time that it is called with these options.

    Parameters
    ----------
    run : callable
        What it does otherwise.
    options : dict
        Those of the run that dies.
    mark : path
        A file that is made before the accident, so that there is only one.
    """

    def __init__(self, run, options, mark):
        self.run, self.options, self.mark = run, options, Path(mark)

    def __call__(self, **options):
        if self.options.items() <= options.items() and not self.mark.exists():
            self.mark.touch()
            os._exit(1)  # without a word, and without leave to clean up
        return self.run(**options)
