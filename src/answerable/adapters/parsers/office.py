"""What office documents have in common: a package of parts, related to each other by name."""

from __future__ import annotations

import posixpath
from collections import Counter
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from answerable.adapters.parsers import xmls
from answerable.adapters.parsers.canonical import Refused
from answerable.adapters.parsers.compose import plain
from answerable.adapters.parsers.zips import Archive
from answerable.domain.documents import FindingKind


@dataclass(slots=True)
class Package:
    """An archive of XML parts, and what was noticed in it."""

    archive: Archive
    findings: Counter[FindingKind] = field(default_factory=Counter)

    def part(self, name: str) -> Element:
        """Return the root element of a part.

        Raises:
            Refused: It is missing or no XML.
        """
        return xmls.parse(self.archive.read(name))

    def part_if(self, name: str) -> Element:
        """Return the root element of a part; an empty one where the part is not there."""
        return self.part(name) if name in self.archive else Element("missing")

    def related(self, name: str) -> dict[str, tuple[str, str]]:
        """Return kind and target of each relation of a part, by its id.

        The kind is the last word of its type. What lies outside the package is counted and
        left out: nothing is ever fetched.
        """
        folder, base = posixpath.split(name)
        relations = self.part_if(f"{folder}/_rels/{base}.rels".lstrip("/"))
        related = {}
        for one in relations.iter("Relationship"):
            kind = one.get("Type", "").rpartition("/")[2]
            if one.get("TargetMode") == "External":
                self.findings[FindingKind.LINKED] += kind != "hyperlink"
            else:
                target = posixpath.join("/", folder, one.get("Target", ""))
                related[one.get("Id", "")] = (kind, posixpath.normpath(target).lstrip("/"))
        return related

    def main(self) -> str:
        """Return the name of the part a package is about.

        Raises:
            Refused: ``malformed`` when it has none.
        """
        for kind, target in self.related("").values():
            if kind == "officeDocument" and target in self.archive:
                return target
        raise Refused("malformed", "it holds no document")

    def title(self) -> str:
        """Return the title among its properties; empty where there is none."""
        properties = self.part_if("docProps/core.xml")
        return plain(properties.findtext("title") or "")[:300]

    def look_around(self) -> None:
        """Count what is left alone: macros and embedded files."""
        for name in self.archive.names:
            lower = name.lower()
            self.findings[FindingKind.MACROS] += lower.endswith("vbaproject.bin")
            self.findings[FindingKind.EMBEDDED] += "/embeddings/" in lower
