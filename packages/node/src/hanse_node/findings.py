"""What `hanse node check` finds, and the exit code of each kind of problem."""

from dataclasses import dataclass
from enum import IntEnum


class Problem(IntEnum):
    """Exit codes of `hanse node check`: that of the first problem, since later ones may follow from it."""

    NONE = 0
    OTHER = 1
    SETTINGS = 10
    DIRECTORY = 11
    POLICY = 12
    DATABASE = 13
    SERVER = 14
    API_KEY = 15
    ENCRYPTION = 16
    ENGINE = 17
    ISOLATION = 18
    IMAGE = 19
    DISK = 20
    CLOCK = 21
    LOG_IN = 22
    DESTINATION = 23


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried."""

    text: str
    remedy: str = ""
    problem: Problem = Problem.NONE
    weak: bool = False

    @property
    def ok(self) -> bool:
        return self.problem is Problem.NONE

    @property
    def mark(self) -> str:
        return "PROBLEM" if not self.ok else "weak" if self.weak else "ok"
