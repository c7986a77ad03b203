"""One style for all figures, readable on white paper and on a dark page."""

import matplotlib as mpl
from cycler import cycler
from IPython import get_ipython
from matplotlib_inline.backend_inline import set_matplotlib_formats

# Okabe and Ito's colour-blind safe hues; of each the shade that stands out from white and from
# a dark page alike (contrast at least 3), and a line style of its own for print.
COLORS = {
    "blue": "#2f7ebd",
    "vermilion": "#d55e00",
    "green": "#0a8f6a",
    "purple": "#b7669b",
    "ochre": "#a37a00",
}
FOREGROUND = "#7a7a7a"
LINES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))]


def use_style():
    """Set the book's figure style for this notebook: SVG, transparent, without dates.

    Nothing of a reader's own settings remains, whether from a matplotlibrc or from MPLBACKEND.
    """
    shell = get_ipython()
    if hasattr(shell, "kernel"):
        shell.enable_matplotlib("inline")
    mpl.rcdefaults()
    set_matplotlib_formats("svg", metadata={"Date": None, "Creator": None})
    mpl.rcParams.update(
        {
            "axes.edgecolor": FOREGROUND,
            "axes.grid": False,
            "axes.labelcolor": FOREGROUND,
            "axes.labelsize": 11,
            "axes.linewidth": 0.8,
            "axes.prop_cycle": cycler(color=list(COLORS.values())) + cycler(linestyle=LINES),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "figure.facecolor": "none",
            "axes.facecolor": "none",
            "figure.figsize": (6.4, 3.4),
            "figure.constrained_layout.use": True,
            "image.cmap": "gray_r",
            "image.interpolation": "nearest",
            "legend.frameon": False,
            "legend.labelcolor": FOREGROUND,
            "lines.linewidth": 1.8,
            "savefig.facecolor": "none",
            "svg.fonttype": "none",
            "svg.hashsalt": "descent",
            "text.color": FOREGROUND,
            "xtick.color": FOREGROUND,
            "ytick.color": FOREGROUND,
        }
    )


def label_line(line, text, x, *, above=True, **options):
    """Write words beside a curve, in its color, so that nobody has to look into a legend.

    Parameters
    ----------
    line : matplotlib.lines.Line2D
        What `plot` returned, ``(line,) = axis.plot(…)``.
    text : str
    x : number
        Where on the curve, in the units of the axis; the nearest point of the curve is taken.
    above : bool
        Whether the words stand above the curve or below it.
    **options
        For `Axes.annotate`, such as ``ha="left"`` or ``xytext=(6, 0)`` in points.
    """
    xs, ys = line.get_xdata(), line.get_ydata()
    nearest = int(abs(xs - x).argmin())
    options = {
        "xytext": (0, 6 if above else -6),
        "ha": "center",
        "va": "bottom" if above else "top",
        **options,
    }
    return line.axes.annotate(
        text,
        (xs[nearest], ys[nearest]),
        textcoords="offset points",
        color=line.get_color(),
        **options,
    )
