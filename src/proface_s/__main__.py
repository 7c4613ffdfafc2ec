"""``python -m proface_s`` is ``proface``."""

from .cli.main import run

if __name__ == "__main__":
    run()
