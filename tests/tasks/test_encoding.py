"""The spike encoding, written a second time pixel by pixel from its description."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_ahp.errors import ParameterError
from lava_ahp.tasks import encoding
from lava_ahp.tasks.encoding import EncodedSamples, ThresholdCrossing


def literal(values, max_value, n, cue_steps):
    """Rao et al.'s encoding: `n` thresholds, 2 n channels, integers only."""
    thresholds = [i * max_value // (n - 1) for i in range(n)]
    spikes = np.zeros((len(values) + cue_steps, 2 * n), int)
    for t, value in enumerate(values):
        for k in range(1, n - 1):
            if t + 1 < len(values):
                following = values[t + 1]
                if value < thresholds[k] <= following:
                    spikes[t, 2 * k] = 1
                if following < thresholds[k] <= value:
                    spikes[t, 2 * k + 1] = 1
        if value == max_value:
            spikes[t, 2 * n - 2] = 1
    for t in range(len(values), len(values) + cue_steps):
        spikes[t, 2 * n - 1] = 1
    return spikes


def test_floor_of_linspace_is_the_integer_quotient_for_the_encodings_in_use():
    for max_value, n in ((255, 40), (16, 17)):
        quotients = [i * max_value // (n - 1) for i in range(n)]
        assert np.floor(np.linspace(0, max_value, n)).tolist() == quotients


# as a list of runs, so that equal neighbours come up, and the largest value
sequences = st.lists(st.one_of(st.integers(0, 255), st.sampled_from((0, 6, 7, 254, 255))), min_size=1)


@given(sequences)
def test_sequential_mnist_is_encoded_as_described(values):
    spikes = ThresholdCrossing().encode(np.array(values, np.uint8))
    assert np.array_equal(spikes, literal(values, 255, 40, 56))


@given(st.lists(st.integers(0, 16), min_size=1), st.integers(0, 9))
def test_digits_are_encoded_as_described(values, cue_steps):
    spikes = ThresholdCrossing(16, 17, cue_steps).encode(np.array(values))
    assert np.array_equal(spikes, literal(values, 16, 17, cue_steps))


def test_shape_of_sequential_mnist_is_840_steps_of_80_channels():
    coding = ThresholdCrossing()
    spikes = coding.encode(np.zeros((3, 784), np.uint8))
    assert spikes.shape == (3, 840, 80) and spikes.dtype == np.uint8
    assert coding.n_steps(784) == 840 and coding.n_channels == 80


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_channels_0_and_1_stay_silent_and_the_cue_comes_in_the_cue_only(seed):
    values = np.random.default_rng(seed).integers(0, 256, (2, 30))
    spikes = ThresholdCrossing().encode(values)
    assert not spikes[..., :2].any()
    assert not spikes[:, :30, 79].any() and spikes[:, 30:, 79].all()
    assert not spikes[:, 30:, :79].any()
    assert not spikes[:, 29, :78].any(), "the last value has no next one"


def test_a_batch_is_encoded_as_its_members_are():
    values = np.random.default_rng(0).integers(0, 17, (2, 3, 10))
    coding = ThresholdCrossing(16, 17, 2)
    whole = coding.encode(values)
    assert np.array_equal(whole[1, 2], coding.encode(values[1, 2]))


@pytest.mark.parametrize(
    "values, message",
    [
        ([0.5], "values: found type float64"),
        ([-1, 3], "values: found -1 to 3, expected 0 to 255"),
        ([256], "values: found 256 to 256"),
        (3, "values: found type int64 and shape"),
    ],
)
def test_values_that_are_no_pixels_are_refused(values, message):
    with pytest.raises(ParameterError, match=message):
        ThresholdCrossing().encode(np.array(values))


@pytest.mark.parametrize(
    "fields", [{"max_value": 0}, {"n_thresholds": 2}, {"cue_steps": -1}, {"cue_steps": 1.5}]
)
def test_an_encoding_that_cannot_be_is_refused(fields):
    with pytest.raises(ParameterError, match=f"{next(iter(fields))}: found"):
        ThresholdCrossing(**fields)


def test_an_encoding_comes_back_from_its_description():
    coding = ThresholdCrossing(16, 17, 8)
    assert encoding.from_dict(coding.to_dict()) == coding


@pytest.mark.parametrize(
    "description, message",
    [
        ({}, "encoding: found None"),
        ({"name": "poisson"}, "encoding: found 'poisson'"),
        ({"name": "threshold-crossing", "colour": 1}, r"encoding: found fields \['colour'\]"),
        ({"name": "threshold-crossing", "cue_steps": "8"}, "cue_steps: found '8'"),
    ],
)
def test_a_description_of_no_known_encoding_is_refused(description, message):
    with pytest.raises(ParameterError, match=message):
        encoding.from_dict(description)


def test_encoded_samples_are_a_sequence():
    values = np.random.default_rng(0).integers(0, 17, (5, 12))
    coding = ThresholdCrossing(16, 17, 3)
    samples = EncodedSamples(values, coding)
    assert len(samples) == 5
    assert (samples.n_steps, samples.n_channels) == (15, 34)
    assert samples[2].shape == (15, 34)
    assert np.array_equal(samples[1:3], coding.encode(values[1:3]))
    assert len(list(samples)) == 5
