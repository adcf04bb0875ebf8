"""Small random networks for the tests."""

from dataclasses import replace

import numpy as np

from lava_ahp.network import Connection, Group, Layer, Metadata, NetworkSpec
from lava_ahp.neuron import RANGES, VTH_MAX, VTH_NEVER, FixedAHPParameters
from lava_ahp.relational import Head, RelationalNetwork
from lava_ahp.tasks import babi, digits


def digits_network(seed=0, regular=6, ahp=5, metadata=None):
    """An untrained network for the digits task: two groups of hidden neurons, ten readouts."""
    random = np.random.default_rng(seed)
    n = regular + ahp
    is_ahp = np.arange(n) >= regular
    hidden = Layer(
        name="hidden",
        n_neurons=n,
        neuron=FixedAHPParameters(
            du=4095,
            dv=205,
            da=20,
            vth=np.where(is_ahp, 508, 127),
            ahp_mant=np.where(is_ahp, 96, 0),
            ahp_exp=0,
            in_exp=np.where(is_ahp, 2, 0),
        ),
        inputs=Connection(random.integers(-40, 60, (n, 34)), "split"),
        recurrent=Connection(random.integers(-60, 60, (n, n)), "split"),
        groups=(Group("regular", regular), Group("AHP", ahp)),
    )
    readout = Layer(
        name="readout",
        n_neurons=10,
        neuron=FixedAHPParameters(du=4095, dv=5, vth=VTH_MAX),
        inputs=Connection(random.integers(-99, 100, (10, n)), "split"),
    )
    if metadata is None:
        metadata = Metadata(
            task=digits.NAME,
            encoding=digits.default_encoding().to_dict(),
            class_names=digits.CLASS_NAMES,
            provenance={"name": "random digits", "seed": seed},
        )
    return NetworkSpec(layers=(hidden, readout), readout="voltage", metadata=metadata)


def mild_digits_network():
    """The same with AHP currents that a product of 32 bits can hold."""
    network = digits_network()
    hidden, readout = network.layers
    milder = replace(hidden, neuron=replace(hidden.neuron, ahp_exp=-2))
    return replace(network, layers=(milder, readout))


def random_connection(random, targets, sources, longest_delay=62):
    """A connection of any density, sign and sign mode, with delays or without."""
    weight = random.integers(-255, 256, (targets, sources))
    weight = random.choice([weight, abs(weight), -abs(weight), weight // 8], p=(0.5, 0.2, 0.1, 0.2))
    weight[random.random(weight.shape) > random.choice([0.05, 0.3, 1.0])] = 0
    delay = None
    if random.random() < 0.5:
        # One delay for nearly all synapses, or any for each.
        delay = random.integers(0, random.choice([1, 4, longest_delay + 1]), weight.shape)
        delay[random.random(weight.shape) < random.choice([0.0, 0.9])] = 1
    return Connection(weight, str(random.choice(["mixed", "split"])), delay)


def random_neurons(random, n, adaptive=True):
    """Neurons whose parameters come from the whole of their ranges, or the middle of them."""

    def draw(name, low, high, share_of_edges=0.3):
        values = random.integers(low, high + 1, n)
        edges = random.choice(RANGES[name], n)
        return np.where(random.random(n) < share_of_edges * wild, edges, values)

    wild = random.random() < 0.5
    vth = draw("vth", 0, 2000)
    return FixedAHPParameters(
        du=draw("du", 1000, 4095),
        dv=draw("dv", 0, 600),
        da=draw("da", 0, 300) * adaptive,
        vth=np.where(random.random(n) < 0.1 * wild, VTH_NEVER, vth),
        ahp_mant=draw("ahp_mant", 0, 255) * (random.random(n) < 0.6) * adaptive,
        ahp_exp=draw("ahp_exp", -6, 1) * adaptive,
        in_exp=draw("in_exp", -2, 2),
        refractory_period=draw("refractory_period", 0, 3) * (random.random(n) < 0.5) * adaptive,
        bias_mant=draw("bias_mant", -300, 2000),
        bias_exp=draw("bias_exp", -2, 4),
    )


def random_network(random, largest=12, n_layers=None, direct=None, **connection):
    """One to three layers, feed-forward and recurrent, of any connections and neurons.

    Its voltage readout, if it has one, is of neurons that Lava's readout can be.
    """
    n_layers = n_layers or int(random.integers(1, 4))
    sizes = random.integers(1, largest + 1, n_layers + 1)
    direct = random.random() < 0.2 if direct is None else direct
    readout = str(random.choice(["spikes", "voltage"]))
    layers = []
    for k, (sources, n) in enumerate(zip(sizes, sizes[1:])):
        adaptive = k < n_layers - 1 or readout == "spikes"
        n_first = int(random.integers(1, n)) if n > 1 else 0
        groups = (Group("one", n_first), Group("two", int(n) - n_first)) if n_first else ()
        layers.append(
            Layer(
                name=f"layer{k}",
                n_neurons=int(n),
                neuron=random_neurons(random, int(n), adaptive),
                inputs=None
                if direct and k == 0
                else random_connection(random, int(n), int(sources), **connection),
                recurrent=random_connection(random, int(n), int(n), **connection)
                if random.random() < 0.6
                else None,
                groups=groups,
            )
        )
    graded = bool(random.random() < 0.2)
    return NetworkSpec(tuple(layers), readout=readout, graded_input=graded)


def random_input(random, network, batch, n_steps):
    """Input of a network, int64, shape (batch, n_steps, n_inputs)."""
    spikes = (random.random((batch, n_steps, network.n_inputs)) < random.uniform(0, 0.6)).astype(int)
    if network.takes_integers:
        spikes *= random.integers(-(2 ** random.integers(1, 16)), 2**10, spikes.shape)
    return spikes


def relational_network(seed=0, n_reader=9, n_relation=(7, 6), n_answer=(8,), tasks=(1,)):
    """An untrained relational network for the generated stories of some tasks."""
    random = np.random.default_rng(seed)
    questions = [q for task in tasks for q in babi.generate(task, 200, seed=1)]
    words = babi.Vocabulary.of(questions).words
    n_places = 4

    def layer(name, n, n_inputs, largest, recurrent=False, **neuron):
        return Layer(
            name,
            n,
            FixedAHPParameters(**neuron),
            Connection(random.integers(-largest // 2, largest, (n, n_inputs)) // 2 * 2),
            Connection(random.integers(-60, 60, (n, n)) // 2 * 2) if recurrent else None,
        )

    def reader(name):
        n = n_reader
        neuron = {
            "du": random.integers(1000, 4096, n),
            "dv": random.integers(100, 900, n),
            "da": random.integers(30, 200, n),
            "vth": 64,
            "ahp_mant": random.integers(0, 200, n),
            "ahp_exp": -3,
        }
        return NetworkSpec((layer(name, n, len(words), 60, recurrent=True, **neuron),))

    def chain(sizes, n_inputs, prefix, largest):
        layers = []
        for index, n in enumerate(sizes, 1):
            layers.append(layer(f"{prefix}{index}", n, n_inputs, largest, dv=205, vth=64, in_exp=-1))
            n_inputs = n
        return layers

    heads = {}
    for task in tasks:
        answers = babi.Vocabulary.of(q for q in questions if q.task == task).answers
        readout = layer("readout", len(answers), n_answer[-1], 60, dv=4, vth=VTH_MAX)
        heads[task] = Head(
            NetworkSpec(tuple(chain(n_relation, 3 * n_reader + 2 * n_places, "g", 120))),
            NetworkSpec(
                (*chain(n_answer, n_relation[-1], "f", 60), readout),
                readout="voltage",
                graded_input=True,
                metadata=Metadata(class_names=answers),
            ),
        )
    return RelationalNetwork(
        sentence=reader("sentence"),
        question=reader("question"),
        heads=heads,
        words=words,
        encoding=babi.WordSpikes(steps_per_word=3, tail=2),
        window=5,
        max_words=7,
        max_sentences=n_places,
    )
