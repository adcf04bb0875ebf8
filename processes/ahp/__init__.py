"""The AHP neuron as a Lava Process."""
