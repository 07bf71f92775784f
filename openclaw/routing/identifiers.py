"""What immutable ids look like on the platforms, so that a name in a list is noticed at once.

Names, user names, e-mail addresses and titles of rooms can be changed to anybody's; whoever takes a
listed one would be let in. So they are refused when the configuration is read.
"""

import re

from attrs import frozen


@frozen(kw_only=True)
class IdForm:
    """How ids of people and chats are written on one channel.

    :ivar person_words: the form for somebody who edits the file.
    :ivar prefixes: what the original lets stand before an id, besides the channel's own name.
    :ivar wrapped: how the platform's own people write an id in a text; its group is the id.
    """

    person: re.Pattern[str]
    chat: re.Pattern[str]
    person_words: str
    chat_words: str
    prefixes: tuple[str, ...] = ()
    wrapped: re.Pattern[str] | None = None


_ANY = IdForm(
    # What begins with @ is a name that people choose, unless a server stands behind a colon.
    person=re.compile(r"(?!@[^:]*$)[^\s,]{1,255}"),
    chat=re.compile(r"(?!@[^:]*$)[^\s,]{1,255}"),
    person_words="the platform's immutable id, not a name",
    chat_words="the platform's immutable id, not a name",
)

_FORMS = {
    "telegram": IdForm(
        person=re.compile(r"-?[1-9][0-9]{0,19}"),
        chat=re.compile(r"-?[1-9][0-9]{0,19}"),
        person_words="a numeric user id such as 123456789",
        chat_words="a numeric chat id such as -1001234567890",
        prefixes=("tg",),
    ),
    "discord": IdForm(
        person=re.compile(r"(?:role:)?[0-9]{1,20}"),
        # Behind a server's id a channel's name: who may change it may do anything on the server.
        chat=re.compile(r"[0-9]{1,20}(?:#[^\s#]{1,100})?"),
        person_words="a numeric user id such as 80351110224678912, or role:ID for a role",
        chat_words="the numeric id of a channel or server such as 41771983423143937",
        prefixes=("user", "channel"),
        wrapped=re.compile(r"<(?:@!?|#)([0-9]+)>"),
    ),
    "slack": IdForm(
        person=re.compile(r"[UWB][A-Z0-9]{1,20}"),
        chat=re.compile(r"[CGDTE][A-Z0-9]{1,20}"),
        person_words="a member id such as U012ABCDEF",
        chat_words="the id of a channel or workspace such as C012ABCDEF",
        prefixes=("user", "channel"),
    ),
    "matrix": IdForm(
        person=re.compile(r"@[^\s:]+:\S+"),
        # Which room an alias is, the account's own homeserver says.
        chat=re.compile(r"!\S+|#[^\s:]+:\S+"),
        person_words="a user id such as @alice:example.org",
        chat_words="a room id such as !abcdef:example.org, or an alias such as #ops:example.org",
    ),
    "irc": IdForm(
        # Nicks belong to whoever takes them; in lower case, for servers write what they like.
        person=re.compile(
            r"account:[^\sA-Z,]{1,100}|"
            r"(?:\*|[^\sA-Z,:!@*?$]{1,64})!(?:(?![A-Z])[^\s@,*?])+@(?:(?![A-Z])[^\s,*?])+"
        ),
        chat=re.compile(r"[#&+!](?:(?![A-Z])[^\s,]){1,100}"),
        person_words=(
            "an account such as account:ada, or a host mask such as *!ada@home.example or "
            "ada!ada@home.example, without other wildcards; in lower case, never a bare nick"
        ),
        chat_words="a channel such as #room, in lower case",
    ),
}


def form_of(channel: str) -> IdForm:
    """How ids are written on a channel; the loosest form for one that is not known here."""
    return _FORMS.get(channel, _ANY)
