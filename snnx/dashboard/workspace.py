"""A workspace on Weights & Biases that compares the rows of a sweep."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from snnx.logger import account
from snnx.logger.wandb_settings import check_wandb_settings
from snnx.options.files import files
from snnx.options.sweepfile import SweepFile
from snnx.record.masked import masked

if TYPE_CHECKING:
    from wandb_workspaces.workspaces import Workspace


def save_workspace(sweep: SweepFile, outputs: Path) -> str | None:
    """Save the workspace on W&B if runs of the sweep were logged there.

    Returns:
        A line with its address or with the reason why it could not be saved; `None` if no run was logged to W&B.
    """
    if not any(outputs.joinpath(sweep.name).glob("*/wandb")):
        return None
    if find_spec("wandb_workspaces") is None:
        return "W&B: no workspace, because wandb-workspaces must be installed; run: pip install 'snnx[dashboard]'"
    if obstacle := account.obstacle():
        return f"W&B: no workspace, because {obstacle}"
    try:
        check_wandb_settings(Path.cwd())
        import wandb

        made = workspace(sweep, entity=wandb.Api().default_entity, project=project())
        return f"W&B: {made.save().url}"
    except Exception as error:  # whatever the server answers, the local page has been written
        return masked(f"W&B: no workspace, because {' '.join(f'{type(error).__name__}: {error}'.split())}")


def project() -> str:
    """The name of the W&B project in the option `logger=wandb`."""
    return yaml.safe_load(files("logger")["wandb"].read_text(encoding="utf-8"))["wandb"]["project"]


def workspace(sweep: SweepFile, *, entity: str, project: str) -> "Workspace":
    """Build the workspace without saving it: curves over epochs, the paper's number beside ours, and firing rates.

    Args:
        sweep: its runs are grouped by row and scale.
        entity: user or team on W&B.
        project: name of the W&B project.
    """
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
                name="Paper and our results",
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
