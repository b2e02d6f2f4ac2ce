"""Curves that the report draws in a figure of their own and of which no number is made; free of torch, since it reads them."""

PICTURES = ("attention_map_before", "attention_map", "denoiser_curve", "denoiser_table", "spike_raster")
