"""Training speed at the sequential-MNIST shape, against lava-dl, Norse and torch's LSTM.

80 inputs, 240 recurrent neurons, 10 outputs, 840 steps, batches of 64; forward, backward
and an update by Adam. Every peer has a process of its own for each number of threads, and the
better number counts. They take turns, in many rounds: a ratio is the median of those of the rounds,
so that what else the machine does slows both sides of it. Ours fires at 5 % of the neurons in a step,
measured in the updates that are timed; what the peers do costs the same at any rate. Peers read out
with one linear layer of the mean over all steps, ours with neurons that integrate over all of them.
"""

import argparse
import json
from contextlib import ExitStack
from statistics import mean, median, quantiles

import torch
from measuring import THREADS, Peer, conditions, median_seconds, peak_memory, take_turns
from torch.nn.functional import cross_entropy

N_INPUTS, N_NEURONS, N_AHP, N_CLASSES = 80, 240, 100, 10
N_STEPS, BATCH = 840, 64
LSTM_UNITS = 128

INPUT_RATE = 0.03
"""Share of input channels that spike in a step, as in sequential MNIST."""

FIRING_RATE, TOLERANCE = 0.05, 0.0025
LEARNING_RATE = 1e-5
"""Small, so that the firing rate stays where it was put."""

ROUNDS = 16
"""Times that it is every peer's turn."""

SECONDS = 1
"""What the updates of a turn take at least; one update may take longer."""

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
    "lava_ahp": "lava-ahp, LIF and AHP",
    "lava_dl": "lava-dl, SLAYER CUBA",
    "norse": "Norse, LSNN",
    "norse_adjoint": "Norse, LSNN, adjoint",
    "lstm": f"torch.nn.LSTM({LSTM_UNITS})",
}


def serve(name, n_steps, threads):
    """Measure the seconds of an update, and the memory it takes, whenever it is this process's turn."""
    # Ours has threads of its own beside torch's, as in lava_ahp.training.
    torch.set_num_threads(1 if name == "lava_ahp" else threads)
    torch.manual_seed(0)
    spikes = (torch.rand(BATCH, n_steps, N_INPUTS) < INPUT_RATE).float()
    labels = torch.randint(N_CLASSES, (BATCH,))
    model = MODELS[name]()
    held = peak_memory()
    spikes = model.prepare(spikes)
    trained = [p for p in model.parameters() if p.requires_grad]
    initial = [p.detach().clone() for p in trained]

    def measure():
        # What learns does not fire as it did before: every turn begins anew.
        with torch.no_grad():
            for parameter, value in zip(trained, initial):
                parameter.copy_(value)
        optimiser = torch.optim.Adam(trained, lr=LEARNING_RATE)
        rates = []

        def update():
            optimiser.zero_grad()
            cross_entropy(model(spikes), labels).backward()
            optimiser.step()
            rates.append(getattr(model, "firing_rate", None))

        seconds = median_seconds(update, 1, SECONDS, warm_up=False)
        found = {"seconds": seconds, "memory": peak_memory() - held}
        if name == "lava_ahp":
            if max(abs(rate - FIRING_RATE) for rate in rates) > TOLERANCE:
                raise SystemExit(f"firing rate: found {rates}, expected {FIRING_RATE}")
            found["firing_rate"] = mean(rates)
        return found

    take_turns(measure)


def compare(report):
    """Every peer at its better number of threads, and what ours needs of memory."""

    def peer(name, threads, n_steps=N_STEPS):
        report(f"starting {LABELS[name]}, {n_steps} steps, threads: {threads}")
        return Peer(__file__, "--serve", name, "--steps", n_steps, threads=threads)

    with ExitStack() as stack:
        peers = {
            (name, threads): stack.enter_context(peer(name, threads))
            for name in MODELS
            for threads in THREADS
        }
        turns = {key: [] for key in peers}
        for number in range(1, ROUNDS + 1):
            report(f"round {number} of {ROUNDS}")
            for key, one in peers.items():
                turns[key].append(one.turn())
    seconds = {key: [turn["seconds"] for turn in found] for key, found in turns.items()}

    def best(*names):
        return min((key for key in turns if key[0] in names), key=lambda key: median(seconds[key]))

    chosen = {name: best(name) for name in ("lava_ahp", *TARGETS)}
    chosen["norse"] = best("norse", "norse_adjoint")
    ours = chosen["lava_ahp"]
    ratios = {
        name: [theirs / own for theirs, own in zip(seconds[chosen[name]], seconds[ours])]
        for name in TARGETS
    }
    memory = {name: turns[key][-1]["memory"] for name, key in chosen.items()}
    with peer(*ours, 2 * N_STEPS) as longer:
        twice = longer.turn()["memory"]
    return {
        "ratios": {name: median(found) for name, found in ratios.items()},
        "quartiles": {name: quantiles(found, n=4)[::2] for name, found in ratios.items()},
        "targets": TARGETS,
        "sample_steps_per_second": {
            name: BATCH * N_STEPS / median(seconds[key]) for name, key in chosen.items()
        },
        "threads": {name: threads for name, (_, threads) in chosen.items()},
        "firing_rate": mean(turn["firing_rate"] for turn in turns[ours]),
        "memory_bytes": memory,
        "memory_bytes_at_twice_the_steps": twice,
        "memory_bytes_per_sample_step": (twice - memory["lava_ahp"]) / (N_STEPS * BATCH),
        "seconds": {f"{name}, threads: {threads}": s for (name, threads), s in seconds.items()},
        "conditions": conditions("torch", "lava-dl", "norse", "numba"),
    }


def print_table(found):
    """Print a comparison for people."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    headings = "", "sample-\nsteps/s", "threads", "memory", "ours faster\n(half of the rounds)", "target"
    table = Table(*headings, box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name, rate in found["sample_steps_per_second"].items():
        low, high = found["quartiles"].get(name, (0, 0))
        peer = name in TARGETS
        table.add_row(
            LABELS[name],
            f"{rate:,.0f}",
            str(found["threads"][name]),
            f"{found['memory_bytes'][name] / 1e6:,.0f} MB",
            f"{found['ratios'][name]:.1f} ({low:.1f} to {high:.1f})" if peer else "",
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
    parser.add_argument("--serve", choices=MODELS, help="one peer, measured for every line of input")
    parser.add_argument("--steps", type=int, default=N_STEPS, help="with --serve")
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.steps, torch.get_num_threads())
        return
    found = compare(lambda line: print(line, flush=True) if not arguments.json else None)
    if arguments.json:
        print(json.dumps(found))
    else:
        print_table(found)


if __name__ == "__main__":
    main()
