#!/usr/bin/env python3
"""http.request through the real binary: bodies, headers, redirects, credentials, codings, streams."""
import hashlib
import hmac
import json
import os
import unittest

from ronda_case import RondaCase


class MessageTest(RondaCase):
    def test_method_query_and_headers_go_out_as_written(self):
        self.passes("""
        - id: ask
          action: http.request
          with:
            method: PUT
            url: $http/echo?a=1
            query: {b: "x y&z", list: [1, 2], nothing: null}
            headers: {X-Own: "1", X-Twice: [a, b], User-Agent: mine}
          checks:
          - "status == 200"
          - "json.method == 'PUT'"
          - "json.target == '/echo?a=1&b=x%20y%26z&list=1&list=2'"
          - "['x-own', '1'] in json.headers"
          - "['x-twice', 'a'] in json.headers and ['x-twice', 'b'] in json.headers"
          - "['user-agent', 'mine'] in json.headers and count(h in json.headers: h[0] == 'user-agent') == 1"
        """)

    def test_each_kind_of_body_arrives_with_its_type(self):
        self.write("body.bin", bytes(range(256)) * 400)
        self.passes("""
        - id: plain
          action: http.request
          with: {method: POST, url: $http/echo, body: "plain"}
          checks: ["json.body == 'plain'"]
        - id: asJson
          action: http.request
          with: {method: POST, url: $http/echo, json: {n: 1, f: 1.5, b: true, z: null, l: [1], t: "${plain.status}"}}
          checks:
          - "parseJson(json.body) == {n: 1, f: 1.5, b: true, z: null, l: [1], t: 200}"
          - "['content-type', 'application/json'] in json.headers"
        - id: form
          action: http.request
          with: {method: POST, url: $http/echo, form: {a: "x y", b: [1, 2]}}
          checks:
          - "json.body == 'a=x+y&b=1&b=2'"
          - "['content-type', 'application/x-www-form-urlencoded'] in json.headers"
        - id: file
          action: http.request
          with: {method: POST, url: $http/echo, file: body.bin}
          checks: ["len(json.body) == 102400"]
        """)

    def test_multipart_names_types_and_files(self):
        self.write("cat.png", b"\x89PNG" + b"\0" * 100_000)
        self.passes("""
        - id: up
          action: http.request
          with:
            method: POST
            url: $http/multipart
            multipart:
            - {name: field, value: "hello ${1 + 1}"}
            - {name: meta, value: '{"a": 1}', type: application/json}
            - {name: note, value: text, filename: note.txt}
            - {name: cat, file: cat.png}
            - {name: other, file: cat.png, filename: x.bin, type: application/x-own}
          checks:
          - "json.field == {filename: null, type: 'text/plain', size: 7, text: 'hello 2'}"
          - "json.meta.filename == null and json.meta.type == 'application/json'"
          - "json.note.filename == 'note.txt' and json.note.type == 'text/plain'"
          - "json.cat.filename == 'cat.png' and json.cat.type == 'image/png' and json.cat.size == 100004"
          - "json.other.filename == 'x.bin' and json.other.type == 'application/x-own'"
        """)

    def test_a_compressed_body_says_so(self):
        self.passes("""
        - id: up
          action: http.request
          with: {method: POST, url: $http/echo, body: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", compress: gzip}
          checks:
          - "['content-encoding', 'gzip'] in json.headers"
          - "len(json.body) < 46"
        """)

    def test_content_codings_are_undone_unless_told_otherwise(self):
        self.passes("\n".join(f"""
        - id: {coding}
          action: http.request
          with: {{url: $http/{coding}}}
          checks: ["body == 'hello compressed world'", "size == 22"]
        """ for coding in ("gzip", "deflate", "br", "zstd")).replace("\n\n", "\n"))
        self.passes("""
        - id: raw
          action: http.request
          with: {url: $http/gzip, decompress: false}
          checks: ["body != 'hello compressed world'", "headers['content-encoding'] == 'gzip'"]
        """)

    def test_a_header_cannot_smuggle_a_line(self):
        done = self.step_fails("""
        - id: smuggle
          action: http.request
          with: {url: $http/echo, headers: {X-A: "${params.evil}"}}
        """, top='params: {evil: {type: string, default: "a\\r\\nX-B: b"}}')
        self.assertEqual(self.server.requests("/echo"), 0, str(done))

    def test_saved_bodies_are_the_files_bytes(self):
        self.passes("""
        - id: get
          action: http.request
          with: {url: "$http/bytes?n=200000", saveTo: got.bin}
          checks: ["status == 200"]
        """)
        with open(os.path.join(self.folder, "got.bin"), "rb") as got:
            self.assertEqual(got.read(), b"x" * 200_000)

    def test_phases_are_in_the_results_and_add_up(self):
        done = self.passes("""
        - id: slow
          action: http.request
          with: {url: "$https:good/delay?ms=50", tls: {ca: $ca}}
          checks:
          - "connect > 0ms and tls > 0ms and firstByte >= 45ms and latency >= firstByte + tls"
          - "reused == false"
        - id: again
          action: http.request
          with: {url: $https:good/ok, tls: {ca: $ca}}
          checks: ["reused and connect == 0ms and tls == 0ms and dns == 0ms"]
        """)
        self.assertIn("phases", json.dumps(done.report))


class RedirectTest(RondaCase):
    def test_method_and_body_follow_the_standard(self):
        steps = ""
        for code, method in ((301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")):
            body = "x" if method == "POST" else ""
            steps += f"""
        - id: r{code}
          action: http.request
          with: {{method: POST, url: "$http/redirect/status?code={code}", body: x}}
          checks: ["json.method == '{method}' and json.body == '{body}'", "redirects == 1", "endsWith(url, '/echo')"]
"""
        self.passes(steps.replace("\n\n", "\n"))

    def test_limits_and_dead_ends_are_told(self):
        self.passes("""
        - {id: chain, action: http.request, with: {url: "$http/redirect/chain?n=5"}, checks: ["status == 200 and redirects == 5"]}
        - {id: none, action: http.request, with: {url: "$http/redirect/chain?n=5", redirects: 0}, checks: ["status == 302"]}
        - {id: nowhere, action: http.request, with: {url: "$http/redirect/nowhere"}, checks: ["status == 302"]}
        - {id: relative, action: http.request, with: {url: "$http/redirect/relative"}, checks: ["status == 200"]}
        """)
        self.step_fails("- {id: loop, action: http.request, with: {url: $http/redirect/loop}}",
                        "more than 10 redirects")
        self.step_fails("- {id: odd, action: http.request, with: {url: $http/redirect/odd}}",
                        "gopher")

    def test_a_file_is_sent_again_when_the_redirect_asks_for_it(self):
        self.write("body.txt", "from a file")
        self.passes("""
        - {id: file, action: http.request, with: {method: POST, url: "$http/redirect/status?code=307", file: body.txt}, checks: ["json.body == 'from a file'"]}
        - id: parts
          action: http.request
          with: {method: POST, url: "$http/redirect/status?code=308", multipart: [{name: f, file: body.txt}]}
          checks: ["contains(json.body, 'from a file')"]
        """)

    def test_credentials_stay_with_their_origin(self):
        for secret in ("bearer: sesame", "basic: {user: user, password: sesame}",
                       "headers: {Authorization: sesame}", "headers: {Cookie: sesame}",
                       "cookies: {c: sesame}"):
            self.passes("""
            - id: away
              action: http.request
              with: {url: $http/redirect/away, SECRET}
              checks:
              - "status == 200 and redirects == 1 and not contains(body, 'sesame') and not contains(lower(body), 'authorization')"
              - "contains(body, 'localhost')"
            """.replace("SECRET", secret))

    def test_a_host_header_stays_with_its_origin(self):
        self.passes("""
        - id: away
          action: http.request
          with: {url: $http/redirect/away, headers: {Host: shop.test}}
          checks: ["not contains(body, 'shop.test')"]
        """)

    def test_the_timeout_covers_all_hops(self):
        self.step_fails("""
        - id: endless
          action: http.request
          with: {url: "$http/redirect/endless", redirects: 50, timeout: 100ms}
        """, code=99)


class CredentialTest(RondaCase):
    def test_basic_bearer_and_those_in_the_url(self):
        self.passes("""
        - {id: basic, action: http.request, with: {url: $http/auth/basic, basic: {user: user, password: secret}}, checks: ["status == 200"]}
        - {id: wrong, action: http.request, with: {url: $http/auth/basic, basic: {user: user, password: no}}, checks: ["status == 401"]}
        - {id: bearer, action: http.request, with: {url: $http/auth/bearer, bearer: token-of-the-user}, checks: ["status == 200"]}
        - {id: inUrl, action: http.request, with: {url: "http://user:secret@127.0.0.1:$port(http)/auth/basic"}, checks: ["status == 200"]}
        """)

    def test_digest_answers_the_challenge_once_and_then_in_advance(self):
        for algorithm in ("MD5", "SHA-256"):
            self.server.clear()
            self.passes(f"""
            - {{id: one, action: http.request, with: {{url: "$http/auth/digest?algorithm={algorithm}", digest: {{user: user, password: secret}}}}, checks: ["status == 200"]}}
            - {{id: two, action: http.request, with: {{url: "$http/auth/digest?algorithm={algorithm}", digest: {{user: user, password: secret}}}}, checks: ["status == 200"]}}
            """)
            self.assertEqual(self.server.requests("/auth/digest"), 3)

    def test_a_wrong_digest_password_ends_after_one_answer(self):
        self.passes("""
        - {id: wrong, action: http.request, with: {url: $http/auth/digest, digest: {user: user, password: no}}, checks: ["status == 401"]}
        """)
        self.assertEqual(self.server.requests("/auth/digest"), 2)

    def test_a_challenged_body_is_sent_again_whole(self):
        self.write("body.txt", "from a file")
        self.passes("""
        - {id: file, action: http.request, with: {method: POST, url: $http/auth/digest, file: body.txt, digest: {user: user, password: secret}}, checks: ["status == 200"]}
        """)
        self.passes("""
        - id: parts
          action: http.request
          with: {method: POST, url: $http/auth/digest, multipart: [{name: f, file: body.txt}], digest: {user: user, password: secret}}
          checks: ["status == 200"]
        """)

    def test_a_signature_is_what_the_server_computes(self):
        done = self.passes("""
        - id: signed
          action: http.request
          with:
            method: POST
            url: "$http/echo?q=1"
            json: {a: 1}
            sign: {key: k-1, timestampHeader: X-Time, nonceHeader: X-Nonce}
          extract: {seen: {json: $}}
          checks: ["status == 200"]
        - id: own
          action: http.request
          with:
            method: POST
            url: "$http/echo"
            body: payload
            sign: {key: k-1, algorithm: sha512, encoding: base64, data: "${request.method} ${request.body}", header: Authorization, format: "Own ${request.signature}"}
          checks: ["contains(body, 'Own ')"]
        """)
        seen = exchanges(done.err)
        headers = dict(seen[0]["headers"])  # the server writes names in lower case
        body_hash = hashlib.sha256(seen[0]["body"].encode()).hexdigest()
        data = f"POST\n/echo\nq=1\n{headers['x-time']}\n{body_hash}"
        self.assertEqual(headers["x-signature"],
                         hmac.new(b"k-1", data.encode(), hashlib.sha256).hexdigest())
        self.assertEqual(len(headers["x-nonce"]), 36)
        self.assertNotIn("k-1", done.err + done.out)

    def test_cookies_of_a_user_and_of_a_step(self):
        self.passes("""
        - {id: set, action: http.request, with: {url: "$http/cookies/set?a=1&b=2"}, checks: ["cookies.a == '1'"]}
        - id: show
          action: http.request
          with: {url: $http/cookies/show, cookies: {own: "3"}}
          checks: ["json == {a: '1', b: '2', deep: '1', own: '3'}"]
        - {id: drop, action: http.request, with: {url: "$http/cookies/drop?a"}}
        - {id: after, action: http.request, with: {url: $http/cookies/show}, checks: ["json.a == null and json.b == '2'"]}
        """)
        self.passes("""
        - {id: set, action: http.request, with: {url: "$http/cookies/set?a=1"}}
        - {id: show, action: http.request, with: {url: $http/cookies/show, cookies: {own: "3"}}, checks: ["json == {own: '3'}"]}
        """, top="http: {cookies: off}")


def exchanges(text):
    """The JSON bodies of the responses that `-v` printed."""
    return [json.loads(line.strip()[2:]) for line in text.splitlines()
            if line.strip().startswith("< {")]


class StreamTest(RondaCase):
    def test_server_sent_events_end_when_told(self):
        self.passes("""
        - {id: all, action: http.request, with: {url: "$http/sse?n=3", stream: {}}, checks: ["events == 3 and firstEvent > 0ms and status == 200"]}
        - {id: some, action: http.request, with: {url: "$http/sse?n=0", stream: {maxEvents: 2}}, checks: ["events == 2"]}
        - {id: until, action: http.request, with: {url: "$http/sse?n=0", stream: {until: "event.id == '3' and event.type == 'tick' and contains(event.data, 'more')"}}, checks: ["events == 3"]}
        - {id: for, action: http.request, with: {url: "$http/sse?n=0", stream: {for: 100ms}}, checks: ["events > 1 and status == 200 and headers['content-type'] == 'text/event-stream'"]}
        - {id: lines, action: http.request, with: {url: "$http/sse?n=2", stream: {format: lines}}, checks: ["events == 12"]}
        - {id: bytes, action: http.request, with: {url: "$http/bytes?n=300000", stream: {format: bytes}}, checks: ["events > 1 and received > 300000"]}
        """)

    def test_a_stream_that_says_nothing_is_a_failure(self):
        self.step_fails("""
        - {id: silent, action: http.request, with: {url: $http/half-open, stream: {for: 100ms}}}
        """, "nothing came")


if __name__ == "__main__":
    unittest.main()
