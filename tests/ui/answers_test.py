# SPDX-License-Identifier: Apache-2.0
"""answers_test.py BIN-FOLDER: what `netbinder ui` answers, and to whom. Needs root, for another user's requests."""
import json
import os
import signal
import subprocess
import sys
import time
import unittest

from ui import Ui

from agents import TwoHosts, as_json_line, as_user, eventually, exchange, reserved_ports, get, read_all, tcp

BIN = sys.argv.pop(1)


def request(headers, method="GET", path="/data"):
    lines = [f"{method} {path} HTTP/1.1", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Answers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hosts = TwoHosts(BIN, metrics="latency = true\n")
        cls.alpha, cls.beta = cls.hosts.agents
        cls.server = cls.alpha.start(os.path.join(BIN, "hello_server"))
        cls.ui = Ui(BIN, cls.alpha)
        tcp(cls.ui.port).close()  # so that Python has loaded what it needs before it is another user

    @classmethod
    def tearDownClass(cls):
        cls.ui.stop()
        cls.server.terminate()
        cls.server.wait()
        cls.hosts.stop()

    def ask(self, headers=("Host: 127.0.0.1",), **more):
        return exchange(tcp(self.ui.port), request(headers, **more))

    def data(self):
        status, headers, body = self.ask()
        self.assertEqual((status, headers["content-type"]), (200, "application/json"))
        return json.loads(body)

    def test_data_is_what_the_tools_print(self):
        def hello():
            return [each for each in self.data()["services"] or [] if each["name"] == "hello" and each["interface"]]
        service, = eventually("the service is there, with its interface", hello)
        listed = json.loads(self.alpha.run(os.path.join(BIN, "netbinder"), "service", "list", "--json"))["services"]
        self.assertEqual([service], [each for each in listed if each["name"] == "hello"])
        self.assertEqual((service["interface"], service["host"], service["uid"]), ("examples.IHello", "alpha", 0))
        data = self.data()
        status = json.loads(self.alpha.run(os.path.join(BIN, "netbinder"), "status", "--json"))
        for key in ("host", "cluster", "pid", "version", "incarnation"):
            self.assertEqual(data["status"][key], status[key])
        link, = data["status"]["links"]
        self.assertEqual((link["host"], link["state"]), ("beta", "established"))
        self.assertEqual([user["uid"] for user in data["users"]["users"]], [0])
        self.assertIn("todos", data["users"]["limits"])
        self.assertEqual(data["top"]["host"], "alpha")
        self.assertIn("hello_server", {each["program"] for each in data["top"]["processes"]})

    def test_latencies_are_there_where_calls_are_timed(self):
        found = eventually("calls of the manager are timed", lambda: [
            each for each in self.data()["latencies"] if each["interface"] == "android.os.IServiceManager"])
        self.assertLess(0, found[0]["p50_s"])
        self.assertLessEqual(found[0]["p50_s"], found[0]["p99_s"])

    def test_calls_are_recorded_while_somebody_looks(self):
        def recorded():
            return json.loads(self.alpha.run(os.path.join(BIN, "netbinder"), "status", "--json"))["records_calls"]

        def under_way():
            loads = as_json_line(self.alpha.unix(), {"command": "loads"}).get("processes", [])
            return any(each["pid"] == self.server.pid and each["outstanding"] for each in loads)

        call_hello = [os.path.join(BIN, "netbinder"), "service", "call", "hello", "1"]

        def slow_calls():
            # Asking has them followed for a while, which on a slow machine may be over too soon.
            eventually("it records", lambda: self.data() and recorded())
            os.kill(self.server.pid, signal.SIGSTOP)
            try:
                client = self.alpha.start(*call_hello)
                eventually("the service has a call that it does not answer", under_way)
                time.sleep(0.3)  # that long at least it takes
            finally:
                os.kill(self.server.pid, signal.SIGCONT)
            self.assertEqual(client.wait(30), 0)
            return [each for each in self.data()["slowest"]["calls"]
                    if each["interface"] == "examples.IHello" and each["duration_us"] >= 300_000]

        self.alpha.run(*call_hello)  # which begins with the interface's name
        call = eventually("the call is listed", slow_calls)[0]
        self.assertEqual((call["from"]["program"], call["to"]["program"]), ("netbinder", "hello_server"))
        self.assertEqual((call["result"], call["failed"]), ("ok", False))
        slowest = self.data()["slowest"]
        took = [each["duration_us"] for each in slowest["calls"]]
        self.assertEqual(took, sorted(took, reverse=True))
        self.assertLessEqual(len(took), 20)
        self.assertLessEqual(slowest["seconds"], 60)
        self.assertTrue(recorded())
        eventually("nobody looks, and nothing is recorded", lambda: not recorded())

    def test_the_page_may_do_nothing_but_ask_its_own_server(self):
        status, headers, page = self.ask(path="/")
        self.assertEqual((status, headers["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertRegex(headers["content-security-policy"],
                         r"^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; connect-src 'self'; ")
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertNotIn("access-control-allow-origin", headers)
        self.assertTrue(page.startswith("<!DOCTYPE html>"))

    def test_names_that_lead_here_are_refused(self):
        for host in ("evil.example", f"evil.example:{self.ui.port}", "localhost.evil.example"):
            status, _, body = self.ask((f"Host: {host}",))
            self.assertEqual(status, 403, host)
            self.assertNotIn("status", body)
        self.assertEqual(self.ask(())[0], 403)
        for host in (f"localhost:{self.ui.port}", "127.0.0.1", "[::1]:1"):
            self.assertEqual(self.ask((f"Host: {host}",))[0], 200, host)

    def test_only_get_and_only_what_there_is(self):
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            self.assertEqual(self.ask(method=method)[0], 405, method)
        for path in ("/x", "/data/", "/../data", "//data"):
            self.assertEqual(self.ask(path=path)[0], 404, path)
        status, headers, body = self.ask(method="HEAD", path="/")
        self.assertEqual((status, body), (200, ""))
        self.assertEqual(exchange(tcp(self.ui.port), b"GARBAGE\r\n\r\n")[0], 400)
        self.assertEqual(exchange(tcp(self.ui.port), b"GET / HTTP/1.1\r\nX: " + b"x" * 9000)[0], 431)

    def test_other_users_see_nothing(self):
        status = as_user(65534, lambda: json.dumps(get(tcp(self.ui.port), "/data")))
        # "here" is no address, so the name is what is refused; with an address, it is the user.
        self.assertEqual(json.loads(status)[0], 403)
        status, _, body = json.loads(as_user(65534, lambda: json.dumps(self.ask())))
        self.assertEqual((status, body), (403, "only uid 0 and root are answered here\n"))

    def test_anybody_sees_it_where_that_is_said(self):
        ui = Ui(BIN, self.alpha, "--anybody")
        try:
            answer = as_user(65534, lambda: json.dumps(exchange(tcp(ui.port), request(("Host: 127.0.0.1",)))))
            self.assertEqual(json.loads(answer)[0], 200)
        finally:
            ui.stop()

    def test_many_connections_keep_their_bound(self):
        silent = [tcp(self.ui.port) for _ in range(16)]
        try:
            eventually("there is no room for one more", self.is_full)
        finally:
            for each in silent:
                each.close()
        eventually("there is room again", lambda: not self.is_full())

    def is_full(self):
        with tcp(self.ui.port) as one_more:
            try:
                one_more.sendall(request(("Host: 127.0.0.1",), path="/"))
                return read_all(one_more) == b""
            except ConnectionError:
                return True

    def test_one_connection_serves_many_requests(self):
        connection = tcp(self.ui.port)
        one = b"GET /data HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        connection.sendall(one * 3 + b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        self.assertEqual(read_all(connection).count(b"HTTP/1.1 200 OK\r\n"), 4)
        connection.close()


class Obstacles(unittest.TestCase):
    def ui(self, *options, **environment):
        return subprocess.run([os.path.join(BIN, "netbinder"), "ui", *options], capture_output=True, text=True,
                              env={**os.environ, **environment}, timeout=90)

    def test_other_addresses_have_to_be_said(self):
        refused = self.ui("--listen", "0.0.0.0:0")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("--anybody allows it", refused.stderr)

    def test_a_port_that_is_taken_is_named(self):
        with tcp_listener() as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            refused = self.ui("--listen", address)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(f"cannot listen on {address}: Address already in use", refused.stderr)

    def test_an_agent_that_is_not_there_is_told_on_the_page(self):
        port, = reserved_ports(1)
        process = subprocess.Popen([os.path.join(BIN, "netbinder"), "ui", "--listen", f"127.0.0.1:{port}",
                                    "--socket", "/nowhere/agent.sock"], stdout=subprocess.PIPE, text=True)
        try:
            self.assertEqual(process.stdout.readline(), f"http://127.0.0.1:{port}/\n")
            body = exchange(tcp(port), request(("Host: 127.0.0.1",)))[2]
            self.assertIn("no agent answers at /nowhere/agent.sock", json.loads(body)["error"])
        finally:
            process.terminate()
            self.assertEqual(process.wait(30), 0)
            process.stdout.close()


def tcp_listener():
    import socket
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    made.listen()
    return made


if __name__ == "__main__":
    unittest.main()
