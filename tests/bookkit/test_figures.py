import io

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_rgb

from bookkit.figures import COLORS, FOREGROUND, label_line, use_style

WHITE, DARK = "#ffffff", "#131416"  # the site's two backgrounds


def luminance(color):
    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]


def contrast(a, b):
    lighter, darker = sorted((luminance(a), luminance(b)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_formula():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("color", [*COLORS.values()])
@pytest.mark.parametrize("background", [WHITE, DARK])
def test_lines_stand_out_on_paper_and_on_a_dark_page(color, background):
    assert contrast(color, background) >= 3


@pytest.mark.parametrize("background", [WHITE, DARK])
def test_text_stands_out_on_paper_and_on_a_dark_page(background):
    assert contrast(FOREGROUND, background) >= 4.2


def test_the_same_figure_is_the_same_file():
    def drawn():
        with plt.rc_context():
            use_style()
            figure, axis = plt.subplots()
            axis.plot([1, 2, 3])
            file = io.BytesIO()
            figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
            plt.close(figure)
            return file.getvalue()

    assert drawn() == drawn()


def test_lines_differ_without_color():
    with plt.rc_context():
        use_style()
        cycle = list(plt.rcParams["axes.prop_cycle"])
    assert len({str(entry["linestyle"]) for entry in cycle}) == len(cycle) == len(COLORS)


@pytest.mark.parametrize(("above", "side"), [(True, 1), (False, -1)])
def test_a_label_stands_beside_its_curve_in_its_color(above, side):
    figure, axis = plt.subplots()
    (line,) = axis.plot([0, 1, 2], [0, 10, 20], color=COLORS["green"])
    words = label_line(line, "twice ten", x=0.9, above=above)
    assert (words.get_text(), words.get_color()) == ("twice ten", COLORS["green"])
    assert words.xy == (1, 10)
    assert words.xyann[1] * side > 0
    plt.close(figure)
