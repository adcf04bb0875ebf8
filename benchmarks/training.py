"""Training speed at the sequential-MNIST shape, against lava-dl, Norse and torch's LSTM.

80 inputs, 240 recurrent neurons, 10 outputs, 840 steps, batches of 64; forward, backward
and an update by Adam. Every peer runs in a process of its own, in several rounds whose median
counts, at its best number of threads. Ours fires at 5 % of the neurons in a step, measured in
the updates that are timed; what the peers do costs the same at any rate. Peers read out with
one linear layer of the mean over all steps, ours with neurons that integrate over all of them.
"""

import argparse
import json

import torch
from measuring import THREADS, apart, conditions, median_seconds, peak_memory
from torch.nn.functional import cross_entropy

N_INPUTS, N_NEURONS, N_AHP, N_CLASSES = 80, 240, 100, 10
N_STEPS, BATCH = 840, 64
LSTM_UNITS = 128

INPUT_RATE = 0.03
"""Share of input channels that spike in a step, as in sequential MNIST."""

FIRING_RATE, TOLERANCE = 0.05, 0.0025
LEARNING_RATE = 1e-5
"""Small, so that the firing rate stays where it was put."""

ROUNDS = 3
"""Times that every peer is measured, in turn, so that none has a quiet machine to itself."""

REPEATS, SECONDS = 3, 4
"""Fewest updates of a round, and fewest seconds that they take together."""

TARGETS = {"lava_dl": 25, "norse": 5, "lstm": 4}
"""How many times faster than each peer ours should be."""

NEURON = {"current_decay": 1.0, "voltage_decay": 1 / 20}
"""Decays of the neurons of lava-dl's block and of ours."""


class LavaAHP(torch.nn.Module):
    """140 regular and 100 AHP neurons, and a readout that integrates."""

    def __init__(self):
        from lava_ahp.slayer.block import ahp as block

        super().__init__()
        strength = [0.0] * (N_NEURONS - N_AHP) + [0.0118] * N_AHP
        neuron = {**NEURON, "threshold": 1.0, "ahp_decay": 1 / 700, "ahp_strength": strength}
        readout = {"current_decay": 1.0, "voltage_decay": 1 / 800}
        self.recurrent = block.Recurrent(neuron, N_INPUTS, N_NEURONS)
        self.readout = block.Output(readout, N_NEURONS, N_CLASSES)
        self.weight_matrix = block.weight_matrix
        self.firing_rate = None

    def prepare(self, spikes):
        """Scale the initial weights until the neurons fire as they should."""
        spikes = spikes.permute(0, 2, 1)
        weights = [p for p in self.recurrent.parameters() if p.requires_grad]
        initial = [p.detach().clone() for p in weights]
        low, high = 0.1, 10.0
        with torch.no_grad():
            while high / low > 1.0001:
                scale = (low * high) ** 0.5
                for parameter, value in zip(weights, initial):
                    parameter.copy_(value * scale)
                self(spikes)
                low, high = (scale, high) if self.firing_rate < FIRING_RATE else (low, scale)
        return spikes

    def forward(self, spikes):
        onto = self.weight_matrix(self.readout.synapse)
        trace = self.recurrent.unroll(spikes, onto=onto, record=())
        self.firing_rate = trace.activity.rate.mean().item()
        return self.readout.last_voltage(trace.sent)


class LavaDL(torch.nn.Module):
    """lava-dl's recurrent block of CUBA neurons."""

    def __init__(self):
        from lava.lib.dl.slayer.block import cuba

        super().__init__()
        self.recurrent = cuba.Recurrent({**NEURON, "threshold": 1.0}, N_INPUTS, N_NEURONS)
        self.readout = torch.nn.Linear(N_NEURONS, N_CLASSES)

    def prepare(self, spikes):
        return spikes.permute(0, 2, 1).contiguous()

    def forward(self, spikes):
        return self.readout(self.recurrent(spikes).mean(-1))


class Norse(torch.nn.Module):
    """Norse's recurrent LSNN module, its gradients by surrogate or by the adjoint method."""

    def __init__(self, adjoint=False):
        from norse.torch import LSNNRecurrent

        super().__init__()
        self.recurrent = LSNNRecurrent(N_INPUTS, N_NEURONS, adjoint=adjoint)
        self.readout = torch.nn.Linear(N_NEURONS, N_CLASSES)

    def prepare(self, spikes):
        return spikes.permute(1, 0, 2).contiguous()

    def forward(self, spikes):
        fired, _ = self.recurrent(spikes)
        return self.readout(fired.mean(0))


class LSTM(torch.nn.Module):
    """torch's own LSTM, the paper's yardstick for accuracy."""

    def __init__(self):
        super().__init__()
        self.recurrent = torch.nn.LSTM(N_INPUTS, LSTM_UNITS)
        self.readout = torch.nn.Linear(LSTM_UNITS, N_CLASSES)

    def prepare(self, spikes):
        return spikes.permute(1, 0, 2).contiguous()

    def forward(self, spikes):
        states, _ = self.recurrent(spikes)
        return self.readout(states.mean(0))


MODELS = {
    "lava_ahp": LavaAHP,
    "lava_dl": LavaDL,
    "norse": Norse,
    "norse_adjoint": lambda: Norse(adjoint=True),
    "lstm": LSTM,
}

LABELS = {
    "lava_ahp": "lava-ahp, 240 LIF and AHP neurons",
    "lava_dl": "lava-dl, SLAYER CUBA recurrent, 240",
    "norse": "Norse, LSNN recurrent, 240",
    "norse_adjoint": "Norse, LSNN recurrent, adjoint",
    "lstm": f"torch.nn.LSTM({LSTM_UNITS})",
}


def measure(name, n_steps, threads):
    """Seconds of an update, and the memory it takes, in this process."""
    # Ours has threads of its own beside torch's, as in lava_ahp.training.
    torch.set_num_threads(1 if name == "lava_ahp" else threads)
    torch.manual_seed(0)
    spikes = (torch.rand(BATCH, n_steps, N_INPUTS) < INPUT_RATE).float()
    labels = torch.randint(N_CLASSES, (BATCH,))
    model = MODELS[name]()
    held = peak_memory()
    spikes = model.prepare(spikes)
    optimiser = torch.optim.Adam(
        [p for p in model.parameters() if p.requires_grad], lr=LEARNING_RATE
    )
    rates = []

    def update():
        optimiser.zero_grad()
        cross_entropy(model(spikes), labels).backward()
        optimiser.step()
        rates.append(getattr(model, "firing_rate", None))

    seconds = median_seconds(update, REPEATS, SECONDS)
    found = {"seconds": seconds, "memory": peak_memory() - held, "threads": threads}
    if name == "lava_ahp":
        off = max(abs(rate - FIRING_RATE) for rate in rates)
        assert off < TOLERANCE, f"firing rate: found {rates}, expected {FIRING_RATE}"
        found["firing_rate"] = sum(rates) / len(rates)
    return found


def _median(found):
    """What one peer did at one number of threads, in the middle of its rounds."""
    return sorted(found, key=lambda r: r["seconds"])[len(found) // 2]


def compare(report):
    """Every peer at its better number of threads, and what ours needs of memory."""

    def run(name, threads, n_steps=N_STEPS):
        report(f"{LABELS[name]}, {n_steps} steps, threads: {threads}")
        return apart(__file__, "--measure", name, "--steps", n_steps, threads=threads)

    rounds = []
    for number in range(1, ROUNDS + 1):
        report(f"round {number} of {ROUNDS}")
        rounds.append({name: [run(name, threads) for threads in THREADS] for name in MODELS})
    runs = {name: [_median(found) for found in zip(*(r[name] for r in rounds))] for name in MODELS}
    best = {name: min(found, key=lambda r: r["seconds"]) for name, found in runs.items()}
    best["norse"] = min(best["norse"], best.pop("norse_adjoint"), key=lambda r: r["seconds"])
    ours = best["lava_ahp"]
    twice = run("lava_ahp", ours["threads"], 2 * N_STEPS)
    per_step = (twice["memory"] - ours["memory"]) / (N_STEPS * BATCH)
    return {
        "ratios": {name: best[name]["seconds"] / ours["seconds"] for name in TARGETS},
        "targets": TARGETS,
        "sample_steps_per_second": {
            name: BATCH * N_STEPS / found["seconds"] for name, found in best.items()
        },
        "threads": {name: found["threads"] for name, found in best.items()},
        "firing_rate": ours["firing_rate"],
        "memory_bytes": {name: found["memory"] for name, found in best.items()},
        "memory_bytes_at_twice_the_steps": twice["memory"],
        "memory_bytes_per_sample_step": per_step,
        "rounds": rounds,
        "conditions": conditions("torch", "lava-dl", "norse", "numba"),
    }


def print_table(found):
    """Print a comparison for people."""
    from rich.console import Console
    from rich.table import Table

    table = Table("", "sample-steps/s", "threads", "memory", "ours is", "target")
    for name, rate in found["sample_steps_per_second"].items():
        peer = name in TARGETS
        table.add_row(
            LABELS[name],
            f"{rate:,.0f}",
            str(found["threads"][name]),
            f"{found['memory_bytes'][name] / 1e6:,.0f} MB",
            f"{found['ratios'][name]:.1f} times faster" if peer else "",
            str(TARGETS[name]) if peer else "",
        )
    console = Console()
    console.print(table)
    twice, per_step = (
        found[f"memory_bytes_{key}"] for key in ("at_twice_the_steps", "per_sample_step")
    )
    console.print(
        f"ours: {found['firing_rate']:.2%} of the neurons fire in a step; {twice / 1e6:,.0f} MB at "
        f"{2 * N_STEPS} steps, so {per_step:,.0f} bytes a sample-step"
    )
    console.print(found["conditions"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--measure", choices=MODELS, help="one peer only, in this process")
    parser.add_argument("--steps", type=int, default=N_STEPS, help="with --measure")
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, arguments.steps, torch.get_num_threads())))
        return
    found = compare(lambda line: print(line, flush=True) if not arguments.json else None)
    if arguments.json:
        print(json.dumps(found))
    else:
        print_table(found)


if __name__ == "__main__":
    main()
