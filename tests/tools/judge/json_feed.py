"""JSON Feed 1.1 (jsonfeed.org/version/1.1), by its text. The validator of the W3C knows no JSON: names are our own."""

import json

from markup import judge as markup
from shared import ids

FEED = set(
    "version title home_page_url feed_url description user_comment next_url icon favicon authors language expired hubs"
    " items".split()
)
ITEM = set(
    "id url external_url title content_html content_text summary image banner_image date_published date_modified authors"
    " tags language attachments".split()
)
AUTHOR = {"name", "url", "avatar"}
ATTACHMENT = {"url", "mime_type", "title", "size_in_bytes", "duration_in_seconds"}


def judge(report, data, address):
    def no_twins(pairs):
        ids(report, [key for key, _ in pairs], "DuplicateKey")
        return dict(pairs)

    feed = json.loads(data.decode("utf-8"), object_pairs_hook=no_twins, parse_constant=lambda c: report.say("NoNumber", c))
    keys(report, feed, FEED, "feed")
    if feed.get("version") != "https://jsonfeed.org/version/1.1" or next(iter(feed), None) != "version":
        report.say("InvalidVersion", feed.get("version"))
    if feed.get("feed_url") != address:
        report.say("SelfDoesntMatchLocation", feed.get("feed_url"))
    for name in ("title", "home_page_url", "language"):
        if not feed.get(name):
            report.say("MissingElement", name)
    for name in ("home_page_url", "feed_url", "next_url", "icon", "favicon"):
        if name in feed:
            report.uri(feed[name], name)
    if feed.get("next_url") == address:
        report.say("SameDocumentReference", "next_url")
    report.language(feed.get("language", ""), "language")
    authors(report, feed)
    for hub in feed.get("hubs", []):
        if not hub.get("type"):
            report.say("MissingElement", "hub type")
        report.uri(hub.get("url", ""), "hub url")
    if not isinstance(feed.get("items"), list):
        return report.say("MissingElement", "items")
    for item in feed["items"]:
        judge_item(report, item)
    ids(report, [item.get("id") for item in feed["items"]], "DuplicateEntries")


def keys(report, value, known, where):
    for key, inside in value.items():
        if key.startswith("_"):
            if not (len(key) > 2 and key[1].isalpha() and "." not in key and isinstance(inside, dict)):
                report.say("InvalidExtension", key)
        elif key not in known:
            report.say("UndefinedElement", f"{where} {key}")
        elif inside is None or inside in ("", [], {}) and key != "items":
            report.say("NotBlank", f"{where} {key}")
        if isinstance(inside, str):
            report.text(inside, f"{where} {key}")


def authors(report, value):
    for author in value.get("authors", []):
        keys(report, author, AUTHOR, "author")
        if not author:
            report.say("NotBlank", "author")
        for name in ("url", "avatar"):
            if name in author:
                report.uri(author[name], f"author {name}")


def judge_item(report, item):
    keys(report, item, ITEM, "item")
    if not isinstance(item.get("id"), str) or not item["id"]:
        return report.say("MissingId", item.get("url"))
    report.uri(item["id"], "id")
    if "content_html" not in item and "content_text" not in item:
        report.say("MissingTextualContent", item["id"])
    if "content_html" in item:
        markup(report, item["content_html"], "content_html")
    for name in ("url", "external_url", "image", "banner_image"):
        if name in item:
            report.uri(item[name], name)
    if "url" not in item:
        report.say("MissingLink", item["id"])
    for name in ("date_published", "date_modified"):
        if name not in item:
            report.say("MissingElement", name)
        else:
            report.rfc_3339(item[name], name)
    if "language" in item:
        report.language(item["language"], "language")
    authors(report, item)
    ids(report, item.get("tags", []), "DuplicateValue")
    for tag in item.get("tags", []):
        report.not_blank(tag, "tag")
        report.text(tag, "tag")
    for attachment in item.get("attachments", []):
        keys(report, attachment, ATTACHMENT, "attachment")
        report.uri(attachment.get("url", ""), "attachment url")
        report.media_type(attachment.get("mime_type"), "attachment mime_type")
        size = attachment.get("size_in_bytes", 1)
        if not isinstance(size, int) or size < 1:
            report.say("InvalidPositiveInteger", f"size_in_bytes {size}")
