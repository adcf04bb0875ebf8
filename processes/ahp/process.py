"""The AHP neuron: a population of leaky integrate-and-fire neurons with an AHP current."""

from lava.magma.core.process.ports.ports import OutPort

from lava_ahp.processes.population import AbstractPopulation


class AHP(AbstractPopulation):
    """Leaky integrate-and-fire neurons with an after-hyperpolarising (AHP) current.

    ::

        u[t] = u[t-1] * (1 - du) + a_in                  # synaptic current
        a[t] = a[t-1] * (1 - da) - ahp_mant * s[t-1]     # AHP current
        v[t] = v[t-1] * (1 - dv) + u[t] + a[t] + bias    # voltage
        s[t] = v[t] > vth;    v[t] = 0 where s[t]

    Conventions are those of `lava.proc.lif.process.LIF`, to which it is equal in every
    bit where `ahp_mant`, `in_exp` and `refractory_period` are 0. The float model takes
    decays as fractions and ignores exponents. The fixed-point models take integers, whose
    ranges and scales stand in :class:`lava_ahp.neuron.FixedAHPParameters` (in short: `du`
    is the decay minus one and `dv`, `da` are decays, out of 4096; the threshold counts
    `vth << 6`, a decrement `ahp_mant << (6 + ahp_exp)`).
    :meth:`lava_ahp.neuron.AHPParameters.arguments` gives either set for one neuron.

    There are three ProcessModels: a float one (tag `floating_pt`), a bit-accurate one
    (`fixed_pt`, `bit_accurate_loihi`), and one of two compartments joined as on the chip,
    equal to the bit-accurate one in every bit, which
    `Loihi2SimCfg(select_sub_proc_model=True)` chooses. In the last, `ahp_mant` lies in the
    weights of a synapse and its Var cannot be read or set during a run.

    Parameters
    ----------
    shape : tuple of int
        Number and topology of the neurons.
    u, v, a : float, int or array of `shape`, optional
        Initial synaptic current, voltage and AHP current.
    vth, du, dv, da, ahp_mant, bias_mant : float, int or array of `shape`, optional
        Threshold, decays, decrement of the AHP current at a spike, bias. If all of a
        population's numbers are of integer type they are held to the hardware's ranges.
    ahp_exp, in_exp, bias_exp : int or array of `shape`, optional
        Exponents of the decrement, of arriving weights and of the bias.
    refractory_period : int or array of `shape`, optional
        Steps after a spike in which the voltage is held at 0.
    reset_interval : int, optional
        Steps between resets; None means none. A reset comes at the start of each step in
        which `time_step % reset_interval == reset_offset % reset_interval` (steps count
        from 1, as in `LIFReset`). It clears u, v, a, the refractory state and the spikes
        of the last step, and drops the activation that arrives in that step.
    reset_offset : int, optional
        Phase of the reset.
    reset_keeps_input : bool, optional
        Let the activation that arrives in the step of a reset act, as `LIFReset` does.
    name, log_config : optional
        As in Lava.

    Attributes
    ----------
    a_in : InPort
        Sum of the weights of the spikes that arrive.
    s_out : OutPort
        Spikes, 0 or 1.
    u, v, a : Var
        States after the step, `v` after the reset by a spike.
    s : Var
        Spikes of the last step.
    hold : Var
        Remaining steps in which `v` is held at 0.

    Raises
    ------
    ParameterError
        If a number is out of range or a shape does not fit.

    Examples
    --------
    >>> neurons = AHP(shape=(100,), vth=508, dv=204, da=5, ahp_mant=96, ahp_exp=-4, in_exp=2)
    >>> neurons.s_out.shape
    (100,)
    """

    def __init__(
        self,
        *,
        shape,
        u=0,
        v=0,
        a=0,
        vth=10,
        du=0,
        dv=0,
        da=0,
        ahp_mant=0,
        ahp_exp=0,
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
            states={"u": u, "v": v, "a": a, "s": 0, "hold": 0},
            parameters={
                "vth": vth,
                "du": du,
                "dv": dv,
                "da": da,
                "ahp_mant": ahp_mant,
                "ahp_exp": ahp_exp,
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
        self.s_out = OutPort(shape=self.shape)
