"""Logs to blocks: an entry with all of its lines, such as the stack trace below it."""

from __future__ import annotations

import re
from itertools import pairwise

from answerable.adapters.parsers.lines import Lines
from answerable.domain.documents import BlockKind, Text

_SAMPLE_LINES = 200
_SHARE = 3  # one line in so many has to begin an entry, or it is no log
_LEVELS = "TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|CRIT(?:ICAL)?|FATAL|ALERT|EMERG|PANIC"
_BEGINS = re.compile(
    r"(?:<\d{1,3}>1?[ ]?)?"  # the priority of syslog
    r"[\[(]?(?:"
    r"\d{4}[-/.]?\d{2}[-/.]?\d{2}[ T_,-]?\d{0,2}"  # 2026-11-30T08:00
    r"|\d{1,2}[-/][A-Za-z0-9]{2,3}[-/]\d{2,4}[ :T]"  # 30/Nov/2026:08:00
    r"|(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?[ ])?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r"[a-z]*[ ]{1,2}\d{1,2}[ ,]"  # Nov 30 08:00:00
    r"|\d{1,2}:\d{2}:\d{2}\b"
    r"|\d{9,10}(?:\.\d+)?\b|\d{13}\b|[ ]{0,6}\d+\.\d{6}\]"  # since the epoch, or since the start
    r"|[IWEF]\d{4}[ ]\d{2}:"  # of klog
    rf"|(?:{_LEVELS})\b[\]):]?"
    r")"
    r"|\d{1,3}(?:\.\d{1,3}){3}[ ]\S+[ ]\S+[ ]\["  # of a web server
    r"|\{\"|(?:time|ts|level|lvl|timestamp)=",
    re.IGNORECASE,
)


def is_log(source: str) -> bool:
    """Return whether a text is a log by how its first lines begin."""
    rows = [row for row in source[: _SAMPLE_LINES * 400].split("\n") if row.strip()]
    rows = rows[:_SAMPLE_LINES]
    return sum(bool(_BEGINS.match(row)) for row in rows) * _SHARE >= max(len(rows), 1)


def read(source: str) -> Text:
    """Return a log as blocks, one for each entry: code, for nothing in it is prose.

    Args:
        source: Canonical text.
    """
    lines = Lines(source)
    begins = [n for n, row in enumerate(lines.rows) if _BEGINS.match(row)]
    edges = sorted({0, *begins, len(lines)})
    blocks = [
        block
        for first, last in pairwise(edges)
        for block in lines.block(BlockKind.CODE, first, last)
    ]
    return lines.text(blocks)
