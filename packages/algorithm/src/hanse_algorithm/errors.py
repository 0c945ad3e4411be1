"""The errors of the SDK: each text names the cause and what to do, and never quotes a row of the data.

Raise one of these (or a class of your own below `AlgorithmError`) when the text may leave the station. The text
of any other exception stays at the station when the function has read tables; see `hanse_algorithm.run`.
"""


class AlgorithmError(Exception):
    """A failure whose text the researcher may read."""


class InputError(AlgorithmError):
    """The task's input is wrong: its JSON, its method or its arguments."""


class DataError(AlgorithmError):
    """A selected database cannot be used: missing, of an unknown type, or unreadable."""


class ResultError(AlgorithmError):
    """The value that the function returned cannot be written as JSON."""


class PrivacyViolation(AlgorithmError):
    """Answering would tell too much about single persons."""


class EnvironmentFault(AlgorithmError):
    """The node did not provide a variable or a file that the container contract promises."""


class FederationError(AlgorithmError):
    """The node's proxy, or the server behind it, refused a request or stayed away too long."""
