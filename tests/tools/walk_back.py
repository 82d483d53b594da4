"""Walks back from feeds through their archives (RFC 5005; `next_url` of JSON Feed), with the links that feedparser finds.

Every line of standard input is `folder<tab>address of the feed`; the answer is a line of JSON for each, with the
addresses and ids met. A link that leads nowhere, or round in a circle, ends it.
"""

import json
import pathlib
import sys
from urllib.parse import urlsplit

import feedparser


def read(name):
    """The ids of a document, and the address of the one before it."""
    data = name.read_bytes()
    if name.suffix == ".json":
        feed = json.loads(data)
        return [item["id"] for item in feed["items"]], feed.get("next_url")
    feed = feedparser.parse(data, sanitize_html=False, resolve_relative_uris=False)
    before = [link.href for link in feed.feed.links if link.rel == "prev-archive"]
    return [entry.id for entry in feed.entries], before[0] if before else None


for line in sys.stdin:
    folder, address = line.rstrip("\n").split("\t")
    path, documents, ids = address, [], []
    while path:
        if path in documents:
            sys.exit(f"{folder}{address}: {path} is met twice")
        documents.append(path)
        found, before = read(pathlib.Path(folder + path))
        ids += found
        path = urlsplit(before).path if before else None
    print(json.dumps({"folder": folder, "feed": address, "documents": documents, "ids": ids}))
