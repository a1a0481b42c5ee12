"""A browser without a face: HTTP with a cookie, as the web client uses it."""

import http.client
import json


class Browser:
    def __init__(self, server):
        self.connection = http.client.HTTPConnection(
            server.host, server.ports["http"], timeout=60)
        self.cookie = None
        self.ours = True  # sends what other sites cannot

    def close(self):
        self.connection.close()

    def ask(self, method, path, root=None, **fields):
        """Status, content (parsed when it is JSON), fields."""
        if self.ours:
            fields["X-Postern"] = "1"
        if self.cookie:
            fields["Cookie"] = self.cookie
        body = None
        if root is not None:
            body = root if isinstance(root, (bytes, str)) else json.dumps(root)
            fields.setdefault("Content-Type", "application/json")
        self.connection.request(
            method, path, body,
            {k.replace("_", "-"): v for k, v in fields.items()})
        answer = self.connection.getresponse()
        text = answer.read()
        if "json" in (answer.getheader("Content-Type") or ""):
            text = json.loads(text)
        set_cookie = answer.getheader("Set-Cookie")
        if set_cookie is not None:
            self.cookie = set_cookie.partition(";")[0]
        return answer.status, text, answer

    def login(self, user, password, **more):
        """The status."""
        return self.ask("POST", "/web/login",
                        {"user": user, "password": password, **more})[0]
