"""The command line `sojourn`: placing, acting, looking, running."""

from workers.command_line.app import app, main

__all__ = ["app", "main"]
