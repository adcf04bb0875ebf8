"""What a network costs on Loihi with the activity that it has on its task's samples."""

import numpy as np

from lava_ahp import netx
from lava_ahp.evaluation import load_samples, run
from lava_ahp.hardware.placement import DEFAULT_RATE, place


def placement(
    network, target="loihi1", rate=DEFAULT_RATE, measure=None, data=None, split="test", progress=None
):
    """Place a network with an activity that is given, or measured by the engine.

    Parameters
    ----------
    network : NetworkSpec, str or Path
        A network, the name of a shipped one, or a netx file.
    target : {"loihi1", "loihi2"}, optional
    rate : float, optional
        Spikes per neuron or channel and step.
    measure : int, optional
        Measure the activity of each neuron on so many samples of the task instead.
    data, split, progress
        Where to take the samples from, as in :func:`lava_ahp.evaluation.evaluate`.

    Returns
    -------
    lava_ahp.hardware.Placement

    Raises
    ------
    LavaAHPError
        If the network does not fit, or an argument is not what it should be.
    """
    spec = netx.load(network)
    if measure is None:
        return place(spec, target, rate, rate)
    samples = load_samples(spec, data, split, measure)
    counts = run(spec, samples, progress=progress)[1]
    n_steps = len(samples) * samples.spikes.n_steps
    sent = sum(np.count_nonzero(samples.spikes[i], axis=0) for i in range(len(samples)))
    rates = {name: count / n_steps for name, count in counts.items()}
    return place(spec, target, rates, sent / n_steps)
