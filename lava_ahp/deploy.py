"""Runs a network where Lava can: on Loihi 2 where it is, else in Lava's simulator.

Lava's backend for Loihi 2 is a closed package for members of Intel's research community.
All that depends on it stands in this module. It has never been run here: the package was not
at hand. It is written against what Lava documents and its public applications use: the run
configuration `Loihi2HwCfg`, `lava.utils.loihi` and `lava.utils.slurm`, the spike adapters of
`lava.proc.embedded_io` and the `StateProbe` of `lava.utils.loihi2_state_probes`.

The AHP neuron needs a neurocore model there, which no open package has. Whoever has the closed
one writes it and registers it::

    from lava_ahp import deploy
    from lava_ahp.processes import AHP, Readout

    deploy.register(AHP, MyNcAHPModel)
    deploy.register(Readout, MyNcReadoutModel)

What such a model has to do is the integer step of :mod:`lava_ahp.dynamics`, and the reset and
ports that the Process describes; `lava-ahp conformance check --backend loihi2` tells whether
it does. Without one, `form="stock"` runs the network out of neurons that Lava ships
(:mod:`lava_ahp.stock`).
"""

from dataclasses import replace
from importlib import import_module

from lava_ahp.errors import BackendError, ParameterError, require
from lava_ahp.netx import load

TARGETS = ("auto", "loihi2", "simulator")
FORMS = ("ahp", "stock")

GRADED_BITS = 24
"""Message bits of what leaves the chip: voltages of a readout are as wide."""

_models = {}
"""Neurocore models by Process class."""


def register(process, model):
    """Give the ProcessModel that runs a Process of this package on Loihi 2.

    Parameters
    ----------
    process : type
        A Process class of :mod:`lava_ahp.processes`, such as `AHP`.
    model : type
        A ProcessModel class that runs on a neurocore.

    Raises
    ------
    ParameterError
        If they are not such classes.
    """
    require("lava_ahp.deploy", "lava-nc", "lava.magma", "lava")
    from lava.magma.core.model.model import AbstractProcessModel
    from lava.magma.core.process.process import AbstractProcess

    for name, value, base in (
        ("process", process, AbstractProcess),
        ("model", model, AbstractProcessModel),
    ):
        if not isinstance(value, type) or not issubclass(value, base):
            raise ParameterError(f"{name}: found {value!r}, expected a subclass of {base.__name__}")
    _models[process] = model


def is_available():
    """Whether Lava finds its backend for Loihi 2."""
    require("lava_ahp.deploy", "lava-nc", "lava.magma", "lava")
    from lava.utils import loihi

    return loihi.is_installed()


def run(
    net,
    inputs,
    target="auto",
    form="ahp",
    record=(),
    partition=None,
    board=None,
    generation=None,
    progress=None,
):
    """Run a network over samples, each from rest.

    Parameters
    ----------
    net : NetworkSpec, str or Path
        A network, the name of a shipped one, or a netx file.
    inputs : array_like or Sequence, shape (batch, time, n_inputs)
        Spikes, 0 or 1; integers where the network takes them.
    target : {"auto", "loihi2", "simulator"}, optional
        `auto` is Loihi 2 where Lava finds it, else the simulator.
    form : {"ahp", "stock"}, optional
        AHP neurons, or the form out of neurons that Lava ships, which needs no neurocore model
        of ours.
    record : iterable of {"spikes", "u", "v", "a"}, optional
        What to keep of every step; of the stock form only `spikes`.
    partition, board : str, optional
        SLURM partition or node to run on, as `lava.utils.loihi.use_slurm_host` takes them.
    generation : str, optional
        Generation of the chip, a name of `lava.utils.loihi.ChipGeneration` such as `"N3B3"`.
    progress : callable, optional
        Called with the number of finished samples after each.

    Returns
    -------
    Result
        Of the same type as the engine's.

    Raises
    ------
    BackendError
        If Loihi 2 is asked for and Lava does not find it or the node, or a neurocore model
        is missing.
    ParameterError
        If an argument or a sample is not what it should be.
    MissingExtraError
        If Lava is not installed.
    """
    for name, value, choices in (("target", target, TARGETS), ("form", form, FORMS)):
        if value not in choices:
            raise ParameterError(f"{name}: found {value!r}, expected one of {choices}")
    spec = load(net)
    if not len(inputs):
        raise ParameterError("inputs: found no samples, expected at least one")
    available = is_available()
    if target == "loihi2" and not available:
        raise BackendError(
            "target: found 'loihi2', but Lava finds no backend for Loihi 2: it is a closed "
            "package for members of Intel's Neuromorphic Research Community"
        )
    on_chip = target != "simulator" and available
    node = {"partition": partition, "board": board, "generation": generation}
    if not on_chip and any(value is not None for value in node.values()):
        given = {name: value for name, value in node.items() if value is not None}
        raise BackendError(f"node: found {given}, which only a run on Loihi 2 has")
    from lava_ahp.processes import simulate_on_lava, simulate_stock

    machine = None
    if on_chip:
        if form == "ahp":
            _check_models(spec)
        _choose_node(**node)
        machine = Loihi2()
    simulate = simulate_stock if form == "stock" else simulate_on_lava
    return simulate(
        spec, inputs, len(inputs[0]), record=record, progress=progress, machine=machine
    )


def missing_models(network):
    """Process classes of a network that have no neurocore model, Lava's own left out.

    Parameters
    ----------
    network : NetworkSpec

    Returns
    -------
    list of type
    """
    from lava_ahp.processes import Network

    net = Network(replace(network, staggered_reset=False), reset_interval=2)
    parts = [
        part
        for layer in net.layers
        for part in (
            layer.neuron,
            layer.synapse,
            layer.synapse_inhibitory,
            layer.synapse_rec,
            layer.synapse_rec_inhibitory,
        )
    ]
    ours = dict.fromkeys(
        type(part) for part in parts if type(part).__module__.startswith(__package__ + ".")
    )
    return [process for process in ours if process not in _models]


def _check_models(network):
    missing = [process.__name__ for process in missing_models(network)]
    if missing:
        raise BackendError(
            f"neurocore models: found none of {', '.join(missing)}: register yours with "
            f"lava_ahp.deploy.register, or ask for form='stock'"
        )


def _choose_node(partition, board, generation):
    """Pass the choice of a node on to Lava."""
    if partition is None and board is None and generation is None:
        return
    from lava.utils import loihi

    chosen = {} if generation is None else {"loihi_gen": _generation(loihi, generation)}
    try:
        loihi.use_slurm_host(partition=partition, board=board, **chosen)
    except (ImportError, ValueError) as error:
        raise BackendError(f"node: {error}") from error


def _generation(loihi, name):
    names = [generation.name for generation in loihi.ChipGeneration]
    if name not in names:
        raise ParameterError(f"generation: found {name!r}, expected one of {names}")
    return loihi.ChipGeneration[name]


class Loihi2:
    """The chip, with the methods of :class:`lava_ahp.processes.machine.Simulator`."""

    def __init__(self):
        self.probes = []

    def feed(self, port, network_port):
        """Connect a source on the CPU to the network on the chip."""
        adapter = _closed("lava.proc.embedded_io.spike", "PyToNxAdapter")(
            shape=network_port.shape
        )
        port.connect(adapter.inp)
        adapter.out.connect(network_port)

    def tap(self, network_port, port):
        """Connect a port of the network on the chip to a sink on the CPU."""
        adapter = _closed("lava.proc.embedded_io.spike", "NxToPyAdapter")(
            shape=network_port.shape, num_message_bits=GRADED_BITS
        )
        network_port.connect(adapter.inp)
        adapter.out.connect(port)

    def probe(self, target, n_steps):
        """Record a Var by a probe on the chip, spikes by a sink on the CPU."""
        from lava.magma.core.process.variable import Var
        from lava.proc.io.sink import RingBuffer

        if isinstance(target, Var):
            probe = _closed("lava.utils.loihi2_state_probes", "StateProbe")(target)
            self.probes.append(probe)
            return probe
        sink = RingBuffer(shape=target.shape, buffer=n_steps)
        self.tap(target, sink.a_in)
        return sink

    def values(self, probe):
        """What was recorded, shape (n_steps, *shape)."""
        return probe.time_series if probe in self.probes else probe.data.get().T

    def config(self):
        """The run configuration."""
        from lava.magma.core.run_configs import Loihi2HwCfg

        return Loihi2HwCfg(
            select_tag="fixed_pt",
            exception_proc_model_map=dict(_models),
            callback_fxs=self.probes,
        )


def _closed(module, name):
    """A part of the closed package."""
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise BackendError(f"{module}: found no {name}, which Lava's backend has: {error}") from None
