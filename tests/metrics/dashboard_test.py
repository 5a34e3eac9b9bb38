# SPDX-License-Identifier: Apache-2.0
"""dashboard_test.py BIN-FOLDER PACKAGING-FOLDER: promtool accepts the page of metrics and the alert
rules, and dashboard and rules ask for nothing that the page does not have."""
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

from agents import Page, TwoHosts, eventually

BIN, PACKAGING = sys.argv.pop(1), sys.argv.pop(1)
RULES = os.path.join(PACKAGING, "prometheus", "netbinder.rules.yml")
DASHBOARD = os.path.join(PACKAGING, "grafana", "netbinder.json")
SELECTOR = re.compile(r"\b(netbinder_[a-z0-9_]+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'([a-z_]+)(=~|!~|!=|=)"([^"]*)"')
OUTSIDE = {"instance", "job"}  # Prometheus gives them to all samples


def promtool(*arguments, text=None):
    tool = shutil.which("promtool")
    assert tool, "there is no promtool: install Debian's package prometheus (scripts/install-deps.sh test)"
    return subprocess.run([tool, *arguments], input=text, capture_output=True, text=True)


def problems(expression, page):
    """What an expression asks for that is not there."""
    found = []
    for name, matchers in SELECTOR.findall(expression):
        if name not in page.samples:
            found.append(f"no metric {name}")
            continue
        series = page.samples[name]
        known = {label for labels in series for label, _ in labels}
        for label, how, value in MATCHER.findall(matchers):
            if label in OUTSIDE:
                continue
            if label not in known:
                found.append(f"{name} has no label {label}")
            elif how == "=" and not any((label, value) in labels for labels in series):
                found.append(f'{name} has no {label}="{value}"')
    return found


def expressions_of_dashboard():
    with open(DASHBOARD) as file:
        dashboard = json.load(file)
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


def expressions_of_rules():
    with open(RULES) as file:
        lines = file.read().splitlines()
    made, more = [], None
    for line in lines:
        if more is not None and len(line) - len(line.lstrip()) > more:
            made[-1] += " " + line.strip()
            continue
        more = None
        match = re.match(r"( *)expr: (.*)", line)
        if match:
            made.append("" if match[2] == ">-" else match[2])
            more = len(match[1])
    return made


class DashboardAndRules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        hosts = TwoHosts(BIN, metrics="latency = true\n")
        try:
            server = hosts.agents[1].start(os.path.join(BIN, "hello_server"))
            eventually("a client finds the server", lambda: hosts.agents[0].succeeds(os.path.join(BIN, "hello_client")))
            local = hosts.agents[0].start(os.path.join(BIN, "service_manager"))  # a process that stays
            eventually("there is a process of a user", lambda: Page(hosts.agents[0].metrics()).get(
                "netbinder_user_processes", uid="0") >= 1)
            cls.text = hosts.agents[0].metrics()
            local.terminate()
            local.wait()
            server.terminate()
            server.wait()
        finally:
            hosts.stop()
        cls.page = Page(cls.text)

    def test_promtool_accepts_the_page(self):
        checked = promtool("check", "metrics", text=self.text)
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""))

    def test_promtool_accepts_the_rules(self):
        checked = promtool("check", "rules", RULES)
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_the_check_finds_what_is_planted(self):
        self.assertEqual(problems('rate(netbinder_no_such_total[5m])', self.page),
                         ["no metric netbinder_no_such_total"])
        self.assertEqual(problems('netbinder_link_up{peer="a"}', self.page),
                         ["netbinder_link_up has no label peer"])
        self.assertEqual(problems('netbinder_payload_bytes_total{path="moon"}', self.page),
                         ['netbinder_payload_bytes_total has no path="moon"'])

    def test_the_dashboard_asks_for_what_there_is(self):
        expressions = expressions_of_dashboard()
        self.assertGreater(len(expressions), 20)
        for expression in expressions:
            self.assertEqual(problems(expression, self.page), [], expression)

    def test_the_rules_ask_for_what_there_is(self):
        expressions = expressions_of_rules()
        self.assertGreater(len(expressions), 10)
        for expression in expressions:
            self.assertEqual(problems(expression, self.page), [], expression)

    def test_each_metric_is_in_the_dashboard_or_in_its_list_of_others(self):
        # Whoever adds a metric decides where people see it.
        others = {"netbinder_channels", "netbinder_loop_crowded_looks_total", "netbinder_loop_look_seconds",
                  "netbinder_descriptor_relays", "netbinder_descriptors_to_close", "netbinder_hosts_configured",
                  "netbinder_link_info", "netbinder_link_rdma_written_bytes_total",
                  "netbinder_link_received_messages_total", "netbinder_link_sent_messages_total",
                  "netbinder_link_up_seconds", "netbinder_membership_available", "netbinder_membership_joined",
                  "netbinder_process_limit", "netbinder_session_up", "netbinder_sessions_total"}
        shown = {re.sub(r"_(bucket|sum|count)$", "", name)
                 for expression in expressions_of_dashboard() for name, _ in SELECTOR.findall(expression)}
        self.assertEqual(set(self.page.types) - shown, others)


if __name__ == "__main__":
    unittest.main()
