"""How a training is ended after some steps."""


class StepsDone(Exception):
    """Raised by a callback to end Lightning's loop when it has seen enough steps."""
