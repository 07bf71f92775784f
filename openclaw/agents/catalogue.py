"""Which models there are, which one answers by default, which runtime serves which; asks no server.

Models come from the configuration, from the keys of known providers in the environment, and, if
there is nothing else, from the embedded agent.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from attrs import field, frozen
from twisted.internet.defer import Deferred, fail
from zope.interface import implementer

from openclaw.agents.choices import Choices
from openclaw.agents.runtimes.failover import Candidate, Chain
from openclaw.agents.runtimes.provider import (
    COMPLETIONS,
    KNOWN,
    RESPONSES,
    ProviderSettings,
    provider_settings,
)
from openclaw.config.providers import PROCESS, ModelProvider
from openclaw.errors import ConfigError, InvalidRequest, ModelError
from openclaw.interfaces.agents import IAgentRuntime, IRunSink, ModelInfo, RunOutcome, RunRequest

BuildRuntime = Callable[[ProviderSettings], IAgentRuntime]
Wrap = Callable[[Chain], IAgentRuntime]


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
                kind=settings.obstacle_kind or "invalid",
                provider=settings.id,
                model=request.model.id,
                failover_reason="auth" if settings.obstacle_kind == "auth" else "model_not_found",
            )
        )


@frozen
class Catalogue:
    """All models of one configuration; :func:`make_catalogue` makes it.

    :ivar providers: by id; the first one's first usable model is the default if none is chosen.
    :ivar embedded: what answers if there is nothing else, and every command.
    :ivar build: makes the runtime of a provider; called at the first run, once.
    :ivar choices: which models the agents use, and what they are called.
    :ivar wrap: makes the runtime that asks one candidate after the other; without it only the
        wanted model is asked.
    """

    providers: Mapping[str, ProviderSettings]
    embedded: IAgentRuntime
    build: BuildRuntime
    choices: Choices = field(factory=Choices)
    wrap: Wrap | None = None
    _built: dict[str, IAgentRuntime] = field(factory=dict, init=False, repr=False, eq=False)

    @property
    def default(self) -> ModelInfo:
        """The model that answers unless an agent or a session says otherwise."""
        return self.default_for("")

    def default_for(self, agent_id: str) -> ModelInfo:
        """The model of an agent's sessions unless they say otherwise."""
        chosen = self._find(self.choices.of(agent_id).primary)
        if chosen is not None:
            return chosen
        usable = [model for model in self._listed() if model.available]
        return (usable or list(self.embedded.models()))[0]

    def models(self) -> Sequence[ModelInfo]:
        """Every model, the default first; the embedded agent only if it is that.

        Models that an agent uses without their being listed are there too.
        """
        default = self.default
        chosen = [self._find(choice.primary) for choice in self.choices.all()]
        standing_by = [self._find(ref) for one in self.choices.all() for ref in one.fallbacks]
        named = [self._find(ref) for ref in self.choices.aliases.values()]
        found = [default, *self._listed(), *chosen, *standing_by, *named]
        by_ref = {model.ref: model for model in found if model is not None}
        return tuple(by_ref.values())

    def tags(self, model: ModelInfo) -> list[str]:
        """What a list of models says beside one."""
        fallbacks = [self.choices.ref(ref) for ref in self.choices.default.fallbacks]
        tags = ["default"] if model.ref == self.default.ref else []
        if model.ref in fallbacks:
            tags.append(f"fallback#{fallbacks.index(model.ref) + 1}")
        tags += [f"alias:{name}" for name, ref in self.choices.aliases.items() if ref == model.ref]
        return tags

    def resolve(self, ref: str = "", agent_id: str = "") -> ModelInfo:
        """Find the model of a reference.

        :param ref: ``provider/model`` or an alias; empty for the default.
        :param agent_id: whose default; empty for that of all.
        :raises InvalidRequest: if there is no such model.
        """
        found = self._find(ref) if ref else self.default_for(agent_id)
        if found is None:
            raise InvalidRequest(f"unknown model {ref!r}; {self._known()}")
        return found

    def runtime_for(self, model: ModelInfo) -> IAgentRuntime:
        """Give the runtime that answers for a model, or has another answer in its place."""
        is_server = model.provider in self.providers and not self._is_program(model)
        if not is_server or self.wrap is None:
            return self._server(model)
        if "" not in self._built:
            self._built[""] = self.wrap(self.chain)
        return self._built[""]

    def keeps_forms(self, model: ModelInfo) -> bool:
        """Whether a model's API can be asked for an answer in a form."""
        settings = self.providers.get(model.provider)
        return settings is not None and settings.how(model.id).api in (COMPLETIONS, RESPONSES)

    def chain(self, request: RunRequest) -> Sequence[Candidate]:
        """List the models that may answer a request, the wanted one first.

        Others stand in for the model of the agent; a model that a session chose has to answer
        itself, or whoever chose it would not know who speaks.
        """
        wanted = request.model
        refs: tuple[str, ...] = ()
        if wanted.ref == self.default_for(request.agent_id).ref:
            refs = self.choices.of(request.agent_id).fallbacks
        models = {wanted.ref: wanted}
        for found in map(self._find, refs):
            # An answer in no form would be none for whoever asked for one.
            if found is not None and (request.sampling.form is None or self.keeps_forms(found)):
                models.setdefault(found.ref, found)
        return [Candidate(model, self._server(model)) for model in models.values()]

    def obstacles(self) -> Sequence[str]:
        """Say why providers can answer nothing, and what to do; of each one line."""
        return [f"{one.id}: {one.obstacle}" for one in self.providers.values() if one.obstacle]

    def check(self) -> None:
        """Refuse a default that names nothing, and a fallback that is a program.

        A program may have used its tools before it failed: what it did would be done again.

        :raises ConfigError: naming the models there are.
        """
        for choice in self.choices.all():
            for ref in choice.fallbacks:
                found = self._find(ref)
                if found is not None and self._is_program(found):
                    raise ConfigError(
                        f"{ref!r} is a program, and only models stand in for others",
                        f"{choice.path}.fallbacks",
                    )
            if choice.primary and self._find(choice.primary) is None:
                named = "" if "/" in choice.primary else ", as they are called provider/model"
                raise ConfigError(
                    f"there is no model {choice.primary!r}{named}; {self._known()}",
                    f"{choice.path}.primary",
                )

    def _server(self, model: ModelInfo) -> IAgentRuntime:
        """Give the runtime that serves a model, making it if this is its first run."""
        settings = self.providers.get(model.provider)
        if settings is None:
            return self.embedded
        if not model.available:
            return Unserved(settings)
        if settings.id not in self._built:
            self._built[settings.id] = self.build(settings)
        return self._built[settings.id]

    def _is_program(self, model: ModelInfo) -> bool:
        settings = self.providers.get(model.provider)
        return settings is not None and settings.api == PROCESS

    def _listed(self) -> list[ModelInfo]:
        return [model for settings in self.providers.values() for model in settings.models]

    def _find(self, name: str) -> ModelInfo | None:
        ref = self.choices.ref(name)
        provider, _, id = ref.partition("/")
        settings = self.providers.get(provider)
        listed = self.embedded.models() if settings is None else settings.models
        for model in listed:
            if model.ref == ref:
                return model
        if settings is None or not settings.open_ended or not id:
            return None
        return ModelInfo(
            provider=provider,
            id=id,
            name=id,
            input=settings.unlisted_input,
            available=not settings.obstacle,
        )

    def _known(self) -> str:
        refs = ", ".join(model.ref for model in self._listed())
        return f"known: {refs}" if refs else "none is configured, see models.providers"


def make_catalogue(
    providers: Iterable[ModelProvider],
    embedded: IAgentRuntime,
    build: BuildRuntime,
    choices: Choices | None = None,
    wrap: Wrap | None = None,
) -> Catalogue:
    """Make the catalogue of a configuration.

    :param providers: in any order; those with an address or models of their own come first, before
        those that are only there because a key is in the environment.
    :param choices: what the agents use. A model at a known provider whose key is missing is no
        mistake: the file may be shared with a gateway that keeps its keys elsewhere.
    :raises ConfigError: if an agent's model is none, or an address holds credentials.
    """
    choices = choices or Choices()
    found = {provider.id: provider for provider in providers}
    for choice in choices.all():
        for name in (choice.primary, *choice.fallbacks):
            wanted = choices.ref(name).partition("/")[0]
            if wanted in KNOWN and wanted not in found:
                found[wanted] = ModelProvider(wanted, None, KNOWN[wanted].api)
    ordered = sorted(found.values(), key=lambda one: not (one.base_url or one.models))
    by_id = {provider.id: provider_settings(provider) for provider in ordered}
    catalogue = Catalogue(by_id, embedded, build, choices, wrap)
    catalogue.check()
    return catalogue
