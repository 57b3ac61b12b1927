"""In place of the package of that name: RPi.GPIO through holdfast."""
