"""The LSTM that networks are compared with is an LSTM, and is charged for what it does."""

import numpy as np
import pytest

from lava_ahp.errors import ParameterError
from lava_ahp.hardware import lstm


def test_it_computes_what_an_lstm_computes():
    torch = pytest.importorskip("torch")
    ours = lstm.LSTM(3, 5, seed=1)
    theirs = torch.nn.LSTM(3, 5, batch_first=True)
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(torch.from_numpy(ours.weight_ih))
        theirs.weight_hh_l0.copy_(torch.from_numpy(ours.weight_hh))
        theirs.bias_ih_l0.copy_(torch.from_numpy(ours.bias))
        theirs.bias_hh_l0.zero_()
    x = np.random.default_rng(0).random((2, 9, 3), np.float32)
    with torch.no_grad():
        _, (hidden, _) = theirs(torch.from_numpy(x))
    assert np.allclose(ours(x), hidden[0].numpy(), atol=1e-6)


def test_operations_are_counted_by_hand():
    # Four gates, each of 128 units from 1 input and 128 units; three elementwise products.
    cost = lstm.measure(n_steps=10)
    assert cost.macs == 10 * (4 * 128 * (1 + 128) + 3 * 128)
    assert cost.parameter_bytes == 4 * 4 * 128 * (1 + 128 + 1)


@pytest.fixture
def no_counter(monkeypatch, tmp_path):
    monkeypatch.setattr(lstm, "RAPL", tmp_path)
    return tmp_path


def test_without_a_counter_energy_is_time_times_a_stated_power(no_counter):
    cost = lstm.measure(n_steps=5, batch=4, watts=20)
    assert cost.joules == pytest.approx(cost.seconds * 20 / 4)
    assert cost.joules_low < cost.joules < cost.joules_high
    assert cost.edp_Js == pytest.approx(cost.joules * cost.seconds)
    assert "20 W" in cost.basis


def test_counters_of_packages_are_read_and_those_of_their_parts_left_out(no_counter):
    for name, value in (("intel-rapl:0", 7_000_000), ("intel-rapl:1", 500_000), ("intel-rapl:0:0", 9)):
        (no_counter / name).mkdir()
        (no_counter / name / "energy_uj").write_text(f"{value}\n")
    assert lstm._package_joules() == 7.5


def test_a_counter_that_cannot_be_read_is_none(no_counter):
    (no_counter / "intel-rapl:0" / "energy_uj").mkdir(parents=True)
    assert lstm._package_joules() is None


@pytest.mark.parametrize("wrong", [{"n_steps": 0}, {"batch": -1}, {"watts": 0}, {"watts": np.nan}])
def test_values_that_are_none_are_refused(wrong):
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        lstm.measure(**{"n_steps": 3, **wrong})
