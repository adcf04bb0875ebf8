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


def rate_penalty(rate, target, floor=0.0):
    """Mean square over neurons of the distance of the firing rate from a range, in per cent.

    Parameters
    ----------
    rate : Tensor, shape (neuron,)
        Spikes per step, as :class:`lava_ahp.slayer.kernel.Activity` has them.
    target, floor : float
        Most and fewest spikes per neuron and step that cost nothing.

    Returns
    -------
    Tensor, shape ()
    """
    distance = (rate - target).clamp(min=0) + (floor - rate).clamp(min=0)
    return (100 * distance).square().mean()
