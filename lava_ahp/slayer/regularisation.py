"""Penalties that keep firing sparse and voltages near the threshold.

Both are functions of what a population did, :class:`lava_ahp.slayer.kernel.Activity`, so
that no recording of a whole batch has to be gone through again.
"""


def voltage_penalty(depth):
    """Mean square of voltages below -1 threshold, in thresholds.

    A neuron far below its threshold has no surrogate gradient and, on the chip, may reach
    the end of its 24 bits.

    Parameters
    ----------
    depth : Tensor, shape (neuron,)
        As :class:`lava_ahp.slayer.kernel.Activity` has it.

    Returns
    -------
    Tensor, shape ()
    """
    return depth.mean()


def rate_penalty(rate, target):
    """Mean square over neurons of the firing rate above a target, in per cent of steps.

    Parameters
    ----------
    rate : Tensor, shape (neuron,)
        Spikes per step, as :class:`lava_ahp.slayer.kernel.Activity` has them.
    target : float
        Spikes per neuron and step that cost nothing.

    Returns
    -------
    Tensor, shape ()
    """
    excess = (rate - target).clamp(min=0)
    return (100 * excess).square().mean()
