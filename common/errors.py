"""Errors that a user can mend.

FieldkitError          anything a user can put right; the command line prints it and exits with 2
├── BadInput           a file, an argument or a setting is wrong
├── NotReady           something must be set up or started first
├── Refused            a check said no on purpose (a signature, an approval, an admission)
└── EngineFailed       the LLM server answered with an error, or half an answer
"""


class FieldkitError(Exception):
    """A message for a person, and the command or setting that mends it."""

    def __init__(self, message: str, mend: str):
        super().__init__(message)
        self.message, self.mend = message, mend

    def __str__(self) -> str:
        return f"{self.message}\n  mend: {self.mend}"


class BadInput(FieldkitError):
    """A file, an argument or a setting is wrong."""


class NotReady(FieldkitError):
    """Something must be set up or started first."""


class Refused(FieldkitError):
    """A check said no on purpose."""


class EngineFailed(FieldkitError):
    """The LLM server answered with an error, or with half an answer. `status`: the HTTP status, 0 where there was none."""

    def __init__(self, message: str, mend: str, status: int = 0):
        super().__init__(message, mend)
        self.status = status
