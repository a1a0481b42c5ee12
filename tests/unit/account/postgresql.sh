#!/bin/sh
# The tests of accounts over a database that the PostgreSQL module lends, in a
# cluster of their own. All but those about the SQLite file.
support=$top_srcdir/tests/support
POSTERN_TEST_DATABASE_MODULE=$top_builddir/.libs/postgresql.so
if [ ! -e "$POSTERN_TEST_DATABASE_MODULE" ] ||
    ! PYTHONPATH=$support python3 -c '
import cluster, sys
sys.exit(cluster.programs() is None)'; then
	echo "no PostgreSQL"
	exit 77
fi
if [ -z "$POSTERN_CLUSTER" ]; then
	exec python3 "$support/cluster.py" sh "$0"
fi
POSTERN_TEST_DATABASE=$(python3 "$support/cluster.py" \
    --database "accounts_$$") || exit 1
export POSTERN_TEST_DATABASE POSTERN_TEST_DATABASE_MODULE
# They wait more than they compute.
UNIT_JOBS=4
export UNIT_JOBS
status=0
for test in accounts auth copy factors lent password resets resolve sasl \
    sessions; do
	sh "$support/unit.sh" tests/unit/account/test_$test \
	    --filter '!(accounts_file)/*' || status=1
done
exit $status
