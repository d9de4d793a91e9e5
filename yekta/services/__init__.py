"""The roof: settings (`config`), the application put together (`node`), and the two services (`api`, `ws`), each of
them one process (`service`) or several (`workers`).

The only place that touches the reactor.
"""
