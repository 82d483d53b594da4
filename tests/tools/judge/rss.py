"""RSS 2.0, by the RSS Advisory Board's profile and what the W3C validator asks."""

import re

from markup import judge as markup
from shared import CONTENT, LINK, ids, links, media
from tree import Tree, check

CHANNEL = {
    "title": (1, "MissingTitle", ""),
    "link": (1, "MissingLink", ""),
    "description": (1, "MissingDescription", ""),
    "language": (1, "MissingDCLanguage", ""),
    "copyright": (1, None, ""),
    "pubDate": (1, None, ""),
    "lastBuildDate": (1, "MissingElement", ""),
    "category": (0, None, "domain"),
    "generator": (1, None, ""),
    "docs": (1, None, ""),
    "ttl": (1, None, ""),
    "image": (1, None, ""),
    "item": (0, None, ""),
    "atom:link": (0, None, LINK),
    "fh:archive": (1, None, ""),
    "fh:complete": (1, None, ""),
    "sy:updatePeriod": (1, None, ""),
    "sy:updateFrequency": (1, None, ""),
}
ITEM = {
    "title": (1, "MissingTitle", ""),
    "link": (1, "MissingLink", ""),
    "description": (1, "MissingDescription", ""),
    "author": (1, None, ""),
    "category": (0, None, "domain"),
    "comments": (1, None, ""),
    "enclosure": (1, None, "url length type"),
    "guid": (1, "MissingGuid", "isPermaLink"),
    "pubDate": (1, "MissingElement", ""),
    "source": (1, None, "url"),
    "atom:link": (0, None, LINK),
    "atom:updated": (1, None, ""),
    "content:encoded": (1, None, ""),
    "dc:creator": (0, None, ""),
    "dc:language": (1, None, ""),
    "dc:date": (1, None, ""),
    "ev:startdate": (1, None, ""),
    "ev:enddate": (1, None, ""),
    "ev:location": (1, None, ""),
    "ev:organizer": (1, None, ""),
    "ev:type": (1, None, ""),
    "geo:lat": (1, None, ""),
    "geo:long": (1, None, ""),
    "media:content": (0, None, CONTENT),
}


def judge(report, data, address):
    root = Tree(data, report).root
    if root.name != "rss" or root.get("version") != "2.0" or [c.name for c in root.children] != ["channel"]:
        return report.say("ObsoleteVersion", root.name)
    channel = root.children[0]
    check(report, channel, CHANNEL)
    names = [child.name for child in channel.children]
    if "item" in names and set(names[names.index("item") :]) != {"item"}:
        report.say("MisplacedItem", "something stands behind an item")
    for child in channel.children:
        if child.name in ("title", "description", "copyright", "category"):
            report.not_blank(child.value, child.name)
            report.plain(child.value, f"channel {child.name}", coded=child.coded)
        elif child.name in ("link", "docs"):
            report.uri(child.value, f"channel {child.name}")
        elif child.name in ("pubDate", "lastBuildDate"):
            report.rfc_822(child.value, child.name)
        elif child.name == "language":
            report.language(child.value, "language")
        elif child.name == "ttl":
            report.whole(child.value, "ttl", 1)
        elif child.name == "image":
            image(report, child, channel)
        elif child.name == "item":
            item(report, child)
    links(report, channel, "atom:link", address)
    guids = [guid.value for i in channel.all("item") for guid in i.all("guid")]
    ids(report, guids, "DuplicateValue")


def image(report, element, channel):
    for name in ("url", "title", "link"):
        if not element.one(name):
            report.say("MissingElement", f"image {name}")
    if element.one("title") and element.one("title").value != channel.one("title").value:
        report.say("ImageTitleDoesntMatch")
    if element.one("link") and element.one("link").value != channel.one("link").value:
        report.say("ImageLinkDoesntMatch")
    if element.one("url") and not re.search(r"\.(gif|jpe?g|png)$", element.one("url").value, re.IGNORECASE):
        report.say("ImageUrlFormat", element.one("url").value)


def item(report, element):
    check(report, element, ITEM)
    names = [child.name for child in element.children]
    if "content:encoded" in names and "description" not in names[: names.index("content:encoded")]:
        report.say("NeedDescriptionBeforeContent")
    for core, extension in (("author", "dc:creator"), ("pubDate", "dc:date")):
        if core in names and extension in names:
            report.say("DuplicateItemSemantics", f"{core} {extension}")
    for child in element.children:
        where = f"item {child.name}"
        if child.name in ("title", "category"):
            report.not_blank(child.value, where)
            report.plain(child.value, where, coded=child.coded)
        elif child.name in ("description", "content:encoded"):
            report.not_blank(child.value, where)
            markup(report, child.value, where)
        elif child.name == "link":
            report.uri(child.value, where)
        elif child.name == "pubDate":
            report.rfc_822(child.value, where)
        elif child.name in ("atom:updated", "dc:date"):
            report.rfc_3339(child.value, where)
        elif child.name in ("ev:startdate", "ev:enddate"):
            report.rfc_3339(child.value, where, plausible=False)
        elif child.name in ("dc:creator", "ev:location"):
            report.not_blank(child.value, where)
        elif child.name == "dc:language":
            report.language(child.value, where)
        elif child.name == "author" and not re.fullmatch(r"\S+@\S+ \(.+\)", child.value):
            report.say("InvalidContact", child.value)
        elif child.name == "guid":
            guid(report, child)
        elif child.name == "enclosure":
            report.uri(child.get("url") or "", "enclosure url", "InvalidURLAttribute")
            report.media_type(child.get("type"), "enclosure type")
            report.whole(child.get("length"), "enclosure length", 1)
        if child.attributes.get("domain") is not None:
            report.uri(child.get("domain"), "category domain")
    media(report, element)


def guid(report, element):
    if element.get("isPermaLink") == "false":
        if len(element.value) < 9 and element.value.isdigit():
            report.say("NotSufficientlyUnique", element.value)
        if element.value.startswith("urn:"):
            report.uri(element.value, "guid")
    elif not element.value.startswith(("http://", "https://")):
        report.say("InvalidHttpGUID", element.value)
    else:
        report.uri(element.value, "guid")

