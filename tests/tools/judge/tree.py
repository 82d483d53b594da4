"""An XML document as a tree with the prefixes that are proper to its names, read by expat."""

from xml.parsers import expat

from rules import NAMESPACES, XML


class Element:
    def __init__(self, name, attributes, parent, line):
        self.name, self.attributes, self.parent, self.line = name, attributes, parent, line
        self.children, self.value = [], ""

    def all(self, name):
        return [child for child in self.children if child.name == name]

    def one(self, name):
        found = self.all(name)
        return found[0] if found else None

    def get(self, name):
        return self.attributes.get(name)


class Tree:
    """`own`: the namespace whose elements need no prefix; `more`: namespaces that are known here only."""

    def __init__(self, data, report, own=None, more=None):
        self.report, self.own, self.known = report, own, NAMESPACES | (more or {})
        self.root, self.here = None, None
        self.used, self.bound = set(), {}
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartNamespaceDeclHandler = self._namespace
        parser.StartDoctypeDeclHandler = lambda *_: report.say("ContainsSystemEntity", "a DOCTYPE")
        parser.ProcessingInstructionHandler = lambda target, _: report.say("UnexpectedText", f"<?{target}?>")
        self.parser = parser
        self.lines = data.decode("utf-8").split("\n")
        parser.Parse(data, True)
        for uri in set(self.bound) - self.used - {own}:
            report.say("UnusedNamespace", uri)

    def _namespace(self, prefix, uri):
        self.bound[uri] = prefix
        if uri == self.own and not prefix:
            return
        if uri not in self.known:
            self.report.say("UnknownNamespace", uri)
        elif prefix != self.known[uri]:
            self.report.say("NonstdPrefix", f"{prefix} for {uri}")
        if self.own is not None and self.known.get(uri) in ("atom", "xhtml"):
            self.report.say("AvoidNamespacePrefix", prefix)

    def _name(self, name):
        uri, _, local = name.rpartition(" ")
        self.used.add(uri)
        if not uri or uri == self.own:
            return local
        return f"{self.known.get(uri, uri)}:{local}"

    def _start(self, name, attributes):
        named = {}
        for key, value in attributes.items():
            uri, _, local = key.rpartition(" ")
            self.used.add(uri)
            named[f"{self.known.get(uri, uri)}:{local}" if uri else local] = value
            self.report.text(value, f"{name} {key}")
            if key == f"{XML} lang":
                self.report.language(value, f"{name} xml:lang")
        element = Element(self._name(name), named, self.here, self.parser.CurrentLineNumber)
        if self.here is None:
            self.root = element
        else:
            self.here.children.append(element)
        self.here = element

    def _end(self, _):
        self.report.text(self.here.value, self.here.name)
        self.here.coded = any("&#x" in line for line in self.lines[self.here.line - 1 : self.parser.CurrentLineNumber])
        if self.here.children and self.here.value.strip():
            self.report.say("UnexpectedText", f"{self.here.name}: {self.here.value.strip()}")
        self.here = self.here.parent

    def _characters(self, data):
        self.here.value += data


def check(report, element, known):
    """Whether an element has only children and attributes that are known: by name, (most, required, attributes)."""
    names = [child.name for child in element.children]
    for name in sorted(set(names)):
        if name not in known:
            report.say("UndefinedElement", f"{element.name} {name}")
        elif known[name][0] and names.count(name) > known[name][0]:
            report.say("DuplicateEnclosure" if name == "enclosure" else "DuplicateElement", f"{element.name} {name}")
    for name, (_, required, _) in known.items():
        if required and name not in names:
            report.say(required, f"{element.name} {name}")
    for child in element.children:
        if child.name in known:
            for attribute in child.attributes:
                if not attribute.startswith("xml:") and attribute not in known[child.name][2].split():
                    rule = "UseOfExtensionAttr" if ":" in attribute else "UnexpectedAttribute"
                    report.say(rule, f"{child.name} {attribute}")
