"""The shipped options are found wherever snnx is installed, and their absence is explained."""

import pytest

from snnx.options.folders import shipped


def test_a_folder_that_was_not_installed_is_named():
    with pytest.raises(
        FileNotFoundError, match=r"^snnx: the folder recipes must be in or beside .*snnx; got none: reinstall snnx$"
    ):
        shipped("recipes")
