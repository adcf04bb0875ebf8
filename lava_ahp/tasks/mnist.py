"""MNIST images from files that the user names, or downloaded once.

Read are npz files with `images` and `labels`, and the four idx files of the original
distribution, gzipped or not.

References
----------
LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
recognition", Proceedings of the IEEE 86(11), 1998.
"""

import gzip
import os
import struct
import zipfile
from pathlib import Path

import numpy as np

from lava_ahp.errors import FileFormatError, LavaAHPError

DATA_VARIABLE = "LAVA_AHP_DATA"
"""Environment variable with the folder that is searched where no data are named."""

SIDE = 28
"""Height and width of an image in pixels."""

PARTS = {"train": ("mnist_train", "train"), "test": ("mnist_test", "t10k")}
"""Names of the npz file and of the idx files of each part."""

_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_MD5 = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
_IDX_IMAGES, _IDX_LABELS = 0x0803, 0x0801


def load(part, data=None):
    """Images and labels.

    Parameters
    ----------
    part : {"train", "test"}
        Which files of a folder are meant. A file that is named itself is read whatever
        the part.
    data : str or Path, optional
        An npz file; an idx file of images, with its labels beside it; or a folder with
        either. By default the folder that the environment variable LAVA_AHP_DATA names
        or, where that has no such file, a download.

    Returns
    -------
    images : ndarray of uint8, shape (n, 28, 28)
    labels : ndarray of uint8, shape (n,)

    Raises
    ------
    FileFormatError
        If there is no such file or it is damaged.
    LavaAHPError
        If the data are to be downloaded and cannot be.
    """
    path = _find(part, data)
    images, labels = _read_npz(path) if path.suffix == ".npz" else _read_idx_pair(path)
    if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE):
        raise FileFormatError(
            path,
            "images",
            f"found {images.dtype} of shape {images.shape}, expected uint8 of shape (n, 28, 28)",
        )
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
        raise FileFormatError(
            path,
            "labels",
            f"found {labels.dtype} of shape {labels.shape}, expected {len(images)} integers",
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() <= 9:
        raise FileFormatError(
            path, "labels", f"found {labels.min()} to {labels.max()}, expected 0 to 9"
        )
    return images, labels.astype(np.uint8)


def _find(part, data):
    if data is None:
        folder = os.environ.get(DATA_VARIABLE)
        return (folder and _in_folder(part, Path(folder))) or _download(part)
    path = Path(data)
    if path.is_file():
        return path
    if not path.is_dir():
        raise FileFormatError(path, "", "found no such file or folder, expected MNIST images")
    found = _in_folder(part, path)
    if found is None:
        npz, idx = PARTS[part]
        raise FileFormatError(
            path, "", f"found no images, expected {npz}.npz or {idx}-images-idx3-ubyte(.gz)"
        )
    return found


def _in_folder(part, folder):
    npz, idx = PARTS[part]
    names = [f"{npz}.npz"]
    names += [f"{idx}-images{dot}idx3-ubyte{suffix}" for dot in "-." for suffix in ("", ".gz")]
    candidates = [folder / name for name in names if (folder / name).is_file()]
    if not candidates:
        # A folder with one npz file leaves no doubt about which is meant.
        others = sorted(folder.glob("*.npz"))
        return others[0] if len(others) == 1 and part == "test" else None
    return candidates[0]


def _download(part):
    import pooch

    names = [name for name in _MD5 if name.startswith(PARTS[part][1])]
    try:
        paths = [
            pooch.retrieve(
                _URL + name, f"md5:{_MD5[name]}", fname=name, path=pooch.os_cache("lava-ahp")
            )
            for name in names
        ]
    except Exception as error:  # whatever the network and its libraries raise
        raise LavaAHPError(
            f"data: found no MNIST images, expected --data FILE_OR_FOLDER, a folder in "
            f"{DATA_VARIABLE} or a network to download them from: {error}"
        ) from None
    return Path(paths[0])


def _read_npz(path):
    try:
        with np.load(path) as file:
            missing = [name for name in ("images", "labels") if name not in file]
            if not missing:
                return file["images"], file["labels"]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise FileFormatError(path, "", f"expected an npz file: {error}") from None
    raise FileFormatError(path, missing[0], "found no such array, expected images and labels")


def _read_idx_pair(path):
    if "images" not in path.name:
        raise FileFormatError(
            path, "", "expected an npz file, or an idx file with 'images' in its name"
        )
    name = path.name.replace("images", "labels").replace("idx3", "idx1")
    return _read_idx(path, _IDX_IMAGES, 3), _read_idx(path.with_name(name), _IDX_LABELS, 1)


def _read_idx(path, magic, n_dimensions):
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            content = file.read()
    except (OSError, EOFError) as error:
        raise FileFormatError(path, "", f"expected an idx file: {error}") from None
    header = 4 * (1 + n_dimensions)
    found = struct.unpack(f">{1 + n_dimensions}I", content[:header].ljust(header, b"\0"))
    if found[0] != magic:
        raise FileFormatError(path, "magic", f"found {found[0]:#06x}, expected {magic:#06x}")
    if len(content) - header != int(np.prod(found[1:])):
        raise FileFormatError(
            path,
            "data",
            f"found {len(content) - header} bytes, expected {int(np.prod(found[1:]))}",
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(found[1:])
