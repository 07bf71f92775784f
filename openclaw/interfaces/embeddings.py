"""Where texts become vectors: asked over HTTP, answered by a model provider that has them."""

from collections.abc import Sequence

from attrs import frozen
from twisted.internet.defer import Deferred
from zope.interface import Interface


@frozen(kw_only=True)
class Embedded:
    """The vectors of some texts.

    :ivar model: ``provider/model`` that made them.
    :ivar vectors: one per text, in their order.
    :ivar tokens: tokens of the texts, 0 if unknown.
    """

    model: str
    vectors: Sequence[Sequence[float]]
    tokens: int = 0


class IEmbeddings(Interface):
    """Turns texts into vectors."""

    def embed(texts: Sequence[str], model: str = "", dimensions: int = 0) -> Deferred[Embedded]:
        """Ask a provider.

        :param model: ``provider/model``; empty for the configured one.
        :param dimensions: length of the vectors; 0 for the model's own.
        :return: fails with :class:`openclaw.errors.InvalidRequest` for a model that is not known
            or has none, with :class:`openclaw.errors.ModelError` if the provider does not answer.
            Cancelling it stops the call.
        """
