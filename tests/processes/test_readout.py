"""The Readout Process: an ordinary neuron with the highest threshold that gives its voltage."""

import numpy as np
import pytest

pytest.importorskip("lava.magma")

from lava.proc.lif.process import LIF  # noqa: E402
from lava_runs import feed, record  # noqa: E402
from reference import naive_neuron  # noqa: E402

from lava_ahp.errors import ParameterError  # noqa: E402
from lava_ahp.neuron import RANGES, VTH_MAX  # noqa: E402
from lava_ahp.processes import Readout  # noqa: E402


def test_its_voltage_equals_a_naive_derivation_beyond_the_threshold_too():
    rng = np.random.default_rng(0)
    n = 6
    x = rng.integers(-3000, 9000, (60, n))
    parameters = {
        "du": np.array([4095, 3000, 4095, -1, 0, 2000]),
        "dv": np.array([0, 5, 204, 0, 4096, 20]),
        "in_exp": np.array([0, 2, -3, 0, 1, 0]),
        "bias_mant": np.array([0, 5, -900, 0, 1, 4095]),
        "bias_exp": np.array([0, 7, 3, 0, -2, 6]),
    }
    readout = Readout(shape=(n,), **parameters)
    feed(x, readout)
    got = record({"v": readout.v, "v_out": readout.v_out, "s": readout.s_out}, 60)
    full = {name: np.zeros(n, int) for name in RANGES} | parameters | {"vth": np.full(n, VTH_MAX)}
    for i in range(n):
        trace = naive_neuron(x[:, i], {k: v[i] for k, v in full.items()})
        assert got["v_out"][:, i].tolist() == trace.v
        assert got["s"][:, i].tolist() == trace.s
    np.testing.assert_array_equal(got["v"], got["v_out"])
    assert got["s"].any()


def test_its_reset_drops_what_arrives_and_starts_from_zero():
    readout = Readout(shape=(1,), du=4095, dv=0, reset_interval=3, reset_offset=1)
    feed(np.arange(1, 7).reshape(6, 1), readout)
    got = record({"v": readout.v_out}, 6)["v"]
    assert got[:, 0].tolist() == [0, 2 * 64, 5 * 64, 0, 5 * 64, 11 * 64]


def test_its_float_model_equals_lavas_float_lif():
    x = np.random.default_rng(1).integers(-5, 9, (30, 4))
    arguments = dict(shape=(4,), du=0.5, dv=0.01, vth=1e6, bias_mant=0.25)
    readout, lif = Readout(**arguments), LIF(**arguments)
    feed(x, readout, lif)
    got = record({"ours": readout.v_out, "lif": lif.v}, 30, select_tag="floating_pt")
    np.testing.assert_array_equal(got["ours"], got["lif"])


def test_a_voltage_is_sent_in_the_step_it_belongs_to():
    readout = Readout(shape=(1,), du=4095)
    feed(np.array([[7], [0], [0]]), readout)
    assert record({"v": readout.v_out}, 3)["v"][:, 0].tolist() == [448] * 3


def test_wrong_arguments_are_refused():
    with pytest.raises(ParameterError, match="vth: found 131072"):
        Readout(shape=(1,), vth=VTH_MAX + 1)
