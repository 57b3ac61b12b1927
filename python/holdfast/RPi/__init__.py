"""RPi.GPIO through holdfast: scripts that were written for it share pins with each other, and with every other program on the board.

In place of ``import RPi.GPIO as GPIO`` a script says ``import holdfast.RPi.GPIO as GPIO``. One that is to stay as it is is run by
``python3 -m holdfast.RPi script.py``, or with ``PYTHONPATH`` set to what ``python3 -m holdfast.RPi --path`` prints.
"""

from __future__ import annotations

import os

#: A folder in which ``RPi.GPIO`` is this one: before other folders in ``sys.path`` it takes the place of any other.
DROP_IN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "drop_in")
