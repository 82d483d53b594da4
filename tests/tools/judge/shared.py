"""What RSS and Atom documents have in common: links, pictures, the history of RFC 5005."""

from rules import HISTORY, MEDIA_TYPE, RELATIONS, URI
from tree import check

LINK = "href rel type hreflang title length"
CONTENT = (
    "url fileSize type medium isDefault expression bitrate framerate samplingrate channels duration height width lang"
)
MEDIA = {
    "media:title": (1, None, "type"),
    "media:description": (1, None, "type"),
    "media:credit": (0, None, "role scheme"),
    "media:copyright": (1, None, "url"),
    "media:keywords": (0, None, ""),
    "media:thumbnail": (0, None, "url width height time"),
}


def link(report, element, in_entry=False):
    """One `atom:link`. Its relation and address."""
    href, relation = element.get("href"), element.get("rel")
    if relation is not None:
        report.not_blank(relation, "link rel", "AttrNotBlank")
        if relation not in RELATIONS and not URI.fullmatch(relation):
            report.say("UnregisteredAtomLinkRel", relation)
        if in_entry and relation in HISTORY:
            report.say("FeedHistoryRelInEntry", relation)
    if href is None:
        report.say("MissingHref", relation)
    else:
        report.uri(href, "link href", "InvalidIRI")
    if element.get("type") is not None:
        report.media_type(element.get("type"), "link type")
        feeds = ("application/rss+xml", "application/atom+xml")
        if relation == "self" and element.get("type").split(";")[0] not in feeds:
            report.say("SelfNotAtom", element.get("type"))
    if element.get("title") is not None:
        report.not_blank(element.get("title"), "link title", "AttrNotBlank")
        report.plain(element.get("title"), "link title", coded=element.coded)
    if element.get("hreflang") is not None:
        report.language(element.get("hreflang"), "link hreflang")
    if element.get("length") is not None:
        report.whole(element.get("length"), "link length", 1)
    if relation == "enclosure" and not (element.get("length") and element.get("type")):
        report.say("MissingAttribute", "an enclosure without length or type")
    if element.value.strip() or element.children:
        report.say("AtomLinkNotEmpty", relation)
    return relation or "alternate", href


def alternates(report, element, none, where):
    """What stands for a feed or an entry: something, and nothing twice in one type and language (RFC 4287, 4.1.1)."""
    links = [link for link in element.all("link") if (link.get("rel") or "alternate") == "alternate"]
    kinds = [(link.get("type"), link.get("hreflang")) for link in links]
    if not kinds:
        report.say(none, where)
    if len(set(kinds)) < len(kinds):
        report.say("DuplicateAtomLink", where)


def links(report, feed, name, address):
    """All links of a feed: what it calls itself, and its history."""
    found = [link(report, element) for element in feed.all(name)]
    selves = [href for relation, href in found if relation == "self"]
    if not selves:
        report.say("MissingSelf" if name == "link" else "MissingAtomSelfLink", address)
    elif selves != [address]:
        report.say("SelfDoesntMatchLocation", selves)
    relations = {relation for relation, _ in found}
    if feed.one("fh:archive"):
        if "current" not in relations:
            report.say("MissingCurrentInArchive", address)
        if not relations & {"prev-archive", "next-archive"}:
            report.say("ArchiveIncomplete", address)
        if feed.one("fh:complete"):
            report.say("ArchiveIncomplete", "an archive that is complete")
    elif relations & {"current", "next-archive"}:
        report.say("MissingElement", "fh:archive")
    for relation, href in found:
        if relation in HISTORY and href == address and relation not in ("current", "first", "last"):
            report.say("SameDocumentReference", f"{relation} {href}")
    return found


def media(report, item):
    """Pictures of Media RSS."""
    for content in item.all("media:content"):
        check(report, content, MEDIA)
        report.uri(content.get("url") or "", "media:content url")
        if content.get("type") is not None and not MEDIA_TYPE.fullmatch(content.get("type")):
            report.say("InvalidMIMEAttribute", content.get("type"))
        for number in ("width", "height", "fileSize"):
            if content.get(number) is not None:
                report.whole(content.get(number), f"media:content {number}", 1)
        if content.get("medium") not in (None, "image", "audio", "video", "document"):
            report.say("InvalidMediaMedium", content.get("medium"))
        for child in content.children:
            if child.get("type") not in (None, "plain"):
                report.say("InvalidMediaTextType", child.get("type"))
            if child.name in ("media:title", "media:description"):
                report.not_blank(child.value, child.name)
                report.plain(child.value, child.name, "ContainsUndeclaredHTML", child.coded)


def ids(report, values, rule):
    for value in sorted({value for value in values if values.count(value) > 1}):
        report.say(rule, value)
