"""The ``yekta`` command: one module per sub-command, each with ``add_to`` (its arguments) and ``run`` (a coroutine).

It talks to the services as any client does and knows nothing of their insides, `emit` and the control socket excepted.
"""
