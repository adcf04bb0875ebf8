"""From trained blocks to a network and its file."""

import torch

from lava_ahp.errors import ParameterError
from lava_ahp.netx.writer import write
from lava_ahp.network import Metadata, NetworkSpec
from lava_ahp.slayer.block.ahp import Dense, Flatten, Input, Output, Recurrent


def to_network(blocks, metadata=None):
    """The network that a chain of blocks computes.

    Parameters
    ----------
    blocks : iterable of blocks of :mod:`lava_ahp.slayer.block.ahp`
        From input to output. An `Output` block at the end makes a voltage readout. Without an
        `Input` block at the beginning the network's input acts one step later than the blocks'.
    metadata : Metadata, optional

    Returns
    -------
    NetworkSpec

    Raises
    ------
    ParameterError
        If a block is none of ours, or sends its spikes within the step.
    """
    blocks = [block for block in blocks if not isinstance(block, (Flatten, torch.nn.Identity))]
    layers, transform = [], None
    for index, block in enumerate(blocks):
        if not isinstance(block, (Input, Dense, Recurrent)):
            raise ParameterError(
                f"blocks: found a {type(block).__name__}, expected blocks of lava_ahp.slayer.block.ahp"
            )
        if not block.delay_shift and block is not blocks[-1]:
            raise ParameterError(
                f"delay_shift: found False in {type(block).__name__} {index}, expected True: "
                f"spikes take a step to the next layer"
            )
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
