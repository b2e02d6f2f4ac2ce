"""Writes a value as Hydra's overrides read it."""


def override_text(value: object) -> str:
    r"""Write a plain value in the grammar of Hydra's overrides; text is quoted, so that it stays text.

    Example:
        >>> override_text({"trials": 4, "values": {"optimizer.lr": 0.01, "neuron": "lif"}, "front": [None, True]})
        "{trials:4,values:{optimizer.lr:0.01,neuron:'lif'},front:[null,true]}"
        >>> print(override_text("it's"))
        'it\'s'
    """
    if isinstance(value, dict):
        return f"{{{','.join(f'{key}:{override_text(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(override_text, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return repr(value)
    escaped = str(value).replace("'", r"\'")
    return f"'{escaped}'"
