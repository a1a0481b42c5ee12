"""Other servers as hosts of world.py: Debian's Postfix and Exim, each with a
configuration of its own in the host's directory, without what the system has.
Mail for their domain is kept as Maildirs."""

import os

from world import end, find_in, fingerprint, make_certificate

POSTFIX = """\
compatibility_level = 3.6
myhostname = mx.{domain}
mydestination =
mynetworks = 127.0.0.0/8 {v4}
inet_interfaces = {v4} {v6}
inet_protocols = all
queue_directory = {dir}/spool
data_directory = {dir}/data
mail_owner = postfix
setgid_group = postdrop
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {dir}/mail
virtual_mailbox_maps = inline:{{ {maps} }}
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
alias_maps =
smtpd_tls_cert_file = {dir}/crt
smtpd_tls_key_file = {dir}/key
smtpd_tls_security_level = may
smtp_tls_security_level = dane
smtp_dns_support_level = dnssec
smtp_tls_loglevel = 1
smtp_address_preference = any
smtputf8_enable = yes
maillog_file = {dir}/maillog
maillog_file_prefixes = /
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
"""
SERVICES = """\
smtp inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

EXIM = """\
primary_hostname = mx.{domain}
domainlist local_domains = {domain}
local_interfaces = <; {v4} ; {v6} ; 127.0.0.1
daemon_smtp_ports = 25
spool_directory = {dir}/spool
log_file_path = {dir}/%slog
pid_file_path = {dir}/pid
exim_user = {user}
exim_group = {user}
never_users = root
tls_advertise_hosts = *
tls_certificate = {dir}/crt
tls_privatekey = {dir}/key
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
chunking_advertise_hosts = *
acl_smtp_rcpt = check_rcpt
dns_dnssec_ok = 1
keep_environment =

begin acl
check_rcpt:
	accept hosts = : 127.0.0.1 : {v4}
	require verify = recipient
	accept

begin routers
local:
	driver = accept
	domains = +local_domains
	local_parts = {parts}
	transport = maildir
nobody:
	driver = redirect
	domains = +local_domains
	allow_fail
	data = :fail: there is no such user
remote:
	driver = dnslookup
	transport = smtp
	dnssec_request_domains = *
	no_more

begin transports
maildir:
	driver = appendfile
	maildir_format
	directory = {dir}/mail/${{local_part_data}}
	user = {user}
smtp:
	driver = smtp
	hosts_try_dane = *
	dnssec_request_domains = *

begin retry
* * F,1d,1s
"""


class Peer:
    """What both have in common."""

    def __init__(self, host, domain, users):
        self.place = host
        self.domain = domain
        self.users = users
        self.dir = os.path.join(host.dir, "peer")
        os.mkdir(self.dir)
        os.chmod(self.dir, 0o755)
        self.certificate = make_certificate(self.dir, "mx." + domain)
        self.process = None

    def zone(self, *more):
        return ["@ MX 10 mx", "mx A " + self.place.v4,
                "mx AAAA " + self.place.v6, '@ TXT "v=spf1 mx -all"',
                'mx TXT "v=spf1 a -all"',
                "_25._tcp.mx TLSA 3 1 1 " + fingerprint(self.certificate),
                *more]

    def address(self, user):
        return "%s@%s" % (user, self.domain)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def own(self, path, user):
        self.place.run("chown", user, path)

    def inbox(self, user, text):
        """The messages of a user that contain `text`."""
        found = []
        new = self.path("mail", user, "new")
        for name in os.listdir(new) if os.path.isdir(new) else ():
            with open(os.path.join(new, name), "rb") as f:
                m = f.read()
            if text.encode() in m:
                found.append(m)
        return found

    def log(self):
        text = ""
        for name in ("maillog", "mainlog", "paniclog", "log"):
            if os.path.exists(self.path(name)):
                with open(self.path(name), errors="replace") as f:
                    text += f.read()
        return text

    def serve(self, *command):
        self.process = self.place.start(*command, log=self.path("log"))
        self.place.world.ending.append(self.stop)
        try:
            self.place.wait_for_port(25, process=self.process)
        except OSError as e:
            raise RuntimeError("%s\n%s" % (e, self.log())) from None
        return self


class Postfix(Peer):
    OVER = "postfix"

    def start(self, resolver):
        self.place.add_users("postfix", "postdrop")
        self.place.resolver(resolver)
        uid = int(self.place.run("id", "-u", "postfix"))
        etc = self.path("etc")
        for name in ("etc", "spool", "data", "mail"):
            os.mkdir(self.path(name))
        self.own(self.path("data"), "postfix")
        self.own(self.path("mail"), "postfix")
        with open(os.path.join(etc, "main.cf"), "w") as f:
            f.write(POSTFIX.format(
                domain=self.domain, dir=self.dir, v4=self.place.v4,
                v6=self.place.v6, uid=uid, maps=" ".join(
                    "{ %s = %s/ }" % (self.address(u), u)
                    for u in self.users)))
        with open(os.path.join(etc, "master.cf"), "w") as f:
            f.write(SERVICES)
        # `postfix start-fg` wants the whole installation to be in order.
        for name in ("active", "bounce", "corrupt", "defer", "deferred",
                     "flush", "hold", "incoming", "private", "public",
                     "maildrop", "pid", "saved", "trace"):
            os.mkdir(self.path("spool", name))
            if name != "pid":
                self.own(self.path("spool", name), "postfix")
        return self.serve(self.place.run(
            "sh", "-c", "ls /usr/lib/postfix/sbin/master"
            " /usr/libexec/postfix/master 2>/dev/null | head -n 1").strip(),
            "-c", etc, "-d")

    def stop(self):
        end(self.process)


class Exim(Peer):
    OVER = "exim4-daemon-light"

    def start(self, resolver):
        user = "Debian-exim"
        # Only the file that is compiled in is trusted: a tree with it, before
        # single files are put over it.
        top = self.path("over", "etc", "exim4")
        os.makedirs(top)
        with open(os.path.join(top, "exim4.conf"), "w") as f:
            f.write(EXIM.format(
                domain=self.domain, dir=self.dir, v4=self.place.v4,
                v6=self.place.v6, user=user, parts=" : ".join(self.users)))
        self.place.cover(self.path("over"))
        self.place.add_users(user)
        self.place.resolver(resolver)
        for name in ("spool", "mail"):
            os.mkdir(self.path(name))
            self.own(self.path(name), user)
        self.own(self.dir, user)
        self.own(self.path("key"), user)
        self.serve(find_in(self.place, "exim4"), "-bdf", "-q1s")
        return self

    def stop(self):
        end(self.process)
