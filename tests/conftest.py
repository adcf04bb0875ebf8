"""Tests that are marked slow may take longer than the limit in pyproject.toml."""

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(3600))
