"""What a trial of a search does differently: it never reads the test part, and is tested on the validation part."""

import pytorch_lightning as pl

OF_THE_TEST_PART = ("test", "split", "chance")
"""Entries of a result's `data` that depend on the test part."""


def withhold_test(data: pl.LightningDataModule) -> None:
    """Let the validation part take the place of the test part; `data` has been set up.

    Raises:
        ValueError: there is no validation part.
    """
    if not data.split_counts["val"]:
        raise ValueError(f"dataset.validation must be above 0 in a trial of a search; got {data.validation:g}")
    data.test_dataloader = data.val_dataloader


def on_validation(tested: dict) -> dict:
    """Rename the results of a test that read the validation part: `test/acc` becomes `val/acc`.

    Results about single samples are left out.

    Example:
        >>> tested = {"metrics": {"test/acc": 0.9}, "layers": {}, "samples": {"wrong": 3}, "answers": {"test/acc": "80"}}
        >>> found = on_validation(tested)
        >>> found["metrics"], found["samples"], found["answers"]
        ({'val/acc': 0.9}, None, {})
    """
    return {
        "metrics": {_named(key): value for key, value in tested["metrics"].items()},
        "layers": {
            curve: {"val" if kind == "test" else kind: table for kind, table in kinds.items()}
            for curve, kinds in tested["layers"].items()
        },
        "samples": None,
        "answers": {},
    }


def _named(key: str) -> str:
    return f"val/{key.removeprefix('test/')}" if key.startswith("test/") else key
