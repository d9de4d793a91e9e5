"""Socket.IO protocol 5, server side, over `yekta.engineio`. Knows no application; usable without ours.

`packet` codes packets, `client` joins one Engine.IO connection to its sockets, `namespace` and `socket` are what an
application sees, `adapter` delivers to many, `server` puts it together.
"""
