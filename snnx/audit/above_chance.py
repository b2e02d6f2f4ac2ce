"""Checks whether a trained network classifies better than always naming the largest class."""

from snnx.audit.finding import FAILED, NOT_APPLICABLE, PASSED, Finding
from snnx.record.chance import chance_bound


def above_chance(accuracy: float, *, largest: float, samples: int, trained: bool) -> Finding:
    """Check that the test accuracy of a trained network is more than three standard errors above chance.

    Reports mark a network below this bound as at chance.

    Args:
        accuracy: test accuracy.
        largest: share of the test samples that belong to the largest class.
        samples: number of test samples.
        trained: whether the run trained the network.

    Example:
        >>> above_chance(0.6, largest=0.5, samples=100, trained=True).text
        'test accuracy 0.600 is not above 0.650: the share of the largest class (0.500) plus three standard errors'
    """
    if not trained:
        return Finding(NOT_APPLICABLE, "the run was not trained")
    bound = chance_bound(largest, samples)
    said = f"{bound:.3f}: the share of the largest class ({largest:.3f}) plus three standard errors"
    if accuracy <= bound:
        return Finding(FAILED, f"test accuracy {accuracy:.3f} is not above {said}")
    return Finding(PASSED, f"test accuracy {accuracy:.3f} is above {said}")
