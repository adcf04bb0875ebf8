"""The engine's speed at the sequential-MNIST shape, against Lava, torch, Norse and snnTorch.

80 inputs, 240 recurrent neurons of which 100 are AHP neurons, 10 readouts, 840 steps, a fifth
of the synapses present; thresholds are such that 5 % of the neurons fire in a step. Every
measurement runs in a process of its own. What Lava, torch and its libraries do costs the same
at any firing rate. Lava and the engine are compared on the same number of cores, torch and its
libraries with their better number of threads, in batches.
"""

import argparse
import json
import os
import tempfile
import time

import numpy as np
import psutil
from measuring import THREADS, apart, conditions, median_seconds, peak_memory

from lava_ahp.dynamics import float_step, resting_state
from lava_ahp.engine import Session, simulate, stream
from lava_ahp.network import Connection, Layer, NetworkSpec
from lava_ahp.neuron import VTH_MAX, FixedAHPParameters
from lava_ahp.tasks import digits, smnist
from lava_ahp.tasks.encoding import EncodedSamples

N_INPUTS, N_NEURONS, N_CLASSES = 80, 240, 10
N_STEPS, BATCH = 840, 64
DENSITY, INPUT_RATE = 0.2, 0.03
FIRING_RATE, TOLERANCE = 0.05, 0.0025
REPEATS, LAVA_REPEATS = 5, 2

TORCH_STEPS = 210
"""Steps of a sample in torch, Norse and snnTorch; a step of theirs costs what any other does."""

N_SAMPLES = 4 * BATCH
"""Samples that the engine runs, in batches."""

N_IMAGES = 10_000

SIZES = (100, 316, 1000, 3162, 10_000)
FAN_OUTS = (10, 48)
"""Recurrent synapses of each neuron at every size: a tenth of the smallest network, or half.

With half of them present the smallest network adds whole rows of weights, which costs less
than synapses one by one; so the growth from there says less about size.
"""

INPUT_SHARE = 0.1
"""Share of the channels that a neuron of these networks listens to."""

AT_LEAST = {"lava": 1000, "two_threads": 1.7, "compiled_network": 10}
"""Ratios that should be reached."""

AT_MOST = {
    "first_call_seconds": 20,
    "later_call_seconds": 1,
    "images_memory_bytes": 1e9,
    "scaling_at_fan_out_10": 1,
}
"""Figures that should not be exceeded."""


def network(scale, n=N_NEURONS, share=DENSITY, input_share=DENSITY):
    """A random network whose thresholds are `scale` times those of sequential MNIST's."""
    random = np.random.default_rng(0)

    def connection(targets, sources, share):
        weight = random.integers(-120, 121, (targets, sources), np.int16)
        weight[random.random(weight.shape, np.float32) >= share] = 0
        return Connection(weight, "split")

    ahp = np.arange(n) >= n * 140 // 240
    neuron = FixedAHPParameters(
        dv=204,
        da=5,
        vth=np.rint(np.where(ahp, 508, 127) * scale).astype(int),
        ahp_mant=np.where(ahp, 96, 0),
        ahp_exp=-4,
        in_exp=np.where(ahp, 2, 0),
    )
    inputs, recurrent = connection(n, N_INPUTS, input_share), connection(n, n, share)
    readout = FixedAHPParameters(dv=5, vth=VTH_MAX)
    layers = (
        Layer("hidden", n, neuron, inputs, recurrent),
        Layer("readout", N_CLASSES, readout, connection(N_CLASSES, n, DENSITY)),
    )
    return NetworkSpec(layers, readout="voltage")


def firing_rate(operations):
    """Spikes of a hidden neuron in a step."""
    return operations.spikes["hidden"] / operations.neuron_updates["hidden"]


def firing_scale(spikes, **options):
    """The scale of thresholds at which the network fires as it should on this input."""
    low, high = 0.02, 50.0
    while high / low > 1.001:
        scale = (low * high) ** 0.5
        rate = firing_rate(simulate(network(scale, **options), spikes).operations)
        low, high = (scale, high) if rate > FIRING_RATE else (low, scale)
    return scale


def random_spikes(batch=BATCH, n_steps=N_STEPS):
    """Input of the benchmarks, shape (batch, time, channel)."""
    shape = (batch, n_steps, N_INPUTS)
    return (np.random.default_rng(1).random(shape) < INPUT_RATE).astype(np.uint8)


def measure_engine(threads):
    """Seconds of a sample-step."""
    spikes = random_spikes(N_SAMPLES)
    net = network(firing_scale(spikes[:8]))
    rate = firing_rate(simulate(net, spikes).operations)
    assert abs(rate - FIRING_RATE) < TOLERANCE, f"firing rate: {rate}, expected {FIRING_RATE}"
    seconds = median_seconds(lambda: simulate(net, spikes, n_threads=threads), REPEATS)
    return {"seconds": seconds / (N_SAMPLES * N_STEPS), "firing_rate": rate}


def measure_first_call(_):
    """Seconds of the first call in this process, and since the process began."""
    net = NetworkSpec((Layer("a", 1, FixedAHPParameters(), Connection(np.array([[1]]))),))
    start = time.perf_counter()
    simulate(net, np.ones((1, 1, 1), np.uint8))
    return {
        "seconds": time.perf_counter() - start,
        "since_start": time.time() - psutil.Process().create_time(),
    }


def measure_images(threads):
    """Memory and time for encoding and running as many images as MNIST has for the test."""
    net = network(firing_scale(random_spikes(8)))
    small = np.tile(digits.load("train").images, (N_IMAGES // 1000, 1, 1))[:N_IMAGES]
    pixels = np.arange(28) * 8 // 28
    images = small[:, pixels[:, None], pixels] * np.uint8(15)
    samples = EncodedSamples(images.reshape(N_IMAGES, -1), smnist.default_encoding())
    start = time.perf_counter()
    n = sum(len(result.output) for result in stream(net, samples, n_threads=threads))
    assert n == N_IMAGES
    return {"seconds": time.perf_counter() - start, "memory": peak_memory()}


def measure_scaling(_):
    """Seconds and synaptic events of a step by fan-out and size, on one core, state in memory."""
    options, found = {"input_share": INPUT_SHARE}, {}
    long = random_spikes(2, 2 * N_STEPS)
    for fan_out in FAN_OUTS:
        found[fan_out] = []
        for n in SIZES:
            # Neurons have as many synapses at every size, so that larger networks fire alike.
            if n <= 1000:
                scale = firing_scale(long, n=n, share=fan_out / n, **options)
            session = Session(network(scale, n, fan_out / n, **options))
            session.step(long[0])  # until the AHP currents have grown
            spikes = long[1, : 20 + 100_000 // n]
            seconds = median_seconds(lambda: session.step(spikes), 3 * REPEATS) / len(spikes)
            operations = session.operations
            events = sum(operations.synaptic_events.values()) / operations.n_steps
            found[fan_out].append(
                {
                    "neurons": n,
                    "seconds": seconds,
                    "events": events,
                    "firing_rate": firing_rate(operations),
                }
            )
    return found


def measure_lava(kind, ends, cores):
    """Seconds of a step of a Process, alone or with a source and a sink beside it."""
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg

    from lava_ahp import processes

    # Lava's processes run where the one that starts them may.
    this = psutil.Process()
    this.cpu_affinity(this.cpu_affinity()[:cores])
    spikes = random_spikes(1 + LAVA_REPEATS)
    net = getattr(processes, kind)(network(firing_scale(spikes)))
    if ends:
        options = {"n_steps": N_STEPS}
        source = processes.SpikeSource(shape=net.inp.shape, samples=spikes, **options)
        sink = processes.SampleSink(shape=net.out.shape, n_samples=len(spikes), **options)
        source.s_out.connect(net.inp)
        net.out.connect(sink.a_in)
    run = {"condition": RunSteps(N_STEPS), "run_cfg": Loihi2SimCfg(select_tag="fixed_pt")}
    try:
        seconds = median_seconds(lambda: net.run(**run), LAVA_REPEATS)
    finally:
        net.stop()
    return {"seconds": seconds / N_STEPS}


def measure_torch(threads):
    """The same network in floats, as a loop over steps."""
    import torch

    torch.set_num_threads(threads)
    spikes = random_spikes(n_steps=TORCH_STEPS)
    hidden, readout = network(1.0).layers

    def tensors(layer):
        constants = layer.neuron.effective().coefficients()
        return type(constants)(*(torch.as_tensor(c, dtype=torch.float32) for c in constants))

    def weights(layer, connection):
        scale = 2.0 ** np.asarray(layer.neuron.in_exp).reshape(-1, 1) / 64
        return torch.tensor((connection.effective_weight * scale).T, dtype=torch.float32)

    c, c_out = tensors(hidden), tensors(readout)
    w_in, w_rec = (weights(hidden, x) for x in (hidden.inputs, hidden.recurrent))
    w_out = weights(readout, readout.inputs)
    values = torch.tensor(spikes, dtype=torch.float32)

    def run():
        state = resting_state(torch.zeros(BATCH, N_NEURONS))
        out = resting_state(torch.zeros(BATCH, N_CLASSES))
        sent = torch.zeros(BATCH, N_INPUTS)
        for t in range(TORCH_STEPS):
            s = state.s.float()
            out = float_step(s @ w_out, out, c_out)
            state = float_step(sent @ w_in + s @ w_rec, state, c)
            sent = values[:, t]

    return _batch_seconds(run)


def measure_norse(threads):
    """Norse's recurrent LSNN module and one linear layer."""
    import torch
    from norse.torch import LSNNRecurrent

    torch.set_num_threads(threads)
    recurrent, linear = LSNNRecurrent(N_INPUTS, N_NEURONS), torch.nn.Linear(N_NEURONS, N_CLASSES)
    values = torch.tensor(random_spikes(n_steps=TORCH_STEPS).transpose(1, 0, 2), dtype=torch.float32)
    return _batch_seconds(lambda: linear(recurrent(values)[0].mean(0)))


def measure_snntorch(threads):
    """snnTorch's recurrent leaky neurons and one linear layer."""
    import snntorch
    import torch

    torch.set_num_threads(threads)
    inputs, linear = torch.nn.Linear(N_INPUTS, N_NEURONS), torch.nn.Linear(N_NEURONS, N_CLASSES)
    neurons = snntorch.RLeaky(beta=0.95, linear_features=N_NEURONS)
    values = torch.tensor(random_spikes(n_steps=TORCH_STEPS).transpose(1, 0, 2), dtype=torch.float32)

    def run():
        s, v = neurons.init_rleaky()
        total = 0
        for x in values:
            s, v = neurons(inputs(x), s, v)
            total = total + s
        linear(total / TORCH_STEPS)

    return _batch_seconds(run)


def _batch_seconds(run):
    import torch

    with torch.no_grad():
        return {"seconds": median_seconds(run, 2) / (BATCH * TORCH_STEPS)}


LAVA = ("lava", "lava_alone", "compiled", "compiled_alone")

MEASURES = {
    "engine": measure_engine,
    "first_call": measure_first_call,
    "images": measure_images,
    "scaling": measure_scaling,
    "lava": lambda cores: measure_lava("Network", True, cores),
    "lava_alone": lambda cores: measure_lava("Network", False, cores),
    "compiled": lambda cores: measure_lava("CompiledNetwork", True, cores),
    "compiled_alone": lambda cores: measure_lava("CompiledNetwork", False, cores),
    "torch": measure_torch,
    "norse": measure_norse,
    "snntorch": measure_snntorch,
}


def compare(report):
    """All measurements, and what they come to."""

    def run(name, threads=1):
        report(f"{name}, threads: {threads}")
        return apart(__file__, "--measure", name, "--threads", threads, threads=threads)

    with tempfile.TemporaryDirectory() as folder:
        os.environ["NUMBA_CACHE_DIR"] = folder
        first, later = run("first_call"), run("first_call")
        del os.environ["NUMBA_CACHE_DIR"]
    engine = {threads: run("engine", threads) for threads in THREADS}
    rate = engine[1]["firing_rate"]
    peers = {}
    for name in ("torch", "norse", "snntorch"):
        runs = [run(name, threads) | {"threads": threads} for threads in THREADS]
        peers[name] = min(runs, key=lambda found: found["seconds"])
    lava = {name: {cores: run(name, cores)["seconds"] for cores in THREADS} for name in LAVA}
    images, scaling = run("images", THREADS[-1]), run("scaling")
    engine = {threads: found["seconds"] for threads, found in engine.items()}
    growth = {}
    for fan_out, sizes in scaling.items():
        times = [sizes[-1][name] / sizes[0][name] for name in ("seconds", "events")]
        growth[f"scaling_at_fan_out_{fan_out}"] = times[0] / times[1]
    ratios = {"two_threads": engine[1] / engine[2]}
    for cores, suffix in zip(THREADS, ("", "_on_two_cores")):
        of = {name: seconds[cores] for name, seconds in lava.items()}
        ratios[f"lava{suffix}"] = of["lava"] / engine[cores]
        ratios[f"compiled_network{suffix}"] = of["lava_alone"] / of["compiled_alone"]
        ratios[f"compiled_network_with_ends{suffix}"] = of["lava"] / of["compiled"]
    ratios |= {name: found["seconds"] / min(engine.values()) for name, found in peers.items()}
    return {
        "ratios": ratios,
        "figures": {
            "first_call_seconds": first["seconds"],
            "later_call_seconds": later["seconds"],
            "images_memory_bytes": images["memory"],
            **growth,
        },
        "at_least": AT_LEAST,
        "at_most": AT_MOST,
        "seconds_per_sample_step": {"engine": engine, **lava, **peers},
        "firing_rate": rate,
        "first_call": {"first": first, "later": later},
        "images": images | {"n": N_IMAGES},
        "scaling": scaling,
        "conditions": conditions("lava-nc", "torch", "norse", "snntorch", "numba"),
    }


def print_tables(found):
    """Print what was found for people."""
    from rich.console import Console
    from rich.table import Table

    def table(title, *columns, rows):
        made = Table(*columns, title=title, title_justify="left")
        for row in rows:
            made.add_row(*row)
        console.print(made)

    console = Console()
    rows = []
    for name, runs in found["seconds_per_sample_step"].items():
        runs = {runs["threads"]: runs["seconds"]} if "threads" in runs else runs
        rows += [(name, str(threads), f"{s * 1e6:,.2f}") for threads, s in runs.items()]
    table("time", "", "threads or cores", "us a sample-step", rows=rows)
    table(
        "the engine is so many times faster",
        "than",
        "",
        "at least",
        rows=[
            (name, f"{ratio:,.1f}", str(AT_LEAST.get(name, "")))
            for name, ratio in found["ratios"].items()
        ],
    )
    table(
        "figures",
        "",
        "",
        "at most",
        rows=[
            (name, f"{value:,.3g}", f"{AT_MOST[name]:,.3g}" if name in AT_MOST else "")
            for name, value in found["figures"].items()
        ],
    )
    for fan_out, sizes in found["scaling"].items():
        table(
            f"one core, {fan_out} recurrent synapses of each neuron",
            "neurons",
            "us a step",
            "events a step",
            rows=[
                (f"{row['neurons']:,}", f"{row['seconds'] * 1e6:,.2f}", f"{row['events']:,.0f}")
                for row in sizes
            ],
        )
    console.print(
        f"{found['firing_rate']:.2%} of the neurons fire in a step; {found['images']['n']:,} images "
        f"took {found['images']['seconds']:.1f} s with their encoding"
    )
    console.print(found["conditions"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--measure", choices=MEASURES, help="one measurement, in this process")
    parser.add_argument("--threads", type=int, default=1, help="with --measure")
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(MEASURES[arguments.measure](arguments.threads)))
        return
    found = compare(lambda line: None if arguments.json else print(line, flush=True))
    if arguments.json:
        print(json.dumps(found))
    else:
        print_tables(found)


if __name__ == "__main__":
    main()
