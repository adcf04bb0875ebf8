"""SpikeSource and SampleSink: samples stream in one at a time and results per sample out."""

import multiprocessing
import weakref

import numpy as np
import pytest

pytest.importorskip("lava.magma")

from lava.magma.core.run_conditions import RunSteps  # noqa: E402
from lava.magma.core.run_configs import Loihi2SimCfg  # noqa: E402
from lava_runs import record  # noqa: E402

from lava_ahp.errors import ParameterError  # noqa: E402
from lava_ahp.processes import SampleSink, SpikeSource  # noqa: E402


class Encoder:
    """Samples made on demand; logs, across processes, which and how many are alive."""

    def __init__(self, n):
        self.n = n
        self.order = multiprocessing.Array("i", 20)
        self.n_taken = multiprocessing.Value("i", 0)
        self.most_alive = multiprocessing.Value("i", 0)
        self.alive = []

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        sample = np.full((4, 2), index + 1, dtype=np.int32)
        self.alive.append(weakref.ref(sample))
        self.order[self.n_taken.value] = index
        self.n_taken.value += 1
        alive = sum(ref() is not None for ref in self.alive)
        self.most_alive.value = max(self.most_alive.value, alive)
        return sample


def run(process, n_steps, **options):
    process.run(condition=RunSteps(n_steps), run_cfg=Loihi2SimCfg(**options))


def test_samples_are_encoded_one_at_a_time_when_their_turn_comes():
    samples = Encoder(3)
    source = SpikeSource(shape=(2,), samples=samples, n_steps=4)
    sink = SampleSink(shape=(2,), n_samples=3, n_steps=4)
    source.s_out.connect(sink.a_in)
    try:
        assert samples.n_taken.value == 0
        run(source, 5)
        assert samples.order[: samples.n_taken.value] == [0, 1]
        source.run(condition=RunSteps(10))
        assert samples.order[: samples.n_taken.value] == [0, 1, 2]
        assert samples.most_alive.value == 1
    finally:
        source.stop()


def test_graded_integers_come_out_as_they_are_and_silence_follows():
    x = np.array([[[1, -5], [2**30, 0]], [[7, 8], [9, -(2**31)]]])
    source = SpikeSource(shape=(2,), samples=x, n_steps=2)
    got = record({"s": source.s_out}, 6)["s"]
    np.testing.assert_array_equal(got, [*x.reshape(4, 2), [0, 0], [0, 0]])


@pytest.mark.parametrize("tag", [None, "fixed_pt", "floating_pt", "bit_accurate_loihi"])
def test_sinks_keep_the_last_value_or_the_sum_under_any_tag(tag):
    x = np.random.default_rng(0).integers(-9, 9, (3, 5, 2, 2))
    source = SpikeSource(shape=(2, 2), samples=x, n_steps=5)
    last = SampleSink(shape=(2, 2), n_samples=3, n_steps=5)
    total = SampleSink(shape=(2, 2), n_samples=2, n_steps=5, reduce="sum")
    source.s_out.connect(last.a_in)
    source.s_out.connect(total.a_in)
    try:
        run(source, 15, select_tag=tag)
        np.testing.assert_array_equal(last.data.get(), x[:, -1])
        np.testing.assert_array_equal(total.data.get(), x[:2].sum(axis=1))
    finally:
        source.stop()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: SpikeSource(shape=(2,), samples=3, n_steps=4), "samples: found int"),
        (lambda: SpikeSource(shape=(2,), samples=[], n_steps=0), "n_steps: found 0"),
        (lambda: SampleSink(shape=(2,), n_samples=0, n_steps=4), "n_samples: found 0"),
        (lambda: SampleSink(shape=(2,), n_samples=1, n_steps=1.5), "n_steps: found 1.5"),
        (
            lambda: SampleSink(shape=(2,), n_samples=1, n_steps=1, reduce="max"),
            "reduce: found 'max'",
        ),
        (lambda: SampleSink(shape=(), n_samples=1, n_steps=1), "shape: found"),
    ],
    ids=range(6),
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ParameterError, match=message):
        make()
