"""What Lava runs on, as far as building a run depends on it: here, its simulator on the CPU.

:class:`lava_ahp.deploy.Loihi2` has the same methods for the chip.
"""

from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.monitor.process import Monitor


class Simulator:
    """Lava's bit-accurate simulator.

    Parameters
    ----------
    two_compartments : bool, optional
        Run each AHP neuron as two compartments, as on the chip.
    """

    def __init__(self, two_compartments=False):
        self.two_compartments = two_compartments

    def feed(self, port, network_port):
        """Connect a source's port to the network."""
        port.connect(network_port)

    def tap(self, network_port, port):
        """Connect a port of the network to that of a sink."""
        network_port.connect(port)

    def probe(self, target, n_steps):
        """Record a Var or an OutPort for `n_steps`; gives what :meth:`values` takes."""
        monitor = Monitor()
        monitor.probe(target, n_steps)
        return monitor

    def values(self, monitor):
        """What was recorded, shape (n_steps, *shape)."""
        ((values,),) = ([*by_name.values()] for by_name in monitor.get_data().values())
        return values

    def config(self):
        """The run configuration."""
        return Loihi2SimCfg(
            select_tag="fixed_pt", select_sub_proc_model=self.two_compartments
        )
