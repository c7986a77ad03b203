"""Whatever has load_state_dict: the state of something else is refused, and nothing is changed."""

import numpy as np
import pytest

from descent.layers import BatchNorm1d, Linear, Sequential
from descent.optimizers import (
    EMA,
    SAM,
    SGD,
    SWA,
    Adam,
    ExponentialLR,
    Lookahead,
    OneCycleLR,
    ReduceLROnPlateau,
    ScheduleFreeSGD,
    SequentialLR,
    Together,
)
from descent.regularization import EarlyStopping


def sgd(net):
    return SGD(net.parameters(), lr=0.1, momentum=0.9)


def sequence(net):
    optimizer = sgd(net)
    parts = [ExponentialLR(optimizer, 0.9), ExponentialLR(optimizer, 0.5)]
    return SequentialLR(optimizer, parts, [3])


MAKE = {
    "network": lambda net: net,
    "SGD": sgd,
    "Adam": lambda net: Adam(net.parameters(), lr=0.1),
    "ScheduleFreeSGD": lambda net: ScheduleFreeSGD(net.parameters()),
    "SAM": lambda net: SAM(Adam(net.parameters())),
    "Lookahead": lambda net: Lookahead(sgd(net)),
    "Together": lambda net: Together(sgd(net[0]), Adam(net[1].parameters())),
    "EMA": EMA,
    "SWA": SWA,
    "ExponentialLR": lambda net: ExponentialLR(sgd(net), 0.9),
    "OneCycleLR": lambda net: OneCycleLR(sgd(net), 1.0, total_steps=9),
    "SequentialLR": sequence,
    "ReduceLROnPlateau": lambda net: ReduceLROnPlateau(sgd(net)),
    "EarlyStopping": lambda net: EarlyStopping(2),
}
ALIKE = [
    {"EMA", "SWA"},  # an average goes on as one of the other kind
    {"SAM", "Adam"},
    {"ExponentialLR", "OneCycleLR"},  # rates of groups and a step
]


def made(name):
    rng = np.random.default_rng(0)
    return MAKE[name](Sequential(Linear(3, 3, rng=rng), BatchNorm1d(3)))


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("other", [*MAKE, None, "nothing", "a list", "an entry more"])
def test_a_state_of_something_else_is_refused(name, other):
    part = made(name)
    own = part.state_dict()
    if other in MAKE:
        state = made(other).state_dict()
    else:
        more = {**own, "more": 1}
        state = {None: None, "nothing": {}, "a list": [], "an entry more": more}[other]
    if name == other or {name, other} in ALIKE:
        part.load_state_dict(state)
        return
    with pytest.raises((ValueError, TypeError), match=r"^(state|saved)\b"):
        part.load_state_dict(state)
    assert repr(part.state_dict()) == repr(own)
