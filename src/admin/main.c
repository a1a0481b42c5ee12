/*
 * main.c - posternctl, the administration command.
 */
#include "admin/ctl.h"

int
main(int argc, char **argv)
{
	return ctl_main(argc, argv);
}
