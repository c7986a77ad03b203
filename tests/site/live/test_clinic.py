"""The clinic: its curves are runs of the library, and only the right diagnosis is accepted."""

from pathlib import Path

import numpy as np
import pytest
from livefigures import KEYS, curve, digits, readouts, slider_values, sliders_follow_the_keys

from bookkit.clinic import ILLNESSES, charts

ROOT = Path(__file__).resolve().parents[3]
CHARTS = """async () => (await import("live/clinic")).CHARTS"""
BUTTONS = {
    "gradients kept": "Gradients never zeroed",
    "labels apart": "Labels shuffled apart",
    "rate too low": "Rate too low",
    "network dead": "Network dead",
    "schedule too short": "Schedule too short",
    "validation leaked": "Validation leaked",
}


def test_the_curves_are_runs_of_the_library(open_figure):
    stored = open_figure("clinic").evaluate(CHARTS)
    assert [chart["illness"] for chart in stored] == ["healthy", *ILLNESSES]
    for ours, fresh in zip(stored, charts(), strict=True):
        for name in ("training", "validation", "tests"):
            np.testing.assert_allclose(
                ours[name], fresh[name], rtol=0.02, atol=1e-9, err_msg=f"{ours['illness']}: {name}"
            )


def table_of(stored, patient):
    columns = stored[patient]["tests"], stored[0]["tests"]
    return [[digits(value) for value in line] for line in zip(*columns, strict=True)]


@pytest.mark.parametrize(("book", "keys"), [("small", KEYS), ("whole", KEYS[:3])])
def test_every_patient_by_keyboard(open_figure, book, keys):
    page = open_figure("clinic", book)
    stored = page.evaluate(CHARTS)
    assert page.figure.locator("input").count() == 1
    for _ in sliders_follow_the_keys(page, keys):
        (patient,) = slider_values(page)
        assert readouts(page) == table_of(stored, int(patient))
        for name, line in (("training", "blue"), ("validation", "vermilion")):
            across, up = curve(page, 0, line)
            losses = np.array(stored[int(patient)][name])
            np.testing.assert_allclose(across * 24, np.arange(1, len(losses) + 1), atol=0.02)
            np.testing.assert_allclose(up * 3.6 - 2, np.log10(losses), atol=0.02)
    assert page.faults == []


def test_only_the_right_illness_is_accepted_and_then_the_cure_is_drawn(open_figure):
    page = open_figure("clinic")
    sentence = page.figure.locator(".live-sentence")
    cured = page.figure.locator(".live-line.green")
    for patient, illness in enumerate(ILLNESSES, start=1):
        assert slider_values(page) == [patient]
        assert "Which illness" in sentence.inner_text()
        for said, name in BUTTONS.items():
            answer = page.figure.get_by_role("button", name=name, exact=True)
            answer.press("Enter")
            right = said == illness
            assert sentence.inner_text().startswith("Yes" if right else "Not that")
            assert cured.count() == right
            assert answer.get_attribute("aria-pressed") == "true"
        page.figure.get_by_role("button", name="Next patient").press("Space")
    assert slider_values(page) == [1]


def test_start_again_returns_to_the_first_patient(open_figure):
    page = open_figure("clinic")
    page.figure.locator("input").press("End")
    page.figure.get_by_role("button", name="Network dead").press("Enter")
    page.figure.get_by_role("button", name="Start again").press("Enter")
    assert slider_values(page) == [1]
    assert page.figure.locator("[aria-pressed=true]").count() == 0


def test_a_verdict_is_spoken(open_figure, spoken):
    assert "Patient 2" in spoken(open_figure("clinic"))


def test_the_patients_stand_in_the_same_order_as_in_the_chapter():
    text = (ROOT / "chapters/cnn-training/training.md").read_text(encoding="utf-8")
    table = [line.split("|") for line in text.splitlines() if line.startswith("| ")]
    told = [cells[2].strip() for cells in table if cells[1].strip().isdigit()]
    assert [name.replace("never zeroed", "kept") for name in told] == ILLNESSES
