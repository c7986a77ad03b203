"""The stored runs of chapter 17: all there, and made by the code that stands beside them."""

import numpy as np
import pytest

from bookkit import depth
from descent.layers import Conv2d, Linear, Residual


@pytest.mark.parametrize("name", depth.GRIDS)
def test_the_store_is_complete(name):
    found = depth.stored(name)
    lengths = tuple(map(len, depth.GRIDS[name].values()))
    assert found.shape == (*lengths, len(depth.SEEDS))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("design", ["plain from identity", "shortcuts"])
def test_a_stored_run_repeated(design):
    place = depth.DESIGNS.index(design), 0, 1, 2
    again = depth.last_loss(design, 10, depth.AXES["lr"][1], depth.SEEDS[2])
    assert again == pytest.approx(depth.stored()[place], abs=0.02)


@pytest.mark.parametrize("design", depth.DESIGNS)
def test_layers_with_weights(design):
    net = depth.network(design, 10, np.random.default_rng(0))
    weighted = [a for a in net.modules() if isinstance(a, (Conv2d, Linear))]
    projections = [a for a in weighted if isinstance(a, Conv2d) and a.kernel_size == (1, 1)]
    assert len(weighted) - len(projections) == 10
    assert len(projections) == (1 if design.startswith("shortcuts") else 0)


def test_scale_of_the_shortcuts():
    net = depth.network("shortcuts, scaled", 10, np.random.default_rng(0))
    assert {a.scale for a in net.modules() if isinstance(a, Residual)} == {0.5}


def test_near_the_identity():
    rng = np.random.default_rng(0)
    net = depth.network("plain from identity", 20, rng)
    middle = np.mean([a.weight.data[range(8), range(8), 1, 1].mean() for a in net.layers[4:-3:2]])
    assert middle == pytest.approx(1, abs=0.05)
