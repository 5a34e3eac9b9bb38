#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The check can fail, and says what to do. So can the counting, where it would not see what it counts."""
import pathlib
import tempfile
import unittest

import check
import count
from callgrind import Profile

EDGE = ("ClientChannel::handle_requests", "ClientChannel::handle_mailbox")


def profile(calls, instructions, caller="handle_requests"):
    text = f"""events: Ir
fn=(1) netbinder::ClientChannel::{caller}(netbinder::RequestBudget)
7 30
cfn=(2) netbinder::ClientChannel::handle_mailbox(unsigned int)
calls={calls} 5
8 {instructions}
fn=(2)
5 10
cfi=(3) other.cc
cfn=(3) netbinder::(anonymous namespace)::run(int)'2
calls=1 9
6 20
totals: 12345
"""
    with tempfile.NamedTemporaryFile("w", suffix=".out") as file:
        file.write(text)
        file.flush()
        return Profile(file.name)


class Check(unittest.TestCase):
    def compare(self, committed, counted):
        return check.compare(committed, counted, "counts.txt")

    def test_what_has_hardly_grown_passes(self):
        errors, remarks = self.compare({"core.local": 1000}, {"core.local": 1050})
        self.assertEqual(errors, [])
        self.assertIn("+5.0 %", remarks[0])

    def test_growth_fails_and_says_which_line_to_change(self):
        errors, _ = self.compare({"core.local": 1000, "shim.client": 500}, {"core.local": 1051, "shim.client": 500})
        self.assertEqual(len(errors), 1)
        self.assertIn("core.local: 1051 instructions of a call, 1000 are committed (+5.1 %)", errors[0])
        self.assertIn('make its line in counts.txt "core.local 1051"', errors[0])

    def test_what_has_shrunk_passes_and_is_said(self):
        errors, remarks = self.compare({"core.local": 1000}, {"core.local": 900})
        self.assertEqual(errors, [])
        self.assertIn("Lower it in counts.txt", remarks[0])

    def test_a_figure_that_is_only_on_one_side_fails(self):
        self.assertIn("was not counted", self.compare({"gone": 1}, {})[0][0])
        self.assertIn('add the line "new 7"', self.compare({}, {"new": 7})[0][0])

    def test_a_file_that_says_nothing_clear_is_refused(self):
        self.assertEqual(check.parse("# figures\nname 7 # why\n\n"), {"name": 7})
        for text in ("name", "name 7 8", "name x", "name 0", "name 7\nname 8"):
            with self.assertRaises(ValueError):
                check.parse(text)


class Count(unittest.TestCase):
    def test_a_profile_has_calls_and_what_is_below_them(self):
        self.assertEqual(profile(3, 400).edge(*EDGE), (3, 400))
        self.assertEqual(profile(3, 400).edge("ClientChannel::handle_mailbox", "run"), (1, 20))
        self.assertEqual(profile(3, 400).edge("no", "body"), (0, 0))
        self.assertEqual(profile(3, 400).into("ClientChannel::handle_mailbox"), (3, 400))
        self.assertEqual(profile(3, 400).total, 12345)

    def test_an_agent_is_counted_at_its_entrances(self):
        calls = count.MANY - count.FEW
        few, many = profile(10, 5000), profile(10 + calls, 5000 + 70 * calls)
        self.assertEqual(count.agent_instructions(few, many, {EDGE: 1}), 70)

    def test_an_entrance_that_is_not_seen_fails(self):
        few, many = profile(10, 5000), profile(count.MANY, 90000, caller="renamed")
        with self.assertRaisesRegex(count.CannotCount, "is that still an entrance"):
            count.agent_instructions(few, many, {EDGE: 1})

    def test_a_shim_that_is_not_seen_fails(self):
        with self.assertRaisesRegex(count.CannotCount, "ioctl_binder"):
            count.shim_instructions(profile(1, 1), profile(1, 1))


if __name__ == "__main__":
    unittest.main()
