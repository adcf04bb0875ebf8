"""ProcessModels of a network and its layers: the Processes that they consist of."""

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_ahp.processes.network.process import Layer, Network


@implements(proc=Layer, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class LayerModel(AbstractSubProcessModel):
    """The neurons and synapses that the Layer made."""

    def __init__(self, proc):
        pass


@implements(proc=Network, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class NetworkModel(AbstractSubProcessModel):
    """The layers that the Network made."""

    def __init__(self, proc):
        pass
