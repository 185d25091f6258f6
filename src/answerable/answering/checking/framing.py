"""What a model says around a statement: that the passages say it, or that they do not.

"Based on the passages, X, as passage 3 suggests" states X. "The passages do not mention X" states
nothing of X that passages could bear out.
"""

from __future__ import annotations

import re

from answerable.answering.checking.words import without_markers

_NUMBERS = r"(?: (?:number )?\d{1,2}(?:(?:, (?:and )?| and | & )\d{1,2}){0,6})?"
_GIVEN = r"(?:given|provided|above|available|retrieved|supplied)"
# Words for what was given, that name nothing else: "the context" may be one of kubectl.
_PASSAGES = (
    rf"(?:(?:the |these |this |both |all |our |your )?(?:{_GIVEN} )?passages?{_NUMBERS}"
    rf"|(?:the |these |this )?{_GIVEN} (?:context|documents?|documentation|information|sources?"
    r"|text|excerpts?|search results))"
    rf"(?: {_GIVEN})?"
)
_SAYS = (
    r"(?:also |further |specifically |clearly )?(?:mention|state|say|suggest|recommend|explain"
    r"|indicate|note|highlight|describe|show|report|specify|advise|add|point out|emphasize|claim)"
)
_ADVERB = (
    r"(?:overall|additionally|moreover|furthermore|however|therefore|thus|hence|finally|lastly"
    r"|in (?:summary|conclusion|short|brief|addition|fact|other words|general)"
    r"|to (?:summarize|conclude|sum up)|for (?:example|instance)|as a result|that said|so|also)"
)
_NOTE = (
    r"(?:please )?(?:note|keep in mind|remember|be aware) that"
    r"|it(?:'s| is) (?:also )?(?:(?:important|worth|essential|crucial) (?:to )?"
    r"(?:not(?:e|ing)|mention(?:ing)?|remember(?:ing)?)) that"
)
_SEEMS = (
    r"(?:it (?:appears|seems|is (?:clear|stated|mentioned|suggested|recommended))"
    r"|(?:we|you|one) can (?:see|conclude|infer|say)) that"
)
_BEFORE = re.compile(
    rf"\s*[*_\"'(>]*(?:(?:{_ADVERB}),|(?:{_NOTE})"
    rf"|(?:based (?:solely |only )?on|according to|as per|per|from|in) {_PASSAGES}(?: alone)?,"
    rf"|{_SEEMS}"
    rf"|{_PASSAGES} {_SAYS}(?:s|ed|d|es)? that)",
    re.IGNORECASE,
)
_INSIDE = re.compile(
    rf",? \(?(?:as|which is|this is) (?:(?:is|was) )?(?:mentioned|described|stated|suggested"
    rf"|indicated|explained|noted|shown|outlined|specified|recommended|highlighted|seen)"
    rf" (?:in|by|on) {_PASSAGES}\)?"
    rf"|,? \(?(?:according to|based on|as per|in|from|see) "
    rf"(?:passages?{_NUMBERS}|{_PASSAGES})(?![\w-])\)?"
    rf"|\bpassages? \d{{1,2}}(?=(?:'s)? {_SAYS}(?:s|ed|d|es)?\b)",
    re.IGNORECASE,
)
_TIMES_MAX = 4

_NOTHING = (
    r"(?:specific |additional |further |direct |explicit |other |any |more |detailed |enough "
    r"|sufficient ){0,2}(?:information|mention|details?|instructions?|answers?|evidence|guidance)"
)
_NOT = r"(?:do(?:es)?|did) not|don't|doesn't|didn't|cannot|can not"
_REMARK = re.compile(
    rf"(?:(?:that|as|since|because) )?(?:{_PASSAGES} (?:{_NOT}) "
    r"(?:directly |specifically |explicitly |also |actually |clearly |fully ){0,2}"
    r"(?:mention|provide|contain|include|give|state|say|specify|discuss|address|answer|cover"
    r"|offer|explain|describe|indicate|define|list|have)\b.*"
    rf"|(?:there (?:is|are|was) |{_PASSAGES} (?:contains?|provides?|gives?|includes?|has|have) )"
    rf"(?:no|not) {_NOTHING}\b.*\b(?:passages?|context|documents?|text|sources?|answer)\b.*"
    r"|(?:i am |i'm |we are )?(?:unable|not able) to (?:answer|determine|provide|find)\b.*"
    r"|(?:i|we) (?:cannot|can't|can not|could not|couldn't|do not|don't) (?:answer|determine"
    r"|provide|find|have (?:enough|sufficient))\b.*)",
    re.IGNORECASE,
)
# Behind one of these something may be stated after all.
_STATES = re.compile(
    r"[;:]|\b(?:but|instead|so|rather|although|though|while|whereas|yet|except|only|since|because"
    r"|which|who|it|they|use|run|set)\b",
    re.IGNORECASE,
)
_AROUND = " \t\r\n*_\"'()>.!?\u2026"


def stated(text: str, *, is_code: bool) -> str:
    """Return what a claim states, as long as it was: without citations and who says so."""
    plain = without_markers(text)
    return plain if is_code else without_framing(plain)


def without_framing(text: str) -> str:
    """Return the text, as long as it was, with spaces where it only says who says so."""
    plain = text.replace("\u2019", "'")
    at = _frame_end(plain)
    framed = " " * at + _INSIDE.sub(lambda match: " " * len(match[0]), plain[at:])
    return "".join(old if new != " " else " " for old, new in zip(text, framed, strict=True))


def is_remark(text: str) -> bool:
    """Return whether a sentence only says that the passages do not hold something."""
    plain = " ".join(without_markers(text).replace("\u2019", "'").split())
    bare = plain[_frame_end(plain) :].strip(_AROUND)
    return _REMARK.fullmatch(bare) is not None and _STATES.search(bare) is None


def _frame_end(plain: str) -> int:
    at = 0
    for _ in range(_TIMES_MAX):
        found = _BEFORE.match(plain, at)
        if found is None:
            break
        at = found.end()
    return at
