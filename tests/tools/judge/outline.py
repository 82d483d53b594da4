"""Lists of subscriptions: OPML 2.0."""

from tree import Tree, check

HEAD = {
    "title": (1, "MissingElement", ""),
    "dateCreated": (1, None, ""),
    "dateModified": (1, None, ""),
    "ownerName": (1, None, ""),
    "ownerEmail": (1, None, ""),
    "ownerId": (1, None, ""),
    "docs": (1, None, ""),
}
OUTLINE = set(
    "category created description htmlUrl isBreakpoint isComment language text title type url version xmlUrl".split()
)


def judge(report, data, address, known):
    """`known`: whether an address is that of a document."""
    root = Tree(data, report).root
    if root.name != "opml" or root.get("version") != "2.0":
        return report.say("InvalidOPMLVersion", root.get("version"))
    if [child.name for child in root.children] != ["head", "body"]:
        return report.say("MissingElement", "head and body")
    head, body = root.children
    check(report, head, HEAD)
    for child in head.children:
        report.not_blank(child.value, child.name)
        if child.name.startswith("date"):
            report.rfc_822(child.value, child.name)
        elif child.name in ("ownerId", "docs"):
            report.uri(child.value, child.name)
    if not body.children:
        report.say("MissingElement", "outline")
    seen = set()
    for child in body.children:
        outline(report, child, known, seen)


def outline(report, element, known, seen):
    if element.name != "outline":
        return report.say("UndefinedElement", element.name)
    for name, value in element.attributes.items():
        if name not in OUTLINE:
            report.say("UnexpectedAttribute", name)
        report.not_blank(value, name, "AttrNotBlank")
        if name in ("xmlUrl", "htmlUrl", "url"):
            report.uri(value, name)
        elif name == "language":
            report.language(value, name)
        elif name == "created":
            report.rfc_822(value, name)
    if element.get("text") is None:
        report.say("MissingAttribute", "text")
    kind = element.get("type")
    if kind is not None and kind.lower() not in ("rss", "link", "include"):
        report.say("InvalidOutlineType", kind)
    if kind == "rss":
        if element.get("xmlUrl") is None:
            report.say("MissingXmlURL", element.get("text"))
        elif not known(element.get("xmlUrl")):
            report.say("DeadFeedLink", element.get("xmlUrl"))
        elif element.get("xmlUrl") in seen:
            report.say("DuplicateValue", element.get("xmlUrl"))
        seen.add(element.get("xmlUrl"))
        if element.get("title") is None:
            report.say("MissingTitleAttr", element.get("text"))
        if element.get("version") not in (None, "RSS", "RSS1", "RSS2", "scriptingNews"):
            report.say("InvalidOutlineVersion", element.get("version"))
    elif kind == "link" and element.get("url") is None:
        report.say("MissingUrlAttr", element.get("text"))
    elif kind is None and {"description", "htmlUrl", "language", "title", "version", "xmlUrl"} & set(element.attributes):
        report.say("MissingOutlineType", element.get("text"))
    if element.value.strip():
        report.say("UnexpectedText", element.value.strip())
    for child in element.children:
        outline(report, child, known, seen)
