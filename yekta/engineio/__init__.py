"""Engine.IO protocol 4, server side: a connection that survives on long polling or WebSocket. Knows no application.

`packet` codes packets, `connection` holds one client's state without any I/O, `polling` and `websocket` carry it,
`engine` keeps them all and verifies requests, `resource` is its door on twisted.web.
"""
