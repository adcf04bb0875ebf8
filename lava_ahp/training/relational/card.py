"""The model card of a relational network, in Markdown."""

import shlex

from lava_ahp.files import written_whole
from lava_ahp.relational.evaluation import SOLVED

_TEMPLATE = """\
# {name}

A spiking relational network that answers questions about stories (bAbI), in 8-bit weights.
{solved} of its {n_tasks} tasks are solved ({limit:.0%} or more) on questions of the validation split.

Made on the CPU, in {minutes:.0f} minutes, by

{commands}

| task | questions | accuracy | the same in floating point | neurons firing per step | updates (smooth, rates, spikes) | minutes |
| --- | --- | --- | --- | --- | --- | --- |
{rows}

Accuracy is that of the integer networks, bit for bit what Lava's fixed-point models compute.
`In floating point` are the rates as which a head learns first, in plain torch: the same size and
data, neither weights nor rates rounded. Where it is low too, spikes and 8 bits are not the reason.
`lava-ahp eval {name} --data FOLDER` measures again.

## Network

| part | neurons | synapses | copies for {n_sentences} sentences |
| --- | --- | --- | --- |
{parts}

In all {neurons:,} neurons and {synapses:,} synapses, were each copy built. Readers decode
{words_right} of the words of their sentences and questions right from their last {window} steps.

## Training

Recipe `{recipe}`, seed {seed}{extended}:

```
{settings}
```
"""


def write_card(folder, network, recipe, provenance):
    """Write the model card of a trained network as `README.md` in its folder.

    Parameters
    ----------
    folder : Path
    network : RelationalNetwork
    recipe : RelationalRecipe
    provenance : dict
        As :func:`lava_ahp.training.relational.train_relational` makes it.
    """
    with written_whole(folder / "README.md") as temporary:
        temporary.write_text(card(folder.name, network, recipe, provenance), encoding="utf-8")


def card(name, network, recipe, provenance):
    """Text of the model card; parameters as in :func:`write_card`."""
    metrics, readers = provenance["metrics"], provenance["reader"]
    rows = [
        f"| {task} | {m['n']} | {m['accuracy']:.1%} | {m['float_accuracy']:.1%} | "
        f"{m['firing_rate']:.2%} | {m['smooth_updates']:,}, "
        f"{m['rates_updates']:,}, {m['spikes_updates']:,} | "
        f"{m['seconds'] / 60:.1f} |"
        for task, m in metrics.items()
    ]
    task = next(iter(network.heads))
    scale, parts = network.scale(task), []
    for part, found in scale.items():
        if part != "total":
            neurons, synapses = (found[key] // found["copies"] for key in ("neurons", "synapses"))
            parts.append(f"| {part} | {neurons:,} | {synapses:,} | {found['copies']} |")

    def command(overrides, option=""):
        sets = "".join(f" --set {shlex.quote(override)}" for override in overrides)
        return f"    lava-ahp train {provenance['recipe']}{sets} --data FOLDER --out {name}{option}"

    commands = [command(provenance["overrides"])]
    commands += [command(overrides, " --extend") for overrides in provenance.get("added", ())]
    values = recipe.model_dump(mode="json", exclude={"notes"})
    settings = [f"{key} = {value}" for key, value in values.items() if not isinstance(value, dict)]
    for table, fields in values.items():
        if isinstance(fields, dict):
            settings += [f"{table}.{key} = {value}" for key, value in fields.items()]
    seconds = sum(m["seconds"] for m in (*metrics.values(), *readers.values()))
    return _TEMPLATE.format(
        name=name,
        solved=sum(m["accuracy"] >= SOLVED for m in metrics.values()),
        n_tasks=len(metrics),
        limit=SOLVED,
        minutes=seconds / 60,
        commands="\n".join(commands),
        rows="\n".join(rows),
        n_sentences=network.max_sentences,
        parts="\n".join(parts),
        neurons=scale["total"]["neurons"],
        synapses=scale["total"]["synapses"],
        words_right=" and ".join(f"{m['words_right']:.2%}" for m in readers.values()),
        window=network.window,
        recipe=provenance["recipe"],
        seed=provenance["seed"],
        extended=", as the last of these commands sets it" if "added" in provenance else "",
        settings="\n".join(settings),
    ) + (f"\n## What was tried\n\n{recipe.notes.strip()}\n" if recipe.notes else "")
