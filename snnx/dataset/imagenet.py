"""ImageNet: photographs of a thousand kinds of things, as its publisher's archives unpack."""

from pathlib import Path

from snnx.dataset.photographs import Photographs, first_two_columns
from snnx.dataset.published import PublishedFile


class ImageNet(Photographs):
    """1,281,167 training photographs of a thousand classes, at 224×224; the test set is the official validation set of 50,000.

    Training pictures are in `imagenet/train/n01440764/*.JPEG` and so on. `imagenet/val` has the same folders, or all pictures
    in one folder with the list `LOC_val_solution.csv` in or beside it.

    Source:
        Russakovsky et al. 2015, ImageNet Large Scale Visual Recognition Challenge.
    """

    classes = 1000
    shape = (3, 224, 224)
    counts = (1_281_167, 50_000)
    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)
    folder = "imagenet"
    labels = "LOC_val_solution.csv"
    files = (PublishedFile("imagenet", "", 1_331_167, "https://image-net.org/download.php"),)

    @staticmethod
    def listed(path: Path) -> dict[str, str]:
        """Read lines such as `ILSVRC2012_val_00000001,n01751748 1 2 3 4`; the box after the class is ignored."""
        return first_two_columns(path, ",")
