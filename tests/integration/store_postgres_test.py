"""The tests of the room store, against a real PostgreSQL."""
import os
import subprocess
import unittest

from postgres import Postgres
from ronda import BINARY

STORE_TEST = os.path.join(os.path.dirname(BINARY), "store_test")


class StoreOnPostgres(unittest.TestCase):
    def test_every_law_of_the_store_holds_there_too(self):
        with Postgres() as server:
            done = subprocess.run([STORE_TEST, "--gtest_filter=*Postgres"], capture_output=True,
                                  text=True, timeout=600, check=False,
                                  env={**os.environ, "RONDA_TEST_POSTGRES": server.url})
        self.assertEqual(done.returncode, 0, done.stdout[-4000:] + done.stderr[-2000:])
        self.assertIn("[  PASSED  ]", done.stdout)
        self.assertNotIn("[  PASSED  ] 0 tests", done.stdout)


if __name__ == "__main__":
    unittest.main()
