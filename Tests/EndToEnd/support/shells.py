"""Interactive shells that complete command lines."""

import os
import pty
import re
import select
import shlex
import subprocess
import time

# Both insert all offers into the line, and then write the line to a file.
BASH = r"""
PS1='> ' HISTFILE=
bind 'set enable-bracketed-paste off'
bind 'set match-hidden-files off'
bind '"\C-o": insert-completions'
save() { printf '%s\n' "$READLINE_LINE" >.line.new; mv .line.new .line; READLINE_LINE= READLINE_POINT=0; }
bind -x '"\C-t": save'
source <("$BINARY" completion bash)
"""
ZSH = r"""
PS1='> ' HISTFILE=
unset zle_bracketed_paste
fpath=($FUNCTIONS $fpath)
autoload -Uz compinit && compinit -u -D
offers() { _main_complete; compstate[insert]=all; }
zle -C offers complete-word offers
bindkey '^O' offers
save() { print -r -- "$BUFFER" >.line.new; mv .line.new .line; BUFFER=; }
zle -N save
bindkey '^T' save
if [[ -z $FUNCTIONS ]]; then source <("$BINARY" completion zsh); fi
"""


class _Shell:
    """A shell with its own terminal, in a directory."""

    def __init__(self, words, set_up, binary, directory, functions=""):
        self._file = directory / ".line"
        self._ours, theirs = pty.openpty()
        environment = {
            "PATH": "/usr/bin:/bin", "TERM": "dumb", "HOME": str(directory), "LC_ALL": "C.UTF-8", "BINARY": str(binary),
            "FUNCTIONS": str(functions)}
        self._process = subprocess.Popen(
            words, stdin=theirs, stdout=theirs, stderr=theirs, cwd=directory, env=environment, start_new_session=True)
        os.close(theirs)
        self._shown = b""
        path = directory / ".set-up"
        path.write_text(set_up)
        self._type(f". {path}; echo rea''dy\r")
        self._wait(lambda: b"ready" in self._shown)

    def _type(self, text):
        os.write(self._ours, text.encode())

    def _wait(self, predicate):
        deadline = time.monotonic() + 40
        while not predicate():
            assert time.monotonic() < deadline, self._shown.decode(errors="replace")
            if select.select([self._ours], [], [], 0.02)[0]:
                self._shown += os.read(self._ours, 65536)

    def offers(self, line):
        """The offers for the last word of the line. That word is empty after a blank."""
        self._file.unlink(missing_ok=True)
        self._type(f"{line}\x0f\x14")
        self._wait(self._file.exists)
        after = self._file.read_text().rstrip("\n")
        if after.rstrip() == line.rstrip():
            return set()
        before = re.sub(r"[^ ]*$", "", line)
        return {word.rstrip("/") for word in shlex.split(after[len(before):])}

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._ours)


def bash(binary, directory):
    return _Shell(["bash", "--norc", "--noprofile", "-i"], BASH, binary, directory)


def zsh(binary, directory, functions=""):
    """`functions` is the folder to load the completion from. Without it the completion is sourced."""
    return _Shell(["zsh", "-f", "-i"], ZSH, binary, directory, functions)


class Fish:
    """fish prints its own offers on request."""

    def __init__(self, binary, directory):
        self._directory = directory
        self._script = directory / ".amqp-job.fish"
        self._script.write_text(subprocess.run([binary, "completion", "fish"], capture_output=True, text=True, check=True).stdout)

    def offers(self, line):
        result = subprocess.run(
            ["fish", "--no-config", "-c", 'source $argv[1]; complete -C "$argv[2]"', str(self._script), line], cwd=self._directory,
            capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin", "HOME": str(self._directory)})
        assert not result.stderr, result.stderr
        return {found.partition("\t")[0].rstrip("/") for found in result.stdout.splitlines()}

    def close(self):
        pass


SHELLS = {"bash": bash, "zsh": zsh, "fish": Fish}
