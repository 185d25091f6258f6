"""What a provider means by a status, in our words.

What came from the other side is not repeated: it may hold the key, or text of documents. Only a
code of small letters is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from answerable.adapters.http import retry_after_s
from answerable.domain.errors import ModelFailed
from answerable.domain.questions import StepReason

CHECK = "answerable models check"
LOG = "look in the log of that server"

_CODE = re.compile(r"[a-z][a-z_]{1,40}")
_NO_ENTRY = {401, 403}
_TOO_MANY = {429, 529}
_PAYMENT_REQUIRED, _MISSING, _REQUEST_TIMEOUT, _TOO_LARGE, _SERVER_ERROR = 402, 404, 408, 413, 500
_FILTERED = {"content_filter", "content_policy_violation"}
_BROKE = {"insufficient_quota", "insufficient_balance", "billing_hard_limit_reached"}
_TOO_LONG = {"context_length_exceeded", "exceed_context_size_error"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """Whom failures speak of.

    Attributes:
        name: Of the model, in the settings.
        address: Without name and password.
        key: Which variables hold the key, for hints.
    """

    name: str
    address: str
    key: str = ""

    @property
    def settings(self) -> str:
        """Its table in the settings."""
        return f"models.{self.name}"


def refusal(where: Where, status: int, code: str, headers: Mapping[str, str]) -> ModelFailed:
    """Return what a status other than success means.

    Args:
        where: Who answered.
        status: Of HTTP.
        code: What the body calls it; empty where it does not.
        headers: With names in small letters.
    """
    safe = code if _CODE.fullmatch(code) else ""
    message = f"{where.address} answered {status}" + (f" ({safe})" if safe else "")
    if 300 <= status < 400:  # noqa: PLR2004 # redirections
        return ModelFailed(
            f"{message}: it has moved",
            hint=f"set {where.settings}.base_url to where it is now; the key is sent nowhere else",
            kind=StepReason.OUTAGE,
        )
    wait_s = retry_after_s(headers)
    if wait_s > 0:
        message += f" and asks to wait {math.ceil(wait_s)} s"
    kind, hint = _meaning(where, status, safe)
    is_passing = kind is StepReason.OVERLOAD or (
        kind is StepReason.OUTAGE and (status >= _SERVER_ERROR or status == _REQUEST_TIMEOUT)
    )
    return ModelFailed(message, hint=hint, kind=kind, retry_after_s=wait_s, is_passing=is_passing)


def _meaning(where: Where, status: int, code: str) -> tuple[StepReason, str]:
    """Return why to step down, and what to do about it."""
    if code in _FILTERED:
        return StepReason.POLICY, "the provider will not answer this; another model may"
    if code in _TOO_LONG or status == _TOO_LARGE:
        return StepReason.MALFORMED, "the prompt is longer than this model takes: hand on less"
    if code in _BROKE or status == _PAYMENT_REQUIRED:
        return StepReason.BUDGET, "the account of this key is used up: see the provider's billing"
    if status in _TOO_MANY:
        return StepReason.OVERLOAD, "wait, or raise the limit or the quota of this key"
    if status == _REQUEST_TIMEOUT or status >= _SERVER_ERROR:
        return StepReason.OUTAGE, LOG
    return _refused(where, status)


def _refused(where: Where, status: int) -> tuple[StepReason, str]:
    if status in _NO_ENTRY:
        return StepReason.OUTAGE, _key_hint(where)
    if status == _MISSING:
        return StepReason.OUTAGE, (
            f"check {where.settings}.base_url, which ends in /v1 on most servers, and the "
            f"model's name; {CHECK} {where.name}"
        )
    return StepReason.MALFORMED, f"{LOG}: it did not understand the request"


def _key_hint(where: Where) -> str:
    return f"check the key: {where.key or where.settings + '.api_key_env'}, and what it may do"


def unreachable(where: Where, said: str) -> ModelFailed:
    """Return that nobody answers at the address."""
    return ModelFailed(
        f"{where.address} cannot be reached: {said}",
        hint=f"start that server, or check {where.settings}.base_url",
        kind=StepReason.OUTAGE,
        is_passing=True,
    )


def broke_off(where: Where, said: str) -> ModelFailed:
    """Return that the connection ended before the reply did."""
    return ModelFailed(
        f"{where.address} broke off ({said})",
        hint=f"{LOG} and of what is between",
        kind=StepReason.OUTAGE,
        is_passing=True,
    )


def too_slow(where: Where) -> ModelFailed:
    """Return that a provider did not answer in time."""
    return ModelFailed(
        f"{where.address} took too long",
        hint=f"{LOG}; {CHECK} {where.name} says how fast it is",
        kind=StepReason.TIMEOUT,
        is_passing=True,
    )


def malformed(where: Where, said: str) -> ModelFailed:
    """Return that what came is no reply."""
    return ModelFailed(
        f"{where.address} {said}", hint=LOG, kind=StepReason.MALFORMED, is_passing=True
    )
