#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `eddy fetch` promises, asked of the command itself.

usage: test_fetch.py EDDY SLOW_SERVER FETCH_EXAMPLE [TEST...]
"""
import json
import os
import pty
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from pages import Site

EDDY, SLOW_SERVER, EXAMPLE = (os.path.abspath(path) for path in sys.argv[1:4])
ENVIRONMENT = {k: v for k, v in os.environ.items()
               if k not in ("NO_COLOR", "COLUMNS", "LINES") and not k.lower().endswith("_proxy")}
ENVIRONMENT.update(LC_ALL="C.UTF-8", TERM="xterm")
LIMIT = 60  # seconds that no run of the command should ever take


def eddy(*arguments, stdin="", **options):
    return subprocess.run([EDDY, *arguments], input=stdin, capture_output=True, text=True,
                          timeout=LIMIT, env=ENVIRONMENT, **options)


def start(*arguments, **options):
    return subprocess.Popen([EDDY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, env=ENVIRONMENT, **options)


def lines_of(run):
    return [json.loads(line) for line in run.stdout.splitlines()]


def dead_url():
    with socket.socket() as free:  # a port that was free a moment ago
        free.bind(("127.0.0.1", 0))
        return "http://127.0.0.1:%d/" % free.getsockname()[1]


def wait_until(fact, seconds=10):
    end = time.monotonic() + seconds
    while not fact() and time.monotonic() < end:
        time.sleep(0.02)
    return fact()


class SlowServer:
    def __init__(self, seconds):
        self.process = subprocess.Popen([SLOW_SERVER, "--port", "0", "--seconds", str(seconds)],
                                        stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
        self.url = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+/)\n",
                                self.process.stdout.readline()).group(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(LIMIT)
        self.process.stdout.close()


class Case(unittest.TestCase):
    def setUp(self):
        self.site = Site()
        self.addCleanup(self.site.stop)
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def page(self, path):
        return self.site.url + path


class Command(unittest.TestCase):
    def test_help_and_version_go_to_standard_output(self):
        for arguments in (["--help"], ["fetch", "--help"], ["--version"]):
            run = eddy(*arguments)
            self.assertEqual((run.returncode, run.stderr), (0, ""), arguments)
            self.assertTrue(run.stdout)
        self.assertRegex(eddy("--version").stdout, r"^eddy \d+\.\d+\.\d+\n$")

    def test_help_fits_a_terminal(self):
        for arguments in (["--help"], ["fetch", "--help"]):
            for line in eddy(*arguments).stdout.splitlines():
                self.assertLessEqual(len(line), 90, line)

    def test_an_unknown_command_is_named_with_the_nearest(self):
        run = eddy("fecth")
        self.assertEqual((run.returncode, run.stdout), (2, ""))
        self.assertIn("'fecth'", run.stderr)
        self.assertIn("Did you mean 'fetch'?", run.stderr)
        self.assertNotIn("Did you mean", eddy("bake").stderr)

    def test_wrong_usage_is_status_2_and_one_sentence(self):
        for arguments in ([], ["fetch"], ["fetch", "-c", "0", "u"], ["fetch", "-c", "1x", "u"],
                          ["fetch", "-t", "soon", "u"], ["fetch", "-r", "-1", "u"],
                          ["fetch", "-H", "no colon", "u"], ["fetch", "--max-bytes", "big", "u"],
                          ["fetch", "--nonsense", "u"], ["fetch", "-O", "-o", "d", "u"],
                          ["fetch", "-O", "--json", "u"], ["fetch", "-i", "/does/not/exist"]):
            run = eddy(*arguments)
            self.assertEqual((run.returncode, run.stdout), (2, ""), arguments)
            self.assertTrue(run.stderr.startswith(("eddy", "Usage")), run.stderr)

    def test_a_list_with_something_that_is_no_url_is_refused_with_its_line(self):
        run = eddy("fetch", "-i", "-", stdin="http://one/\n" + "x" * 70000 + "\n")
        self.assertEqual(run.returncode, 2)
        self.assertIn("standard input, line 2", run.stderr)


class Together(Case):
    def test_a_hundred_slow_pages_take_little_longer_than_one(self):
        with SlowServer(0.5) as server:
            begin = time.monotonic()
            run = eddy("fetch", *(server.url + str(i) for i in range(100)))
            seconds = time.monotonic() - begin
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("100 of 100 pages fetched; 2.0 MB in ", run.stdout)
        self.assertLess(seconds, 5)  # one after another: 50

    def test_concurrency_is_a_limit(self):
        with SlowServer(0.2) as server:
            begin = time.monotonic()
            run = eddy("fetch", "-c", "2", *(server.url + str(i) for i in range(6)))
            seconds = time.monotonic() - begin
        self.assertEqual(run.returncode, 0)
        self.assertGreaterEqual(seconds, 0.6)

    def test_a_lower_limit_of_descriptors_is_named_and_lived_with(self):
        def scant():
            resource.setrlimit(resource.RLIMIT_NOFILE, (90, 90))
        run = eddy("fetch", "-c", "50", *(self.page("/%d" % i) for i in range(60)),
                   preexec_fn=scant)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertIn("50 at once needs about 114 descriptors, the limit is 90 (ulimit -n)",
                      run.stderr)

    def test_the_soft_limit_of_descriptors_is_raised(self):
        def soft():
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        run = eddy("fetch", *(self.page("/%d" % i) for i in range(100)), preexec_fn=soft)
        self.assertEqual((run.returncode, run.stderr), (0, ""))

    def test_urls_come_from_arguments_files_and_standard_input_in_this_order(self):
        path = os.path.join(self.directory, "list")
        with open(path, "w") as file:
            file.write("# a comment\n\n  %s  \r\n" % self.page("/b"))
        run = eddy("fetch", "-c", "1", "--json", "-i", path, "--input=-", self.page("/a"),
                   stdin="\n#c\n" + self.page("/c"))
        self.assertEqual([line["url"] for line in lines_of(run)],
                         [self.page(path) for path in ("/a", "/b", "/c")])

    def test_an_empty_list_is_nothing_to_do(self):
        run = eddy("fetch", "-i", "-", stdin="# nothing\n")
        self.assertEqual(run.returncode, 0)

    def test_headers_and_head(self):
        run = eddy("fetch", "-O", "-H", "X-Colour: blue", "-H", "X-Size: 9", self.page("/echo"))
        self.assertIn("X-Colour: blue", run.stdout)
        self.assertIn("X-Size: 9", run.stdout)
        line = lines_of(eddy("fetch", "--json", "--head", self.page("/size/5000")))[0]
        self.assertEqual((line["status"], line["bytes"], line["error"]), (200, 0, None))


class Failures(Case):
    def test_a_refused_connection_is_tried_again_and_then_told(self):
        url = dead_url()
        run = eddy("fetch", "-r", "1", url)
        self.assertEqual(run.returncode, 1)
        self.assertIn(url, run.stdout)
        self.assertIn("refused", run.stdout)
        self.assertIn("(2 attempts)", run.stdout)
        self.assertIn("0 of 1 page fetched, 1 failed", run.stdout)

    def test_a_status_of_400_or_above_is_a_failure_and_not_tried_again(self):
        run = eddy("fetch", self.page("/status/404"), self.page("/a"))
        self.assertEqual(run.returncode, 1)
        self.assertIn("the server answered 404 Not Found", run.stdout)
        self.assertNotIn("attempts", run.stdout)
        self.assertIn("1 of 2 pages fetched, 1 failed", run.stdout)

    def test_a_passing_failure_is_tried_until_it_has_passed(self):
        run = eddy("fetch", "--json", self.page("/flaky/2/a"))
        line = lines_of(run)[0]
        self.assertEqual((run.returncode, line["status"], line["error"]), (0, 200, None))
        self.assertEqual(self.site.tries["/flaky/2/a"], 3)

    def test_retries_end(self):
        run = eddy("fetch", "-r", "1", self.page("/flaky/9/a"))
        self.assertEqual((run.returncode, self.site.tries["/flaky/9/a"]), (1, 2))
        eddy("fetch", "-r", "0", self.page("/flaky/9/b"))
        self.assertEqual(self.site.tries["/flaky/9/b"], 1)

    def test_retry_after_is_honoured_up_to_a_minute(self):
        eddy("fetch", self.page("/later/2/a"))
        first, second = self.site.times
        self.assertGreaterEqual(second - first, 1.95)
        begin = time.monotonic()
        self.assertEqual(eddy("fetch", self.page("/later/3600/a")).returncode, 1)
        self.assertLess(time.monotonic() - begin, 2)
        self.assertEqual(self.site.tries["/later/3600/a"], 1)

    def test_a_time_out_says_what_had_come(self):
        run = eddy("fetch", "-r", "0", "-t", "0.3", self.page("/slow/5"), self.page("/trickle"))
        self.assertEqual(run.returncode, 1)
        self.assertIn("timed out after 0.30 s, 0 B had come", run.stdout)
        self.assertRegex(run.stdout, r"timed out after 0.30 s, [\d.]+ kB had come")

    def test_a_body_over_the_limit_is_an_error(self):
        for path in ("/size/20001", "/trickle"):
            run = eddy("fetch", "-r", "0", "--max-bytes", "20k", self.page(path))
            self.assertEqual(run.returncode, 1)
            self.assertIn("the body is longer than 20.0 kB", run.stdout)
        self.assertEqual(eddy("fetch", "--max-bytes", "20k", self.page("/size/20000")).returncode, 0)

    def test_a_body_that_ends_early_is_an_error(self):
        run = eddy("fetch", "-r", "0", "-o", self.directory, self.page("/short"))
        self.assertEqual((run.returncode, os.listdir(self.directory)), (1, []))

    def test_a_malformed_url_fails_alone(self):
        run = eddy("fetch", "http://[oops/", "gopher://x/", self.page("/a"))
        self.assertEqual(run.returncode, 1)
        self.assertIn("1 of 3 pages fetched, 2 failed", run.stdout)

    def test_a_url_without_a_scheme_means_http(self):
        run = eddy("fetch", self.page("/a").removeprefix("http://"))
        self.assertEqual(run.returncode, 0)
        self.assertIn("http://127.0.0.1", run.stdout)

    def test_what_is_printed_of_a_url_cannot_steer_the_terminal(self):
        run = eddy("fetch", "-r", "0", "http://\x1b]0;gotcha\x07/\x1b[2J")
        self.assertEqual(run.returncode, 1)
        self.assertNotIn("\x1b", run.stdout + run.stderr)

    def test_of_many_failures_the_first_are_shown(self):
        run = eddy("fetch", *(self.page("/status/404?%d" % i) for i in range(30)), self.page("/a"))
        self.assertEqual(run.stdout.count("404 Not Found"), 20)
        self.assertIn("... and 10 more that failed", run.stdout)


class Json(Case):
    def test_a_line_is_an_object_with_five_members(self):
        run = eddy("fetch", "--json", "-r", "0", self.page("/size/7"), dead_url(),
                   self.page("/status/500"))
        lines = {line["url"]: line for line in lines_of(run)}
        self.assertEqual(len(lines), 3)
        for line in lines.values():
            self.assertEqual(list(line), ["url", "status", "bytes", "seconds", "error"])
        good, dead, bad = (lines[url] for url in sorted(lines, key=lambda u: ("size" not in u, "status" in u)))
        self.assertEqual((good["status"], good["bytes"], good["error"]), (200, 7, None))
        self.assertIsNone(dead["status"])
        self.assertIn("refused", dead["error"])
        self.assertEqual(bad["error"], "the server answered 500 Internal Server Error")
        self.assertIn("1 of 3 pages fetched", run.stderr)

    def test_any_bytes_in_a_url_are_escaped(self):
        url = b"http://127.0.0.1:1/\"\\\t\x01\xff\xc3\xa4"
        run = subprocess.run([EDDY, "fetch", "--json", "-q", "-r", "0", url], capture_output=True,
                             timeout=LIMIT, env=ENVIRONMENT)
        line = json.loads(run.stdout.decode())
        self.assertEqual(line["url"], 'http://127.0.0.1:1/"\\\t\x01\ufffd\u00e4')

    def test_a_reader_that_goes_away_ends_the_run(self):
        run = start("fetch", "--json", "-c", "1", *(self.page("/slow/0.2") for _ in range(50)))
        run.stdout.readline()
        run.stdout.close()
        error = run.stderr.read()
        self.assertEqual(run.wait(LIMIT), 1)
        run.stderr.close()
        self.assertIn("cannot write to standard output: Broken pipe", error)


class Output(Case):
    def contents(self):
        found = {}
        for name in os.listdir(self.directory):
            with open(os.path.join(self.directory, name)) as file:
                found[name] = file.read()
        return found

    def fetch(self, *urls):
        return eddy("fetch", "-q", "-o", self.directory, *urls)

    def test_a_file_for_each_page_named_after_its_url(self):
        run = self.fetch(self.page("/a/b.html?c=1#part"), self.page("/"))
        host = self.site.url[len("http://"):].replace(":", "_")
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "", ""))
        self.assertEqual(self.contents(), {host + "_a_b.html_c=1": "/a/b.html?c=1", host: "/"})

    def test_names_are_unique_and_stay_in_the_directory(self):
        paths = ["/x", "/x", "/x", "/x-2", "/../../x", "/..%2f..%2fx", "/%00", "/x.part", "/X",
                 "/" + "y" * 500, "/" + "y" * 499 + "z"]
        run = self.fetch(*map(self.page, paths))
        self.assertEqual(run.returncode, 0, run.stderr)
        names = os.listdir(self.directory)
        self.assertEqual(len({name.lower() for name in names}), len(paths), names)
        for name in names:
            self.assertRegex(name, r"^[A-Za-z0-9][A-Za-z0-9._=&,+@-]*$")
            self.assertFalse(name.endswith(".part"))

    def test_a_large_body_arrives_whole(self):
        self.fetch(self.page("/size/5000001"))
        self.assertEqual([len(body) for body in self.contents().values()], [5000001])

    def test_an_older_file_is_replaced_and_a_stale_half_removed(self):
        host = self.site.url[len("http://"):].replace(":", "_")
        for name in (host + "_a", host + "_a.part"):
            with open(os.path.join(self.directory, name), "w") as file:
                file.write("old and much longer than the new one")
        self.fetch(self.page("/a"))
        self.assertEqual(self.contents(), {host + "_a": "/a"})

    def test_an_error_page_is_not_kept(self):
        self.fetch(self.page("/status/404"))
        self.assertEqual(self.contents(), {})

    def test_the_directory_is_made(self):
        deep = os.path.join(self.directory, "a", "b")
        self.assertEqual(eddy("fetch", "-o", deep, self.page("/a")).returncode, 0)
        self.assertEqual(len(os.listdir(deep)), 1)

    def test_a_directory_that_cannot_be_made_is_named(self):
        path = os.path.join(self.directory, "file")
        open(path, "w").close()
        run = eddy("fetch", "-o", path + "/sub", self.page("/a"))
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertIn("cannot make the directory %s/sub: Not a directory" % path, run.stderr)

    def test_a_file_that_cannot_be_written_ends_the_run_with_its_name(self):
        def scant():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
        run = eddy("fetch", "-o", self.directory, "-c", "1", self.page("/size/200000"),
                   self.page("/a"), preexec_fn=scant)
        self.assertEqual(run.returncode, 1)
        self.assertRegex(run.stderr, r"cannot write .*_size_200000\.part: File too large")
        self.assertIn("broken off: 0 of 2 pages fetched, 1 failed, 1 not started", run.stdout)
        self.assertEqual(self.contents(), {})

    def test_standard_output_gets_each_body_whole(self):
        run = eddy("fetch", "-O", "-c", "3", *(self.page("/size/%d" % n) for n in (300000,) * 5))
        self.assertEqual((run.returncode, len(run.stdout)), (0, 1500000))
        self.assertIn("5 of 5 pages", run.stderr)
        run = eddy("fetch", "-O", "-c", "1", self.page("/one"), self.page("/two"))
        self.assertEqual(run.stdout, "/one/two")

    def test_a_full_disk_behind_standard_output_is_named(self):
        with open("/dev/full", "w") as full:
            for option in ("-O", "--json", "-c9"):
                run = subprocess.run([EDDY, "fetch", option, self.page("/a")], stdout=full,
                                     stderr=subprocess.PIPE, text=True, timeout=LIMIT,
                                     env=ENVIRONMENT)
                self.assertEqual(run.returncode, 1, option)
                self.assertIn("cannot write to standard output: No space left on device",
                              run.stderr)
                self.assertEqual(run.stderr.count("eddy fetch: "), 1)


class Interrupted(Case):
    def interrupt(self, signo, *options):
        urls = [self.page("/a"), self.page("/b")] + [self.page("/trickle?%d" % i) for i in range(8)]
        run = start("fetch", "-c", "4", "-o", self.directory, *options, *urls)
        self.addCleanup(run.stdout.close)
        self.addCleanup(run.stderr.close)
        parts = lambda: [n for n in os.listdir(self.directory) if n.endswith(".part")]
        self.assertTrue(wait_until(lambda: len(parts()) == 4))
        run.send_signal(signo)
        output, error = run.communicate(timeout=10)
        self.assertEqual(parts(), [])
        self.assertEqual(len(os.listdir(self.directory)), 2)
        return run.returncode, output, error

    def test_ctrl_c_removes_half_files_and_says_what_was_done(self):
        status, output, _ = self.interrupt(signal.SIGINT)
        self.assertEqual(status, 130)
        self.assertIn("interrupted: 2 of 10 pages fetched, 4 cancelled, 4 not started", output)

    def test_sigterm_does_the_same(self):
        status, output, _ = self.interrupt(signal.SIGTERM)
        self.assertEqual(status, 143)
        self.assertIn("interrupted: 2 of 10", output)

    def test_json_has_a_line_for_every_url_all_the_same(self):
        status, output, _ = self.interrupt(signal.SIGINT, "--json")
        errors = [json.loads(line)["error"] for line in output.splitlines()]
        self.assertEqual(status, 130)
        self.assertEqual([errors.count(e) for e in (None, "cancelled", "not started")], [2, 4, 4])

    def test_a_rest_between_attempts_is_cut_short(self):
        run = start("fetch", "-r", "9", self.page("/later/50/a"))
        self.assertTrue(wait_until(lambda: self.site.times))
        time.sleep(0.2)
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=10)
        self.assertEqual(run.returncode, 130)


class Progress(Case):
    """On a terminal of 60 columns and 12 lines, our own end of a pty."""

    def on_terminal(self, *arguments, environment=(), stdout_too=True):
        ours, theirs = pty.openpty()
        import fcntl, struct, termios
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 60, 0, 0))
        run = subprocess.Popen([EDDY, "fetch", *arguments], stdin=subprocess.DEVNULL,
                               stdout=theirs if stdout_too else subprocess.DEVNULL, stderr=theirs,
                               env={**ENVIRONMENT, **dict(environment)})
        os.close(theirs)
        seen = b""
        while select.select([ours], [], [], LIMIT)[0]:
            try:
                seen += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
        os.close(ours)
        self.assertEqual(run.wait(LIMIT), 0)
        return seen.decode()

    def pages(self):
        return [self.page("/slow/0.5?%d" % i) for i in range(20)]

    def test_there_is_a_picture_that_is_wiped_at_the_end(self):
        seen = self.on_terminal(*self.pages())
        self.assertIn("0 of 20", seen)
        self.assertIn("20 running", seen)
        self.assertRegex(seen, r"\d+ more")
        last = seen.rindex("\x1b[J")
        self.assertRegex(seen[:last], r"\r\x1b\[\d+A$")
        self.assertIn("20 of 20", seen[last:])

    def test_a_transfer_under_way_has_a_bar(self):
        with SlowServer(1) as server:
            seen = self.on_terminal(server.url)
        self.assertRegex(seen, r"━+╾?.*  [1-9]\d%   [ \d.]+ kB +0.\d+ s  ")

    def test_no_line_is_wider_than_the_terminal_and_no_frame_higher(self):
        seen = self.on_terminal("-c9", *self.pages(), environment={"NO_COLOR": "1"})
        for frame in re.split(r"\x1b\[\d+A|\x1b\[J", seen.split("status  ")[0]):
            lines = frame.replace("\x1b[K", "").split("\r\n")
            self.assertLess(len(lines) - 1, 12)
            self.assertLess(max(map(len, lines)), 60)

    def test_no_colour_where_it_is_unwanted(self):
        colour = r"\x1b\[[0-9;]*m"
        self.assertRegex(self.on_terminal(*self.pages()), colour)
        seen = self.on_terminal(*self.pages(), environment={"NO_COLOR": "1"})
        self.assertNotRegex(seen, colour)
        self.assertIn("20 running", seen)

    def test_ascii_where_the_locale_has_no_more(self):
        seen = self.on_terminal(*self.pages(), environment={"LC_ALL": "C"})
        self.assertTrue(seen.isascii())
        self.assertIn("----", seen)

    def test_none_where_it_would_be_in_the_way(self):
        for arguments, environment in ((["-q"], {}), (["--no-progress"], {}), (["--json"], {}),
                                       (["--stdout"], {}), ([], {"TERM": "dumb"})):
            seen = self.on_terminal(*arguments, self.page("/slow/0.3"), environment=environment)
            self.assertNotIn("\x1b[K", seen, arguments)
        self.assertIn("\x1b[K", self.on_terminal("--json", self.page("/slow/0.3"),
                                                   stdout_too=False))

    def test_none_when_piped(self):
        run = eddy("fetch", *self.pages())
        self.assertNotIn("\x1b", run.stdout + run.stderr)
        self.assertEqual(run.stderr, "")


class Examples(Case):
    def test_the_fetch_example_prints_a_line_for_each_url(self):
        with SlowServer(0.2) as server:
            run = subprocess.run([EXAMPLE, server.url + "a", server.url + "b", dead_url()],
                                 capture_output=True, text=True, timeout=LIMIT, env=ENVIRONMENT)
        self.assertEqual(run.returncode, 1)
        self.assertEqual(sorted(line.split("  ")[0] for line in run.stdout.splitlines()[1:]),
                         ["200", "200"], run.stdout)
        self.assertRegex(run.stdout.splitlines()[0], r"^failed: .*refused")

    def test_the_slow_server_bounds_what_a_client_may_send(self):
        def ask(address, request):
            with socket.create_connection(address) as client:
                client.sendall(request)
                return client.recv(1000).split(b"\r\n")[0]
        with SlowServer(0.01) as server:
            address = ("127.0.0.1", int(re.search(r":(\d+)/", server.url).group(1)))
            self.assertEqual(ask(address, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n"),
                             b"HTTP/1.1 431 Request Header Fields Too Large")
            self.assertEqual(ask(address, b"GET /" + b"x" * 70000),
                             b"HTTP/1.1 431 Request Header Fields Too Large")
            self.assertEqual(ask(address, b"hello\r\n\r\n"), b"HTTP/1.1 400 Bad Request")
            self.assertEqual(ask(address, b"POST / HTTP/1.1\r\n\r\n"),
                             b"HTTP/1.1 405 Method Not Allowed")
            self.assertEqual(ask(address, b"GET / HTTP/1.0\r\n\r\n"), b"HTTP/1.1 200 OK")

    def test_the_slow_server_lets_pages_under_way_go_out(self):
        with SlowServer(1) as server:
            run = start("fetch", server.url)
            self.addCleanup(run.stdout.close)
            self.addCleanup(run.stderr.close)
            time.sleep(0.4)
            server.process.terminate()
            output, _ = run.communicate(timeout=LIMIT)
            self.assertIn("1 of 1 page fetched", output)
            self.assertIn("stopped after 1 pages", server.process.stdout.read())


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
