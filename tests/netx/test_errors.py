"""Files that are not what they should be: the error names the file, the group and the field."""

import h5py
import numpy as np
import pytest

from lava_ahp import netx
from lava_ahp.errors import FileFormatError
from lava_ahp.network import Connection, Layer, NetworkSpec
from lava_ahp.neuron import FixedAHPParameters


@pytest.fixture
def path(tmp_path):
    """A valid file: input, recurrent AHP layer, plain layer."""
    rng = np.random.default_rng(0)

    def connection(targets, sources, mode="split"):
        delay = rng.integers(0, 5, (targets, sources))
        return Connection(rng.integers(-9, 9, (targets, sources)), mode, delay)

    ahp = FixedAHPParameters(ahp_mant=9, da=5, bias_mant=np.array([1, 2, 3]))
    network = NetworkSpec(
        (
            Layer("a", 3, ahp, connection(3, 2), connection(3, 3)),
            Layer("b", 4, FixedAHPParameters(dv=9), connection(4, 3, "mixed")),
        )
    )
    netx.write(network, tmp_path / "some.net")
    netx.read(tmp_path / "some.net")
    return tmp_path / "some.net"


def put(name, value):
    def change(file):
        del file[name]
        file[name] = value

    return change


def remove(name):
    return lambda file: file.__delitem__(name)


def attribute(group, name, value):
    return lambda file: file[group].attrs.__setitem__(name, value)


def poke(name, value):
    def change(file):
        values = file[name][()].astype(float)
        values.flat[1] = value
        del file[name]
        file[name] = values

    return change


def promise(name, shape):
    """A dataset that says it has this shape, of which nothing has been written."""

    def change(file):
        del file[name]
        file.create_dataset(name, shape, np.int8, chunks=(1024, 1024))

    return change


CASES = [
    (
        promise("layer/1/weight", (10**6, 10**6)),
        "layer/1/weight",
        r"found 24,000.0 GB, expected at most the [\d.]+ GB of memory that are free",
    ),
    (put("layer/1/shape", [10**9, 10**9]), "layer/1/shape", "neurons: found .* GB, expected"),
    (put("layer/1/neuron/type", b"SDNN"), "layer/1/neuron/type", "found 'SDNN', expected 'CUBA'"),
    (put("layer/1/type", b"conv"), "layer/1/type", "found 'conv'"),
    (put("layer/2/type", b"input"), "layer/2/type", "expected it as layer/0 only"),
    (put("layer/1/type", 3), "layer/1/type", "expected a text"),
    (remove("layer"), "layer", "found nothing, expected a group"),
    (remove("layer/1"), "layer", r"found groups \['0', '2'\]"),
    (remove("layer/1/shape"), "layer/1/shape", "found nothing, expected a dataset"),
    (remove("layer/1/weight"), "layer/1/weight", "found nothing, expected a dataset"),
    (remove("layer/1/weight_rec"), "layer/1/weight_rec", "found nothing"),
    (remove("layer/1/neuron/type"), "layer/1/neuron/type", "found nothing"),
    (remove("layer/1/neuron/aDecay"), "layer/1/neuron/aDecay", "found nothing"),
    (remove("layer/1/neuron/aMant"), "layer/1/neuron/aMant", "found nothing"),
    (remove("layer/2/neuron/iDecay"), "layer/2/neuron/iDecay", "found nothing"),
    (put("layer/1/neuron", 1), "layer/1/neuron", "found a dataset, expected a group"),
    (put("layer/1/shape", [0]), "layer/1/shape", r"found \[0\], expected positive sizes"),
    (
        put("layer/1/weight", np.zeros((3, 5))),
        "layer/1/weight",
        r"found shape \(3, 5\), expected \(3, 2\)",
    ),
    (put("layer/1/weight_rec", np.zeros((2, 3))), "layer/1/weight_rec", r"found shape \(2, 3\)"),
    (
        put("layer/2/weight", np.zeros((4, 2))),
        "layer/2/weight",
        r"found shape \(4, 2\), expected \(4, 3\)",
    ),
    (put("layer/1/delay", np.zeros((5, 5))), "layer/1/delay", r"found shape \(5, 5\)"),
    (put("layer/1/neuron/vDecay", [1, 2]), "layer/1/neuron/vDecay", r"found shape \(2,\)"),
    (put("layer/1/bias", [1, 2]), "layer/1/bias", r"found shape \(2,\)"),
    (
        put("layer/1/neuron/vDecay", np.nan),
        "layer/1/neuron/vDecay",
        "found nan, expected an integer",
    ),
    (poke("layer/1/weight", np.nan), "layer/1/weight", r"found nan at \(0, 1\)"),
    (poke("layer/1/weight", np.inf), "layer/1/weight", r"found inf at \(0, 1\)"),
    (poke("layer/1/weight", 0.5), "layer/1/weight", r"found 0.5 at \(0, 1\), expected an integer"),
    (poke("layer/1/weight", 256), "layer/1/weight", r"found 256 at \(0, 1\), expected -255 to 255"),
    (
        poke("layer/2/weight", -257),
        "layer/2/weight",
        r"found -257 at \(0, 1\), expected -256 to 255",
    ),
    (
        poke("layer/1/delay", 63),
        "layer/1/delay|layer/1/weight",
        r"found 63 at \(0, 1\), expected 0 to 62",
    ),
    (poke("layer/1/bias", 5000), "layer/1/bias", "found 5000 at neuron 1"),
    (put("layer/1/neuron/vDecay", 4097), "layer/1/neuron/vDecay", "found 4097"),
    (put("layer/1/neuron/iDecay", 4097), "layer/1/neuron/iDecay", "found 4096"),
    (put("layer/1/neuron/aMant", 256), "layer/1/neuron/aMant", "found 256"),
    (put("layer/1/neuron/refDelay", 0), "layer/1/neuron/refDelay", "found -1"),
    (put("layer/1/neuron/vThMant", b"much"), "layer/1/neuron/vThMant", "expected integers"),
    (
        put("layer/1/neuron/gradedSpike", True),
        "layer/1/neuron/gradedSpike",
        "found True, expected False",
    ),
    (attribute("layer/1", "signMode", "both"), "layer/1/weight", "sign_mode: found 'both'"),
    (
        attribute("layer/1", "groupSizes", [1, 2]),
        "layer/1/@groupSizes",
        "found 2 sizes, expected 1",
    ),
    (
        attribute("layer/1", "groupSizes", [2]),
        "layer/1",
        "groups: found 2 neurons in all, expected 3",
    ),
    (attribute("layer/1", "groupNames", "no json"), "layer/1/@groupNames", "expected JSON"),
    (attribute("/", "lavaAhpFormat", 99), "@lavaAhpFormat", "found 99, expected 1"),
    (attribute("/", "readout", "smell"), "layer", "readout: found 'smell'"),
    (attribute("/", "encoding", "[1]"), "@encoding", "expected a JSON dict"),
    (attribute("/", "classNames", '["x"]'), "layer", "class_names: found 1, expected 4"),
    (attribute("layer/2", "name", "a"), "layer", "expected no name twice"),
]


@pytest.mark.parametrize("change, where, problem", CASES, ids=range(len(CASES)))
def test_the_error_names_file_group_and_field(path, change, where, problem):
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(FileFormatError, match=problem) as caught:
        netx.read(path)
    assert caught.value.path == str(path)
    assert caught.value.where in where.split("|")
    assert str(caught.value).startswith(f"{path}: {caught.value.where}: ")


@pytest.mark.parametrize("size", [0, 10, 600, 0.5, 0.95])
def test_a_truncated_file_is_named(path, size):
    whole = path.read_bytes()
    path.write_bytes(whole[: size if isinstance(size, int) else int(size * len(whole))])
    with pytest.raises(FileFormatError, match="some.net"):
        netx.read(path)


def test_text_and_missing_files_are_named(tmp_path):
    (tmp_path / "a.net").write_text("not HDF5")
    with pytest.raises(FileFormatError, match="a.net: expected a whole HDF5 file"):
        netx.read(tmp_path / "a.net")
    with pytest.raises(FileFormatError, match="b.net: found no such file"):
        netx.read(tmp_path / "b.net")
    with pytest.raises(FileFormatError, match="found no such file, expected one or a shipped"):
        netx.load("nonsense")
