"""The readout: a population that integrates its input and gives its voltage."""

from lava.magma.core.process.ports.ports import OutPort

from lava_ahp.neuron import VTH_MAX
from lava_ahp.processes.population import AbstractPopulation


class Readout(AbstractPopulation):
    """Neurons that integrate; they send their voltage in every step.

    They are ordinary leaky integrate-and-fire neurons, by default with the highest
    threshold that the hardware has: a voltage beyond it spikes and is reset to 0 like any
    other.

    Parameters
    ----------
    shape : tuple of int
        Number and topology of the neurons.
    u, v : float, int or array of `shape`, optional
        Initial synaptic current and voltage.
    vth, du, dv, in_exp, bias_mant, bias_exp : float, int or array of `shape`, optional
        As in :class:`lava_ahp.processes.AHP`.
    reset_interval, reset_offset, reset_keeps_input, name, log_config : optional
        As in :class:`lava_ahp.processes.AHP`.

    Attributes
    ----------
    a_in : InPort
        Sum of the weights of the spikes that arrive.
    v_out : OutPort
        Voltage after the step, after the reset by a spike.
    s_out : OutPort
        Spikes, 0 or 1.
    u, v : Var
        States after the step.

    Raises
    ------
    ParameterError
        If a number is out of range or a shape does not fit.
    """

    def __init__(
        self,
        *,
        shape,
        u=0,
        v=0,
        vth=VTH_MAX,
        du=0,
        dv=0,
        in_exp=0,
        bias_mant=0,
        bias_exp=0,
        reset_interval=None,
        reset_offset=0,
        reset_keeps_input=False,
        name=None,
        log_config=None,
    ):
        super().__init__(
            shape=shape,
            states={"u": u, "v": v},
            parameters={
                "vth": vth,
                "du": du,
                "dv": dv,
                "in_exp": in_exp,
                "bias_mant": bias_mant,
                "bias_exp": bias_exp,
            },
            reset_interval=reset_interval,
            reset_offset=reset_offset,
            reset_keeps_input=reset_keeps_input,
            name=name,
            log_config=log_config,
        )
        self.v_out = OutPort(shape=self.shape)
        self.s_out = OutPort(shape=self.shape)
