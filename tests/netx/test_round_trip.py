"""What is written is what is read, in every field."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_ahp import netx
from lava_ahp.errors import ParameterError
from lava_ahp.network import (
    Connection,
    Group,
    InputTransform,
    Layer,
    Metadata,
    NetworkSpec,
)
from lava_ahp.neuron import RANGES, VTH_NEVER, FixedAHPParameters


def random_neuron(rng, n):
    def value(low, high):
        return (
            rng.integers(low, high + 1, n)
            if rng.random() < 0.5
            else int(rng.integers(low, high + 1))
        )

    values = {name: value(*bounds) for name, bounds in RANGES.items()}
    if rng.random() < 0.4:
        values |= dict.fromkeys(("ahp_mant", "in_exp", "refractory_period"), 0) | {"bias_exp": 6}
    if rng.random() < 0.2:
        values["vth"] = VTH_NEVER
    return FixedAHPParameters(**values)


def random_connection(rng, targets, sources, sign_mode):
    low = -256 if sign_mode == "mixed" else -255
    delay = rng.integers(0, 63, (targets, sources)) if rng.random() < 0.5 else None
    return Connection(rng.integers(low, 256, (targets, sources)), sign_mode, delay)


def random_network(seed):
    rng = np.random.default_rng(seed)
    n_before = int(rng.integers(1, 5))
    layers = []
    for index in range(rng.integers(1, 4)):
        direct = index == 0 and rng.random() < 0.3
        n = n_before if direct else int(rng.integers(1, 6))
        mode = str(rng.choice(["mixed", "split"]))
        layers.append(
            Layer(
                name=f"layer {index} \N{GREEK SMALL LETTER TAU}",
                n_neurons=n,
                neuron=random_neuron(rng, n),
                inputs=None if direct else random_connection(rng, n, n_before, mode),
                recurrent=random_connection(rng, n, n, mode)
                if rng.random() < 0.5 and not direct
                else None,
                groups=(Group("a", 1), Group("b", n - 1)) if n > 1 else (),
            )
        )
        n_before = n
    return NetworkSpec(
        layers=tuple(layers),
        readout=str(rng.choice(["spikes", "voltage"])),
        input_transform=InputTransform(int(rng.integers(1, 99)), int(rng.integers(-9, 9)))
        if layers[0].inputs is None
        else None,
        graded_input=bool(rng.random() < 0.5),
        metadata=Metadata(
            task="digits",
            encoding={"n_channels": 3, "name": "\N{LATIN SMALL LETTER O WITH DIAERESIS}", "x": 0.1},
            class_names=tuple(f"class {i}" for i in range(n_before)),
            provenance={"seed": int(seed), "versions": {"numpy": "1"}},
        ),
    )


def assert_same(a, b, where="network"):
    if hasattr(a, "__dataclass_fields__"):
        assert type(a) is type(b), where
        for field in fields(a):
            assert_same(getattr(a, field.name), getattr(b, field.name), f"{where}.{field.name}")
    elif isinstance(a, tuple):
        assert len(a) == len(b), where
        for index, (x, y) in enumerate(zip(a, b)):
            assert_same(x, y, f"{where}[{index}]")
    else:
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b), where)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_network_survives_writing_and_reading(tmp_path_factory, seed):
    path = tmp_path_factory.mktemp("net") / "a.net"
    network = random_network(seed)
    netx.write(network, path)
    got = netx.read(path)
    for a, b in zip(network.layers, got.layers):
        # Exponents count only with a mantissa, and the decay of a current that stays 0 not
        # at all; a plain CUBA neuron has no place for them.
        before, after = a.neuron.coefficients(), b.neuron.coefficients()
        if not np.any(before.jump):
            before = before._replace(decay_a=after.decay_a)
        assert_same(tuple(before), tuple(after), f"coefficients of {a.name}")
        assert_same(a.inputs, b.inputs)
        assert_same(a.recurrent, b.recurrent)
        assert (a.name, a.groups) == (b.name, b.groups)
    assert_same(network.metadata, got.metadata)
    assert_same(network.input_transform, got.input_transform)
    assert (network.readout, network.graded_input) == (got.readout, got.graded_input)
    assert not got.staggered_reset


def test_what_a_file_cannot_hold_is_refused_and_leaves_no_file(tmp_path):
    loop, neuron = Connection(np.array([[1]])), FixedAHPParameters()
    direct = NetworkSpec((Layer("in", 1, neuron, None, loop),))
    two_modes = NetworkSpec((Layer("a", 1, neuron, Connection(np.array([[1]]), "split"), loop),))
    for network, message in ((direct, "recurrent connection"), (two_modes, "sign modes")):
        with pytest.raises(ParameterError, match=message):
            netx.write(network, tmp_path / "a.net")
    assert list(tmp_path.iterdir()) == []
