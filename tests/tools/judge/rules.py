"""Rules for single values that all formats share. Names of rules are those of the W3C feed validator where it has one."""

import re
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

XML = "http://www.w3.org/XML/1998/namespace"
ATOM = "http://www.w3.org/2005/Atom"

# Namespaces that the validator knows, as far as a news feed may use them, with the prefixes that are theirs.
NAMESPACES = {
    ATOM: "atom",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
    "http://purl.org/rss/1.0/modules/content/": "content",
    "http://purl.org/rss/1.0/modules/event/": "ev",
    "http://purl.org/rss/1.0/modules/slash/": "slash",
    "http://purl.org/rss/1.0/modules/syndication/": "sy",
    "http://purl.org/syndication/history/1.0": "fh",
    "http://purl.org/syndication/thread/1.0": "thr",
    "http://search.yahoo.com/mrss/": "media",
    "http://www.georss.org/georss": "georss",
    "http://www.w3.org/1999/xhtml": "xhtml",
    "http://www.w3.org/2003/01/geo/wgs84_pos#": "geo",
    XML: "xml",
}

# ISO 639-1.
LANGUAGES = set(
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo"
    " es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg"
    " ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn"
    " no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta"
    " te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu".split()
)

# Relations of links that the validator knows (RFC 4287, 5005 and registrations).
RELATIONS = set(
    "alternate current describedby edit edit-media enclosure first hub last license next next-archive payment"
    " prev-archive previous related replies search self service up via".split()
)
HISTORY = {"current", "first", "last", "next", "next-archive", "prev-archive", "previous"}

MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(\s*;\s*[\w!#$&^.+-]+=(\"[^\"]*\"|[\w!#$&^.+-]+))*")
URI = re.compile(r"[a-zA-Z][0-9a-zA-Z+.-]*:[0-9a-zA-Z;/?:@&=+$.\-_!~*'()%,#]+")
UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
RFC_822 = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d? (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}"
    r" \d\d:\d\d:\d\d (GMT|[+-]\d\d[03]0)"
)
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
HTML_NAMES = (
    "a abbr acronym address applet area article aside audio b base bdi bdo big blockquote body br button canvas caption"
    " center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em embed fieldset figcaption"
    " figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label"
    " legend li link m main map mark menu meta meter nav noframes noscript object ol optgroup option output p param"
    " picture pre progress q rp rt ruby s samp script section select slot small source span strike strong style sub"
    " summary sup table tbody td template textarea tfoot th thead time title tr track tt u ul var video wbr".split()
)
END_TAG = re.compile(r"</(\w+)>")
ENTITY = re.compile(r"&(#?\w+)")


class Report:
    """What is said against one document."""

    def __init__(self, now):
        self.now = now
        self.found = []

    def say(self, rule, detail=""):
        self.found.append((rule, str(detail)[:200]))

    def text(self, value, where):
        """Characters that come of a broken encoding, or that are none."""
        for c in value:
            point = ord(c)
            if 0x7F <= point <= 0x9F or c == "\ufffd" or point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF:
                self.say("BadCharacters", f"{where}: U+{point:04X}")
                return

    def not_blank(self, value, where, rule="NotBlank"):
        if not (value or "").strip():
            self.say(rule, where)

    def plain(self, value, where, rule="ContainsHTML", coded=False):
        """A text that readers may take for HTML. `coded`: written with numeric references, as the RSS profile asks."""
        from html.entities import name2codepoint

        self.text(value, where)
        ends = [name for name in END_TAG.findall(value) if name.lower() in HTML_NAMES]
        entities = [e for e in ENTITY.findall(value) if e in name2codepoint or e == "apos" or not e.isalpha()]
        if ends:
            self.say(rule, f"{where}: </{ends[0]}>")
        elif entities and not coded:
            self.say(rule, f"{where}: &{entities[0]};")
        elif rule == "ContainsHTML" and not coded and re.search(r"&#[x0-9]|<[/a-zA-Z]", value):
            self.say("CharacterData", f"{where}: {value}")

    def uri(self, value, where, rule="InvalidFullLink"):
        """A whole address, in ASCII."""
        if not value.isascii():
            self.say("UriNotIri", f"{where}: {value}")
        elif value.startswith("urn:"):
            if not UUID.fullmatch(value):
                self.say("InvalidUUID", f"{where}: {value}")
        elif not URI.fullmatch(value):
            self.say(rule, f"{where}: {value}")
        elif re.search(r"%(?![0-9A-Fa-f]{2})", value):
            self.say("InvalidUriChar", f"{where}: {value}")
        else:
            parts = urlsplit(value)
            if parts.scheme in ("http", "https") and not parts.hostname:
                self.say(rule, f"{where}: {value}")
            elif parts.scheme not in ("http", "https", "mailto", "tel"):
                self.say("SchemeNotIANARegistered", f"{where}: {value}")

    def language(self, value, where):
        first = value.split("-")[0].lower()
        if first not in LANGUAGES and not re.fullmatch("[a-z]{3}", first):
            self.say("InvalidLanguage", f"{where}: {value}")

    def media_type(self, value, where):
        if not MEDIA_TYPE.fullmatch(value or ""):
            self.say("InvalidMIMEType", f"{where}: {value}")

    def whole(self, value, where, least=0):
        if not re.fullmatch(r"\d+", value or "") or int(value) < least:
            self.say("InvalidNonNegativeInteger" if least == 0 else "InvalidPositiveInteger", f"{where}: {value}")

    def _plausible(self, at, where):
        if at > self.now + timedelta(minutes=10) or at.year < 1990:
            self.say("ImplausibleDate", f"{where}: {at}")

    def rfc_822(self, value, where):
        if not RFC_822.fullmatch(value):
            return self.say("InvalidRFC2822Date", f"{where}: {value}")
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return self.say("InvalidRFC2822Date", f"{where}: {value}")
        if at.strftime("%a") != value[:3]:
            self.say("IncorrectDOW", f"{where}: {value}")
        self._plausible(at, where)

    def rfc_3339(self, value, where, plausible=True):
        try:
            at = datetime.fromisoformat(value) if RFC_3339.fullmatch(value) else None
        except ValueError:
            at = None
        if at is None:
            self.say("InvalidRFC3339Date", f"{where}: {value}")
        elif plausible:
            self._plausible(at, where)
        return at
