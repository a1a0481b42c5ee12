#!/bin/sh
# Every configuration key is documented in postern.conf(5): as ".It Cm name"
# below the ".Ss section" it belongs to ("Top level" for those in none).
# $1: posternd
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
	if (!((section "." $1) in documented)) {
		print "postern.conf.5 lacks " (section == "" ? "" : section ".") $1
		bad = 1
	}
}
END { exit bad }
' man/postern.conf.5 - <<END
$("$1" -T --set hostname=mail.example.org --set listener.imap.port=143 \
    --set certificate.x.certificate=/c --set certificate.x.key=/k \
    -c /dev/null)
END
