"""A sweep file contains data only: rows, claims and axes."""

import pytest

from snnx.options.sweepfile import read


@pytest.mark.parametrize(
    "hydra",
    [
        "{callbacks: {x: {_target_: os.system, command: 'true'}}}",
        "{launcher: {n_jobs: 2}}",
        "{sweeper: {params: {seed: '0,1'}, _target_: os.system}}",
        "1",
        "{sweeper: [params]}",
        "{sweeper: {params: 1}}",
    ],
)
def test_under_hydra_only_axes_are_allowed(tmp_path, hydra):
    path = tmp_path / "fig.yaml"
    path.write_text(f"# A figure.\nsweep: {{paper: dtst, artifact: Figure 1, metric: val/acc}}\nhydra: {hydra}\n")
    with pytest.raises(ValueError, match=r"hydra must contain only sweeper\.params; got"):
        read(path)


@pytest.mark.parametrize(
    ("facts", "row", "message"),
    [
        ("metric: [1]", "{set: [norm=batch]}", r"sweep: metric must be a text; got \[1\]"),
        ("metric: 1", "{set: [norm=batch]}", "sweep: metric must be a text; got 1"),
        ("metric: test/acc, unit: [a]", "{set: [norm=batch]}", r"sweep: unit must be a text; got \['a'\]"),
        ("metric: test/acc, claims: 1", "{set: [norm=batch]}", "claims must be a list; got 1"),
        (
            "metric: test/acc, claims: [{metric: 3, claim: A > 1}]",
            "{set: [norm=batch]}",
            "a claim: metric must be a text; got 3",
        ),
        ("metric: test/acc, claims: [{chance: 1, claim: A > 1}]", "{set: [norm=batch]}", "chance of a claim must be a row, or"),
        ("metric: test/acc", "{set: [norm=batch], reported: {1: 1.0}}", "row A: reported must be a finite number, or one"),
        ("metric: test/acc", f"{{set: [norm=batch], reported: {10**400}}}", "row A: reported must be a finite number, or one"),
        ("metric: test/acc", "{set: [norm=batch], reported: .inf}", "row A: reported must be a finite number, or one"),
        ("metric: test/acc", "{set: [norm=batch], reported: 1, std: .nan}", "row A: std must be a finite number >= 0; got nan"),
        ("metric: test/acc", "{cited: [a], reported: 1}", r"row A: cited must be a text; got \['a'\]"),
    ],
)
def test_a_value_of_another_kind_is_refused(tmp_path, facts, row, message):
    path = tmp_path / "mine.yaml"
    path.write_text(f"sweep: {{paper: own, artifact: T, {facts}}}\nrows:\n  A: {row}\n")
    with pytest.raises(ValueError, match=rf"^mine\.yaml: {message}"):
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
