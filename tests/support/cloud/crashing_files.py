"""Files that end `tests.support.cloud.crashing_handler`, or keep it for ever."""

DEADLY, ENDLESS = b"this ends the process", b"this never ends"
