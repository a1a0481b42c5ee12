#!/bin/sh
# Runs a command of OpenSMTPD's from an unpacked package, as `unshare --mount
# --propagation private` starts this: its paths and users are compiled in, so
# they are there in this mount namespace, and nowhere else. $1: the package's
# tree; $2: a directory for its queue and the files of its users.
set -e
tree=$1
work=$2
shift 2
mount -t overlay overlay -o "lowerdir=$tree/usr:/usr" /usr
mkdir -p "$work/etc" "$work/spool"
chmod 711 "$work/spool"
cp /etc/passwd /etc/group "$work/etc/"
id=5101
for user in opensmtpd opensmtpq; do
	grep -q "^$user:" /etc/passwd ||
		echo "$user:x:$id:$id::/var/lib/opensmtpd/empty:/usr/sbin/nologin" \
		    >>"$work/etc/passwd"
	grep -q "^$user:" /etc/group ||
		echo "$user:x:$id:" >>"$work/etc/group"
	id=$((id + 1))
done
mount --bind "$work/etc/passwd" /etc/passwd
mount --bind "$work/etc/group" /etc/group
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/lib
mkdir -p /var/lib/opensmtpd/empty
# The queue itself is on the disk.
mount -t tmpfs -o mode=755 tmpfs /var/spool
mkdir /var/spool/smtpd
mount --bind "$work/spool" /var/spool/smtpd
exec "$@"
