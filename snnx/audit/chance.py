"""Whether a trained network classifies better than always naming the largest class."""

from snnx.audit.finding import FAILED, NOT_APPLICABLE, PASSED, Finding
from snnx.report.data.lines import chance_bound


def chance(accuracy: float, *, largest: float, samples: int, trained: bool) -> Finding:
    """The test accuracy of a trained network is above the bound below which a report marks it as at chance.

    Args:
        accuracy: test accuracy.
        largest: share of the test samples that belong to the largest class.
        samples: number of test samples.
        trained: whether the run trained the network.

    Example:
        >>> chance(0.6, largest=0.5, samples=100, trained=True).text
        'test accuracy 0.600 is not above 0.650, which is chance (0.500) and three standard errors'
    """
    if not trained:
        return Finding(NOT_APPLICABLE, "the run trained nothing")
    bound = chance_bound(largest, samples)
    said = f"{bound:.3f}, which is chance ({largest:.3f}) and three standard errors"
    if accuracy <= bound:
        return Finding(FAILED, f"test accuracy {accuracy:.3f} is not above {said}")
    return Finding(PASSED, f"test accuracy {accuracy:.3f} is above {said}")
