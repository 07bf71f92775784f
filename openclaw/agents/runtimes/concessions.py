"""What servers say that cannot use tools or think on demand, and for how long that is believed.

Ollama answers so for models without them; vLLM and llama.cpp where they were started without
``--enable-auto-tool-choice`` and ``--jinja``. An answer without tools is worth more than none, and
the log says what to change.
"""

from twisted.internet.interfaces import IReactorTime

from openclaw.interfaces.agents import RunRequest

CONCESSION_SECONDS = 600
"""After that the server is asked for everything again: it may have been started anew."""

WORDS = {
    "tools": (
        "does not support tools",
        "tools param requires --jinja",
        "unsupported param: tools",
        "requires --enable-auto-tool-choice",
        "no endpoints found that support tool use",
    ),
    "thinking": ("does not support thinking",),
}


def concession(words: str, request: RunRequest) -> str:
    """Name what a refused request should be asked without.

    :return: ``tools``, ``thinking``, or an empty text if that would not help.
    """
    words = words.lower()
    if request.tools and any(one in words for one in WORDS["tools"]):
        return "tools"
    if request.thinking and any(one in words for one in WORDS["thinking"]):
        return "thinking"
    return ""


class Concessions:
    """What each model of a server is asked without, for a while."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._until: dict[tuple[str, str], float] = {}

    def of(self, model: str) -> frozenset[str]:
        """What to ask this model without."""
        now = self._clock.seconds()
        return frozenset(
            what for (one, what), until in self._until.items() if one == model and until > now
        )

    def make(self, model: str, what: str) -> None:
        """Believe that a model cannot do something."""
        self._until[model, what] = self._clock.seconds() + CONCESSION_SECONDS
