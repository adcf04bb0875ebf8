"""The digits task: splits that never change, and the spikes of known images."""

import hashlib

import numpy as np
import pytest
from sklearn.datasets import load_digits

from lava_ahp import tasks
from lava_ahp.errors import ParameterError
from lava_ahp.tasks import digits


@pytest.fixture(scope="module")
def splits():
    return digits.split_indices(load_digits().target)


def test_each_image_is_in_one_split(splits):
    everything = np.concatenate(list(splits.values()))
    assert sorted(everything.tolist()) == list(range(1797))


def test_splits_have_their_shares_of_every_digit(splits):
    labels = load_digits().target
    assert [len(splits[name]) for name in digits.SPLITS] == [1438, 180, 179]
    for digit in range(10):
        total = np.count_nonzero(labels == digit)
        for name, share in (("train", 0.8), ("validation", 0.1), ("test", 0.1)):
            count = np.count_nonzero(labels[splits[name]] == digit)
            assert abs(count - share * total) <= 1


def test_splits_are_the_same_for_ever(splits):
    """Networks are trained on one and judged on another: this may not move."""
    text = ",".join(str(i) for name in digits.SPLITS for i in splits[name])
    assert hashlib.sha256(text.encode()).hexdigest() == DIGEST


DIGEST = "0cf8524474d33698bf50d82d5e706a812017e444d581a872d7219fe309627710"


def test_samples_are_images_in_the_order_of_the_data(splits):
    samples = digits.load("test")
    data = load_digits()
    assert np.array_equal(samples.labels, data.target[splits["test"]])
    assert np.array_equal(samples.images, data.images[splits["test"]])
    assert (samples.images.dtype, samples.labels.dtype) == (np.uint8, np.int64)
    assert len(samples) == 179


def test_pixels_are_read_row_by_row():
    samples = digits.load("validation").first(3)
    assert len(samples) == 3
    expected = digits.default_encoding().encode(samples.images[1].ravel())
    assert np.array_equal(samples.spikes[1], expected)
    assert samples.spikes[0].shape == (72, 34)


def test_first_of_none_is_all_and_of_too_many_too():
    samples = digits.load("test")
    assert len(samples.first(None)) == len(samples.first(10**6)) == 179


def test_an_unknown_split_or_data_are_refused():
    with pytest.raises(ParameterError, match="split: found 'dev'"):
        digits.load("dev")
    with pytest.raises(ParameterError, match="data: found '/data'"):
        digits.load("test", data="/data")


def test_a_task_is_found_by_its_name():
    assert tasks.get("digits") is digits
    with pytest.raises(ParameterError, match="task: found 'chess', expected one of"):
        tasks.get("chess")


@pytest.mark.parametrize("name", sorted(tasks.TASKS))
def test_each_task_has_what_the_evaluation_asks_for(name):
    task = tasks.get(name)
    assert task.NAME == name
    assert "test" in task.SPLITS
    assert len(task.CLASS_NAMES) > 1
    assert task.default_encoding().n_channels > 0


def test_rows_of_augmented_images_are_rows_of_the_image_nearby():
    images = digits.load("train").first(20).images
    moved = digits.augment(images, np.random.default_rng(0))
    assert moved.shape == images.shape and moved.dtype == np.uint8
    assert not np.array_equal(moved, images)
    padded = np.pad(images, ((0, 0), (1, 1), (2, 2)))
    for image, frame in zip(moved, padded):
        fits = [
            all(
                any(np.array_equal(image[y], frame[y + dy, k : k + 8]) for k in range(5))
                for y in range(8)
            )
            for dy in range(3)
        ]
        assert any(fits)


def test_augmentation_adds_noise_of_the_size_asked_for_within_the_range():
    grey = np.full((400, 8, 8), 8, np.uint8)
    noisy = digits.augment(grey, np.random.default_rng(1), noise=2.0)[:, 3:5, 3:5]
    assert abs(noisy.std() - 2.0) < 0.15
    loud = digits.augment(grey, np.random.default_rng(1), noise=50.0)
    assert loud.min() == 0 and loud.max() == 16


def test_augmentation_leaves_the_empty_background_empty():
    blank = np.zeros((5, 8, 8), np.uint8)
    assert not digits.augment(blank, np.random.default_rng(2), noise=3.0).any()
