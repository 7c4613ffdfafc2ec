"""``python -m proface_s`` runs the command line, as ``proface`` does."""

from .cli.main import run

if __name__ == "__main__":
    run()
