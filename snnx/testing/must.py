"""The error of a broken contract."""


def must(holds: bool, component: object, rule: str) -> None:
    """Raise an error that names the component and the rule, unless the rule holds.

    Args:
        holds: whether the rule holds.
        component: the component; a function is named by its name, and any other object by its class.
        rule: what the component must do, and what it did.

    Raises:
        AssertionError: `holds` is false.

    Example:
        >>> must(False, "text", "be a neuron; got a text")
        Traceback (most recent call last):
        AssertionError: str: must be a neuron; got a text
    """
    if not holds:
        component = getattr(component, "func", component)  # the function of a partial
        raise AssertionError(f"{getattr(component, '__name__', type(component).__name__)}: must {rule}")
