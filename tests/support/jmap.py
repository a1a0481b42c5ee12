"""A JMAP client for tests: small, and exact about what it expects."""

import base64
import http.client
import json

CORE = "urn:ietf:params:jmap:core"
MAIL = "urn:ietf:params:jmap:mail"
SUBMISSION = "urn:ietf:params:jmap:submission"
QUOTA = "urn:ietf:params:jmap:quota"


class Jmap:
    """One user's connection; `using` is what the calls name."""

    def __init__(self, server, user="user1@example.test", password=None):
        self.server = server
        self.user = user
        self.using = [CORE, MAIL, SUBMISSION, QUOTA]
        pair = ("%s:%s" % (user, password or server.password)).encode()
        self.auth = {"Authorization":
                     "Basic " + base64.b64encode(pair).decode()}
        self.connection = http.client.HTTPConnection(
            server.host, server.ports["http"], timeout=30)
        self.session = json.loads(self.get("/.well-known/jmap")[1])
        self.account = next(iter(self.session["accounts"]))

    def close(self):
        self.connection.close()

    def request(self, method, path, body=None, **fields):
        """Status, content, fields."""
        self.connection.request(method, path, body,
                                {**self.auth,
                                 **{k.replace("_", "-"): v
                                    for k, v in fields.items()}})
        answer = self.connection.getresponse()
        return answer.status, answer.read(), answer

    def get(self, path):
        return self.request("GET", path)

    def post(self, root):
        return self.request("POST", "/jmap/api", json.dumps(root),
                            Content_Type="application/json")

    def raw(self, *calls):
        status, text, _ = self.post({
            "using": self.using,
            "methodCalls": [[name, {"accountId": self.account, **args},
                             "c%d" % i]
                            for i, (name, args) in enumerate(calls)]})
        assert status == 200, (status, text)
        return json.loads(text)["methodResponses"]

    def calls(self, *calls):
        """The arguments of the responses; an error is an exception."""
        responses = self.raw(*calls)
        for name, args, _ in responses:
            if name == "error":
                raise AssertionError(args)
        return [args for _, args, _ in responses]

    def call(self, name, **args):
        return self.calls((name, args))[0]

    def error(self, name, **args):
        """The type of the error that it must be."""
        got = self.raw((name, args))[0]
        assert got[0] == "error", got
        return got[1]["type"]

    def mailboxes(self):
        """Ids by role."""
        found = self.call("Mailbox/get", ids=None)["list"]
        return {m["role"]: m["id"] for m in found if m["role"]}

    def url(self, which, **values):
        url = self.session[which]
        for key, value in values.items():
            url = url.replace("{%s}" % key, value)
        return url[url.index("/", len("http://")):]

    def upload(self, content, content_type="text/plain"):
        status, text, _ = self.request(
            "POST", self.url("uploadUrl", accountId=self.account), content,
            Content_Type=content_type)
        assert status == 201, (status, text)
        return json.loads(text)

    def download(self, blob, name="file", type="text/plain"):
        return self.request(
            "GET", self.url("downloadUrl", accountId=self.account,
                            blobId=blob, name=name, type=type))

    def create(self, mailbox, **email):
        """Makes a message; what the server says of it."""
        keywords = email.pop("keywords", {})
        answer = self.call("Email/set", create={"new": {
            "mailboxIds": {mailbox: True}, "keywords": keywords, **email}})
        assert answer["created"] is not None, answer
        return answer["created"]["new"]

    def email(self, id, *properties, **more):
        got = self.call("Email/get", ids=[id],
                        properties=list(properties) or None, **more)
        return got["list"][0] if got["list"] else None
