# SPDX-License-Identifier: MIT
"""certificates.py - a certificate authority for an afternoon, and the certificates a test wants.

`openssl ca` signs, since it alone lets every OpenSSL choose the dates of a certificate.
Keys are elliptic: they take milliseconds, RSA's take seconds.
"""

import subprocess
from pathlib import Path

CONFIG = """
[ca]
default_ca = test
[test]
dir = {folder}
database = {folder}/index.txt
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
rand_serial = yes
unique_subject = no
policy = any
copy_extensions = copy
email_in_dn = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
"""

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
FROM_2020 = ["-startdate", "20200101000000Z"]
TO_2021 = ["-enddate", "20210101000000Z"]
TO_2049 = ["-enddate", "20491231000000Z"]

LOCALHOST = "DNS:localhost,IP:127.0.0.1"
ELSEWHERE = "DNS:elsewhere.example"


def openssl(folder, *arguments):
    """Runs one openssl command in folder; its messages are shown only when it fails."""
    command = ["openssl", *arguments]
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")


def self_sign(folder, name, subject, *extensions):
    """folder/<name>.pem and .key: a certificate that vouches for itself."""
    added = [word for extension in extensions for word in ("-addext", extension)]
    openssl(folder, "req", "-config", "ca.conf", "-x509", *NEW_KEY, "-days", "3650",
            "-subj", f"/CN={subject}", "-keyout", f"{name}.key", "-out", f"{name}.pem", *added)


def sign(folder, name, alternative_names, dates, new_key=NEW_KEY):
    """folder/<name>.pem and .key: a server's certificate from our authority."""
    openssl(folder, "req", "-config", "ca.conf", "-new", *new_key, "-subj", f"/CN={name}",
            "-addext", f"subjectAltName={alternative_names}",
            "-keyout", f"{name}.key", "-out", f"{name}.csr")
    openssl(folder, "ca", "-config", "ca.conf", "-batch", "-notext", *dates,
            "-in", f"{name}.csr", "-out", f"{name}.pem")


def make(folder):
    """Makes folder and in it ca.pem, good, elsewhere, expired and self_signed."""
    folder = Path(folder)
    folder.mkdir()
    (folder / "index.txt").touch()
    (folder / "ca.conf").write_text(CONFIG.format(folder=folder))

    self_sign(folder, "ca", "eddy test authority", "basicConstraints=critical,CA:TRUE",
              "keyUsage=critical,keyCertSign,cRLSign")
    self_sign(folder, "self_signed", "localhost", f"subjectAltName={LOCALHOST}")
    sign(folder, "good", LOCALHOST, [*FROM_2020, *TO_2049])
    sign(folder, "elsewhere", ELSEWHERE, [*FROM_2020, *TO_2049])
    sign(folder, "expired", LOCALHOST, [*FROM_2020, *TO_2021])
