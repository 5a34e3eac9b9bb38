# SPDX-License-Identifier: Apache-2.0
"""pages_test.py BIN-FOLDER: what agents answer over HTTP on their admin sockets and on [metrics]."""
import os
import socket
import subprocess
import sys
import unittest

from agents import (Agent, Page, TwoHosts, as_json_line, as_user, eventually, exchange, reserved_ports,
                    get, read_all, tcp)

BIN = sys.argv.pop(1)
SERVER = os.path.join(BIN, "hello_server")
CLIENT = os.path.join(BIN, "hello_client")


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hosts = TwoHosts(BIN)
        cls.alpha, cls.beta = cls.hosts.agents
        cls.server = cls.alpha.start(SERVER)

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait()
        cls.hosts.stop()

    def test_calls_are_counted_where_they_go(self):
        before = [Page(agent.metrics()) for agent in (self.alpha, self.beta)]
        eventually("the client finds the server",
                   lambda: subprocess.run([os.path.join(BIN, "netbinder"), "run", "--", CLIENT],
                                          env=self.beta.environment(), stdout=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL).returncode == 0)
        after = [Page(agent.metrics()) for agent in (self.alpha, self.beta)]

        def more(host, **labels):
            return (after[host].get("netbinder_calls_total", context="binder", result="sent", **labels)
                    - before[host].get("netbinder_calls_total", context="binder", result="sent", **labels))
        self.assertGreaterEqual(more(1, kind="call", way="to_peer"), 1)
        self.assertGreaterEqual(more(0, kind="call", way="from_peer"), 1)
        self.assertGreaterEqual(more(0, kind="reply", way="to_peer"), 1)
        self.assertGreaterEqual(more(1, kind="reply", way="from_peer"), 1)
        self.assertGreaterEqual(more(1, kind="call", way="local"), 1)  # of the built-in manager
        self.assertGreater(after[1].value("netbinder_payload_bytes_total", path="mailbox"),
                           before[1].value("netbinder_payload_bytes_total", path="mailbox"))
        self.assertGreater(after[1].value("netbinder_payload_bytes_total", path="network"),
                           before[1].value("netbinder_payload_bytes_total", path="network"))
        self.assertGreaterEqual(after[1].value("netbinder_processes_opened_total"),
                                before[1].value("netbinder_processes_opened_total") + 1)
        for first, second in zip(before, after):
            for name, kind in first.types.items():
                if kind == "gauge":
                    continue
                for series, samples in first.samples.items():
                    if series != name and not series.startswith(name + "_"):
                        continue
                    for labels, value in samples.items():
                        self.assertGreaterEqual(second.samples[series][labels], value, series)

    def test_links_and_certificates_have_their_facts(self):
        page = Page(self.alpha.metrics())
        self.assertEqual(page.value("netbinder_link_up", host="beta"), 1)
        self.assertEqual(page.value("netbinder_sessions_total", host="beta"), 1)
        self.assertEqual(page.value("netbinder_session_resumptions_total", host="beta"), 0)
        self.assertGreater(page.value("netbinder_link_round_trip_seconds", host="beta"), 0)
        self.assertGreater(page.value("netbinder_link_sent_bytes_total", host="beta"), 0)
        status = as_json_line(self.alpha.unix(), {"command": "status"})
        ends = {host: page.value("netbinder_certificate_end_timestamp_seconds", host=host)
                for host in ("alpha", "beta")}
        self.assertEqual(ends["beta"], status["links"][0]["certificate_end_s"])
        self.assertGreater(ends["alpha"], 0)

    def test_other_users_are_shown_to_root_alone(self):
        eventually("the server's process is there", lambda: Page(self.alpha.metrics()).get(
            "netbinder_user_processes", uid="0") >= 1)
        status, headers, text = get(tcp(self.hosts.ports[0]), "/metrics")
        self.assertEqual(status, 200)
        self.assertEqual(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
        self.assertNotIn("uid=", text)
        self.assertIn("netbinder_calls_total", text)

    def test_health(self):
        for connect in (self.alpha.unix, lambda: tcp(self.hosts.ports[0])):
            self.assertEqual(get(connect(), "/healthz")[::2], (200, "ok\n"))
            self.assertEqual(get(connect(), "/readyz")[::2], (200, "ok\n"))
            self.assertEqual(get(connect(), "/")[0], 404)
            status, headers, _ = get(connect(), "/metrics", "POST")
            self.assertEqual((status, headers["allow"]), (405, "get, head"))
            status, headers, body = get(connect(), "/metrics", "HEAD")
            self.assertEqual((status, body), (200, ""))
            self.assertGreater(int(headers["content-length"]), 1000)

    def test_bad_requests_end_their_own_connection(self):
        for connect in (self.alpha.unix, lambda: tcp(self.hosts.ports[0])):
            self.assertEqual(exchange(connect(), b"GARBAGE\r\n\r\n")[0], 400)
            self.assertEqual(exchange(connect(), b"GET / HTTP/1.1\r\nX: " + b"x" * 9000)[0], 431)
            self.assertEqual(exchange(connect(), b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx")[0], 413)
        # Lines of JSON are for those whom the kernel names.
        self.assertEqual(exchange(tcp(self.hosts.ports[0]), b'{"command":"reload"}\n')[0], 400)

    def test_one_connection_serves_many_requests(self):
        connection = self.alpha.unix()
        request = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"
        connection.sendall(request * 3 + b"GET /readyz HTTP/1.0\r\n\r\n")
        answer = read_all(connection)
        self.assertEqual(answer.count(b"HTTP/1.1 200 OK\r\n"), 4)

    def test_lines_and_http_do_not_mix(self):
        self.assertEqual(as_json_line(self.alpha.unix(), {"command": "status"})["host"], "alpha")
        connection = self.alpha.unix()
        connection.sendall(b"status\n")
        self.assertIn(b'"error"', connection.recv(65536))
        connection.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        self.assertIn(b'"error"', connection.recv(65536))

    def test_nobody_is_kept_out_by_connections_that_say_nothing(self):
        for connect in (self.alpha.unix, lambda: tcp(self.hosts.ports[0])):
            silent = [connect() for _ in range(16)]
            for each in silent:
                each.sendall(b"GET /heal")
            one_more = connect()
            self.assertEqual(one_more.recv(1), b"")  # of this user
            os.chmod(self.alpha.admin, 0o666)
            self.assertEqual(as_user(65533, lambda: get(connect(), "/healthz")[2]), "ok\n")
            for each in silent:
                each.close()
            eventually("there is room again", lambda: self.healthy(connect))

    def healthy(self, connect):
        try:
            return get(connect(), "/healthz")[0] == 200
        except (AssertionError, ConnectionError):
            return False

    def page_of_another_user(self):
        os.chmod(self.alpha.admin, 0o666)
        return Page(as_user(65534, self.alpha.metrics))

    def test_a_user_sees_what_is_his(self):
        eventually("the server's process is there", lambda: Page(self.alpha.metrics()).get(
            "netbinder_user_processes", uid="0") >= 1)
        page = self.page_of_another_user()
        self.assertEqual(page.get("netbinder_user_processes", None, uid="0"), None)
        self.assertGreaterEqual(page.value("netbinder_processes", context="binder"), 1)

    def test_many_scrapes_get_pages_that_are_whole(self):
        connections = [self.alpha.unix() for _ in range(12)]
        for each in connections:
            each.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        pages = {read_all(each).partition(b"\r\n\r\n")[2] for each in connections}
        for each in pages:
            Page(each.decode())


class Latencies(unittest.TestCase):
    INTERFACE = {"context": "binder", "interface": "examples.IHello"}

    @classmethod
    def setUpClass(cls):
        cls.hosts = TwoHosts(BIN, metrics="latency = true\n")
        cls.alpha, cls.beta = cls.hosts.agents
        cls.server = cls.alpha.start(SERVER)
        # Its payload begins with the interface's name.
        cls.call = (os.path.join(BIN, "netbinder"), "service", "call", "hello", "1")
        for host in (cls.alpha, cls.beta):
            eventually("the service is found", lambda: host.succeeds(*cls.call))

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait()
        cls.hosts.stop()

    def counts(self):
        pages = [Page(agent.metrics()) for agent in (self.alpha, self.beta)]
        return {"local": pages[0].value("netbinder_call_seconds_count", way="local", **self.INTERFACE),
                "to_peer": pages[1].value("netbinder_call_seconds_count", way="to_peer", **self.INTERFACE),
                "handled": pages[0].value("netbinder_call_handling_seconds_count", **self.INTERFACE)}

    def test_calls_are_timed_where_they_begin_and_where_they_are_handled(self):
        before = self.counts()
        for _ in range(3):
            self.alpha.run(*self.call)
        self.beta.run(*self.call)
        after = self.counts()
        more = {key: after[key] - before[key] for key in before}
        # Each command asks for the interface first, which its node has by now.
        self.assertEqual(more, {"local": 6, "to_peer": 2, "handled": 8})
        page = Page(self.beta.metrics())
        self.assertEqual(page.get("netbinder_call_handling_seconds_count", None, **self.INTERFACE), None)

    def test_histograms_are_whole(self):
        page = Page(self.alpha.metrics())
        self.assertEqual(page.types["netbinder_call_seconds"], "histogram")
        series = {**self.INTERFACE, "way": "local"}
        buckets = {dict(labels)["le"]: value
                   for labels, value in page.samples["netbinder_call_seconds_bucket"].items()
                   if {key: each for key, each in labels if key != "le"} == series}
        bounds = sorted(buckets, key=float)
        self.assertEqual((len(bounds), bounds[0], bounds[-2], bounds[-1]), (21, "5e-06", "10", "+Inf"))
        values = [buckets[bound] for bound in bounds]
        self.assertEqual(values, sorted(values))
        count = page.value("netbinder_call_seconds_count", **series)
        self.assertEqual(values[-1], count)
        self.assertGreater(page.value("netbinder_call_seconds_sum", **series), 0)
        self.assertLess(page.value("netbinder_call_seconds_sum", **series), count * 10)
        handled = page.value("netbinder_call_handling_seconds_sum", **self.INTERFACE)
        self.assertGreater(handled, 0)

    def test_calls_of_the_built_in_manager_are_timed_as_well(self):
        before = Page(self.alpha.metrics()).get("netbinder_call_seconds_count", context="binder",
                                                interface="android.os.IServiceManager", way="local")
        self.alpha.run(CLIENT)
        self.assertGreater(Page(self.alpha.metrics()).value(
            "netbinder_call_seconds_count", context="binder", interface="android.os.IServiceManager",
            way="local"), before)

    def test_they_are_switched_by_a_reload_and_off_at_first(self):
        agent = Agent(BIN, "alone", "[metrics]\n")
        try:
            self.assertNotIn("netbinder_call_seconds", agent.metrics())
            self.assertEqual(self.reload(agent, "latency = true\n"), {"changed": ["metrics.latency"], "needs_restart": []})
            agent.run(os.path.join(BIN, "netbinder"), "service", "list", "--names")
            self.assertIn('netbinder_call_seconds_count{context="binder",interface="', agent.metrics())
            self.reload(agent, "latency = false\n")
            self.assertNotIn("netbinder_call_seconds", agent.metrics())
            self.reload(agent, "latency = true\n")
            self.assertNotIn("netbinder_call_seconds_count", agent.metrics())  # it begins anew
        finally:
            agent.stop()

    def reload(self, agent, settings):
        with open(agent.folder / "agent.toml") as file:
            text = file.read().partition("[metrics]")[0]
        with open(agent.folder / "agent.toml", "w") as file:
            file.write(text + "[metrics]\n" + settings)
        return as_json_line(agent.unix(), {"command": "reload"})


class Settings(unittest.TestCase):
    def check(self, text):
        agent = os.path.join(BIN, "netbinderd")
        sets = [word for setting in text for word in ("--set", setting)]
        return subprocess.run([agent, *sets, "--check"], capture_output=True, text=True)

    def test_loopback_only_unless_it_is_said(self):
        refused = self.check(["metrics.listen=10.0.0.1:9555"])
        self.assertEqual(refused.returncode, 2)
        self.assertIn("metrics.listen", refused.stderr + refused.stdout)
        self.assertIn("remote = true", refused.stderr + refused.stdout)
        allowed = self.check(["metrics.listen=10.0.0.1:9555", "metrics.remote=true"])
        self.assertEqual(allowed.returncode, 0, allowed.stderr)

    def test_users_are_shown_where_it_is_said(self):
        port, = reserved_ports(1)
        agent = Agent(BIN, "alone", f'[metrics]\nlisten = "127.0.0.1:{port}"\nusers = true\n')
        try:
            page = get(tcp(port), "/metrics")[2]
            self.assertIn('netbinder_user_processes{uid="', page)
            self.assertIn('netbinder_user_todos{uid="', page)
            self.assertEqual(Page(page).value("netbinder_user_limit", of="todos"), 524288)
        finally:
            agent.stop()

    def test_a_port_that_is_taken_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            with self.assertRaisesRegex(AssertionError, f"metrics.listen: cannot listen on {address}"):
                Agent(BIN, "alone", f'[metrics]\nlisten = "{address}"\n')


if __name__ == "__main__":
    unittest.main()
