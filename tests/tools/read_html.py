"""Reads the HTML in every RSS document of a folder with html5lib, which says of every letter that is not right; what it
says, the W3C validator warns of (NotHtml). It also takes elements and attributes that are not on that validator's list
for risks (SecurityRisk, SecurityRiskAttr), and addresses that are not absolute (ContainsRelRef)."""

import pathlib
import re
import sys
from xml.etree import ElementTree

import html5lib

ELEMENTS = set(
    "a abbr acronym address article aside audio b bdi big blockquote br caption center cite code col colgroup data dd "
    "del details dfn dir div dl dt em figcaption figure footer font h1 h2 h3 h4 h5 h6 header hgroup hr i img ins kbd li "
    "main map mark menu meter nav ol p picture pre progress q rp rt ruby s samp section small source span strike strong "
    "sub summary sup table tbody td tfoot th thead time tr track tt u ul var video wbr".split()
)
ATTRIBUTES = set(
    "abbr align alt axis border char charoff cite clear color cols colspan compact coords datetime default dir download "
    "frame headers height hidden high href hreflang hspace id ismap kind label lang list longdesc low max media min name "
    "open optimum poster preload rel rev reversed rowspan rules scope shape size sizes span src srclang srcset start "
    "summary target title type usemap valign value vspace width".split()
)
ADDRESSES = {"href", "src", "poster", "cite", "longdesc"}
FIELDS = ("description", "{http://purl.org/rss/1.0/modules/content/}encoded")


def faults(text):
    parser = html5lib.HTMLParser(strict=False)
    tree = parser.parseFragment(text)
    for (line, column), code, values in parser.errors:
        yield f"{code} {values} at {line}:{column}"
    for element in tree.iter():
        if not isinstance(element.tag, str) or element.tag == "DOCUMENT_FRAGMENT":
            continue
        name = element.tag.split("}")[-1]
        if name not in ELEMENTS:
            yield f"<{name}>"
        for attribute, value in element.attrib.items():
            if attribute not in ATTRIBUTES:
                yield f"{attribute}= of <{name}>"
            if attribute in ADDRESSES and not re.match(r"\w+:", value):
                yield f"{attribute}={value}"


def main(folder):
    texts, bad = set(), []
    for path in sorted(pathlib.Path(folder).rglob("*.rss")):
        for item in ElementTree.parse(path).getroot().iter("item"):
            for field in FIELDS:
                text = item.findtext(field)
                if text and text not in texts:
                    texts.add(text)
                    bad += [f"{path}: {item.findtext('link')}: {field}: {fault}" for fault in faults(text)]
    if bad:
        sys.exit("\n".join(bad[:40]) + f"\n{len(bad)} faults")
    if not texts:
        sys.exit("no text")
    print(f"{len(texts)} texts are right to the letter")


main(sys.argv[1])
