"""ProcessModel of a network in stock form: the Processes that it consists of."""

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_ahp.processes.stock.process import StockNetwork


@implements(proc=StockNetwork, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class StockNetworkModel(AbstractSubProcessModel):
    """The populations and connections that the network made."""

    def __init__(self, proc):
        pass
