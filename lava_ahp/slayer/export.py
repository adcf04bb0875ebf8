"""From trained blocks to a network and its file."""

from lava_ahp.netx.writer import write
from lava_ahp.network import Metadata, NetworkSpec
from lava_ahp.slayer.block.ahp import Input, Output


def to_network(blocks, metadata=None):
    """The network that a chain of blocks computes.

    Parameters
    ----------
    blocks : iterable of blocks of :mod:`lava_ahp.slayer.block.ahp`
        From input to output. An `Output` block at the end makes a voltage readout.
    metadata : Metadata, optional

    Returns
    -------
    NetworkSpec
    """
    blocks = list(blocks)
    layers, transform = [], None
    for index, block in enumerate(blocks):
        if not hasattr(block, "to_layer"):
            continue
        layer = block.to_layer(str(index))
        if layer is not None:
            layers.append(layer)
        if isinstance(block, Input) and layer is not None:
            transform = block.transform()
    return NetworkSpec(
        layers=tuple(layers),
        readout="voltage" if isinstance(blocks[-1], Output) else "spikes",
        input_transform=transform,
        metadata=metadata or Metadata(),
    )


def export_hdf5(blocks, path, metadata=None):
    """Write the network that a chain of blocks computes to a netx file.

    Parameters
    ----------
    blocks, metadata
        As in :func:`to_network`.
    path : str or Path
        Written whole or not at all.
    """
    write(to_network(blocks, metadata), path)
