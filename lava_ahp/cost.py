"""What a network costs on Loihi with the activity that it has on its task's samples."""

from dataclasses import dataclass

import numpy as np

from lava_ahp import netx, relational
from lava_ahp.engine import Operations
from lava_ahp.evaluation import load_samples, network_name, run
from lava_ahp.hardware import lstm, neurobench
from lava_ahp.hardware.energy import Energy, estimate
from lava_ahp.hardware.figures import FIGURES, MEASURED
from lava_ahp.hardware.placement import DEFAULT_RATE, Placement, place
from lava_ahp.tasks.encoding import ThresholdCrossing

LSTM_BATCHES = (1, 64)
"""Samples that the LSTM takes side by side: one answers soonest, many take less energy each."""


@dataclass(frozen=True, eq=False)
class EnergyReport:
    """Energy of a network on Loihi 1 and of an LSTM on the CPU, for one sample.

    Attributes
    ----------
    network : str
        Name or path of the network.
    n_steps : int
        Steps of each sample.
    energy : lava_ahp.hardware.energy.Energy
    operations : Operations
        Counted by the engine, over all samples.
    placement : Placement
        With the activity of these samples.
    neurobench : dict
        As :func:`lava_ahp.hardware.neurobench.metrics` gives it.
    lstm : tuple of lava_ahp.hardware.lstm.Cost
        One for each size of batch.
    """

    network: str
    n_steps: int
    energy: Energy
    operations: Operations
    placement: Placement
    neurobench: dict
    lstm: tuple[lstm.Cost, ...]

    def to_dict(self):
        """Plain numbers, strings, lists and dicts, fit for JSON."""
        return {
            "network": self.network,
            "target": self.placement.chip.name,
            "n_samples": self.operations.n_samples,
            "n_steps": self.n_steps,
            "n_cores": self.placement.n_cores,
            "n_chips": self.placement.n_chips,
            **self.energy.to_dict(),
            "operations": self.operations.to_dict(),
            "neurobench": self.neurobench,
            "lstm": [cost.to_dict() for cost in self.lstm],
            "figures": {name: vars(figure) for name, figure in FIGURES.items()},
        }


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
    return _measured(spec, samples, target, progress)[0]


def placement_of_copies(network, target="loihi1", task=None):
    """Cores and chips for a relational network with all copies of its parts side by side.

    Copies of a part that fills several cores have these to themselves; of a smaller part as
    many share a core as its fullest resource allows.

    Parameters
    ----------
    network : RelationalNetwork, str or Path
    target : {"loihi1", "loihi2"}, optional
    task : int, optional
        Whose head is placed; by default the first one.

    Returns
    -------
    dict
        `target`, `task`, `cores`, `chips`, and `parts`: by part a dict with `copies`, `cores`
        and `binding`, the resource that decides.

    Raises
    ------
    LavaAHPError
        If a part does not fit, or there is no head for the task.
    """
    network = relational.load(network)
    task = min(network.heads) if task is None else task
    scale = network.scale(task)
    parts = {}
    for name, part in network.parts(task).items():
        placed, copies = place(part, target), scale[name]["copies"]
        cores = copies * placed.n_cores
        if placed.n_cores == 1:
            fullest = max(float(used[0]) for used in placed.fractions.values())
            cores = -(-copies // int(1 / fullest))
        parts[name] = {"copies": copies, "cores": cores, "binding": placed.binding}
    cores = sum(part["cores"] for part in parts.values())
    chips = -(-cores // placed.chip.cores.value)
    return {"target": target, "task": task, "cores": cores, "chips": chips, "parts": parts}


def energy(
    network, data=None, split="test", limit=None, cpu_watts=lstm.CPU_WATTS, progress=None
):
    """Energy and time of a network on Loihi 1, and of an LSTM on this machine's CPU.

    Parameters
    ----------
    network : NetworkSpec, str or Path
        A network whose metadata name its task, the name of a shipped one, or a netx file.
    data, split, limit, progress
        Samples to count operations on, as in :func:`lava_ahp.evaluation.evaluate`.
    cpu_watts : float, optional
        Power of a busy CPU, where its own counter cannot be read.

    Returns
    -------
    EnergyReport

    Raises
    ------
    LavaAHPError
        If the network does not fit, or an argument is not what it should be.
    """
    spec = netx.load(network)
    samples = load_samples(spec, data, split, limit)
    placed, operations = _measured(spec, samples, "loihi1", progress)
    n_steps = samples.spikes.n_steps
    # An LSTM takes values as they are.
    one_value = isinstance(samples.spikes.encoding, ThresholdCrossing)
    n_inputs = 1 if one_value else spec.n_inputs
    return EnergyReport(
        network=network_name(network),
        n_steps=n_steps,
        energy=estimate(placed, n_steps, MEASURED.get(spec.fingerprint())),
        operations=operations,
        placement=placed,
        neurobench=neurobench.metrics(spec, operations),
        lstm=tuple(
            lstm.measure(n_steps, n_inputs, batch=batch, watts=cpu_watts)
            for batch in LSTM_BATCHES
        ),
    )


def _measured(network, samples, target, progress):
    """The placement with the activity that the network has on samples, and its operations."""
    _, counts, operations, _ = run(network, samples, progress=progress)
    n_steps = len(samples) * samples.spikes.n_steps
    sent = sum(np.count_nonzero(samples.spikes[i], axis=0) for i in range(len(samples)))
    rates = {name: count / n_steps for name, count in counts.items()}
    return place(network, target, rates, sent / n_steps), operations
