"""A terminal for a program to write to."""

import fcntl
import os
import re
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

    @property
    def lines(self):
        """The lines that the screen shows, however often they were redrawn. The screen is as wide as they are."""
        rows, column = [""], 0
        for piece in re.findall(r"\x1b\[K|[\s\S]", self.shown.decode(errors="replace")):
            if piece == "\r":
                column = 0
            elif piece == "\n":
                rows, column = [*rows, ""], 0
            elif piece == "\x1b[K":
                rows[-1] = rows[-1][:column]
            else:
                rows[-1], column = rows[-1][:column].ljust(column) + piece + rows[-1][column + 1:], column + 1
        return rows

    def close(self):
        os.close(self.ours)
        os.close(self.theirs)
