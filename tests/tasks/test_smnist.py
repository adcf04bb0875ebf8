"""Sequential MNIST: images are found and read in every form, split once and for all, and errors name the file."""

import gzip
import os
import struct

import numpy as np
import pytest

from lava_ahp.errors import FileFormatError, ParameterError
from lava_ahp.tasks import mnist, smnist


def images_and_labels(n, seed=0):
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (n, 28, 28), dtype=np.uint8)
    return images, random.integers(0, 10, n, dtype=np.uint8)


def write_idx(folder, part, images, labels, zipped=False):
    for kind, array, magic in (("images-idx3", images, 0x803), ("labels-idx1", labels, 0x801)):
        content = struct.pack(f">I{array.ndim}I", magic, *array.shape) + array.tobytes()
        path = folder / f"{part}-{kind}-ubyte{'.gz' if zipped else ''}"
        path.write_bytes(gzip.compress(content) if zipped else content)
    return folder / f"{part}-images-idx3-ubyte{'.gz' if zipped else ''}"


def test_npz_and_idx_files_give_the_same_images_named_or_in_a_folder(tmp_path):
    images, labels = images_and_labels(7)
    plain, zipped, npz = (tmp_path / name for name in ("plain", "zipped", "npz"))
    for folder in (plain, zipped, npz):
        folder.mkdir()
    files = [write_idx(plain, "t10k", images, labels), write_idx(zipped, "t10k", images, labels, True)]
    np.savez(npz / "mnist_test.npz", images=images, labels=labels)
    for data in (*files, npz / "mnist_test.npz", plain, zipped, npz):
        samples = smnist.load("test", data)
        np.testing.assert_array_equal(samples.images, images)
        np.testing.assert_array_equal(samples.labels, labels)
    assert samples.spikes[:2].shape == (2, 840, 80)


def test_training_images_are_split_without_overlap_and_a_named_file_is_the_test_whole(tmp_path):
    images, labels = images_and_labels(smnist.N_VALIDATION + 12)
    images[:, 0, 0], images[:, 0, 1] = np.divmod(np.arange(len(images)), 256)
    np.savez(tmp_path / "mnist_train.npz", images=images, labels=labels)
    index = {}
    for split in ("train", "validation"):
        found = smnist.load(split, tmp_path).images.astype(int)
        index[split] = 256 * found[:, 0, 0] + found[:, 0, 1]
    assert len(index["validation"]) == 5000 and len(index["train"]) == 12
    assert sorted([*index["train"], *index["validation"]]) == list(range(len(images)))
    assert len(smnist.load("test", tmp_path / "mnist_train.npz")) == len(images)


@pytest.mark.parametrize("axis", [0, 1])
def test_pixels_of_augmented_images_come_from_a_plane_over_the_image(axis):
    place = np.indices((28, 28))[axis].astype(np.uint8) + 1  # 0 is outside
    moved = smnist.augment(np.tile(place, (50, 1, 1)), np.random.default_rng(0))
    along, across = np.indices((28, 28))[[axis, 1 - axis]] - 13.5
    planes = []
    for image in moved:
        inside = image > 0
        assert inside.mean() > 0.6
        source = image[inside] - 1 - 13.5
        terms = np.stack([along[inside], across[inside], np.ones(len(source))], axis=1)
        plane, *_ = np.linalg.lstsq(terms, source, rcond=None)
        assert np.abs(terms @ plane - source).max() < 1  # to the nearest pixel, up to the fit
        planes.append(plane)
    largest = np.abs(np.array(planes) - [1, 0, 0]).max(0)
    assert np.all(largest < [0.11, 0.16, 1.55]) and np.all(largest > [0.08, 0.12, 1.2])


def test_augmented_images_have_grey_levels_of_their_images_only():
    images = np.random.default_rng(1).integers(0, 5, (20, 28, 28)).astype(np.uint8) * 50
    moved = smnist.augment(images, np.random.default_rng(0))
    assert moved.dtype == np.uint8 and set(np.unique(moved)) == {0, 50, 100, 150, 200}


@pytest.mark.parametrize(
    "damage, where",
    [
        (lambda c: c[:-1], "data"),
        (lambda c: b"\0\0\x08\x01" + c[4:], "magic"),
        (lambda c: c[:6], "data"),
    ],
)
def test_a_damaged_idx_file_is_named_with_what_is_wrong(tmp_path, damage, where):
    path = write_idx(tmp_path, "t10k", *images_and_labels(3))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FileFormatError, match=f"t10k-images.*{where}: found"):
        mnist.load("test", path)


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"images": np.zeros((2, 28, 28), np.uint8)}, "labels: found no such array"),
        ({"images": np.zeros((2, 28, 27), np.uint8), "labels": np.zeros(2, int)}, "images: found"),
        ({"images": np.zeros((2, 28, 28), np.uint8), "labels": np.zeros(3, int)}, "labels: found"),
        ({"images": np.zeros((2, 28, 28), np.uint8), "labels": np.array([1, 10])}, "expected 0 to 9"),
    ],
)
def test_a_wrong_npz_file_is_refused_by_field(tmp_path, arrays, message):
    np.savez(tmp_path / "some.npz", **arrays)
    with pytest.raises(FileFormatError, match=message):
        mnist.load("test", tmp_path / "some.npz")


def test_data_that_are_not_there_are_one_clear_error(tmp_path):
    with pytest.raises(FileFormatError, match="nowhere: found no such file or folder"):
        smnist.load("test", tmp_path / "nowhere")
    with pytest.raises(FileFormatError, match="found no images, expected mnist_test.npz"):
        smnist.load("test", tmp_path)
    (tmp_path / "broken.npz").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(FileFormatError, match="broken.npz: expected an npz file"):
        smnist.load("test", tmp_path / "broken.npz")
    with pytest.raises(ParameterError, match="split: found 'all'"):
        smnist.load("all", tmp_path)


@pytest.mark.skipif("LAVA_AHP_DATA" not in os.environ, reason="needs MNIST in LAVA_AHP_DATA")
def test_the_training_images_are_the_canonical_ones_and_encode_as_published():
    images, labels = mnist.load("train")
    assert images.shape == (60000, 28, 28)
    assert labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    spikes = smnist.load("validation").spikes[:5]
    assert spikes[:, :, :2].sum() == 0
    assert (spikes[:, 784:, 79] == 1).all() and (spikes[:, :784, 79] == 0).all()
    # every rise is followed by a fall: a row of pixels begins and ends dark
    assert (spikes[:, :, 2:78:2].sum((1, 2)) == spikes[:, :, 3:79:2].sum((1, 2))).all()
