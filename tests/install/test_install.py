#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a user finds after `make install`, and in a build that is not installed.

usage: test_install.py SOURCE-ROOT BUILD-DIRECTORY COMPILER...
Each example is compiled as a user would, against shared and against static libraries, and has to
print what it prints in the build; those that serve others are run in the build only.
"""

import os
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT, BUILD = (Path(argument).resolve() for argument in sys.argv[1:3])
COMPILER = sys.argv[3:]
NEEDS = {"glib_host": "glib-2.0", "transfer": "libcrypto"}  # left out where that is missing
PACKAGES = ["eddy", "eddy-http", "eddy-tls"]
EXPECTED = ROOT / "tests" / "examples"

sys.dont_write_bytecode = True  # the source tree stays clean
sys.path.insert(0, str(EXPECTED))
import run as examples


def call(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def flags(search_path, *arguments):
    environment = {**os.environ, "PKG_CONFIG_PATH": str(search_path)}
    return call("pkg-config", *arguments, env=environment).split()


def has_package(name):
    return subprocess.run(["pkg-config", "--exists", name]).returncode == 0


EXAMPLES = [source for source in sorted((ROOT / "examples").glob("*.c"))
            if source.stem not in NEEDS or has_package(NEEDS[source.stem])]


def compile_example(source, folder, with_flags):
    if source.stem in NEEDS:
        with_flags = [*with_flags, *flags("", "--cflags", "--libs", NEEDS[source.stem])]
    call(*COMPILER, "-Wall", "-Wextra", "-Werror", source, "-o", folder / source.stem, *with_flags)


def compile_examples(folder, with_flags):
    folder.mkdir()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda source: compile_example(source, folder, with_flags), EXAMPLES))


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="eddy-install-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = Path(temporary.name)
        call("meson", "install", "--no-rebuild", "-C", BUILD, "--destdir", cls.folder)
        cls.prefix = next(cls.folder.rglob("bin")).parent
        cls.packages = cls.prefix / "lib" / "pkgconfig"
        for package in cls.packages.glob("*.pc"):  # a staged file still names the final prefix
            text = package.read_text()
            final = text.split("\n", 1)[0]
            package.write_text(text.replace(final, f"prefix={cls.prefix}", 1))

    def run_examples(self, folder, libraries=None):
        """All at once: most of them only sleep."""
        environment = {**os.environ, "LD_LIBRARY_PATH": str(libraries)} if libraries else None

        def differences(source):
            return examples.differences(folder / source.stem, EXPECTED / f"{source.stem}.expected",
                                        folder / "slow_server", env=environment)

        names = [source for source in EXAMPLES if (EXPECTED / f"{source.stem}.expected").exists()]
        with ThreadPoolExecutor(len(names)) as pool:
            for found in pool.map(differences, names):
                self.assertEqual(found, [])

    def test_examples_with_the_shared_libraries(self):
        folder = self.folder / "shared"
        compile_examples(folder, flags(self.packages, "--cflags", "--libs", *PACKAGES))
        self.run_examples(folder, self.prefix / "lib")

    def test_examples_with_the_static_libraries(self):
        folder = self.folder / "static"
        archives = [self.prefix / "lib" / f"lib{package}.a" for package in reversed(PACKAGES)]
        needed = [flag for flag in flags(self.packages, "--static", "--libs", "eddy")
                  if flag != "-leddy"]
        compile_examples(folder, [*flags(self.packages, "--cflags", *PACKAGES), *archives,
                                  *flags("", "--libs", "libcurl", "openssl"), *needed])
        self.run_examples(folder)

    def test_examples_with_the_build_before_it_is_installed(self):
        folder = self.folder / "uninstalled"
        compile_examples(folder, flags(BUILD / "meson-uninstalled", "--cflags", "--libs", *PACKAGES))
        self.run_examples(folder, BUILD / "src")

    def test_the_core_alone_is_usable_before_it_is_installed(self):
        compile_example(ROOT / "examples" / "hello.c", self.folder,
                        flags(BUILD / "meson-uninstalled", "--cflags", "--libs", "eddy"))

    def test_the_command_finds_its_libraries(self):
        self.assertIn("eddy", call(self.prefix / "bin" / "eddy", "--version"))

    def test_a_static_link_needs_what_pkg_config_says(self):
        self.assertIn("-pthread", flags(self.packages, "--static", "--libs", "eddy"))

    def test_nothing_but_the_public_headers_is_installed(self):
        installed = {path.relative_to(self.prefix / "include")
                     for path in (self.prefix / "include").rglob("*.h")}
        public = {path.relative_to(ROOT / "include") for path in (ROOT / "include").rglob("*.h")}
        self.assertEqual(installed, public)

    def test_no_installed_text_names_the_folder_it_was_built_in(self):
        for path in (*self.packages.glob("*.pc"), *(self.prefix / "include").rglob("*.h")):
            self.assertNotIn(str(ROOT), path.read_text())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
