"""Runs a command on a terminal of its own and types what is asked for: terminal.py TYPED COMMAND…

TYPED is a JSON array of pairs: what the terminal shows last, and what is typed then. Where that ends with a
colon a secret is asked for: it is typed when the terminal shows no more what is typed.
"""

import json
import os
import pty
import sys
import termios
import time

typed = [(shown.encode(), answer.encode()) for shown, answer in json.loads(sys.argv[1])]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
screen = b""
while True:
    try:
        screen += os.read(terminal, 4096)
    except OSError:  # No process has it open any more.
        break
    if typed and screen.endswith(typed[0][0]):
        shown, answer = typed.pop(0)
        while shown.endswith(b": ") and termios.tcgetattr(terminal)[3] & termios.ECHO:
            time.sleep(0.001)
        os.write(terminal, answer)
sys.stdout.buffer.write(screen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
