#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""with_certificates.py - runs a command beside certificates of all kinds: with_certificates.py
COMMAND [ARGUMENT...]

They are made afresh in a temporary folder, whose path the command finds in TLS_FOLDER: <name>.pem
and <name>.key. Exit status: the command's; 77 (skipped) where openssl is missing.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # the source tree stays clean
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "nginx"))
from certificates import CONFIG, FROM_2020, LOCALHOST, TO_2021, TO_2049, openssl, self_sign, sign

SKIPPED = 77
VALID = [*FROM_2020, *TO_2049]
FROM_2040 = ["-startdate", "20400101000000Z", *TO_2049]
AUTHORITY = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]


def rsa(bits):
    return ["-newkey", f"rsa:{bits}", "-nodes"]


def make_authority(folder, subject):
    folder.mkdir()
    (folder / "index.txt").touch()
    (folder / "ca.conf").write_text(CONFIG.format(folder=folder))
    self_sign(folder, "ca", subject, *AUTHORITY)


def revoke(folder, name):
    """folder/revoked.crl, a list with this certificate on it."""
    openssl(folder, "ca", "-config", "ca.conf", "-revoke", f"{name}.pem")
    openssl(folder, "ca", "-config", "ca.conf", "-gencrl", "-crldays", "3650", "-out", "revoked.crl")


def encrypt_key(folder, name, password):
    openssl(folder, "pkey", "-in", f"{name}.key", "-aes256", "-passout", f"pass:{password}",
            "-out", f"{name}.locked.key")


def make(folder):
    folder = Path(folder)
    make_authority(folder, "eddy test authority")
    for name, names, dates in (
            ("good", LOCALHOST, VALID),
            ("elsewhere", "DNS:elsewhere.example,DNS:www.elsewhere.example", VALID),
            ("expired", LOCALHOST, [*FROM_2020, *TO_2021]),
            ("not_yet", LOCALHOST, FROM_2040),
            ("revoked", LOCALHOST, VALID),
            ("client", "DNS:client.example", VALID),
            ("wildcard", "DNS:*.wild.example", VALID)):
        sign(folder, name, names, dates)
    sign(folder, "rsa", LOCALHOST, VALID, rsa(2048))
    sign(folder, "weak", LOCALHOST, VALID, rsa(1024))
    self_sign(folder, "self_signed", "localhost", f"subjectAltName={LOCALHOST}")
    revoke(folder, "revoked")
    encrypt_key(folder, "good", "open sesame")
    (folder / "both.pem").write_text((folder / "good.key").read_text()
                                     + (folder / "good.pem").read_text())

    make_authority(folder / "stranger", "an authority that nobody knows")
    sign(folder / "stranger", "stranger", LOCALHOST, VALID)


def main():
    if len(sys.argv) < 2:
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    if not shutil.which("openssl"):
        print("skipped: these tests need the program openssl")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="eddy-tls-") as parent:
        folder = Path(parent) / "tls"
        make(folder)
        status = subprocess.run(sys.argv[1:], env={**os.environ, "TLS_FOLDER": str(folder)}).returncode
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
