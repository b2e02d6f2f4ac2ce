"""Energy per operation: presets, each with its source."""

from typing import NamedTuple


class Price(NamedTuple):
    """The energy, in picojoules, of a multiply-accumulate, of an addition, and of reading or writing a byte."""

    mac: float
    ac: float
    byte: float
    source: str

    @property
    def formula(self) -> str:
        """The formula of the energy, as text."""
        moved = f" + {self.byte} pJ * bytes" if self.byte else ""
        return f"({self.mac} pJ * macs + {self.ac} pJ * synops{moved}) / 1e6   [{self.source}]"

    def uj(self, macs: float, synops: float, moved: float) -> float:
        """Return the energy of these operations and bytes in microjoules.

            E = (mac * macs + ac * synops + byte * moved) / 1e6

        Example:
            >>> PRICES["45nm"].uj(macs=1e6, synops=2e6, moved=0.0)
            6.4
        """
        return (self.mac * macs + self.ac * synops + self.byte * moved) / 1e6


PRICES = {
    "45nm": Price(4.6, 0.9, 0.0, "Horowitz, ISSCC 2014, float32, as in most papers"),
    "45nm_fp16": Price(1.5, 0.4, 0.0, "Horowitz, ISSCC 2014, float16"),
    "45nm_int8": Price(0.23, 0.03, 0.0, "Horowitz, ISSCC 2014, int8"),
    "memory": Price(4.6, 0.9, 24.96, "SpikingJelly's simple energy: 45nm and 3.12 pJ a bit"),
}
INT8 = Price(0.23, 0.03, 2.5, "Horowitz, ISSCC 2014: int8, and 20 pJ for 64 bits of a 32 kB memory")
"""The prices of a chip with weights of 8 bits. They belong to `energy_int8_bytes`, not to the bytes of the presets above."""
