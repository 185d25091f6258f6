"""The closed list of sentences that connect and say nothing."""

from __future__ import annotations

import re

# Each pattern has to match the whole sentence. Slots hold closed words only, so that nothing
# can be said inside one.
_SOURCE = (
    r"(?:the |these |this |your |our )?"
    r"(?:given |provided |above |available |retrieved |following )?"
    r"(?:passages?|context|documents?|documentation|information|sources?|text|search results)"
    r"(?: (?:provided|given|above|available|below))?"
)
_THING = (
    r"(?:the |a |some |a few |several |your |these )?"
    r"(?:(?:following|main|key|general|basic|common|possible|necessary|relevant|recommended|simple"
    r"|important|detailed|brief|short|step-by-step|additional) )?"
    r"(?:steps?|answers?|instructions?|options?|points?|details?|commands?|examples?|summary"
    r"|reasons?|causes?|ways?|tips?|things|differences|similarities|information|overview|list"
    r"|explanation|guide|process|procedure|note|notes|solution|method|methods|factors|benefits"
    r"|ingredients|warning|conclusion|recommendations?|suggestions?)"
)
_PATTERNS = (
    rf"(?:sure|certainly|of course|okay|ok|great)(?: thing)?(?:, (?:here (?:is|are) )?{_THING})?",
    (
        rf"(?:based on|according to|from|given|as per|per) {_SOURCE}"
        rf"(?:,? here (?:is|are) {_THING})?"
    ),
    (
        rf"here(?:'s| is| are) {_THING}(?: (?:to|you can) (?:follow|take|do (?:so|this|that)"
        r"|consider|try|use|keep in mind|remember))?(?: (?:below|in order))?"
    ),
    rf"(?:{_THING}|they) (?:is|are|include|includes)(?: as follows)?(?: below| the following)?",
    (
        r"(?:please |you (?:can|should|need to) |simply |just )?"
        rf"(?:follow|try|consider|see|use|do|take|perform|run|execute) {_THING}"
        r"(?: below| in order)?"
    ),
    r"(?:in|to) (?:summary|conclusion|short|brief|summarize|conclude|recap|sum up)",
    (
        r"(?:overall|finally|lastly|first|firstly|second|secondly|third|next|then|also|additionally"
        r"|moreover|furthermore|however|therefore|otherwise|alternatively|for example|for instance"
        r"|in addition|as follows|in other words|that said|in any case|to do so|to do this)"
    ),
    rf"{_THING}",
    r"(?:i )?hope (?:this|that|it) helps(?: you)?",
    (
        r"(?:sure, |certainly, |of course, )?i(?:'ll| will|'d| would) (?:do my best|try"
        r"|be (?:happy|glad)) to (?:help|assist|answer)(?: you)?(?: (?:with )?your question)?"
        rf"(?: (?:based on|from|with) {_SOURCE})?"
    ),
    (
        r"(?:sure, |certainly, |of course, )?here(?:'s| is| are) (?:my|an?|the|some)"
        r"(?: (?:best|brief|short|possible))? (?:attempt|answers?|summary|try)"
        r"(?: to (?:answer )?(?:your|the) question)?"
        rf"(?:,? (?:based on|from|using) {_SOURCE})?"
    ),
    (
        r"(?:sure, |certainly, |of course, )?"
        rf"(?:based on|according to|from|given|as per|per) {_SOURCE}"
        r",? here(?:'s| is) (?:my|an?|the) (?:(?:brief|short) )?(?:answer|summary)"
        r"(?: to (?:your|the) question)?"
    ),
    (
        r"i(?:'m| am) able to answer (?:your|the|this) question"
        rf"(?: (?:based on|from|with) {_SOURCE})?"
    ),
    (
        r"if you have any (?:other |more |further |additional )?(?:questions?|concerns?)"
        r"(?: or (?:questions?|concerns?))?, (?:please )?(?:let me know|feel free to ask)"
    ),
    (
        r"(?:please )?let me know if you (?:have|need) (?:any |more |further )?"
        r"(?:other |more |further |additional )?(?:questions?|help|assistance|information|details)"
        r"(?: or if there(?:'s| is) anything else i can (?:help|assist)(?: you)?(?: with)?)?"
    ),
    (
        r"(?:feel free to|please) (?:ask|reach out)(?: (?:me|us))?"
        r"(?: if you have (?:any )?(?:more |other |further )?questions)?"
    ),
    (
        r"(?:answer|note|notes|important|warning|tip|source|sources|references?|explanation"
        r"|prerequisites?|introduction|background|solution|result|results|output|example|examples)"
    ),
)
_CONNECTIVE = re.compile(rf"(?:{'|'.join(_PATTERNS)})", re.IGNORECASE)
_LEADING = re.compile(r"(?:therefore|however|overall|so|finally|also), ", re.IGNORECASE)
_AROUND = re.compile(r"^[\s*_#\"'(]+|[\s*_#\"').:,;!\u2026-]+$")
_CITED = re.compile(r"\[\^?\d{1,3}(?:,\s*\d{1,3})*\]")


def is_connective(text: str) -> bool:
    """Return whether a sentence only connects others, so that there is nothing to check."""
    bare = " ".join(_AROUND.sub("", _CITED.sub("", text)).replace("\u2019", "'").split())
    bare = _LEADING.sub("", bare)
    return _CONNECTIVE.fullmatch(bare) is not None
