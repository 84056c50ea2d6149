"""A folder for each kind of test; CONTRIBUTING.md says which.

Assertions of helpers say as much when they fail as those of the tests themselves.
"""

import pytest

pytest.register_assert_rewrite("tests.helpers")
