"""What all checks share: the tree under test, its C++ files, its changes, and a finding."""
import dataclasses
import fnmatch
import os
import re
import subprocess

CPP = (".h", ".cc")
# How far back a check of "changed files" looks where no upstream branch tells.
FALLBACK_COMMITS = 20


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing wrong: where, what, and what to do."""
    path: str
    line: int
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}"


class Tree:
    """A checkout. Paths are relative to its root, with forward slashes."""

    def __init__(self, root):
        self.root = root
        self._texts = {}
        self._files = None

    def git(self, *args):
        """stdout of a git command, or None when it fails."""
        done = subprocess.run(["git", "-C", self.root, *args], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, check=False)
        return done.stdout if done.returncode == 0 else None

    def files(self):
        """Tracked files and new ones that are not ignored, as they are on disk."""
        if self._files is None:
            listed = self.git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
            names = set((listed or "").split("\0")) - {""}
            self._files = sorted(n for n in names if os.path.isfile(self.path(n)))
        return self._files

    def cpp_files(self, *folders):
        folders = folders or ("src", "sdk", "bench", "tests", "fuzz")
        return [f for f in self.files() if f.endswith(CPP) and f.startswith(tuple(
            folder + "/" for folder in folders))]

    def path(self, name):
        return os.path.join(self.root, name)

    def text(self, name):
        """The text of a file; "" for one that is not UTF-8."""
        if name not in self._texts:
            try:
                with open(self.path(name), encoding="utf-8") as file:
                    self._texts[name] = file.read()
            except (UnicodeDecodeError, OSError):
                self._texts[name] = ""
        return self._texts[name]

    def base_commit(self):
        """The commit that changes are counted from: $CHECK_BASE, the merge base with the upstream
        main branch, or some commits back where HEAD is that branch. None: count everything."""
        if os.environ.get("CHECK_BASE"):
            return os.environ["CHECK_BASE"]
        head = (self.git("rev-parse", "HEAD") or "").strip()
        for branch in ("origin/HEAD", "origin/main", "origin/master"):
            base = (self.git("merge-base", "HEAD", branch) or "").strip()
            if base and base != head:
                return base
        base = self.git("rev-parse", "--verify", "-q", f"HEAD~{FALLBACK_COMMITS}")
        return base.strip() if base else None

    def changed_files(self):
        """Files that differ from base_commit(), newest change first."""
        base = self.base_commit()
        commits = f"{base}..HEAD" if base else "HEAD"
        names = []
        for listing in (self.git("diff", "--name-only", "HEAD"),
                        self.git("ls-files", "--others", "--exclude-standard"),
                        self.git("log", "--name-only", "--format=", commits)):
            names += (listing or "").split("\n")
        present = set(self.files())
        return [n for n in dict.fromkeys(names) if n in present]


def strip_code(text):
    """C++ with the inside of comments and string literals blanked; lines and columns stay."""
    def blank(match):
        token = match.group(0)
        if token.startswith("/"):
            return re.sub(r"[^\n]", " ", token)
        return token[0] + re.sub(r"[^\n]", " ", token[1:-1]) + token[-1]
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', blank, text,
                  flags=re.DOTALL)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def matches_any(name, globs):
    """True when the path matches one of the globs; ** spans folders."""
    return any(fnmatch.fnmatchcase(name, g.replace("**/", "*")) for g in globs)
