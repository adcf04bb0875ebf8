"""Runs a batch of samples on Lava and gives what the engine gives."""

import os
import signal
import time
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.runtime.mgmt_token_enums import MGMT_RESPONSE, enum_equal

from lava_ahp.engine import Result
from lava_ahp.engine.inputs import check_input
from lava_ahp.engine.result import RECORDABLE, check_record
from lava_ahp.errors import LavaAHPError, ParameterError, check_count
from lava_ahp.netx import load
from lava_ahp.processes.io.process import SampleSink, SpikeSource
from lava_ahp.processes.machine import Simulator
from lava_ahp.processes.network.process import Network
from lava_ahp.processes.stock.process import StockNetwork

POLL_SECONDS = 0.002
"""How often a run is looked at; a step of Lava takes about as long."""


def simulate_on_lava(
    network, samples, n_steps, record=(), progress=None, two_compartments=False, machine=None
):
    """Run a network over samples in Lava's simulator, each from rest.

    The samples follow one another in one run, with a reset of the whole network between
    them. It gives the same as :func:`lava_ahp.engine.simulate`, in every bit, and takes
    about a millisecond a step. No process stays behind, whatever happens.

    Parameters
    ----------
    network : NetworkSpec, str or Path
        The network, the name of a shipped one, or a netx file.
    samples : Sequence of array_like of int or bool, shape (n_steps, n_inputs)
        Input spikes of each sample, taken from the sequence when its turn comes. An array
        of shape (batch, n_steps, n_inputs) is one.
    n_steps : int
        Steps of each sample.
    record : iterable of {"spikes", "u", "v", "a"}, optional
        What to keep of every step; Lava is slow in giving it out.
    progress : callable, optional
        Called with the number of finished samples after each.
    two_compartments : bool, optional
        Run each AHP neuron as two compartments, as on the chip.
    machine : lava_ahp.processes.machine.Simulator, optional
        What Lava runs on, by default its simulator; or another with the same methods.

    Returns
    -------
    Result

    Raises
    ------
    ParameterError
        If an argument or a sample is not what it should be.
    RuntimeError
        If one of Lava's processes ended in an error; it is the cause.
    """
    check_count("n_steps", n_steps)
    record = check_record(record)
    batch = check_count("number of samples", len(samples))
    machine = machine or Simulator(two_compartments)

    # Each sample from rest: also where a file of lava-dl asks for stock netx's reset.
    net = Network(replace(load(network), staggered_reset=False), reset_interval=n_steps)
    spec = net.spec
    source = SpikeSource(
        shape=net.inp.shape, samples=_Checked(spec, samples, n_steps), n_steps=n_steps
    )
    machine.feed(source.s_out, net.inp)
    counters, probes = {}, {name: {} for name in record}
    for layer in net.layers:
        name = layer.spec.name
        counters[name] = _sink(machine, layer.neuron.s_out, batch, n_steps, "sum")
        for key in record:
            target = layer.neuron.s_out if key == "spikes" else getattr(layer.neuron, key, None)
            if target is not None:
                probes[key][name] = machine.probe(target, batch * n_steps)
    by_voltage = spec.readout == "voltage"
    last = _sink(machine, net.out, batch, n_steps, "last") if by_voltage else None

    with _Run(source, machine.config()) as run:
        if progress is None:
            run.advance(batch * n_steps)
        else:
            for done in range(1, batch + 1):
                run.advance(n_steps)
                progress(done)
        counts = {name: _integers(sink.data.get()) for name, sink in counters.items()}
        output = counts[spec.layers[-1].name] if last is None else _integers(last.data.get())
        records = {
            key: {
                layer.name: _recorded(
                    machine, probes[key].get(layer.name), key, (batch, n_steps, layer.n_neurons)
                )
                for layer in spec.layers
            }
            for key in record
        }
    return Result(output=output, spike_counts=counts, n_steps=n_steps, **records)


def simulate_stock(network, samples, n_steps, record=(), progress=None, machine=None):
    """Run a network in stock form over samples in Lava's simulator, each from rest.

    As :func:`simulate_on_lava`, but with neurons that Lava ships
    (:class:`lava_ahp.processes.StockNetwork`): the spikes are nearly the same.

    Parameters
    ----------
    network, samples, n_steps, progress, machine
        As for :func:`simulate_on_lava`.
    record : iterable of {"spikes"}, optional
        What to keep of every step. The states of stock neurons are not those of AHP neurons.

    Returns
    -------
    Result

    Raises
    ------
    ParameterError
        If an argument or a sample is not what it should be, or stock parts cannot do what a
        neuron does.
    RuntimeError
        If one of Lava's processes ended in an error; it is the cause.
    """
    check_count("n_steps", n_steps)
    record = tuple(record)
    if set(record) - {"spikes"}:
        raise ParameterError(f"record: found {record}, expected only 'spikes' in the stock form")
    batch = check_count("number of samples", len(samples))
    machine = machine or Simulator()
    net = StockNetwork(network, n_steps)
    spec, period = net.spec, n_steps + net.gap
    hush = np.zeros((period, 1), np.uint8)
    hush[n_steps - 1 : -1] = 1
    source = SpikeSource(
        shape=net.inp.shape,
        samples=_Checked(spec, samples, n_steps, gap=net.gap),
        n_steps=period,
    )
    hushes = SpikeSource(shape=(1,), samples=[hush] * batch, n_steps=period)
    machine.feed(source.s_out, net.inp)
    machine.feed(hushes.s_out, net.hush_in)
    counters = [_sink(machine, n.s_out, batch, period, "sum") for n in net.neurons]
    probes = [machine.probe(n.s_out, batch * period) for n in net.neurons if record]

    voltages = []
    with _Run(source, machine.config()) as run:
        for done in range(1, batch + 1):
            run.advance(n_steps)
            voltages.append([neurons.v.get() for neurons in net.neurons])
            run.advance(net.gap)
            if progress is not None:
                progress(done)
        counts = _by_layer(net, [_integers(counter.data.get()) for counter in counters])
        spikes = _by_layer(
            net,
            [
                _recorded(machine, probe, "spikes", (batch, period, len(p.neurons)))[:, :n_steps]
                for probe, p in zip(probes, net.populations)
            ],
        )
    last = spec.layers[-1].name
    shifted = [
        np.stack([_integers(sample[i]) >> population.shift for sample in voltages])
        for i, population in enumerate(net.populations)
    ]
    output = _by_layer(net, shifted)[last] if spec.readout == "voltage" else counts[last]
    return Result(output=output, spike_counts=counts, n_steps=n_steps, spikes=spikes)


def _by_layer(net, values):
    """Values of stock populations, neurons last, put together to those of layers."""
    found = {}
    for population, value in zip(net.populations, values):
        layer = net.spec.layers[population.layer]
        whole = found.setdefault(
            layer.name, np.zeros((*value.shape[:-1], layer.n_neurons), value.dtype)
        )
        whole[..., population.neurons] = value
    return found


class _Checked:
    """Samples that are checked against the network when they are taken, and silence after each."""

    def __init__(self, network, samples, n_steps, gap=0):
        self.network = network
        self.samples = samples
        self.n_steps = n_steps
        self.gap = gap

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        try:
            sample = check_input(self.network, self.samples[index], ("time",))
        except ParameterError as error:
            raise ParameterError(f"sample {index}: {error}") from None
        if len(sample) != self.n_steps:
            raise ParameterError(
                f"sample {index}: found {len(sample)} steps, expected {self.n_steps}"
            )
        return np.pad(sample, ((0, self.gap), (0, 0)))


class _Run:
    """A run of connected Processes whose operating-system processes end with the block.

    Lava alone waits for ever when one of its processes ends in an error or is
    interrupted; this looks at them while it waits.
    """

    def __init__(self, process, config):
        self.process = process
        self.config = config

    def __enter__(self):
        return self

    def advance(self, n_steps):
        """Run for some steps, until they are done."""
        # An exception out of a fork is swallowed, and Lava then waits for ever for an answer.
        with _signals_postponed():
            self.process.run(condition=RunSteps(n_steps, blocking=False), run_cfg=self.config)
        port = self.process.runtime.service_to_runtime[0]
        while not port.probe():
            self._raise_errors()
            time.sleep(POLL_SECONDS)
        if not enum_equal(port.peek(), MGMT_RESPONSE.DONE):
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline:
                self._raise_errors()
                time.sleep(POLL_SECONDS)
            raise RuntimeError(f"Lava answered {port.peek()}, expected {MGMT_RESPONSE.DONE}")
        self.process.wait()

    def _raise_errors(self):
        for actor in _actors(self.process):
            if actor.exception:
                error, trace = actor.exception
                if isinstance(error, LavaAHPError):
                    raise error
                raise RuntimeError(f"a process of Lava ended in an error:\n{trace}") from error
            if not actor.is_alive():
                raise RuntimeError("a process of Lava ended before the run did")

    def __exit__(self, kind, error, trace):
        if self.process.runtime is None:
            return
        with _signals_postponed():
            if kind is None:
                self.process.stop()
                return
            for actor in _actors(self.process):
                actor.kill()
            infrastructure = self.process.runtime._messaging_infrastructure
            if infrastructure is not None:
                infrastructure.stop()


@contextmanager
def _signals_postponed():
    """Keep Ctrl-C and a request to end until the block is done.

    Processes forked in the block do not heed them at all: their parent ends them.
    """
    parent, came, kept = os.getpid(), [], {}

    def keep(number, frame):
        if os.getpid() == parent:
            came.append(number)

    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            kept[number] = signal.signal(number, keep)
    except ValueError:
        # only the main thread gets signals, and only it may say what they do
        pass
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


def _actors(process):
    infrastructure = process.runtime._messaging_infrastructure
    return [] if infrastructure is None else infrastructure.actors


def _sink(machine, port, batch, n_steps, reduce):
    sink = SampleSink(shape=port.shape, n_samples=batch, n_steps=n_steps, reduce=reduce)
    machine.tap(port, sink.a_in)
    return sink


def _integers(values):
    return np.rint(values).astype(np.int64)


def _recorded(machine, probe, key, shape):
    # A stock LIF or a readout has no AHP current.
    values = np.zeros(shape) if probe is None else machine.values(probe)
    return _integers(values).reshape(shape).astype(RECORDABLE[key])
