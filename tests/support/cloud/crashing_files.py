"""Files that crash `tests.support.cloud.crashing_handler` or make it hang."""

DEADLY, ENDLESS = b"this ends the process", b"this never ends"
