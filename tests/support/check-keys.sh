#!/bin/sh
# Every configuration key is documented in postern.conf(5): as ".It Cm name"
# below the ".Ss section" it belongs to ("Top level" for those in none).
# And nothing else is. $1: posternd
awk '
FNR == NR {
	if ($1 == ".Ss") {
		section = $2
		for (i = 3; i <= NF; i++)
			section = section " " $i
		if (section == "Top level")
			section = ""
	} else if ($1 == ".It" && $2 == "Cm") {
		documented[section "." $3] = 1
	}
	next
}
FNR == 1 { section = "" }
/^[a-z]/ && /{$/ { section = $1; next }
/^}/ { section = ""; next }
/ = / {
	known[section "." $1] = 1
	if (!((section "." $1) in documented)) {
		print "postern.conf.5 lacks " (section == "" ? "" : section ".") $1
		bad = 1
	}
}
END {
	for (key in documented)
		if (!(key in known)) {
			print "postern.conf.5 has " key ", which is no key"
			bad = 1
		}
	exit bad
}
' man/postern.conf.5 - <<END
$("$1" -T --set hostname=mail.example.org --set listener.imap.port=143 \
    --set certificate.x.certificate=/c --set certificate.x.key=/k \
    --set domains=x.test --set domain.x.test.storage=maildir \
    --set hide.x.capabilities=IDLE --set filter.x.search=ALL \
    --set dnslist.x.zone=x.test --set milter.x.socket=/m \
    --set retention.x.mailbox=x --set retention.x.age=1d \
    --set sending_users.x.users=x \
    --set local.x.users=x --set local.x.addresses=x \
    --set relay.x.host=x.test --set destination.x.domains=x.test \
    -c /dev/null)
END
