"""Reads every feed of a folder with feedparser and compares RSS, Atom and JSON: same ids, titles, links and instants."""

import calendar
import json
import pathlib
import sys
from datetime import datetime

import feedparser


def parsed(path):
    feed = feedparser.parse(path.read_bytes())
    if feed.bozo:
        sys.exit(f"{path}: {feed.bozo_exception}")
    if not feed.feed.get("title") or not feed.feed.get("link"):
        sys.exit(f"{path}: no title or no link")
    return [(e.id, e.title, e.link, calendar.timegm(e.published_parsed)) for e in feed.entries]


def from_json(path):
    items = json.loads(path.read_text())["items"]
    instant = lambda text: int(datetime.fromisoformat(text).timestamp())
    return [(i["id"], i["title"], i["url"], instant(i["date_published"])) for i in items]


def main(folder):
    compared = 0
    for rss in sorted(pathlib.Path(folder).rglob("*.rss")):
        expected = parsed(rss)
        for other in (parsed(rss.with_suffix(".atom")), from_json(rss.with_suffix(".json"))):
            if other != expected:
                sys.exit(f"{rss}: formats differ\n{expected}\n{other}")
        compared += 1
    if compared < 20:
        sys.exit(f"only {compared} feeds")
    print(f"{compared} feeds agree in three formats")


main(sys.argv[1])
