"""Names in a netx file, in one place: what reader and writer share.

::

    /                        attributes FORMAT, task, encoding, classNames, readout,
                             gradedInput, provenance
    layer/0                  type "input", shape; neuron, weight, bias if the input
                             enters neurons directly
    layer/1 ..               type "dense" or "dense_rec", shape, weight, weight_rec,
                             delay, delay_rec, bias; attributes signMode, name,
                             groupNames, groupSizes
    layer/1/neuron           type "CUBA" or "AHP" and the fields below

Groups, datasets and their meaning are lava-dl 0.6's wherever lava-dl has them.
"""

FORMAT_ATTRIBUTE = "lavaAhpFormat"
"""Root attribute with the version; files without it were written by lava-dl."""

FORMAT_VERSION = 1

CUBA_TYPES = ("CUBA", "LOIHI")
AHP_TYPE = "AHP"

CUBA_FIELDS = {"iDecay": "du", "vDecay": "dv", "vThMant": "vth", "refDelay": "refractory_period"}
"""Neuron fields of lava-dl, by the parameter that each becomes."""

AHP_FIELDS = {"aDecay": "da", "aMant": "ahp_mant", "aExp": "ahp_exp"}
"""Neuron fields that an AHP neuron must have in addition."""

OPTIONAL_AHP_FIELDS = {"inExp": "in_exp", "biasExp": "bias_exp"}
"""Neuron fields that an AHP neuron may have; by default 0 and :data:`BIAS_EXP`."""

OFFSETS = {"iDecay": 1, "refDelay": 1}
"""What a field counts more than the parameter does: du = iDecay - 1."""

BIAS_EXP = 6
"""Exponent of a layer's `bias` where the file gives none, as in stock netx."""

INTEGRATOR = {"du": -1, "dv": 4096, "vth": (1 << 18) - 1}
"""Neuron of a dense layer without a `neuron` group, as in stock netx: it sums its input."""
