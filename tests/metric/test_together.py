"""Metrics do not affect each other: each gives the same alone and together with all others."""

from pathlib import Path

import pytest
from composing import composed

from snnx.options.files import files
from snnx.run.execute import execute

NETWORKS = {
    "direct": ("neuron=lif", "timesteps=2"),
    "converted": ("method=conversion", "timesteps=12"),
    "attention": (
        "dataset=event_digits", "encoding=events", "backbone=spikformer", "backbone.embed_dim=32", "backbone.heads=4",
        "backbone.depth=1", "attention=[nsad]", "timesteps=2", "dataset.batch_size=10",
    ),
}  # fmt: skip
QUICK = ("trainer.max_epochs=1", "budget.samples=0.02", "trainer.accelerator=cpu")


def measured(folder: Path, words: tuple[str, ...], names: list[str]) -> dict | None:
    """The result of a run with these metrics; `None` if one of them rejects the network."""
    job = composed(*words, *QUICK, f"metric=[{','.join(names)}]")
    found = execute(type(job)(**{**vars(job), "outputs": str(folder)}))
    return found["metrics"] if found["status"] == "done" else None


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_each_metric_gives_the_same_alone_and_with_all_others(network, tmp_path, monkeypatch):
    monkeypatch.setenv("SNNX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SNNX_DATA", str(tmp_path))
    words = NETWORKS[network]
    alone = {name: measured(tmp_path, words, [name]) for name in files("metric")}
    taken = [name for name, found in alone.items() if found is not None]
    assert len(taken) > 3, "most of them must have been compared"
    together = measured(tmp_path, words, taken)
    assert together is not None, f"these broke each other: {', '.join(taken)}"
    for name in taken:
        for key, value in alone[name].items():
            assert together[key] == pytest.approx(value, rel=1e-6, nan_ok=True), f"{name} gives another {key} among others"
