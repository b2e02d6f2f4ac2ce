"""Reads the files of iniVation's sensors, in which DVS128 Gesture (AEDAT 3.1) and CIFAR10-DVS (2.0 and 4) are published.

We use tonic's low-level readers. In tonic 1.7, its functions for these two data sets fail, because they expect two values from
a function that returns three. SpikingJelly's reader of AEDAT 3.1 returns fewer events or none for a truncated or foreign file
instead of an error, so we use it only in tests, for comparison.
"""

import re
from pathlib import Path

import numpy as np

from snnx.dataset.binning import EVENT
from snnx.dataset.recording import LARGEST, Damaged, events_of

PACKET = np.dtype(  # the header of a packet of AEDAT 3.1
    [
        ("type", "<u2"), ("source", "<u2"), ("size", "<u4"), ("offset", "<u4"), ("overflow", "<u4"),
        ("capacity", "<u4"), ("number", "<u4"), ("valid", "<u4"),
    ]
)  # fmt: skip
MAGIC = re.compile(rb"#!AER-DAT\d\.\d\r\n")
POLARITY = 1  # the type of packets with events of pixels


def read_aedat2(path: Path) -> np.ndarray:
    """Return the events of a CIFAR10-DVS `.aedat` file, rotated upright as in SpikingJelly.

    Raises:
        Damaged: the file is not AEDAT 2.0, or it ends in the middle of an event.
    """
    from tonic.io import get_aer_events_from_file

    version, start = _header(path)
    if not 2 <= version < 3 or (path.stat().st_size - start) % 8:
        raise Damaged(f"{path}: must be a complete AEDAT 2.0 file; got version {version:g}, {path.stat().st_size} bytes")
    raw = get_aer_events_from_file(str(path), version, start)
    address = raw["address"]
    return events_of(
        path, x=127 - ((address >> 8) & 0x7F), y=127 - ((address >> 1) & 0x7F), t=raw["timeStamp"], p=(address & 1) == 0
    )


def read_aedat3(path: Path) -> np.ndarray:
    """Return the events of a DVS128 Gesture recording, in the order of the file.

    Raises:
        Damaged: the file is not AEDAT 3.1, or it ends in the middle of a packet.
    """
    version, place = _header(path)
    if not 3 <= version < 4:
        raise Damaged(f"{path}: must be an AEDAT 3.1 file; got version {version:g}")
    content = np.fromfile(path, np.uint8)
    parts = []
    while place < len(content):
        body = place + PACKET.itemsize
        header = content[place:body].view(PACKET)[0] if body <= len(content) else None
        end = len(content) + 1 if header is None else body + int(header["capacity"]) * int(header["size"])
        if end > len(content):
            raise Damaged(
                f"{path}: must be a complete AEDAT 3.1 file; got {len(content)} bytes, which end in the middle of a packet"
            )
        if header["type"] == POLARITY:
            words = content[body:end].view("<u4").reshape(-1, 2)
            data, time = words[:, 0], words[:, 1].astype(np.int64) | int(header["overflow"]) << 31
            parts.append(events_of(path, x=(data >> 17) & 0x7FFF, y=(data >> 2) & 0x7FFF, t=time, p=(data >> 1) & 1))
        place = end
    return np.concatenate(parts) if parts else np.empty(0, EVENT)


def read_aedat4(path: Path) -> np.ndarray:
    """Return the events of the first event stream of an `.aedat4` file, decoded by the package `aedat`.

    Raises:
        Damaged: the file has no events, or its packets unpack to more than 1 GiB. They are added up while they are decoded.
        ModuleNotFoundError: this package is not installed.
    """
    try:
        import aedat
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"{path}: the package aedat must be installed to read .aedat4; try: pip install 'snnx[aedat4]'"
        ) from None
    decoder = aedat.Decoder(str(path))
    streams = [number for number, stream in decoder.id_to_stream().items() if stream["type"] == "events"]
    if not streams:
        raise Damaged(f"{path}: must have a stream of events; got none")
    parts, size = [], 0
    for packet in decoder:
        if packet["stream_id"] == min(streams):
            parts.append(packet["events"])
            size += parts[-1].nbytes
            if size > LARGEST:
                raise Damaged(f"{path}: a recording must have at most {LARGEST:,} bytes when it is unpacked; got more")
    if not parts:
        return np.empty(0, EVENT)
    raw = np.concatenate(parts)
    t, x, y, p = (raw[name] for name in raw.dtype.names)
    return events_of(path, x=x, y=y, t=t, p=p)


def _header(path: Path) -> tuple[float, int]:
    """Return the version of a file, and the position at which its text header ends."""
    from tonic.io import read_aedat_header_from_file

    with path.open("rb") as file:
        first = file.readline(80)
    if not MAGIC.fullmatch(first):
        raise Damaged(f"{path}: must be an AEDAT file, whose first line is #!AER-DAT and a version; got {first[:16]!r}")
    version, start, _ = read_aedat_header_from_file(str(path))
    return version, start
