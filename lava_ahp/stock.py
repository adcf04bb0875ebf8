"""AHP networks in a form that needs no neuron but those that Lava ships.

Regular and AHP neurons become stock LIF neurons. An AHP current decays in a loop of its own: a
`ProdNeuron` multiplies it by `4096 - da` in every step, 12 bits down, and sends the product as
a graded spike to itself and, as inhibition, to its LIF neuron. With `A[t]` the magnitude of the
AHP current and `B[t]` what the `ProdNeuron` sends::

    A[t] = B[t-1] + jump * s[t-1]           arrives at the ProdNeuron and, negative, at the LIF
    B[t] = (A[t] * (4096 - da)) >> 12       is A's decay, truncated as everywhere

so that the AHP current itself is the very same in every bit. What is not the same: stock LIF
takes its input 6 bits coarser than its state, so the LIF neurons count in finer units (their
weights, thresholds and biases are shifted up as far as leaves room for the voltages), and what
is still finer than that is rounded.

A stock LIF population has one decay, one threshold and no refractory period: a layer is
divided into as many populations as it has different ones, and :func:`with_few_decays` makes
them few. docs/stock-form.md says what that costs, and what else was tried.
"""

from dataclasses import dataclass, replace

import numpy as np

from lava_ahp.dynamics import DECAY_UNITY, STATE_MAX, STATE_SHIFT
from lava_ahp.errors import ParameterError, check_count
from lava_ahp.neuron import MANTISSA_MAX, RANGES, VTH_MAX

N_DECAYS = 8
"""Different decays of the voltage that a layer keeps by default."""

MAX_POPULATIONS = 16
"""Stock populations that a layer may become: each is a Process with connections of its own."""

HEADROOM = 32
"""Thresholds up and down that a voltage has room for; it saturates beyond."""

PRODUCT_BITS = 31
"""A ProdNeuron's product is a signed integer of 32 bits."""


@dataclass(frozen=True, eq=False)
class StockAHP:
    """AHP currents of the AHP neurons of a population.

    Attributes
    ----------
    neurons : ndarray of int
        Which neurons of the population have one.
    mant : ndarray of int
        Weight of a spike onto the current, by neuron, counted `mant << (6 + exp)`.
    exp : int
    keep : ndarray of int
        What is left of 4096 after a step, by neuron.
    """

    neurons: np.ndarray
    mant: np.ndarray
    exp: int
    keep: np.ndarray


@dataclass(frozen=True, eq=False)
class StockPopulation:
    """Neurons of a layer that one stock LIF population stands for.

    Attributes
    ----------
    layer : int
        Index of the layer.
    neurons : ndarray of int
        Their indices within the layer.
    du, dv, vth : int
        As stock LIF takes them; the threshold is shifted up.
    shift : int
        Bits by which voltages are finer than in the network.
    weight_exp : int
        Exponent of the weights onto them.
    bias_mant, bias_exp : ndarray of int and int
    ahp : StockAHP or None
    """

    layer: int
    neurons: np.ndarray
    du: int
    dv: int
    vth: int
    shift: int
    weight_exp: int
    bias_mant: np.ndarray
    bias_exp: int
    ahp: StockAHP | None


def populations(network):
    """The stock populations that stand for a network's neurons, layer by layer.

    Parameters
    ----------
    network : NetworkSpec

    Returns
    -------
    list of StockPopulation

    Raises
    ------
    ParameterError
        If stock parts cannot do what a neuron does; the message says what to change.
    """
    if network.takes_integers:
        raise ParameterError("graded_input: found True, expected spikes: in the stock form")
    found = []
    for index, layer in enumerate(network.layers):
        p = layer.neuron.broadcast(layer.n_neurons).arguments()
        where = f"layer {layer.name!r}: stock form"
        if p["refractory_period"].any():
            raise ParameterError(f"{where}: refractory_period: found one, expected 0")
        keys = np.stack([p[name] for name in ("du", "dv", "vth", "in_exp")], axis=1)
        kinds, kind_of = np.unique(keys, axis=0, return_inverse=True)
        if len(kinds) > MAX_POPULATIONS:
            raise ParameterError(
                f"{where}: found {len(kinds)} different decays and thresholds, expected at most "
                f"{MAX_POPULATIONS}: lava_ahp.stock.with_few_decays makes them few"
            )
        for kind in range(len(kinds)):
            neurons = np.flatnonzero(kind_of.ravel() == kind)
            own = {name: value[neurons] for name, value in p.items()}
            found.append(_population(index, where, own, neurons))
    return found


def _population(index, where, p, neurons):
    du, dv, vth, in_exp = (int(p[name][0]) for name in ("du", "dv", "vth", "in_exp"))
    if du < 0:
        raise ParameterError(f"{where}: du: found {du}, expected at least 0")
    # Without AHP currents nothing is finer than stock LIF takes it.
    shift, ahp = 0, None
    if p["ahp_mant"].any():
        if du != DECAY_UNITY - 1:
            raise ParameterError(
                f"{where}: du: found {du} in AHP neurons, expected {DECAY_UNITY - 1}: "
                f"a stock LIF has one synaptic current, and the AHP current enters through it"
            )
        # A shift of 6 takes the AHP current as it is; finer than that there is nothing.
        room = (STATE_MAX + 1) // (HEADROOM * max(vth, 1) << STATE_SHIFT)
        shift = min(max(room.bit_length() - 1, 0), STATE_SHIFT)
        ahp = _ahp(where, p)
    biased = p["bias_mant"] != 0
    least = int(p["bias_exp"][biased].min()) if biased.any() else -shift
    bias = np.where(biased, p["bias_mant"] << np.maximum(p["bias_exp"] - least, 0), 0)
    low, high = RANGES["bias_mant"]
    if bias.min() < low or bias.max() > high or least + shift > RANGES["bias_exp"][1]:
        raise ParameterError(
            f"{where}: bias: found biases too large or too different for stock LIF"
        )
    return StockPopulation(
        layer=index,
        neurons=neurons,
        du=du,
        dv=dv,
        vth=min(vth << shift, VTH_MAX),
        shift=shift,
        weight_exp=shift + in_exp,
        bias_mant=bias,
        bias_exp=least + shift,
        ahp=ahp,
    )


def _ahp(where, p):
    neurons = np.flatnonzero(p["ahp_mant"])
    mant, exponents = p["ahp_mant"][neurons], p["ahp_exp"][neurons]
    exp = int(exponents.min())
    mant = mant << (exponents - exp)
    if mant.max() > MANTISSA_MAX:
        raise ParameterError(
            f"{where}: ahp_mant: found decrements too different for 8 bits and one exponent"
        )
    keep = DECAY_UNITY - p["da"][neurons]
    # what the current comes to if the neuron spikes in every step
    most = (mant << (STATE_SHIFT + exp)) * DECAY_UNITY / np.maximum(p["da"][neurons], 1)
    if (most * keep >= 2.0**PRODUCT_BITS).any():
        raise ParameterError(
            f"{where}: ahp_mant, da: found an AHP current of up to {most.max():.0f}, "
            f"expected less than {2**PRODUCT_BITS // DECAY_UNITY}"
        )
    return StockAHP(neurons, mant, exp, keep)


def with_few_decays(network, n):
    """The network with at most `n` different decays of the voltage in each layer.

    Parameters
    ----------
    network : NetworkSpec
    n : int

    Returns
    -------
    NetworkSpec
        With each decay replaced by the mean, on a logarithmic scale, of the group that it
        falls into (Lloyd's algorithm, from quantiles on).
    """
    check_count("n", n)
    return replace(
        network,
        layers=tuple(
            replace(layer, neuron=replace(layer.neuron, dv=_few(layer.neuron.dv, n)))
            for layer in network.layers
        ),
    )


def _few(decays, n):
    decays = np.asarray(decays)
    if len(np.unique(decays)) <= n:
        return decays
    values = np.log(np.maximum(decays, 0.5))
    centres = np.quantile(values, (np.arange(n) + 0.5) / n)
    while True:
        group = np.argmin(np.abs(values[:, None] - centres), axis=1)
        moved = np.array([
            values[group == k].mean() if (group == k).any() else centres[k] for k in range(n)
        ])  # fmt: skip
        if np.allclose(moved, centres, rtol=0, atol=1e-12):
            return np.rint(np.exp(centres)).astype(np.int64)[group]
        centres = moved
