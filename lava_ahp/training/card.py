"""Model cards: what a network is, how it was made and how well it does, in Markdown."""

import shlex

from lava_ahp.files import written_whole

_TEMPLATE = """\
# {name}

{title}

{made}

| split | samples | accuracy | hidden neurons firing per step | wraps and saturations | spikes of readout neurons |
| --- | --- | --- | --- | --- | --- |
{metrics}

Measured in the network's own integer arithmetic, bit for bit what Lava's fixed-point
models compute. The epoch ({best_epoch} of {epochs}) was chosen on the validation split.
`{evaluation}` measures again.

## Network

| layer | neurons | synapses | weights |
| --- | --- | --- | --- |
{layers}

- Input: {n_inputs} channels, {encoding}.
- Readout: {readout}.
- `lava-ahp info {name}.net` shows time constants, thresholds and provenance.

## Training

- Task `{task}`, {training_samples} training samples, seed {seed}.
- Recipe `{recipe}`{overrides}:

```
{settings}
```
"""


def write_card(path, network, recipe):
    """Write the model card of a trained network.

    Parameters
    ----------
    path : str or Path
        Markdown file, written whole or not at all.
    network : NetworkSpec
        With `provenance` as :func:`lava_ahp.training.train` fills it.
    recipe : Recipe
    """
    with written_whole(path) as temporary:
        temporary.write_text(card(path.stem, network, recipe), encoding="utf-8")


def card(name, network, recipe):
    """Text of the model card; parameters as in :func:`write_card`."""
    made = network.metadata.provenance
    metrics = [
        f"| {split} | {m['n']:,} | {m['accuracy']:.2%} | {m['firing_rate']:.2%} "
        f"| {m['overflows']} | {m['readout_spikes']} |"
        for split, m in made["metrics"].items()
    ]
    layers = []
    for layer in network.layers:
        groups = ", ".join(f"{group.size} {group.name}" for group in layer.groups)
        synapses = sum(c.n_synapses for c in layer.connections.values())
        low = min(int(c.effective_weight.min()) for c in layer.connections.values())
        high = max(int(c.effective_weight.max()) for c in layer.connections.values())
        layers.append(f"| {layer.name} | {groups} | {synapses:,} | {low} to {high} |")
    encoding = dict(sorted(network.metadata.encoding.items()))
    sets = " ".join(f"--set {shlex.quote(override)}" for override in made["overrides"])
    data = " --data DATA" if " --data " in made["command"] else ""
    settings = [
        f"{table}.{key} = {value}"
        for table in ("network", "training")
        for key, value in getattr(recipe, table).model_dump(mode="json").items()
    ]
    return _TEMPLATE.format(
        name=name,
        title=f"An AHP network for the task `{network.metadata.task}`, in 8-bit weights.",
        made=_made(made),
        evaluation=f"lava-ahp eval {name}.net --split validation{data}",
        metrics="\n".join(metrics),
        best_epoch=made["best_epoch"],
        epochs=made["epochs"],
        layers="\n".join(layers),
        n_inputs=network.n_inputs,
        encoding=f"{encoding.pop('name')} ({', '.join(f'{k} {v}' for k, v in encoding.items())})",
        readout="voltage of the last step, first largest" if network.readout == "voltage"
        else "spike counts",
        task=network.metadata.task,
        training_samples=made["training_samples"],
        seed=made["seed"],
        recipe=made["recipe"],
        overrides=f" with `{sets}`" if sets else "",
        settings="\n".join(settings),
    ) + (f"\n## What was tried\n\n{recipe.notes.strip()}\n" if recipe.notes else "")


def _made(made):
    """How a network was made, by the command of its run or of the last of several."""
    earlier, command = made.get("begun_with", ()), made["command"]
    if not earlier:
        return f"Made by one command, on the CPU, in {made['seconds'] / 60:.1f} minutes:\n\n    {command}"
    minutes = (made["seconds"] + sum(run["seconds"] for run in earlier)) / 60
    lines = [
        f"Made in {len(earlier) + 1} runs, on the CPU, in {minutes:.0f} minutes; each began with the best weights",
        "of the one before (`--begin CHECKPOINT`).",
        "",
    ]
    for number, run in enumerate(earlier, 1):
        settings = ", ".join(f"`{key} = {value}`" for key, value in run["training"].items())
        lines.append(
            f"{number}. {run['epochs']} epochs, {run['validation_accuracy']:.2%} of validation right after "
            f"epoch {run['best_epoch']}; other settings than below: {settings or 'none'}."
        )
    lines.append(f"{len(earlier) + 1}. `{command}`")
    return "\n".join(lines)
