#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_floors finds what is planted in a tree of tiny sources, and names the edge.

The compiler is $CXX, or g++.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import check_floors

FLOORS = {"low": [], "low/cellar": [], "high": ["low"]}
LIMITS = {"low": 1, "high": 2}


class CheckFloors(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = os.path.join(self.folder.name, "source")
        self.build = os.path.join(self.folder.name, "build")
        self.write("low/ground.cc", "int ground() { return 1; }")
        self.write("high/roof.cc", "int ground(); int roof() { return ground(); }")

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, text):
        """A source, compiled where a build would put its object."""
        source = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(source), exist_ok=True)
        pathlib.Path(source).write_text(text + "\n", encoding="utf-8")
        if not path.endswith(".cc"):
            return
        top, rest = path.split("/", 1)
        made = os.path.join(self.build, top, "CMakeFiles", top + ".dir", rest + ".o")
        os.makedirs(os.path.dirname(made), exist_ok=True)
        compiler = os.environ.get("CXX", "g++")
        subprocess.run([compiler, "-I", self.root, "-c", source, "-o", made], check=True)

    def unity(self, *paths):
        """Makes one object of these sources, as a unity build does, instead of one of each."""
        top = paths[0].split("/")[0]
        folder = os.path.join(self.build, top, "CMakeFiles", top + ".dir")
        for path in paths:
            os.remove(os.path.join(folder, path.split("/", 1)[1] + ".o"))
        file = pathlib.Path(folder, "Unity", "unity_0_cxx.cxx")
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(f'#include "{os.path.join(os.path.realpath(self.root), path)}"\n' for path in paths),
                        encoding="utf-8")
        compiler = os.environ.get("CXX", "g++")
        subprocess.run([compiler, "-O2", "-g", "-fPIC", "-I", self.root, "-c", file, "-o", f"{file}.o"], check=True)

    def check(self, exceptions=(), required=("low", "high"), defining_c=()):
        rules = check_floors.Rules(FLOORS, LIMITS, {}, exceptions, required, defining_c)
        return "\n".join(check_floors.check(rules, self.root, self.build))

    def test_calls_downwards_are_fine(self):
        self.assertEqual(self.check(), "")

    def test_a_call_upwards_is_named(self):
        self.write("low/ladder.cc", "int roof(); int ladder() { return roof(); }")
        said = self.check()
        self.assertIn("calls that go upwards", said)
        self.assertIn("low/ladder.cc -> high/roof.cc: roof()", said)

    def test_a_call_into_a_folder_that_is_not_allowed_is_named(self):
        self.write("low/cellar/wine.cc", "int wine() { return 2; }")
        self.write("high/guest.cc", "int wine(); int guest() { return wine(); }")
        self.assertIn("high/guest.cc -> low/cellar/wine.cc: wine()", self.check())

    def test_an_include_upwards_is_named(self):
        self.write("high/roof.h", "inline int tile = 3;")
        self.write("low/dream.cc", '#include "high/roof.h"\nint dream() { return tile; }')
        said = self.check()
        self.assertIn("includes that go upwards", said)
        self.assertIn('low/dream.cc -> high/roof.h: #include "high/roof.h"', said)

    def test_a_circle_is_named_with_its_edges(self):
        self.write("low/a.cc", "int b(); int a() { return b(); }")
        self.write("low/b.cc", "int c(); int b() { return c(); }")
        self.write("low/c.cc", "int a(); int ground(); int c() { return a() + ground(); }")
        said = self.check()
        self.assertIn("a circle of calls among 3 files, of 1 allowed", said)
        self.assertIn("low/a.cc -> low/b.cc: b()", said)
        self.assertIn("low/b.cc -> low/c.cc: c()", said)
        self.assertIn("low/c.cc -> low/a.cc: a()", said)
        self.assertNotIn("ground", said)

    def test_circles_are_allowed_up_to_the_limit(self):
        self.write("high/a.cc", "int b(); int a() { return b(); }")
        self.write("high/b.cc", "int a(); int b() { return a(); }")
        self.assertEqual(self.check(), "")
        self.write("high/b.cc", "int a(); int roof2(); int b() { return a() + roof2(); }")
        self.write("high/roof2.cc", "int a(); int roof2() { return a(); }")
        self.assertIn("among 3 files, of 2 allowed", self.check())

    def test_an_exception_covers_its_files_and_its_number_only(self):
        self.write("low/a.cc", "int b(); int a() { return b(); }")
        self.write("low/b.cc", "int a(); int b() { return a(); }")
        self.assertEqual(self.check([("low/*", 2, "for a reason")]), "")
        self.assertIn("of 1 allowed", self.check([("low/cellar/*", 2, "for a reason")]))
        self.write("low/b.cc", "int c(); int b() { return c(); }")
        self.write("low/c.cc", "int a(); int c() { return a(); }")
        self.assertIn("of 2 allowed (for a reason)", self.check([("low/*", 2, "for a reason")]))

    def test_inline_functions_belong_to_nobody(self):
        both = "inline int common() { return 4; } int (*{0})() = common;"
        self.write("low/x.cc", both.replace("{0}", "x"))
        self.write("high/y.cc", both.replace("{0}", "y"))
        self.assertEqual(self.check(), "")

    def test_a_name_of_c_is_the_c_librarys_but_where_it_is_defined(self):
        self.write("low/a.cc", 'extern "C" int close(int); int a() { return close(1); }')
        self.write("low/b.cc", 'int a(); extern "C" int close(int) { return a(); }')
        self.write("high/c.cc", 'extern "C" int close(int); int c() { return close(1); }')
        self.assertEqual(self.check(), "")
        said = self.check(defining_c=["low"])
        self.assertIn("low/a.cc -> low/b.cc: close", said)
        self.assertNotIn("high/c.cc", said)

    def test_allocation_is_the_librarys_whatever_program_counts_it(self):
        self.write("low/a.cc", "struct S { int x; }; S* a() { return new S; }")
        self.write("high/b.cc", "void* operator new(unsigned long) { return nullptr; }")
        self.assertEqual(self.check(), "")

    def test_a_unity_build_hides_no_call(self):
        self.write("high/roof.cc", "int chimney(); int roof() { return chimney(); }")
        self.write("high/chimney.cc", "int chimney() { return 5; }")
        self.unity("high/roof.cc", "high/chimney.cc")
        self.write("low/ladder.cc", "int roof(); int ladder() { return roof(); }")
        self.write("low/stool.cc", "int stool() { return 6; }")
        self.unity("low/ladder.cc", "low/stool.cc")
        said = self.check()
        self.assertIn("low/ladder.cc -> high/roof.cc: roof()", said)
        self.assertNotIn("stool", said)
        self.assertNotIn("circle", said)

    def test_a_circle_in_one_unity_object_is_named(self):
        self.write("low/a.cc", "int b(); __attribute__((visibility(\"hidden\"))) int d(int* p) { *p += 3; return *p; }"
                   " int a() { return b(); }")
        self.write("low/b.cc", "int c(); int b() { return c(); }")
        self.write("low/c.cc", "int d(int*); int c() { static int n; return d(&n); }")  # what is inlined is a call, too
        self.unity("low/a.cc", "low/b.cc", "low/c.cc")
        said = self.check()
        self.assertIn("a circle of calls among 3 files, of 1 allowed", said)
        self.assertIn("low/a.cc -> low/b.cc", said)
        self.assertIn("low/b.cc -> low/c.cc", said)
        self.assertIn("low/c.cc -> low/a.cc", said)

    def test_a_header_in_a_unity_object_calls_for_who_uses_it(self):
        self.write("low/pass.h", "#pragma once\nint ground();"
                   " template <class T> __attribute__((noinline)) T pass(T x) { return x + ground(); }")
        self.write("low/ground.cc", "int far(); int ground() { return far(); }")
        self.write("low/far.cc", '#include "low/pass.h"\nint far() { return pass(1); }')
        self.write("low/other.cc", '#include "low/pass.h"\nint other() { return 9; }')
        self.unity("low/other.cc", "low/far.cc", "low/ground.cc")
        said = self.check()
        self.assertIn("among 2 files", said)
        self.assertIn("low/far.cc -> low/ground.cc: ground()", said)
        self.assertNotIn("low/other.cc", said)

    def test_a_table_in_a_unity_object_calls_what_it_holds(self):
        self.write("low/table.cc", "int entry(); extern int (*const table[])(); int (*const table[])() = {entry};"
                   " int at(int i) { return table[i](); }")
        self.write("low/entry.cc", "int at(int); int entry() { return at(0); }")
        self.unity("low/table.cc", "low/entry.cc")
        said = self.check()
        self.assertIn("among 2 files", said)
        self.assertIn("low/table.cc -> low/entry.cc: entry()", said)

    def test_a_virtual_function_that_the_compiler_guesses_is_no_call(self):
        self.write("low/base.h", "#pragma once\nstruct Base { virtual int go(); virtual ~Base(); };")
        self.write("low/user.cc", '#include "low/base.h"\nint user(Base* b) { return b->go(); }')
        self.write("low/derived.cc", '#include "low/base.h"\nint user(Base*); int Base::go() { return 1; }'
                   " Base::~Base() { user(this); }")
        self.unity("low/user.cc", "low/derived.cc")
        self.assertEqual(self.check(), "")

    def test_a_jump_inside_a_function_is_no_call_of_it(self):
        hidden = '__attribute__((visibility("hidden"))) '
        self.write("low/look.cc", f"__attribute__((cold)) void fail(int);\n{hidden}int look(int* p);\n"
                   f"{hidden}int look(int* p) {{\n  if (*p > 7)\n    fail(*p);\n  return *p;\n}}")
        self.write("low/user.cc", f"{hidden}int look(int*);\n\n\n\n\n\n\n{hidden}int user(int* p) {{\n"
                   "  *p *= 3;\n  return look(p);\n}")
        self.unity("low/look.cc", "low/user.cc")
        symbols = subprocess.run(["nm", self.build + "/low/CMakeFiles/low.dir/Unity/unity_0_cxx.cxx.o"], check=True,
                                 capture_output=True, text=True).stdout
        self.assertIn("_Z4userPi.cold", symbols)  # code of the other file jumps to it
        self.assertEqual(self.check(), "")

    def test_what_ninja_makes_no_longer_is_left_out(self):
        self.write("low/ladder.cc", "int roof(); int ladder() { return roof(); }")
        pathlib.Path(self.build, "build.ninja").write_text(
            "build low/CMakeFiles/low.dir/ground.cc.o: CXX x\nbuild high/CMakeFiles/high.dir/roof.cc.o: CXX x\n",
            encoding="utf-8")
        self.assertEqual(self.check(), "")

    def test_objects_of_sources_that_are_gone_are_left_out(self):
        self.write("low/ladder.cc", "int roof(); int ladder() { return roof(); }")
        os.remove(os.path.join(self.root, "low/ladder.cc"))
        self.assertEqual(self.check(), "")

    def test_nothing_built_is_no_pass(self):
        self.assertIn("nothing of tower/ is built", self.check(required=["tower"]))


if __name__ == "__main__":
    unittest.main()
