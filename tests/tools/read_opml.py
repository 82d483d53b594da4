"""Reads every list of feeds of a folder, and holds it to the rules of OPML 2.0 that the W3C validator checks."""

import pathlib
import re
import sys
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree

import html5lib

HEAD = {"title", "dateCreated", "dateModified", "ownerName", "ownerEmail", "ownerId"}
ADDRESS = re.compile(r"[a-zA-Z][0-9a-zA-Z+\-.]*:(//)?[0-9a-zA-Z;/?:@&=+$.\-_!~*'()%,#]+$")
OUTLINE = {"category", "created", "description", "htmlUrl", "language", "text", "title", "type", "url", "version", "xmlUrl"}


def main(folder):
    feeds = 0
    for path in sorted(pathlib.Path(folder).glob("*.opml")):
        fail = lambda *words: sys.exit(f"{path}: {' '.join(map(str, words))}")
        root = ElementTree.fromstring(path.read_bytes())
        if root.tag != "opml" or root.get("version") != "2.0" or [child.tag for child in root] != ["head", "body"]:
            fail("no OPML 2.0")
        names = [child.tag for child in root.find("head")]
        if not set(names) <= HEAD or len(names) != len(set(names)):
            fail("head", names)
        parsedate_to_datetime(root.findtext("head/dateModified"))
        if not root.findall("body/outline"):
            fail("no outline")
        for outline in root.iter("outline"):
            said = outline.attrib
            if not set(said) <= OUTLINE or not said.get("text"):
                fail("attributes", said)
            for name in ("text", "title", "description"):
                # By the standard, markup: it must be right, and say the same as the plain text.
                read = html5lib.HTMLParser(strict=True).parseFragment(said.get(name, ""))
                if "".join(read.itertext()) != said.get(name, "") or len(list(read)):
                    fail(name, said[name])
            for name in ("xmlUrl", "htmlUrl", "url"):
                if name in said and not ADDRESS.match(said[name]):
                    fail(name, said[name])
            if said.get("type") == "rss":
                feeds += 1
                if not said.get("xmlUrl") or not said.get("title"):
                    fail("a feed without address or title", said)
                if (said.get("version") == "RSS2") != said["xmlUrl"].endswith(".rss"):
                    fail("version", said)
            elif said.get("type") == "link":
                if not said.get("url"):
                    fail("a link to nowhere", said)
            elif set(said) != {"text"}:
                fail("no type", said)
            if said.get("version") not in (None, "RSS", "RSS1", "RSS2", "scriptingNews"):
                fail("version", said)
    print(f"{feeds} feeds")


main(sys.argv[1])
