"""Training of networks from recipes: one TOML file in, one netx file and its card out."""

from lava_ahp.errors import require

require("lava_ahp.training", "lava-dl", "lava.lib.dl.slayer", extra="train")

from lava_ahp.training.loop import train  # noqa: E402
from lava_ahp.training.relational import RelationalRecipe, train_relational  # noqa: E402
from lava_ahp.training.recipe import Recipe, load_recipe, recipe_names  # noqa: E402

__all__ = ["Recipe", "RelationalRecipe", "load_recipe", "recipe_names", "train", "train_relational"]
