# The one list of Debian and Ubuntu packages. quickstart needs the first part,
# runtests all of it.

build_packages="build-essential autoconf automake libtool autoconf-archive
pkg-config libgnutls28-dev nettle-dev libgmp-dev libgsasl-dev libsqlite3-dev libconfuse-dev
libjansson-dev libidn2-dev libcrypt-dev libcap-ng-dev libunistring-dev zlib1g-dev
libunbound-dev libpsl-dev publicsuffix libpq-dev libcurl4-gnutls-dev curl"

test_packages="libcriterion-dev clang libclang-rt-dev clang-format clang-tidy
python3 gnutls-bin openssl swaks libnet-ssleay-perl msmtp mutt bsd-mailx isync fetchmail getmail6 mblaze procmail offlineimap3 sieve-connect mandoc git
xz-utils libnss-myhostname postgresql rspamd
iproute2 chromium haproxy nsd ldnsutils opendkim-tools python3-dkim python3-authres python3-nacl
python3-cryptography certbot"

# What `make bench` measures against and installs without starting it; with
# them tests/system/test_migrate.py moves from a real Dovecot and back.
bench_packages="dovecot-core dovecot-imapd dovecot-lmtpd dovecot-pop3d postfix"

# `make bench-queue` measures against these, too, unpacked as the following are.
bench_foreign_packages="opensmtpd"

# Unpacked below build/foreign and never installed: they conflict with each
# other or start services. tests/system/test_world.py and others run them.
foreign_packages="postfix exim4-daemon-light unbound opendmarc"
