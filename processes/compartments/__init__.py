"""The two compartments that make an AHP neuron on the chip."""
