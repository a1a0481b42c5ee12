/*
 * main.c - postern-sendmail, which is in sendmail.c.
 */
#include "sendmail/sendmail.h"

int
main(int argc, char **argv)
{
	return sendmail_main(argc, argv);
}
