"""RFC 6455 on Autobahn: frames (`frame`), the connection (`protocol`, `factory`), the way in from HTTP (`upgrade`)."""
