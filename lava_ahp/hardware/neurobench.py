"""Metrics of a network by the names and definitions of NeuroBench.

Yik et al., The NeuroBench framework for benchmarking neuromorphic computing algorithms and
systems, Nature Communications 16, 2025.
"""

STATE_BYTES = 4
"""Bytes of each state and of each parameter of a neuron."""


def metrics(network, operations):
    """Footprint, sparsities and synaptic operations.

    Parameters
    ----------
    network : NetworkSpec
    operations : Operations
        Of a run of this network.

    Returns
    -------
    dict
        `footprint` in bytes (weights and delays of one byte, zeros included, parameters and
        states of four); `connection_sparsity`, the part of all weights that is 0;
        `activation_sparsity`, the part of the hidden neurons' outputs that is 0;
        `synaptic_operations` of a sample: `Effective_MACs` and `Effective_ACs` leave out what
        is multiplied by 0, `Dense` does not.
    """
    connections = {
        f"{layer.name}.{name}": connection
        for layer in network.layers
        for name, connection in layer.connections.items()
    }
    n_weights = sum(c.weight.size for c in connections.values())
    n_synapses = sum(c.n_synapses for c in connections.values())
    spikes = sum(operations.spikes[layer.name] for layer in network.hidden)
    outputs = sum(operations.neuron_updates[layer.name] for layer in network.hidden)
    events = operations.synaptic_events
    # What comes in as an integer is multiplied, a spike is only added.
    first = f"{network.layers[0].name}.weight"
    macs = events[first] if network.takes_integers and first in events else 0
    return {
        "footprint": footprint(network),
        "connection_sparsity": 1 - n_synapses / n_weights if n_weights else 0.0,
        "activation_sparsity": 1 - spikes / outputs if outputs else 1.0,
        "synaptic_operations": {
            "Effective_MACs": macs / operations.n_samples,
            "Effective_ACs": (sum(events.values()) - macs) / operations.n_samples,
            "Dense": n_weights * operations.n_steps / operations.n_samples,
        },
    }


def footprint(network):
    """Bytes of a network's weights, delays, parameters and states."""
    total = 0
    for layer in network.layers:
        states = ("u", "v", "a")
        parameters = layer.neuron.arguments()
        total += STATE_BYTES * layer.n_neurons * (len(states) + len(parameters))
        for connection in layer.connections.values():
            total += connection.weight.size * (1 + (connection.delay is not None))
    return total
