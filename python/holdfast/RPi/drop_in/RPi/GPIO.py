"""Whoever imports ``RPi.GPIO`` gets ``holdfast.RPi.GPIO``: the very same module, whichever name it is imported by."""

import sys

from holdfast.RPi import GPIO

sys.modules[__name__] = GPIO
