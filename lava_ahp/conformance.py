"""Recorded states of networks and neurons, and whether a backend gives the very same.

A file of vectors holds inputs, and of every neuron and step the synaptic current `u`, the AHP
current `a`, the voltage `v` after the reset and the spikes. With the integer step of
:mod:`lava_ahp.dynamics` they say what a neurocore model of the AHP neuron has to do.
"""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from lava_ahp import deploy, netx, netx_models, relational
from lava_ahp.comparison import COMPARED, Comparison, compare
from lava_ahp.dynamics import STATE_MAX, STATE_SHIFT
from lava_ahp.engine import Result, simulate
from lava_ahp.errors import FileFormatError, ParameterError
from lava_ahp.evaluation import BACKENDS
from lava_ahp.files import written_whole
from lava_ahp.network import Layer, NetworkSpec
from lava_ahp.neuron import RANGES, VTH_NEVER, FixedAHPParameters

FOLDER = Path(netx_models.__file__).parent / "conformance"
"""Where the vectors lie that come with the package."""

NEURONS = "neurons"
"""Vectors of single neurons; their network lies beside them."""

FORMAT_ATTRIBUTE = "lavaAhpConformance"
FORMAT_VERSION = 1

N_SAMPLES = 2
"""Samples in a file: the second one tells whether the first is forgotten."""

N_STEPS = 100

INPUT_RATE = 0.05
"""Spikes per channel and step of the random input of a network."""

SEED = 20220518


@dataclass(frozen=True, eq=False)
class Vectors:
    """Inputs of a network and the states that they lead to.

    Attributes
    ----------
    name : str
        Name of the network.
    network : NetworkSpec
    inputs : ndarray of int, shape (batch, time, n_inputs)
    expected : Result
        With everything recorded.
    """

    name: str
    network: NetworkSpec
    inputs: np.ndarray
    expected: Result


@dataclass(frozen=True, eq=False)
class Outcome:
    """Whether a backend conforms to one file of vectors.

    Attributes
    ----------
    name : str
    backend : str
    comparison : Comparison
        Of the vectors and what the backend gave, in this order.
    """

    name: str
    backend: str
    comparison: Comparison

    @property
    def conforms(self):
        """Whether every value is the same."""
        return not self.comparison.n_differences


def names(folder=FOLDER):
    """Names of the files of vectors in a folder, sorted."""
    paths = (path.relative_to(folder).with_suffix("") for path in Path(folder).rglob("*.h5"))
    return sorted(path.as_posix() for path in paths)


def shipped():
    """Names of the shipped networks, of relational ones their readers and their first head."""
    parts = []
    for name in netx_models.folders():
        network = relational.load(name)
        task = min(network.heads)
        parts += [
            f"{name}/{part}"
            for part in ("sentence", "question", f"relation-{task}", f"answer-{task}")
        ]
    return [*netx_models.names(), *parts]


def make(folder=FOLDER, which=None):
    """Write the vectors of single neurons and of the shipped networks.

    Parameters
    ----------
    folder : str or Path, optional
        By default where the package has them.
    which : iterable of str, optional
        Names, :data:`NEURONS` or those of shipped networks; by default all.

    Returns
    -------
    list of Path
        The files of vectors.

    Raises
    ------
    FileFormatError
        If there is no network of a name.
    """
    folder = Path(folder)
    paths = []
    for name in which or (NEURONS, *shipped()):
        random = np.random.RandomState(SEED)  # its stream is frozen
        if name == NEURONS:
            network = edge_neurons(random)
            netx.write(network, folder / f"{NEURONS}.net")
            inputs = _edge_inputs(random, network.n_inputs)
        else:
            network = netx.load(name)
            shape = (N_SAMPLES, N_STEPS, network.n_inputs)
            inputs = (random.random_sample(shape) < INPUT_RATE).astype(np.int32)
        expected = simulate(network, inputs, record=COMPARED)
        paths.append(folder / f"{name}.h5")
        _write(Vectors(name, network, inputs, expected), paths[-1])
    return paths


def check(backend="engine", which=None, folder=FOLDER, progress=None):
    """Run a backend on recorded inputs and compare every state of every step.

    Parameters
    ----------
    backend : {"engine", "lava", "loihi2"}, optional
    which : iterable of str, optional
        Names of vectors, by default all in the folder.
    folder : str or Path, optional
        Where the vectors lie.
    progress : callable, optional
        Called with the number of finished files and their total.

    Returns
    -------
    list of Outcome

    Raises
    ------
    ParameterError
        If the backend is unknown or there are no vectors.
    FileFormatError
        If vectors are missing, damaged, or those of another network.
    MissingExtraError
        If Lava is asked for and not installed.
    BackendError
        If Loihi 2 is asked for and not there, or a neurocore model is missing.
    """
    if backend not in BACKENDS:
        raise ParameterError(f"backend: found {backend!r}, expected one of {BACKENDS}")
    which = list(which or names(folder))
    if not which:
        raise ParameterError(f"vectors: found none in {folder}, expected at least one file")
    outcomes = []
    for name in which:
        vectors = read(name, folder)
        found = _run(vectors, backend)
        outcomes.append(Outcome(name, backend, compare(vectors.expected, found)))
        if progress:
            progress(len(outcomes), len(which))
    return outcomes


def read(name, folder=FOLDER):
    """Read vectors by their name.

    Parameters
    ----------
    name : str
    folder : str or Path, optional

    Returns
    -------
    Vectors

    Raises
    ------
    FileFormatError
        If they are missing, damaged, or those of another network than there is today.
    """
    path = Path(folder) / f"{name}.h5"
    if not path.is_file():
        raise FileFormatError(path, "", f"found no such file, expected one of {names(folder)}")
    network = netx.read(path.with_suffix(".net")) if name == NEURONS else netx.load(name)
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get(FORMAT_ATTRIBUTE) != FORMAT_VERSION:
                raise FileFormatError(
                    path,
                    FORMAT_ATTRIBUTE,
                    f"found {file.attrs.get(FORMAT_ATTRIBUTE)}, expected {FORMAT_VERSION}",
                )
            if file.attrs["fingerprint"] != network.fingerprint():
                raise FileFormatError(
                    path,
                    "fingerprint",
                    "found vectors of another network than there is today, expected its own: "
                    f"lava-ahp conformance make {name}",
                )
            inputs = file["inputs"][:]
            states = {
                variable: {
                    layer.name: file[f"states/{layer.name}/{variable}"][:]
                    for layer in network.layers
                }
                for variable in COMPARED
            }
            output = file["output"][:]
    except (OSError, KeyError) as error:
        raise FileFormatError(path, "", f"expected whole vectors, found: {error}") from None
    expected = Result(
        output=output,
        spike_counts={n: s.sum(axis=1, dtype=np.int64) for n, s in states["spikes"].items()},
        n_steps=inputs.shape[1],
        **states,
    )
    return Vectors(name, network, inputs, expected)


def edge_neurons(random):
    """A population of neurons with parameters at the ends of their ranges.

    Each takes its input directly. The first have one parameter at one end and the others in
    the middle of the road, the next draw each parameter from its ends and its middle.

    Parameters
    ----------
    random : numpy.random.RandomState

    Returns
    -------
    NetworkSpec
    """
    middle = {
        "du": 2047,
        "dv": 205,
        "da": 20,
        "vth": 508,
        "ahp_mant": 96,
        "ahp_exp": -2,
        "in_exp": 0,
        "refractory_period": 0,
        "bias_mant": 0,
        "bias_exp": 0,
    }
    ends = {name: [*RANGES[name], middle[name]] for name in middle}
    ends["vth"].append(VTH_NEVER)
    ends["bias_mant"] += [-37, 37]
    neurons = [middle | {name: end} for name in middle for end in ends[name][:2]]
    neurons += [middle | {"vth": VTH_NEVER}]
    neurons += [
        {name: values[random.randint(len(values))] for name, values in ends.items()}
        for _ in range(64)
    ]
    # its AHP current comes to the end of its 24 bits
    steady = {"du": 4095, "da": 0, "vth": 0, "ahp_mant": 200, "ahp_exp": 7, "in_exp": 7}
    neurons.append(middle | steady)
    parameters = FixedAHPParameters(
        **{name: np.array([neuron[name] for neuron in neurons]) for name in middle}
    )
    return NetworkSpec((Layer(NEURONS, len(neurons), parameters),))


def _edge_inputs(random, n):
    """Input that drives neurons gently, hard enough to wrap and saturate, or not at all.

    The last one is driven as hard as its synaptic current can hold, in every step.
    """
    shape = (N_SAMPLES, N_STEPS, n)
    size = random.choice([0, 1 << 8, 1 << 12, 1 << 17], shape, p=[0.4, 0.4, 0.15, 0.05])
    inputs = np.rint(random.uniform(-0.7, 1.0, shape) * size).astype(np.int32)
    inputs[:, :, -1] = (STATE_MAX >> STATE_SHIFT) >> RANGES["in_exp"][1]
    return inputs


def _write(vectors, path):
    with written_whole(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs[FORMAT_ATTRIBUTE] = FORMAT_VERSION
        file.attrs["network"] = vectors.name
        file.attrs["fingerprint"] = vectors.network.fingerprint()

        def write(name, values):
            file.create_dataset(name, data=values, compression="gzip", shuffle=True)

        write("inputs", vectors.inputs)
        write("output", vectors.expected.output)
        for variable in COMPARED:
            for layer, values in getattr(vectors.expected, variable).items():
                write(f"states/{layer}/{variable}", values)


def _run(vectors, backend):
    if backend == "engine":
        return simulate(vectors.network, vectors.inputs, record=COMPARED)
    target = "simulator" if backend == "lava" else backend
    return deploy.run(vectors.network, vectors.inputs, target, record=COMPARED)
