"""LIBRARY: the wire of a cluster over a stream of Redis, for servers of several machines.

Entries are as Node's ``@socket.io/redis-streams-adapter`` writes them, so its servers and emitters can say something to
the clients here, and the reverse. What they cannot do is answer us, or recover our clients.
"""
