"""The shape of everything clients send: declared once, for checking requests and for the OpenAPI document."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from yekta.app.errors import ClientError

Shape = TypeVar("Shape")

Text = Annotated[str, Meta(min_length=1, max_length=2000, description="1 to 2,000 characters")]
MessageId = Annotated[str, Meta(min_length=1, max_length=128)]
ConversationId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,128}$(?!\n)", description="letters, digits, . _ -")]

# The one message of msgspec's that quotes what came, however long that is.
_QUOTING = re.compile(r"(?s)^(Invalid enum value) .*?( - at `\$[^`]*`)?$")

# Only this many last turns are used; what came before has been said often enough.
HISTORY = 10


class Turn(Struct):
    """One earlier turn of a conversation. A client never speaks as the system."""

    role: Literal["user", "assistant"]
    content: str


class Say(Struct):
    """The data of ``message``."""

    content: str


class Chat(Struct, rename="camel"):
    """The data of ``ai:chat``, and the body of ``POST /api/ai/chat``."""

    message: Text
    conversation_history: list[Turn] = []
    locale: Literal["fa", "en"] = "fa"
    message_id: MessageId | UnsetType = UNSET
    conversation_id: ConversationId | UnsetType = UNSET

    def history(self) -> list[Turn]:
        """The turns that count. Clients of the original send the current message as the last turn too."""
        turns = self.conversation_history
        if turns and turns[-1].role == "user" and turns[-1].content == self.message:
            turns = turns[:-1]
        return turns[-HISTORY:]


class Cancel(Struct, rename="camel"):
    """The data of ``ai:cancel``."""

    message_id: MessageId


class Resume(Struct, rename="camel"):
    """The data of ``ai:resume``. ``seq``: the last chunk that the client has."""

    message_id: MessageId
    seq: int = -1


class Register(Struct):
    """The body of ``POST /api/auth/register``."""

    name: str = ""
    email: str | None = None
    phone: str | None = None
    password: str | None = None
    type: str = "patient"


class Login(Struct):
    """The body of ``POST /api/auth/login``."""

    identifier: str = ""
    password: str = ""


def read(value: Any, shape: type[Shape]) -> Shape:
    """``value`` as ``shape``, or a :class:`ClientError` that names the field at fault and quotes nothing."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise ClientError(_QUOTING.sub(r"\1\2", str(error)), status=400) from None
    except RecursionError:
        raise ClientError("Data nests too deep", status=400) from None
