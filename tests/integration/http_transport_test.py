#!/usr/bin/env python3
"""How http.request reaches its target: versions, TLS, proxies, names, addresses; also through bench."""
import os
import shutil
import socket
import subprocess
import tempfile
import unittest

from ronda_case import RondaCase

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"

CONFIG = """
daemon off; master_process off; pid nginx.pid; error_log error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  ssl_session_cache shared:s:1m; ssl_session_tickets on;
  server {{
    listen unix:ready.sock;
    listen 127.0.0.1:{h2c} http2;
    location / {{ return 200 '{{"protocol": "$server_protocol", "host": "$http_host"}}'; }}
  }}
  server {{
    listen 127.0.0.1:{tls} ssl http2;
    ssl_certificate {folder}/good.pem; ssl_certificate_key {folder}/good.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_client_certificate {folder}/ca.pem; ssl_verify_client optional;
    keepalive_requests 100000;
    location / {{
      return 200 '{{"protocol": "$server_protocol", "sni": "$ssl_server_name", "reused": "$ssl_session_reused",
                   "client": "$ssl_client_s_dn", "tls": "$ssl_protocol", "method": "$request_method"}}';
    }}
  }}
}}
"""


def free_ports(count):
    """Ports that were free; the listeners are closed only when all are known."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in listeners]
    for one in listeners:
        one.close()
    return ports


class Nginx:
    """One nginx process with plain h2c and TLS (HTTP/1.1 and h2), ready when entered."""

    def __init__(self, folder, certificates):
        self.folder = folder
        self.h2c, self.tls = free_ports(2)
        with open(os.path.join(folder, "nginx.conf"), "w", encoding="ascii") as conf:
            conf.write(CONFIG.format(h2c=self.h2c, tls=self.tls, folder=certificates))

    def start(self):
        self.process = subprocess.Popen([NGINX, "-p", self.folder, "-c", "nginx.conf"],
                                        stderr=subprocess.DEVNULL)
        while True:  # the test's own deadline ends it
            try:
                socket.create_connection(("127.0.0.1", self.tls)).close()
                return
            except ConnectionRefusedError:
                if self.process.poll() is not None:
                    raise

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class TransportCase(RondaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="ronda-nginx-")
        cls.addClassCleanup(folder.cleanup)
        cls.nginx = Nginx(folder.name, cls.server.folder)
        cls.nginx.start()
        cls.addClassCleanup(cls.nginx.stop)

    def scenario(self, steps, top=""):
        steps = steps.replace("$nginx/", f"https://127.0.0.1:{self.nginx.tls}/")
        steps = steps.replace("$nginxname/", f"https://localhost:{self.nginx.tls}/")
        steps = steps.replace("$h2c/", f"http://127.0.0.1:{self.nginx.h2c}/")
        return super().scenario(steps, top)


class VersionTest(TransportCase):
    def test_each_version_is_what_the_server_sees(self):
        self.passes("""
        - {id: plain, action: http.request, with: {url: $http/ok}, checks: ["version == '1.1'"]}
        - {id: h2c, action: http.request, with: {url: $h2c/, version: h2c}, checks: ["version == '2' and json.protocol == 'HTTP/2.0'"]}
        - {id: h2c2, action: http.request, with: {url: $h2c/, version: h2}, checks: ["version == '2'"]}
        - {id: auto, action: http.request, with: {url: $nginx/, tls: {ca: $ca}}, checks: ["version == '2' and json.protocol == 'HTTP/2.0'"]}
        - {id: h1, action: http.request, with: {url: $nginx/, version: "1.1", tls: {ca: $ca}}, checks: ["version == '1.1' and json.protocol == 'HTTP/1.1'"]}
        - {id: h2, action: http.request, with: {url: $nginx/, version: h2, method: POST, body: x, tls: {ca: $ca}}, checks: ["json.protocol == 'HTTP/2.0' and json.method == 'POST'"]}
        - {id: fallback, action: http.request, with: {url: $https:good/ok, tls: {ca: $ca}}, checks: ["version == '1.1'"]}
        """)

    def test_h2_that_the_server_does_not_speak_is_told(self):
        self.step_fails("- {id: no, action: http.request, with: {url: $https:good/ok, version: h2, tls: {ca: $ca}}}",
                        "HTTP/2")


class TlsTest(TransportCase):
    def test_certificates_are_verified_unless_told_otherwise(self):
        for kind, says in (("expired", "expired"), ("not-yet", "not yet valid"),
                           ("wrong-host", "127.0.0.1"), ("self-signed", "self-signed"),
                           ("unknown-ca", "unable to get")):
            self.step_fails(f"- {{id: a, action: http.request, with: {{url: $https:{kind}/ok, tls: {{ca: $ca}}}}}}",
                            says)
            self.passes(f"- {{id: a, action: http.request, with: {{url: $https:{kind}/ok, tls: {{verify: false}}}}, checks: ['status == 200']}}")
        self.step_fails("- {id: a, action: http.request, with: {url: $https:good/ok}}", "certificate")

    def test_sni_and_the_checked_name(self):
        self.passes("""
        - {id: name, action: http.request, with: {url: $nginxname/, tls: {ca: $ca}}, checks: ["json.sni == 'localhost'"]}
        - {id: address, action: http.request, with: {url: $nginx/, tls: {ca: $ca}}, checks: ["json.sni == ''"]}
        - {id: own, action: http.request, with: {url: $nginx/, tls: {ca: $ca, serverName: localhost}}, checks: ["json.sni == 'localhost'"]}
        - {id: other, action: http.request, with: {url: $https:wrong-host/ok, tls: {ca: $ca, serverName: other.test}}, checks: ["status == 200"]}
        """)

    def test_client_certificates(self):
        self.passes("""
        - {id: shown, action: http.request, with: {url: $https:client/echo, tls: {ca: $ca, cert: $client_cert, key: $client_key}}, checks: ["json.client == 'client'"]}
        - {id: nginx, action: http.request, with: {url: $nginx/, tls: {ca: $ca, cert: $client_cert, key: $client_key}}, checks: ["json.client == 'CN=client'"]}
        """)
        self.step_fails("- {id: none, action: http.request, with: {url: $https:client/echo, tls: {ca: $ca}}}")

    def test_sessions_are_resumed_unless_told_otherwise(self):
        for reuse, seen in (("true", "r"), ("false", ".")):
            self.passes(f"""
            - {{id: one, action: http.request, with: {{url: $nginx/, version: "1.1", freshConnection: true, tls: {{ca: $ca, sessionReuse: {reuse}}}}}, checks: ["json.reused == '.'"]}}
            - {{id: two, action: http.request, with: {{url: $nginx/, version: "1.1", freshConnection: true, tls: {{ca: $ca, sessionReuse: {reuse}}}}}, checks: ["json.reused == '{seen}'"]}}
            """)

    def test_versions_of_tls(self):
        self.passes("""
        - {id: best, action: http.request, with: {url: $nginx/, tls: {ca: $ca}}, checks: ["json.tls == 'TLSv1.3' and tlsVersion == 'TLSv1.3' and tlsCipher != null and certificateExpires != null"]}
        - {id: old, action: http.request, with: {url: "$https:1.2/ok", tls: {ca: $ca}}, checks: ["tlsVersion == 'TLSv1.2'"]}
        """)
        self.step_fails("""- {id: a, action: http.request, with: {url: "$https:1.2/ok", tls: {ca: $ca, minVersion: "1.3"}}}""",
                        "TLS handshake")

    def test_files_that_cannot_be_used_are_load_errors_that_name_them(self):
        self.write("bad.pem", "no certificate")
        for tls, says in (("{ca: nowhere.pem}", "nowhere.pem"), ("{ca: bad.pem}", "bad.pem"),
                          ("{cert: $client_cert}", "key"),
                          ("{cert: $client_cert, key: bad.pem}", "bad.pem")):
            self.step_fails(f"- {{id: a, action: http.request, with: {{url: $nginx/, tls: {tls}}}}}",
                            says, code=104)


class WayTest(TransportCase):
    def test_a_proxy_forwards_and_tunnels(self):
        self.passes("""
        - {id: plain, action: http.request, with: {url: $http/ok, proxy: "http://127.0.0.1:$port(proxy)"}, checks: ["status == 200"]}
        - {id: tls, action: http.request, with: {url: $https:good/ok, proxy: "http://127.0.0.1:$port(proxy)", tls: {ca: $ca}}, checks: ["status == 200"]}
        - {id: h2, action: http.request, with: {url: $nginx/, proxy: "http://127.0.0.1:$port(proxy)", tls: {ca: $ca}}, checks: ["version == '2'"]}
        """)
        seen = self.server.ask("/_count")["requests"]
        self.assertEqual(sum(n for what, n in seen.items() if what.startswith("proxy GET")), 1, seen)
        self.assertEqual(sum(n for what, n in seen.items() if what.startswith("proxy CONNECT")), 2, seen)

    def test_a_proxy_that_wants_a_password(self):
        self.passes("""
        - {id: plain, action: http.request, with: {url: $http/ok, proxy: "http://user:secret@127.0.0.1:$port(proxy-auth)"}, checks: ["status == 200"]}
        - {id: tls, action: http.request, with: {url: $https:good/ok, proxy: "http://user:secret@127.0.0.1:$port(proxy-auth)", tls: {ca: $ca}}, checks: ["status == 200"]}
        - {id: denied, action: http.request, with: {url: $http/ok, proxy: "http://127.0.0.1:$port(proxy-auth)"}, checks: ["status == 407"]}
        """)
        self.step_fails("""
        - {id: denied, action: http.request, with: {url: $https:good/ok, proxy: "http://127.0.0.1:$port(proxy-auth)", tls: {ca: $ca}}}
        """, "407")

    def test_the_environment_names_proxies(self):
        proxy = f"http://127.0.0.1:{self.server.ports['proxy']}"
        steps = """
        - {id: plain, action: http.request, with: {url: $http/ok}, checks: ["status == 200"]}
        - {id: tls, action: http.request, with: {url: $https:good/ok, tls: {ca: $ca}}, checks: ["status == 200"]}
        """

        def proxied(env, text=steps):
            self.server.clear()
            self.passes(text, env=env)
            return sum(n for what, n in self.server.ask("/_count")["requests"].items()
                       if what.startswith("proxy "))
        self.assertEqual(proxied({"HTTP_PROXY": proxy}), 1)
        self.assertEqual(proxied({"HTTPS_PROXY": proxy}), 1)
        self.assertEqual(proxied({"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy}), 2)
        self.assertEqual(proxied({"ALL_PROXY": proxy}), 2)
        self.assertEqual(proxied({"ALL_PROXY": proxy, "NO_PROXY": "localhost,127.0.0.1"}), 0)
        self.assertEqual(proxied({"ALL_PROXY": proxy, "NO_PROXY": "*"}), 0)
        self.assertEqual(proxied({"ALL_PROXY": proxy, "no_proxy": "other.test"}), 2)
        self.assertEqual(proxied({"ALL_PROXY": proxy}, """
        - {id: none, action: http.request, with: {url: $http/ok, proxy: none}, checks: ["status == 200"]}
        """), 0)

    def test_resolve_sends_a_name_where_it_says(self):
        self.passes("""
        - id: named
          action: http.request
          with: {url: "http://shop.test:$port(http)/echo", resolve: "shop.test:$port(http):127.0.0.1"}
          checks: ["any(h in json.headers: h == ['host', 'shop.test:$port(http)'])", "startsWith(remote, '127.0.0.1:')"]
        - id: six
          action: http.request
          with: {url: "http://shop.test:$port(http6)/echo", resolve: ["shop.test:*:[::1]"]}
          checks: ["json.peer == '::1'"]
        """)
        self.step_fails("""
        - {id: unknown, action: http.request, with: {url: "http://shop.invalid/"}}
        """, "shop.invalid")

    def test_ipv6_and_families(self):
        self.passes("""
        - {id: literal, action: http.request, with: {url: "$http6/echo"}, checks: ["json.peer == '::1'", "startsWith(remote, '[::1]:')"]}
        - {id: four, action: http.request, with: {url: "http://localhost:$port(http)/echo", family: ipv4}, checks: ["json.peer == '127.0.0.1'"]}
        """)

    def test_source_addresses_are_taken_in_turn(self):
        self.passes("""
        - {id: a, action: http.request, with: {url: $http/echo, freshConnection: true, sourceAddresses: [127.0.0.2, 127.0.0.3]}, extract: {peer: {json: $.peer}}}
        - {id: b, action: http.request, with: {url: $http/echo, freshConnection: true, sourceAddresses: [127.0.0.2, 127.0.0.3]}, extract: {peer: {json: $.peer}}, checks: ["sort([a.peer, b.peer]) == ['127.0.0.2', '127.0.0.3']"]}
        """)

    def test_what_cannot_be_an_address_is_a_load_error(self):
        for way, says in (("resolve: nonsense", "nonsense"), ("resolve: 'a:80:b'", "a:80:b"),
                          ("sourceAddresses: [nonsense]", "nonsense"),
                          ("proxy: 'socks5://127.0.0.1:1'", "socks5")):
            self.step_fails(f"- {{id: a, action: http.request, with: {{url: $http/ok, {way}}}}}",
                            says, code=104)


if __name__ == "__main__":
    unittest.main()
