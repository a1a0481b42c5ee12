#!/bin/sh
# What the style forbids and a compiler doesn't see: dangerous functions, and
# includes that point up a floor or out of a module.
bad=0

find src modules tests/unit -name '*.[ch]' -print |
    xargs grep -nE '(^|[^A-Za-z0-9_>.])(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|gets|strncpy|rand|srand|system|popen|tmpnam|alloca)\(' &&
    bad=1

# check_floor FOLDERS FORBIDDEN: no file of FOLDERS includes a FORBIDDEN folder.
check_floor() {
	for d in $1; do
		[ -d "src/$d" ] || continue
		grep -nE "^#include \"($2)/" "src/$d"/*.[ch] && bad=1
	done
}
check_floor migrate 'net|account|mailbox|delivery|smtp|imap|pop3|managesieve|jmap|web|admin|daemon'
check_floor base 'net|message|account|mailbox|delivery|trust|guard|exchange|smtp|imap|pop3|managesieve|jmap|web|admin|daemon'
check_floor "net message" 'account|mailbox|delivery|trust|guard|exchange|smtp|imap|pop3|managesieve|jmap|web|admin|daemon'
check_floor account 'delivery|trust|guard|exchange|smtp|imap|pop3|managesieve|jmap|web|admin|daemon'
check_floor mailbox 'delivery|trust|guard|exchange|smtp|imap|pop3|managesieve|jmap|web|admin|daemon'
check_floor delivery 'trust|guard|exchange|smtp|imap|pop3|managesieve|jmap|web|admin|daemon'
check_floor exchange 'trust|guard|smtp|imap|pop3|managesieve|jmap|web|admin|daemon'
check_floor trust 'guard|smtp|imap|pop3|managesieve|jmap|web|admin|daemon'
check_floor guard 'exchange|smtp|imap|pop3|managesieve|jmap|web|admin|daemon'
check_floor smtp 'imap|pop3|managesieve|jmap|web|http|admin|daemon'
check_floor imap 'smtp|pop3|managesieve|jmap|web|http|admin|daemon'
check_floor pop3 'smtp|imap|managesieve|jmap|web|http|admin|daemon'
check_floor managesieve 'smtp|imap|pop3|jmap|web|http|admin|daemon'
check_floor sieve 'delivery|exchange|migrate|trust|guard|smtp|imap|pop3|managesieve|jmap|web|http|admin|daemon'
check_floor http 'smtp|imap|pop3|managesieve|jmap|web|admin|daemon'
check_floor jmap 'smtp|imap|pop3|managesieve|web|admin|daemon'
check_floor web 'smtp|imap|pop3|managesieve|jmap|admin|daemon'
check_floor sendmail 'net|account|mailbox|delivery|trust|guard|exchange|smtp|imap|pop3|managesieve|jmap|web|admin|daemon'
grep -nE '^#include "(base|net|message|account|mailbox|delivery|smtp|imap|pop3)/' \
    modules/*/*.[ch] && bad=1
exit $bad
