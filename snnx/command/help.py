"""The text of `snnx --help`; it is made from the folders of options, because importing Hydra would take seconds."""

from pathlib import Path

from snnx.options.files import files, groups
from snnx.options.places import Place, ours, places


def overview() -> str:
    """Return usage, the groups with their options, and the sweeps."""
    known = groups()
    width = max(map(len, known))
    lines = [USAGE, "Groups (snnx GROUP=OPTION GROUP.KEY=VALUE)"]
    lines += [f"  {group:<{width}}  {', '.join(files(group))}" for group in known]
    lines += ["", "Sweeps (snnx -m sweep=NAME; narrow with row=A,B seed=0 scale=small)"]
    for name, path in files("sweep").items():
        first = next(iter(path.read_text(encoding="utf-8").splitlines()), "").lstrip("# ")
        lines.append(f"  {name}\n      {first}")
    for place in places():
        brought = [f"{group}={name}" for group in (*known, "sweep") for name, path in files(group).items() if _in(place, path)]
        if place != ours():
            lines += ["", f"Of these from {place.folder}: {', '.join(brought) or 'none'}"]
    return "\n".join(lines)


def _in(place: Place, path: Path) -> bool:
    return path.is_relative_to(place.conf) or path.is_relative_to(place.sweeps)


USAGE = """\
snnx: experiment sweeps for spiking neural networks

  snnx neuron=plif neuron.tau=4 timesteps=8                one run
  snnx -m neuron=if,lif seed=0,1                           every combination
  snnx -m sweep=dtst_fig10_neurons scale=small             one figure of a paper; the same line again finishes it
  snnx plan -m sweep=dtst_fig10_neurons scale=small        what it will cost here, and whether its rows can be compared
  snnx status dtst_fig10_neurons                           where every run is, while it runs and after
  snnx report dtst_fig10_neurons                           its table, claims and curves
  snnx dashboard dtst_fig10_neurons                        the same as a page that answers, also while the sweep runs
  snnx sync dtst_fig10_neurons                             upload to W&B what was logged offline
  snnx prepare fashion_mnist --root data                   fetch or check a data set, once
  snnx replay demo_every_part                              does the present code still compute what is recorded?
  snnx results                                             one page over all that is recorded: make results
  snnx wandb-sweep dtst_fig10_neurons                      write it as a W&B sweep, which agents take run by run
  snnx evaluate checkpoint=outputs/single/seed=0           test a finished run again, with other metrics: metric=[anytime]
  snnx export checkpoint=outputs/single/seed=0 format=nir  its network for other simulators, or its weights as safetensors
  snnx new mylab                                           a folder of your own: a neuron, a sweep, tests, CI
  snnx show dataset=nmnist                                 a contact sheet: what the network sees
  snnx neuron=klif --cfg job --resolve                     print a run's configuration instead of running it
  eval "$(snnx -sc install=bash)"                          tab completion

Useful keys: seed, timesteps, trainer.max_epochs, force=true (run again what is done), logger=wandb,
hydra.launcher.n_jobs=2 (runs at once), dataset.root (or the environment variable SNNX_DATA).
"""
