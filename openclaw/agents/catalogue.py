"""Which models there are, which one answers by default, which runtime serves which; asks no server.

Models come from the configuration, from the keys of known providers in the environment, and, if
there is nothing else, from the embedded agent.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from attrs import field, frozen
from twisted.internet.defer import Deferred, fail
from zope.interface import implementer

from openclaw.agents.runtimes.provider import KNOWN, ProviderSettings, provider_settings
from openclaw.config.providers import ModelProvider
from openclaw.errors import ConfigError, InvalidRequest, ModelError
from openclaw.interfaces.agents import IAgentRuntime, IRunSink, ModelInfo, RunOutcome, RunRequest

PRIMARY_PATH = "agents.defaults.model.primary"

BuildRuntime = Callable[[ProviderSettings], IAgentRuntime]


@implementer(IAgentRuntime)
@frozen
class Unserved:
    """Stands for a provider that cannot be asked, and says why when a run tries."""

    settings: ProviderSettings
    name: str = "unserved"
    most_turns: int = 1

    def models(self) -> Sequence[ModelInfo]:
        """The models that are listed all the same."""
        return self.settings.models

    def run(self, request: RunRequest, sink: IRunSink) -> Deferred[RunOutcome]:
        """Fail, at once and always."""
        settings = self.settings
        why = settings.obstacle or f"the API of {request.model.id} is not yet served"
        return fail(
            ModelError(
                f"{settings.id}: {why}",
                kind=settings.obstacle_kind,
                provider=settings.id,
                model=request.model.id,
            )
        )


@frozen
class Catalogue:
    """All models of one configuration; :func:`make_catalogue` makes it.

    :ivar providers: by id; the first one's first usable model is the default if none is chosen.
    :ivar embedded: what answers if there is nothing else, and every command.
    :ivar build: makes the runtime of a provider; called at the first run, once.
    :ivar primary: the chosen default, ``provider/model``; empty if none is.
    """

    providers: Mapping[str, ProviderSettings]
    embedded: IAgentRuntime
    build: BuildRuntime
    primary: str = ""
    _built: dict[str, IAgentRuntime] = field(factory=dict, init=False, repr=False, eq=False)

    @property
    def default(self) -> ModelInfo:
        """The model that answers unless a session says otherwise."""
        chosen = self._find(self.primary)
        if chosen is not None:
            return chosen
        usable = [model for model in self._listed() if model.available]
        return (usable or list(self.embedded.models()))[0]

    def models(self) -> Sequence[ModelInfo]:
        """Every model, the default first; the embedded agent only if it is that."""
        default = self.default
        return (default, *(model for model in self._listed() if model.ref != default.ref))

    def resolve(self, ref: str = "") -> ModelInfo:
        """Find the model of a reference.

        :param ref: ``provider/model``; empty for the default.
        :raises InvalidRequest: if there is no such model.
        """
        found = self._find(ref) if ref else self.default
        if found is None:
            raise InvalidRequest(f"unknown model {ref!r}; {self._known()}")
        return found

    def runtime_for(self, model: ModelInfo) -> IAgentRuntime:
        """Give the runtime that serves a model, making it if this is its first run."""
        settings = self.providers.get(model.provider)
        if settings is None:
            return self.embedded
        if not model.available:
            return Unserved(settings)
        if settings.id not in self._built:
            self._built[settings.id] = self.build(settings)
        return self._built[settings.id]

    def check(self) -> None:
        """Refuse a default that names nothing.

        :raises ConfigError: naming the models there are.
        """
        if self.primary and self._find(self.primary) is None:
            raise ConfigError(f"there is no model {self.primary!r}; {self._known()}", PRIMARY_PATH)

    def _listed(self) -> list[ModelInfo]:
        return [model for settings in self.providers.values() for model in settings.models]

    def _find(self, ref: str) -> ModelInfo | None:
        provider, _, id = ref.partition("/")
        settings = self.providers.get(provider)
        listed = self.embedded.models() if settings is None else settings.models
        for model in listed:
            if model.ref == ref:
                return model
        if settings is None or not settings.open_ended or not id:
            return None
        return ModelInfo(provider=provider, id=id, name=id, available=not settings.obstacle)

    def _known(self) -> str:
        refs = ", ".join(model.ref for model in self._listed())
        return f"known: {refs}" if refs else "none is configured, see models.providers"


def make_catalogue(
    providers: Iterable[ModelProvider],
    embedded: IAgentRuntime,
    build: BuildRuntime,
    primary: str = "",
) -> Catalogue:
    """Make the catalogue of a configuration.

    :param providers: in any order; those with an address or models of their own come first, before
        those that are only there because a key is in the environment.
    :param primary: the chosen default. One at a known provider whose key is missing is no mistake:
        the file may be shared with a gateway that keeps its keys elsewhere.
    :raises ConfigError: if ``primary`` names no model, or an address holds credentials.
    """
    found = {provider.id: provider for provider in providers}
    wanted = primary.partition("/")[0]
    if wanted in KNOWN and wanted not in found:
        found[wanted] = ModelProvider(wanted, None, "openai-completions")
    ordered = sorted(found.values(), key=lambda one: not (one.base_url or one.models))
    by_id = {provider.id: provider_settings(provider) for provider in ordered}
    catalogue = Catalogue(by_id, embedded, build, primary)
    catalogue.check()
    return catalogue
