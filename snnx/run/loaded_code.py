"""Computes the digests of snnx's code when the fork server imports this module, so that the forked runs have them already."""

from snnx.record import source

source.keep_loaded()
