"""The exception by which a callback ends a training early."""


class StepsDone(Exception):
    """Raised by a callback to end Lightning's loop when it has seen enough steps."""
