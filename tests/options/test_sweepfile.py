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


def test_labels_must_differ_in_more_than_capital_letters(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("sweep: {paper: own, artifact: T, metric: test/acc}\nrows:\n  X: {set: [seed=0]}\n  x: {set: [seed=1]}\n")
    with pytest.raises(
        ValueError, match=r"mine\.yaml: the labels of rows must differ in more than capital letters; got X and x"
    ):
        read(path)


@pytest.mark.parametrize("name", ["runs", "RUNS", "Single", "show"])
def test_a_sweep_is_not_named_like_another_folder_of_outputs(tmp_path, name):
    (tmp_path / f"{name}.yaml").write_text("sweep: {paper: own, artifact: T, metric: test/acc}\n")
    with pytest.raises(ValueError, match=rf"a sweep must not be named like another folder of outputs/; got {name}: rename it"):
        read(tmp_path / f"{name}.yaml")


@pytest.mark.parametrize("value", ["{_target_: os.system}", "[0, [1]]", "'${hydra:runtime.cwd}'"])
def test_sweeper_params_are_plain(tmp_path, value):
    path = tmp_path / "x.yaml"
    head = "# X.\n#   snnx -m sweep=x\nsweep: {paper: own, artifact: T, metric: test/acc}\n"
    path.write_text(f"{head}hydra: {{sweeper: {{params: {{seed: {value}}}}}}}\n")
    with pytest.raises(ValueError, match=r"^x\.yaml: hydra\.sweeper\.params\.seed must be a plain text or number; got "):
        read(path)
