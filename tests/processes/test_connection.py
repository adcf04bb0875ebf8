"""Weights and delays as Lava's connections carry them out."""

import numpy as np
import pytest

pytest.importorskip("lava.magma")

from lava.proc.dense.process import DelayDense, Dense  # noqa: E402
from lava_runs import feed, record  # noqa: E402

from lava_ahp.network import Connection, Layer, NetworkSpec  # noqa: E402
from lava_ahp.neuron import VTH_NEVER, FixedAHPParameters  # noqa: E402
from lava_ahp.processes import Network, SpikeSource  # noqa: E402
from lava_ahp.processes.connection.process import DelayDenseReset  # noqa: E402

CASES = {
    # What is stored, and what counts: derived by hand from 8 bits including the sign.
    "mixed, odd": ("mixed", [[3, -3], [7, 1], [-1, -255]], [[2, -4], [6, 0], [-2, -256]]),
    "mixed, ends": (
        "mixed",
        [[255, -256], [254, -255], [0, 128]],
        [[254, -256], [254, -256], [0, 128]],
    ),
    "mixed, positive": ("mixed", [[255, 1], [0, 3], [7, 2]], [[255, 1], [0, 3], [7, 2]]),
    "mixed, negative": (
        "mixed",
        [[-255, -1], [0, -3], [-256, -2]],
        [[-255, -1], [0, -3], [-255, -2]],
    ),
    "mixed, zero": ("mixed", [[0, 0], [0, 0]], [[0, 0], [0, 0]]),
    "split, odd": ("split", [[3, -3], [255, -255], [1, 0]], [[3, -3], [255, -255], [1, 0]]),
    "split, positive": ("split", [[3, 255]], [[3, 255]]),
    "split, negative": ("split", [[-3], [-255]], [[-3], [-255]]),
    "split, zero": ("split", [[0, 0]], [[0, 0]]),
}


@pytest.mark.parametrize(
    "case, delay",
    [(case, 0) for case in CASES] + [("mixed, odd", 2), ("mixed, negative", 2), ("split, odd", 2)],
)
def test_lava_counts_every_weight_as_the_spec_does(case, delay):
    sign_mode, weight, counted = CASES[case]
    weight = np.array(weight)
    n_targets, n_sources = weight.shape
    connection = Connection(weight, sign_mode, np.full(weight.shape, delay) if delay else None)
    np.testing.assert_array_equal(connection.effective_weight, counted)
    integrator = FixedAHPParameters(du=4095, dv=4096, vth=VTH_NEVER)
    network = Network(NetworkSpec((Layer("a", n_targets, integrator, connection),)))
    source = SpikeSource(
        shape=(n_sources,), samples=[np.eye(n_sources, dtype=int)], n_steps=n_sources
    )
    source.s_out.connect(network.inp)
    u = record({"u": network.layers[0].neuron.u}, n_sources + delay + 1)["u"]
    assert not u[: delay + 1].any()
    np.testing.assert_array_equal(u[delay + 1 :].T / 64, counted)


def network_of(sign_mode, weight, delay=None, **options):
    connection = Connection(np.array(weight), sign_mode, None if delay is None else np.array(delay))
    neuron = FixedAHPParameters(vth=100)
    return Network(NetworkSpec((Layer("a", len(weight), neuron, connection),)), **options).layers[0]


def test_stock_processes_are_used_and_empty_halves_left_out():
    layer = network_of("split", [[1, -1]])
    assert (type(layer.synapse), type(layer.synapse_inhibitory)) == (Dense, Dense)
    layer = network_of("split", [[0, -1]])
    assert (type(layer.synapse), layer.synapse_inhibitory) == (Dense, None)
    layer = network_of("mixed", [[1, -1]], [[1, 0]])
    assert (type(layer.synapse), layer.synapse_inhibitory) == (DelayDense, None)
    assert type(network_of("mixed", [[1, -1]], [[0, 0]], reset_interval=5).synapse) is Dense
    assert (
        type(network_of("mixed", [[1, -1]], [[1, 0]], reset_interval=5).synapse) is DelayDenseReset
    )


def test_a_reset_drops_what_is_on_its_way():
    weights, delays = np.array([[1, 2, 4]]), np.array([[0, 1, 3]])
    stock = DelayDense(weights=weights, delays=delays)
    ours = DelayDenseReset(weights=weights, delays=delays, reset_interval=4, reset_offset=1)
    x = np.ones((9, 3), int)
    x[4:] = 0
    feed(x, stock, ours)
    got = record({"stock": stock.a_out, "ours": ours.a_out}, 9)
    assert got["stock"][:, 0].tolist() == [0, 1, 3, 3, 7, 6, 4, 4, 0]
    assert got["ours"][:, 0].tolist() == [0, 1, 3, 3, 0, 0, 0, 0, 0]
