"""Judges feeds by the rules of the W3C feed validator, written anew from what it documents: its code is in no registry.

    python tests/tools/judge NOW

Every line of standard input is `file<tab>address`. What is wrong is printed, one line each:
`file<tab>rule<tab>detail`. Rules are named as the validator's classes are, where it has one: errors and warnings are
all the same here, since a feed must have neither.
"""

import pathlib
import sys
from datetime import datetime
from xml.parsers.expat import ExpatError

import atom
import json_feed
import outline
import rss
from rules import Report


def judge(report, data, address, known):
    if data.startswith(b"{"):
        return json_feed.judge(report, data, address)
    if not data.startswith(b'<?xml version="1.0" encoding="utf-8"?>'):
        report.say("MissingEncoding", data[:60])
    start = data[:400]
    if b"<rss" in start:
        rss.judge(report, data, address)
    elif b"<opml" in start:
        outline.judge(report, data, address, known)
    else:
        atom.judge(report, data, address)


def main(now):
    files = [line.rstrip("\n").split("\t") for line in sys.stdin]
    known = {address for _, address in files}
    for name, address in files:
        report = Report(datetime.fromisoformat(now))
        try:
            judge(report, pathlib.Path(name).read_bytes(), address, known.__contains__)
        except (ExpatError, UnicodeDecodeError, ValueError) as error:
            report.say("SAXError", error)
        for rule, detail in dict.fromkeys(report.found):
            print(name, rule, detail.replace("\n", " ").replace("\t", " "), sep="\t")
    print(f"{len(files)} documents judged", file=sys.stderr)


main(sys.argv[1])
