#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_unity names what two files would define together, and nothing else."""
import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import check_unity

FILE = """namespace house {{

namespace {{

{}

}}  // namespace

}}  // namespace house
"""


class CheckUnity(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.write("part/CMakeLists.txt", "add_library(part)")

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def found(self, first, second, other="part/deeper/two.cc"):
        """What is printed of two files with these definitions."""
        self.write("part/one.cc", FILE.format(first))
        self.write(other, FILE.format(second))
        printed = io.StringIO()
        sys.argv = ["check_unity.py", str(self.root), "part", "else"]
        with contextlib.redirect_stdout(printed):
            status = check_unity.main()
        self.assertEqual(status, 1 if printed.getvalue() else 0)
        return printed.getvalue()

    def test_a_constant(self):
        self.assertIn("kMost is defined in part/deeper/two.cc and part/one.cc",
                      self.found("constexpr int kMost = 1;", "constexpr std::size_t kMost{2};"))

    def test_a_type(self):
        self.assertIn("Door is", self.found("struct Door {\n};", "class Door final : Wall {\n};"))

    def test_a_function_with_the_same_parameters(self):
        self.assertIn("open(", self.found("int open(int door,\n         Hand hand) {\n  return 1;\n}",
                                          "int open(int d, Hand h) { return 2; }"))

    def test_another_overload_is_no_second_definition(self):
        self.assertEqual("", self.found("int open(int door) { return 1; }",
                                        "int open(long door) { return 2; }"))

    def test_files_of_two_parts_do_not_meet(self):
        self.write("else/CMakeLists.txt", "add_library(else)")
        self.assertEqual("", self.found("constexpr int kMost = 1;", "constexpr int kMost = 1;",
                                        "else/two.cc"))

    def test_nothing_found_is_a_failure(self):
        self.assertIn("no definitions", self.found("", ""))


if __name__ == "__main__":
    unittest.main()
