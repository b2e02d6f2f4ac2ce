"""A sweep file contains data only: rows, claims and axes."""

import pytest

from snnx.options.sweepfile import read


@pytest.mark.parametrize(
    "hydra",
    [
        "{callbacks: {x: {_target_: os.system, command: 'true'}}}",
        "{launcher: {n_jobs: 2}}",
        "{sweeper: {params: {seed: '0,1'}, _target_: os.system}}",
    ],
)
def test_under_hydra_only_axes_are_allowed(tmp_path, hydra):
    path = tmp_path / "fig.yaml"
    path.write_text(f"# A figure.\nsweep: {{paper: dtst, artifact: Figure 1, metric: val/acc}}\nhydra: {hydra}\n")
    with pytest.raises(ValueError, match=r"hydra must contain only sweeper\.params; got"):
        read(path)


def test_a_factor_that_no_row_sets_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("sweep: {paper: own, artifact: T, metric: test/acc, factor: nrom}\nrows:\n  A: {set: [norm=batch]}\n")
    with pytest.raises(ValueError, match="factor must be a group or key that a row sets; got nrom; did you mean norm"):
        read(path)
