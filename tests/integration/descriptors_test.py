"""What a load needs of `ulimit -n`: a connection a user, unless its steps say otherwise."""
import re
import unittest

from ronda import BAD_DEFINITION, OK, bench, request, run, scenario

FILES = 256
NOWHERE = "http://127.0.0.1:1/"


def needed(done):
    return int(re.search(r"needs (\d+) open files", done.err).group(1))


class DescriptorsTest(unittest.TestCase):
    def test_users_that_only_think_need_none(self):
        done = run(scenario({"id": "idle", "action": "wait", "with": {"for": "1ms"}}),
                   "-u", "2000", "-d", "50ms", files=FILES)
        self.assertEqual(done.code, OK, done)

    def test_users_that_connect_somewhere_within_a_group_need_one_each(self):
        group = {"id": "shopping", "steps": [request(NOWHERE)]}
        done = run(scenario(group), "-u", "2000", "-d", "50ms", files=FILES)
        self.assertEqual(done.code, BAD_DEFINITION, done)
        self.assertGreaterEqual(needed(done), 2000)

    def test_streams_of_one_connection_need_one_together(self):
        done = bench(NOWHERE, "--http2", "-c", "2000", "-m", "10", "-d", "50ms", files=FILES)
        self.assertEqual(done.code, BAD_DEFINITION, done)
        self.assertGreaterEqual(needed(done), 2000)
        self.assertLess(needed(done), 4000)
        done = bench(NOWHERE, "--http2", "-c", "100", "-m", "10", "-n", "1000", files=FILES)
        self.assertNotIn("open files", done.err)


if __name__ == "__main__":
    unittest.main()
