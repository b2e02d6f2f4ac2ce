"""Checks that the metrics can measure a run that is simulated in pieces."""

from collections.abc import Mapping

from snnx.metric.metric import Metric


def require_pieces(metrics: Mapping[str, Metric], timesteps: int, *, has_rates: bool, has_thresholds: bool, who: str) -> None:
    """Reject metrics that cannot be measured if this many steps are simulated in pieces.

    Args:
        metrics: the metrics by name.
        timesteps: number of steps of the run.
        has_rates: whether the code represents values by firing rates, so that these have targets.
        has_thresholds: whether the code's neurons have a threshold at each step, and not in a window only.
        who: class or option with which messages begin.

    Raises:
        ValueError: a metric needs all steps at once, or more steps than there are, or it compares firing rates or thresholds,
            and the neurons of this code have none that could be compared.
    """
    if whole := [name for name, one in metrics.items() if not one.in_pieces]:
        raise ValueError(
            f"{who}: metric must not need all steps at once, since {timesteps} steps are simulated in pieces; "
            f"got {', '.join(whole)}; anytime and spikes_per_neuron work with pieces"
        )
    if not has_rates and (asked := [name for name, one in metrics.items() if one.needs_targets]):
        raise ValueError(
            f"{who}: metric must not compare firing rates, which mean something with code=rate only; got {', '.join(asked)}"
        )
    if not has_thresholds and (asked := [name for name, one in metrics.items() if one.needs_thresholds]):
        raise ValueError(
            f"{who}: metric must not need a threshold at each step, since neurons of this code have one in their window only; "
            f"got {', '.join(asked)}; choose potential or negative_potential"
        )
    for name, one in metrics.items():
        if one.first_step > timesteps:
            raise ValueError(f"{who}: timesteps must be at least {one.first_step}, the first step of {name}; got {timesteps}")
