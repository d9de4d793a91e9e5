"""What the model is told about its part, by locale, and how much of what was said before."""

from __future__ import annotations

from collections.abc import Sequence

from yekta.ai.provider import Message

# Characters of all earlier turns together: five questions and five of the longest answers are less. A client may send
# as much as a payload holds, and each provider would be paid for all of it.
EARLIER = 200_000

_FA = """\
تو مشاور همراه یکتایار هستی، یک سامانهٔ سلامت روان. به فارسی ساده، گرم و محترمانه پاسخ بده.
اول بشنو و احساس طرف مقابل را بازگو کن، سپس اگر خواست، قدمی کوچک و شدنی پیشنهاد کن. کوتاه بنویس و قضاوت نکن.
تو پزشک نیستی: تشخیص نده، دارو تجویز نکن، و هر جا لازم است دیدار با روان‌شناس یا روان‌پزشک را پیشنهاد کن.
اگر کسی از آسیب زدن به خود یا دیگری گفت، با آرامش بپرس که آیا اکنون در امان است، و او را تشویق کن همین حالا \
با اورژانس یا کسی که به او اعتماد دارد تماس بگیرد.
هرگز وانمود نکن که انسان هستی."""

_EN = """\
You are the companion counselor of YektaYar, a mental health platform. Answer in plain, warm and respectful English.
Listen first and say back what the person seems to feel; then, if they want it, offer one small step that can be done. \
Be brief and do not judge.
You are not a doctor: make no diagnosis, prescribe nothing, and suggest seeing a psychologist or psychiatrist where \
that is needed.
If someone speaks of harming themselves or others, calmly ask whether they are safe now, and encourage them to call \
emergency services or somebody they trust right away.
Never pretend to be human."""


def system(locale: str) -> str:
    """The system prompt in the language of ``locale``."""
    return _EN if locale == "en" else _FA


def earlier(turns: Sequence[Message]) -> list[Message]:
    """The last of ``turns``, as far as they fit; of the first that does not, its end."""
    told: list[Message] = []
    left = EARLIER
    for turn in reversed(turns):
        if left <= 0:
            break
        told.append(Message(turn.role, turn.content[-left:]))
        left -= len(turn.content)
    return told[::-1]
