"""The comparison of a sweep's rows as a workspace of Weights & Biases."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from snnx.logger import account
from snnx.options.files import files
from snnx.options.sweepfile import SweepFile

if TYPE_CHECKING:
    from wandb_workspaces.workspaces import Workspace


def offer(sweep: SweepFile, outputs: Path) -> str | None:
    """Save the workspace if runs of the sweep were logged to W&B; returns its address, or in a line why there is none."""
    if not any(outputs.joinpath(sweep.name).glob("*/wandb")):
        return None
    if find_spec("wandb_workspaces") is None:
        return "W&B: no workspace, since wandb-workspaces must be installed for it: pip install 'snnx[dashboard]'"
    if obstacle := account.obstacle():
        return f"W&B: no workspace, since {obstacle}"
    try:
        import wandb

        made = workspace(sweep, entity=wandb.Api().default_entity, project=project())
        return f"W&B: {made.save().url}"
    except Exception as error:  # the server may say what it likes: the local page is there
        return f"W&B: no workspace, since {' '.join(f'{type(error).__name__}: {error}'.split())}"


def project() -> str:
    """The W&B project, as the option `logger=wandb` names it."""
    return yaml.safe_load(files("logger")["wandb"].read_text(encoding="utf-8"))["wandb"]["project"]


def workspace(sweep: SweepFile, *, entity: str, project: str) -> "Workspace":
    """The workspace, not yet saved: rows as groups, curves over epochs, the paper's number beside ours, and activity."""
    import wandb_workspaces.reports.v2 as panels
    import wandb_workspaces.workspaces as ws

    curves = dict.fromkeys(["val/acc", "val/loss", "train/loss", "train/acc"])
    if not sweep.metric.startswith("test/"):
        curves = {sweep.metric: None, **curves}
    mean = {"groupby_aggfunc": "mean", "groupby_rangefunc": "stddev"}
    return ws.Workspace(
        entity=entity,
        project=project,
        name=f"{sweep.name}: {sweep.artifact}",
        sections=[
            ws.Section(
                name="Curves",
                panels=[panels.LinePlot(title=metric, x="epoch", y=[metric], **mean) for metric in curves],
                is_open=True,
            ),
            ws.Section(
                name="Paper and ours",
                panels=[
                    panels.BarPlot(title=name, metrics=[name], **mean)
                    for name in (sweep.metric, f"paper/{sweep.metric}", f"difference/{sweep.metric}")
                ],
                is_open=True,
            ),
            ws.Section(
                name="Spikes",
                panels=[
                    panels.ScatterPlot(title="accuracy by firing rate", x="test/firing_rate", y="test/acc"),
                    panels.BarPlot(title="test/firing_rate", metrics=["test/firing_rate"], **mean),
                ],
                is_open=True,
            ),
        ],
        settings=ws.WorkspaceSettings(x_axis="epoch"),
        runset_settings=ws.RunsetSettings(
            filters=[ws.Metric("Group") == sweep.name], groupby=[ws.Config("row"), ws.Config("scale")]
        ),
    )
