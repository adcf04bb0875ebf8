"""Training of the relational network: readers first, then a head for each task.

A reader learns to hold the words of a sentence in its last spikes and is then left as it is, so
that all sentences of a data set are read once. A head learns as firing rates in floating point
and goes on as spikes.
"""

from lava_ahp.training.relational.recipe import RelationalRecipe
from lava_ahp.training.relational.train import RelationalTrained, train_relational

__all__ = ["RelationalRecipe", "RelationalTrained", "train_relational"]
