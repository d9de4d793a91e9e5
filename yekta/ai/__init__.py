"""Chat completions as a stream of text.

    provider.py     what a source of answers is: messages, generations, errors
    chat.py         a provider that asks an OpenAI-compatible server
    generation.py   its answer on the way: time limits, back-pressure, cancellation
    answer.py       what the body of that answer says
    sse.py          event streams (floor 0)
    http.py         the HTTP agent for it
    refusal.py      statuses and lost connections as errors
    failover.py     several providers as one, each behind a breaker.py
    offline.py      fixed words for when no model can answer
    patience.py     time limits of one answer

Knows no client, no prompt and no configuration.
"""
