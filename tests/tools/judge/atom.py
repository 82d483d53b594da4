"""Atom 1.0 (RFC 4287), by its text and what the W3C validator asks; and its history (RFC 5005)."""

from markup import judge as markup
from rules import ATOM
from shared import CONTENT, LINK, alternates, ids, link, links, media
from tree import Tree, check

PERSON = {"name": (1, "MissingElement", ""), "uri": (1, None, ""), "email": (1, None, "")}
COMMON = {
    "title": (1, "MissingElement", "type"),
    "id": (1, "MissingElement", ""),
    "updated": (1, "MissingElement", ""),
    "author": (0, None, ""),
    "contributor": (0, None, ""),
    "link": (0, None, LINK),
    "category": (0, None, "term scheme label"),
    "rights": (1, None, "type"),
}
FEED = COMMON | {
    "subtitle": (1, None, "type"),
    "generator": (1, None, "uri version"),
    "icon": (1, None, ""),
    "logo": (1, None, ""),
    "entry": (0, None, ""),
    "fh:archive": (1, None, ""),
    "fh:complete": (1, None, ""),
}
# A document of tombstones (RFC 6721) is none to subscribe to, so its namespace may be one that the validator knows not.
TOMBSTONES = {"http://purl.org/atompub/tombstones/1.0": "at"}
WITH_TOMBSTONES = FEED | {"at:deleted-entry": (0, None, "ref when")}
ENTRY = COMMON | {
    "published": (1, "MissingElement", ""),
    "summary": (1, None, "type"),
    "content": (1, None, "type src"),
    "source": (1, None, ""),
    "media:content": (0, None, CONTENT),
    "ev:startdate": (1, None, ""),
    "ev:enddate": (1, None, ""),
    "ev:location": (1, None, ""),
}


def judge(report, data, address):
    of_tombstones = address.endswith("/tombstones.atom")
    feed = Tree(data, report, ATOM, TOMBSTONES if of_tombstones else {}).root
    if feed.name != "feed":
        return report.say("UndefinedElement", feed.name)
    if not feed.get("xml:lang"):
        report.say("MissingDCLanguage", "feed")
    check(report, feed, WITH_TOMBSTONES if of_tombstones else FEED)
    common(report, feed)
    for tombstone in feed.all("at:deleted-entry"):
        report.uri(tombstone.get("ref") or "", "deleted-entry ref")
        report.rfc_3339(tombstone.get("when") or "", "deleted-entry when")
    ids(report, [tombstone.get("ref") for tombstone in feed.all("at:deleted-entry")], "DuplicateEntries")
    links(report, feed, "link", address)
    alternates(report, feed, "MissingAlternate", address)
    entries = feed.all("entry")
    for entry in entries:
        check(report, entry, ENTRY)
        common(report, entry)
        if not entry.one("author") and not feed.one("author"):
            report.say("MissingElement", "author")
        for element in entry.all("link"):
            link(report, element, in_entry=True)
        alternates(report, entry, "MissingContentOrAlternate", "entry")
        if not entry.one("summary") and not entry.one("content"):
            report.say("MissingTextualContent", "entry")
        media(report, entry)
    ids(report, [e.value for entry in entries for e in entry.all("id")], "DuplicateEntries")
    instants = [report.rfc_3339(e.value, "updated") for entry in entries for e in entry.all("updated")]
    ids(report, [at for at in instants if at], "DuplicateUpdated")


def common(report, element):
    for child in element.children:
        where = f"{element.name} {child.name}"
        if child.name in ("title", "subtitle", "rights", "summary", "content"):
            construct(report, child, where)
        elif child.name in ("updated", "published"):
            if child.value != child.value.strip():
                report.say("UnexpectedWhitespace", where)
            report.rfc_3339(child.value, where)
        elif child.name in ("id", "icon", "logo"):
            report.uri(child.value, where)
        elif child.name in ("author", "contributor"):
            person(report, child)
        elif child.name == "generator":
            report.not_blank(child.value, where)
        elif child.name == "category":
            report.not_blank(child.get("term"), f"{where} term", "AttrNotBlank")
            if child.get("scheme") is not None:
                report.uri(child.get("scheme"), f"{where} scheme")
            if child.get("label") is not None:
                report.not_blank(child.get("label"), f"{where} label", "AttrNotBlank")
                report.plain(child.get("label"), f"{where} label", "ContainsUndeclaredHTML", child.coded)
        if child.get("xml:base") is not None:
            report.uri(child.get("xml:base"), f"{where} xml:base")


def construct(report, element, where):
    kind = element.get("type") or "text"
    if kind == "html":
        markup(report, element.value, where)
    elif kind == "text":
        report.plain(element.value, where, "ContainsUndeclaredHTML", element.coded)
    else:
        report.say("InvalidTextType", kind)
    report.not_blank(element.value, where)


def person(report, element):
    check(report, element, PERSON)
    for child in element.children:
        report.not_blank(child.value, f"{element.name} {child.name}")
        if child.name == "uri":
            report.uri(child.value, f"{element.name} uri")
        elif child.name == "name":
            report.plain(child.value, f"{element.name} name", "ContainsUndeclaredHTML", child.coded)
