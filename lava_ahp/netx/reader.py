"""Reads networks from netx HDF5 files; what is wrong is named by file, group and field."""

import json
import math
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from lava_ahp import netx_models
from lava_ahp.errors import FileFormatError, ParameterError
from lava_ahp.memory import check_memory
from lava_ahp.netx import schema
from lava_ahp.network import (
    Connection,
    Group,
    InputTransform,
    Layer,
    Metadata,
    NetworkSpec,
)
from lava_ahp.neuron import FixedAHPParameters, check_range

BYTES_PER_VALUE = 24
"""Memory that a value takes while it is read: in the file's type, as an integer, checked."""

BYTES_PER_NEURON = 256
"""Memory that a neuron takes: its parameters and its states."""


def load(network):
    """Read a shipped network by its name, or any network by the path of its file.

    Parameters
    ----------
    network : str, Path or NetworkSpec
        A name of :func:`lava_ahp.netx_models.names` or `parts`, such as `"digits"` or
        `"babi/sentence"`, or a path. A network that is read already is returned as it is.

    Returns
    -------
    NetworkSpec

    Raises
    ------
    FileFormatError
        If there is no such network, or the file is not a valid netx file.
    """
    return network if isinstance(network, NetworkSpec) else read(locate(network))


def locate(name_or_path):
    """Path of a shipped network, or the path itself."""
    if str(name_or_path) in (*netx_models.names(), *netx_models.parts()):
        return netx_models.path(str(name_or_path))
    path = Path(name_or_path)
    if not path.is_file():
        names = ", ".join(netx_models.names()) or "none"
        raise FileFormatError(
            path, "", f"found no such file, expected one or a shipped network ({names})"
        )
    return path


def read(path):
    """Read a network from a netx HDF5 file, ours or one that lava-dl exported.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    NetworkSpec

    Raises
    ------
    FileFormatError
        With the file, the group and the field that is missing, of another shape or
        type, not finite, no integer or out of range.
    """
    path = Path(path)
    if not path.is_file():
        raise FileFormatError(path, "", "found no such file")
    try:
        with h5py.File(path, "r") as file:
            return _read_network(_Node(path, file))
    except (OSError, RuntimeError) as error:
        raise FileFormatError(
            path, "", f"expected a whole HDF5 file, found one that cannot be read: {error}"
        ) from None


class _Node:
    """An HDF5 group that knows its file and raises errors which name a field."""

    def __init__(self, path, group):
        self.path = path
        self.group = group

    def error(self, name, problem):
        where = f"{self.group.name.rstrip('/')}/{name}".strip("/")
        return FileFormatError(self.path, where, problem)

    def __contains__(self, name):
        return name in self.group

    def child(self, name):
        if name not in self.group:
            raise self.error(name, "found nothing, expected a group")
        if not isinstance(self.group[name], h5py.Group):
            raise self.error(name, "found a dataset, expected a group")
        return _Node(self.path, self.group[name])

    def array(self, name):
        if name not in self.group:
            raise self.error(name, "found nothing, expected a dataset")
        if not isinstance(self.group[name], h5py.Dataset):
            raise self.error(name, "found a group, expected a dataset")
        with self.naming(name):
            check_memory("values", self.group[name].size * BYTES_PER_VALUE)
        try:
            return self.group[name][()]
        except (OSError, RuntimeError, TypeError, ValueError) as error:
            raise self.error(name, f"found data that cannot be read: {error}") from None

    def text(self, name):
        value = np.asarray(self.array(name)).reshape(-1)
        if value.size != 1 or not isinstance(value[0], (bytes, str)):
            raise self.error(name, f"found {value!r}, expected a text")
        return value[0].decode("ascii", "replace") if isinstance(value[0], bytes) else value[0]

    def integers(self, name):
        """Dataset as int64; floats are accepted where they hold integers."""
        value = np.asarray(self.array(name))
        if value.dtype.kind == "b":
            value = value.astype(np.int64)
        if value.dtype.kind not in "iuf":
            raise self.error(name, f"found type {value.dtype}, expected integers")
        if value.size == 0:
            raise self.error(name, f"found shape {value.shape}, expected at least one value")
        if value.dtype.kind == "f":
            bad = ~np.isfinite(value) | (value != np.rint(value)) | (np.abs(value) > 2**31)
            if bad.any():
                index = tuple(int(i) for i in np.argwhere(bad)[0])
                at = f" at {index}" if index else ""
                raise self.error(name, f"found {value[index]}{at}, expected an integer")
        return value.astype(np.int64)

    def scalar(self, name, default=None):
        if default is not None and name not in self:
            return default
        value = self.integers(name)
        if value.size != 1:
            raise self.error(name, f"found shape {value.shape}, expected one number")
        return int(value.reshape(-1)[0])

    def attribute(self, name, default):
        return self.group.attrs.get(name, default)

    def json_attribute(self, name, default, kind):
        text = self.attribute(name, None)
        if text is None:
            return default
        try:
            value = json.loads(text)
        except (TypeError, ValueError):
            raise self.error(f"@{name}", f"found {text!r}, expected JSON") from None
        if not isinstance(value, kind):
            raise self.error(f"@{name}", f"found {text!r}, expected a JSON {kind.__name__}")
        return value

    @contextmanager
    def naming(self, name=""):
        """Turn a ParameterError of the block into one that names this group."""
        try:
            yield
        except ParameterError as error:
            raise self.error(name, str(error)) from None


def _read_network(root):
    version = root.attribute(schema.FORMAT_ATTRIBUTE, None)
    if version is not None and version != schema.FORMAT_VERSION:
        raise root.error(
            f"@{schema.FORMAT_ATTRIBUTE}", f"found {version}, expected {schema.FORMAT_VERSION}"
        )
    nodes = _layer_nodes(root.child("layer"))
    layers, transform, n_before = [], None, None
    for index, node in enumerate(nodes):
        kind = node.text("type")
        if kind == "input":
            if index:
                raise node.error("type", "found 'input', expected it as layer/0 only")
            n_before = int(np.prod(_shape(node)))
            if "neuron" in node:
                layers.append(_read_direct(node, n_before))
                transform = InputTransform(node.scalar("weight", 64), node.scalar("bias", 0))
        elif kind == "flatten":
            if layers:
                raise node.error("type", "found 'flatten', expected it before all neurons only")
        elif kind in ("dense", "dense_rec"):
            layers.append(_read_dense(node, kind == "dense_rec", n_before, version is None))
            n_before = layers[-1].n_neurons
        else:
            raise node.error(
                "type", f"found {kind!r}, expected 'input', 'flatten', 'dense' or 'dense_rec'"
            )
    if not layers:
        raise root.error("layer", "found no layer with neurons, expected at least one")
    with root.naming("layer"):
        return NetworkSpec(
            layers=tuple(layers),
            readout=str(root.attribute("readout", "spikes")),
            input_transform=transform,
            graded_input=bool(root.attribute("gradedInput", False)),
            staggered_reset=version is None,
            metadata=Metadata(
                task=str(root.attribute("task", "")),
                encoding=root.json_attribute("encoding", {}, dict),
                class_names=tuple(map(str, root.json_attribute("classNames", [], list))),
                provenance=root.json_attribute("provenance", {}, dict),
            ),
        )


def _layer_nodes(parent):
    names = sorted(parent.group)
    expected = sorted(str(i) for i in range(len(names)))
    if not names:
        raise parent.error("", "found no layers, expected groups 0, 1, ..")
    if names != expected:
        raise parent.error("", f"found groups {names}, expected {expected}")
    return [parent.child(str(i)) for i in range(len(names))]


def _shape(node):
    shape = node.integers("shape")
    if shape.ndim > 1 or (shape < 1).any():
        raise node.error("shape", f"found {shape.tolist()}, expected positive sizes")
    with node.naming("shape"):
        check_memory("neurons", math.prod(shape.tolist()) * BYTES_PER_NEURON)
    return shape


def _read_direct(node, n):
    """An input layer with neurons, as lava-dl's Input block writes it with neuron_params."""
    neuron = node.child("neuron")
    values = _read_neuron(neuron, n)
    if "biasMant" in neuron:
        values["bias_mant"] = _per_neuron(neuron, "biasMant", n)
    return _layer(node, n, values, None, None)


def _read_dense(node, recurrent, n_before, stock):
    n = int(np.prod(_shape(node)))
    if "neuron" in node:
        values = _read_neuron(node.child("neuron"), n)
    else:
        values = dict(schema.INTEGRATOR)
    if "bias" in node:
        values["bias_mant"] = _per_neuron(node, "bias", n)
        values.setdefault("bias_exp", schema.BIAS_EXP)
        with node.naming("bias"):
            check_range("bias_mant", values["bias_mant"])
    inputs = _read_connection(node, "weight", "delay", n, n_before)
    loop = None
    if recurrent:
        if stock and "delay" in node and node.integers("delay").any():
            raise node.error(
                "delay",
                "found delays in a recurrent layer of lava-dl, expected none: "
                "its block delays the output, which netx cannot say",
            )
        loop = _read_connection(node, "weight_rec", "delay_rec", n, n)
    return _layer(node, n, values, inputs, loop)


def _layer(node, n, values, inputs, recurrent):
    index = node.group.name.rsplit("/", 1)[-1]
    names = node.json_attribute("groupNames", [], list)
    sizes = np.asarray(node.attribute("groupSizes", [])).reshape(-1)
    if len(names) != len(sizes):
        raise node.error(
            "@groupSizes", f"found {len(sizes)} sizes, expected {len(names)} as in groupNames"
        )
    with node.naming():
        return Layer(
            name=str(node.attribute("name", index)),
            n_neurons=n,
            neuron=FixedAHPParameters(**values),
            inputs=inputs,
            recurrent=recurrent,
            groups=tuple(Group(str(name), int(size)) for name, size in zip(names, sizes)),
        )


def _read_neuron(node, n):
    kind = node.text("type")
    if kind in schema.CUBA_TYPES:
        names = dict(schema.CUBA_FIELDS)
    elif kind == schema.AHP_TYPE:
        names = schema.CUBA_FIELDS | schema.AHP_FIELDS
        names |= {k: v for k, v in schema.OPTIONAL_AHP_FIELDS.items() if k in node}
    else:
        raise node.error("type", f"found {kind!r}, expected 'CUBA', 'LOIHI' or 'AHP'")
    if "gradedSpike" in node and node.integers("gradedSpike").any():
        raise node.error("gradedSpike", "found True, expected False: neurons send spikes of 1")
    if "weight_exp" in node and node.integers("weight_exp").any():
        raise node.error("weight_exp", "found a scaled weight norm, expected exponent 0")
    values = {}
    for name, parameter in names.items():
        value = _per_neuron(node, name, n) - schema.OFFSETS.get(name, 0)
        with node.naming(name):
            check_range(parameter, value)
        values[parameter] = value
    return {name: value.item() if value.ndim == 0 else value for name, value in values.items()}


def _per_neuron(node, name, n):
    value = node.integers(name)
    if value.size == 1:
        return value.reshape(())
    if value.shape != (n,):
        raise node.error(name, f"found shape {value.shape}, expected one number or ({n},)")
    return value


def _read_connection(node, name, delay_name, n, n_before):
    weight = node.integers(name)
    if weight.ndim == 1 and weight.size % n == 0:
        weight = weight.reshape(n, -1)
    expected = (n, n_before if n_before is not None else weight.shape[-1])
    if weight.shape != expected:
        raise node.error(name, f"found shape {weight.shape}, expected {expected}")
    sign_mode = str(node.attribute("signMode", "mixed"))
    delay = _read_delay(node, delay_name, weight.shape) if delay_name in node else None
    with node.naming(name):
        return Connection(weight, sign_mode, delay)


def _read_delay(node, name, shape):
    """Delays per synapse; one-dimensional ones are per target or else per source."""
    delay = node.integers(name)
    targets, sources = shape
    if delay.size == 1:
        return np.full(shape, delay.reshape(-1)[0])
    if delay.shape == (targets,):
        return np.repeat(delay.reshape(-1, 1), sources, axis=1)
    if delay.shape == (sources,):
        return np.repeat(delay.reshape(1, -1), targets, axis=0)
    if delay.shape == shape:
        return delay
    raise node.error(
        name, f"found shape {delay.shape}, expected one number, ({targets},), ({sources},) or {shape}"
    )
