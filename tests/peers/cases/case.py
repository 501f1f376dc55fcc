"""One call of boto3's, and what its answer says."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Case:
    """One call."""

    service: str
    operation: str
    parameters: dict = dataclasses.field(default_factory=dict)
    says: dict = dataclasses.field(default_factory=dict)
    """Path in the answer → value, or what must hold of the value."""
    keeps: dict = dataclasses.field(default_factory=dict)
    """Name → path of what later cases need."""
    waits: bool = False
    """Whether the call is repeated until the answer says so."""
    fails: str | None = None
    """The code of the refusal."""
    because: str = ""
    """What the refusal's words contain."""
    modelled: bool = True
    """Whether the service's model has an exception of its own for the code."""
    signed: str = "well"

    def __str__(self):
        outcome = f" → {self.fails}" if self.fails else ""
        detail = f" ({self.because})" if self.because else ""
        how = "" if self.signed == "well" else f" signed {self.signed}"
        return f"{self.service} {self.operation}{how}{outcome}{detail}"


def is_empty(found):
    """Nothing is there."""
    return not found


def is_something(found):
    """Something is there."""
    return bool(found)
