"""What a network consists of, in numbers that a person can compare."""

import numpy as np

from lava_ahp import netx
from lava_ahp.evaluation import network_name


def describe(network):
    """Layers, synapses, time constants and origin of a network.

    Parameters
    ----------
    network : NetworkSpec, str or Path
        A network, the name of a shipped one, or a netx file.

    Returns
    -------
    dict
        Plain numbers, strings, lists and dicts, fit for JSON. A range is a list of the
        smallest and the largest value. Time constants are in steps, after quantisation,
        None for one that never decays; `tau_a` and `ahp_strength` (the fraction of the
        threshold that a spike takes off the AHP current) are None as a whole for groups
        without AHP neurons.
    """
    spec = netx.load(network)
    layers = [_describe_layer(layer) for layer in spec.layers]
    meta = spec.metadata
    return {
        "network": network_name(network),
        "n_inputs": spec.n_inputs,
        "n_outputs": spec.n_outputs,
        "n_neurons": sum(layer["n_neurons"] for layer in layers),
        "n_synapses": sum(c["n_synapses"] for layer in layers for c in layer["connections"]),
        "readout": spec.readout,
        "graded_input": spec.graded_input,
        "task": meta.task,
        "encoding": dict(meta.encoding),
        "class_names": list(meta.class_names),
        "provenance": dict(meta.provenance),
        "layers": layers,
    }


def _describe_layer(layer):
    neuron = layer.neuron.broadcast(layer.n_neurons)
    return {
        "name": layer.name,
        "n_inputs": layer.n_inputs,
        "n_neurons": layer.n_neurons,
        "groups": [
            {"name": name, **_describe_neurons(neuron, where)}
            for name, where in layer.group_slices().items()
        ],
        "connections": [
            {"name": name, **_describe_connection(connection)}
            for name, connection in layer.connections.items()
        ],
    }


def _describe_neurons(neuron, where):
    coefficients = neuron.coefficients()
    taus = {name: _span(tau[where]) for name, tau in neuron.time_constants().items()}
    ahp = neuron.is_ahp[where]
    strength = None
    if ahp.any():
        threshold = np.maximum(coefficients.threshold[where], 1)
        strength = _span(coefficients.jump[where] / threshold)
        taus["tau_a"] = _span(neuron.time_constants()["tau_a"][where][ahp])
    else:
        taus["tau_a"] = None
    return {
        "n_neurons": len(ahp),
        "n_ahp": int(np.count_nonzero(ahp)),
        **taus,
        "vth": _span(neuron.vth[where]),
        "ahp_strength": strength,
        "in_exp": _span(neuron.in_exp[where]),
        "refractory_period": _span(neuron.refractory_period[where]),
        "bias": _span(coefficients.bias[where]),
    }


def _describe_connection(connection):
    weight = connection.effective_weight
    present = weight[weight != 0]
    return {
        "n_synapses": connection.n_synapses,
        "density": connection.n_synapses / weight.size,
        "sign_mode": connection.sign_mode,
        "weights": _span(present) if present.size else None,
        "delays": [0, 0] if connection.delay is None else _span(connection.delay),
    }


def _span(values):
    """Smallest and largest value as plain numbers; None stands for infinity."""
    ends = (np.min(values).item(), np.max(values).item())
    return [None if np.isinf(end) else end for end in ends]


def print_tables(description, console=None):
    """Print a description as tables.

    Parameters
    ----------
    description : dict
        As :func:`describe` gives it.
    console : rich.console.Console, optional
        By default standard output.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = console or Console()

    def table(title, *columns):
        made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        for name in columns:
            made.add_column(name, justify="left" if name in _LEFT else "right")
        return made

    groups = [(layer, group) for layer in description["layers"] for group in layer["groups"]]
    names = (f"{layer['name']}\n{group['name']}" for layer, group in groups)
    neurons = table("neurons", "", *names)
    for label, text in _NEURON_ROWS.items():
        neurons.add_row(label, *(text(group) for _, group in groups))
    synapses = table(
        "synapses", "layer", "connection", "synapses", "density", "weights", "signs", "delays"
    )
    for layer in description["layers"]:
        for connection in layer["connections"]:
            synapses.add_row(
                layer["name"],
                connection["name"],
                f"{connection['n_synapses']:,}",
                f"{connection['density']:.1%}",
                _text(connection["weights"]),
                connection["sign_mode"],
                _text(connection["delays"]),
            )
    facts = Table(box=None, show_header=False, padding=(0, 2, 0, 1))
    for name, value in _facts(description).items():
        facts.add_row(name, value)
    for part in (facts, neurons, synapses):
        console.print(part)


_LEFT = ("", "layer", "connection", "signs")

_NEURON_ROWS = {
    "neurons": lambda group: str(group["n_neurons"]),
    "with AHP current": lambda group: str(group["n_ahp"]),
    "tau_u (steps, as quantised)": lambda group: _text(group["tau_u"], "inf"),
    "tau_v": lambda group: _text(group["tau_v"], "inf"),
    "tau_a": lambda group: _text(group["tau_a"], "inf"),
    "AHP strength (thresholds)": lambda group: _text(group["ahp_strength"]),
    "threshold (vth)": lambda group: _text(group["vth"]),
    "weight exponent": lambda group: _text(group["in_exp"]),
    "refractory period (steps)": lambda group: _text(group["refractory_period"]),
    "bias (units of the state)": lambda group: _text(group["bias"]),
}


def _facts(description):
    from rich.markup import escape

    facts = {
        "network": description["network"],
        "size": f"{description['n_inputs']} inputs, {description['n_neurons']} neurons, "
        f"{description['n_synapses']:,} synapses",
        "readout": f"{description['readout']} of {description['n_outputs']} neurons",
        "task": description["task"] or "unknown",
        "encoding": _pairs(description["encoding"]) or "unknown",
        "classes": " ".join(description["class_names"]) or "without names",
        "provenance": _pairs(description["provenance"]) or "unknown",
    }
    return {name: escape(value) for name, value in facts.items()}


def _pairs(mapping):
    return ", ".join(f"{key} {value}" for key, value in mapping.items())


def _text(span, infinite="-"):
    """A range as one value or two; None is what does not apply."""
    if span is None:
        return "-"
    low, high = (infinite if end is None else _number(end) for end in span)
    return low if low == high else f"{low}..{high}"


def _number(value):
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
