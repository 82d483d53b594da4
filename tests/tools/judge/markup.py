"""HTML that a feed may show: parsed strictly by html5lib, tag by tag."""

import re
from functools import lru_cache

import html5lib

from rules import HTML_NAMES

# What the validator finds safe, without what a feed of articles has no use for (forms and their like).
SAFE = set(HTML_NAMES) - set(
    "applet base body button canvas datalist dialog embed fieldset form frame frameset head html iframe input label"
    " legend link m menu meta meter noframes noscript object optgroup option output param progress script select slot"
    " style template textarea title".split()
)
ATTRIBUTES = set(
    "abbr align alt cite class colspan datetime dir headers height href hreflang id kind label lang longdesc media name"
    " open poster rel reversed rowspan scope sizes span src srclang srcset start summary title type value width".split()
)
ADDRESSES = {"href", "src", "cite", "longdesc", "poster"}
SCHEMES = re.compile(r"(https?://[^/]|mailto:|tel:)", re.IGNORECASE)

PARSER = html5lib.HTMLParser(namespaceHTMLElements=False)


def judge(report, value, where):
    report.text(value, where)
    for rule, detail in _judge(value):
        report.say(rule, f"{where}: {detail}")


@lru_cache(maxsize=None)
def _judge(value):
    found = []
    tree = PARSER.parseFragment(value)
    for (line, column), code, data in PARSER.errors:
        found.append(("NotHtml", f"{code} {data} at {line}:{column}"))
    for element in tree.iter():
        if not isinstance(element.tag, str):
            found.append(("NotHtml", "a comment"))
            continue
        if element.tag == "DOCUMENT_FRAGMENT":
            continue
        name = element.tag.lower()
        if name not in HTML_NAMES:
            found.append(("NotHtml", f"<{name}>"))
        elif name not in SAFE:
            found.append(("SecurityRisk", f"<{name}>"))
        for attribute, text in element.attrib.items():
            found.extend(_attribute(name, attribute.lower(), text))
        if name == "img" and "alt" not in element.attrib:
            found.append(("MissingAlt", element.attrib.get("src")))
    return tuple(found)


def _attribute(name, attribute, text):
    if attribute == "style":
        yield "DangerousStyleAttr", text
    elif attribute not in ATTRIBUTES:
        yield "SecurityRiskAttr", f"{name} {attribute}"
    addresses = []
    if attribute in ADDRESSES:
        addresses = [text]
    elif attribute == "srcset":
        addresses = [part.split()[0] if part.split() else "" for part in text.split(", ")]
    for address in addresses:
        if not SCHEMES.match(address):
            yield "ContainsRelRef", f"{name} {attribute}={address}"
        elif not address.isascii() or re.search(r"[\s<>\"\\^`{|}]|%(?![0-9A-Fa-f]{2})", address):
            yield "InvalidUriChar", f"{name} {attribute}={address}"
