"""The random generators inside a network."""

import numpy as np


def generators(net):
    """The generators that layers hold, by names such as "1.rng"."""
    return {
        f"{place}.{name}" if place else name: value
        for place, layer in net.named_modules()
        for name, value in vars(layer).items()
        if isinstance(value, np.random.Generator)
    }


def generator_states(net):
    """Their states, by the same names."""
    return {name: rng.bit_generator.state for name, rng in generators(net).items()}


def restore_generators(net, states):
    """Put back what `generator_states` gave."""
    own = generators(net)
    if own.keys() != states.keys():
        raise ValueError(f"its layers have the generators {list(states)}, expected {list(own)}")
    for name, rng in own.items():
        rng.bit_generator.state = states[name]
