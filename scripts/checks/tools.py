"""Checks that run a tool: clang-format, self-contained headers, clang-tidy, thread-safety build.

Results that depend only on their inputs are kept in build/check/ under a digest of those inputs.
"""
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess

from layers import INCLUDE
from tree import Finding

SUFFIX = "-19"
# clang-tidy takes seconds a file: the newest changes first, and no more than this many.
MAX_TIDY_FILES = 60


def run(command, cwd, stdin=None):
    done = subprocess.run(command, cwd=cwd, stdin=stdin or subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False)
    return done.returncode, done.stdout


def parallel(function, items):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for findings in pool.map(function, items):
            yield from findings


def require(tool):
    if shutil.which(tool) is None:
        return [Finding("packages.txt", 1, f"{tool} is not installed: run scripts/setup")]
    return []


DIAGNOSTIC = re.compile(r"^(?P<path>[^:\n]+):(?P<line>\d+):\d+: (?:error|warning|fatal error): "
                        r"(?P<text>.*)$", re.MULTILINE)


def diagnostics(tree, output, fallback, advice):
    """Findings of a compiler's output; one on `fallback` when it has no line of ours."""
    found = []
    for match in DIAGNOSTIC.finditer(output):
        path = os.path.relpath(os.path.join(tree.root, match["path"]), tree.root)
        found.append(Finding(path, int(match["line"]), f"{match['text']}{advice}"))
    if not found:
        last = [line for line in output.splitlines() if line.strip()][-1:]
        found.append(Finding(fallback, 1, f"{' '.join(last) or 'failed'}{advice}"))
    return list(dict.fromkeys(found))


def check_format(tree):
    tool = "clang-format" + SUFFIX
    missing = require(tool)
    if missing:
        yield from missing
        return

    def one(name):
        code, output = run([tool, "--style=file", name], tree.root)
        text = tree.text(name)
        if code != 0:
            return [Finding(name, 1, f"{tool} failed: {output[:200]}")]
        if output == text:
            return []
        wanted, have = output.split("\n"), text.split("\n")
        line = next((i for i, (a, b) in enumerate(zip(wanted, have)) if a != b),
                    min(len(wanted), len(have)) - 1)
        return [Finding(name, line + 1, f"not in the house's format: {tool} -i {name}")]

    yield from parallel(one, tree.cpp_files())


def generate(tree):
    """Makes the headers that the build makes from .proto files; returns their folder."""
    folder = os.path.join("build", "check", "generated")
    os.makedirs(tree.path(folder), exist_ok=True)
    for name in (n for n in tree.files() if n.startswith("src/") and n.endswith(".proto")):
        run(["protoc", "-Isrc", "--cpp_out=" + folder, "--grpc_out=" + folder,
             "--plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin", name], tree.root)
    return folder


def compile_flags(tree):
    """The flags that any of our headers compiles with."""
    code, output = run(["pkg-config", "--cflags", "libxml-2.0"], tree.root)
    third_party = output.split() if code == 0 else []
    return ["-std=c++20", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wthread-safety",
            "-Isrc", *third_party]


class Cache:
    """Digests of inputs for which a tool found nothing: an empty file each."""

    def __init__(self, tree, name, *inputs):
        self.tree = tree
        self.salt = "\0".join(inputs)
        self.folder = tree.path(os.path.join("build", "check", name))
        os.makedirs(self.folder, exist_ok=True)

    def key(self, name):
        digest = hashlib.sha256(self.salt.encode())
        for part in sorted(self._closure(name)):
            digest.update(part.encode() + b"\0" + self.tree.text(part).encode())
        return os.path.join(self.folder, digest.hexdigest())

    def _closure(self, name):
        """The file and all of ours that it includes, directly or not."""
        seen, open_ = {name}, [name]
        while open_:
            for quote, header in INCLUDE.findall(self.tree.text(open_.pop())):
                path = "src/" + header
                if quote == '"' and path not in seen and self.tree.text(path):
                    seen.add(path)
                    open_.append(path)
        return seen

    def hit(self, name):
        return os.path.exists(self.key(name))

    def store(self, name):
        with open(self.key(name), "w", encoding="utf-8"):
            pass


def check_headers(tree):
    """Every header compiles alone."""
    compiler = "clang++" + SUFFIX
    missing = require(compiler)
    if missing:
        yield from missing
        return
    flags = compile_flags(tree)
    generated = generate(tree)
    cache = Cache(tree, "headers", compiler, *flags)

    def one(name):
        if "#pragma once" not in tree.text(name):
            return [Finding(name, 1, "has no #pragma once: add it before the first include")]
        if cache.hit(name):
            return []
        code, output = run([compiler, *flags, "-isystem", generated, "-fsyntax-only", "-x", "c++",
                            "-include", name, "/dev/null"], tree.root)
        if code != 0:
            return diagnostics(tree, output, name,
                               " (the header does not compile alone: include what it uses)")
        cache.store(name)
        return []

    yield from dict.fromkeys(parallel(one, [n for n in tree.cpp_files("src", "sdk")
                                            if n.endswith(".h")]))


def _configured(tree):
    """build/thread-safety, configured, or findings."""
    build = tree.path("build/thread-safety")
    if not os.path.exists(os.path.join(build, "build.ninja")):
        code, output = run(["cmake", "--preset", "thread-safety"], tree.root)
        if code != 0:
            return build, [Finding("CMakeLists.txt", 1, f"does not configure: {output[-500:]}")]
    code, output = run(["ninja", "-C", build, "build.ninja"], tree.root)
    if code != 0:
        return build, [Finding("CMakeLists.txt", 1, f"does not configure: {output[-500:]}")]
    return build, []


def check_thread_safety(tree):
    """The thread-safety preset compiles: every lock is held where it has to be."""
    build, problems = _configured(tree)
    if problems:
        yield from problems
        return
    code, output = run(["ninja", "-C", build, "-k", "0"], tree.root)
    if code != 0:
        yield from diagnostics(tree, output, "CMakePresets.json",
                               " (preset thread-safety: scripts/build thread-safety)")


def check_tidy(tree, everything=False):
    """clang-tidy on the sources that changed, as errors."""
    tool = "clang-tidy" + SUFFIX
    missing = require(tool)
    build, problems = _configured(tree) if not missing else ("", [])
    if missing or problems:
        yield from missing or problems
        return
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        built = {os.path.relpath(entry["file"], tree.root) for entry in json.load(file)}
    names = [n for n in (tree.cpp_files() if everything else tree.changed_files())
             if n.endswith(".cc") and n in built]
    cache = Cache(tree, "tidy", tree.text(".clang-tidy"))

    def one(name):
        if cache.hit(name):
            return []
        code, output = run([tool, "-p", build, "--quiet", name], tree.root)
        if code != 0:
            return diagnostics(tree, output, name, "")
        cache.store(name)
        return []

    stale = [n for n in names if not cache.hit(n)]
    if len(stale) > MAX_TIDY_FILES and not everything:
        print(f"check: clang-tidy looks at the {MAX_TIDY_FILES} newest of {len(stale)} changed "
              "sources; all of them: scripts/check tidy --all", flush=True)
        stale = stale[:MAX_TIDY_FILES]
    yield from dict.fromkeys(parallel(one, stale))
