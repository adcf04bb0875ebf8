"""Writes networks to netx HDF5 files."""

import json

import h5py
import numpy as np

from lava_ahp.errors import ParameterError
from lava_ahp.files import written_whole
from lava_ahp.netx import schema


def write(network, path):
    """Write a network to a file, whole or not at all.

    A network of regular neurons without refractory period comes out as a plain netx
    file that lava-dl's `lava.lib.dl.netx.hdf5.Network` loads.

    Parameters
    ----------
    network : NetworkSpec
    path : str or Path

    Raises
    ------
    ParameterError
        If a netx file cannot hold the network.
    """
    with written_whole(path) as temporary:
        with h5py.File(temporary, "w") as file:
            write_attributes(file, network)
            layers = file.create_group("layer")
            first = network.layers[0]
            if first.inputs is None:
                write_layer(layers.create_group("0"), first, network.input_transform)
                rest = network.layers[1:]
            else:
                write_input(layers.create_group("0"), network.n_inputs)
                rest = network.layers
            for index, layer in enumerate(rest, start=1):
                write_layer(layers.create_group(str(index)), layer)


def write_attributes(file, network):
    """Write what concerns the network as a whole to the file's attributes."""
    file.attrs[schema.FORMAT_ATTRIBUTE] = schema.FORMAT_VERSION
    file.attrs["task"] = network.metadata.task
    file.attrs["encoding"] = json.dumps(network.metadata.encoding, sort_keys=True)
    file.attrs["classNames"] = json.dumps(network.metadata.class_names)
    file.attrs["provenance"] = json.dumps(network.metadata.provenance, sort_keys=True)
    file.attrs["readout"] = network.readout
    file.attrs["gradedInput"] = network.graded_input


def write_input(group, n_inputs):
    """Write an input layer without neurons."""
    _write_type(group, "input")
    group["shape"] = np.array([n_inputs])


def write_layer(group, layer, transform=None):
    """Write one layer.

    Parameters
    ----------
    group : h5py.Group
        Empty group to write to.
    layer : Layer
    transform : InputTransform, optional
        For a layer that takes the input of the network directly.
    """
    group.attrs["name"] = layer.name
    group.attrs["groupNames"] = json.dumps([g.name for g in layer.groups])
    group.attrs["groupSizes"] = [g.size for g in layer.groups]
    group["shape"] = np.array([layer.n_neurons])
    if layer.inputs is None:
        if layer.recurrent is not None:
            raise ParameterError(
                f"layer {layer.name!r}: found a recurrent connection, expected none: "
                f"a netx file has no place for it in a layer that takes its input directly"
            )
        _write_type(group, "input")
        if transform is not None:
            group["weight"] = transform.weight
            group["bias"] = transform.bias
    else:
        _write_type(group, "dense" if layer.recurrent is None else "dense_rec")
        group["inFeatures"] = layer.n_inputs
        group["outFeatures"] = layer.n_neurons
        modes = {c.sign_mode for c in layer.connections.values()}
        if len(modes) > 1:
            raise ParameterError(f"layer {layer.name!r}: found sign modes {modes}, expected one")
        group.attrs["signMode"] = modes.pop()
        for name, connection in layer.connections.items():
            group.create_dataset(name, data=connection.weight.astype(np.int16), compression="gzip")
            if connection.delay is not None:
                group[name.replace("weight", "delay")] = connection.delay.astype(np.uint8)
        if np.any(layer.neuron.bias_mant):
            group["bias"] = np.broadcast_to(layer.neuron.bias_mant, (layer.n_neurons,))
    _write_neuron(group.create_group("neuron"), layer)


def _write_neuron(group, layer):
    values = layer.neuron.arguments()
    names = dict(schema.CUBA_FIELDS)
    if is_stock(layer):
        group["type"] = schema.CUBA_TYPES[0]
    else:
        group["type"] = schema.AHP_TYPE
        names |= schema.AHP_FIELDS | schema.OPTIONAL_AHP_FIELDS
        if layer.inputs is None and np.any(values["bias_mant"]):
            group["biasMant"] = values["bias_mant"]
    for name, parameter in names.items():
        group[name] = np.asarray(values[parameter]) + schema.OFFSETS.get(name, 0)
    group["gradedSpike"] = False


def is_stock(layer):
    """Whether lava-dl's CUBA neuron expresses the layer's neurons."""
    neuron = layer.neuron
    biased = np.asarray(neuron.bias_mant) != 0
    return (
        not np.any(neuron.ahp_mant)
        and not np.any(neuron.in_exp)
        and not np.any(neuron.refractory_period)
        and not np.any(biased & (np.asarray(neuron.bias_exp) != schema.BIAS_EXP))
        and not (layer.inputs is None and np.any(biased))
    )


def _write_type(group, name):
    group.create_dataset("type", (1,), "S10", [name.encode("ascii")])
