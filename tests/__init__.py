"""The tests. What they share shows both sides where it compares, as they do."""

import pytest

pytest.register_assert_rewrite("tests.support")
