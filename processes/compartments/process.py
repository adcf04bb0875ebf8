"""The main and the auxiliary compartment of which an AHP neuron is built on the chip."""

from lava.magma.core.process.ports.ports import InPort, OutPort

from lava_ahp.processes.population import AbstractPopulation


class Main(AbstractPopulation):
    """Compartments that spike; they add the voltage of another one to their input.

    Parameters are those of :class:`lava_ahp.processes.AHP`.

    Attributes
    ----------
    a_in : InPort
        Sum of the weights of the spikes that arrive.
    join_in : InPort
        Voltage of the auxiliary compartments in this step.
    s_out : OutPort
        Spikes, 0 or 1.
    """

    def __init__(
        self,
        *,
        shape,
        u=0,
        v=0,
        vth=10,
        du=0,
        dv=0,
        in_exp=0,
        refractory_period=0,
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
            states={"u": u, "v": v, "s": 0, "hold": 0},
            parameters={
                "vth": vth,
                "du": du,
                "dv": dv,
                "in_exp": in_exp,
                "refractory_period": refractory_period,
                "bias_mant": bias_mant,
                "bias_exp": bias_exp,
            },
            reset_interval=reset_interval,
            reset_offset=reset_offset,
            reset_keeps_input=reset_keeps_input,
            name=name,
            log_config=log_config,
        )
        self.join_in = InPort(shape=self.shape)
        self.s_out = OutPort(shape=self.shape)


class Auxiliary(AbstractPopulation):
    """Compartments that never spike and give their voltage to others in the same step.

    Parameters
    ----------
    shape : tuple of int
        Number and topology of the compartments.
    v : int or array of `shape`, optional
        Initial voltage.
    dv : int or array of `shape`, optional
        Decay of the voltage, out of 4096.
    in_exp : int or array of `shape`, optional
        Exponent of arriving weights.
    reset_interval, reset_offset, name, log_config
        As in :class:`lava_ahp.processes.AHP`; what arrives in the step of a reset is dropped.

    Attributes
    ----------
    a_in : InPort
        Sum of the weights of the spikes that arrive.
    join_out : OutPort
        Voltage after the step.
    """

    def __init__(
        self,
        *,
        shape,
        v=0,
        dv=0,
        in_exp=0,
        reset_interval=None,
        reset_offset=0,
        name=None,
        log_config=None,
    ):
        super().__init__(
            shape=shape,
            states={"u": 0, "v": v},
            parameters={"dv": dv, "in_exp": in_exp},
            reset_interval=reset_interval,
            reset_offset=reset_offset,
            reset_keeps_input=False,
            name=name,
            log_config=log_config,
        )
        self.join_out = OutPort(shape=self.shape)
