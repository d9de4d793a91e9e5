"""yekta, the real-time gateway of YektaYar, on Twisted."""

__version__ = "1.0.0"
