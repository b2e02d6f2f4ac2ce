"""Reads the code of snnx when the fork server loads it, so that every run knows the code that it really runs."""

from snnx.record import source

source.keep_loaded()
