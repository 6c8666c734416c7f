"""The command line `sojourn`: placing, acting, looking, running."""

from workers.cli.app import app, main

__all__ = ["app", "main"]
