"""The two running services that all tests with real clients share."""

from tests.support.services import pair

__all__ = ["pair"]
