"""The text of `snnx --help`; it is made from the folders of options, because importing Hydra would take seconds."""

from pathlib import Path

from snnx.options.files import files, groups
from snnx.options.places import Place, places, shipped_place
from snnx.options.read_text import read_text


def overview() -> str:
    """Return usage, the groups with their options, and the sweeps."""
    known = groups()
    width = max(map(len, known))
    lines = [USAGE, "Groups (snnx GROUP=OPTION GROUP.KEY=VALUE)"]
    lines += [f"  {group:<{width}}  {', '.join(files(group))}" for group in known]
    lines += ["", "Sweeps (snnx -m sweep=NAME; choose rows, seeds and scale with row=A,B seed=0 scale=small)"]
    for name, path in files("sweep").items():
        first = next(iter(read_text(path).splitlines()), "").lstrip("# ")
        lines.append(f"  {name}\n      {first}")
    for place in places():
        added = [f"{group}={name}" for group in (*known, "sweep") for name, path in files(group).items() if _in(place, path)]
        if place != shipped_place():
            lines += ["", f"From {place.folder}: {', '.join(added) or 'none'}"]
    return "\n".join(lines)


def _in(place: Place, path: Path) -> bool:
    return path.is_relative_to(place.conf) or path.is_relative_to(place.sweeps)


USAGE = """\
snnx: experiment sweeps for spiking neural networks

  snnx neuron=plif neuron.tau=4 timesteps=8                one run
  snnx -m neuron=if,lif seed=0,1                           every combination of these values
  snnx -m sweep=dtst_fig10_neurons scale=small             one figure of a paper; run it again to finish what is missing
  snnx plan -m sweep=dtst_fig10_neurons scale=small        what it will cost here, and whether its rows are comparable
  snnx status dtst_fig10_neurons                           the state of every run, during the sweep and after it
  snnx report dtst_fig10_neurons                           its tables, claims and curves
  snnx dashboard dtst_fig10_neurons                        the same as an interactive page, also while the sweep runs
  snnx sync dtst_fig10_neurons                             upload its offline logs to W&B
  snnx prepare fashion_mnist --root data                   download or check a data set
  snnx prepare weights ds2ta_table4_ablation               check the weights that were kept with a record, and copy them
  snnx replay demo_every_part                              check whether the present code still gives the recorded losses
  snnx results                                             write the page that summarises the committed record
  snnx wandb-sweep dtst_fig10_neurons                      write it as a W&B sweep, whose runs W&B's agents execute
  snnx evaluate checkpoint=outputs/single/seed=0           test a finished run again, with other metrics: metric=[anytime]
  snnx audit outputs/single/seed=0                         test that its numbers can be trusted: batch, splits, spikes, …
  snnx export checkpoint=outputs/single/seed=0 format=nir  its network for other simulators, or its weights as safetensors
  snnx new mylab                                           write a folder for your own neurons, sweeps, tests and CI
  snnx show dataset=nmnist                                 draw test samples as the network gets them
  snnx neuron=klif --cfg job --resolve                     print a run's configuration instead of running it
  eval "$(snnx -sc install=bash)"                          tab completion

Useful keys: seed, timesteps, trainer.max_epochs, force=true (repeat runs that are done), logger=wandb,
hydra.launcher.n_jobs=2 (number of runs at a time), dataset.root (or the environment variable SNNX_DATA).
"""
