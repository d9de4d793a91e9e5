"""What the body of an answer says, where a server of models says it strangely."""

from __future__ import annotations

from itertools import chain

import pytest

from yekta.ai.answer import StreamedAnswer, WholeAnswer
from yekta.ai.provider import Kind, ProviderError

LINE = b"data: " + b" " * 60_000 + b"\n"


def test_an_event_that_is_too_large_is_not_understood_whenever_that_is_seen():
    with pytest.raises(ProviderError) as caught:
        StreamedAnswer(100).feed(LINE * 18)
    assert caught.value.kind is Kind.PROTOCOL
    answer = StreamedAnswer(100)
    answer.feed(LINE * 17 + LINE.rstrip(b"\n"))
    with pytest.raises(ProviderError) as caught:
        answer.finish()
    assert caught.value.kind is Kind.PROTOCOL


def test_a_line_may_be_as_long_as_it_was_said():
    line = b": " + b"x" * 98
    StreamedAnswer(100, max_line=100).feed(line)
    with pytest.raises(ProviderError) as caught:
        StreamedAnswer(100, max_line=99).feed(line)
    assert caught.value.kind is Kind.PROTOCOL


def test_why_an_answer_has_ended_is_known_also_after_more_was_told():
    answer = StreamedAnswer(100)
    told = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"length"}]}\n\ndata: {"usage":{}}\n\n'
    assert list(answer.feed(told)) == ["a"]
    assert answer.completion().finish_reason == "length"


def test_a_blank_after_the_mark_of_the_end_is_none_of_it():
    answer = StreamedAnswer(100)
    assert list(answer.feed(b"data: [DONE] \n\n")) == []
    assert answer.ended


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("whole", [False, True])
def test_of_the_longest_answer_each_letter_passes_and_one_more_does_not(whole, more):
    # As some servers write it: twelve bytes for each.
    said = b'{"content":"%s"}' % (rb"\ud83c\udf31" * (6000 + more))
    if whole:
        answer, body = WholeAnswer(6000), b'{"choices":[{"message":%s}]}' % said
    else:
        answer, body = StreamedAnswer(6000, len(said) + 100), b'data: {"choices":[{"delta":%s}]}\n\n' % said
    if more:
        with pytest.raises(ProviderError) as caught:
            list(chain(answer.feed(body), answer.finish()))
        assert caught.value.kind is Kind.TOO_LONG
    else:
        assert list(chain(answer.feed(body), answer.finish())) == ["\N{SEEDLING}" * 6000]
