"""Write federated algorithms: mark functions as `central` or `federated`; their signatures say what they need."""

from hanse_algorithm import guards
from hanse_algorithm.annotations import Column, OrganizationId
from hanse_algorithm.contract import setting
from hanse_algorithm.errors import AlgorithmError, PrivacyViolation
from hanse_algorithm.logs import error, info, warn
from hanse_algorithm.registry import central, federated
from hanse_algorithm.subtasks import Answer, Failure, Federation, Organization, Subtask, SubtaskFailed

__version__ = "0.3.0"

__all__ = [
    "AlgorithmError",
    "Answer",
    "Column",
    "Failure",
    "Federation",
    "Organization",
    "OrganizationId",
    "PrivacyViolation",
    "Subtask",
    "SubtaskFailed",
    "__version__",
    "central",
    "error",
    "federated",
    "guards",
    "info",
    "setting",
    "warn",
]
