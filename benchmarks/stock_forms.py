"""How near stock neurons come to AHP neurons, in spikes and in accuracy; writes a table.

Each form is worked out here with the integer arithmetic of the Processes that it is made of,
because a run of dozens of Processes in Lava's simulator takes minutes for a sample. That
arithmetic is compared with Lava's in `tests/processes/test_stock.py`.

    python benchmarks/stock_forms.py digits
    python benchmarks/stock_forms.py intel.net --data FOLDER --limit 200
"""

import argparse

import numpy as np

from lava_ahp import netx
from lava_ahp.dynamics import decay, fixed_step, resting_state, sat24, wrap24
from lava_ahp.engine import simulate
from lava_ahp.evaluation import load_samples
from lava_ahp import stock

N_DECAYS = (1, 2, 4, 8)
N_LEVELS = (4, 8, 16, 32)
ADAPTATIONS = (1, 4, 16, 64)
"""Steps of an adaptive threshold that are tried, in decrements of the AHP current."""


def run(network, inputs, hidden):
    """Spikes of the hidden layer and predictions, the hidden neurons stepping as `hidden` does."""
    layer, readout = network.layers
    weights = {
        name: c.effective_weight.T.astype(float)
        for name, c in (("in", layer.inputs), ("rec", layer.recurrent), ("out", readout.inputs))
    }
    batch, n_steps, _ = inputs.shape
    c = readout.neuron.broadcast(readout.n_neurons).coefficients()
    state = resting_state(np.zeros((batch, readout.n_neurons), np.int64))
    s = np.zeros((batch, layer.n_neurons), np.int64)
    x = np.zeros_like(s)
    spikes = np.zeros((batch, n_steps, layer.n_neurons), np.uint8)
    for t in range(n_steps):
        state = fixed_step((s @ weights["out"]).astype(np.int64), state, c)
        x = (s @ weights["rec"]).astype(np.int64)
        if t:
            x += (inputs[:, t - 1] @ weights["in"]).astype(np.int64)
        s = hidden(x)
        spikes[:, t] = s
    return spikes, np.argmax(state.v, axis=1)


class ProductLoop:
    """Stock LIF with its AHP current in a loop through a ProdNeuron."""

    def __init__(self, network, batch):
        n = network.layers[0].n_neurons
        self.shift, self.in_exp, self.vth, self.dv, self.bias = np.zeros((5, n), np.int64)
        self.keep, self.mant, self.exp = np.zeros((3, n), np.int64)
        for p in (p for p in stock.populations(network) if p.layer == 0):
            where = p.neurons
            self.shift[where], self.in_exp[where] = p.shift, p.weight_exp
            self.vth[where], self.dv[where] = p.vth << 6, p.dv
            self.bias[where] = p.bias_mant << p.bias_exp
            if p.ahp:
                own = where[p.ahp.neurons]
                self.keep[own], self.mant[own], self.exp[own] = p.ahp.keep, p.ahp.mant, p.ahp.exp
        self.v, self.kept, self.s = np.zeros((3, batch, n), np.int64)

    def __call__(self, x):
        jump = shifted(self.mant, self.exp + self.shift) * self.s
        a = shifted(-self.kept, self.shift - 6) - jump
        u = wrap24((shifted(x, self.in_exp) + a) << 6)
        v = sat24(decay(self.v, self.dv) + u + self.bias)
        self.kept = (self.kept + shifted(self.mant, self.exp + 6) * self.s) * self.keep >> 12
        self.s = (v > self.vth) * 1
        self.v = v * (1 - self.s)
        return self.s


class LIFBank:
    """AHP current read by a bank of LIF neurons, each silent below a level of its own.

    The bank's synaptic currents decay as the AHP current does, neuron by neuron, which a stock
    population could not do: the form is better here than it could be built.
    """

    def __init__(self, network, batch, n_levels, most):
        self.c = network.layers[0].neuron.broadcast(network.layers[0].n_neurons).coefficients()
        self.step = max(most / n_levels, 1)
        self.n_levels = n_levels
        self.v, self.current, self.s = np.zeros((3, batch, len(self.c.decay_v)), np.int64)

    def __call__(self, x):
        c = self.c
        levels = np.clip(np.rint(self.current / self.step), 0, self.n_levels)
        a = -np.rint(levels * self.step).astype(np.int64) - c.jump * self.s
        v = sat24(decay(self.v, c.decay_v) + (x << c.in_shift) + a + c.bias)
        self.current = decay(self.current, c.decay_a) + c.jump * self.s
        self.s = (v > c.threshold) * 1
        self.v = v * (1 - self.s)
        return self.s


class AdaptiveThreshold:
    """ATRLIF: a threshold that rises at a spike, a refractory state that pulls the voltage down."""

    def __init__(self, network, batch, adaptation):
        self.c = network.layers[0].neuron.broadcast(network.layers[0].n_neurons).coefficients()
        self.step = adaptation * self.c.jump
        self.v, self.r, self.risen = np.zeros((3, batch, len(self.c.decay_v)), np.int64)

    def __call__(self, x):
        c = self.c
        self.v = decay(self.v, c.decay_v) + (x << c.in_shift) + c.bias
        self.risen = decay(self.risen, c.decay_a)
        self.r = decay(self.r, c.decay_v)
        theta = c.threshold + self.risen
        s = (self.v - self.r >= theta) * 1
        self.r += 2 * theta * s
        self.risen += self.step * s
        return s


def shifted(value, exp):
    """Value shifted to the left, or to the right where `exp` is negative."""
    return (value << np.maximum(exp, 0)) >> np.maximum(-exp, 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(";")[0])
    parser.add_argument("network", nargs="?", default="digits")
    parser.add_argument("--data")
    parser.add_argument("--split", default="validation")
    parser.add_argument("--limit", type=int)
    options = parser.parse_args()
    network = netx.load(options.network)
    samples = load_samples(network, options.data, options.split, options.limit)
    inputs = samples.spikes[0 : len(samples)]
    expected = simulate(network, inputs, record=("spikes", "a"))
    hidden = network.layers[0].name
    own = expected.spikes[hidden]
    accuracy = np.mean(expected.predictions == samples.labels)

    def row(form, spikes, predictions):
        got = np.mean(predictions == samples.labels)
        same = np.mean((spikes == own).all(axis=(1, 2)))
        print(
            f"| {form} | {np.sum(spikes != own) / own.sum():.1%} | {same:.1%} | "
            f"{np.mean(predictions == expected.predictions):.1%} | {got:.2%} | "
            f"{got / accuracy:.1%} |"
        )

    print(f"{options.network}, {len(samples)} samples of the {options.split} split\n")
    print("| form | differing spikes | same in every spike | same answers | accuracy | kept |")
    print("| --- | --- | --- | --- | --- | --- |")
    row("AHP neurons", own, expected.predictions)
    n_decays = len(np.unique(network.layers[0].neuron.dv))
    for n in [n for n in N_DECAYS if n < n_decays] or [n_decays]:
        few = stock.with_few_decays(network, n)
        if n < n_decays:
            found = simulate(few, inputs, record=("spikes",))
            row(f"AHP neurons, {n} decays", found.spikes[hidden], found.predictions)
        loop = ProductLoop(few, len(inputs))
        row(f"ProdNeuron loop, {n} decays", *run(few, inputs, loop))
    most = np.quantile(-expected.a[hidden][expected.a[hidden] < 0], 0.999)
    for n in N_LEVELS:
        bank = LIFBank(network, len(inputs), n, most)
        row(f"bank of {n} LIF for each neuron", *run(network, inputs, bank))
    for n in ADAPTATIONS:
        adaptive = AdaptiveThreshold(network, len(inputs), n)
        row(f"ATRLIF, threshold up by {n} decrements", *run(network, inputs, adaptive))


if __name__ == "__main__":
    main()
