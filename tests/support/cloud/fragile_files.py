"""Files that end `tests.support.cloud.fragile`, or keep it for ever."""

DEADLY, ENDLESS = b"this ends the process", b"this never ends"
