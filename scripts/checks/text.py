"""Checks that read text: banned calls, docs, hygiene, CMake lists, ratchets."""
import os
import re
import tomllib

from tree import Finding, line_of, matches_any, strip_code

# (regex over code without comments and strings, what to use instead, paths where it is right)
BANNED = [
    (r"\b(?:strcpy|strcat|stpcpy)\s*\(", "copies without a bound: use std::string or std::memcpy",
     []),
    (r"\b(?:sprintf|vsprintf)\s*\(", "writes without a bound: use fmt::format_to_n or snprintf", []),
    (r"\bgets\s*\(", "reads without a bound: use std::getline", []),
    (r"\b(?:std::)?s?rand\s*\(\s*\)|\bsrand\s*\(|\brandom_device\b",
     "randomness comes in through base/core/random.h, so that a seed repeats a run",
     ["src/base/core/random*"]),
    (r"(?<![\w.>])(?:std::)?system\s*\(", "runs a shell: use posix_spawn with an argument list", []),
    (r"\bpopen\s*\(", "runs a shell: use posix_spawn with pipes", []),
    (r"\b(?:strtok|asctime|ctime|gmtime|localtime)\s*\(",
     "is not thread-safe: use the _r form", []),
    (r"\b(?:atoi|atol|atoll|atof)\s*\(", "hides errors: use std::from_chars", []),
    (r"\b(?:std::)?sto(?:i|l|ul|ll|ull|f|d|ld)\s*\(", "throws: use std::from_chars", []),
    (r"\bstd::(?:regex|smatch|cmatch)\b", "is slow and recursive: use RE2", []),
    (r"\bthrow\b", "we never throw: return base::Status or base::Result", []),
    (r"\bstd::(?:cout|cerr|clog)\b",
     "standard output belongs to cli: return text, or take a base::Log",
     ["src/cli/*", "src/apps/*", "**/*_fuzz.cc", "**/*_bench.cc", "bench/*", "tests/*"]),
    (r"\b(?:std::)?(?:printf|puts|putchar)\s*\(",
     "standard output belongs to cli: return text, or take a base::Log",
     ["src/cli/*", "src/apps/*", "**/*_fuzz.cc", "**/*_bench.cc", "fuzz/*", "bench/*", "tests/*"]),
    (r"\b(?:std::)?(?:exit|_Exit|quick_exit)\s*\(|\babort\s*\(\s*\)",
     "a library does not end the process: return a Status (CHECK for bugs)",
     ["src/base/core/check.cc", "src/apps/*", "**/*_fuzz.cc", "**/*_test.cc", "bench/*", "tests/*",
      "fuzz/*"]),
    (r"\bstd::async\b|\.detach\s*\(\s*\)", "nobody owns that thread: hold a std::thread and join it",
     # getaddrinfo cannot be interrupted: its threads own what they touch and end by themselves
     ["src/net/resolver.cc", "tests/*", "bench/*"]),
    (r"\b(?:stable_sort|stable_partition|inplace_merge)\b",
     "clang refuses it with GCC 12's library (its buffer is deprecated): sort by a key that is "
     "unique, or merge into another container", []),
    (r"\b(?:co_await|co_yield|co_return)\b",
     "GCC 12 miscompiles coroutines: write an explicit state machine", []),
]
# In tests only.
BANNED_IN_TESTS = [
    (r"\bsleep_for\b|\bsleep_until\b|\b(?:u|nano)?sleep\s*\(",
     "a test waits on an event, never on a sleep: use a fake clock, a latch or a poll", []),
    (r"\bDISABLED_\w+", "a disabled test proves nothing: mend it or delete it", []),
]


def check_banned(tree):
    for name in tree.cpp_files():
        code = strip_code(tree.text(name))
        rules = BANNED + (BANNED_IN_TESTS if name.endswith("_test.cc") else [])
        for pattern, reason, allowed in rules:
            if matches_any(name, allowed):
                continue
            for match in re.finditer(pattern, code):
                yield Finding(name, line_of(code, match.start()),
                              f"{match.group(0).strip()}: {reason}")


LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CITED = re.compile(r"`((?:\.ci|bench|cmake|console|docs|examples|fuzz|scripts|sdk|src|tests)/"
                   r"[\w./-]*[\w/])`")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def check_docs(tree):
    present = set(tree.files())
    folders = {os.path.dirname(f) for f in present}
    folders |= {p for f in folders for p in _parents(f)}
    for name in tree.files():
        if not name.endswith(".md"):
            continue
        text = FENCE.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), tree.text(name))
        for match in LINK.finditer(text):
            target = match.group(1).split("#")[0]
            if not target or re.match(r"[a-z]+:", target):
                continue
            path = os.path.normpath(os.path.join(os.path.dirname(name), target))
            if path not in present and path not in folders:
                yield Finding(name, line_of(text, match.start()),
                              f"link to {target}, which does not exist: mend or remove it")
        for match in CITED.finditer(text):
            path = match.group(1).rstrip("/")
            if path not in present and path not in folders:
                yield Finding(name, line_of(text, match.start()),
                              f"`{match.group(1)}` does not exist: mend or remove it")
    if "README.md" in present and "packages.txt" not in tree.text("README.md"):
        yield Finding("README.md", 1, "does not link packages.txt, the one install list")


def _parents(folder):
    while "/" in folder:
        folder = folder.rsplit("/", 1)[0]
        yield folder


def _forbidden_texts(tree):
    """(regex, what is wrong) for every tracked text. Written so that no pattern matches itself."""
    yield (re.compile(r"(?<![\w./-])/(?:[w]ork|[r]oot)/[\w.]"),
           "an absolute path of one machine: make it relative to the checkout")
    yield (re.compile(r"(?<![\w./-])/[h]ome/(?!runner\b)[a-z_][\w-]*/"),
           "an absolute path of one machine: make it relative to the checkout")
    yield (re.compile(r'"[r]esolved"\s*:\s*"https?://|[i]ndex-url\s*=|(?<!omit-lockfile-)'
                      r"\b[r]egistry\s*=\s*https?://|[G]OPROXY\s*=\s*https?://", re.IGNORECASE),
           "names a package registry's host: leave it to the machine's configuration")
    yield (re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE), "a merge conflict left behind")
    for host in _configured_hosts(tree):
        yield re.compile(re.escape(host)), "names this machine's package mirror: leave it out"


def _configured_hosts(tree):
    """Hosts of this machine's apt sources, apart from Debian's own public ones."""
    hosts = set()
    folder = tree.apt_folder if hasattr(tree, "apt_folder") else "/etc/apt"
    for base, _, names in os.walk(folder):
        for name in names:
            if not name.endswith((".list", ".sources")):
                continue
            try:
                with open(os.path.join(base, name), encoding="utf-8", errors="replace") as file:
                    hosts |= set(re.findall(r"https?://([^/\s:\]]+)", file.read()))
            except OSError:
                continue
    public = ("debian.org", "nodesource.com", "google.com", "googleapis.com", "docker.com",
              "github.com", "postgresql.org", "llvm.org", "localhost")
    return sorted(h for h in hosts if not h.endswith(public))


def check_hygiene(tree):
    rules = list(_forbidden_texts(tree))
    for name in tree.files():
        text = tree.text(name)
        for pattern, problem in rules:
            for match in pattern.finditer(text):
                yield Finding(name, line_of(text, match.start()), problem)


def check_cmake(tree):
    """A source that no CMakeLists.txt names is never built, a test never run."""
    lists = {}
    for name in tree.files():
        if os.path.basename(name) == "CMakeLists.txt" or name.endswith(".cmake"):
            folder = os.path.dirname(name)
            lists[folder] = lists.get(folder, "") + tree.text(name)
    for name in tree.cpp_files("src"):
        if name.endswith(".h"):
            continue
        folder = os.path.dirname(name)
        while folder not in lists and folder:
            folder = os.path.dirname(folder)
        listed = os.path.relpath(name, folder or ".")
        if not re.search(rf"(?<![\w/.-]){re.escape(listed)}(?![\w.-])", lists.get(folder, "")):
            yield Finding(name, 1, f"no CMakeLists.txt builds it: name it in {folder}/CMakeLists.txt")


MAX_SOURCE, MAX_HEADER = 800, 300


def measure_ratchets(tree):
    """name -> list of (path, line): what each ratchet counts."""
    counts = {"nolint": [], "todo": [], "long_source": [], "long_header": []}
    for name in tree.cpp_files():
        text = tree.text(name)
        for match in re.finditer(r"\bNOLINT", text):
            counts["nolint"].append((name, line_of(text, match.start())))
        for match in re.finditer(r"\b(?:TODO|FIXME|XXX|HACK)\b", text):
            counts["todo"].append((name, line_of(text, match.start())))
        lines = text.count("\n")
        if name.endswith(".cc") and lines > MAX_SOURCE:
            counts["long_source"].append((name, lines))
        if name.endswith(".h") and lines > MAX_HEADER:
            counts["long_header"].append((name, lines))
    return counts


ADVICE = {
    "nolint": "mend the finding instead of silencing it",
    "todo": "do it, or write an issue",
    "long_source": f"cut sources at {MAX_SOURCE} lines",
    "long_header": f"cut headers at {MAX_HEADER} lines",
}


def check_ratchets(tree):
    limits = tomllib.loads(tree.text("scripts/ratchets.toml"))
    for ratchet, places in measure_ratchets(tree).items():
        limit = limits.get(ratchet, 0)
        if len(places) <= limit:
            continue
        for path, line in places:
            yield Finding(path, line, f"{ratchet}: {len(places)} in the tree, "
                                      f"{limit} allowed: {ADVICE[ratchet]}")
    base = tree.base_commit()
    before = tree.git("show", f"{base}:scripts/ratchets.toml") if base else None
    if before:
        for ratchet, limit in tomllib.loads(before).items():
            if limits.get(ratchet, 0) > limit:
                yield Finding("scripts/ratchets.toml", 1,
                              f"{ratchet} rose from {limit} to {limits[ratchet]}: it only falls")


def check_scripts(tree):
    """Scripts that start with #! parse and are executable."""
    for name in tree.files():
        text = tree.text(name)
        if not text.startswith("#!"):
            continue
        if not os.access(tree.path(name), os.X_OK):
            yield Finding(name, 1, f"starts with #! but is not executable: chmod +x {name}")
        if "python3" in text.split("\n", 1)[0]:
            try:
                compile(text, name, "exec")
            except SyntaxError as error:
                yield Finding(name, error.lineno or 1, f"does not parse: {error.msg}")
