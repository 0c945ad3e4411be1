"""What an operator decides about one database: what it is, who gets what of it, and how."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from hanse_node.columns import KINDS
from hanse_node.egress_settings import WayName
from hanse_node.policy.model import Text

FILE_TYPES = frozenset({"csv", "tsv", "parquet", "excel", "folder", "sqlite", "duckdb"})
ONE_TABLE = frozenset({"csv", "tsv", "parquet", "excel"})
"""Types whose columns are shared unless it is refused; the schema of a whole database says more, and is asked for."""
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]


class Database(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    label: Label
    uri: str
    type: str
    mount_mode: Literal["ro", "copy"] = "ro"
    env: dict[str, Text] = {}
    egress: tuple[WayName, ...] = ()
    share_columns: bool | None = None

    @model_validator(mode="after")
    def _readable_columns(self) -> "Database":
        if self.share_columns and (self.type not in KINDS or (self.type != "sql" and "://" in self.uri)):
            kinds = ", ".join(sorted(KINDS))
            raise ValueError(f"share_columns: columns can be read of files and databases of these types: {kinds}")
        return self

    @property
    def shares_columns(self) -> bool:
        return self.is_path and self.type in ONE_TABLE if self.share_columns is None else self.share_columns

    @property
    def is_path(self) -> bool:
        """Tell whether the URI names a file or folder rather than a connection."""
        return "://" not in self.uri and (self.type in FILE_TYPES or Path(self.uri).exists())
