"""The roof: settings (`config`), the application put together (`node`), and the two services (`api`, `ws`).

The only place that touches the reactor.
"""
