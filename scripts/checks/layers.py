"""Who may include whom (layers.toml), and which third-party header belongs behind which room."""
import re
import tomllib

from tree import Finding, matches_any

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)
# <...> headers of the C and C++ libraries and of the kernel: these are everybody's.
SYSTEM = re.compile(r"^(?:[a-z0-9_]+|(?:sys|linux|netinet|arpa|net|asm|bits)/[a-z0-9_/.-]+"
                    r"|(?:assert|ctype|dirent|dlfcn|endian|err|errno|execinfo|fcntl|float|fnmatch|"
                    r"getopt|glob|ifaddrs|inttypes|limits|locale|malloc|math|netdb|poll|pthread|pwd|"
                    r"sched|semaphore|setjmp|signal|spawn|stdarg|stdbool|stddef|stdint|stdio|stdlib|"
                    r"string|strings|sysexits|syslog|termios|time|ucontext|unistd|wchar|"
                    r"cxxabi|immintrin|emmintrin|nmmintrin|x86intrin|elf|link|utime|grp|"
                    r"sanitizer/[a-z_]+)\.h)$")


class Layers:
    """layers.toml, read."""

    def __init__(self, tree):
        data = tomllib.loads(tree.text("layers.toml"))
        self.rooms = data["rooms"]
        self.headers = data["headers"]

    def room_of(self, path):
        """The room that a path below src/ (without "src/") lies in, or None."""
        best = None
        for room in self.rooms:
            if path.startswith(room + "/") and (best is None or len(room) > len(best)):
                best = room
        return best

    def may_include(self, room, other):
        allowed = self.rooms[room]
        return (other == room or "*" in allowed or other in allowed or
                (other == "base/core" and "base" in allowed))

    def header_rule(self, header):
        """(prefix, allowed) for a third-party header, or None when no rule names it."""
        best = None
        for prefix, allowed in self.headers.items():
            matched = header.startswith(prefix) if prefix.endswith("/") else header == prefix
            if matched and (best is None or len(prefix) > len(best[0])):
                best = (prefix, allowed)
        return best


def check_layers(tree):
    layers = Layers(tree)
    for name in tree.cpp_files("src"):
        room = layers.room_of(name.removeprefix("src/"))
        if room is None:
            yield Finding(name, 1, "this folder is no room of layers.toml: add it there with the "
                                   "rooms it may include, or move the file")
            continue
        text = tree.text(name)
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start(2)) + 1
            quote, header = match.groups()
            problem = (_own(tree, layers, room, header) if quote == '"' else
                       _foreign(layers, room, name, header))
            if problem:
                yield Finding(name, line, problem)


def _own(tree, layers, room, header):
    other = layers.room_of(header)
    if other is None:
        return (f'"{header}" is not in a room of layers.toml: write ours as "room/file.h" from '
                "src/, and third-party headers in <...>")
    # What protoc makes stands for the file that it is made from.
    source = re.sub(r"(\.grpc)?\.pb\.h$", ".proto", header)
    if not tree.text("src/" + source):
        return f'"{header}" does not exist under src/'
    if not layers.may_include(room, other):
        return (f"{room} may not include {other}: it may include "
                f"{', '.join(layers.rooms[room]) or 'no other room'}; move the code down, or pass "
                "the thing in through an interface")
    return None


def _foreign(layers, room, name, header):
    rule = layers.header_rule(header)
    if rule is None:
        if SYSTEM.match(header):
            return None
        return (f"<{header}> is not listed in layers.toml: name the one room it stands behind "
                'there ([headers]), or write "room/file.h" if it is ours')
    allowed = rule[1]
    globs = [a for a in allowed if a.startswith("src/")]
    if room in allowed or matches_any(name, globs):
        return None
    return f"<{header}> stands behind {', '.join(allowed)}: use that room's interface instead"
