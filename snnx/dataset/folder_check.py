"""Checks a folder of pictures for `snnx prepare folder`."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from snnx.dataset.class_folders import ClassFolders
from snnx.dataset.picture import Format, pixels


def check_folder(root: Path) -> list[tuple[str, str]]:
    """Decode every picture below `root`, and return pairs of a state and a line.

    States: `found`, for the folder as a whole, each class, files that are not pictures, and pictures of another size than most;
    `mixed`, for pictures of 8 and of 16 bits; `damaged`, for each picture that cannot be decoded, or for a folder with another
    layout; `missing`.
    """
    try:
        found = ClassFolders.find(root)
    except FileNotFoundError as error:
        return [("missing", str(error))]
    except ValueError as error:
        return [("damaged", str(error))]
    paths = [path for part in found.parts.values() for path, _ in part]
    with ThreadPoolExecutor() as threads:
        read = list(threads.map(_read, paths))
    formats = {one for one in read if isinstance(one, Format)}
    damaged = [one for one in read if isinstance(one, str)]
    but = f", {len(damaged)} of them damaged," if damaged else ""
    lines = [("found", f"{root}: {len(paths)} pictures{but} in {len(found.classes)} classes{_described(formats)}")]
    lines += [("found", f"{name}: {_counted(found, number)}") for number, name in enumerate(found.classes)]
    if found.others:
        lines.append(("found", f"files that are not read: {len(found.others)}, such as {found.others[0]}"))
    if len({one.bits for one in formats}) > 1:
        some = [next(path for path, one in zip(paths, read, strict=True) if one in formats and one.bits == n) for n in (8, 16)]
        lines.append(("mixed", f"pictures must have the same bits a channel; got 8 in {some[0]} and 16 in {some[1]}"))
    lines += [("found", line) for line in _of_another_size(paths, read)]
    return lines + [("damaged", one) for one in damaged]


def _read(path: Path) -> Format | str:
    """Return the format of a picture, or why it cannot be decoded."""
    try:
        values = pixels(path)
    except ValueError as error:
        return str(error)
    height, width, channels = values.shape
    return Format(channels, height, width, 8 * values.dtype.itemsize)


def _described(formats: set[Format]) -> str:
    if not formats:
        return ""
    sizes = sorted({(one.height, one.width) for one in formats})
    size = f"{sizes[0][0]}x{sizes[0][1]}" + (f" to {sizes[-1][0]}x{sizes[-1][1]}: set dataset.side" if len(sizes) > 1 else "")
    channels, depths = (sorted({getattr(one, name) for one in formats}) for name in ("channels", "bits"))
    colours = " and ".join(map(str, channels)) + (": set dataset.channels" if len(channels) > 1 and len(depths) == 1 else "")
    bits = " and ".join(map(str, depths))
    return f"; height and width {size}; channels {colours}; bits {bits}"


def _of_another_size(paths: Sequence[Path], read: Sequence[Format | str]) -> list[str]:
    """Name the first picture whose size is not the most common one, and count the others; empty if all have one size."""
    sizes = {path: (one.height, one.width) for path, one in zip(paths, read, strict=True) if isinstance(one, Format)}
    if len(set(sizes.values())) < 2:
        return []
    height, width = Counter(sizes.values()).most_common(1)[0][0]
    others = [path for path, size in sizes.items() if size != (height, width)]
    first_height, first_width = sizes[others[0]]
    return [f"pictures that are not {height}x{width}: {len(others)}, such as {others[0]} with {first_height}x{first_width}"]


def _counted(found: ClassFolders, number: int) -> str:
    counts = {part: sum(label == number for _, label in pictures) for part, pictures in found.parts.items()}
    if len(counts) == 1:
        return f"{counts['train']} pictures"
    return ", ".join(f"{counts[part]} {part}" for part in ("train", "val", "test") if part in counts)
