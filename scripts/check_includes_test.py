#!/usr/bin/env python3
"""The test of scripts/check_includes: small trees with one breach each, and one without."""
import importlib.machinery
import importlib.util
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True  # the script has no extension, and its cache would lie beside it
SCRIPT = Path(__file__).resolve().parent / "check_includes"
loader = importlib.machinery.SourceFileLoader("check_includes", str(SCRIPT))
check_includes = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_includes", loader))
loader.exec_module(check_includes)

SOUND = {
    "core/base/error.h": "#include <string>\n",
    "core/json/json_reader.h": '#include "core/base/error.h"\n',
    "core/json/json_reader.cc": '#include <simdjson.h>\n#include "core/json/json_reader.h"\n',
    "core/task/source.h": '#include "core/json/json_reader.h"\n',
    "mapping/rule_set.h": '#include "core/task/source.h"\n',
    "sources/sqlite/reader.cc": '#include <sqlite3.h>\n#include "core/task/source.h"\n',
    "sinks/kafka/kafka_sink.h": '#include "core/base/error.h"\n',
    "cli/wiring.cc": '#include <sys/stat.h>\n#include "mapping/rule_set.h"\n#include "sinks/kafka/kafka_sink.h"\n',
    "test/support/fake.h": '#include "core/task/source.h"\n',
    "mapping/rule_set_test.cc": '#include <doctest/doctest.h>\n#include "test/support/fake.h"\n',
}


class CheckIncludesTest(unittest.TestCase):
    def breaches(self, **changes):
        with tempfile.TemporaryDirectory() as directory:
            root = Path(directory)
            for path, text in {**SOUND, **changes.get("files", {})}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            return check_includes.check(root)[0]

    def assert_one(self, files, place, words):
        found = self.breaches(files=files)
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(place + ": "), found[0])
        self.assertIn(words, found[0])

    def test_a_sound_tree_has_no_breach(self):
        self.assertEqual(self.breaches(), [])

    def test_core_points_at_the_vocabulary(self):
        self.assert_one({"core/base/clock.h": '\n#include "core/json/json_reader.h"\n'}, "core/base/clock.h:2", "core/base must not")

    def test_mapping_knows_no_source(self):
        files = {"sources/sqlite/reader.h": "", "mapping/plan.h": '#include "sources/sqlite/reader.h"\n'}
        self.assert_one(files, "mapping/plan.h:1", "mapping must not")

    def test_one_source_knows_no_other(self):
        files = {"sources/postgres/pg.h": "", "sources/sqlite/a.cc": '#include "sources/postgres/pg.h"\n'}
        self.assert_one(files, "sources/sqlite/a.cc:1", "sources/sqlite must not")

    def test_a_third_party_header_stays_at_home(self):
        self.assert_one({"mapping/a.cc": "#include <sqlite3.h>\n"}, "mapping/a.cc:1", "has its home in")

    def test_a_third_party_header_stays_in_cc_files(self):
        self.assert_one({"sources/sqlite/a.h": "#include <sqlite3.h>\n"}, "sources/sqlite/a.h:1", "has its home in")

    def test_an_unknown_library_needs_a_home(self):
        self.assert_one({"cli/a.cc": "#include <boost/asio.hpp>\n"}, "cli/a.cc:1", "is unknown")

    def test_includes_run_from_the_root(self):
        self.assert_one({"core/base/a.cc": '#include "error.h"\n'}, "core/base/a.cc:1", "no such file")

    def test_a_cycle_is_named_once(self):
        files = {"mapping/a.h": '#include "mapping/b.h"\n', "mapping/b.h": '#include "mapping/a.h"\n'}
        self.assert_one(files, "mapping/a.h:1", "mapping/a.h -> mapping/b.h -> mapping/a.h")

    def test_a_folder_outside_the_architecture_is_refused(self):
        self.assert_one({"core/extra/a.h": '#include "core/base/error.h"\n'}, "core/extra/a.h:1", "no place in the architecture")


if __name__ == "__main__":
    unittest.main()
