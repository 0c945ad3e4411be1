"""Write the next version of the tables from what the models say."""

import sys
import tempfile
from pathlib import Path

from alembic import command

from hanse_server import migrations
from hanse_web.db import make_engine


def write(message: str) -> None:
    """Compare a database of the last version with the models, and write the difference as a new version."""
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{Path(folder) / 'empty.sqlite'}")
        number = len(list((Path(migrations.__file__).parent / "versions").glob("[0-9]*.py"))) + 1
        if number > 1:
            migrations.upgrade(engine)
        with engine.connect() as connection:
            command.revision(migrations.config(connection), message, autogenerate=True, rev_id=f"{number:04}")
        engine.dispose()


if __name__ == "__main__":
    write(sys.argv[1])
