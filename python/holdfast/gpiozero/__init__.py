"""gpiozero through holdfast: its devices share pins with every other program on the board. ``GPIOZERO_PIN_FACTORY=holdfast`` selects it."""

from .factory import HoldfastFactory
from .pin import HoldfastPin

__all__ = ["HoldfastFactory", "HoldfastPin"]
