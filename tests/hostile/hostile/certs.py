"""Certificates, made by the openssl program at start: one good authority, and all that can be wrong."""
import os
import subprocess

# name -> (what is wrong with it)
KINDS = {
    "good": "signed by the test authority, for localhost, 127.0.0.1 and ::1",
    "expired": "its last day was yesterday",
    "not-yet": "its first day is in a year",
    "wrong-host": "for other.test only",
    "self-signed": "its own issuer",
    "unknown-ca": "signed by an authority nobody was told of",
}


def openssl(*arguments, cwd):
    done = subprocess.run(["openssl", *arguments], cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"openssl {' '.join(arguments)}: {done.stderr}")


def make_key(folder, name):
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key",
            cwd=folder)


def make_authority(folder, name):
    make_key(folder, name)
    openssl("req", "-x509", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-days", "3650",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext",
            "keyUsage=critical,keyCertSign,cRLSign", "-out", f"{name}.pem", cwd=folder)
    with open(os.path.join(folder, f"{name}.index"), "w", encoding="ascii"):
        pass
    with open(os.path.join(folder, f"{name}.cnf"), "w", encoding="ascii") as conf:
        conf.write(f"""[ca]
default_ca = one
[one]
database = {name}.index
new_certs_dir = .
certificate = {name}.pem
private_key = {name}.key
default_md = sha256
policy = any
rand_serial = yes
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
""")


def make_leaf(folder, name, authority, names, start, end):
    """A certificate of `authority`; start and end as YYYYMMDDHHMMSSZ."""
    make_key(folder, name)
    openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-addext",
            f"subjectAltName={names}", "-out", f"{name}.csr", cwd=folder)
    openssl("ca", "-batch", "-notext", "-config", f"{authority}.cnf", "-in", f"{name}.csr",
            "-out", f"{name}.pem", "-startdate", start, "-enddate", end, cwd=folder)


def make_all(folder, now):
    """Everything into `folder`: ca.pem, <kind>.pem/.key, client.pem/.key. `now` is a datetime."""
    from datetime import timedelta

    def day(offset):
        return (now + timedelta(days=offset)).strftime("%Y%m%d%H%M%SZ")

    local = "DNS:localhost,IP:127.0.0.1,IP:::1"
    make_authority(folder, "ca")
    make_authority(folder, "stranger")
    make_leaf(folder, "good", "ca", local, day(-2), day(300))
    make_leaf(folder, "expired", "ca", local, day(-30), day(-1))
    make_leaf(folder, "not-yet", "ca", local, day(365), day(700))
    make_leaf(folder, "wrong-host", "ca", "DNS:other.test", day(-2), day(300))
    make_leaf(folder, "unknown-ca", "stranger", local, day(-2), day(300))
    make_leaf(folder, "client", "ca", "DNS:client.test", day(-2), day(300))
    make_leaf(folder, "stranger-client", "stranger", "DNS:client.test", day(-2), day(300))
    make_key(folder, "self-signed")
    openssl("req", "-x509", "-new", "-key", "self-signed.key", "-subj", "/CN=localhost", "-days",
            "300", "-addext", f"subjectAltName={local}", "-out", "self-signed.pem", cwd=folder)
