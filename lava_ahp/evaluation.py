"""How well a network does its task, and how much it fires, in the engine or on Lava."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lava_ahp import deploy, netx, tasks
from lava_ahp.engine import Operations, simulate, stream
from lava_ahp.engine.simulate import BATCH_SIZE
from lava_ahp.errors import ParameterError, check_count
from lava_ahp.network import NetworkSpec
from lava_ahp.tasks import encoding

BACKENDS = ("engine", "lava", "loihi2")
"""What can run a network: the engine, Lava's fixed-point simulator, or Loihi 2."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a network did with labelled samples.

    Attributes
    ----------
    network : str
        Name or path of the network.
    task, split : str
        Where the samples come from.
    backend : {"engine", "lava"}
        What ran the network.
    n_steps : int
        Steps of each sample.
    predictions, labels : ndarray of int64, shape (n,)
        In the data's order.
    class_names : tuple of str
        One per output; the outputs' numbers where the network has no names.
    firing_rate : float
        Mean spikes per hidden neuron and step.
    firing_rates : dict of float
        The same by group of hidden neurons.
    readout_spikes : int
        Spikes of a readout by voltage. Each resets a voltage that should only integrate,
        so a network should have none.
    seconds_per_sample : float
        Wall time of the whole run over the number of samples; on Lava this includes
        the start of its processes.
    operations : Operations or None
        Counts of the run; None on Lava.
    """

    network: str
    task: str
    split: str
    backend: str
    n_steps: int
    predictions: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    firing_rate: float
    firing_rates: dict
    readout_spikes: int
    seconds_per_sample: float
    operations: Operations | None

    @property
    def n(self):
        """Number of samples."""
        return len(self.labels)

    @property
    def n_correct(self):
        """Number of samples whose prediction is their label."""
        return int(np.count_nonzero(self.predictions == self.labels))

    @property
    def accuracy(self):
        """Fraction of samples whose prediction is their label."""
        return self.n_correct / self.n

    @property
    def confusion(self):
        """Number of samples by label (row) and prediction (column), int64."""
        size = max(len(self.class_names), int(self.labels.max()) + 1)
        matrix = np.zeros((size, size), np.int64)
        np.add.at(matrix, (self.labels, self.predictions), 1)
        return matrix

    def to_dict(self):
        """Plain numbers, strings, lists and dicts, fit for JSON."""
        return {
            "network": self.network,
            "task": self.task,
            "split": self.split,
            "backend": self.backend,
            "n": self.n,
            "n_correct": self.n_correct,
            "accuracy": self.accuracy,
            "firing_rate": self.firing_rate,
            "firing_rates": dict(self.firing_rates),
            "readout_spikes": self.readout_spikes,
            "n_steps": self.n_steps,
            "seconds_per_sample": self.seconds_per_sample,
            "class_names": list(self.class_names),
            "confusion": self.confusion.tolist(),
            "operations": self.operations and self.operations.to_dict(),
        }


def evaluate(
    network,
    data=None,
    split="test",
    backend="engine",
    limit=None,
    batch_size=BATCH_SIZE,
    progress=None,
    form="ahp",
):
    """Run a network over a split of its task.

    Parameters
    ----------
    network : NetworkSpec, str or Path
        A network whose metadata name its task, the name of a shipped one, or a netx file.
    data : str or Path, optional
        File or folder of the task's data, where it does not bring them itself.
    split : str, optional
        One of the task's `SPLITS`.
    backend : {"engine", "lava", "loihi2"}, optional
        All give the same predictions; Lava's simulator is slower by orders of magnitude.
    limit : int, optional
        Use the first samples only.
    batch_size : int, optional
        Samples that the engine holds at a time.
    progress : callable, optional
        Called with the number of finished samples and their total now and then.
    form : {"ahp", "stock"}, optional
        AHP neurons, or their form out of neurons that Lava ships; not in the engine.

    Returns
    -------
    Evaluation

    Raises
    ------
    ParameterError
        If an argument is not what it should be or the network has no task.
    FileFormatError
        If a file is missing or damaged.
    MissingExtraError
        If Lava is asked for and not installed.
    """
    _check_choice("backend", backend, BACKENDS)
    spec = netx.load(network)
    samples = load_samples(spec, data, split, limit)
    if backend == "engine":
        # Compiled before the clock runs, where that has not been done on this machine.
        simulate(spec, samples.spikes[0:1])
    predictions, counts, operations, seconds = run(
        spec, samples, backend, batch_size, progress, form
    )
    n_steps = samples.spikes.n_steps
    neuron_steps = n_steps * len(samples)
    hidden = sum(layer.n_neurons for layer in spec.hidden)
    spikes = sum(int(counts[layer.name].sum()) for layer in spec.hidden)
    return Evaluation(
        network=network_name(network),
        task=spec.metadata.task,
        split=split,
        backend=backend,
        n_steps=n_steps,
        predictions=predictions,
        labels=samples.labels,
        class_names=class_names(spec),
        firing_rate=spikes / (neuron_steps * hidden) if hidden else 0.0,
        firing_rates={
            label: float(counts[layer.name][where].mean()) / neuron_steps
            for label, layer, where in hidden_groups(spec)
        },
        readout_spikes=(
            int(counts[spec.layers[-1].name].sum()) if spec.readout == "voltage" else 0
        ),
        seconds_per_sample=seconds / len(samples),
        operations=operations,
    )


def run(
    network, samples, backend="engine", batch_size=BATCH_SIZE, progress=None, form="ahp"
):
    """Predictions for samples, spikes of each neuron, counts, and the time that it took.

    Parameters
    ----------
    network : NetworkSpec
    samples : Samples
    backend, batch_size, progress, form
        As in :func:`evaluate`.

    Returns
    -------
    predictions : ndarray of int64, shape (n,)
    spike_counts : dict of ndarray of int64, shape (n_neurons,)
        Spikes of each neuron over all samples, by layer.
    operations : Operations or None
        None on Lava.
    seconds : float
    """
    _check_choice("backend", backend, BACKENDS)
    if backend == "engine" and form != "ahp":
        raise ParameterError(f"form: found {form!r} in the engine, which runs AHP neurons only")
    report = progress or (lambda done, total: None)
    predictions, operations = np.empty(len(samples), np.int64), None
    counts = {layer.name: np.zeros(layer.n_neurons, np.int64) for layer in network.layers}
    start, n_done = time.perf_counter(), 0
    for result in _results(network, samples, backend, batch_size, report, form):
        n = len(result.output)
        predictions[n_done : n_done + n] = result.predictions
        for name, count in result.spike_counts.items():
            counts[name] += count.sum(axis=0)
        operations = operations + result.operations if operations else result.operations
        n_done += n
        if backend == "engine":
            report(n_done, len(samples))
    return predictions, counts, operations, time.perf_counter() - start


def _results(network, samples, backend, batch_size, report, form):
    """Results of the samples, batch by batch; Lava runs all of them in one."""
    if backend == "engine":
        return stream(network, samples.spikes, batch_size=batch_size)
    target = "simulator" if backend == "lava" else backend
    return [
        deploy.run(
            network,
            samples.spikes,
            target,
            form,
            progress=lambda done: report(done, len(samples)),
        )
    ]


def network_name(network):
    """What to call a network in a report."""
    if isinstance(network, NetworkSpec):
        return str(network.metadata.provenance.get("name", "network"))
    return str(network)


def load_samples(network, data=None, split="test", limit=None):
    """Samples of a network's task in the network's encoding.

    Parameters
    ----------
    network : NetworkSpec
    data, split, limit
        As in :func:`evaluate`.

    Returns
    -------
    Samples

    Raises
    ------
    ParameterError
        If the network has no task, the encoding does not fit it, the split is unknown or
        empty, or the limit is not positive.
    """
    if limit is not None:
        check_count("limit", limit)
    if not network.metadata.task:
        raise ParameterError(
            "task: found none in the network's metadata, expected the name of a task: "
            "the file does not say what its input means"
        )
    task = tasks.get(network.metadata.task)
    coding = network.metadata.encoding
    coding = encoding.from_dict(coding) if coding else task.default_encoding()
    if coding.n_channels != network.n_inputs:
        raise ParameterError(
            f"encoding: found {coding.n_channels} channels, "
            f"expected {network.n_inputs}, the inputs of the network"
        )
    _check_choice("split", split, task.SPLITS)
    samples = task.load(split, None if data is None else Path(data), coding)
    samples = samples if limit is None else samples.first(limit)
    if not len(samples):
        raise ParameterError(f"split: found no samples in {split!r}, expected at least one")
    return samples


def class_names(network):
    """Names of the outputs, or their numbers."""
    return network.metadata.class_names or tuple(map(str, range(network.n_outputs)))


def hidden_groups(network):
    """Those of a network's :meth:`~NetworkSpec.labelled_groups` that are hidden."""
    return [group for group in network.labelled_groups() if group[1] in network.hidden]


def _check_choice(name, value, choices):
    if value not in choices:
        raise ParameterError(f"{name}: found {value!r}, expected one of {tuple(choices)}")
