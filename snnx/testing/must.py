"""The error of a broken contract."""


def must(holds: bool, component: object, rule: str) -> None:
    """Raise an error that names the component's class and the rule, unless the rule holds.

    Raises:
        AssertionError: `holds` is false.

    Example:
        >>> must(False, "text", "be a neuron; got a text")
        Traceback (most recent call last):
        AssertionError: str: must be a neuron; got a text
    """
    if not holds:
        raise AssertionError(f"{type(component).__name__}: must {rule}")
