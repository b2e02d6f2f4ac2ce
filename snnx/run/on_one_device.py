"""The configuration of a run as it is computed by one process, on one device of one machine."""


def on_one_device(config: dict) -> dict:
    """Return the configuration with a trainer of one device; with several, each process would see a part of the samples.

    Example:
        >>> config = {"seed": 1, "trainer": {"devices": 4, "num_nodes": 2, "strategy": "ddp", "max_epochs": 3}}
        >>> on_one_device(config)
        {'seed': 1, 'trainer': {'devices': 1, 'num_nodes': 1, 'strategy': 'auto', 'max_epochs': 3}}
    """
    return {**config, "trainer": {**config["trainer"], "devices": 1, "num_nodes": 1, "strategy": "auto"}}
