"""A terminal for a program to write to."""

import fcntl
import os
import struct
import termios


class Terminal:
    """A pseudo-terminal, and what programs have written to it."""

    def __init__(self, columns, rows):
        self.ours, self.theirs = os.openpty()
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.set_blocking(self.ours, False)
        self._shown = b""

    @property
    def shown(self):
        try:
            self._shown += os.read(self.ours, 65536)
        except OSError:
            pass
        return self._shown

    def close(self):
        os.close(self.ours)
        os.close(self.theirs)
