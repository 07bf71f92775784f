"""A program that speaks Pi's wire and misbehaves on request; it uses nothing of the gateway.

A prompt's directive says how: ``[env]`` tells its environment, ``[hang]`` never ends, ``[deaf]``
neither, and hears neither ``abort`` nor SIGTERM nor the end of its input; ``[crash]`` ends without
a word, ``[half]`` after one; ``[garbage]`` writes what is no line, ``[long]`` a line of 100 MB,
``[noise]`` a thousand complaints and a secret; ``[family]`` starts a child that ignores SIGTERM and
tells its number. Anything else is answered with ``re`` and what was asked.
"""

import json
import os
import signal
import subprocess
import sys
import time


def say(**line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def delta(text: str) -> None:
    say(type="message_update", assistantMessageEvent={"type": "text_delta", "delta": text})


def finish(text: str, reason: str = "stop") -> None:
    if text:
        delta(text)
    say(type="message_end", message={"role": "assistant", "content": [], "stopReason": reason})
    say(type="agent_end", messages=[])


def deaf() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(60)


def garbage() -> None:
    sys.stdout.buffer.write(b"Debugger attached.\n\xff\xfe\x00{\n[]\nnull\n" + os.urandom(5000))
    sys.stdout.buffer.write(b"\n")
    finish("clean")


def long_line() -> None:
    piece = b"x" * (1 << 20)
    for _ in range(100):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.write(b"\n")
    finish("short")


def noise() -> None:
    for number in range(1000):
        sys.stderr.write(f"complaint {number} with key-123\n")
    sys.stderr.flush()
    finish("heard")


def family() -> None:
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)",
        ]
    )
    finish(str(child.pid))


def crash() -> None:
    os.abort()


def half() -> None:
    delta("half ")
    os._exit(3)


ACTS = {
    "env": lambda: finish(json.dumps(dict(os.environ))),
    "hang": lambda: None,
    "deaf": deaf,
    "crash": crash,
    "half": half,
    "garbage": garbage,
    "long": long_line,
    "noise": noise,
    "family": family,
}


def main() -> None:
    prompting = False
    for line in sys.stdin:
        command = json.loads(line)
        if command["type"] == "abort" and prompting:
            finish("", "aborted")
            prompting = False
        say(type="response", id=command["id"], command=command["type"], success=True)
        if command["type"] == "prompt":
            text = command["message"].rpartition("\n")[2]
            name = text[1 : text.find("]")] if text.startswith("[") else ""
            prompting = name == "hang"
            act = ACTS.get(name)
            if act is None:
                finish(f"re {text}")
            else:
                act()


main()
