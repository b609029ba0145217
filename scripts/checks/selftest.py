#!/usr/bin/python3
"""Plants one violation of each rule in a small tree and sees the check turn red there."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import layers  # noqa: E402
import text  # noqa: E402
import tools  # noqa: E402
from tree import Tree  # noqa: E402

GOOD_HEADER = "#pragma once\n\n#include <string>\n\nnamespace ronda::net {\n\n" \
              "std::string Name();\n\n}  // namespace ronda::net\n"
GOOD_SOURCE = '#include "net/good.h"\n\nnamespace ronda::net {\n\n' \
              'std::string Name() { return "strcpy(a, b)"; }  // system("x")\n\n' \
              "}  // namespace ronda::net\n"


class CheckTest(unittest.TestCase):
    """Each test plants files in a clean tree."""

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="ronda-check-")
        self.addCleanup(shutil.rmtree, self.root)
        for name in ("layers.toml", ".clang-format", ".clang-tidy"):
            shutil.copy(os.path.join(ROOT, name), self.root)
        self.plant("src/net/CMakeLists.txt", "ronda_room(net HEADERS good.h SOURCES good.cc)\n")
        self.plant("src/net/good.h", GOOD_HEADER)
        self.plant("src/net/good.cc", GOOD_SOURCE)
        self.plant("scripts/ratchets.toml",
                   "nolint = 0\ntodo = 0\nlong_source = 0\nlong_header = 0\n")
        self.plant("README.md", "[packages.txt](packages.txt) and `src/net/good.h`\n")
        self.plant("packages.txt", "cmake  # build\n")
        self.git("init", "-q", "-b", "main")
        self.commit()

    def git(self, *args):
        subprocess.run(["git", "-C", self.root, "-c", "user.name=t", "-c", "user.email=t@t", *args],
                       check=True, stdout=subprocess.DEVNULL)

    def commit(self):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "tree")

    def plant(self, name, content):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)

    def found(self, check):
        return [(f.path, f.line, f.text) for f in check(Tree(self.root))]

    def assert_red(self, check, path, line, words):
        found = self.found(check)
        self.assertTrue(any(p == path and n == line and words in t for p, n, t in found),
                        f"expected {path}:{line} ... {words} ..., found {found}")

    def test_a_clean_tree_is_green(self):
        for check in (layers.check_layers, text.check_banned, text.check_docs, text.check_hygiene,
                      text.check_cmake, text.check_ratchets, text.check_scripts,
                      tools.check_format, tools.check_headers):
            self.assertEqual(self.found(check), [], check.__name__)

    def test_an_include_upwards_is_refused(self):
        self.plant("src/engine/e.h", "#pragma once\n")
        self.plant("src/net/bad.h", '#pragma once\n#include "engine/e.h"\n')
        self.assert_red(layers.check_layers, "src/net/bad.h", 2, "net may not include engine")

    def test_a_folder_that_is_no_room_is_refused(self):
        self.plant("src/misc/x.h", "#pragma once\n")
        self.assert_red(layers.check_layers, "src/misc/x.h", 1, "no room")

    def test_a_header_that_stands_behind_another_room_is_refused(self):
        self.plant("src/net/bad.h", "#pragma once\n\n#include <sqlite3.h>\n")
        self.assert_red(layers.check_layers, "src/net/bad.h", 3, "stands behind store")

    def test_an_unlisted_third_party_header_is_refused(self):
        self.plant("src/net/bad.h", "#pragma once\n#include <uv.h>\n")
        self.assert_red(layers.check_layers, "src/net/bad.h", 2, "not listed")

    def test_an_agent_safe_room_takes_no_third_party_header(self):
        self.plant("src/base/core/bad.h", "#pragma once\n#include <fmt/format.h>\n")
        self.assert_red(layers.check_layers, "src/base/core/bad.h", 2, "stands behind base")

    def test_banned_calls_are_refused_with_their_replacement(self):
        for code, words in (("strcpy(a, b);", "std::string"), ("sprintf(a, b);", "format_to_n"),
                            ("std::rand();", "random.h"), ("std::system(a);", "posix_spawn"),
                            ("throw 1;", "Status"), ("std::cout << 1;", "cli"),
                            ("std::stoi(a);", "from_chars"), ("std::regex r;", "RE2"),
                            ("std::exit(1);", "Status"), ("t.detach();", "join"),
                            ("std::stable_sort(a, b);", "unique"),
                            ("co_await x;", "state machine")):
            self.plant("src/net/bad.cc", f"void F() {{\n  {code}\n}}\n")
            self.assert_red(text.check_banned, "src/net/bad.cc", 2, words)

    def test_a_sleep_in_a_test_is_refused(self):
        self.plant("src/net/a_test.cc", "void F() {\n  std::this_thread::sleep_for(x);\n}\n")
        self.assert_red(text.check_banned, "src/net/a_test.cc", 2, "waits on an event")

    def test_a_dead_link_and_a_dead_cited_path_are_refused(self):
        self.plant("docs/a.md", "text\n[x](gone.md)\n`src/gone/y.h`\n")
        self.assert_red(text.check_docs, "docs/a.md", 2, "gone.md")
        self.assert_red(text.check_docs, "docs/a.md", 3, "src/gone/y.h")

    def test_a_readme_without_the_install_list_is_refused(self):
        self.plant("README.md", "nothing\n")
        self.assert_red(text.check_docs, "README.md", 1, "packages.txt")

    def test_paths_of_one_machine_and_registries_are_refused(self):
        self.plant("a.txt", "x\nsee /ro" "ot/x\n")
        self.assert_red(text.check_hygiene, "a.txt", 2, "absolute path")
        self.plant("package-lock.json", '{\n"resol' 'ved": "https://host.example/x.tgz"}\n')
        self.assert_red(text.check_hygiene, "package-lock.json", 2, "registry")

    def test_a_source_that_nothing_builds_is_refused(self):
        self.plant("src/net/lost_test.cc", "int x;\n")
        self.assert_red(text.check_cmake, "src/net/lost_test.cc", 1, "no CMakeLists.txt builds it")

    def test_a_ratchet_does_not_rise(self):
        self.plant("src/net/good.cc", GOOD_SOURCE + "// TO" "DO: later\n")
        self.assert_red(text.check_ratchets, "src/net/good.cc", 8, "todo")
        self.plant("src/net/good.cc", GOOD_SOURCE)
        self.plant("scripts/ratchets.toml",
                   "nolint = 0\ntodo = 1\nlong_source = 0\nlong_header = 0\n")
        os.environ["CHECK_BASE"] = "HEAD"
        self.addCleanup(os.environ.pop, "CHECK_BASE")
        self.assert_red(text.check_ratchets, "scripts/ratchets.toml", 1, "only falls")

    def test_a_file_too_long_is_refused(self):
        self.plant("src/net/long.h", "#pragma once\n" + "\n" * 300)
        self.assert_red(text.check_ratchets, "src/net/long.h", 301, "long_header")

    def test_a_script_that_is_not_executable_or_does_not_parse_is_refused(self):
        self.plant("scripts/x", "#!/usr/bin/python3\ndef f(:\n")
        self.assert_red(text.check_scripts, "scripts/x", 1, "chmod +x")
        self.assert_red(text.check_scripts, "scripts/x", 2, "does not parse")

    def test_an_unformatted_file_is_refused(self):
        self.plant("src/net/good.h", GOOD_HEADER.replace("std::string Name", "std::string   Name"))
        self.assert_red(tools.check_format, "src/net/good.h", 7, "clang-format")

    def test_a_header_that_does_not_compile_alone_is_refused(self):
        self.plant("src/net/bad.h", "#pragma once\nstd::string Name();\n")
        self.assert_red(tools.check_headers, "src/net/bad.h", 2, "does not compile alone")
        self.plant("src/net/bad.h", "int x();\n")
        self.assert_red(tools.check_headers, "src/net/bad.h", 1, "pragma once")

    def test_changed_files_are_those_since_the_base(self):
        os.environ["CHECK_BASE"] = "HEAD"
        self.addCleanup(os.environ.pop, "CHECK_BASE")
        self.assertEqual(Tree(self.root).changed_files(), [])
        self.plant("src/net/new.cc", "int x;\n")
        self.plant("src/net/good.h", GOOD_HEADER + "\n")
        self.assertEqual(sorted(Tree(self.root).changed_files()),
                         ["src/net/good.h", "src/net/new.cc"])
        os.environ["CHECK_BASE"] = "HEAD~0"
        self.commit()
        self.assertEqual(Tree(self.root).changed_files(), [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
