"""A whole network as one Lava Process that steps all of its neurons in one compiled call."""

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.variable import Var

from lava_ahp.engine.layout import lay_out
from lava_ahp.netx import load
from lava_ahp.processes.checks import CheckedProcess, check_reset


class CompiledNetwork(CheckedProcess):
    """Network that gives what :class:`lava_ahp.processes.Network` gives, in one Process.

    Lava starts an operating-system process for every Process and waits for all of them in
    every step. Here a network is one of them, whose ProcessModel is the engine's step. It
    runs under any run configuration and is bit-accurate under all of them.

    Parameters
    ----------
    net_config : str, Path or NetworkSpec
        A netx file, the name of a shipped network, or a network as plain data.
    reset_interval, reset_offset : int, optional
        As in :class:`lava_ahp.processes.Network`.
    name, log_config : optional
        As in Lava.

    Attributes
    ----------
    spec : NetworkSpec
        The network that runs.
    inp : InPort
        Spikes of the input channels.
    out : OutPort
        Spikes of the last layer or, where the readout is by voltage, its voltages.
    u, v, a, s, hold : Var, shape (n_neurons,)
        States of all neurons after the step, as in :class:`lava_ahp.processes.AHP`; `s`
        are the spikes of the step.
    neurons : dict of slice
        Where the neurons of each layer stand in these Vars, by its name.

    Raises
    ------
    ParameterError
        If an argument cannot be honoured.
    FileFormatError
        If the file is not a valid netx file.

    Examples
    --------
    >>> net = CompiledNetwork("digits", reset_interval=72)
    >>> net.inp.shape, net.out.shape, net.neurons["readout"].stop == net.v.shape[0]
    ((34,), (10,), True)
    """

    def __init__(
        self, net_config, reset_interval=None, reset_offset=0, name=None, log_config=None
    ):
        spec = load(net_config)
        check_reset(reset_interval, reset_offset)
        layout = lay_out(spec)
        super().__init__(
            layout=layout,
            reset_interval=reset_interval,
            reset_offset=reset_offset,
            name=name,
            log_config=log_config,
        )
        self.spec = spec
        self.neurons = layout.layers
        self.inp = InPort(shape=(spec.n_inputs,))
        self.out = OutPort(shape=(spec.n_outputs,))
        for state in ("u", "v", "a", "s", "hold"):
            setattr(self, state, Var(shape=(layout.n_neurons,), init=np.zeros(layout.n_neurons, int)))
