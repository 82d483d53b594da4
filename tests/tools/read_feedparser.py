"""Reads every file named on standard input with feedparser; one line of JSON for each: what a reader sees of its items.

A file that feedparser finds anything wrong with ends it. What feedparser does to the texts (taking out scripts, making
addresses absolute) is left out unless CRIEUR_TEST_WHOLE is set: it takes most of the time and none of it is compared.
"""

import calendar
import json
import os
import pathlib
import sys

import feedparser

WHOLE = "CRIEUR_TEST_WHOLE" in os.environ


def read(name):
    feed = feedparser.parse(
        pathlib.Path(name).read_bytes(), sanitize_html=WHOLE, resolve_relative_uris=WHOLE
    )
    if feed.bozo:
        sys.exit(f"{name}: {feed.bozo_exception}")
    if not feed.version or not feed.feed.get("title") or not feed.feed.get("link"):
        sys.exit(f"{name}: no title, no link, or no feed at all: {feed.version!r}")
    items = [
        {
            "id": entry.id,
            "title": entry.title,
            "url": entry.link,
            "published": calendar.timegm(entry.published_parsed),
        }
        for entry in feed.entries
    ]
    print(json.dumps({"file": name, "items": items}))


for line in sys.stdin:
    read(line.rstrip("\n"))
